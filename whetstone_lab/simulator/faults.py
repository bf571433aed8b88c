"""``Faults``: what is wrong with the hardware that a network runs on. Seeded: the same from run to run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from whetstone_lab.simulator.network import Network, Node
from whetstone_lab.simulator.operations import Neurons

#: The faults, which are arguments of :class:`Faults`, and what each is a number of, in words.
FAULTS = {
    "dead": "neurons that never fire", "stuck": "neurons that always fire",
    "jitter": "standard deviation of the thresholds", "noise": "standard deviation of the potentials' noise",
    "lost": "spikes that get lost", "bits": "bits of a weight",
}


@dataclass(frozen=True)
class Faults:
    """What is wrong with the neurons and synapses that a network runs on; give it to ``run`` or ``predict``.

    The seed chooses who is hit and how. More of a fault hits the same neurons and some others, so that a sweep over it
    compares like with like.

    Args:
        dead: Share of the neurons that never fire, in [0, 1]. Default: 0.
        stuck: Share of the neurons that always fire, in [0, 1]; no neuron is both. Whatever their reset, their
            potential is 0 after each spike. Default: 0.
        jitter: Standard deviation of what is added to each neuron's threshold once and for all. Default: 0.
        noise: Standard deviation of what is added to each neuron's membrane potential each time it is compared.
            Default: 0.
        lost: Share of the spikes that never arrive, and are not recorded, in [0, 1]. Default: 0.
        bits: Bits of a weight, at least 2: each layer's weights are rounded to ``2^bits - 1`` levels, as many below
            zero as above, up to its largest. Biases, which are thresholds on a chip, stay. Default: None, as they are.
        seed: Seed of all draws. Default: 0.

    Raises:
        ValueError: A share is outside [0, 1], a deviation is negative, or there are fewer than 2 bits.

    Example:
        >>> from whetstone_lab.simulator import operations
        >>> network = Network((1,), [operations.Dense([[0.8, -0.4, 1.0]]), operations.Neurons(0.5)])
        >>> Faults(bits=2).damage(network).nodes[0].operation.weights.tolist()
        [[1.0, -0.0, 1.0]]
    """

    dead: float = 0.0
    stuck: float = 0.0
    jitter: float = 0.0
    noise: float = 0.0
    lost: float = 0.0
    bits: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("dead", "stuck", "lost"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"Expected {name} to be a share in [0, 1]; got {getattr(self, name)!r}.")
        if self.dead + self.stuck > 1:
            raise ValueError(f"Expected dead and stuck neurons to be at most all; got {self.dead} and {self.stuck}.")
        for name in ("jitter", "noise"):
            if not 0 <= getattr(self, name) < np.inf:
                raise ValueError(f"Expected {name} to be a deviation of at least 0; got {getattr(self, name)!r}.")
        for name, least in (("bits", 2), ("seed", 0)):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, (int, np.integer))
                                      or value < least):
                raise ValueError(f"Expected {name} to be an integer of at least {least}; got {value!r}.")

    @property
    def fleeting(self) -> bool:
        """Whether some come anew each time: noise and lost spikes. The others last."""
        return bool(self.noise or self.lost)

    def damage(self, network: Network) -> Network:
        """The network with the faults that last: dead and stuck neurons, jittered thresholds, rounded weights."""
        if not (self.dead or self.stuck or self.jitter or self.bits):
            return network
        layers = {name: number for number, name in enumerate(network.layers)}
        nodes = []
        for node in network.nodes:
            operation: Any = node.operation
            if isinstance(operation, Neurons):
                operation = replace(operation, threshold=self._thresholds(
                    operation.threshold, network.shapes[node.name], layers[node.name], network.dtype))
            elif self.bits:
                operation = operation.map_weights(partial(_rounded, bits=self.bits))
            nodes.append(Node(node.name, operation, node.inputs))
        return network.with_nodes(nodes)

    def disturb(self, layer: int, potential: np.ndarray, start: int) -> np.ndarray:
        """The potentials of a layer with noise; ``start`` is the number of the first sample."""
        if not self.noise:
            return potential
        drawn = [self._draw(0, layer, start + number).standard_normal(potential.shape[1:])
                 for number in range(len(potential))]
        return potential + (self.noise * np.array(drawn)).astype(potential.dtype)

    def arrive(self, layer: int, spikes: np.ndarray, start: int) -> np.ndarray:
        """Which spikes of a layer arrive; ``start`` is the number of the first sample."""
        if not self.lost:
            return spikes
        drawn = [self._draw(1, layer, start + number).random(spikes.shape[1:]) for number in range(len(spikes))]
        return spikes & (np.array(drawn) >= self.lost)

    def _draw(self, *what: int) -> np.random.Generator:
        return np.random.default_rng([int(self.seed), *what])

    def _thresholds(self, threshold: np.ndarray, shape: Sequence[int], layer: int, dtype: np.dtype) -> np.ndarray:
        shifted = threshold + self.jitter * self._draw(2, layer).standard_normal(shape)
        fate = self._draw(3, layer).random(shape)
        # No potential is out of reach but by these: thresholds are finite.
        never = np.finfo(dtype).max
        shifted[fate < self.dead] = never
        shifted[fate >= 1 - self.stuck] = -never
        return shifted.astype(dtype)


def _rounded(weights: np.ndarray, bits: int) -> np.ndarray:
    largest = np.abs(weights).max(initial=0)
    if not largest:
        return weights
    step = largest.astype(np.float64) / (2 ** (bits - 1) - 1)
    # In doubles, whatever NumPy makes of float32 and a double: what lies halfway between two levels goes one way.
    return (np.round(weights.astype(np.float64) / step) * step).astype(weights.dtype)

"""What a network costs to run: spikes, additions, products, time steps and an estimate of the energy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from whetstone_lab.simulator.network import INPUT, Network
from whetstone_lab.simulator.operations import Neurons
from whetstone_lab.simulator.runner import batches, check_inputs, count_steps, fire

#: Joules of an addition and of a multiplication of 32-bit floats, in a 45 nm process at 0.9 V. Source: Horowitz,
#: "Computing's energy problem (and what we can do about it)", ISSCC 2014, figure 1.1.9. Memory, which costs more than
#: either, wires and clocks are left out, on both sides of every comparison.
ADD, MULTIPLY = 0.9e-12, 3.7e-12


@dataclass(frozen=True)
class Costs:
    """What samples cost on a spiking network, beside its ReLU twin: the same layers without spikes.

    Attributes:
        spikes: Spikes of each sample, shape ``(samples,)``.
        additions: Synaptic operations of each sample: a weight is added for each spike and each synapse that it
            crosses, shape ``(samples,)``.
        products: Multiply-accumulates of each sample: where values are no spikes (an analog input, an average), every
            connection multiplies, zeros too, shape ``(samples,)``.
        twin_products: Multiply-accumulates of a sample on the ReLU twin: every connection multiplies.
        latency: Time steps from the beginning of a sample to its last spikes at the output.
    """

    spikes: np.ndarray
    additions: np.ndarray
    products: np.ndarray
    twin_products: int
    latency: int

    @property
    def energy(self) -> np.ndarray:
        """Estimated joules of each sample: additions at :data:`ADD`, products at ``ADD + MULTIPLY``."""
        return self.additions * ADD + self.products * (ADD + MULTIPLY)

    @property
    def twin_energy(self) -> float:
        """Estimated joules of a sample on the ReLU twin."""
        return self.twin_products * (ADD + MULTIPLY)

    def __repr__(self) -> str:
        if not len(self.spikes):
            return "Costs(no samples)"
        return (f"Costs(per sample: {self.spikes.mean():.1f} spikes, {self.additions.mean():.0f} additions, "
                f"{self.products.mean():.0f} products, {self.latency} steps, {self.energy.mean() * 1e9:.3g} nJ; "
                f"ReLU twin: {self.twin_products} products, {self.twin_energy * 1e9:.3g} nJ)")


def costs(network: Network, inputs: Any, *, batch_size: int | None = None) -> Costs:
    """Counts what samples cost. It runs them, but keeps no spikes.

    Args:
        network: The network.
        inputs: Samples, shape ``(samples, *network.input_shape)``, or step by step
            ``(samples, steps, *network.input_shape)``. Where all are 0 and 1 they count as spikes.
        batch_size: Samples computed at once. Default: as in ``run``.

    Raises:
        ValueError: As in ``run``.
    """
    inputs = check_inputs(network, inputs)
    spiking = {INPUT: bool(np.isin(inputs, (0, 1)).all())}
    for node in network.nodes:
        spiking[node.name] = network.spiking[node.name] or (
            node.operation.keeps_spikes and all(spiking[name] for name in node.inputs))
    fan_outs = {node.name: node.operation.fan_out(network.shapes[node.inputs[0]]) for node in network.nodes
                if node.operation.synapses(*(network.shapes[name] for name in node.inputs))}
    spikes, additions, products = np.zeros((3, len(inputs)), np.int64)
    steps = count_steps(network, inputs)
    for start, batch in batches(network, inputs, batch_size):
        here = slice(start, start + len(batch) // steps)
        values = {INPUT: batch}
        for node in network.nodes:
            arrived = [values[name] for name in node.inputs]
            if isinstance(node.operation, Neurons):
                _, fired, arriving = fire(node.operation, arrived[0], steps)
                spikes[here] += np.count_nonzero(fired.reshape(len(batch) // steps, -1), axis=1)
                values[node.name] = arriving.astype(batch.dtype)
                continue
            values[node.name] = node.operation.apply(*arrived)
            if node.name not in fan_outs:
                continue
            if spiking[node.inputs[0]]:
                reached = np.where(arrived[0] != 0, fan_outs[node.name], 0)
                additions[here] += reached.reshape(len(batch) // steps, -1).sum(axis=1)
            else:
                products[here] += steps * fan_outs[node.name].sum()
    return Costs(spikes, additions, products, network.synapses, network.latency + steps - 1)

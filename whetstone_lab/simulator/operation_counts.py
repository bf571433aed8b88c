"""``count_operations``: what a network does for a sample, in spikes, synaptic operations, MACs, steps and joules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from whetstone_lab.simulator.dynamics import fire
from whetstone_lab.simulator.inputs import Inputs, check_inputs
from whetstone_lab.simulator.network import Network, Node
from whetstone_lab.simulator.operations import Neurons
from whetstone_lab.simulator.plan import plan_of

#: Joules of an addition and of a multiplication of 32-bit floats, in a 45 nm process at 0.9 V. Source: Horowitz,
#: "Computing's energy problem (and what we can do about it)", ISSCC 2014, figure 1.1.9. Memory, which costs more than
#: either, wires and clocks are left out, on both sides of every comparison.
ADD, MULTIPLY = 0.9e-12, 3.7e-12


@dataclass(frozen=True)
class OperationCounts:
    """What samples cost on a spiking network, beside its ReLU baseline: the same layers without spikes.

    Attributes:
        spikes: Spikes of each sample, shape ``(samples,)``.
        synaptic_operations: Synaptic operations of each sample, shape ``(samples,)``: a weight is added for each spike
            and each synapse that it crosses.
        macs: Multiply-accumulates (MACs) of each sample, shape ``(samples,)``: where values are no spikes (an analog
            input, an average), every connection multiplies, zeros too.
        baseline_macs: MACs of a sample on the ReLU baseline: every connection multiplies.
        latency: Time steps from the beginning of a sample to its last spikes at the output.
    """

    spikes: np.ndarray
    synaptic_operations: np.ndarray
    macs: np.ndarray
    baseline_macs: int
    latency: int

    @property
    def energy(self) -> np.ndarray:
        """Estimated joules of each sample: synaptic operations at :data:`ADD`, MACs at ``ADD + MULTIPLY``."""
        return self.synaptic_operations * ADD + self.macs * (ADD + MULTIPLY)

    @property
    def baseline_energy(self) -> float:
        """Estimated joules of a sample on the ReLU baseline."""
        return self.baseline_macs * (ADD + MULTIPLY)

    def __repr__(self) -> str:
        if not len(self.spikes):
            return "OperationCounts(no samples)"
        return (f"OperationCounts(per sample: {self.spikes.mean():.1f} spikes, {self.synaptic_operations.mean():.0f} "
                f"synaptic operations, {self.macs.mean():.0f} MACs, {self.latency} steps, "
                f"{self.energy.mean() * 1e9:.3g} nJ; ReLU baseline: {self.baseline_macs} MACs, "
                f"{self.baseline_energy * 1e9:.3g} nJ)")


def count_operations(network: Network, inputs: Any, *, batch_size: int | None = None) -> OperationCounts:
    """Counts the operations that samples take. It runs them, but keeps no spikes.

    Args:
        network: The network.
        inputs: Samples, shape ``(samples, *network.input_shape)``, or step by step
            ``(samples, steps, *network.input_shape)``; of several inputs a list, or a dict by name. Where all are 0
            and 1 they count as spikes.
        batch_size: Samples computed at once. Default: as in ``run``.

    Raises:
        ValueError: As in ``run``.

    Example:
        >>> from whetstone_lab.simulator import operations
        >>> network = Network((3,), [operations.Dense([[1, 0], [1, 1], [0, 1]]), operations.Neurons(0.5)])
        >>> counts = count_operations(network, [[1, 0, 0], [1, 1, 0]])
        >>> counts.synaptic_operations.tolist(), counts.baseline_macs
        ([2, 4], 6)
    """
    checked = check_inputs(network, inputs)
    steps, spiking = checked.steps, spiking_values(network, checked)
    fan_outs = {node.name: node.operation.fan_out(network.shapes[node.inputs[0]]) for node in network.nodes
                if node.operation.synapses(*(network.shapes[name] for name in node.inputs))}
    spikes, synaptic_operations, macs = np.zeros((3, checked.samples), np.int64)
    for here, node, arrived, made in visits(network, checked, batch_size):
        samples = here.stop - here.start
        if isinstance(node.operation, Neurons):
            spikes[here] += np.count_nonzero(made.reshape(samples, -1), axis=1)
        elif node.name in fan_outs and spiking[node.inputs[0]]:
            reached = np.where(arrived[0] != 0, fan_outs[node.name], 0)
            synaptic_operations[here] += reached.reshape(samples, -1).sum(axis=1)
        elif node.name in fan_outs:
            macs[here] += steps * fan_outs[node.name].sum()
    return OperationCounts(spikes, synaptic_operations, macs, network.synapses, network.latency + steps - 1)


def spiking_values(network: Network, checked: Inputs) -> dict[str, bool]:
    """Input or node -> whether all that it gives are spikes; inputs do where they are zeros and ones."""
    spiking = {name: bool(np.isin(array, (0, 1)).all())
               for name, array in zip(network.inputs, checked.arrays, strict=True)}
    for node in network.nodes:
        spiking[node.name] = network.spiking[node.name] or (
            node.operation.keeps_spikes and all(spiking[name] for name in node.inputs))
    return spiking


def visits(network: Network, checked: Inputs, batch_size: int | None
           ) -> Iterator[tuple[slice, Node, list[np.ndarray], np.ndarray]]:
    """Runs samples, batch by batch, and shows each node on the way.

    Yields:
        The samples of the batch; the node; what arrived at it, shape ``(samples * steps, ...)`` each; and what it made
        of that. Of neurons that is which of them fired.
    """
    steps = checked.steps
    for start, batch in plan_of(network).batches(checked, batch_size):
        here = slice(start, start + len(batch[0]) // steps)
        values = dict(zip(network.inputs, batch, strict=True))
        for node in network.nodes:
            arrived = [values[name] for name in node.inputs]
            if isinstance(node.operation, Neurons):
                _, made, arriving = fire(node.operation, arrived[0], steps)
                values[node.name] = arriving.astype(network.dtype)
            else:
                made = values[node.name] = node.operation.apply(*arrived)
            yield here, node, arrived, made

"""``neurobench``: a network's figures of merit as NeuroBench defines them, from our own counts.

Source: Yik et al., "The NeuroBench framework for benchmarking neuromorphic computing algorithms and systems", Nature
Communications 16, 2025.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from whetstone_lab.simulator.inputs import check_inputs
from whetstone_lab.simulator.network import Network
from whetstone_lab.simulator.operation_counts import spiking_values, visits
from whetstone_lab.simulator.operations import Neurons, Operation, ReLU
from whetstone_lab.simulator.operations.base import Weighted


@dataclass(frozen=True)
class NeuroBenchMetrics:
    """What NeuroBench reports of a network, by its own names.

    Attributes:
        footprint: Bytes of weights, biases, thresholds and scales.
        connection_sparsity: Share of the weights that are 0; a kernel's weights count once.
        activation_sparsity: Share of zeros in what all neurons and ReLUs put out, over all samples and steps.
        effective_macs: Multiply-accumulates of a sample: a weight and an analog value meet, and neither is 0.
        effective_acs: Accumulates of a sample: a weight that is not 0 meets a spike.
        dense: Both of a sample, zeros counted too.
    """

    footprint: int
    connection_sparsity: float
    activation_sparsity: float
    effective_macs: float
    effective_acs: float
    dense: float


def neurobench(network: Network, inputs: Any, *, batch_size: int | None = None) -> NeuroBenchMetrics:
    """Counts what NeuroBench counts: footprint, sparsities and synaptic operations.

    The numbers were those of NeuroBench 2.3.0 for a perceptron and a convnet in PyTorch with the same arrays, whose
    neurons were made known to it by ``add_activation_module``. Elsewhere they differ, since NeuroBench

    - has an activation sparsity of 0 for neurons that were not made known;
    - sees no transposed convolution, and no layer that is called as a function: their operations are missing;
    - decides anew in each batch whether values are spikes: where a batch of analog values happens to hold nothing but
      -1, 0 and 1, they count as accumulates. Here values are spikes where they come from neurons, or where all inputs
      are 0 and 1;
    - counts in single precision: a layer's operations in a batch are no longer exact beyond 2^24, some 17 million;
    - rounds the connection sparsity to 4 digits;
    - counts in its footprint what a module keeps as parameters and buffers. A threshold that is a plain number is not
      among them; here a threshold for a whole layer is one float.

    :func:`count_operations` counts weights of 0 as operations, as a chip does that stores them, and multiplies zeros
    that are analog.

    Args:
        network: The network.
        inputs: Samples, as :func:`~whetstone_lab.run` takes them; one at least.
        batch_size: Samples computed at once. Default: as in ``run``.

    Returns:
        The metrics; operations are the mean over the samples, of all steps together.

    Raises:
        ValueError: As in ``run``; or there are no samples.

    Example:
        >>> from whetstone_lab.simulator import operations
        >>> network = Network((3,), [operations.Dense([[1, 0], [1, 1], [0, 1]]), operations.Neurons(0.5)])
        >>> found = neurobench(network, [[1, 0, 0], [1, 1, 0]])
        >>> found.effective_acs, found.dense, found.activation_sparsity
        (2.0, 6.0, 0.25)
    """
    checked = check_inputs(network, inputs)
    if not checked.samples:
        raise ValueError("Expected one sample at least, as the metrics are means over samples; got none.")
    spiking = spiking_values(network, checked)
    connected = {node.name: _connected(node.operation) for node in network.nodes
                 if isinstance(node.operation, Weighted)}
    operations = {True: 0.0, False: 0.0}  # whether spikes meet weights -> how often
    fired = neurons = 0
    for _, node, arrived, made in visits(network, checked, batch_size):
        if isinstance(node.operation, (Neurons, ReLU)):
            fired, neurons = fired + int(np.count_nonzero(made)), neurons + made.size
        elif node.name in connected:
            met = connected[node.name].apply((arrived[0] != 0).astype(np.float32))
            operations[spiking[node.inputs[0]]] += float(met.sum(dtype=np.float64))
    weights = [node.operation.weights for node in network.nodes if isinstance(node.operation, Weighted)]
    count = sum(each.size for each in weights)
    return NeuroBenchMetrics(
        footprint=sum(array.nbytes for node in network.nodes for array in node.operation.arrays().values()),
        connection_sparsity=sum(each.size - np.count_nonzero(each) for each in weights) / count if count else 0.0,
        activation_sparsity=1 - fired / neurons if neurons else 0.0,
        effective_macs=operations[False] / checked.samples, effective_acs=operations[True] / checked.samples,
        dense=float(network.synapses * checked.steps))


def _connected(operation: Weighted) -> Operation:
    """The operation with a 1 in the place of each weight that is not 0, and no bias: it counts what arrives."""
    return replace(operation, weights=(operation.weights != 0).astype(np.float32), bias=None)

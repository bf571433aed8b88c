"""``rate_coded``: a ReLU network as one whose neurons speak in rates.

A rate code needs many steps to say what Whetstone says in one. Side by side on the same samples they show the price:
count the operations of ``convert(spiking_model)``, and of ``rate_coded(convert(relu_model, keep_relu=True), x_train)``
on inputs over many steps.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from whetstone_lab.simulator.inputs import Inputs, check_inputs
from whetstone_lab.simulator.network import Network, Node
from whetstone_lab.simulator.operations import Neurons, ReLU, Scale, Weighted
from whetstone_lab.simulator.plan import plan_of


def rate_coded(network: Network, samples: Any, *, percentile: float = 99.9) -> Network:
    """A ReLU network as one of integrate-and-fire neurons whose rates stand for its activations.

    Each ReLU becomes a layer of neurons that integrate without leak and are reset by subtraction. A neuron fires with
    the rate a / lambda for an activation a, at most once a step; lambda is the layer's largest activation on the
    samples but for outliers, and multiplies the weights behind it. Source: Diehl et al., "Fast-classifying,
    high-accuracy spiking deep networks through weight and threshold balancing", IJCNN 2015.

    Rates are averages over steps, the truer the more there are. A max-pool sees whether any of its neurons fired,
    which overstates the largest rate: prefer averages.

    Args:
        network: A network with ``ReLU`` in it, as ``convert(model, keep_relu=True)`` makes it.
        samples: Samples, shape ``(samples, *network.input_shape)``, on which activations are measured; of several
            inputs a list, or a dict by name.
        percentile: Share of a layer's positive activations, in (0, 100], that lambda is to exceed. Default: 99.9.

    Returns:
        The network. Show it inputs over many steps, constant or rate-coded.

    Raises:
        ValueError: There is no ReLU or no sample, the percentile is not one, or the samples do not fit.

    Example:
        >>> from whetstone_lab.simulator import encoding, operations, run
        >>> network = Network((1,), [operations.Dense([[2]]), operations.ReLU(), operations.Dense([[1]])])
        >>> rates = rate_coded(network, [[1.0]])
        >>> float(run(network, [[0.25]]).votes[0, 0])
        0.5
        >>> [float(run(rates, encoding.constant_input([[0.25]], steps)).votes[0, 0]) / steps for steps in (1, 100)]
        [0.0, 0.5]
    """
    if not any(isinstance(node.operation, ReLU) for node in network.nodes):
        raise ValueError("Expected a network with ReLUs, from convert(model, keep_relu=True); got one without.")
    if not 0 < percentile <= 100:
        raise ValueError(f"Expected a percentile in (0, 100]; got {percentile!r}.")
    checked = check_inputs(network, samples)
    if checked.stepwise or not checked.samples:
        raise ValueError(f"Expected samples without steps, at least one; got shape {checked.arrays[0].shape}.")
    largest = _activations(network, checked, percentile)
    nodes: list[Node] = []
    scale = dict.fromkeys(network.inputs, 1.0)  # what a spike, or a value, of each node stands for
    for node in network.nodes:
        operation: Any = node.operation
        factors, inputs = [scale[name] for name in node.inputs], list(node.inputs)
        if len(set(factors)) > 1:
            for place, name in enumerate(node.inputs):
                inputs[place] = f"{node.name}/{place}_scaled"
                nodes.append(Node(inputs[place], Scale(np.array(scale[name], network.dtype)), (name,)))
            factors = [1.0]
        factor = scale[node.name] = factors[0]
        if isinstance(operation, ReLU):
            scale[node.name] = largest[node.name]
            operation = Neurons(np.array(largest[node.name] / factor, network.dtype), leak=0.0, reset="subtract")
        elif isinstance(operation, Neurons):
            scale[node.name] = 1.0
            operation = replace(operation, threshold=(operation.threshold / factor).astype(network.dtype))
        elif isinstance(operation, Weighted):
            scale[node.name] = 1.0
            operation = operation.map_weights(partial(_scaled, factor=factor))
        elif isinstance(operation, Scale):
            scale[node.name] = 1.0
            operation = replace(operation, factor=_scaled(operation.factor, factor))
        nodes.append(Node(node.name, operation, tuple(inputs)))
    return network.with_nodes(nodes)


def _activations(network: Network, samples: Inputs, percentile: float) -> dict[str, float]:
    """Each ReLU's positive activations: their percentile, or 1 where there are none."""
    seen: dict[str, list[np.ndarray]] = {}
    for _, batch in plan_of(network).batches(samples):
        values = dict(zip(network.inputs, batch, strict=True))
        for node in network.nodes:
            value = values[node.name] = node.operation.apply(*(values[name] for name in node.inputs))
            if isinstance(node.operation, ReLU):
                seen.setdefault(node.name, []).append(value[value > 0])
    found = {name: np.concatenate(parts) for name, parts in seen.items()}
    return {name: float(np.percentile(values, percentile)) if len(values) else 1.0 for name, values in found.items()}


def _scaled(weights: np.ndarray, factor: float) -> np.ndarray:
    return (weights * factor).astype(weights.dtype)

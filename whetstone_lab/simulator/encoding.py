"""Samples as inputs over time: held, as spikes once, or rate-coded; and networks that compute in rates.

A rate code needs many steps to say what Whetstone says in one. Side by side on the same samples they show the price::

    >>> whetstone, twin = convert(spiking_model), convert(relu_model, rectify=True)
    >>> rates = encoding.rate_coded(twin, x_train[:500])
    >>> costs(whetstone, x_test), costs(rates, encoding.poisson(x_test, steps=50))
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from whetstone_lab.simulator.network import INPUT, Network, Node
from whetstone_lab.simulator.operations import Neurons, Rectify, Scale
from whetstone_lab.simulator.runner import batches, check_inputs


def held(inputs: Any, steps: int) -> np.ndarray:
    """The same currents at every step.

    Args:
        inputs: Samples, shape ``(samples, ...)``.
        steps: How many, at least 1.

    Returns:
        Shape ``(samples, steps, ...)``, the type of the inputs; a view that holds them once.

    Raises:
        ValueError: There is no axis of samples, or no step.
    """
    array = _check(inputs, steps)
    return np.broadcast_to(array[:, None], (len(array), steps, *array.shape[1:]))


def once(inputs: Any, steps: int = 1, *, threshold: float = 0.5) -> np.ndarray:
    """A spike at the first step where a value reaches the threshold, and nothing after it.

    Args:
        inputs: Samples, shape ``(samples, ...)``.
        steps: How many, at least 1. Default: 1.
        threshold: In units of the input. Default: 0.5.

    Returns:
        Booleans, shape ``(samples, steps, ...)``.

    Raises:
        ValueError: There is no axis of samples, or no step.
    """
    array = _check(inputs, steps)
    spikes = np.zeros((len(array), steps, *array.shape[1:]), bool)
    spikes[:, 0] = array >= threshold
    return spikes


def poisson(inputs: Any, steps: int, *, seed: int = 0) -> np.ndarray:
    """Rate code: at every step each value is the probability of a spike, whatever came before.

    Args:
        inputs: Samples in [0, 1], shape ``(samples, ...)``.
        steps: How many, at least 1.
        seed: Seed of the draw. A sample has the same spikes whichever samples come after it. Default: 0.

    Returns:
        Booleans, shape ``(samples, steps, ...)``.

    Raises:
        ValueError: Values are no probabilities, there is no axis of samples, or no step.
    """
    array = _check(inputs, steps)
    if not ((array >= 0) & (array <= 1)).all():
        raise ValueError(f"Expected values from 0 to 1, the probability of a spike at each step; got "
                         f"{np.nanmin(array):g} to {np.nanmax(array):g}.")
    spikes = np.empty((len(array), steps, *array.shape[1:]), bool)
    for number, sample in enumerate(array):
        spikes[number] = np.random.default_rng([seed, number]).random(spikes.shape[1:]) < sample
    return spikes


def rate_coded(network: Network, samples: Any, *, percentile: float = 99.9) -> Network:
    """A ReLU network as one of integrate-and-fire neurons whose rates stand for its activations.

    Each ReLU becomes a layer of neurons that integrate without leak and are reset by subtraction. A neuron fires with
    the rate a / lambda for an activation a, at most once a step; lambda is the layer's largest activation on the
    samples but for outliers, and multiplies the weights behind it. Source: Diehl et al., "Fast-classifying,
    high-accuracy spiking deep networks through weight and threshold balancing", IJCNN 2015.

    Rates are averages over steps, the truer the more there are. A max-pool sees whether any of its neurons fired,
    which overstates the largest rate: prefer averages.

    Args:
        network: A network with ``Rectify`` in it, as ``convert(model, rectify=True)`` makes it.
        samples: Samples, shape ``(samples, *network.input_shape)``, on which activations are measured.
        percentile: Share of a layer's positive activations, in (0, 100], that lambda is to exceed. Default: 99.9.

    Returns:
        The network. Show it inputs over many steps, held or rate-coded.

    Raises:
        ValueError: There is no ReLU or no sample, the percentile is not one, or the samples do not fit.
    """
    if not any(isinstance(node.operation, Rectify) for node in network.nodes):
        raise ValueError("Expected a network with ReLUs, from convert(model, rectify=True); got one without.")
    if not 0 < percentile <= 100:
        raise ValueError(f"Expected a percentile in (0, 100]; got {percentile!r}.")
    samples = check_inputs(network, samples)
    if samples.ndim != len(network.input_shape) + 1 or not len(samples):
        raise ValueError(f"Expected samples without steps, at least one; got shape {samples.shape}.")
    largest = _activations(network, samples, percentile)
    nodes: list[Node] = []
    scale = {INPUT: 1.0}  # what a spike, or a value, of each node stands for
    for node in network.nodes:
        operation: Any = node.operation
        factors, inputs = [scale[name] for name in node.inputs], list(node.inputs)
        if len(set(factors)) > 1:
            for place, name in enumerate(node.inputs):
                inputs[place] = f"{node.name}/{place}_scaled"
                nodes.append(Node(inputs[place], Scale(np.array(scale[name], network.dtype)), (name,)))
            factors = [1.0]
        factor = scale[node.name] = factors[0]
        if isinstance(operation, Rectify):
            scale[node.name] = largest[node.name]
            operation = Neurons(np.array(largest[node.name] / factor, network.dtype), leak=0.0, reset="subtract")
        elif isinstance(operation, Neurons):
            scale[node.name] = 1.0
            operation = replace(operation, threshold=(operation.threshold / factor).astype(network.dtype))
        elif "weights" in operation.arrays():
            scale[node.name] = 1.0
            operation = replace(operation, weights=(operation.weights * factor).astype(network.dtype))
        elif isinstance(operation, Scale):
            scale[node.name] = 1.0
            operation = replace(operation, factor=(operation.factor * factor).astype(network.dtype))
        nodes.append(Node(node.name, operation, tuple(inputs)))
    return Network(network.input_shape, nodes, key=network.key, readout=network.readout, meta=network.meta)


def _activations(network: Network, samples: np.ndarray, percentile: float) -> dict[str, float]:
    """Each ReLU's positive activations: their percentile, or 1 where there are none."""
    seen: dict[str, list[np.ndarray]] = {}
    for _, batch in batches(network, samples, None):
        values = {INPUT: batch}
        for node in network.nodes:
            value = values[node.name] = node.operation.apply(*(values[name] for name in node.inputs))
            if isinstance(node.operation, Rectify):
                seen.setdefault(node.name, []).append(value[value > 0])
    found = {name: np.concatenate(parts) for name, parts in seen.items()}
    return {name: float(np.percentile(values, percentile)) if len(values) else 1.0 for name, values in found.items()}


def _check(inputs: Any, steps: Any) -> np.ndarray:
    array = np.asarray(inputs)
    if not array.ndim or array.dtype.kind not in "biuf":
        raise ValueError(f"Expected numbers of shape (samples, ...); got shape {array.shape} and dtype {array.dtype}.")
    if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or steps < 1:
        raise ValueError(f"Expected steps to be a positive integer; got {steps!r}.")
    return array

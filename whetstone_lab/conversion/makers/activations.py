"""Spiking layers, and the ReLUs of a baseline, as layers and as the activations of other layers."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from whetstone_lab.conversion.makers.registry import Affine, Site, register
from whetstone_lab.conversion.refusals import RefusedError
from whetstone_lab.simulator import operations
from whetstone_lab.simulator.operations import Operation, Shape
from whetstone_lab.training.layers import SpikingLayer


@register(SpikingLayer, monotone=True, by_place=True, any_call=True)
def neurons(layer: Any, site: Site) -> list[Operation]:
    """Neurons that fire where a potential reaches the layer's threshold."""
    if site.before is None:
        return [operations.Neurons(layer.threshold)]
    real = np.float64 if layer.compute_dtype == "float64" else np.float32
    return neurons_behind(site.before, layer.threshold, site.shape, real)


def neurons_behind(norm: Affine, threshold: float, shape: Shape, real: Any = np.float32) -> list[Operation]:
    """Neurons that fire on ``x`` where ``scale x + shift`` reaches a threshold.

    With a positive scale that is ``x >= (threshold - shift) / scale``, a threshold for each channel. With a negative
    one the comparison is flipped, ``-x >= (threshold - shift) / -scale``: the signs of those channels are turned
    first, which rounds nothing. With a scale of zero the neuron always fires, or never. Thresholds are worked out in
    float64 and rounded up, to the smallest number of the type that reaches them.

    Args:
        norm: Scale, shift, and the axis of their channels.
        threshold: The threshold of the neurons.
        shape: The shape of ``x``, without the axis of samples.
        real: The floating point type of the thresholds. Default: float32.
    """
    scale, shift, axis = norm
    limit = np.finfo(real).max
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        reached = np.clip((threshold - shift) / np.abs(scale), -limit, limit)
        reached = np.where(scale == 0, np.where(shift >= threshold, -limit, limit), reached)
        rounded = reached.astype(real)
        rounded = np.where(rounded < reached, np.nextafter(rounded, real(np.inf)), rounded)
    along = (-1, *[1] * (-axis - 1))
    made: list[Operation] = [operations.Neurons(rounded.reshape(along))]
    if (scale < 0).any():
        made.insert(0, operations.Scale(np.where(scale < 0, real(-1), real(1)).reshape(along)))
    return made


@register(keras.layers.ReLU, monotone=True, by_place=True, baseline=True)
def relu(layer: Any, site: Site) -> list[Operation]:
    """A plain ReLU."""
    found = {"max_value": layer.max_value, "negative_slope": layer.negative_slope, "threshold": layer.threshold}
    if found != {"max_value": None, "negative_slope": 0, "threshold": 0}:
        raise RefusedError(f"expected a plain ReLU, as the baseline has it; got {found}", "Use keras.layers.ReLU().")
    return [operations.ReLU()]


@register(keras.layers.Activation, operation="Sigmoid", by_place=True)
def activation(layer: Any, site: Site) -> list[Operation]:
    """No operation but that of its activation."""  # which ``after`` gives; a sigmoid is read, and not computed
    return []


def activation_of(layer: Any) -> Any:
    """What a layer applies after all else, or None."""
    return getattr(layer, "activation", None)


def activations_of(layer: Any) -> list[Any]:
    """What a layer applies within and after all else, such as the gates of an LSTM, without those that do nothing."""
    found = (getattr(layer, name, None) for name in ("activation", "recurrent_activation"))
    return [function for function in found if function not in (None, keras.activations.linear)]


def after(layer: Any, keep_relu: bool, at_end: bool = False) -> list[tuple[str, Operation]]:
    """What a layer's activation becomes, with what it adds to the layer's name.

    Args:
        layer: The layer.
        keep_relu: Whether ReLUs are kept.
        at_end: Whether it gives an output of the model, where a sigmoid is read and not computed. Default: False.

    Raises:
        ValueError: No spiking neuron computes it.
    """
    function = activation_of(layer)
    if isinstance(function, SpikingLayer):
        return [(f"/{function.name}", operations.Neurons(function.threshold))]
    if keep_relu and function is keras.activations.relu:
        return [("/relu", operations.ReLU())]
    read = (keras.activations.softmax, *([keras.activations.sigmoid] if at_end else []))
    if function not in (None, keras.activations.linear, *read):
        name = getattr(function, "__name__", type(function).__name__)
        alone = isinstance(layer, keras.layers.Activation)
        raise RefusedError(f"expected no activation, and a spiking layer such as SpikingBReLU after it; got activation "
                           f"{name!r}, which no spiking neuron computes",
                           "Put whetstone_lab.SpikingBReLU() in its place." if alone else
                           "Leave the activation off and put whetstone_lab.SpikingBReLU() behind the layer.")
    return []

"""Batch normalisation folded into the weights beside it, so that what is left is weights and thresholds.

At inference batch norm scales and shifts each channel, ``scale x + shift`` with ``scale = gamma / sqrt(variance +
epsilon)`` and ``shift = beta - scale mean``. Next to a linear layer that is one linear layer:

- after it: ``W' = W scale``, ``b' = b scale + shift``;
- before it: ``W' = scale W`` by input channel, ``b' = b + shift W``, where every output sees all its inputs, which
  padding prevents.

Right before neurons it is a threshold for each channel, whatever stands before it; only a network has such, so
:func:`whetstone_lab.convert` folds it so and :func:`fold_batchnorm` does not.

What is computed is then equal as mathematics, and as floats up to rounding: weights are folded in float64 and rounded
once, and a spike can differ only where a potential lies within rounding of its threshold. Keras's own batch norm is
what rounds more. On TensorFlow it multiplies by ``rsqrt(variance + epsilon)``, which is rounded correctly on some
processors only: with TensorFlow 2.21 and Keras 3.15 on one with AVX-512, ``rsqrt(4)`` is 0.49999994 in each whole
block of eight elements, and 0.5 in the elements left over. So where weights are powers of two and every number is
exact, Keras may still miss a threshold that a potential lies on, by some units in the last place. The folded weights
are exact on every processor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from whetstone_lab.conversion.calls import Call, layer_calls, layers_within, unwrapped
from whetstone_lab.conversion.cloning import clone
from whetstone_lab.conversion.makers.registry import Affine, Linear, Weights, kind_of, layers_where
from whetstone_lab.conversion.makers.weights import to_numpy
from whetstone_lab.conversion.refusals import RefusedError
from whetstone_lab.training.layers import SpikingLayer


def fold_after(kernel: np.ndarray, bias: np.ndarray | None, scale: np.ndarray,
               shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights of a linear layer that has taken in the ``scale y + shift`` that follows it.

    Args:
        kernel: Shape ``(..., outputs)``.
        bias: Shape ``(outputs,)``, or None.
        scale: Shape ``(outputs,)``.
        shift: Shape ``(outputs,)``.

    Returns:
        Kernel and bias, in the kernel's floating point type.
    """
    wide = np.zeros(kernel.shape[-1]) if bias is None else np.asarray(bias, np.float64)
    return (kernel.astype(np.float64) * scale).astype(kernel.dtype), (wide * scale + shift).astype(kernel.dtype)


def fold_before(kernel: np.ndarray, bias: np.ndarray | None, scale: np.ndarray,
                shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights of a linear layer that has taken in the ``scale x + shift`` that precedes it.

    Args:
        kernel: Shape ``(..., inputs, outputs)``. Of a convolution every tap must always lie on the image.
        bias: Shape ``(outputs,)``, or None.
        scale: Shape ``(inputs,)``.
        shift: Shape ``(inputs,)``.

    Returns:
        Kernel and bias, in the kernel's floating point type.
    """
    wide = kernel.astype(np.float64)
    moved = np.tensordot(shift, wide, axes=(0, wide.ndim - 2)).reshape(-1, kernel.shape[-1]).sum(0)
    old = 0.0 if bias is None else np.asarray(bias, np.float64)
    return (wide * np.asarray(scale)[:, None]).astype(kernel.dtype), (old + moved).astype(kernel.dtype)


def scale_and_shift(layer: keras.layers.BatchNormalization) -> tuple[np.ndarray, np.ndarray]:
    """What a batch norm layer does at inference, ``scale x + shift``, by its own epsilon: two float64 arrays."""
    mean, variance = to_numpy(layer.moving_mean), to_numpy(layer.moving_variance)
    scale = 1.0 / np.sqrt(variance.astype(np.float64) + layer.epsilon)
    if layer.scale:
        scale = scale * to_numpy(layer.gamma)
    shift = -scale * mean
    return scale, shift + to_numpy(layer.beta) if layer.center else shift


@dataclass(frozen=True)
class Folding:
    """What becomes of a model's layers once batch norm is folded.

    Attributes:
        weights: Linear layers that took batch norm in, by ``id``: their new kernel and bias.
        thresholds: Spiking layers that took batch norm in, by ``id``: its scale and shift.
        gone: The ``id`` of each batch norm layer, and of what wraps it. It has nothing left to do.
    """

    weights: dict[int, Weights] = field(default_factory=dict)
    thresholds: dict[int, Affine] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)


def plan_folding(calls: Sequence[Call], *, thresholds: bool = False,
                 refuse: Callable[[Call, ValueError], None] | None = None) -> Folding:
    """Works out where each batch norm layer of a model goes, also one that ``TimeDistributed`` wraps.

    Args:
        calls: The layer calls of the model.
        thresholds: Whether spiking layers take in what no linear layer does. Default: False.
        refuse: What is told of each that cannot be folded, and of the call that it stands in. Default: the first one is
            raised.

    Raises:
        ValueError: One of them stands where no folding is exact, or within a layer that cannot be followed; the
            message says where, and why.
    """
    folding = Folding()
    for position, call in enumerate(calls):
        layer = unwrapped(call.layer)
        try:
            if isinstance(layer, keras.layers.BatchNormalization):
                _fold(calls, position, folding, thresholds)
            elif isinstance(layer, keras.layers.Layer) and (inside := _norms_within(layer)):
                raise ValueError(f"The batch norm {', '.join(inside)} inside {call.place} cannot be folded: what a "
                                 f"{type(layer).__name__} does between its layers cannot be followed. Expected batch "
                                 "norm as a layer of a Sequential or functional model, or in TimeDistributed.")
        except ValueError as error:
            if refuse is None:
                raise
            refuse(call, error)
    return folding


def fold_batchnorm(model: keras.Model) -> keras.Model:
    """An equal Keras model without batch normalisation, for inference and conversion.

    Batch norm is folded into the linear layer before it (Dense or a convolution of any kind, without an activation),
    or else into the one after it (Dense, also behind a Flatten; Conv1D to Conv3D with padding ``"valid"``). Layers that
    only act in training may stand between, and ``TimeDistributed`` around each of them. Low-rank updates (LoRA) of a
    layer that takes batch norm in are merged into its kernel. Everything else, sharpness included, is carried over; the
    model that was given is not touched.

    Args:
        model: A built Sequential or functional model; nested models are folded too.

    Returns:
        A new model, compiled alike if the given one is.

    Raises:
        TypeError: A model within is neither Sequential nor functional.
        ValueError: A batch norm layer stands where no folding is exact, or within a layer that cannot be followed; the
            message says where, and why.

    Warns:
        UserWarning: The model is compiled with something of which there is no second; the new one is then not compiled.
    """
    folding = plan_folding(layer_calls(model))
    return clone(model, dict.fromkeys(folding.gone, ()), folding.weights)


def linear_or_refuse(layer: Any, place: str) -> Linear:
    """How a linear layer that batch norm follows keeps its weights.

    Raises:
        ValueError: It is no linear layer that can take batch norm in. The message begins with the place.
    """
    linear = kind_of(layer).linear
    if linear is None:
        raise ValueError(f"{place} is none of {', '.join(layers_where(lambda kind: kind.linear))}")
    if getattr(layer, "quantization_mode", None):
        raise ValueError(f"{place} has weights quantised to {layer.quantization_mode}")
    return linear


def _fold(calls: Sequence[Call], position: int, folding: Folding, thresholds: bool) -> None:
    """Folds the batch norm at a position into what is planned so far."""
    call = calls[position]
    norm = unwrapped(call.layer)
    refusal = f"The batch norm at {call.place} cannot be folded exactly"
    if call.odd:
        raise ValueError(f"{refusal}: {call.odd}.")
    if type(norm).call is not keras.layers.BatchNormalization.call:
        raise ValueError(f"{refusal}: it has a call of its own.")
    reasons = []
    for find in (_layer_before, _layer_after, *([_neurons_after] if thresholds else [])):
        try:
            target = find(calls, position)
            break
        except ValueError as reason:
            reasons.append(str(reason))
    else:
        raise RefusedError(f"{refusal}: {'; '.join(reasons)}", "Put it right behind a linear layer that has no "
                           "activation, or right before a spiking layer.")
    with np.errstate(invalid="ignore"):
        scale, shift = scale_and_shift(norm)
    if not (np.isfinite(scale).all() and np.isfinite(shift).all()):
        raise ValueError(f"The batch norm at {call.place} has a scale or a shift that is not finite.")
    folding.gone.update({id(call.layer), id(norm)})
    if find is _neurons_after:
        folding.thresholds[id(target)] = Affine(scale, shift, _axis(norm))
        return
    kernel, bias = folding.weights.get(id(target)) or linear_or_refuse(target, "").read(target)
    if find is _layer_before:
        folding.weights[id(target)] = fold_after(kernel, bias, scale, shift)
    else:
        # Behind a Flatten each channel comes back at every place of the image.
        repeats = kernel.shape[-2] // len(scale)
        folding.weights[id(target)] = fold_before(kernel, bias, np.tile(scale, repeats), np.tile(shift, repeats))


# Each of the next three finds the layer that a batch norm folds into, or raises a ValueError with the reason.


def _layer_before(calls: Sequence[Call], position: int) -> Any:
    """The linear layer that a batch norm follows and folds into."""
    at = position
    while True:
        (at,) = calls[at].inputs
        if at < 0:
            raise ValueError("before it stands the model's input")
        if len(_readers(calls, at)) > 1 or calls[at].outputs:
            raise ValueError(f"the output of {calls[at].place}, before it, is used elsewhere too")
        layer = unwrapped(calls[at].layer)
        if not kind_of(layer).idle:
            break
    place = f"{calls[at].place}, before it,"
    linear = linear_or_refuse(layer, place)
    if layer.activation is not keras.activations.linear:
        raise ValueError(f"{place} has an activation")
    _check_channels(calls[position].layer, layer, linear, place)
    _check_once(calls, calls[position].layer, layer, place)
    return layer


def _layer_after(calls: Sequence[Call], position: int) -> Any:
    """The linear layer that follows a batch norm and takes it in."""
    at = _reader(calls, position, flattened=True)
    layer, place = unwrapped(calls[at].layer), f"{calls[at].place}, after it,"
    linear = kind_of(layer).linear
    if linear is None or not linear.takes_before:
        known = layers_where(lambda kind: kind.linear and kind.linear.takes_before)
        raise ValueError(f"{place} is none of {', '.join(known)}")
    linear_or_refuse(layer, place)
    if getattr(layer, "padding", "valid") != "valid":
        raise ValueError(f"{place} pads with zeros, which would have to be shifted too")
    if getattr(layer, "groups", 1) != 1:
        raise ValueError(f"{place} has {layer.groups} groups")
    _check_channels(calls[position].layer, layer, linear, place)
    _check_once(calls, calls[position].layer, layer, place)
    return layer


def _neurons_after(calls: Sequence[Call], position: int) -> Any:
    """The spiking layer whose thresholds take in the batch norm right before it."""
    at = _reader(calls, position, flattened=False)
    layer, place = calls[at].layer, f"{calls[at].place}, after it,"
    if not isinstance(layer, SpikingLayer):
        raise ValueError(f"{place} is no spiking layer")
    _check_once(calls, calls[position].layer, layer, place)
    return layer


def _reader(calls: Sequence[Call], position: int, flattened: bool) -> int:
    """The position of the one call that reads another, behind layers that do nothing and, if so, a Flatten."""
    while True:
        readers, outputs = _readers(calls, position), calls[position].outputs
        if len(readers) != 1:
            raise ValueError(f"{len(readers)} layers listen to it")
        if outputs:
            raise ValueError(f"{calls[position].place} is an output of the model too, {', '.join(map(repr, outputs))}")
        (position,) = readers
        layer: Any = unwrapped(calls[position].layer)
        flatten: Any = keras.layers.Flatten
        flattens = isinstance(layer, flatten) and type(layer).call is flatten.call and (
            layer.data_format == "channels_last")
        if not (flattened and flattens) and not kind_of(layer).idle:
            return position


def _check_channels(norm: Any, layer: Any, linear: Linear, place: str) -> None:
    """Whether the axis that is normalised is that of the layer's channels, both counted from the last."""
    norm = unwrapped(norm)
    channels = 1 - linear.read(layer)[0].ndim if getattr(layer, "data_format", None) == "channels_first" else -1
    if _axis(norm) != channels:
        rank = norm.input_spec.ndim
        raise ValueError(f"{place} has its channels on axis {channels + rank}, while axis {norm.axis} is normalised")


def _check_once(calls: Sequence[Call], norm: Any, layer: Any, place: str) -> None:
    pair = (unwrapped(norm), layer)
    if sum(any(unwrapped(call.layer) is one for one in pair) for call in calls) != 2:
        raise ValueError(f"one of the two, it or {place} is called more than once")


def _norms_within(layer: Any) -> list[str]:
    return [repr(inner.name) for inner in layers_within(layer)
            if isinstance(inner, keras.layers.BatchNormalization)]


def _axis(norm: Any) -> int:
    """The axis that a batch norm normalises, counted from the last: negative."""
    rank = norm.input_spec.ndim
    return int(norm.axis % rank - rank)


def _readers(calls: Sequence[Call], position: int) -> list[int]:
    return [number for number, call in enumerate(calls) if position in call.inputs]

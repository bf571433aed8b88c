"""Batch normalisation folded into the weights beside it, so that what is left is weights and thresholds.

At inference batch norm scales and shifts each channel, ``scale x + shift`` with ``scale = gamma / sqrt(variance +
epsilon)`` and ``shift = beta - scale mean``. Next to a linear layer that is one linear layer:

- after it: ``W' = W scale``, ``b' = b scale + shift``;
- before it: ``W' = scale W`` by input channel, ``b' = b + shift W``, where every output sees all its inputs, which
  padding prevents.

What is computed is then equal as mathematics, and as floats up to rounding: weights are folded in float64 and rounded
once, and a spike can differ only where a potential lies within rounding of its threshold.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from whetstone_lab.conversion.calls import Call, flatten

#: Layers that do nothing at inference.
TRAIN_ONLY = (
    keras.layers.ActivityRegularization, keras.layers.AlphaDropout, keras.layers.Dropout,
    keras.layers.GaussianDropout, keras.layers.GaussianNoise, keras.layers.Identity, keras.layers.RandomBrightness,
    keras.layers.RandomContrast, keras.layers.RandomFlip, keras.layers.RandomRotation, keras.layers.RandomTranslation,
    keras.layers.RandomZoom, keras.layers.SpatialDropout1D, keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
    *(getattr(keras.layers, name) for name in (  # not all of these are in every release of Keras
        "AugMix", "CutMix", "MixUp", "RandAugment", "RandomColorDegeneration", "RandomColorJitter",
        "RandomElasticTransform", "RandomErasing", "RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert",
        "RandomPerspective", "RandomPosterization", "RandomSaturation", "RandomSharpness", "RandomShear",
    ) if hasattr(keras.layers, name)),
)

_DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
_SEPARABLE = (keras.layers.SeparableConv1D, keras.layers.SeparableConv2D)
_TRANSPOSED = (keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose)

#: Linear layers that batch norm folds into when it follows.
_AFTER = (keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D, *_DEPTHWISE, *_SEPARABLE,
          *_TRANSPOSED)

#: Linear layers that batch norm folds into when it precedes them.
_BEFORE = (keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)

Weights = tuple[np.ndarray, np.ndarray]


def computes_as(layer: Any, kinds: Collection[type]) -> type | None:
    """The one of some kinds of layers that a layer is and computes as: subclasses count if they keep its ``call``."""
    kind: Any = next((kind for kind in type(layer).__mro__ if kind in kinds), None)
    return kind if kind and type(layer).call is kind.call else None


def fold_after(kernel: np.ndarray, bias: np.ndarray | None, scale: np.ndarray, shift: np.ndarray) -> Weights:
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


def fold_before(kernel: np.ndarray, bias: np.ndarray | None, scale: np.ndarray, shift: np.ndarray) -> Weights:
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
    mean, variance = _numpy(layer.moving_mean), _numpy(layer.moving_variance)
    scale = 1.0 / np.sqrt(variance.astype(np.float64) + layer.epsilon)
    if layer.scale:
        scale = scale * _numpy(layer.gamma)
    shift = -scale * mean
    return scale, shift + _numpy(layer.beta) if layer.center else shift


@dataclass(frozen=True)
class Folding:
    """What becomes of a model's layers once batch norm is folded.

    Attributes:
        weights: Linear layers that took batch norm in, by ``id``: their new kernel and bias.
        gone: The ``id`` of each batch norm layer, which has nothing left to do.
    """

    weights: dict[int, Weights]
    gone: frozenset[int]


def plan_folding(calls: Sequence[Call]) -> Folding:
    """Works out where each batch norm layer of a flattened model goes.

    Raises:
        ValueError: One of them stands where no folding is exact; the message says which, and why.
    """
    weights: dict[int, Weights] = {}
    norms = [(position, call) for position, call in enumerate(calls)
             if isinstance(call.layer, keras.layers.BatchNormalization)]
    for position, call in norms:
        if not computes_as(call.layer, [keras.layers.BatchNormalization]):
            raise ValueError(f"The batch norm at {call.place} cannot be folded exactly: it has a call of its own.")
        reasons = []
        for find in (_layer_before, _layer_after):
            try:
                target = find(calls, position)
                break
            except _RefusedError as refusal:
                reasons.append(str(refusal))
        else:
            raise ValueError(f"The batch norm at {call.place} cannot be folded exactly: {'; '.join(reasons)}.")
        kernel, bias = weights.get(id(target)) or kernel_and_bias(target)
        with np.errstate(invalid="ignore"):
            scale, shift = scale_and_shift(call.layer)
        if not (np.isfinite(scale).all() and np.isfinite(shift).all()):
            raise ValueError(f"The batch norm at {call.place} has a scale or a shift that is not finite.")
        if find is _layer_before:
            weights[id(target)] = fold_after(kernel, bias, scale, shift)
        else:
            # Behind a Flatten each channel comes back at every place of the image.
            repeats = kernel.shape[-2] // len(scale)
            weights[id(target)] = fold_before(kernel, bias, np.tile(scale, repeats), np.tile(shift, repeats))
    return Folding(weights, frozenset(id(call.layer) for _, call in norms))


def fold_batchnorm(model: keras.Model) -> keras.Model:
    """An equal Keras model without batch normalisation, for inference and conversion.

    Batch norm is folded into the linear layer before it (Dense or a convolution of any kind, without an activation),
    or else into the one after it (Dense, also behind a Flatten; Conv1D to Conv3D with padding ``"valid"``). Layers that
    only act in training may stand between. Everything else, sharpness included, is carried over; the model that was
    given is not touched.

    Args:
        model: A built Sequential or functional model; nested models are folded too.

    Returns:
        A new model, compiled alike if the given one is.

    Raises:
        TypeError: A model within is neither Sequential nor functional.
        ValueError: A batch norm layer stands where no folding is exact; the message says which, and why.
    """
    return _rebuild(model, plan_folding(flatten(model)))


def kernel_and_bias(layer: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """The weights of a linear layer as NumPy arrays of float32 or float64, the outputs along the kernel's last axis.

    Those of a depthwise convolution are ``(..., 1, channels * multiplier)``, those of a transposed one ``(..., inputs,
    outputs)``; of a separable one they are the second, pointwise half (see :func:`depthwise_kernel` for the first).
    """
    bias = _numpy(layer.bias) if layer.use_bias else None
    if isinstance(layer, _SEPARABLE):
        return _numpy(layer.pointwise_kernel), bias
    kernel = _numpy(layer.kernel)
    if isinstance(layer, _DEPTHWISE):
        kernel = kernel.reshape(*kernel.shape[:-2], 1, -1)
    return kernel.swapaxes(-1, -2) if isinstance(layer, _TRANSPOSED) else kernel, bias


def depthwise_kernel(layer: Any) -> np.ndarray:
    """The kernel of the first half of a separable convolution, shape ``(..., 1, channels * multiplier)``."""
    kernel = _numpy(layer.depthwise_kernel)
    return kernel.reshape(*kernel.shape[:-2], 1, -1)


def _assign(layer: Any, weights: Weights) -> None:
    """The way back of :func:`kernel_and_bias`."""
    kernel, bias = weights
    variable = layer.pointwise_kernel if isinstance(layer, _SEPARABLE) else layer.kernel
    if isinstance(layer, _TRANSPOSED):
        kernel = kernel.swapaxes(-1, -2)
    variable.assign(kernel.reshape(variable.shape))
    layer.bias.assign(bias)


class _RefusedError(Exception):
    """Why a batch norm does not fold into the layer on one side of it."""


def _layer_before(calls: Sequence[Call], position: int) -> Any:
    """The linear layer that a batch norm follows and folds into."""
    at = position
    while True:
        (at,) = calls[at].inputs
        if at < 0:
            raise _RefusedError("before it stands the model's input")
        if len(_listeners(calls, at)) > 1:
            raise _RefusedError(f"the output of {calls[at].place}, before it, is used elsewhere too")
        if not computes_as(calls[at].layer, TRAIN_ONLY):
            break
    layer, place = calls[at].layer, f"{calls[at].place}, before it,"
    if not computes_as(layer, _AFTER):
        raise _RefusedError(f"{place} is none of {_names(_AFTER)}")
    if layer.activation is not keras.activations.linear:
        raise _RefusedError(f"{place} has an activation")
    _check_pair(calls, calls[position].layer, layer, place)
    return layer


def _layer_after(calls: Sequence[Call], position: int) -> Any:
    """The linear layer that follows a batch norm and takes it in."""
    at = position
    while True:
        listeners = _listeners(calls, at)
        if len(listeners) != 1:
            raise _RefusedError(f"{len(listeners)} layers listen to it")
        (at,) = listeners
        layer, place = calls[at].layer, f"{calls[at].place}, after it,"
        flattens = computes_as(layer, [keras.layers.Flatten]) and layer.data_format == "channels_last"
        if not flattens and not computes_as(layer, TRAIN_ONLY):
            break
    if not computes_as(layer, _BEFORE):
        raise _RefusedError(f"{place} is none of {_names(_BEFORE)}")
    if getattr(layer, "padding", "valid") != "valid":
        raise _RefusedError(f"{place} pads with zeros, which would have to be shifted too")
    if getattr(layer, "groups", 1) != 1:
        raise _RefusedError(f"{place} has {layer.groups} groups")
    _check_pair(calls, calls[position].layer, layer, place)
    return layer


def _check_pair(calls: Sequence[Call], norm: Any, layer: Any, place: str) -> None:
    if getattr(layer, "quantization_mode", None):
        raise _RefusedError(f"{place} has weights quantised to {layer.quantization_mode}")
    rank = norm.input_spec.ndim
    channels = 1 if getattr(layer, "data_format", None) == "channels_first" else rank - 1
    if norm.axis % rank != channels:
        raise _RefusedError(f"{place} has its channels on axis {channels}, while axis {norm.axis} is normalised")
    if sum(call.layer is layer or call.layer is norm for call in calls) != 2:
        raise _RefusedError(f"one of the two, it or {place} is called more than once")


def _listeners(calls: Sequence[Call], position: int) -> list[int]:
    return [number for number, call in enumerate(calls) if position in call.inputs]


def _names(kinds: Sequence[type]) -> str:
    return ", ".join(kind.__name__ for kind in kinds)


def _rebuild(model: keras.Model, folding: Folding, built: dict[int, Any] | None = None) -> keras.Model:
    """Clones a model without its batch norm; ``built`` has the clone of each layer so far."""
    clones: dict[int, Any] = {} if built is None else built

    def clone(layer: Any) -> Any:
        if id(layer) in folding.gone:
            return layer  # recognised and skipped when it is called
        if id(layer) not in clones:
            if isinstance(layer, keras.Model):
                clones[id(layer)] = _rebuild(layer, folding, clones)
            else:
                config = layer.get_config() | ({"use_bias": True} if id(layer) in folding.weights else {})
                clones[id(layer)] = type(layer).from_config(config)
        return clones[id(layer)]

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        return args[0] if id(layer) in folding.gone else layer(*args, **kwargs)

    if isinstance(model, keras.Sequential):
        source = model.inputs[0]
        layers = [clone(layer) for layer in model.layers if id(layer) not in folding.gone]
        result = keras.Sequential([keras.Input(source.shape[1:], dtype=source.dtype), *layers], name=model.name)
        if model.compiled:  # as clone_model does
            result.compile_from_config(model.get_compile_config())
    else:
        result = keras.models.clone_model(model, clone_function=clone, call_function=call)
    for layer in model.layers:
        if id(layer) in folding.weights:
            if isinstance(layer, _SEPARABLE):
                clones[id(layer)].depthwise_kernel.assign(layer.depthwise_kernel)
            _assign(clones[id(layer)], folding.weights[id(layer)])
        elif id(layer) in clones and not isinstance(layer, keras.Model):
            clones[id(layer)].set_weights(layer.get_weights())
    return result


def _numpy(variable: Any) -> np.ndarray:
    array = keras.ops.convert_to_numpy(variable)
    # Half-precision types, bfloat16 among them, are widened; a copy keeps the array apart from the variable's memory.
    return np.array(array, np.float64 if array.dtype == np.float64 else np.float32)

"""Which layers of a deep network lose accuracy when they are sharpened: the instrument.

Three questions, each answered for every layer: what is lost once the layers up to it are sharp, how much gradient comes
down to it, and how many of its neurons change sides as what is below them turns to spikes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras import ops

from whetstone_lab.method.depth_profile import MARGIN, DepthProfile, flips
from whetstone_lab.training._internals import sync_weights
from whetstone_lab.training.compiled_calls import compiled_on_jax
from whetstone_lab.training.data_checks import check_data
from whetstone_lab.training.heads import Head, heads_of
from whetstone_lab.training.layers import SpikingLayer, check_sharpness, replaced_inputs, spiking_layers
from whetstone_lab.training.norm_statistics import NormStatistics, variables_kept
from whetstone_lab.training.objectives import fitting_loss
from whetstone_lab.training.probe import inputs_on

#: Samples that are passed through the network at a time.
_BATCH = 256

#: On how many samples gradients and pre-activations are looked at.
_LOOKED_AT = 128


def depth_profile(model: keras.Model, x: Any, y: Any, *, soft: float | None = None, loss: Any = "auto",
                  norm_data: Any = None, margin: float = MARGIN) -> DepthProfile:
    """Finds out what sharpening costs a network, layer by layer.

    The most is to be seen in a network that has been trained soft and is about to be sharpened. The layers are made
    sharp from the bottom up, and then each one alone. Nothing is trained; afterwards the model is as it was, also where
    an error or an interrupt ends the measurement. With L spiking layers the samples pass through the network 2 L + 1
    times; some hundred are plenty.

    Args:
        model: A model with spiking layers and one output.
        x: Inputs, an array or, of several inputs, arrays in a list or dict; samples first.
        y: Targets, as for ``model.fit``, as many as there are samples.
        soft: The sharpness of layers that are not being tried, in [0, 1). Default: None, what each layer has. In a
            network that is sharp already nothing can be lost by sharpening it, so there 0 is of more use.
        loss: As for ``model.compile``. Default: ``"auto"``, that which the model is compiled with, or else what fits
            its output; see :func:`whetstone_lab.training.objectives.fitting_loss`.
        norm_data: Training inputs from which batch norm is estimated anew in every case, as a training would do; see
            :func:`whetstone_lab.estimate_norm_statistics`. Default: None, its statistics stay, and what is lost since
            they no longer fit counts as lost.
        margin: How near to the threshold is near, positive, in units of the pre-activation. Default: 0.1.

    Returns:
        The profile. Gradients and neurons that flip are those of the first 128 samples.

    Raises:
        ValueError: The model has no spiking layer or several outputs, there is no sample or not a target for each, or
            ``soft`` or ``margin`` is out of its range.

    Example:
        >>> profile = depth_profile(model, x, y)
        >>> profile.accuracy.shape  # with none, one and both of two layers sharp
        (3,)
    """
    layers = spiking_layers(model)
    samples, y = _checked(model, x, y, soft, margin)
    loss, head, statistics = _loss(model, y, loss), _head(model), NormStatistics(model)
    call = compiled_on_jax(model, lambda inputs: model(inputs, training=False))
    derived = compiled_on_jax(model, _gradients_of(model, layers, loss))
    check_data(model, loss, x, y)
    sync_weights(model)
    with variables_kept(model):
        if soft is not None:
            for layer in layers:
                layer.set_sharpness(soft)
        present = [float(ops.convert_to_numpy(layer.sharpness)) for layer in layers]

        def sharpen(chosen: Sequence[int]) -> None:
            for number, (layer, value) in enumerate(zip(layers, present, strict=True)):
                layer.set_sharpness(1.0 if number in chosen else value)
            if norm_data is not None:
                statistics.estimate(norm_data)

        def judged(chosen: Sequence[int]) -> tuple[float, float]:
            sharpen(chosen)
            return _judge(call, x, y, samples, loss, head)

        up_to = [judged(range(count)) for count in range(len(layers) + 1)]
        alone = [judged([number]) for number in range(len(layers))]
        some, targets = _rows(x, 0, _LOOKED_AT), y[:_LOOKED_AT]
        sharpen([])
        before = inputs_on(model, layers, some)
        gradient = _norms(derived, before, some, targets)
        sharpen(range(len(layers)))
        after = inputs_on(model, layers, some)
        gradient_sharp = _norms(derived, after, some, targets)
    shares = [(np.nan,) * 3 if one is None or other is None else
              flips(_joined(one), _joined(other), layer.threshold, margin)
              for layer, one, other in zip(layers, before, after, strict=True)]
    accuracy, losses = np.array(up_to).T
    accuracy_alone, loss_alone = np.array(alone).T
    near, flipped, near_flipped = np.array(shares).T
    return DepthProfile(tuple(layer.name for layer in layers), np.array(present), accuracy, losses, accuracy_alone,
                        loss_alone, gradient, gradient_sharp, near, flipped, near_flipped)


def _checked(model: Any, x: Any, y: Any, soft: float | None, margin: float) -> tuple[int, np.ndarray]:
    """How many samples there are, and the targets as an array."""
    if len(keras.tree.flatten(model.outputs)) != 1:
        raise ValueError(f"Expected a model with one output; {model.name!r} has {len(model.outputs)}. Look at each in "
                         "a model of its own: keras.Model(model.inputs, model.outputs[0]).")
    if soft is not None and not check_sharpness(soft) < 1:
        raise ValueError(f"Expected soft to be a sharpness in [0, 1), or None; got {soft!r}.")
    if not margin > 0:
        raise ValueError(f"Expected margin to be positive; got {margin!r}.")
    if not all(hasattr(leaf, "shape") for leaf in keras.tree.flatten(x)):
        raise ValueError("Expected x as an array, or arrays in a list or dict for several inputs; got lists of numbers."
                         " Write numpy.asarray(x).")
    y = np.asarray(y)
    counts = {len(leaf) for leaf in keras.tree.flatten(x)} | {len(y) if y.ndim else 0}
    if len(counts) != 1 or 0 in counts:
        raise ValueError(f"Expected at least one sample, and a target for each; got {sorted(counts)} of them.")
    return counts.pop(), y


def _loss(model: Any, y: np.ndarray, loss: Any) -> Callable[[Any, Any], Any]:
    if isinstance(loss, str) and loss == "auto":
        compiled = getattr(model, "loss", None)
        loss = compiled if isinstance(compiled, str) or callable(compiled) else fitting_loss(model, y)
    return keras.losses.get(loss)


def _head(model: Any) -> Head | None:
    try:
        return heads_of(model)[0]
    except (TypeError, ValueError):  # its layers cannot be followed
        return None


def _judge(call: Callable[[Any], Any], x: Any, y: np.ndarray, samples: int, loss: Any, head: Head | None,
           ) -> tuple[float, float]:
    """Accuracy and mean loss."""
    right, losses, decisions = 0.0, 0.0, 0
    for start in range(0, samples, _BATCH):
        targets = y[start:start + _BATCH]
        outputs = call(_rows(x, start, _BATCH))
        losses += len(targets) * float(ops.convert_to_numpy(_mean_loss(loss, targets, outputs)))
        hits = _hits(ops.convert_to_numpy(outputs), targets, head, getattr(loss, "ignore_class", None))
        right, decisions = right + hits.sum(), decisions + hits.size
    return right / decisions if decisions else np.nan, losses / samples


def _mean_loss(loss: Any, targets: np.ndarray, outputs: Any) -> Any:
    if targets.size == np.prod(outputs.shape):  # as Keras, which takes one value a sample without an axis for it
        targets = targets.reshape(outputs.shape)
    return ops.mean(loss(targets, outputs))


def _hits(outputs: np.ndarray, targets: np.ndarray, head: Head | None, void: int | None) -> np.ndarray:
    """Which decisions are right, as 0 and 1, without places that are void; NaN if the output decides nothing."""
    kind = "softmax" if head is None else head.kind
    if kind in ("values", "spikes"):
        return np.array([np.nan])
    if kind in ("sigmoid", "logit"):
        threshold = 0.5 if kind == "sigmoid" or head is None else head.threshold
        return (outputs > threshold) == (targets.reshape(outputs.shape) > 0.5)
    decided = outputs.argmax(-1)
    classes = (targets.argmax(-1) if targets.shape == outputs.shape else targets).reshape(decided.shape)
    return (decided == classes)[classes != void]


def _rows(x: Any, start: int, count: int) -> Any:
    return keras.tree.map_structure(lambda leaf: leaf[start:start + count], x)


def _joined(calls: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([call.ravel() for call in calls])


# -- the gradient by what each layer is fed ---------------------------------------------------------------------------


def _norms(derived: Callable[..., Any], seen: Sequence[Any], x: Any, y: np.ndarray) -> np.ndarray:
    """The norm of the gradient of a sample's loss by the pre-activations of each layer, which have been seen.

    Zeros are added to what each layer is fed, and the loss is derived by them: so it is the same on every backend.
    """
    found = iter(derived([[np.zeros_like(call) for call in calls or ()] for calls in seen], x, y))
    norms = []
    for calls in seen:
        # The mean over the samples has divided the gradient of each by their number.
        parts = [len(y) * ops.convert_to_numpy(next(found)) for _ in calls or ()]
        norms.append(np.sqrt(sum(np.square(part, dtype=np.float64).sum() for part in parts) / len(y))
                     if calls else np.nan)
    return np.array(norms)


def _gradients_of(model: Any, layers: Sequence[SpikingLayer], loss: Any) -> Callable[..., list[Any]]:
    """What derives the loss by what is added to what each layer is fed, call by call."""
    def derived(zeros: list[list[Any]], x: Any, y: Any) -> list[Any]:
        def mean_loss(added: Sequence[Any]) -> Any:
            with _added(layers, zeros, added):
                return _mean_loss(loss, y, model(x, training=False))

        return _derived(mean_loss, [zero for calls in zeros for zero in calls])

    return derived


@contextmanager
def _added(layers: Sequence[SpikingLayer], zeros: Sequence[Any], added: Sequence[Any]) -> Iterator[None]:
    """Adds to what the layers are fed, call by call."""
    rest = iter(added)
    own = [iter([next(rest) for _ in calls]) for calls in zeros]

    def adding(parts: Iterator[Any]) -> Callable[[Any], Any]:
        return lambda inputs: inputs + ops.cast(part, inputs.dtype) if (part := next(parts, None)) is not None else \
            inputs

    with replaced_inputs(layers, [adding(parts) for parts in own]):
        yield


def _derived(function: Callable[[Sequence[Any]], Any], at: list[Any]) -> list[Any]:
    """The gradient of a number by arrays, on the backend that is in use."""
    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            given = [tf.constant(array) for array in at]
            with tf.GradientTape() as tape:
                tape.watch(given)
                value = function(given)
            found = tape.gradient(value, given)
        case "jax":
            import jax

            found = jax.grad(function)([jax.numpy.asarray(array) for array in at])
        case "torch":
            import torch

            given = [ops.convert_to_tensor(array).requires_grad_() for array in at]
            found = torch.autograd.grad(function(given), given, allow_unused=True)
        case _:
            return [np.full_like(array, np.nan) for array in at]
    return [np.zeros_like(array) if gradient is None else gradient for array, gradient in zip(at, found, strict=True)]

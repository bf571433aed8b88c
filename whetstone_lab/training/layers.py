"""Keras layers of the Whetstone method: activations that sharpen into a threshold gate.

Written with ``keras.ops`` alone, so they run on every Keras backend. Source: Severa et al., "Training deep neural
networks for binary communication with the Whetstone method", Nature Machine Intelligence 1, 2019, arXiv 1810.11521.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras import ops

from whetstone_lab.method import surrogates
from whetstone_lab.method.curves import BOUNDED_RELU, SIGMOID, Curve
from whetstone_lab.training._internals import inner_layers, scalar_setter
from whetstone_lab.training.fit_hooks import hook_fit

#: Begins the names, in a file of weights, of the arrays of a sharpener's checkpoint.
_CHECKPOINT = "sharpener_"

# Not only where sharpeners are: in ``model.fit(x, y, callbacks=[whetstone_lab.AdaptiveSharpener()])`` Python looks up
# ``fit`` before their module is loaded. A model that one can sharpen has layers from here.
hook_fit()


class Settings:
    """A count of its own, since Keras goes through all of a layer's bookkeeping when a number on it changes."""

    def __init__(self) -> None:
        self.count = 0


class SpikingLayer(keras.layers.Layer):
    """An activation with a sharpness; the base of :class:`SpikingBReLU` and :class:`SpikingSigmoid`.

    ``sharpness`` is a non-trainable scalar weight: it is saved with the model, is right under distribution and mixed
    precision, and changes without retracing. The gradient of a fully sharp layer is zero everywhere, so nothing below
    it would learn. With a ``surrogate_width`` w the backward pass uses the gradient of a blurred step instead,
    ``1 / (1 + (pi (x - threshold) / w)^2)``, whatever the sharpness. The output of the layer stays the same. See
    :func:`whetstone_lab.method.surrogates.arctan_gradient`.

    Args:
        sharpness: The sharpness to start with, a float in [0, 1]. Default: 0, the soft curve.
        surrogate_width: Width of the blurred step in the backward pass, in units of the pre-activation, positive; or
            None for the curve's own gradient, as published. Default: 2, twice the width of the soft bounded ReLU.
        **kwargs: As for every Keras layer.

    Input shape: any. Output shape: the same.

    Raises:
        ValueError: ``sharpness`` is outside [0, 1], or ``surrogate_width`` is not positive.
    """

    #: The curve that the layer applies.
    curve: Curve

    def __init__(self, sharpness: float = 0.0, surrogate_width: float | None = 2.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if surrogate_width is not None and not (math.isfinite(surrogate_width) and surrogate_width > 0):
            raise ValueError(f"Expected surrogate_width to be a positive number or None; got {surrogate_width!r}.")
        self.supports_masking = True
        self.surrogate_width = None if surrogate_width is None else float(surrogate_width)
        self._initial_sharpness = check_sharpness(sharpness)
        # float32 whatever the precision: near 1 a half-precision sharpness would step too coarsely.
        self.sharpness = self.add_weight(
            name="sharpness", shape=(), dtype="float32", trainable=False, autocast=False,
            initializer=keras.initializers.Constant(self._initial_sharpness),
        )
        #: How often ``set_sharpness`` was called.
        self.settings = Settings()
        self._tap: Callable[[Any], Any] | None = None  # see replaced_inputs
        #: Makes the checkpoint of the sharpener at work, which is saved with the weights; None without one.
        self.make_checkpoint: Callable[[], Mapping[str, Any]] | None = None
        #: The checkpoint that came with the weights from a file, until a sharpener takes it up.
        self.loaded_checkpoint: dict[str, Any] = {}

    @property
    def threshold(self) -> float:
        """The pre-activation at which the sharp curve steps from 0 to 1."""
        return self.curve.threshold

    def set_sharpness(self, value: float) -> None:
        """Sets the sharpness to a float in [0, 1]; raises a ``ValueError`` outside.

        In a callback, reach the layer through ``self.model``: on JAX the trainer then takes up what was set.
        """
        number = check_sharpness(value)
        self.settings.count += 1
        scalar_setter(self.sharpness)(number)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Applies the curve at the present sharpness.

        A training step takes the form of the curve that is quickest. Outside of training, and so in a model that is
        exported, a sharp layer is a comparison. The values and gradients are the same.
        """
        if self._tap is not None:
            inputs = self._tap(inputs)
        # "is True", since Keras's rematerialisation on JAX traces it. Both forms are right in any phase.
        fused = training is True
        # Half-precision inputs are compared in float32: near the threshold half precision is too coarse.
        dtype = "float64" if self.compute_dtype == "float64" else "float32"
        sharpness = ops.cast(ops.convert_to_tensor(self.sharpness), dtype)
        outputs = _activation(self.curve, self.surrogate_width, fused)(ops.cast(inputs, dtype), sharpness)
        return ops.cast(outputs, self.compute_dtype)

    def save_own_variables(self, store: Any) -> None:
        """Saves the sharpness, and a checkpoint: one that was loaded and not taken up, or that of the sharpener."""
        super().save_own_variables(store)
        checkpoint = self.loaded_checkpoint or (self.make_checkpoint() if self.make_checkpoint else {})
        for name, array in checkpoint.items():
            store[_CHECKPOINT + name] = array

    def load_own_variables(self, store: Any) -> None:
        """Loads the sharpness, and the checkpoint of a sharpener if one was saved with it."""
        names = [*store.keys()]
        super().load_own_variables({name: store[name] for name in names if not name.startswith(_CHECKPOINT)})
        self.loaded_checkpoint = {name.removeprefix(_CHECKPOINT): np.asarray(store[name]) for name in names
                                  if name.startswith(_CHECKPOINT)}

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The layer's arguments; the present sharpness is a weight and is saved as one."""
        return {**super().get_config(), "sharpness": self._initial_sharpness, "surrogate_width": self.surrogate_width}


@keras.saving.register_keras_serializable(package="whetstone_lab")
class SpikingBReLU(SpikingLayer):
    """Bounded ReLU that sharpens into a threshold gate at 0.5.

    ``clip((x - 0.5) / (1 - sharpness + 0.001) + 0.5, 0, 1)`` below full sharpness, and ``x >= 0.5`` at 1.

    Args:
        sharpness: The sharpness to start with, a float in [0, 1]. Default: 0.
        surrogate_width: Width of the blurred step in the backward pass, positive, in units of the pre-activation; None
            for the curve's own gradient, as published. Default: 2.
        **kwargs: As for every Keras layer.

    Input shape: any. Output shape: the same, values in [0, 1].

    Example:
        >>> model = keras.Sequential([keras.layers.Dense(256), SpikingBReLU()])
    """

    curve = BOUNDED_RELU


@keras.saving.register_keras_serializable(package="whetstone_lab")
class SpikingSigmoid(SpikingLayer):
    """Logistic sigmoid that sharpens into a threshold gate at 0.

    ``1 / (1 + exp(-k x))`` with ``k = 4 ln(2 + sqrt 3) / (1 - sharpness + 0.001)``, and ``x >= 0`` at full sharpness.

    Args:
        sharpness: The sharpness to start with, a float in [0, 1]. Default: 0.
        surrogate_width: Width of the blurred step in the backward pass, positive, in units of the pre-activation; None
            for the curve's own gradient, as published. Default: 2.
        **kwargs: As for every Keras layer.

    Input shape: any. Output shape: the same, values in [0, 1].
    """

    curve = SIGMOID


@functools.cache
def _activation(curve: Curve, surrogate_width: float | None, fused: bool) -> Callable[[Any, Any], Any]:
    """The curve in one of its two forms, with a gradient of its own or of the blurred step."""
    value = (curve.fused if fused else None) or curve.value

    @ops.custom_gradient
    def activate(x: Any, sharpness: Any) -> Any:
        def backward(*args: Any, upstream: Any = None) -> tuple[Any, Any]:
            upstream = args[0] if upstream is None else upstream
            return surrogates.gradient(curve, x, sharpness, surrogate_width, upstream, ops), ops.zeros_like(sharpness)

        return value(x, sharpness, ops), backward

    return activate


def check_sharpness(value: Any) -> float:
    """Returns a sharpness as a float, or raises a ``ValueError`` if it is not a number in [0, 1]."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0.0 <= number <= 1.0:
        raise ValueError(f"Expected a sharpness in [0, 1]; got {value!r}.")
    return number


def spiking_layers(model: keras.Model) -> list[SpikingLayer]:
    """The spiking layers of a model, bottom first, each once, however deeply nested.

    A subclassed model does not tell how data flow through it: there, the order is that in which it got its layers.

    Raises:
        ValueError: The model has none.
    """
    found = [layer for layer in all_layers(model) if isinstance(layer, SpikingLayer)]
    if not found:
        raise ValueError(f"Expected a model with at least one spiking layer, such as SpikingBReLU; {model.name!r} has "
                         f"none among its {len(model.layers)} layers: {[layer.name for layer in model.layers]}.")
    return found


def all_layers(layer: Any, seen: set[int] | None = None) -> Iterator[Any]:
    """The layers within a layer or model, however deeply nested, bottom first, each once but for those in ``seen``."""
    # Keras's own recursive walk goes through nested layers from the top down.
    seen = set() if seen is None else seen
    for inner in inner_layers(layer):
        if id(inner) not in seen:
            seen.add(id(inner))
            yield inner
            yield from all_layers(inner, seen)


@contextmanager
def recorded_inputs(layers: Sequence[SpikingLayer]) -> Iterator[list[list[Any]]]:
    """Keeps what the layers are fed while a model is called eagerly, a list for each layer, an item for each call."""
    seen: list[list[Any]] = [[] for _ in layers]

    def keeping(items: list[Any]) -> Callable[[Any], Any]:
        def keep(inputs: Any) -> Any:
            items.append(inputs)
            return inputs

        return keep

    with replaced_inputs(layers, [keeping(items) for items in seen]):
        yield seen


@contextmanager
def replaced_inputs(layers: Sequence[SpikingLayer], taps: Sequence[Callable[[Any], Any]]) -> Iterator[None]:
    """Has each layer take what its tap makes of what it is fed, while a model is called eagerly."""
    try:
        for layer, tap in zip(layers, taps, strict=True):
            layer._tap = tap
        yield
    finally:
        for layer in layers:
            layer._tap = None

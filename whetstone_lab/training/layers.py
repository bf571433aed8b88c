"""Keras layers of the Whetstone method: activations that sharpen into a threshold gate, and the decoding of n-hot keys.

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

from whetstone_lab.method import class_keys, curves

#: Begins the names, in a file of weights, of what a sharpener remembers.
_MEMORY = "sharpener_"


class SpikingLayer(keras.layers.Layer):
    """An activation with a sharpness; the base of :class:`SpikingBReLU` and :class:`SpikingSigmoid`.

    ``sharpness`` is a non-trainable scalar weight: it is saved with the model, is right under distribution and mixed
    precision, and changes without retracing. The gradient of a fully sharp layer is zero everywhere, so nothing below
    it would learn; with a ``surrogate_width`` w the backward pass puts in its place that of a blurred step,
    ``1 / (1 + (pi (x - threshold) / w)^2)``, whatever the sharpness. What the layer puts out is never changed by
    it. See :func:`whetstone_lab.method.curves.arctan_gradient`.

    Args:
        sharpness: The sharpness to start with, a float in [0, 1]. Default: 0, the soft curve.
        surrogate_width: Width of the blurred step in the backward pass, in units of the pre-activation, positive; or
            None for the curve's own gradient, as published. Default: 2, twice the width of the soft bounded ReLU.
        **kwargs: As for every Keras layer.

    Input shape: any. Output shape: the same.

    Raises:
        ValueError: ``sharpness`` is outside [0, 1], or ``surrogate_width`` is not positive.
    """

    #: Name of the curve in ``whetstone_lab.method.curves.CURVES``.
    curve: str

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
        self._times_set = 0
        self._tap: Callable[[Any], None] | None = None  # see recorded_inputs
        # What a sharpener keeps with the weights: arrays that came with them from a file, or what makes new ones.
        self._memory: Mapping[str, Any] | Callable[[], Mapping[str, Any]] = {}

    @property
    def threshold(self) -> float:
        """The pre-activation at which the sharp curve steps from 0 to 1."""
        return curves.THRESHOLDS[self.curve]

    def set_sharpness(self, value: float) -> None:
        """Sets the sharpness to a float in [0, 1]; raises a ``ValueError`` outside.

        In a callback, reach the layer through ``self.model``: on JAX the trainer then takes up what was set.
        """
        number = check_sharpness(value)
        self._times_set += 1
        variable = self.sharpness.value
        if type(variable).__name__ == "ResourceVariable":  # TensorFlow's, and not one that is mirrored
            _assign_scalar(variable, number)
        else:
            self.sharpness.assign(number)

    def call(self, inputs: Any) -> Any:
        """Applies the curve at the present sharpness."""
        if self._tap is not None:
            self._tap(inputs)
        # Half-precision inputs are judged in float32, as the threshold and the slope near it need it.
        dtype = "float64" if self.compute_dtype == "float64" else "float32"
        sharpness = ops.cast(ops.convert_to_tensor(self.sharpness), dtype)
        outputs = _activation(self.curve, self.surrogate_width)(ops.cast(inputs, dtype), sharpness)
        return ops.cast(outputs, self.compute_dtype)

    def save_own_variables(self, store: Any) -> None:
        """Saves the sharpness, and with it what a sharpener must remember to go on from here."""
        super().save_own_variables(store)
        for name, array in (self._memory() if callable(self._memory) else self._memory).items():
            store[_MEMORY + name] = array

    def load_own_variables(self, store: Any) -> None:
        """Loads the sharpness, and what a sharpener had to remember, if it was saved with it."""
        names = [*store.keys()]
        super().load_own_variables({name: store[name] for name in names if not name.startswith(_MEMORY)})
        memory = {name.removeprefix(_MEMORY): np.asarray(store[name]) for name in names if name.startswith(_MEMORY)}
        if memory or not callable(self._memory):
            self._memory = memory

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

    curve = "bounded_relu"


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

    curve = "sigmoid"


@keras.saving.register_keras_serializable(package="whetstone_lab")
class SoftmaxDecode(keras.layers.Layer):
    """Turns output spikes into class probabilities by an n-hot class key.

    ``softmax((2 h - 1) @ (2 K - 1)^T / temperature)``: each class scores the outputs that agree with its key minus
    those that do not. With wide keys these scores saturate the softmax and its gradient vanishes, which a temperature
    restores; it changes no argmax, so a chip that only compares the scores never sees it. Under a half-precision policy
    the layer computes in float32 all the same: half precision cannot count the scores of wide keys.

    Args:
        key: Zeros and ones, shape ``(classes, width)``; see :func:`whetstone_lab.method.class_keys.make_key`.
        temperature: Positive divisor of the scores. Default: ``sqrt(width) / 2``; 1 is the published layer.
        **kwargs: As for every Keras layer.

    Input shape: ``(..., width)``. Output shape: ``(..., classes)``, rows sum to 1.

    Raises:
        ValueError: The key is not one, or its width is not that of the input; the temperature is not positive.
    """

    def __init__(self, key: Any, temperature: float | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if self.compute_dtype not in ("float32", "float64"):
            self.dtype_policy = "float32"
        self.supports_masking = True
        self.key = class_keys.check_key(key)
        if temperature is not None and not (math.isfinite(temperature) and temperature > 0):
            raise ValueError(f"Expected temperature to be a positive number or None; got {temperature!r}.")
        self.temperature = math.sqrt(self.key.shape[1]) / 2 if temperature is None else float(temperature)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Checks that the key fits the width of the input."""
        class_keys.check_key(self.key, width=input_shape[-1])
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """Scores each class and takes the softmax."""
        signs = ops.convert_to_tensor(2.0 * self.key.T - 1.0, dtype=self.compute_dtype)
        h = ops.cast(inputs, self.compute_dtype)
        return ops.softmax(ops.matmul(2.0 * h - 1.0, signs) / self.temperature)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """The input's shape with the number of classes last."""
        return (*input_shape[:-1], len(self.key))

    def get_config(self) -> dict[str, Any]:
        """The layer's arguments, the key as lists."""
        return {**super().get_config(), "key": self.key.tolist(), "temperature": self.temperature}


@functools.cache
def _activation(curve: str, surrogate_width: float | None) -> Callable[[Any, Any], Any]:
    """The curve, with a gradient of its own or of the blurred step."""

    @ops.custom_gradient
    def activate(x: Any, sharpness: Any) -> Any:
        def backward(*args: Any, upstream: Any = None) -> tuple[Any, Any]:
            upstream = args[0] if upstream is None else upstream
            return curves.gradient(curve, x, sharpness, surrogate_width, upstream, ops), ops.zeros_like(sharpness)

        return curves.CURVES[curve](x, sharpness, ops), backward

    return activate


def _assign_scalar(variable: Any, number: float) -> None:
    """What ``variable.assign(number)`` does, in a third of the time: it shows where every batch sets the sharpness."""
    import tensorflow as tf

    # Without a device it is not copied once more to the one on which it is.
    value = tf.__internal__.EagerTensor(number, None, tf.float32.as_datatype_enum)
    tf.raw_ops.AssignVariableOp(resource=variable.handle, value=value)


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
    found = [layer for layer in _walk(model, set()) if isinstance(layer, SpikingLayer)]
    if not found:
        raise ValueError(f"Expected a model with at least one spiking layer, such as SpikingBReLU; {model.name!r} has "
                         f"none among its {len(model.layers)} layers: {[layer.name for layer in model.layers]}.")
    return found


def _walk(layer: Any, seen: set[int]) -> Iterator[Any]:
    # Keras's own recursive walk goes through nested layers from the top down.
    for inner in layer._flatten_layers(include_self=False, recursive=False):
        if id(inner) not in seen:
            seen.add(id(inner))
            yield inner
            yield from _walk(inner, seen)


def sync_weights(model: keras.Model) -> None:
    """Brings a model's weights up to date in the midst of ``fit``, where JAX's trainer works on a copy of its own.

    What is then assigned to a weight reaches the trainer's next step.
    """
    if hasattr(model, "jax_state_sync"):
        model.jax_state_sync()


@contextmanager
def recorded_inputs(layers: Sequence[SpikingLayer]) -> Iterator[list[list[Any]]]:
    """Keeps what the layers are fed while a model is called eagerly, a list for each layer, an item for each call."""
    seen: list[list[Any]] = [[] for _ in layers]
    for layer, items in zip(layers, seen, strict=True):
        layer._tap = items.append
    try:
        yield seen
    finally:
        for layer in layers:
            layer._tap = None

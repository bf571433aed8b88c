"""The layers under the names of the original Whetstone package, and what else ``compat`` puts into models.

They lie apart from :mod:`whetstone_lab.compat` so that they can be made known to Keras, and models that hold them read,
without loading the rest of it. Their users import them from there.
"""

# ruff: noqa: N801 the names are those of the original
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from whetstone_lab.method import class_keys
from whetstone_lab.training.decode import SoftmaxDecode
from whetstone_lab.training.layers import SpikingBReLU, SpikingSigmoid


@keras.saving.register_keras_serializable(package="whetstone_lab.compat")
class Spiking_BRelu(SpikingBReLU):
    """``SpikingBReLU`` with the curve's own gradient. Mended: its sharpness is saved with the weights."""

    def __init__(self, sharpness: float = 0.0, surrogate_width: float | None = None, **kwargs: Any) -> None:
        super().__init__(sharpness, surrogate_width, **kwargs)


@keras.saving.register_keras_serializable(package="whetstone_lab.compat")
class Spiking_Sigmoid(SpikingSigmoid):
    """``SpikingSigmoid`` with the curve's own gradient. Mended: its sharpness is saved with the weights."""

    def __init__(self, sharpness: float = 0.0, surrogate_width: float | None = None, **kwargs: Any) -> None:
        super().__init__(sharpness, surrogate_width, **kwargs)


@keras.saving.register_keras_serializable(package="whetstone_lab.compat")
class Softmax_Decode(SoftmaxDecode):
    """``SoftmaxDecode`` at temperature 1.

    Args:
        key: Zeros and ones, shape ``(classes, width)``.
        size: ``(classes, width)`` of a key to make, where none is given.
        temperature: Divisor of the scores. Default: 1.
        **kwargs: As for every Keras layer.
    """

    def __init__(self, key: Any = None, size: tuple[int, int] | None = None, temperature: float = 1.0,
                 **kwargs: Any) -> None:
        if key is None:
            if size is None:
                raise ValueError("Expected a key, or the size (classes, width) of a key to make; got neither.")
            key = key_generator(*size)
        super().__init__(key, temperature, **kwargs)


def key_generator(num_classes: int, width: int, sparsity: float | None = None, overlapping: bool = True,
                  seed: int = 0) -> np.ndarray:
    """An n-hot class key. Mended: it is seeded, heeds ``sparsity``, and leaves no output without a class.

    Args:
        num_classes: Number of classes.
        width: Number of output neurons.
        sparsity: Share of the neurons that speak for a class, in (0, 1]. Default: ``width // num_classes`` neurons,
            which is what the original does whatever it is given.
        overlapping: Whether a neuron may speak for several classes. Default: True.
        seed: Seed of the draw. Default: 0.
    """
    hot = None if sparsity is None else max(round(sparsity * width), 1)
    return class_keys.make_key(num_classes, width, hot=hot, overlap=overlapping, seed=seed)


@keras.saving.register_keras_serializable(package="whetstone_lab.compat")
class ScaledActivation(keras.layers.Layer):
    """An activation and the batch norm after it: ``scale f(x) + shift`` for each channel.

    Args:
        function: The activation ``f``.
        scale: One number for each channel.
        shift: The same.
        axis: The axis of the channels, counted from the last. Default: -1.
        **kwargs: As for every Keras layer.
    """

    def __init__(self, function: Any, scale: Sequence[float], shift: Sequence[float], axis: int = -1,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.function = keras.activations.get(function)
        self.scale, self.shift, self.axis = list(scale), list(shift), axis

    def call(self, inputs: Any) -> Any:
        """Applies the activation, then scale and shift."""
        along = (-1, *[1] * (-self.axis - 1))
        scale, shift = (keras.ops.convert_to_tensor(np.reshape(values, along), dtype=inputs.dtype)
                        for values in (self.scale, self.shift))
        return self.function(inputs) * scale + shift

    def get_config(self) -> dict[str, Any]:
        """The layer's arguments."""
        return {**super().get_config(), "function": keras.activations.serialize(self.function), "scale": self.scale,
                "shift": self.shift, "axis": self.axis}

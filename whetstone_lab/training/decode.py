"""The read-out layer: n-hot output spikes into class probabilities.

Source: Severa et al., Nature Machine Intelligence 1, 2019, arXiv 1810.11521.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from whetstone_lab.method import class_keys


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

"""Variables of Keras layers as NumPy arrays."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


def to_numpy(variable: Any) -> np.ndarray:
    """A copy of a variable in float32, or in float64 where it is that.

    Half-precision types, bfloat16 among them, are widened. The copy keeps the array apart from the variable's memory.
    """
    array = keras.ops.convert_to_numpy(variable)
    return np.array(array, np.float64 if array.dtype == np.float64 else np.float32)


def bias_of(layer: Any) -> np.ndarray | None:
    """The bias of a layer, or None if it has none."""
    return to_numpy(layer.bias) if layer.use_bias else None

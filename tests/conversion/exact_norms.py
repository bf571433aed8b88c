"""Keras models with a batch norm that rounds once: what to hold a network against where every number is exact.

Keras's own batch norm on TensorFlow multiplies by ``rsqrt(variance + epsilon)``, and on some processors ``rsqrt(4)`` is
0.49999994. Ties are none there, whatever the weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np
import pytest
from backends import array
from keras import ops


@contextmanager
def exact_batch_norm() -> Iterator[None]:
    """Every batch norm computes ``x scale + shift`` by the formula, scale and shift in float64 and then rounded."""
    def call(self, inputs, training=None, mask=None):
        mean, variance = (array(v).astype(np.float64) for v in (self.moving_mean, self.moving_variance))
        scale = (array(self.gamma).astype(np.float64) if self.scale else 1.0) / np.sqrt(variance + self.epsilon)
        shift = (array(self.beta).astype(np.float64) if self.center else 0.0) - mean * scale
        along = [1] * len(inputs.shape)
        along[self.axis] = -1
        return inputs * ops.cast(scale.reshape(along), inputs.dtype) + ops.cast(shift.reshape(along), inputs.dtype)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.layers.BatchNormalization, "call", call)
        yield

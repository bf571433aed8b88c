"""What the reference nets are put together from."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from whetstone_lab.method import class_keys
from whetstone_lab.training.decode import SoftmaxDecode
from whetstone_lab.training.layers import SpikingBReLU

#: Of the moving averages of batch norm. They then follow the last ten batches or so, and need some 50 to begin with;
#: Keras's own 0.99 needs 500, which is more than a short training has.
_MOMENTUM = 0.9

#: What a skip can carry.
SKIPS = ("potentials", "spikes")

#: What the last batch norm of a branch multiplies by at the start, so that a sum begins as little more than its skip.
#: At 1 the gradient of a residual net grows on its way down: after two epochs of MNIST at depth 20 it was 400 times as
#: large at the stem as at the output, at 0.2 it was 19 times as large (``depth_profile``).
BRANCH_SCALE = 0.2


class Blocks:
    """Makes the layers of a net, or of its ReLU baseline.

    Args:
        dropout: Share of the hidden neurons that is dropped in training.
        batchnorm: Whether batch norm stands before each activation.
        surrogate_width: Of the spiking layers.
        spiking: Whether to make spiking layers, or ReLU in their place.
        seed: Where the draws of the weights and of dropout begin. Default: None, Keras's own, for the whole process.
    """

    def __init__(self, dropout: float, batchnorm: bool, surrogate_width: float | None, spiking: bool,
                 seed: int | None = None) -> None:
        self.dropout, self.batchnorm = dropout, batchnorm
        self.surrogate_width, self.spiking = surrogate_width, spiking
        self._chance = None if seed is None else np.random.default_rng(seed)

    def draw(self) -> Any:
        """How the weights of the next linear layer are drawn: as Keras does, or from a seed of their own."""
        return "glorot_uniform" if self._chance is None else keras.initializers.GlorotUniform(self._seed())

    def _seed(self) -> int | None:
        return None if self._chance is None else int(self._chance.integers(2**31))

    def block(self, linear: keras.layers.Layer, name: str, scale: float = 1.0) -> list[keras.layers.Layer]:
        """A linear layer with its activation, which bears the name; batch norm, where it is, begins with the scale."""
        activation = (SpikingBReLU(surrogate_width=self.surrogate_width, name=name) if self.spiking
                      else keras.layers.ReLU(name=name))
        norm = [keras.layers.BatchNormalization(momentum=_MOMENTUM, gamma_initializer=(
            keras.initializers.Constant(scale) if scale != 1 else "ones"))] if self.batchnorm else []
        return [linear, *norm, activation]

    def hidden(self, linear: keras.layers.Layer, name: str) -> list[keras.layers.Layer]:
        """The same with dropout."""
        dropout = [keras.layers.Dropout(self.dropout, seed=self._seed())] if self.dropout else []
        return [*self.block(linear, name), *dropout]

    def read_out(self, classes: int, width: int | None, key: Any, temperature: float | None) -> list:
        """From the last hidden layer to the classes; of a map of places, to a class for each."""
        if not self.spiking:
            return [keras.layers.Dense(classes, activation="softmax", kernel_initializer=self.draw())]
        key = class_keys.make_key(classes, width) if key is None else class_keys.check_key(key, width=width)
        dense = keras.layers.Dense(key.shape[1], kernel_initializer=self.draw())
        return [*self.block(dense, "output"), SoftmaxDecode(key, temperature)]

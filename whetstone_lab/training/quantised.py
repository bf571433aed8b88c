"""Values of a few bits each, for ReLU baselines whose code may hold no more bits than that of a spiking net."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="whetstone_lab")
class Quantised(keras.layers.Layer):
    """Rounds values to so many bits each, as a bottleneck of the ReLU baseline does.

    ``round(clip(x, 0, 1) (2^bits - 1)) / (2^bits - 1)``: a ReLU bounded at 1, of which ``2^bits`` levels are left. The
    gradient is that of the clipping, as if nothing were rounded (the straight-through estimator; Bengio, Léonard and
    Courville, "Estimating or propagating gradients through stochastic neurons", 2013, arXiv 1308.3432).

    Args:
        bits: Bits of a value, 1 to 16.
        **kwargs: As for every Keras layer.

    Input shape: any. Output shape: the same, values in [0, 1].

    Raises:
        ValueError: ``bits`` is no number of them.
    """

    def __init__(self, bits: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(bits, bool) or not isinstance(bits, int) or not 1 <= bits <= 16:
            raise ValueError(f"Expected bits to be an integer from 1 to 16; got {bits!r}.")
        self.bits = bits

    def call(self, inputs: Any) -> Any:
        """Clips and rounds."""
        clipped, steps = ops.clip(inputs, 0.0, 1.0), 2**self.bits - 1
        return clipped + ops.stop_gradient(ops.round(clipped * steps) / steps - clipped)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The layer's arguments."""
        return {**super().get_config(), "bits": self.bits}

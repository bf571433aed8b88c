"""The Q network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from whetstone_lab.training.models.blocks import Blocks

#: Half the width of the range from which the biases of a first dense layer are drawn.
_SPREAD = 2.0


def q_network(shape: Sequence[int], actions: int, *, hidden: Sequence[int] = (256,), filters: Sequence[int] = (),
              kernel: int = 3, bounds: tuple[Any, Any] | None = None, surrogate_width: float | None = 2.0,
              spiking: bool = True) -> keras.Sequential:
    """A net that sees an observation and values each action, or its ReLU baseline.

    ``[Conv2D, SpikingBReLU]`` for each number of filters, ``[Dense, SpikingBReLU]`` for each hidden layer, then a
    linear ``Dense(actions)`` that reads the last spikes. The values are sums of weights, all 0 at first; the largest
    wins.

    A neuron with a threshold tells on which side of a plane an observation lies. Where an observation is a row of
    numbers and no picture, these planes must lie all over it for a value to be told finely. So each number whose range
    is known is brought to -4 to 4, since most of the time it is near the middle, and the biases of the first layer are
    drawn from -2 to 2. The pixels of a picture, which filters see, are divided by the largest that one can be: bytes
    become 0 to 1, and bits stay as they are.

    Args:
        shape: Shape of an observation; with filters, rows, columns and channels.
        actions: Number of actions.
        hidden: Neurons of each hidden layer. Default: one layer of 256.
        filters: Filters of each convolution, without padding. Default: none.
        kernel: Rows and columns of each filter. Default: 3.
        bounds: The least and the greatest that each number of an observation can be, two arrays of its shape; infinite
            where it has no end, and it is then taken as it is. Default: none is known.
        surrogate_width: Of the spiking layers. Default: 2.
        spiking: Whether to make the spiking net or its ReLU baseline. Default: spiking.

    Returns:
        The model, not yet compiled.

    Raises:
        ValueError: The bounds are of another shape, or the least is above the greatest.

    Example:
        >>> q_network((10, 10, 4), 3, filters=(16,), hidden=(128,)).output_shape
        (None, 3)
        >>> rescaling = q_network((2,), 2, bounds=([-2.0, -np.inf], [6.0, np.inf])).layers[0]
        >>> keras.ops.convert_to_numpy(rescaling(np.array([[6.0, 6.0]]))).tolist()
        [[4.0, 6.0]]
    """
    make = Blocks(0.0, False, surrogate_width, spiking)
    layers: list[keras.layers.Layer] = [keras.layers.Input(tuple(shape))]
    low, high = _checked(shape, *((-np.full(shape, np.inf), np.full(shape, np.inf)) if bounds is None else bounds))
    if filters:
        layers += _pixels(low, high)
    for number, count in enumerate(filters, 1):
        layers += make.block(keras.layers.Conv2D(count, kernel), f"conv_{number}")
    if len(shape) > 1:
        layers.append(keras.layers.Flatten())
    if bounds is not None and not filters:
        layers.append(_rescaling(low.ravel(), high.ravel()))
    first = {} if filters else {"kernel_initializer": "he_normal",
                                "bias_initializer": keras.initializers.RandomUniform(-_SPREAD, _SPREAD)}
    for number, units in enumerate(hidden, 1):
        layers += make.block(keras.layers.Dense(units, **first if number == 1 else {}), f"hidden_{number}")
    layers.append(keras.layers.Dense(actions, kernel_initializer="zeros", name="values"))
    return keras.Sequential(layers, name="spiking_q_network" if spiking else "relu_q_network")


def _checked(shape: Sequence[int], low: Any, high: Any) -> tuple[np.ndarray, np.ndarray]:
    """The bounds as two arrays of the observation's shape."""
    low, high = np.asarray(low, float), np.asarray(high, float)
    if low.shape != tuple(shape) or high.shape != tuple(shape) or (low > high).any():
        raise ValueError(f"Expected bounds, the least and the greatest of each number, of shape {tuple(shape)}; got "
                         f"{low} and {high}.")
    return low, high


def _pixels(low: np.ndarray, high: np.ndarray) -> list[keras.layers.Layer]:
    """Divides by the largest that a pixel can be, where that is known and not 1."""
    largest = float(max(abs(low.min()), abs(high.max())))
    known = np.isfinite(largest) and largest not in (0, 1)
    return [keras.layers.Rescaling(1 / largest, name="rescaling")] if known else []


def _rescaling(low: np.ndarray, high: np.ndarray) -> keras.layers.Rescaling:
    """Brings each number to -4 to 4 whose range is known."""
    known = np.isfinite(low) & np.isfinite(high) & (low < high)
    middle = np.where(known, low, 0) / 2 + np.where(known, high, 0) / 2
    factor = 8 / np.where(known, high - low, 8.0)
    return keras.layers.Rescaling(factor.tolist(), (-middle * factor).tolist(), name="rescaling")

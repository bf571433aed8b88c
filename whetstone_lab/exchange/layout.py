"""The channels-first lowering: how a network lies in formats whose images are ``(channels, rows, columns)``.

The simulator's images are ``(rows, columns, channels)``, as Keras has them. A format with channels first holds the same
values in another order. Kernels are transposed, and what looks different behind a ``Flatten`` is an order of weights:
:class:`Layout` follows where each value lies. :func:`symmetric`, :func:`window_sum` and :func:`window_mean` lower what
a format has not got (padding that differs at both ends, groups, pools) to convolutions that it has.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from whetstone_lab.simulator.operations import (
    AveragePool2D,
    Conv2D,
    GlobalAveragePool2D,
    GlobalMaxPool2D,
    MaxPool2D,
    Operation,
    Shape,
)

#: Rows before and after an image, and columns before and after it.
Margins = tuple[tuple[int, int], tuple[int, int]]
Pool = MaxPool2D | AveragePool2D | GlobalMaxPool2D | GlobalAveragePool2D


def channels_first(shape: Shape) -> Shape:
    """``(rows, columns, channels)`` as ``(channels, rows, columns)``."""
    return (*shape[-1:], *shape[:-1])


def channels_last(shape: Shape) -> Shape:
    """``(channels, rows, columns)`` as ``(rows, columns, channels)``."""
    return (*shape[1:], *shape[:1])


def kernel_channels_first(weights: np.ndarray) -> np.ndarray:
    """``(rows, columns, channels, filters)`` as ``(filters, channels, rows, columns)``."""
    return weights.transpose(3, 2, 0, 1).copy()


def kernel_channels_last(weights: np.ndarray) -> np.ndarray:
    """``(filters, channels, rows, columns)`` as ``(rows, columns, channels, filters)``."""
    return weights.transpose(2, 3, 1, 0)


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the values of a node lie in a channels-first format.

    Attributes:
        shape: The shape there, channels first.
        places: For each of our values its index into the flattened shape there; of our shape.
        margins: Rows and columns of zeros that are still to be put around the image there. They wait here because
            most formats pad only within a convolution.
    """

    shape: Shape
    places: np.ndarray
    margins: Margins = ((0, 0), (0, 0))

    @classmethod
    def of(cls, shape: Shape) -> Self:
        """The layout of a node whose shape is ``shape`` here, channels last."""
        first = channels_first(shape)
        return cls(first, np.moveaxis(np.arange(math.prod(first)).reshape(first), 0, -1))

    @property
    def image(self) -> Shape:
        """Rows and columns of an image, its margins included."""
        return tuple(length + sum(ends) for length, ends in zip(self.shape[1:], self.margins, strict=True))

    @property
    def is_padded(self) -> bool:
        """Whether zeros are still to be put around it."""
        return bool(np.any(self.margins))

    @property
    def is_conventional(self) -> bool:
        """Whether our order and the order there differ by nothing but the place of the channels."""
        return np.array_equal(self.places, Layout.of(channels_last(self.shape)).places)

    def same_order(self, other: Layout) -> bool:
        """Whether each of our values lies at the same place in both."""
        return other.shape == self.shape and np.array_equal(other.places, self.places)

    def rearranged(self, operation: Operation) -> Layout:
        """After an operation that only moves values, such as ``Reshape`` or ``Permute``. Nothing happens there."""
        return replace(self, places=operation.apply(self.places[None])[0])

    def padded(self, rows: tuple[int, int], columns: tuple[int, int]) -> Layout:
        """With that many more zeros around it."""
        (top, bottom), (left, right) = self.margins
        return replace(self, margins=((top + rows[0], bottom + rows[1]), (left + columns[0], right + columns[1])))

    def flat(self) -> Layout:
        """After the format's own ``Flatten``: one axis, in the order there."""
        return replace(self, shape=(math.prod(self.shape),))

    def arranged(self, values: np.ndarray) -> np.ndarray:
        """Values that broadcast against our shape, such as thresholds, in the order and shape there."""
        found = np.zeros(math.prod(self.shape), values.dtype)
        found[self.places] = np.broadcast_to(values, self.places.shape)
        return found.reshape(self.shape)

    def dense_weights(self, weights: np.ndarray) -> np.ndarray:
        """The weights of a dense layer, ``(inputs, outputs)``, as ``(outputs, inputs)`` in the order there."""
        found = np.zeros_like(weights.T)
        found[:, self.places] = weights.T
        return found


def symmetric(conv: Conv2D, layout: Layout) -> tuple[np.ndarray, tuple[int, int]]:
    """A square kernel of one group, with the same padding at both ends, that does what a convolution does.

    Rows and columns of zeros in the kernel make up for padding that differs at both ends, for the layout's margins, and
    for a window that is no square; zeros for the other groups' channels make up for groups.

    Args:
        conv: The convolution.
        layout: Of what it is applied to. Its margins are zeros that the convolution has to bring along.

    Returns:
        The weights, ``(rows, columns, channels, filters)``, and the padding of rows and of columns at either end.

    Raises:
        ValueError: No kernel does that.
    """
    image, margins = layout.image, layout.margins
    axes = conv.windows.axes((*image, 1))
    taps, gaps = conv.weights.shape[:2], conv.dilation
    starts = [before + zeros for (_, before, _), (zeros, _) in zip(axes, margins, strict=True)]
    for size in range(max(taps), 2 * (max(taps) + max(starts)) + max(conv.strides) + 1):
        fitting = []  # for rows and columns: how many zeros may come before the taps
        for axis, (count, _, _) in enumerate(axes):
            length, span = layout.shape[1 + axis], (size - 1) * gaps[axis] + 1
            fitting.append([zeros for zeros in range(size - taps[axis] + 1) if (
                length + 2 * (starts[axis] + zeros * gaps[axis]) - span) // conv.strides[axis] + 1 == count])
        if all(fitting):
            top, left = (zeros[0] for zeros in fitting)
            _, _, channels, filters = conv.weights.shape
            kernel = np.zeros((size, size, channels * conv.groups, filters), conv.weights.dtype)
            for theirs, mine in zip(np.split(np.arange(channels * conv.groups), conv.groups),
                                    np.split(np.arange(filters), conv.groups), strict=True):
                kernel[top : top + taps[0], left : left + taps[1], theirs[:, None], mine] = conv.weights[..., mine]
            return kernel, (starts[0] + top * gaps[0], starts[1] + left * gaps[1])
    raise ValueError(f"no kernel of as many rows as columns, padded alike at both ends, does what this one of {taps} "
                     f"does on an image of {image}.")


def window_sum(pool: Pool, shape: Shape) -> Conv2D:
    """A convolution that sums each window of a pool, for each channel.

    It has all channels in one group, with zeros between different channels, as not every reader knows groups.

    Args:
        pool: The pool.
        shape: Of the image it is applied to, ``(rows, columns, channels)``.
    """
    if isinstance(pool, (GlobalMaxPool2D, GlobalAveragePool2D)):
        size, strides, padding = shape[:2], (1, 1), "valid"
    else:
        size, strides, padding = pool.size, pool.strides, pool.padding
    each = np.eye(shape[2], dtype=np.float32)
    return Conv2D(np.broadcast_to(each, (*size, *each.shape)).copy(), strides=strides, padding=padding)


def window_mean(pool: Pool, shape: Shape) -> Conv2D:
    """A convolution that averages each window of a pool, for each channel, to the last bit.

    Args:
        pool: The pool.
        shape: Of the image it is applied to, ``(rows, columns, channels)``.

    Raises:
        ValueError: The windows reach beyond the image, or their size is no power of two, so that weights of one over
            the size would round.
    """
    conv = window_sum(pool, shape)
    taps = math.prod(conv.weights.shape[:2])
    if any(before or after for _, before, after in conv.windows.axes(shape)):
        raise ValueError("a convolution's averages count padding, ours do not. Choose a size and strides that need "
                         "none.")
    if taps & (taps - 1):
        raise ValueError(f"an average over {taps} values is exact as weights only for 2, 4, 8, ... values.")
    return Conv2D(conv.weights / np.float32(taps), strides=conv.strides)

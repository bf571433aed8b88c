"""``Conv2D``: convolution, window by window or spike by spike."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from whetstone_lab.simulator.operations import checks, sparsity
from whetstone_lab.simulator.operations.base import Shape, Weighted, add_bias
from whetstone_lab.simulator.operations.windows import Axes, Windows, padded

#: At most so many bytes of windows are gathered at once, unless a row of windows takes more. The matrix product reads
#: them again right away, so they should still be in the processor's cache.
WINDOW_BYTES = 1 << 19


@dataclass(frozen=True, eq=False)
class Conv2D(Weighted):
    """Two-dimensional convolution as neural networks have it: the kernel is not flipped.

    ``y[r, c, f] = sum over i, j, k of x[r strides + i dilation - top, c strides + j dilation - left, k]
    weights[i, j, k, f] + bias[f]``, where x is 0 outside the image.

    Args:
        weights: Shape ``(rows, columns, channels / groups, filters)``, as in Keras.
        bias: Shape ``(filters,)``, or None.
        dilation: Rows and columns from one tap of a window to the next, an integer or a pair. Default: 1.
        groups: Into how many groups channels and filters fall, in order; filters see their own group's channels alone.
            As many groups as channels make a depthwise convolution. Default: 1.
        strides: Rows and columns from one window to the next, an integer or a pair. Default: 1.
        padding: ``"valid"`` (default): whole windows only. ``"same"``: ``ceil(size / stride)`` windows, an odd row or
            column of zeros at the end, as TensorFlow and Keras pad.

    Raises:
        ValueError: Weights or bias have another shape or are not finite, or an option is not one.
    """

    dilation: Any = 1
    groups: int = 1
    _: KW_ONLY
    strides: Any = 1
    padding: str = "valid"

    def __post_init__(self) -> None:
        self._set(weights=checks.kernel(self.weights), groups=checks.integer("groups", self.groups, 1))
        self._set(bias=checks.bias_for(self.weights, self.bias), strides=checks.pair("strides", self.strides),
                  dilation=checks.pair("dilation", self.dilation), padding=checks.padding(self.padding))
        if self.weights.shape[3] % self.groups:
            raise ValueError(f"Expected filters in {self.groups} equal groups; got {self.weights.shape[3]} filters.")

    @cached_property
    def windows(self) -> Windows:
        """Where the windows lie on an image."""
        return Windows(self.weights.shape[:2], self.strides, self.padding, self.dilation)

    def output_shape(self, *inputs: Shape) -> Shape:
        rows, columns, channels = self.windows.over(inputs)
        if channels != self.weights.shape[2] * self.groups:
            raise ValueError(f"Expected inputs of {self.weights.shape[2] * self.groups} channels for weights of shape "
                             f"{self.weights.shape} in {self.groups} groups; got {channels} in {inputs[0]}.")
        return rows, columns, self.weights.shape[3]

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        (x,) = inputs
        axes = self.windows.axes(x.shape[1:])
        shape = (len(x), axes[0][0], axes[1][0], self.weights.shape[3])
        products = math.prod(x.shape[1:]) * self.weights.shape[3]
        worthwhile = self.groups == 1 and products >= sparsity.MIN_PRODUCTS
        sums = self._spike_by_spike(x, axes, shape) if worthwhile and self._is_sparse(x) else None
        return add_bias(self._window_by_window(x, axes, shape) if sums is None else sums, self.bias)

    def _window_by_window(self, x: np.ndarray, axes: Axes, shape: Shape) -> np.ndarray:
        x = padded(x, axes, 0)
        samples, rows, columns, filters = shape
        tall, wide, channels, _ = self.weights.shape
        groups, taps = self.groups, tall * wide * channels
        kernel = self.weights.reshape(taps, groups, -1).swapaxes(0, 1)
        sums = np.empty((samples, rows, columns, groups, filters // groups), np.result_type(x, kernel))
        sample, row, column, channel = x.strides
        windows = as_strided(x, (groups, samples, rows, columns, tall, wide, channels),
                             (channels * channel, sample, row * self.strides[0], column * self.strides[1],
                              row * self.dilation[0], column * self.dilation[1], channel), writeable=False)
        fit = max(1, WINDOW_BYTES // (columns * taps * groups * x.itemsize))
        some, high = (fit // rows, rows) if fit >= rows else (1, fit)
        for first in range(0, samples, some):
            for top in range(0, rows, high):
                part = windows[:, first : first + some, top : top + high]
                out = sums[first : first + some, top : top + high].reshape(-1, groups, filters // groups)
                if groups > 1:
                    out[:] = (part.reshape(groups, -1, taps) @ kernel).swapaxes(0, 1)
                # Copies go in long runs: along the taps and channels of a window or, where those are few, along the
                # image.
                elif channels > 3:
                    np.dot(part.reshape(-1, taps), kernel[0], out=out[:, 0])
                else:
                    np.dot(part[0].transpose(3, 4, 5, 0, 1, 2).reshape(taps, -1).T, kernel[0], out=out[:, 0])
        return sums.reshape(shape)

    def _max_active(self) -> float:
        """The share of places of an image with any spike below which to go spike by spike; a place costs its own."""
        channels = self.weights.shape[2]
        return sparsity.MAX_ACTIVE * channels / (channels + 16)

    def _is_sparse(self, x: np.ndarray) -> bool:
        some = x[:1, ::8].any(axis=-1)
        return bool(np.count_nonzero(some) < self._max_active() * some.size)

    def _spike_by_spike(self, x: np.ndarray, axes: Axes, shape: Shape) -> np.ndarray | None:
        """Each place with spikes sends to the windows that see it; None where the few rows looked at promised fewer."""
        sample, row, column = np.nonzero(x.any(axis=-1))
        if len(sample) > self._max_active() * math.prod(x.shape[:3]):
            return None
        _, rows, columns, filters = shape
        tall, wide, channels, _ = self.weights.shape
        sent = x[sample, row, column].dot(self.weights.transpose(2, 0, 1, 3).reshape(channels, -1))
        sent = sent.reshape(-1, tall, wide, filters)
        sums = np.zeros((shape[0] * rows * columns, filters), sent.dtype)
        down, seen_down = self.windows.seen_by(row, 0, axes)
        along, seen_along = self.windows.seen_by(column, 1, axes)
        for i in range(tall):
            for j in range(wide):
                (kept,) = (seen_down[i] & seen_along[j]).nonzero()
                sums[(sample[kept] * rows + down[i, kept]) * columns + along[j, kept]] += sent[kept, i, j]
        return sums.reshape(shape)

    def fan_out(self, shape: Shape) -> np.ndarray:
        windows = self.windows
        axes = windows.axes(shape)
        rows, columns = (windows.seen_by(np.arange(shape[axis]), axis, axes)[1].sum(axis=0) for axis in (0, 1))
        return np.broadcast_to(np.outer(rows, columns)[..., None] * (self.weights.shape[3] // self.groups), shape)

    def synapses(self, *inputs: Shape) -> int:
        tall, wide = self.windows.taps_inside(inputs[0])
        return int(tall.sum()) * int(wide.sum()) * self.weights.shape[2] * self.weights.shape[3]

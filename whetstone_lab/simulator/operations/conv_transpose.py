"""``Conv2DTranspose``: each place of an image sends its own window of weights."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from whetstone_lab.simulator.operations import checks
from whetstone_lab.simulator.operations.base import Shape, Weighted, add_bias


@dataclass(frozen=True, eq=False)
class Conv2DTranspose(Weighted):
    """Transposed convolution: each place of the image sends its own window of weights to the output, where they add up.

    What lands ``t`` taps into the window of row ``r`` goes to row ``r * strides + t * dilation - start``.

    Args:
        weights: Shape ``(rows, columns, channels, filters)``; Keras has the last two the other way round.
        bias: Shape ``(filters,)``, or None.
        size: Rows and columns of the output, an integer or a pair.
        strides: Rows and columns between the windows of neighbouring places, an integer or a pair. Default: 1.
        dilation: Rows and columns from one tap of a window to the next, an integer or a pair. Default: 1.
        start: Rows and columns that are cut off at the top and the left, an integer or a pair. Default: 0.

    Raises:
        ValueError: Weights or bias have another shape or are not finite, or an option is not one.
    """

    _: KW_ONLY
    size: Any
    strides: Any = 1
    dilation: Any = 1
    start: Any = 0

    def __post_init__(self) -> None:
        self._set(weights=checks.kernel(self.weights))
        self._set(bias=checks.bias_for(self.weights, self.bias), size=checks.pair("size", self.size),
                  strides=checks.pair("strides", self.strides), dilation=checks.pair("dilation", self.dilation),
                  start=checks.pair("start", self.start, 0))

    def _reach(self, shape: Shape) -> tuple[int, int]:
        """Rows and columns that the windows of an image cover."""
        tall, wide = ((length - 1) * stride + (taps - 1) * gap + 1 for length, stride, taps, gap in
                      zip(shape[:2], self.strides, self.weights.shape[:2], self.dilation, strict=True))
        return tall, wide

    def output_shape(self, *inputs: Shape) -> Shape:
        shape = checks.image(inputs)
        if shape[2] != self.weights.shape[2]:
            raise ValueError(f"Expected inputs of {self.weights.shape[2]} channels for weights of shape "
                             f"{self.weights.shape}; got {shape[2]} in {shape}.")
        for size, start, reach, stride in zip(self.size, self.start, self._reach(shape), self.strides, strict=True):
            if start + size > reach + stride:
                raise ValueError(f"Expected a size within the {self._reach(shape)} rows and columns that the windows "
                                 f"cover, or a stride more; got size {self.size} from {self.start} on.")
        return *self.size, self.weights.shape[3]

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        (x,) = inputs
        samples, rows, columns, channels = x.shape
        tall, wide, _, filters = self.weights.shape
        (down, along), (top, left), (high, broad) = self.strides, self.start, self.size
        sent = x.reshape(-1, channels).dot(self.weights.transpose(2, 0, 1, 3).reshape(channels, -1))
        sent = sent.reshape(samples, rows, columns, tall, wide, filters)
        reach = [max(ends) for ends in zip(self._reach(x.shape[1:]), (top + high, left + broad), strict=True)]
        sums = np.zeros((samples, *reach, filters), sent.dtype)
        for i in range(tall):
            for j in range(wide):
                row, column = i * self.dilation[0], j * self.dilation[1]
                sums[:, row : row + (rows - 1) * down + 1 : down,
                     column : column + (columns - 1) * along + 1 : along] += sent[:, :, :, i, j]
        return add_bias(sums[:, top : top + high, left : left + broad], self.bias)

    def fan_out(self, shape: Shape) -> np.ndarray:
        kept = []
        for length, taps, size, stride, gap, start in zip(shape[:2], self.weights.shape[:2], self.size, self.strides,
                                                          self.dilation, self.start, strict=True):
            place = np.arange(length)[:, None] * stride + np.arange(taps) * gap - start
            kept.append(((place >= 0) & (place < size)).sum(axis=1))
        return np.broadcast_to(np.outer(*kept)[..., None] * self.weights.shape[3], shape)

    def synapses(self, *inputs: Shape) -> int:
        return int(self.fan_out(inputs[0]).sum())

"""``Windows``: where the windows of convolutions and pools lie on an image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from whetstone_lab.records.archive import MAX_VALUES
from whetstone_lab.simulator.operations import checks
from whetstone_lab.simulator.operations.base import Shape

#: Along rows and columns: the number of windows, and the padding before and after.
Axes = list[tuple[int, int, int]]


@dataclass(frozen=True)
class Windows:
    """Windows that step over the rows and columns of an image.

    Attributes:
        size: Rows and columns of taps in a window.
        strides: Rows and columns from one window to the next.
        padding: ``"valid"``: whole windows only. ``"same"``: ``ceil(size / stride)`` windows, an odd row or column of
            padding at the end, as TensorFlow and Keras pad.
        dilation: Rows and columns from one tap of a window to the next.
    """

    size: tuple[int, int]
    strides: tuple[int, int]
    padding: str
    dilation: tuple[int, int] = (1, 1)

    def axes(self, shape: Shape) -> Axes:
        """The number of windows and the padding for an image of shape ``(rows, columns, ...)``."""
        axes = []
        for size, taps, gap, stride in zip(shape[:2], self.size, self.dilation, self.strides, strict=True):
            span = (taps - 1) * gap + 1
            count = -(-size // stride) if self.padding == "same" else (size - span) // stride + 1
            spare = max((count - 1) * stride + span - size, 0) if self.padding == "same" else 0
            axes.append((count, spare // 2, spare - spare // 2))
        return axes

    def over(self, inputs: tuple[Shape, ...]) -> tuple[int, int, int]:
        """Rows and columns of windows over the only input, and its channels; ``ValueError`` if no window fits."""
        shape = checks.image(inputs)
        rows, columns = (count for count, _, _ in self.axes(shape))
        if rows < 1 or columns < 1:
            raise ValueError(f"Expected an image that a window of {self.size} taps, {self.dilation} apart, fits into; "
                             f"got {shape[:2]} rows and columns.")
        (_, top, bottom), (_, left, right) = self.axes(shape)
        if (shape[0] + top + bottom) * (shape[1] + left + right) * shape[2] > MAX_VALUES:
            raise ValueError(f"Expected an image that has at most {MAX_VALUES} values with its padding; got {shape}, "
                             f"for windows of {self.size} taps, {self.dilation} apart.")
        return rows, columns, shape[2]

    def taps(self, x: np.ndarray, fill: float) -> Iterator[np.ndarray]:
        """What each tap of the windows sees, row by row, shape ``(samples, rows, columns, channels)``."""
        (rows, _, _), (columns, _, _) = axes = self.axes(x.shape[1:])
        (tall, wide), (down, along) = self.size, self.dilation
        x = padded(x, axes, fill)
        for row in range(0, tall * down, down):
            for column in range(0, wide * along, along):
                yield x[:, row : row + (rows - 1) * self.strides[0] + 1 : self.strides[0],
                        column : column + (columns - 1) * self.strides[1] + 1 : self.strides[1]]

    def taps_inside(self, shape: Shape) -> list[np.ndarray]:
        """Along rows and columns: how many taps of each window lie on the image, not on its padding."""
        inside = []
        for size, taps, gap, stride, (count, before, _) in zip(shape[:2], self.size, self.dilation, self.strides,
                                                               self.axes(shape), strict=True):
            place = np.arange(count)[:, None] * stride - before + np.arange(taps) * gap
            inside.append(((place >= 0) & (place < size)).sum(1))
        return inside

    def seen_by(self, places: np.ndarray, axis: int, axes: Axes) -> tuple[np.ndarray, np.ndarray]:
        """Along an axis, for each tap and place: the window whose tap lies on the place, and whether there is one."""
        count, before, _ = axes[axis]
        taps = np.arange(self.size[axis])[:, None] * self.dilation[axis]
        window, between = np.divmod(places + before - taps, self.strides[axis])
        return window, (between == 0) & (window >= 0) & (window < count)


def padded(x: np.ndarray, axes: Axes, fill: float) -> np.ndarray:
    """The images with their padding, or as they are where they need none."""
    (_, top, bottom), (_, left, right) = axes
    if not (top or bottom or left or right):
        return x
    samples, rows, columns, channels = x.shape
    wide = np.full((samples, top + rows + bottom, left + columns + right, channels), fill, x.dtype)
    wide[:, top : top + rows, left : left + columns] = x
    return wide

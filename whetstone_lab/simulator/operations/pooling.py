"""Pools: the largest value or the mean of windows, or of whole images."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from whetstone_lab.simulator.operations import checks
from whetstone_lab.simulator.operations.base import Operation, Shape
from whetstone_lab.simulator.operations.windows import Windows


@dataclass(frozen=True, eq=False)
class _Pool2D(Operation):
    """What the pools over windows share: their arguments and shapes."""

    size: Any = 2
    _: KW_ONLY
    strides: Any = None
    padding: str = "valid"

    def __post_init__(self) -> None:
        strides = self.size if self.strides is None else self.strides
        self._set(size=checks.pair("size", self.size), strides=checks.pair("strides", strides),
                  padding=checks.padding(self.padding))

    @cached_property
    def windows(self) -> Windows:
        """Where the windows lie on an image."""
        return Windows(self.size, self.strides, self.padding)

    def output_shape(self, *inputs: Shape) -> Shape:
        return self.windows.over(inputs)


@dataclass(frozen=True, eq=False)
class MaxPool2D(_Pool2D):
    """The largest value in each window of each channel; of spikes, whether any neuron fired.

    Args:
        size: Rows and columns of the window, an integer or a pair. Default: 2.
        strides: Rows and columns from one window to the next. Default: the window's size.
        padding: ``"valid"`` (default) or ``"same"``; padding never wins.
    """

    keeps_spikes: ClassVar[bool] = True

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        taps = self.windows.taps(inputs[0], -np.inf)
        largest = next(taps).copy()
        for seen in taps:
            np.maximum(largest, seen, out=largest)
        return largest


@dataclass(frozen=True, eq=False)
class AveragePool2D(_Pool2D):
    """The mean of each window of each channel, over the image only: padding is not counted.

    Args:
        size: Rows and columns of the window, an integer or a pair. Default: 2.
        strides: Rows and columns from one window to the next. Default: the window's size.
        padding: ``"valid"`` (default) or ``"same"``.
    """

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        (x,) = inputs
        taps = self.windows.taps(x, 0)
        total = next(taps).copy()
        for seen in taps:
            total += seen
        tall, wide = self.windows.taps_inside(x.shape[1:])
        total /= np.outer(tall, wide)[..., None].astype(x.dtype)
        return total


@dataclass(frozen=True, eq=False)
class _GlobalPool2D(Operation):
    """What the pools over whole images share: their argument and shapes."""

    keepdims: bool = False

    def output_shape(self, *inputs: Shape) -> Shape:
        channels = checks.image(inputs)[2]
        return (1, 1, channels) if self.keepdims else (channels,)


@dataclass(frozen=True, eq=False)
class GlobalMaxPool2D(_GlobalPool2D):
    """The largest value of each channel; of spikes, whether any neuron fired.

    Args:
        keepdims: Whether the output is ``(1, 1, channels)`` instead of ``(channels,)``. Default: False.
    """

    keeps_spikes: ClassVar[bool] = True

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        return inputs[0].max(axis=(1, 2), keepdims=self.keepdims)


@dataclass(frozen=True, eq=False)
class GlobalAveragePool2D(_GlobalPool2D):
    """The mean of each channel.

    Args:
        keepdims: Whether the output is ``(1, 1, channels)`` instead of ``(channels,)``. Default: False.
    """

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        (x,) = inputs
        return x.sum(axis=(1, 2), keepdims=self.keepdims) / x.dtype.type(x.shape[1] * x.shape[2])

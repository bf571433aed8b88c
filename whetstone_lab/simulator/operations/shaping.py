"""The same values in another place: other shapes, other orders, margins, repeats and joins."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from whetstone_lab.simulator.operations import checks
from whetstone_lab.simulator.operations.base import Operation, Shape


@dataclass(frozen=True, eq=False)
class Reshape(Operation):
    """The same values in another shape, the last axis fastest.

    Args:
        shape: The new shape without the axis of samples; one length may be -1. Default: ``(-1,)``, flat.
    """

    shape: Any = (-1,)

    keeps_spikes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        shape = tuple(checks.integer("shape", length, -1) for length in self.shape)
        if 0 in shape or shape.count(-1) > 1:
            raise ValueError(f"Expected a shape of positive lengths with at most one -1; got {shape}.")
        self._set(shape=shape)

    def output_shape(self, *inputs: Shape) -> Shape:
        source = checks.single(inputs)
        size, known = math.prod(source), math.prod(n for n in self.shape if n != -1)
        if size % known or (-1 not in self.shape and size != known):
            raise ValueError(f"Expected {size} values, shape {source}, to fill shape {self.shape}; they do not.")
        return tuple(size // known if n == -1 else n for n in self.shape)

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        return inputs[0].reshape(len(inputs[0]), *self.output_shape(inputs[0].shape[1:]))


@dataclass(frozen=True, eq=False)
class Permute(Operation):
    """The same values with their axes in another order.

    Args:
        axes: For each axis of the output the axis of the input that it is, counted from 0 without the axis of samples.
    """

    axes: Any

    keeps_spikes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        axes = tuple(checks.integer("axes", axis, 0) for axis in self.axes)
        if sorted(axes) != list(range(len(axes))):
            raise ValueError(f"Expected axes that name each axis from 0 on once; got {axes}.")
        self._set(axes=axes)

    def output_shape(self, *inputs: Shape) -> Shape:
        shape = checks.single(inputs)
        if len(shape) != len(self.axes):
            raise ValueError(f"Expected inputs of {len(self.axes)} axes for axes {self.axes}; got {shape}.")
        return tuple(shape[axis] for axis in self.axes)

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(inputs[0].transpose(0, *(axis + 1 for axis in self.axes)))


@dataclass(frozen=True, eq=False)
class Pad2D(Operation):
    """Rows and columns of zeros around an image, or, where negative, cut off from it.

    Args:
        rows: Rows at the top and at the bottom. Default: none.
        columns: Columns at the left and at the right. Default: none.
    """

    rows: Any = (0, 0)
    columns: Any = (0, 0)

    keeps_spikes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._set(rows=checks.pair("rows", self.rows, None), columns=checks.pair("columns", self.columns, None))

    def output_shape(self, *inputs: Shape) -> Shape:
        rows, columns, channels = checks.image(inputs)
        for name, length, ends in (("rows", rows, self.rows), ("columns", columns, self.columns)):
            if length + sum(min(end, 0) for end in ends) < 1:
                raise ValueError(f"Expected {name} {ends} to leave something of the image; it has {length}.")
        return rows + sum(self.rows), columns + sum(self.columns), channels

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        (x,) = inputs
        (top, bottom), (left, right) = self.rows, self.columns
        x = x[:, max(-top, 0) : x.shape[1] - max(-bottom, 0), max(-left, 0) : x.shape[2] - max(-right, 0)]
        return np.pad(x, ((0, 0), (max(top, 0), max(bottom, 0)), (max(left, 0), max(right, 0)), (0, 0)))


@dataclass(frozen=True, eq=False)
class UpSample2D(Operation):
    """Each place of an image repeated.

    Args:
        size: How often, along rows and columns, an integer or a pair. Default: 2.
    """

    size: Any = 2

    keeps_spikes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._set(size=checks.pair("size", self.size))

    def output_shape(self, *inputs: Shape) -> Shape:
        rows, columns, channels = checks.image(inputs)
        return rows * self.size[0], columns * self.size[1], channels

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        return inputs[0].repeat(self.size[0], axis=1).repeat(self.size[1], axis=2)


@dataclass(frozen=True, eq=False)
class Concatenate(Operation):
    """Two or more inputs side by side.

    Args:
        axis: The axis they are joined along, without the axis of samples, or counted from the last. Default: -1.
    """

    axis: int = -1

    keeps_spikes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._set(axis=checks.integer("axis", self.axis, -32))

    def output_shape(self, *inputs: Shape) -> Shape:
        ranks = {len(shape) for shape in inputs}
        rank = ranks.pop() if len(ranks) == 1 else 0
        axis = self.axis if self.axis >= 0 else rank + self.axis
        if len(inputs) < 2 or not 0 <= axis < rank or len({(*s[:axis], *s[axis + 1 :]) for s in inputs}) != 1:
            raise ValueError(f"Expected two or more inputs whose shapes differ along axis {self.axis} only; got shapes "
                             f"{list(inputs)}.")
        return (*inputs[0][:axis], sum(shape[axis] for shape in inputs), *inputs[0][axis + 1 :])

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        return np.concatenate(inputs, axis=self.axis if self.axis < 0 else self.axis + 1)

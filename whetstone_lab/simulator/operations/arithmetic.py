"""Arithmetic without weights between neurons: scales, rectification and sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from whetstone_lab.simulator.operations import checks
from whetstone_lab.simulator.operations.base import Operation, Shape


@dataclass(frozen=True, eq=False)
class Scale(Operation):
    """Each value by itself: ``x * factor + offset``.

    Args:
        factor: A number, or an array that broadcasts against the input. Default: 1.
        offset: The same. Default: 0.
    """

    factor: Any = 1.0
    offset: Any = 0.0

    def __post_init__(self) -> None:
        self._set(factor=checks.floats("factor", self.factor), offset=checks.floats("offset", self.offset))

    def output_shape(self, *inputs: Shape) -> Shape:
        shape = checks.single(inputs)
        for name, array in self.arrays().items():
            if not checks.broadcasts(array.shape, shape):
                raise ValueError(f"Expected a {name} that broadcasts to shape {shape}; got shape {array.shape}.")
        return shape

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        return inputs[0] * self.factor + self.offset


@dataclass(frozen=True, eq=False)
class ReLU(Operation):
    """``max(x, 0)``: what the ReLU baseline of a spiking network has in the place of neurons."""

    def output_shape(self, *inputs: Shape) -> Shape:
        return checks.single(inputs)

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        return np.maximum(inputs[0], 0)


@dataclass(frozen=True, eq=False)
class Add(Operation):
    """The sum of two or more inputs of one shape, added in the order given."""

    def output_shape(self, *inputs: Shape) -> Shape:
        if len(inputs) < 2 or len(set(inputs)) != 1:
            raise ValueError(f"Expected two or more inputs of one shape to add; got shapes {list(inputs)}.")
        return inputs[0]

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        total = inputs[0] + inputs[1]
        for more in inputs[2:]:
            total += more
        return total

"""``Operation``: one step of a network, and what all of them share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

import numpy as np

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Operation:
    """One step of a network. An operation never changes: make another one to have other weights."""

    #: Whether zeros and ones that go in come out as zeros and ones.
    keeps_spikes: ClassVar[bool] = False

    def output_shape(self, *inputs: Shape) -> Shape:
        """The shape of the output for inputs of these shapes, all without the axis of samples.

        Raises:
            ValueError: The operation does not fit them.
        """
        raise NotImplementedError

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        """The output for inputs of shape ``(samples, ...)``."""
        raise NotImplementedError

    def fan_out(self, shape: Shape) -> np.ndarray:
        """How many weighted connections leave each place of an input of this shape; 0 for what has no weights."""
        return np.zeros(shape, np.int64)

    def synapses(self, *inputs: Shape) -> int:
        """Number of weighted connections that arrive at the output; 0 for what has no weights."""
        return 0

    def map_weights(self, change: Callable[[np.ndarray], np.ndarray]) -> Self:
        """The same operation with its weights changed by a function; the operation itself where it has no weights.

        Args:
            change: Takes the weights and returns the new ones, of the same shape. Biases and thresholds stay.
        """
        return self

    def arrays(self) -> dict[str, np.ndarray]:
        """The weights and other arrays by the name of their field."""
        return {name: value for name, value in self._values().items() if isinstance(value, np.ndarray)}

    def options(self) -> dict[str, Any]:
        """Whatever is not an array, JSON-able, by the name of its field."""
        return {name: value for name, value in self._values().items() if not isinstance(value, np.ndarray)}

    def astype(self, dtype: Any) -> Self:
        """The same operation with its arrays in another floating point type."""
        return replace(self, **{name: array.astype(dtype, copy=False) for name, array in self.arrays().items()})

    def _values(self) -> dict[str, Any]:
        return {item.name: getattr(self, item.name) for item in fields(self)}

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True, eq=False)
class Weighted(Operation):
    """An operation with weights, and a bias that is added to each output channel or none.

    Args:
        weights: An array whose last axis is that of the output channels.
        bias: Shape ``(output channels,)``, or None.
    """

    weights: Any
    bias: Any = None

    def map_weights(self, change: Callable[[np.ndarray], np.ndarray]) -> Self:
        return replace(self, weights=change(self.weights))


def add_bias(sums: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    """Adds a bias, if there is one, to sums that belong to nobody else."""
    if bias is not None:
        sums += bias
    return sums

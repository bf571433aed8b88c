"""``Dense``: every input to every output."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from whetstone_lab.simulator.operations import checks, sparsity
from whetstone_lab.simulator.operations.base import Shape, Weighted, add_bias


@dataclass(frozen=True, eq=False)
class Dense(Weighted):
    """Every input to every output, along the last axis: ``x @ weights + bias``.

    Args:
        weights: Shape ``(inputs, outputs)``, as in Keras.
        bias: Shape ``(outputs,)``, or None.

    Raises:
        ValueError: Weights or bias have another shape, or are not finite.

    Example:
        >>> Dense([[1, 2], [3, 4]], [0.5, 0]).apply(np.array([[1.0, 1.0]], np.float32))
        array([[4.5, 6. ]], dtype=float32)
    """

    def __post_init__(self) -> None:
        self._set(weights=checks.floats("weights", self.weights, 2))
        self._set(bias=checks.bias_for(self.weights, self.bias))

    def output_shape(self, *inputs: Shape) -> Shape:
        shape = checks.single(inputs)
        if not shape or shape[-1] != len(self.weights):
            raise ValueError(f"Expected inputs of shape (..., {len(self.weights)}) for weights of shape "
                             f"{self.weights.shape}; got {shape}.")
        return (*shape[:-1], self.weights.shape[1])

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        (x,) = inputs
        if x.ndim != 2:
            return self.apply(x.reshape(-1, x.shape[-1])).reshape(*x.shape[:-1], -1)
        weights = self.weights
        few = weights.size >= sparsity.MIN_PRODUCTS and self._is_sparse(x)
        return add_bias(self._spike_by_spike(x) if few else x.dot(weights), self.bias)

    def _is_sparse(self, x: np.ndarray) -> bool:
        some = x[:8]  # to count them all would cost large batches more than the choice is worth
        return bool(np.count_nonzero(some) < sparsity.MAX_ACTIVE * some.size / math.sqrt(len(x) or 1))

    def _spike_by_spike(self, x: np.ndarray) -> np.ndarray:
        sums = np.empty((len(x), self.weights.shape[1]), np.result_type(x, self.weights))
        for row, total in zip(x, sums, strict=True):
            (active,) = row.nonzero()
            np.dot(row[active], self.weights.take(active, axis=0), out=total)
        return sums

    def fan_out(self, shape: Shape) -> np.ndarray:
        return np.full(shape, self.weights.shape[1])

    def synapses(self, *inputs: Shape) -> int:
        return math.prod(inputs[0][:-1]) * self.weights.size

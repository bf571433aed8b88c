"""Samples as inputs over time: as constant input, as spikes at the first step, or rate-coded."""

from __future__ import annotations

from typing import Any

import numpy as np


def constant_input(inputs: Any, steps: int) -> np.ndarray:
    """The same currents at every step.

    Args:
        inputs: Samples, shape ``(samples, ...)``.
        steps: How many, at least 1.

    Returns:
        Shape ``(samples, steps, ...)``, the type of the inputs; a view that holds them once.

    Raises:
        ValueError: There is no axis of samples, or no step.

    Example:
        >>> constant_input([[0.25, 1.0]], 3).tolist()
        [[[0.25, 1.0], [0.25, 1.0], [0.25, 1.0]]]
    """
    array = _check(inputs, steps)
    return np.broadcast_to(array[:, None], (len(array), steps, *array.shape[1:]))


def threshold_spikes(inputs: Any, steps: int = 1, *, threshold: float = 0.5) -> np.ndarray:
    """A spike at the first step where a value reaches the threshold, and nothing after it.

    Args:
        inputs: Samples, shape ``(samples, ...)``.
        steps: How many, at least 1. Default: 1.
        threshold: In units of the input. Default: 0.5.

    Returns:
        Booleans, shape ``(samples, steps, ...)``.

    Raises:
        ValueError: There is no axis of samples, or no step.

    Example:
        >>> threshold_spikes([[0.25, 1.0]], 2).tolist()
        [[[False, True], [False, False]]]
    """
    array = _check(inputs, steps)
    spikes = np.zeros((len(array), steps, *array.shape[1:]), bool)
    spikes[:, 0] = array >= threshold
    return spikes


def poisson(inputs: Any, steps: int, *, seed: int = 0) -> np.ndarray:
    """Rate code: at every step each value is the probability of a spike, whatever came before.

    Args:
        inputs: Samples in [0, 1], shape ``(samples, ...)``.
        steps: How many, at least 1.
        seed: Seed of the draw. A sample has the same spikes whichever samples come after it. Default: 0.

    Returns:
        Booleans, shape ``(samples, steps, ...)``.

    Raises:
        ValueError: Values are no probabilities, there is no axis of samples, or no step.

    Example:
        >>> poisson([[0.0, 1.0]], 2).tolist()
        [[[False, True], [False, True]]]
    """
    array = _check(inputs, steps)
    if not ((array >= 0) & (array <= 1)).all():
        raise ValueError(f"Expected values from 0 to 1, the probability of a spike at each step; got "
                         f"{np.nanmin(array):g} to {np.nanmax(array):g}.")
    spikes = np.empty((len(array), steps, *array.shape[1:]), bool)
    for number, sample in enumerate(array):
        spikes[number] = np.random.default_rng([seed, number]).random(spikes.shape[1:]) < sample
    return spikes


def _check(inputs: Any, steps: Any) -> np.ndarray:
    array = np.asarray(inputs)
    if not array.ndim or array.dtype.kind not in "biuf":
        raise ValueError(f"Expected numbers of shape (samples, ...); got shape {array.shape} and dtype {array.dtype}.")
    if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or steps < 1:
        raise ValueError(f"Expected steps to be a positive integer; got {steps!r}.")
    return array

"""The one level that a spike stands for: on or off in place of an activation of many values, with the least error."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

#: The steps settle long before; each is a pass over the values.
_STEPS = 40


def spike_levels(values: Sequence[np.ndarray], groups: Sequence[np.ndarray], count: int) -> np.ndarray:
    """The level ``s`` at which a spike stands best for the activations of a ReLU, for each group of neurons.

    A neuron that fires where its ReLU gives at least ``s / 2``, and whose spike counts as ``s``, makes of a value ``v``
    either 0 or ``s``, whichever is nearer. The squared error is least where ``s`` is the mean of the values that fire:

        ``s = mean of all v >= s / 2``.

    This is the quantiser of Lloyd and Max with one level free and the other at 0. Beginning with the mean of the
    positive values, each step takes the mean of what fires now; no step makes the error larger.

    Args:
        values: Activations, at least 0, each array of shape ``(samples, neurons)``.
        groups: The group of each neuron of each array, integers in ``[0, count)``, shape ``(neurons,)``.
        count: Number of groups.

    Returns:
        The level of each group, positive, shape ``(count,)``; NaN for one without any positive value.

    Source: Lloyd, "Least squares quantization in PCM", IEEE Transactions on Information Theory 28, 1982.
    """
    levels = np.zeros(count)
    for _ in range(_STEPS):
        totals, numbers = np.zeros(count), np.zeros(count)
        for array, group in zip(values, groups, strict=True):
            fires = (array > 0) & (array >= levels[group] / 2)
            totals += np.bincount(group, np.where(fires, array, 0).sum(axis=0, dtype=np.float64), count)
            numbers += np.bincount(group, fires.sum(axis=0), count)
        with np.errstate(invalid="ignore", divide="ignore"):
            new = totals / numbers
        if np.allclose(new, levels, rtol=1e-6, atol=0, equal_nan=True):
            break
        levels = np.nan_to_num(new)
    return new

"""One sample of a simulation: where its layers lie on the raster, and its input as a picture."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from whetstone_lab.records.spikes import SpikeRecord


def record_of(source: Any) -> SpikeRecord:
    """The record of a source: itself, or its ``.record``.

    Raises:
        TypeError: It is neither a ``SpikeRecord`` nor has one.
    """
    record = source if isinstance(source, SpikeRecord) else getattr(source, "record", None)
    if not isinstance(record, SpikeRecord):
        raise TypeError(f"Expected a SpikeRecord or something with a .record; got {source!r}.")
    return record


def as_picture(values: np.ndarray) -> np.ndarray | None:
    """An input as a picture, ``(rows, columns)`` or ``(rows, columns, 3)``, or None where it does not look like one.

    Pictures are ``(h, w)``, ``(h, w, 1)``, ``(h, w, 3)``, and flat inputs whose size is a square from 4 x 4 on. What is
    more than 16 times as long as it is broad is none, such as an input that changes over many time steps.
    """
    values = np.asarray(values)
    if values.ndim == 3 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim == 1:
        side = math.isqrt(values.size)
        return values.reshape(side, side) if side >= 4 and side * side == values.size else None
    if min(values.shape, default=0) < 1 or max(values.shape[:2]) > 16 * min(values.shape[:2]):
        return None
    return values if values.ndim == 2 or (values.ndim == 3 and values.shape[-1] == 3) else None


def pictures(record: SpikeRecord) -> dict[str, list[np.ndarray]]:
    """What was shown, as pictures: by the name of the input, ``""`` where it is the only one.

    Inputs that do not look like pictures are left out.
    """
    inputs = record.inputs if isinstance(record.inputs, dict) else {"": record.inputs}
    found = {name: [as_picture(values) for values in array] for name, array in inputs.items()}
    return {name: [one for one in seen if one is not None] for name, seen in found.items()
            if seen and all(one is not None for one in seen)}


def bands(sizes: tuple[int, ...], gap: float = 0.035, least: float = 0.12) -> list[tuple[float, float]]:
    """Where the layers lie on a raster of height 1, bottom first: ``(low, high)`` of each; nothing without layers.

    Heights go with the square root of the number of neurons, so that a small output layer beside a big one is still
    seen; for the same reason no weight is less than ``least`` of all. Gaps take at most a third of the height.
    """
    if not sizes:
        return []
    gap = min(gap, 1 / (3 * len(sizes)))
    weights = np.sqrt(np.array(sizes, float))
    weights = np.maximum(weights, least * weights.sum())
    heights = weights / weights.sum() * (1 - gap * (len(sizes) - 1))
    lows = np.concatenate([[0.0], np.cumsum(heights + gap)[:-1]])
    return [(float(low), float(low + height)) for low, height in zip(lows, heights, strict=True)]


def density(step: np.ndarray, neuron: np.ndarray, grid: tuple[int, int], cells: tuple[int, int]) -> np.ndarray:
    """What share of the neurons and steps that fall into each cell of a grid fire there.

    Where spikes outnumber the pixels of a raster, this is what can be seen of them.

    Args:
        step: The step of each spike, from 0, shape ``(spikes,)``.
        neuron: Its neuron, from 0, shape ``(spikes,)``.
        grid: How many neurons and steps there are.
        cells: Into how many rows and columns they fall, not more than there are neurons and steps.

    Returns:
        Shares in [0, 1], shape ``(rows, columns)``, the lowest neurons first.
    """
    (neurons, steps), (rows, columns) = grid, cells
    row, column = (np.arange(things) * parts // things for things, parts in ((neurons, rows), (steps, columns)))
    counts = np.bincount(row[neuron] * columns + column[step], minlength=rows * columns).reshape(rows, columns)
    return counts / np.outer(np.bincount(row, minlength=rows), np.bincount(column, minlength=columns))

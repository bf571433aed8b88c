"""One sample of a simulation: where its layers lie on the raster, and its input and its classes as pictures."""

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


def class_map(classes: np.ndarray) -> np.ndarray | None:
    """The classes that a sample was read as, place by place, as a picture of shape ``(rows, columns)``.

    Args:
        classes: What ``SpikeRecord.classes`` holds of one sample: no axis where the sample has one class, or an axis
            for each axis of the places. Places in a row become one row of the picture; of places in a volume the slices
            stand below each other.

    Returns:
        The picture of class numbers, or None where the sample has one class.
    """
    classes = np.asarray(classes)
    return classes.reshape(-1, classes.shape[-1]) if classes.ndim else None


def voters(record: SpikeRecord) -> int | None:
    """How many output neurons vote for each class, so that no class has more votes; None where none do.

    With a key each output neuron that does as the key of a class says, fires or stays silent, is a vote for the class,
    and each that does not is a vote against it. So of n voters ``(n + votes) / 2`` match the key.
    """
    if record.meta.get("readout") != "key" or not record.shapes:
        return None
    count = record.shapes[-1][-1]
    # Votes that were added up over several steps of the output, or those of another layer, are not of that many.
    fits = (np.abs(record.votes) <= count) & ((record.votes - count) % 2 == 0)
    return count if fits.all() else None


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

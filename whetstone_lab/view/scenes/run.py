"""A run on an axis of epochs: which trace to show, which batches, where they stand, and how sharp the layers were."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from whetstone_lab.records.trace import Trace


def trace_of(source: Any) -> Trace:
    """The trace of a source: itself, or its ``.trace`` (a live run, a sharpener).

    Raises:
        TypeError: It is neither a ``Trace`` nor has one.
    """
    trace = source if isinstance(source, Trace) else getattr(source, "trace", None)
    if not isinstance(trace, Trace):
        raise TypeError(f"Expected a Trace or something with a .trace (a live run, a sharpener); got {source!r}.")
    return trace


def thin(start: int, stop: int, limit: int) -> np.ndarray:
    """Indices from ``start`` to ``stop - 1``, at most ``limit`` of them, the last always among them.

    The stride is a power of two, so that the points stay where they are while a run grows.
    """
    if stop <= start:
        return np.zeros(0, np.int64)
    stride = 1
    while math.ceil((stop - start) / stride) + 1 > limit:
        stride *= 2
    kept = np.arange(start, stop, stride)
    return kept if kept[-1] == stop - 1 else np.append(kept, stop - 1)


def positions(trace: Trace, rows: np.ndarray) -> np.ndarray:
    """Where batches stand on an axis of epochs: row i is after batch i + 1, and epoch e ends at e + 1."""
    ends = trace.epoch_ends
    bounds = np.concatenate([[0], ends])
    epochs = np.searchsorted(ends, rows, side="right")
    # The length of the open epoch is taken from the one before it, or from what the writer of the trace expects.
    expected = max(int(np.diff(bounds)[-1]) if len(ends) else int(trace.meta.get("batches_per_epoch") or 0),
                   trace.batches - int(bounds[-1]), 1)
    sizes = np.append(np.diff(bounds), expected)
    return epochs + (rows + 1 - bounds[epochs]) / sizes[epochs]


def sharpness_at(trace: Trace, rows: np.ndarray) -> np.ndarray:
    """Sharpness after some batches, with what a policy did at the end of the epoch, shape ``(rows, layers)``."""
    values = trace.sharpness[rows].copy()
    ends = trace.epoch_ends
    for place in np.flatnonzero(np.isin(rows, ends - 1)):
        state = trace.states[int(np.searchsorted(ends, rows[place], side="right"))]
        if len(state.get("sharpness", ())) == len(trace.layers):
            values[place] = state["sharpness"]
    return values


def latest_sharpness(trace: Trace) -> np.ndarray:
    """The sharpness of each layer now, zeros before the first batch, shape ``(layers,)``."""
    batches = trace.batches
    return sharpness_at(trace, np.array([batches - 1]))[0] if batches else np.zeros(len(trace.layers))

"""What pages have been told of a run, and what is new of it: nothing that has been is sent twice.

Each class here is one thing that grows with a run. ``whole`` gives all of it, for a page that opens or asks, and
``news`` what has come since either was called last. Arrays are bytes, little end first.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

from whetstone_lab.records.trace import Trace
from whetstone_lab.view import scenes

#: Points of a run that a page gets at the most when it opens; of the epoch that is going on; with an update, and more
#: for each epoch that ended since the last one.
_POINTS, _TAIL, _MORE = 512, 48, 8

#: Columns of the table of epochs, behind the number of the epoch and that of the batches trained at its end.
_COLUMNS = ("loss", "reference", "sig_increase", "sig_decrease", "patience", "sharpening", "sharp")

#: Epochs whose histograms a page gets when it opens, at the most.
_HISTOGRAMS = 128


class Growing(Protocol):
    """One thing that grows with a run."""

    def whole(self, trace: Trace) -> dict[str, Any]:
        """All of it, as values of the model that a page has."""

    def news(self, trace: Trace) -> dict[str, Any] | None:
        """What has come since it was told last, by name; None where what was told no longer holds."""


class Past:
    """The losses and the sharpness of batches, and a table of epochs."""

    def __init__(self) -> None:
        #: Epochs and batches that were told, and which writing of the trace they were read from.
        self._told = (0, 0, -1)

    def whole(self, trace: Trace) -> dict[str, Any]:
        """``past``: the table of epochs, points, and what is to be known of them."""
        epochs, batches = self._tell(trace)
        # A run that still grows is opened again and again, so it is thinned; a recorded one is sent once and whole.
        kept = np.arange(epochs) if trace.status == "recorded" else scenes.thin(0, epochs, _POINTS)
        closed = int(trace.epoch_ends[epochs - 1]) if epochs else 0
        rows = np.concatenate([scenes.thin(0, closed, _POINTS), scenes.thin(closed, batches, _TAIL)])
        table = _table(trace, 0, epochs)[kept].tobytes()
        return {"past": {"epochs": epochs, "whole": len(kept) == epochs, "table": table,
                         "first": int(trace.epoch_of_batch[0]) if batches else 0, "points": _points(trace, rows)}}

    def news(self, trace: Trace) -> dict[str, Any] | None:
        """``points``, and the ``rows`` of the epochs that have ended, each with its number."""
        before, trained, written = self._told
        if trace.rewritten != written or trace.epochs < before or trace.batches < trained:
            return None  # what came after the last epoch was forgotten, or the run was begun anew
        epochs, batches = self._tell(trace)
        ended = epochs - before
        rows = scenes.thin(trained, batches, min(_MORE * (1 + ended), _POINTS))
        if ended and trained:  # the end of an epoch may have changed the sharpness after its last batch
            rows = np.insert(rows, 0, trained - 1)
        return {"points": _points(trace, rows)} | (
            {"rows": _table(trace, before, epochs).tobytes()} if ended else {})

    def _tell(self, trace: Trace) -> tuple[int, int]:
        written = trace.rewritten
        epochs, batches = trace.epochs, trace.batches  # epochs first: the batches are then at least theirs
        self._told = (epochs, batches, written)
        return epochs, batches


class Decisions:
    """The last decisions and changes by hand, with their reasons."""

    def __init__(self) -> None:
        self._told: list[dict[str, Any]] = []

    def whole(self, trace: Trace) -> dict[str, Any]:
        """``decisions``, oldest first."""
        self._told = scenes.decisions(trace)
        return {"decisions": self._told}

    def news(self, trace: Trace) -> dict[str, Any] | None:
        """``decisions``: how many to ``drop`` from the old end, how many to ``keep`` of the rest, and ``more``."""
        before, after = self._told, scenes.decisions(trace)
        if after == before:
            return {}
        self._told = after
        drop = before.index(after[0]) if after and after[0] in before else 0
        keep = 0
        while keep < min(len(before) - drop, len(after)) and before[drop + keep] == after[keep]:
            keep += 1
        return {"decisions": {"drop": drop, "keep": keep, "more": after[keep:]}}


class Histograms:
    """What the layers received after some of the epochs."""

    def __init__(self) -> None:
        self._seen = math.inf  # nothing was told yet
        self._epochs = np.zeros(0, np.int64)
        self._ranges: list[tuple[float, float]] = []

    def whole(self, trace: Trace) -> dict[str, Any]:
        """``histograms``: of each layer the range that is drawn; of each histogram its bars, the height of the tallest,
        and the shares that lie ``beyond`` the range, below and above.
        """
        self._seen = trace.epochs
        found = self._found(trace, 0)
        self._epochs = found[scenes.thin(0, len(found), _HISTOGRAMS)]
        self._ranges = self._drawn(trace, self._epochs, [(math.inf, -math.inf)] * len(trace.layers))
        return {"histograms": {**self._of(trace, self._epochs), "ranges": self._ranges, "edges": _edges(trace),
                               "beyond": self._beyond(trace, self._epochs)}}

    def news(self, trace: Trace) -> dict[str, Any] | None:
        """``histograms``: those of the epochs that have ended; ``beyond`` of all where a range is another, and the
        ``edges`` with the first.
        """
        if trace.epochs < self._seen:
            return None
        fresh, self._seen = self._found(trace, int(self._seen)), trace.epochs
        if not len(fresh):
            return {}
        before, first = self._ranges, not len(self._epochs)
        self._epochs = np.concatenate([self._epochs, fresh])
        self._ranges = self._drawn(trace, fresh, before)
        told = {**self._of(trace, fresh), "beyond": self._beyond(trace, fresh)}
        if self._ranges != before:
            told |= {"ranges": self._ranges, "beyond": self._beyond(trace, self._epochs)}
        return {"histograms": {**told, **({"edges": _edges(trace)} if first else {})}}

    @staticmethod
    def _found(trace: Trace, start: int) -> np.ndarray:
        """The epochs from ``start`` on that have histograms."""
        shares = trace.histograms[start:trace.epochs]
        known = np.isfinite(shares).all(axis=(1, 2)) if shares.shape[-1] else np.zeros(len(shares), bool)
        return start + np.flatnonzero(known)

    @staticmethod
    def _drawn(trace: Trace, epochs: np.ndarray, ranges: list[tuple[float, float]]) -> list[tuple[float, float]]:
        """The ranges, widened by those of some epochs: of several histograms the range is that which holds all."""
        spans = [scenes.drawn_range(trace.bins, trace.histograms[epochs, layer], scenes.threshold(curve))
                 for layer, curve in enumerate(trace.curves)]
        return [(min(low, least), max(high, most))
                for (low, high), (least, most) in zip(spans, ranges, strict=True)]

    @staticmethod
    def _of(trace: Trace, epochs: np.ndarray) -> dict[str, Any]:
        shares = trace.histograms[epochs]
        bars = scenes.heights(trace.bins, shares) if len(epochs) else shares
        tallest = bars.max(axis=-1, initial=1e-12)
        return {"epochs": [int(epoch) + 1 for epoch in epochs], "tallest": tallest.astype("<f4").tobytes(),
                "bars": np.uint8(np.round(255 * bars / tallest[..., None])).tobytes()}

    def _beyond(self, trace: Trace, epochs: np.ndarray) -> bytes:
        found = [[scenes.outside(trace.bins, mine, *span) for mine, span in zip(shares, self._ranges, strict=True)]
                 for shares in trace.histograms[epochs]]
        return np.array(found, "<f4").tobytes()


class Accuracies:
    """How well the network does after each epoch: as it is, if all neurons spiked, and with ReLUs in their place."""

    def __init__(self) -> None:
        self._told = math.inf  # nothing was told yet

    def whole(self, trace: Trace) -> dict[str, Any]:
        """``accuracies``: rows of ``<f4``, NaN where an accuracy is not known."""
        self._told = trace.epochs
        return {"accuracies": self._rows(trace, 0, trace.epochs)}

    def news(self, trace: Trace) -> dict[str, Any] | None:
        """``accuracies``: those of the epochs that have ended."""
        before, epochs = self._told, trace.epochs
        if epochs < before:
            return None
        self._told = epochs
        return {"accuracies": self._rows(trace, int(before), epochs)} if epochs > before else {}

    def _rows(self, trace: Trace, start: int, stop: int) -> bytes:
        return np.column_stack(list(scenes.accuracies(trace, start, stop).values())).astype("<f4").tobytes()


def packed(told: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    """A message of which the bytes go beside it: ``bytes`` names where they belong, as paths of names and numbers, and
    nowhere else does their name stand.
    """
    paths: list[list[str | int]] = []
    buffers: list[bytes] = []

    def without(value: Any, path: list[str | int]) -> Any:
        if isinstance(value, bytes):
            paths.append(path)
            buffers.append(value)
            return None
        if isinstance(value, list):
            return [without(item, [*path, number]) for number, item in enumerate(value)]
        if isinstance(value, dict):
            inside = {name: without(item, [*path, name]) for name, item in value.items()}
            return {name: item for name, item in inside.items() if not isinstance(value[name], bytes)}
        return value

    return {**without(told, []), **({"bytes": paths} if paths else {})}, buffers


def _table(trace: Trace, start: int, stop: int) -> np.ndarray:
    """A row of ``<f8`` for each epoch from ``start`` to ``stop - 1``."""
    table = scenes.epoch_table(trace, start, stop)
    return np.column_stack([np.arange(start, stop) + 1.0, trace.epoch_ends[start:stop],
                            *(table[name] for name in _COLUMNS)]).astype("<f8")


def _points(trace: Trace, rows: np.ndarray) -> bytes:
    """Batches as rows of ``<f4``: how many had been trained, loss, sharpness of each layer."""
    columns = [rows + 1.0, trace.loss[rows], *scenes.sharpness_at(trace, rows).T]
    return np.column_stack(columns).astype("<f4").tobytes()


def _edges(trace: Trace) -> bytes:
    return trace.bins.astype("<f4").tobytes()

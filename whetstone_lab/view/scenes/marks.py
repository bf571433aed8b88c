"""The decisions of a run that are worth a mark on the chart, and how marks that stand close make room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from whetstone_lab.records.trace import Trace
from whetstone_lab.view.scenes.run import positions

#: Kinds of events that get a mark; ``improve`` and ``wait`` come every epoch and are seen in the lines.
MARKED = ("start", "stop", "sharp", "done", "threshold", "warning")


def decisions(trace: Trace, limit: int = 60) -> list[dict[str, Any]]:
    """The last decisions and changes worth a mark: ``kind``, ``reason``, ``epoch``, ``layer``, the relative
    ``change`` of the loss behind it or None, and ``at``, in epochs on the axis.

    A threshold that is dragged changes many times; of such a row within an epoch only the last stays, with the value
    from which the drag began, and nothing of one that came back. However often thresholds are changed, they push no
    decision of the policy out.

    Args:
        trace: The run.
        limit: How many decisions of the policy there are at the most, and how many changes by hand. Default: 60.
    """
    kept: list[dict[str, Any]] = []
    events = [event for event in list(trace.events) if event.kind in MARKED]
    rows = np.array([max(event.batch - 1, 0) for event in events], np.int64)
    places = positions(trace, rows) if trace.batches else np.zeros(len(rows))
    for number, event in enumerate(events):
        mark: dict[str, Any] = {"kind": event.kind, "reason": event.reason, "epoch": event.epoch, "layer": event.layer,
                                "at": float(places[number]) if event.batch else 0.0,
                                "change": event.values.get("change")}
        if event.kind == "threshold":
            mark |= {"name": event.values["name"], "old": event.values["old"], "new": event.values["new"]}
            last = kept[-1] if kept else {}
            if (last.get("name"), last.get("epoch")) == (mark["name"], mark["epoch"]):
                mark["old"] = kept.pop()["old"]
                if mark["old"] == mark["new"]:  # taken back
                    continue
            mark["reason"] = (f"{mark['name']} was changed from {_plain(mark['old'])} to {_plain(mark['new'])} "
                              f"by {event.values.get('by', 'hand')}.")
        kept.append(mark)
    left, shown = {True: limit, False: limit}, []
    for mark in reversed(kept):
        by_hand = mark["kind"] == "threshold"
        left[by_hand] -= 1
        if left[by_hand] >= 0:
            shown.append(mark)
    return shown[::-1]


def apart(places: Sequence[float], breadth: float, low: float, high: float) -> list[float]:
    """Marks that would cover each other, moved apart within ``low`` and ``high``, none by more than two breadths.

    Args:
        places: Where they belong, in rising order.
        breadth: How far apart they must stand.
        low: The lowest place there is.
        high: The highest.
    """
    wanted = [min(max(place, low), high) for place in places]
    moved = list(wanted)
    for i in range(1, len(moved)):
        moved[i] = min(max(moved[i - 1] + breadth, wanted[i]), wanted[i] + 2 * breadth)
    limit = high
    for i in reversed(range(len(moved))):
        moved[i] = min(moved[i], max(limit, wanted[i] - 2 * breadth, low))
        limit = moved[i] - breadth
    return moved


def _plain(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)

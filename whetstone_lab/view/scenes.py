"""What there is to see in a run: the numbers and the colours that figures and widgets share. NumPy only.

Widgets draw in the browser and figures in matplotlib; what they draw is worked out here once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from whetstone_lab.method.curves import THRESHOLDS, WIDTH_FLOOR
from whetstone_lab.records.trace import Trace

#: Colours of the layers, bottom first, on a light ground and on a dark one. Neighbours stay apart for the colour-blind.
LAYERS_LIGHT = ("#2166ac", "#b3356f", "#b37a00", "#1a8f86", "#3a2f28", "#9d86d9")
LAYERS_DARK = ("#6fb1f0", "#f07fb0", "#e8b53f", "#3fb5a6", "#f3ece4", "#9a7fe0")

#: The line above which a rise of the loss stops sharpening, the line below which a fall counts, and the sharpening.
STOP_LIGHT, STOP_DARK = "#c2410c", "#ff8f57"
IMPROVE_LIGHT, IMPROVE_DARK = "#0b7a5b", "#3ecf9f"
SHARPENING_LIGHT, SHARPENING_DARK = "#8a6fd1", "#a48cf0"

#: Decisions worth a mark on the chart; ``improve`` and ``wait`` come every epoch and are seen in the lines.
MARKED = ("start", "stop", "sharp", "done", "threshold", "warning")


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
    # How long the open epoch will be is known from the one before it, or from whoever wrote the trace.
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


def epoch_table(trace: Trace) -> dict[str, np.ndarray]:
    """What an adaptive run looks like epoch by epoch, each of shape ``(epochs,)``.

    ``loss``: the loss judged. ``reference``: what it was compared with (NaN where nothing). ``stop``, ``improve``:
    the lines that count as a rise and as a fall, ``reference + sig_increase |reference|`` and
    ``reference - sig_decrease |reference|``.
    ``sig_increase``, ``sig_decrease``, ``patience``: as in force when the epoch was judged (NaN for other policies).
    ``sharpening``: whether the epoch was one of sharpening. ``sharp``: whether every layer was sharp before it.
    """
    epochs = trace.epochs
    parameters = ("sig_increase", "sig_decrease", "patience")
    table = {name: np.full(epochs, np.nan) for name in ("loss", "reference", "stop", "improve", *parameters)}
    table["sharpening"] = np.zeros(epochs, bool)
    changes = [event for event in list(trace.events) if event.kind == "threshold"]
    policy, states, ends = dict(trace.policy), trace.states, trace.epoch_ends
    after = sharpness_at(trace, ends[:epochs] - 1)
    before = np.concatenate([np.zeros((1, len(trace.layers))), after])[:epochs]
    table["sharp"] = (before == 1).all(axis=1)
    monitor = str(trace.meta.get("monitor", "loss"))
    first = int(trace.epoch_of_batch[0]) if trace.batches else 0
    for epoch in range(epochs):
        # By epochs: a change between two comes after as many batches as the first has, but too late for its judgement.
        while changes and changes[0].epoch <= first + epoch:
            event = changes.pop(0)
            policy[event.values["name"]] = event.values["new"]
        state = states[epoch - 1] if epoch else {}
        reference = state.get("reference")
        table["loss"][epoch] = trace.epoch_logs[epoch].get(monitor, np.nan)
        if reference is not None:
            table["reference"][epoch] = reference
        for name in parameters:
            table[name][epoch] = policy.get(name, np.nan)
        # An adaptive policy that has nothing left to sharpen may still call itself sharpening.
        table["sharpening"][epoch] = bool(state.get("sharpening")) and not table["sharp"][epoch]
    table["sharpening"] |= (after > before).any(axis=1)
    # As the policy judges: relative to the size of the reference, since a loss may be negative.
    table["stop"] = table["reference"] + table["sig_increase"] * abs(table["reference"])
    table["improve"] = table["reference"] - table["sig_decrease"] * abs(table["reference"])
    return table


def decisions(trace: Trace, limit: int = 60) -> list[dict[str, Any]]:
    """The last decisions and changes worth a mark: ``kind``, ``reason``, ``epoch``, ``layer``, the relative
    ``change`` of the loss behind it or None, and ``at``, in epochs on the axis.

    A threshold that is dragged changes many times; of such a row within an epoch only the last stays, with the value
    from which the drag began.
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
            mark["reason"] = (f"{mark['name']} was changed from {_plain(mark['old'])} to {_plain(mark['new'])} "
                              f"by {event.values.get('by', 'hand')}.")
        kept.append(mark)
    return kept[-limit:]


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


def ramp(curve: str, sharpness: float) -> tuple[float, float]:
    """Where a curve is neither 0 nor 1: from knee to knee, both at the threshold when it is a step."""
    half = 0.0 if sharpness >= 1 else 0.5 * (1 - sharpness + WIDTH_FLOOR)
    return THRESHOLDS[curve] - half, THRESHOLDS[curve] + half


def share_between(edges: np.ndarray, shares: np.ndarray, low: float, high: float) -> float:
    """How much of a histogram lies between two values, spread evenly within each bin; from 0 to 1."""
    cumulative = np.concatenate([[0.0], np.cumsum(shares)])
    below, above = np.interp([low, high], edges, cumulative)
    return float(above - below)


def histogram_at(trace: Trace, epochs: int) -> np.ndarray | None:
    """The newest histogram of the pre-activations among the first ``epochs`` epochs, ``(layers, bins)``, or None."""
    for shares in trace.histograms[:epochs][::-1]:
        if shares.size and np.isfinite(shares).all():
            return shares
    return None


def as_picture(values: np.ndarray) -> np.ndarray | None:
    """An input as a picture, ``(rows, columns)`` or ``(rows, columns, 3)``, or None where it does not look like one.

    Pictures are ``(h, w)``, ``(h, w, 1)``, ``(h, w, 3)``, and flat inputs whose size is a square from 4 x 4 on.
    """
    values = np.asarray(values)
    if values.ndim == 3 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim == 1:
        side = math.isqrt(values.size)
        return values.reshape(side, side) if side >= 4 and side * side == values.size else None
    if min(values.shape, default=0) < 1:
        return None
    return values if values.ndim == 2 or (values.ndim == 3 and values.shape[-1] == 3) else None


def bands(sizes: tuple[int, ...], gap: float = 0.035, least: float = 0.12) -> list[tuple[float, float]]:
    """Where the layers lie on a raster of height 1, bottom first: ``(low, high)`` of each.

    Heights go with the square root of the number of neurons, so that a small output layer beside a big one is still
    seen; for the same reason no weight is less than ``least`` of all.
    """
    weights = np.sqrt(np.array(sizes, float))
    weights = np.maximum(weights, least * weights.sum())
    heights = weights / weights.sum() * (1 - gap * (len(sizes) - 1))
    lows = np.concatenate([[0.0], np.cumsum(heights + gap)[:-1]])
    return [(float(low), float(low + height)) for low, height in zip(lows, heights, strict=True)]


def layer_colour(index: int, palette: tuple[str, ...] = LAYERS_LIGHT) -> str:
    """The colour of a layer; a seventh starts again at the first."""
    return palette[index % len(palette)]


def _plain(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)

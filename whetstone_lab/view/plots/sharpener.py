"""What the sharpener saw and did."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from whetstone_lab.records.trace import Trace
from whetstone_lab.view import scenes
from whetstone_lab.view.palette import EITHER
from whetstone_lab.view.plots.picture import Picture, label_axes, layer_line, legend_beside, plain_axes, write_title

_MARKS = {"start": "▶", "stop": "■", "sharp": "◆", "done": "★", "threshold": "✎", "warning": "!"}


def sharpener_chart(source: Any) -> Picture:
    """The loss of a run, the lines that the sharpener judges it by, its decisions, and every layer's sharpness below.

    For the adaptive policy the figure shows, epoch by epoch, the reference loss, the line above which a rise stops
    sharpening (``reference + sig_increase |reference|``) and the one below which a fall counts
    (``reference - sig_decrease |reference|``). If an accuracy is monitored, which should rise, the first lies below
    the reference and the second above.

    Args:
        source: A ``Trace``, or something with a ``.trace``.

    Returns:
        The figure.

    Raises:
        TypeError: The source has no trace.

    Example:
        >>> from whetstone_lab import plots, recordings
        >>> losses, sharpness = plots.sharpener_chart(recordings.digits_trace()).axes
        >>> losses.get_ylabel(), [line.get_label() for line in sharpness.lines]
        ('loss', ['hidden_1', 'hidden_2', 'output'])
    """
    figure = Picture(figsize=(9.2, 4.8))
    write_title(figure, "What the sharpener saw and did")
    run_panels(figure, scenes.trace_of(source))
    return figure


def run_panels(figure: FigureBase, trace: Trace) -> list[Axes]:
    """Draws the losses of a run with the lines that it is judged by, and its sharpness below; the axes of both."""
    table = scenes.epoch_table(trace)
    rows = scenes.thin(0, trace.batches, 2000)
    at, last = scenes.positions(trace, rows), max(trace.epochs, 1)
    top, low = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1.15))
    _loss_panel(top, trace, table, rows, at)

    values = scenes.sharpness_at(trace, rows)
    for index in range(len(trace.layers)):
        layer_line(low, index, trace.layers, at, values[:, index])
    low.set_ylim(-0.12, 1.12)
    low.set_yticks([0, 0.5, 1])
    label_axes(low, "epoch", "sharpness")
    if 0 < len(trace.layers) <= 12:
        legend_beside(low, 0.5)
    for axes in (top, low):
        # All spans of sharpening as one shape: one for each would take most of the time of a long run's figure.
        axes.fill_between(*_stairs(trace.epochs, np.zeros(trace.epochs), table["sharpening"]),
                          transform=axes.get_xaxis_transform(), color=EITHER.sharpening, alpha=0.13, lw=0, zorder=0)
        plain_axes(axes)
    low.set_xlim(0, max(last, float(at[-1]) if len(at) else 1.0))
    low.xaxis.set_major_locator(MaxNLocator(10, integer=True))
    return [top, low]


def _loss_panel(axes: Axes, trace: Trace, table: dict[str, np.ndarray], rows: np.ndarray, at: np.ndarray) -> None:
    losses, judged = trace.loss[rows], scenes.monitored(trace)
    log = not (losses < 0).any() and not (table["loss"] < 0).any()  # no log scale has a loss below zero
    axes.plot(at, np.where(losses > 0, losses, np.nan) if log else losses, color=EITHER.faint, lw=0.8, alpha=0.8,
              label="batch loss", zorder=1.5)
    if np.isfinite(table["stop"]).any():
        # Stairs as lines of two points a step: matplotlib's own take it seconds for thousands of epochs.
        edges, stop, reference, improve = _stairs(trace.epochs, table["stop"], table["reference"], table["improve"])
        axes.plot(edges, stop, color=EITHER.stop, lw=1.1, zorder=2,
                  label=f"a {judged.setback} to here stops sharpening")
        axes.fill_between(edges, stop, reference, color=EITHER.stop, alpha=0.10, lw=0)
        axes.plot(edges, reference, color=EITHER.muted, lw=1.1, ls=(0, (3, 2)), zorder=2,
                  label=f"reference {judged.words}")
        axes.fill_between(edges, improve, reference, color=EITHER.improve, alpha=0.12, lw=0)
        axes.plot(edges, improve, color=EITHER.improve, lw=1.1, zorder=2, label=f"a {judged.progress} to here counts")
    axes.plot(np.arange(trace.epochs) + 1, table["loss"], color=EITHER.ink, lw=1.6, marker="o", ms=3.4,
              label=f"epoch {judged.words}", zorder=3)
    positive = losses[np.isfinite(losses) & (losses > 0)]
    if len(positive) and log:
        seen = positive if judged.name == "loss" else np.append(positive, table["loss"][table["loss"] > 0])
        axes.set_yscale("log")
        axes.set_ylim(seen.min() * 0.8, seen.max() * 1.55)
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    label_axes(axes, y="loss" if "loss" in judged.name else f"loss, {judged.words}")
    marks, end = scenes.decisions(trace), max(trace.epochs, *at[-1:], 1)
    places = scenes.apart([mark["at"] for mark in marks], 0.0165 * end, 0, end)
    for mark, place in zip(marks, places, strict=True):
        colour = {"stop": EITHER.stop, "warning": EITHER.stop, "start": EITHER.sharpening}.get(
            mark["kind"], EITHER.layer(mark["layer"]) if mark["layer"] is not None else EITHER.ink)
        axes.text(place, 0.965, _MARKS[mark["kind"]], transform=axes.get_xaxis_transform(), ha="center",
                  va="center", fontsize=8, color=colour, family="DejaVu Sans")
        if mark["kind"] == "stop" and mark["change"] is not None:
            axes.text(place, 0.925, f"{mark['change']:+.0%}", transform=axes.get_xaxis_transform(), ha="center",
                      va="center", fontsize=6.5, color=colour)
    signs = f"▶ settled: sharpen\n■ {judged.words} {judged.worsened} by this: stop\n◆ a layer is sharp  ★ all are"
    legend = legend_beside(axes, 1, title=signs, title_fontproperties={"size": 7.5}, alignment="left")
    legend.get_title().set_color(EITHER.muted)


def _stairs(epochs: int, *columns: np.ndarray) -> list[np.ndarray]:
    """Where the steps of columns begin and end, and their heights there: two points for each epoch."""
    return [np.repeat(np.arange(epochs + 1), 2)[1:-1], *(np.repeat(column, 2) for column in columns)]

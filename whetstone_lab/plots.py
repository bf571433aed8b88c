"""Static figures in matplotlib: a twin for each widget, for paper, for a saved notebook, for a script.

Figures are made without pyplot's global state, so they may be drawn on any thread, and show themselves in a notebook.
"""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from whetstone_lab import scene
from whetstone_lab.curves import CURVES, THRESHOLDS
from whetstone_lab.simulator.record import SpikeRecord
from whetstone_lab.trace import Trace

_INK, _MUTED, _FAINT, _GRID = "#1c2430", "#5b6675", "#aab2bd", "#e6e9ee"
_MARKS = {"start": "▶", "stop": "■", "sharp": "◆", "done": "★", "threshold": "✎", "warning": "!"}


class Picture(Figure):
    """A matplotlib figure that shows itself in a notebook, whether or not pyplot was ever imported."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"layout": "constrained", "facecolor": "white", **kwargs})
        FigureCanvasAgg(self)

    def _repr_png_(self) -> bytes:
        return self.png(dpi=110)

    def png(self, dpi: float = 110) -> bytes:
        """The figure as a PNG file's bytes, at ``dpi`` dots an inch."""
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=dpi)
        return buffer.getvalue()


def activation_curves(source: Any, epoch: int | None = None, batch: int | None = None) -> Picture:
    """The activation curve of every layer at one moment of a run, over the histogram of what the layer receives.

    Args:
        source: A ``Trace``, or something with a ``.trace``.
        epoch: Show the end of this epoch, from 0; negative counts from the last. Default: the latest batch.
        batch: Show the moment after this many batches, from 0 (before training) on. Not together with ``epoch``.

    Returns:
        The figure.

    Raises:
        ValueError: Both were given, or there is no such epoch or batch.
        TypeError: The source has no trace.
    """
    trace = scene.trace_of(source)
    batches, epochs = trace.batches, trace.epochs
    if epoch is not None and batch is not None:
        raise ValueError(f"Expected an epoch or a batch; got both (epoch={epoch}, batch={batch}).")
    if epoch is not None:
        if not -epochs <= epoch < epochs:
            raise ValueError(f"Expected an epoch from 0 to {epochs - 1}; got {epoch}.")
        epoch %= epochs
        batch = int(trace.epoch_ends[epoch])
    if batch is None:
        batch = batches
    if not 0 <= batch <= batches:
        raise ValueError(f"Expected a batch from 0 to {batches}; got {batch}.")
    sharpness = scene.sharpness_at(trace, np.array([batch - 1]))[0] if batch else np.zeros(len(trace.layers))
    finished = int(np.searchsorted(trace.epoch_ends, batch, side="right"))
    shares = scene.histogram_at(trace, finished)

    count = max(len(trace.layers), 1)
    columns = min(count, 4)
    rows = math.ceil(count / columns)
    figure = Picture(figsize=(max(2.6 * columns, 4.2), 2.35 * rows + 0.55))
    when = "before training" if batch == 0 else f"batch {batch}"
    if batch and finished and batch == trace.epoch_ends[finished - 1]:
        when = f"after epoch {finished}"
    figure.suptitle(f"Activation curves, {when}", color=_INK, fontsize=11.5, fontweight="bold", x=0.012, ha="left")
    for index, name in enumerate(trace.layers):
        axes = figure.add_subplot(rows, columns, index + 1)
        _curve_panel(axes, trace, index, name, float(sharpness[index]), shares)
        if index % columns == 0:
            axes.set_ylabel("activation", fontsize=8.5, color=_MUTED)
        axes.set_xlabel("pre-activation", fontsize=8.5, color=_MUTED)
    if not trace.layers:
        _nothing(figure, "no layers yet")
    return figure


def sharpener_chart(source: Any) -> Picture:
    """The loss of a run, the lines that the sharpener judges it by, its decisions, and every layer's sharpness below.

    For the adaptive policy: epoch by epoch the reference loss, the line above which a rise stops sharpening
    (``reference * (1 + sig_increase)``) and the one below which a fall counts (``reference * (1 - sig_decrease)``).

    Args:
        source: A ``Trace``, or something with a ``.trace``.

    Returns:
        The figure.

    Raises:
        TypeError: The source has no trace.
    """
    trace = scene.trace_of(source)
    table = scene.epoch_table(trace)
    rows = scene.thin(0, trace.batches, 2000)
    at, last = scene.positions(trace, rows), max(trace.epochs, 1)
    figure = Picture(figsize=(9.2, 4.8))
    figure.suptitle("What the sharpener saw and did", color=_INK, fontsize=11.5, fontweight="bold", x=0.012, ha="left")
    top, low = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1.15))
    _loss_panel(top, trace, table, rows, at)

    values = scene.sharpness_at(trace, rows)
    for index, name in enumerate(trace.layers):
        low.plot(at, values[:, index], color=scene.layer_colour(index), lw=1.7, label=name,
                 ls="-" if index < len(scene.LAYERS_LIGHT) else "--", solid_capstyle="round")
    low.set_ylim(-0.05, 1.08)
    low.set_yticks([0, 0.5, 1])
    low.set_ylabel("sharpness", fontsize=8.5, color=_MUTED)
    low.set_xlabel("epoch", fontsize=8.5, color=_MUTED)
    if 0 < len(trace.layers) <= 12:
        low.legend(loc="center left", bbox_to_anchor=(1.005, 0.5), frameon=False, fontsize=8, labelcolor=_MUTED,
                   handlelength=1.2, borderaxespad=0.2)
    for axes in (top, low):
        for epoch in np.flatnonzero(table["sharpening"]):
            axes.axvspan(epoch, epoch + 1, color=scene.SHARPENING_LIGHT, alpha=0.13, lw=0, zorder=0)
        _plain_axes(axes)
    low.set_xlim(0, max(last, float(at[-1]) if len(at) else 1.0))
    low.xaxis.set_major_locator(MaxNLocator(10, integer=True))
    return figure


def spike_raster(record: SpikeRecord, sample: int = 0) -> Picture:
    """The spikes of one sample: time steps from left to right, the layers' neurons as bands, bottom layer below.

    Beside it what was shown, where it looks like a picture, and how the output's spikes vote.

    Args:
        record: A ``SpikeRecord``.
        sample: Which of its samples, from 0; negative counts from the last. Default: 0.

    Returns:
        The figure.

    Raises:
        ValueError: There is no such sample.
        TypeError: It is not a record.
    """
    if not isinstance(record, SpikeRecord):
        raise TypeError(f"Expected a SpikeRecord; got {record!r}.")
    if not -record.samples <= sample < record.samples:
        raise ValueError(f"Expected a sample from 0 to {record.samples - 1}; got {sample}.")
    sample %= record.samples
    one = record.select(sample)
    picture = scene.as_picture(one.inputs[0])
    classes = one.votes.shape[-1]
    widths = [1.5] * (picture is not None) + [4.6] + [1.7] * (classes > 0)
    figure = Picture(figsize=(1.35 * sum(widths), 3.7))
    parts = list(np.atleast_1d(figure.subplots(1, len(widths), width_ratios=widths)))
    title = f"Sample {sample}"
    if classes:
        title += f": read as {one.classes[0]}"
        if len(one.labels):
            title += ", which is right" if one.classes[0] == one.labels[0] else f", in truth {one.labels[0]}"
    figure.suptitle(title, color=_INK, fontsize=11.5, fontweight="bold", x=0.012, ha="left")
    if picture is not None:
        axes = parts.pop(0)
        axes.imshow(picture, cmap="gray_r" if picture.ndim == 2 else None, interpolation="nearest")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_title("shown", fontsize=8.5, color=_MUTED)
        for spine in axes.spines.values():
            spine.set_color(_GRID)
    _raster_panel(parts.pop(0), one)
    if classes:
        _votes_panel(parts.pop(0), one)
    return figure


def _curve_panel(axes: Axes, trace: Trace, index: int, name: str, sharpness: float, shares: np.ndarray | None) -> None:
    colour, curve = scene.layer_colour(index), trace.curves[index]
    threshold = THRESHOLDS[curve]
    low, high = threshold - 1.75, threshold + 1.75
    x = np.linspace(low, high, 701)
    if shares is not None and shares[index].max() > 0:
        heights = shares[index] / shares[index].max()
        axes.stairs(0.92 * heights, trace.bins, fill=True, color=colour, alpha=0.2, lw=0, zorder=1)
    axes.axvline(threshold, color=_FAINT, lw=0.9, ls=(0, (2, 2)), zorder=2)
    axes.plot(x, CURVES[curve](x, 0.0), color=_FAINT, lw=1.1, zorder=2)
    axes.plot(x, CURVES[curve](x, sharpness), color=colour, lw=2.3, zorder=3, solid_joinstyle="round")
    axes.set_xlim(low, high)
    axes.set_ylim(-0.06, 1.09)
    axes.set_yticks([0, 0.5, 1])
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set_title(name, fontsize=9.5, color=_INK, loc="left", fontweight="bold")
    axes.set_title("sharp" if sharpness >= 1 else f"{sharpness:.2f}", fontsize=9.5, color=colour, loc="right",
                   fontweight="bold")
    if shares is not None:
        between = scene.share_between(trace.bins, shares[index], *scene.ramp(curve, sharpness))
        axes.text(0.03, 0.95, f"{between:.0%} on the ramp", transform=axes.transAxes, fontsize=7.5, color=_MUTED,
                  va="top")
    _plain_axes(axes)


def _loss_panel(axes: Axes, trace: Trace, table: dict[str, np.ndarray], rows: np.ndarray, at: np.ndarray) -> None:
    losses = trace.loss[rows]
    axes.plot(at, np.where(losses > 0, losses, np.nan), color=_FAINT, lw=0.8, alpha=0.8, label="batch loss", zorder=1.5)
    edges = np.arange(trace.epochs + 1)
    if np.isfinite(table["stop"]).any():
        axes.stairs(table["stop"], edges, baseline=None, color=scene.STOP_LIGHT, lw=1.1, zorder=2,
                    label="a rise to here stops sharpening")
        axes.stairs(table["stop"], edges, baseline=table["reference"], fill=True, color=scene.STOP_LIGHT, alpha=0.10,
                    lw=0)
        axes.stairs(table["reference"], edges, baseline=None, color=_MUTED, lw=1.1, ls=(0, (3, 2)), zorder=2,
                    label="reference loss")
        axes.stairs(table["improve"], edges, baseline=table["reference"], fill=True, color=scene.IMPROVE_LIGHT,
                    alpha=0.12, lw=0)
        axes.stairs(table["improve"], edges, baseline=None, color=scene.IMPROVE_LIGHT, lw=1.1, zorder=2,
                    label="a fall to here counts")
    axes.plot(edges[1:], table["loss"], color=_INK, lw=1.6, marker="o", ms=3.4, label="epoch loss", zorder=3)
    positive = losses[np.isfinite(losses) & (losses > 0)]
    if len(positive):
        axes.set_yscale("log")
        axes.set_ylim(positive.min() * 0.8, positive.max() * 1.55)
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel("loss", fontsize=8.5, color=_MUTED)
    for mark in scene.decisions(trace):
        colour = {"stop": scene.STOP_LIGHT, "warning": scene.STOP_LIGHT, "start": scene.SHARPENING_LIGHT}.get(
            mark["kind"], scene.layer_colour(mark["layer"]) if mark["layer"] is not None else _INK)
        axes.text(mark["at"], 0.965, _MARKS[mark["kind"]], transform=axes.get_xaxis_transform(), ha="center",
                  va="center", fontsize=8, color=colour, family="DejaVu Sans")
        if mark["kind"] == "stop" and mark["change"] is not None:
            axes.text(mark["at"], 0.925, f"{mark['change']:+.0%}", transform=axes.get_xaxis_transform(), ha="center",
                      va="center", fontsize=6.5, color=colour)
    legend = axes.legend(loc="upper left", bbox_to_anchor=(1.005, 1.0), frameon=False, fontsize=8,
                         labelcolor=_MUTED, handlelength=1.2, borderaxespad=0.2,
                         title="▶ settled: sharpen\n■ loss rose by this: stop\n◆ a layer is sharp  ★ all are",
                         title_fontsize=7.5, alignment="left")
    legend.get_title().set_color(_MUTED)


def _raster_panel(axes: Axes, one: SpikeRecord) -> None:
    places = scene.bands(one.sizes)
    for index, (low, high) in enumerate(places):
        mine = one.layer == index
        y = low + (one.neuron[mine] + 0.5) / one.sizes[index] * (high - low)
        steps = one.step[mine]
        axes.axhspan(low, high, color=scene.layer_colour(index), alpha=0.06, lw=0)
        # As thick as a neuron's row, so that a band reads like a bar code; never so thin that it vanishes.
        thickness = float(np.clip(200 * (high - low) / one.sizes[index], 0.7, 4.0))
        axes.add_collection(LineCollection(
            [((step + 0.1, value), (step + 0.9, value)) for step, value in zip(steps, y, strict=True)],
            colors=scene.layer_colour(index), linewidths=thickness, capstyle="butt"))
    axes.set_xlim(0, one.steps)
    axes.set_ylim(-0.01, 1.01)
    axes.set_yticks([(low + high) / 2 for low, high in places],
                    [f"{name}\n{size} neurons" for name, size in zip(one.layers, one.sizes, strict=True)])
    stride = max(1, math.ceil(one.steps / 12))
    axes.set_xticks(np.arange(0, one.steps, stride) + 0.5, [str(step) for step in range(0, one.steps, stride)])
    axes.set_xlabel("time step", fontsize=8.5, color=_MUTED)
    _plain_axes(axes)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines["left"].set_visible(False)


def _votes_panel(axes: Axes, one: SpikeRecord) -> None:
    votes, winner = one.votes[0], int(one.classes[0])
    label = int(one.labels[0]) if len(one.labels) else None
    right = label is None or winner == label
    colours = [_GRID] * len(votes)
    colours[winner] = scene.IMPROVE_LIGHT if right else scene.STOP_LIGHT
    axes.barh(np.arange(len(votes)), votes, height=0.72, color=colours, zorder=2)
    axes.axvline(0, color=_FAINT, lw=0.9, zorder=3)
    names = [f"{number} ✓" if number == label else str(number) for number in range(len(votes))]
    axes.set_yticks(np.arange(len(votes)), names, family="DejaVu Sans")
    axes.invert_yaxis()
    axes.set_title("votes for each class", fontsize=8.5, color=_MUTED)
    axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    _plain_axes(axes)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _plain_axes(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_FAINT)
    axes.tick_params(colors=_MUTED, labelsize=8, which="both", width=0.7)
    axes.grid(visible=True, color=_GRID, lw=0.7, zorder=0)
    axes.set_axisbelow(True)


def _nothing(figure: Figure, text: str) -> None:
    figure.text(0.5, 0.45, text, ha="center", color=_MUTED, fontsize=10)

"""The activation curves of a run at one moment."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.ticker import MaxNLocator

from whetstone_lab.records.trace import Trace
from whetstone_lab.view import scenes
from whetstone_lab.view.palette import EITHER
from whetstone_lab.view.plots.picture import Picture, as_written, label_axes, plain_axes, say_instead, write_title


def activation_curves(source: Any, epoch: int | None = None, batch: int | None = None,
                      layers: Sequence[int] | None = None) -> Picture:
    """The activation curve of every layer at one moment of a run, over the histogram of what the layer receives.

    Each panel reaches as far as the pre-activations of its layer do; what few lie further out stand as a share at its
    edges.

    Args:
        source: A ``Trace``, or something with a ``.trace``.
        epoch: Show the end of this epoch, from 0; negative counts from the last. Default: the latest batch.
        batch: Show the moment after this many batches, from 0 (before training) on. Not together with ``epoch``.
        layers: The numbers of the layers to show, from 0. Default: all.

    Returns:
        The figure.

    Raises:
        ValueError: Both were given, or there is no such epoch, batch or layer.
        TypeError: The source has no trace.

    Example:
        >>> from whetstone_lab import plots, recordings
        >>> plots.activation_curves(recordings.digits_trace(), epoch=20).get_suptitle()
        'Activation curves, after epoch 21'
    """
    trace = scenes.trace_of(source)
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
    finished = int(np.searchsorted(trace.epoch_ends, batch, side="right"))
    shown = list(range(len(trace.layers))) if layers is None else list(layers)
    if not all(0 <= index < len(trace.layers) for index in shown):
        raise ValueError(f"Expected layers from 0 to {len(trace.layers) - 1}; got {shown}.")

    rows, columns = _laid_out(len(shown))
    figure = Picture(figsize=(max(2.6 * columns, 4.2), 2.35 * rows + 0.55))
    when = "before training" if batch == 0 else f"batch {batch}"
    if batch and finished and batch == trace.epoch_ends[finished - 1]:
        when = f"after epoch {finished}"
    of = "" if len(shown) == len(trace.layers) else f" of {len(shown)} of the {len(trace.layers)} layers"
    write_title(figure, f"Activation curves{of}, {when}")
    curve_panels(figure, trace, batch, shown)
    if not trace.layers:
        say_instead(figure, "no layers yet")
    return figure


def curve_panels(figure: FigureBase, trace: Trace, batch: int, shown: Sequence[int]) -> None:
    """Draws the curves of some layers as they were after so many batches, each in axes of its own."""
    sharpness = scenes.sharpness_at(trace, np.array([batch - 1]))[0] if batch else np.zeros(len(trace.layers))
    shares = scenes.histogram_at(trace, int(np.searchsorted(trace.epoch_ends, batch, side="right")))
    rows, columns = _laid_out(len(shown))
    for place, index in enumerate(shown):
        axes = figure.add_subplot(rows, columns, place + 1)
        _curve_panel(axes, trace, index, trace.layers[index], float(sharpness[index]), shares)
        label_axes(axes, "pre-activation", "activation" if place % columns == 0 else None)


def _laid_out(count: int) -> tuple[int, int]:
    """In how many rows and columns so many panels stand."""
    columns = min(max(count, 1), 4)
    return math.ceil(max(count, 1) / columns), columns


def _curve_panel(axes: Axes, trace: Trace, index: int, name: str, sharpness: float, shares: np.ndarray | None) -> None:
    colour, curve = EITHER.layer(index), trace.curves[index]
    threshold = scenes.threshold(curve)
    mine = np.zeros(0) if shares is None else shares[index]
    low, high = scenes.drawn_range(trace.bins, mine, threshold)
    x = np.union1d(np.linspace(low, high, 401), np.linspace(threshold - 0.75, threshold + 0.75, 301))
    if mine.any():
        bars = scenes.heights(trace.bins, mine)
        bars *= 0.92 / (bars[(trace.bins[1:] > low) & (trace.bins[:-1] < high)].max(initial=0.0) or 1.0)
        axes.stairs(bars, trace.bins, fill=True, color=colour, alpha=0.25, lw=0, zorder=1)
        for share, words, place, side in zip(scenes.outside(trace.bins, mine, low, high), ("◂ {:.0%}", "{:.0%} ▸"),
                                             ((0.03, 0.55), (0.97, 0.42)), ("left", "right"), strict=True):
            if share >= 0.005:
                axes.text(*place, words.format(share), transform=axes.transAxes, fontsize=7.5, color=EITHER.muted,
                          ha=side, family="DejaVu Sans")
    axes.axvline(threshold, color=EITHER.faint, lw=0.9, ls=(0, (2, 2)), zorder=2)
    axes.plot(x, scenes.activation(curve, x, 0.0), color=EITHER.faint, lw=1.1, zorder=2)
    axes.plot(x, scenes.activation(curve, x, sharpness), color=colour, lw=2.3, zorder=3, solid_joinstyle="round")
    axes.set_xlim(low, high)
    axes.set_ylim(-0.06, 1.09)
    axes.set_yticks([0, 0.5, 1])
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set_title(as_written(name, 22), fontsize=9.5, color=EITHER.ink, loc="left", fontweight="bold")
    axes.set_title("sharp" if sharpness >= 1 else f"{sharpness:.2f}", fontsize=9.5, color=colour, loc="right",
                   fontweight="bold")
    if shares is not None:
        between = scenes.share_between(trace.bins, shares[index], *scenes.ramp(curve, sharpness))
        axes.text(0.03, 0.86, f"{between:.0%} on the ramp", transform=axes.transAxes, fontsize=7.5, color=EITHER.muted,
                  va="top")
    plain_axes(axes)

"""An experiment on one page, as the laboratory shows it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import FigureBase
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter

from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.records.trace import Trace
from whetstone_lab.view import scenes
from whetstone_lab.view.palette import EITHER
from whetstone_lab.view.plots.curves import curve_panels
from whetstone_lab.view.plots.picture import (
    Picture,
    as_written,
    dashed,
    label_axes,
    legend_within,
    plain_axes,
    say_instead,
    write_title,
)
from whetstone_lab.view.plots.sharpener import run_panels
from whetstone_lab.view.plots.spikes import picture_panel, raster_panel, reading_panel

#: Layers whose curves and whose neurons are drawn at the most: the first and the last of more.
_LAYERS = 6

#: Neurons of a layer that are drawn one by one at the most; of more the slivers between them could not be seen.
_APART = 1024

#: The networks whose accuracies are told, their colours and dashes.
_RIVALS = {"soft": ("soft", EITHER.ink, 0), "spiking": ("spiking", EITHER.layer(0), 1),
           "relu": ("ReLU", EITHER.layer(2), 2)}


def experiment(source: Any, record: Any = None, epoch: int | None = None, sample: int = 0, title: str = "") -> Picture:
    """An experiment on one page: the network and its activation curves, the losses and the sharpness, how well it does
    soft, spiking and with ReLUs, and the spikes that one sample sends through it.

    Args:
        source: A ``Trace``, or something with a ``.trace``.
        record: What the network did on some samples, a ``SpikeRecord`` or something with a ``.record``. Default: None,
            so that there are neither neurons nor spikes to see.
        epoch: After how many epochs, from 1, the curves are shown, and the record was made. Default: the newest.
        sample: Which of the samples of the record, from 0. Default: 0.
        title: What the experiment is called. Default: nothing is written.

    Returns:
        The figure.

    Raises:
        ValueError: There is no such epoch or no such sample.
        TypeError: The source has no trace, or the record is none.

    Example:
        >>> from whetstone_lab import plots, recordings
        >>> figure = plots.experiment(recordings.digits_trace(), recordings.digits_spikes(), title="Digits")
        >>> figure.get_suptitle()
        'Digits, after epoch 60'
    """
    trace = scenes.trace_of(source)
    if epoch is not None and not 1 <= epoch <= trace.epochs:
        raise ValueError(f"Expected an epoch from 1 to {trace.epochs}; got {epoch}.")
    one = None
    if record is not None:
        found = scenes.record_of(record)
        if not 0 <= sample < found.samples:
            raise ValueError(f"Expected a sample from 0 to {found.samples - 1}; got {sample}.")
        one = found.select([sample])
    batch = trace.batches if epoch is None else int(trace.epoch_ends[epoch - 1])
    known = {name: values for name, values in scenes.accuracies(trace).items() if np.isfinite(values).any()}
    figure = Picture(figsize=(12.6, 7.4 if one is not None else 5.6))
    write_title(figure, ", ".join([*([title] if title else []), *([_when(trace, epoch)] if trace.layers else [])]))
    if not trace.layers:
        say_instead(figure, "no layers yet")
        return figure
    halves: Any = figure.subfigures(1, 2, width_ratios=(2.2, 1)) if known or one is not None else (figure, None)
    wide, narrow = halves
    heights = (*([1.0] if one is not None else []), 1.15, 2.1)
    *above, curves, run = np.atleast_1d(wide.subfigures(len(heights), 1, height_ratios=heights))
    if one is not None:
        _network_panels(above[0], one)
    shown = _ends(len(trace.layers))
    curve_panels(curves, trace, batch, shown)
    for axes in run_panels(run, trace):
        _mark(axes, epoch)
    if narrow is not None:
        _beside(narrow, trace, known, one, epoch)
    return figure


def _when(trace: Trace, epoch: int | None) -> str:
    epochs = trace.epochs if epoch is None else epoch
    return f"after epoch {epochs}" if epochs else f"after batch {trace.batches}"


def _ends(layers: int) -> list[int]:
    """The layers that are drawn, of very many the first and the last."""
    half = _LAYERS // 2
    return list(range(layers)) if layers <= _LAYERS else [*range(half), *range(layers - half, layers)]


def _beside(figure: FigureBase, trace: Trace, known: dict[str, np.ndarray], one: SpikeRecord | None,
            epoch: int | None) -> None:
    """Draws the accuracies, and below them the spikes and what the sample was read as."""
    readings = [] if one is None else [reading for reading in scenes.readings(one) if reading.shown][:1]
    heights = [*([1.0] if known else []), *([1.3] if one is not None else []), *([1.5] if readings else [])]
    parts = list(np.atleast_1d(figure.subplots(len(heights), 1, height_ratios=heights)))
    if known:
        _accuracy_panel(parts.pop(0), trace, known, epoch)
    if one is None:
        return
    raster = parts.pop(0)
    raster_panel(raster, one, scenes.rows(one, "number"), "", low=True)
    words = scenes.told(readings, 0)
    raster.set_title(f"Spikes{': ' if words else ''}{words}", fontsize=9.5, color=EITHER.ink, loc="left",
                     fontweight="bold")
    for reading in readings:
        reading_panel(parts.pop(0), reading)


def _accuracy_panel(axes: Axes, trace: Trace, known: dict[str, np.ndarray], epoch: int | None) -> None:
    at = np.arange(trace.epochs) + 1
    for name, values in known.items():
        words, colour, dashes = _RIVALS[name]
        last = values[-1] if epoch is None else values[epoch - 1]
        label = words if math.isnan(last) else f"{words} {last:.1%}"
        axes.plot(at, values, color=colour, lw=1.7, ls=dashed(dashes), label=label,
                  marker="o" if len(at) == 1 else "")
    axes.set_xlim(0, max(trace.epochs, 1))
    axes.set_ylim(max(math.floor(10 * min(np.nanmin(values) for values in known.values()) - 0.2) / 10, 0), 1.01)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_title("Accuracy on what was not trained on", fontsize=9.5, color=EITHER.ink, loc="left", fontweight="bold")
    _mark(axes, epoch)
    label_axes(axes, "epoch")
    legend_within(axes, "lower right")
    plain_axes(axes)


def _mark(axes: Axes, epoch: int | None) -> None:
    """A line at the moment that is shown, where it is not the newest."""
    if epoch is not None:
        axes.axvline(epoch, color=EITHER.ink, lw=1.2, zorder=4)


def _network_panels(figure: FigureBase, one: SpikeRecord) -> None:
    """Draws what was shown, and each layer as a grid of neurons, those that fire in its colour."""
    pictures = scenes.pictures(one)
    shown = _ends(len(one.layers))
    parts = list(np.atleast_1d(figure.subplots(1, len(pictures) + max(len(shown), 1))))
    for name, seen in pictures.items():
        picture_panel(parts.pop(0), seen[0], name or "shown")
    for layer, axes in zip(shown, parts, strict=False):
        _neurons_panel(axes, one, layer)
    if not shown:
        parts[0].set_axis_off()


def _neurons_panel(axes: Axes, one: SpikeRecord, layer: int) -> None:
    size = one.sizes[layer]
    row, column = scenes.places(scenes.grid(one.shapes[layer], scenes.key_of(one, layer)), size)
    fired = np.zeros(size, bool)
    fired[one.neuron[one.layer == layer]] = True
    for which, colour in ((~fired, EITHER.line), (fired, EITHER.layer(layer))):
        if size > _APART:
            picture = np.zeros((row.max() + 1, column.max() + 1, 4))
            picture[row[which], column[which]] = to_rgba(colour)
            axes.imshow(picture, interpolation="nearest")
        else:  # each neuron a square with a sliver between it and its neighbours
            axes.add_collection(PatchCollection(
                [Rectangle((x - 0.43, y - 0.43), 0.86, 0.86) for y, x in zip(row[which], column[which], strict=True)],
                facecolor=colour, lw=0))
    axes.set_xlim(-0.6, column.max(initial=0) + 0.6)
    axes.set_ylim(row.max(initial=0) + 0.6, -0.6)
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.set_title(f"{as_written(one.layers[layer])}\n{int(fired.sum())} of {size} fire", fontsize=8.5,
                   color=EITHER.muted)

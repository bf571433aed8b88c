"""An experiment on one page, as the laboratory shows it."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import FigureBase

from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.records.trace import Trace
from whetstone_lab.view import scenes
from whetstone_lab.view.palette import EITHER
from whetstone_lab.view.plots.accuracy import accuracy_panel, known_accuracies, mark_epoch
from whetstone_lab.view.plots.curves import curve_panels
from whetstone_lab.view.plots.network import ends, network_panels
from whetstone_lab.view.plots.picture import Picture, say_instead, write_title
from whetstone_lab.view.plots.sharpener import run_panels
from whetstone_lab.view.plots.spikes import raster_panel, reading_panel


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
    known = known_accuracies(trace)
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
        network_panels(above[0], one)
    shown = ends(len(trace.layers))
    curve_panels(curves, trace, batch, shown)
    for axes in run_panels(run, trace):
        mark_epoch(axes, epoch)
    if narrow is not None:
        _beside(narrow, trace, known, one, epoch)
    return figure


def _when(trace: Trace, epoch: int | None) -> str:
    epochs = trace.epochs if epoch is None else epoch
    return f"after epoch {epochs}" if epochs else f"after batch {trace.batches}"


def _beside(figure: FigureBase, trace: Trace, known: dict[str, np.ndarray], one: SpikeRecord | None,
            epoch: int | None) -> None:
    """Draws the accuracies, and below them the spikes and what the sample was read as."""
    readings = [] if one is None else [reading for reading in scenes.readings(one) if reading.shown][:1]
    heights = [*([1.0] if known else []), *([1.3] if one is not None else []), *([1.5] if readings else [])]
    parts = list(np.atleast_1d(figure.subplots(len(heights), 1, height_ratios=heights)))
    if known:
        accuracy = parts.pop(0)
        accuracy_panel(accuracy, trace, known, epoch)
        accuracy.set_title("Accuracy on what was not trained on", fontsize=9.5, color=EITHER.ink, loc="left",
                           fontweight="bold")
    if one is None:
        return
    raster = parts.pop(0)
    raster_panel(raster, one, scenes.rows(one, "number"), "", low=True)
    words = scenes.told(readings, 0)
    raster.set_title(f"Spikes{': ' if words else ''}{words}", fontsize=9.5, color=EITHER.ink, loc="left",
                     fontweight="bold")
    for reading in readings:
        reading_panel(parts.pop(0), reading)

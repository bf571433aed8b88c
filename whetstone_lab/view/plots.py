"""Static figures in matplotlib: a twin for each widget, and what simulations cost, bear and gain.

For paper, for a saved notebook, for a script.

Figures are made without pyplot's global state, so they may be drawn on any thread, and show themselves in a notebook.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, PercentFormatter, StrMethodFormatter

from whetstone_lab.method.curves import CURVES
from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.records.trace import Trace
from whetstone_lab.simulator.operation_counts import OperationCounts
from whetstone_lab.view import scenes

_INK, _MUTED, _FAINT, _GRID = "#1c2430", "#5b6675", "#aab2bd", "#e6e9ee"
_MARKS = {"start": "▶", "stop": "■", "sharp": "◆", "done": "★", "threshold": "✎", "warning": "!"}
_FAULTS = {"dead": "neurons that never fire", "stuck": "neurons that always fire", "lost": "spikes that get lost",
           "jitter": "standard deviation of the thresholds", "noise": "standard deviation of the potentials' noise",
           "bits": "bits of a weight"}


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
    sharpness = scenes.sharpness_at(trace, np.array([batch - 1]))[0] if batch else np.zeros(len(trace.layers))
    finished = int(np.searchsorted(trace.epoch_ends, batch, side="right"))
    shares = scenes.histogram_at(trace, finished)

    count = max(len(trace.layers), 1)
    columns = min(count, 4)
    rows = math.ceil(count / columns)
    figure = Picture(figsize=(max(2.6 * columns, 4.2), 2.35 * rows + 0.55))
    when = "before training" if batch == 0 else f"batch {batch}"
    if batch and finished and batch == trace.epoch_ends[finished - 1]:
        when = f"after epoch {finished}"
    _title(figure, f"Activation curves, {when}")
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
    trace = scenes.trace_of(source)
    table = scenes.epoch_table(trace)
    rows = scenes.thin(0, trace.batches, 2000)
    at, last = scenes.positions(trace, rows), max(trace.epochs, 1)
    figure = Picture(figsize=(9.2, 4.8))
    _title(figure, "What the sharpener saw and did")
    top, low = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1.15))
    _loss_panel(top, trace, table, rows, at)

    values = scenes.sharpness_at(trace, rows)
    for index, name in enumerate(trace.layers):
        low.plot(at, values[:, index], color=scenes.layer_colour(index), lw=1.7, label=name,
                 ls="-" if index < len(scenes.LAYERS_LIGHT) else "--", solid_capstyle="round")
    low.set_ylim(-0.05, 1.08)
    low.set_yticks([0, 0.5, 1])
    low.set_ylabel("sharpness", fontsize=8.5, color=_MUTED)
    low.set_xlabel("epoch", fontsize=8.5, color=_MUTED)
    if 0 < len(trace.layers) <= 12:
        low.legend(loc="center left", bbox_to_anchor=(1.005, 0.5), frameon=False, fontsize=8, labelcolor=_MUTED,
                   handlelength=1.2, borderaxespad=0.2)
    for axes in (top, low):
        for epoch in np.flatnonzero(table["sharpening"]):
            axes.axvspan(epoch, epoch + 1, color=scenes.SHARPENING_LIGHT, alpha=0.13, lw=0, zorder=0)
        _plain_axes(axes)
    low.set_xlim(0, max(last, float(at[-1]) if len(at) else 1.0))
    low.xaxis.set_major_locator(MaxNLocator(10, integer=True))
    return figure


def layer_health(source: Any) -> Picture:
    """How every layer fared on the probe, epoch by epoch: what to look at when a network breaks.

    Four panels, a line for each layer: the mean activation (the firing rate); the share of neurons that are dead, since
    they never or always fire; the share of pre-activations at which a gradient flows; the share of activations that are
    saturated. A mark stands where a layer died: no neuron of it tells one input from another.

    Args:
        source: A ``Trace``, or something with a ``.trace``, of a run whose sharpener had a ``probe``.

    Returns:
        The figure.

    Raises:
        TypeError: The source has no trace.
    """
    trace = scenes.trace_of(source)
    dead = trace.layer_metric("never_firing") + trace.layer_metric("always_firing")
    panels = {"firing rate": trace.firing_rates, "dead neurons": dead,
              "gradient flow": trace.layer_metric("gradient_flow"), "saturation": trace.layer_metric("saturation")}
    figure = Picture(figsize=(9.2, 4.8))
    _title(figure, "How the layers fared")
    if not np.isfinite(list(panels.values())).any():
        _nothing(figure, "nothing was measured: give the sharpener a probe")
        return figure
    grid = figure.subplots(2, 2, sharex=True, sharey=True)
    at = np.arange(1, trace.epochs + 1)
    for axes, (name, shares) in zip(grid.flat, panels.items(), strict=True):
        for index, layer in enumerate(trace.layers):
            axes.plot(at, shares[: len(at), index], color=scenes.layer_colour(index), lw=1.7, marker="o", ms=2.2,
                      label=layer, ls="-" if index < len(scenes.LAYERS_LIGHT) else "--", solid_capstyle="round")
        axes.set_title(name, fontsize=9.5, color=_INK, loc="left", fontweight="bold")
        _plain_axes(axes)
    for index in range(len(trace.layers)):
        for epoch in np.flatnonzero(dead[:, index] >= 1)[:1]:
            grid[0, 1].annotate("died", (epoch + 1, 1), (4, -4), textcoords="offset points", va="top", fontsize=8,
                                fontweight="bold", color=scenes.layer_colour(index))
    grid[0, 0].set_ylim(-0.04, 1.06)
    grid[0, 0].set_yticks([0, 0.5, 1])
    grid[0, 0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    grid[0, 0].set_xlim(0, max(trace.epochs, 1) + 0.2)
    grid[0, 0].xaxis.set_major_locator(MaxNLocator(8, integer=True))
    for axes in grid[1]:
        axes.set_xlabel("epoch", fontsize=8.5, color=_MUTED)
    if 0 < len(trace.layers) <= 12:
        grid[0, 1].legend(loc="upper left", bbox_to_anchor=(1.005, 1.0), frameon=False, fontsize=8, labelcolor=_MUTED,
                          handlelength=1.2, borderaxespad=0.2)
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
    picture = scenes.as_picture(one.inputs[0])
    classes = one.votes.shape[-1]
    widths = [1.5] * (picture is not None) + [4.6] + [1.7] * (classes > 0)
    figure = Picture(figsize=(1.35 * sum(widths), 3.7))
    parts = list(np.atleast_1d(figure.subplots(1, len(widths), width_ratios=widths)))
    title = f"Sample {sample}"
    if classes:
        title += f": read as {one.classes[0]}"
        if len(one.labels):
            title += ", which is right" if one.classes[0] == one.labels[0] else f", in truth {one.labels[0]}"
    _title(figure, title)
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


def rate_coding(single: tuple[float, OperationCounts], rates: Sequence[tuple[float, OperationCounts]]) -> Picture:
    """What single spikes save against a rate code: accuracy over spikes, with the time steps beside each point.

    A bracket leads from the single spikes to the first rate code that is as accurate, if there is one.

    Args:
        single: Accuracy in [0, 1] of the network of single spikes, and its ``OperationCounts``.
        rates: The same of the rate-coded network for more and more time steps; at least one.

    Returns:
        The figure.

    Raises:
        ValueError: There is no rate code, an accuracy is none, or ``OperationCounts`` without samples.
    """
    for accuracy, found in (single, *rates):
        if not 0 <= accuracy <= 1 or not len(found.spikes):
            raise ValueError(f"Expected an accuracy in [0, 1] and operation counts of at least one sample; got "
                             f"{accuracy!r} and {found!r}.")
    if not rates:
        raise ValueError("Expected the operation counts of a rate code for at least one number of steps; got none.")
    accuracies = np.array([accuracy for accuracy, _ in rates])
    spikes = np.array([found.spikes.mean() for _, found in rates])
    steps = [found.latency for _, found in rates]
    accuracy, few, soon = single[0], float(single[1].spikes.mean()), single[1].latency

    figure = Picture(figsize=(7.6, 4.1))
    _title(figure, "Single spikes against a rate code")
    axes = figure.add_subplot()
    colour, rival = scenes.LAYERS_LIGHT[0], scenes.STOP_LIGHT
    axes.plot(spikes, accuracies, color=rival, lw=1.8, marker="o", ms=5, zorder=3,
              label="rate code; beside each point: time steps")
    for x, y, number in zip(spikes, accuracies, steps, strict=True):
        axes.annotate(str(number), (x, y), (4, -5), textcoords="offset points", ha="left", va="top", fontsize=8.5,
                      color=rival)
    axes.plot([few], [accuracy], color=colour, marker="*", ms=17, ls="none", zorder=4,
              label=f"single spikes, {_many(soon, 'step')}")
    axes.annotate(f"{accuracy:.1%}\n{_many(few, 'spike')}\n{_many(soon, 'step')}", (few, accuracy), (-13, 6),
                  textcoords="offset points", ha="right", va="top", fontsize=9, color=colour, fontweight="bold")
    as_good = np.flatnonzero(accuracies >= accuracy)
    if len(as_good) and few and soon:
        first, height = as_good[0], 1.07
        axes.annotate("", (few, height), (spikes[first], height),
                      arrowprops={"arrowstyle": "|-|,widthA=0.25,widthB=0.25", "color": _MUTED, "lw": 1})
        axes.text(math.sqrt(few * max(spikes[first], 1)), height + 0.02,
                  f"as accurate: {_factor(spikes[first] / few)} the spikes, {_factor(steps[first] / soon)} the steps",
                  ha="center", va="bottom", fontsize=8.5, color=_INK)
    axes.set_xscale("symlog", linthresh=1, linscale=0.4)  # a code of one step may not make a neuron fire at all
    axes.set_xlim(-0.05, max(spikes.max(), few) * 1.7)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_ylim(-0.03, 1.2)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_ylabel("accuracy", fontsize=8.5, color=_MUTED)
    axes.set_xlabel("spikes of all neurons for one sample", fontsize=8.5, color=_MUTED)
    axes.legend(loc="lower right", frameon=False, fontsize=8.5, labelcolor=_MUTED, markerscale=0.75)
    _plain_axes(axes)
    return figure


def fault_sweep(fault: str, values: Sequence[float] | np.ndarray, accuracies: Mapping[str, np.ndarray], *,
                classes: int | None = None) -> Picture:
    """How accurate networks stay with more and more of a fault: the mean over the draws, and from worst to best.

    Args:
        fault: The name of one of the arguments of :class:`whetstone_lab.simulator.Faults`.
        values: What it was set to.
        accuracies: Name of each network -> accuracies in [0, 1], shape ``(values, seeds)``, as ``sweep`` gives them.
        classes: How many there are, to mark where guessing is as good. Default: no mark.

    Returns:
        The figure.

    Raises:
        ValueError: There is no such fault, there are no networks, or accuracies of another shape.
    """
    if fault not in _FAULTS:
        raise ValueError(f"Expected a fault among {list(_FAULTS)}; got {fault!r}.")
    if not accuracies:
        raise ValueError("Expected the accuracies of at least one network; got none.")
    at = np.asarray(values, float)
    figure = Picture(figsize=(7.6, 3.9))
    _title(figure, f"What a network bears: {_FAULTS[fault]}")
    axes = figure.add_subplot()
    for index, (name, given) in enumerate(accuracies.items()):
        found = np.asarray(given, float)
        if found.ndim != 2 or found.shape[0] != len(at) or not found.size:
            raise ValueError(f"Expected accuracies of shape ({len(at)}, seeds) for {name!r}; got shape {found.shape}.")
        colour = scenes.layer_colour(index)
        axes.fill_between(at, found.min(axis=1), found.max(axis=1), color=colour, alpha=0.16, lw=0)
        axes.plot(at, found.mean(axis=1), color=colour, lw=2, marker="osD^v"[index % 5], ms=5, label=name, zorder=3)
    if classes:
        axes.axhline(1 / classes, color=_FAINT, lw=1, ls=(0, (3, 2)), zorder=1)
        axes.annotate("guessing", (0, 1 / classes), (4, 3), xycoords=axes.get_yaxis_transform(),
                      textcoords="offset points", fontsize=8, color=_MUTED)
    axes.set_ylim(0, 1.03)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_ylabel("accuracy", fontsize=8.5, color=_MUTED)
    axes.set_xlabel(_FAULTS[fault], fontsize=8.5, color=_MUTED)
    if fault in ("dead", "stuck", "lost"):
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    if fault == "bits":  # more of the fault is further right
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.invert_xaxis()
    axes.legend(loc="best", frameon=False, fontsize=8.5, labelcolor=_INK)
    _plain_axes(axes)
    return figure


def speed(seconds: Mapping[str, float], title: str = "Time of one call") -> Picture:
    """How long several ways to compute the same take, beside the first of them.

    Args:
        seconds: Name -> seconds; the first is what the others are measured by, such as the bare matrix products.
        title: Default: "Time of one call".

    Returns:
        The figure.

    Raises:
        ValueError: There is nothing, or times that are not positive.
    """
    times = np.array(list(seconds.values()), float)
    if not len(times) or not (times > 0).all():
        raise ValueError(f"Expected positive times, at least one; got {dict(seconds)!r}.")
    figure = Picture(figsize=(7.6, 0.42 * len(times) + 1.25))
    _title(figure, title)
    axes = figure.add_subplot()
    places = np.arange(len(times))
    axes.barh(places, times, height=0.68, color=[_FAINT, *[scenes.LAYERS_LIGHT[0]] * (len(times) - 1)], zorder=2)
    for place, value in enumerate(times):
        axes.annotate(_duration(value) + (f"   {_factor(value / times[0])}" if place else ""), (value, place), (5, 0),
                      textcoords="offset points", va="center", fontsize=9, color=_INK)
    axes.set_yticks(places, list(seconds))
    axes.invert_yaxis()
    axes.set_xlim(0, times.max() * 1.22)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(lambda value, _: _duration(value) if value else "0")
    _plain_axes(axes)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0, labelsize=9, labelcolor=_INK)
    axes.spines["left"].set_visible(False)
    return figure


def crossover(shares: Sequence[float] | np.ndarray, dense: Sequence[float] | np.ndarray,
              events: Sequence[float] | np.ndarray, chosen: Sequence[float] | np.ndarray | None = None) -> Picture:
    """Where it pays to compute spike by spike: the time of a layer over the share of its inputs that fire.

    Args:
        shares: Shares of the inputs that fire, in (0, 1], rising.
        dense: Seconds for all products, zeros too.
        events: Seconds spike by spike.
        chosen: Seconds of what the simulator does by itself. Default: not drawn.

    Returns:
        The figure.

    Raises:
        ValueError: Values that are not positive, or not as many of each.
    """
    curves = {"all products": dense, "spike by spike": events} | ({} if chosen is None else {"chosen": chosen})
    at = np.asarray(shares, float)
    times = {name: np.asarray(values, float) for name, values in curves.items()}
    for name, values in {"shares": at, **times}.items():
        if values.shape != (len(at),) or not len(at) or not (values > 0).all():
            raise ValueError(f"Expected {len(at)} positive values of {name!r}; got {values}.")
    figure = Picture(figsize=(7.6, 4.1))
    _title(figure, "Few spikes: less work")
    axes = figure.add_subplot()
    if chosen is not None:
        axes.plot(at, times["chosen"], color=scenes.IMPROVE_LIGHT, lw=9, alpha=0.28, solid_capstyle="round",
                  solid_joinstyle="round", label="what the simulator chooses", zorder=2)
    axes.plot(at, times["all products"], color=_INK, lw=1.8, marker="s", ms=4.5, label="all products", zorder=3)
    axes.plot(at, times["spike by spike"], color=scenes.LAYERS_LIGHT[0], lw=1.8, marker="o", ms=5,
              label="spike by spike", zorder=3)
    axes.set_xscale("log")
    axes.set_yscale("log")
    gain = np.log(times["spike by spike"] / times["all products"])
    for left in np.flatnonzero((gain[:-1] < 0) & (gain[1:] >= 0))[:1]:
        part = gain[left] / (gain[left] - gain[left + 1])
        share = at[left] * (at[left + 1] / at[left]) ** part
        axes.axvline(share, color=_MUTED, lw=1, ls=(0, (3, 2)), zorder=1)
        axes.annotate(f"crossover: {100 * share:.2g}% of the inputs fire", (share, 0.03), (-6, 0),
                      xycoords=axes.get_xaxis_transform(), textcoords="offset points", ha="right", fontsize=8.5,
                      color=_MUTED)
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(lambda value, _: _duration(value))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel("time", fontsize=8.5, color=_MUTED)
    axes.set_xlabel("share of the inputs that fire", fontsize=8.5, color=_MUTED)
    axes.legend(loc="upper left", frameon=False, fontsize=8.5, labelcolor=_MUTED)
    _plain_axes(axes)
    return figure


def memory(synapses: Sequence[float] | np.ndarray, megabytes: Sequence[float] | np.ndarray) -> Picture:
    """What networks of growing size take: memory over the number of synapses, beside a weight kept for each of them.

    Args:
        synapses: Numbers of synapses, positive and rising.
        megabytes: Megabytes (10^6 bytes) that each network took at the most, positive.

    Returns:
        The figure.

    Raises:
        ValueError: Values that are not positive, or not as many of each.
    """
    at, taken = np.asarray(synapses, float), np.asarray(megabytes, float)
    if at.ndim != 1 or not len(at) or taken.shape != at.shape or not (np.minimum(at, taken) > 0).all():
        raise ValueError(f"Expected as many positive numbers of synapses as megabytes; got {at} and {taken}.")
    figure = Picture(figsize=(7.6, 4.1))
    _title(figure, "Large networks: memory")
    axes = figure.add_subplot()
    axes.plot(at, 4 * at / 1e6, color=_MUTED, lw=1.2, ls=(0, (3, 2)), label="4 bytes for every synapse")
    axes.plot(at, taken, color=scenes.LAYERS_LIGHT[0], lw=1.8, marker="o", ms=5, label="taken at the most", zorder=3)
    for place, value in zip(at, taken, strict=True):
        axes.annotate(_megabytes(value), (place, value), (0, 8), textcoords="offset points", ha="center", fontsize=9,
                      color=_INK)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(top=4 * max(taken.max(), 4 * at.max() / 1e6))
    axes.xaxis.set_major_locator(LogLocator())
    axes.yaxis.set_major_locator(LogLocator())
    axes.yaxis.set_major_formatter(lambda value, _: _megabytes(value))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_formatter(NullFormatter())
    axes.set_ylabel("memory", fontsize=8.5, color=_MUTED)
    axes.set_xlabel("synapses", fontsize=8.5, color=_MUTED)
    axes.legend(loc="upper left", frameon=False, fontsize=8.5, labelcolor=_MUTED)
    _plain_axes(axes)
    return figure


def _curve_panel(axes: Axes, trace: Trace, index: int, name: str, sharpness: float, shares: np.ndarray | None) -> None:
    colour, curve = scenes.layer_colour(index), trace.curves[index]
    threshold = CURVES[curve].threshold
    low, high = threshold - 1.75, threshold + 1.75
    x = np.linspace(low, high, 701)
    if shares is not None and shares[index].max() > 0:
        heights = shares[index] / shares[index].max()
        axes.stairs(0.92 * heights, trace.bins, fill=True, color=colour, alpha=0.2, lw=0, zorder=1)
    axes.axvline(threshold, color=_FAINT, lw=0.9, ls=(0, (2, 2)), zorder=2)
    axes.plot(x, CURVES[curve].value(x, 0.0), color=_FAINT, lw=1.1, zorder=2)
    axes.plot(x, CURVES[curve].value(x, sharpness), color=colour, lw=2.3, zorder=3, solid_joinstyle="round")
    axes.set_xlim(low, high)
    axes.set_ylim(-0.06, 1.09)
    axes.set_yticks([0, 0.5, 1])
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set_title(name, fontsize=9.5, color=_INK, loc="left", fontweight="bold")
    axes.set_title("sharp" if sharpness >= 1 else f"{sharpness:.2f}", fontsize=9.5, color=colour, loc="right",
                   fontweight="bold")
    if shares is not None:
        between = scenes.share_between(trace.bins, shares[index], *scenes.ramp(curve, sharpness))
        axes.text(0.03, 0.95, f"{between:.0%} on the ramp", transform=axes.transAxes, fontsize=7.5, color=_MUTED,
                  va="top")
    _plain_axes(axes)


def _loss_panel(axes: Axes, trace: Trace, table: dict[str, np.ndarray], rows: np.ndarray, at: np.ndarray) -> None:
    losses = trace.loss[rows]
    axes.plot(at, np.where(losses > 0, losses, np.nan), color=_FAINT, lw=0.8, alpha=0.8, label="batch loss", zorder=1.5)
    edges = np.arange(trace.epochs + 1)
    if np.isfinite(table["stop"]).any():
        axes.stairs(table["stop"], edges, baseline=None, color=scenes.STOP_LIGHT, lw=1.1, zorder=2,
                    label="a rise to here stops sharpening")
        axes.stairs(table["stop"], edges, baseline=table["reference"], fill=True, color=scenes.STOP_LIGHT, alpha=0.10,
                    lw=0)
        axes.stairs(table["reference"], edges, baseline=None, color=_MUTED, lw=1.1, ls=(0, (3, 2)), zorder=2,
                    label="reference loss")
        axes.stairs(table["improve"], edges, baseline=table["reference"], fill=True, color=scenes.IMPROVE_LIGHT,
                    alpha=0.12, lw=0)
        axes.stairs(table["improve"], edges, baseline=None, color=scenes.IMPROVE_LIGHT, lw=1.1, zorder=2,
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
    marks, end = scenes.decisions(trace), max(trace.epochs, *at[-1:], 1)
    places = scenes.apart([mark["at"] for mark in marks], 0.0165 * end, 0, end)
    for mark, place in zip(marks, places, strict=True):
        colour = {"stop": scenes.STOP_LIGHT, "warning": scenes.STOP_LIGHT, "start": scenes.SHARPENING_LIGHT}.get(
            mark["kind"], scenes.layer_colour(mark["layer"]) if mark["layer"] is not None else _INK)
        axes.text(place, 0.965, _MARKS[mark["kind"]], transform=axes.get_xaxis_transform(), ha="center",
                  va="center", fontsize=8, color=colour, family="DejaVu Sans")
        if mark["kind"] == "stop" and mark["change"] is not None:
            axes.text(place, 0.925, f"{mark['change']:+.0%}", transform=axes.get_xaxis_transform(), ha="center",
                      va="center", fontsize=6.5, color=colour)
    legend = axes.legend(loc="upper left", bbox_to_anchor=(1.005, 1.0), frameon=False, fontsize=8,
                         labelcolor=_MUTED, handlelength=1.2, borderaxespad=0.2,
                         title="▶ settled: sharpen\n■ loss rose by this: stop\n◆ a layer is sharp  ★ all are",
                         title_fontsize=7.5, alignment="left")
    legend.get_title().set_color(_MUTED)


def _raster_panel(axes: Axes, one: SpikeRecord) -> None:
    places = scenes.bands(one.sizes)
    for index, (low, high) in enumerate(places):
        mine = one.layer == index
        y = low + (one.neuron[mine] + 0.5) / one.sizes[index] * (high - low)
        steps = one.step[mine]
        axes.axhspan(low, high, color=scenes.layer_colour(index), alpha=0.06, lw=0)
        # As thick as a neuron's row, so that a band reads like a bar code; never so thin that it vanishes.
        thickness = float(np.clip(200 * (high - low) / one.sizes[index], 0.7, 4.0))
        axes.add_collection(LineCollection(
            [((step + 0.1, value), (step + 0.9, value)) for step, value in zip(steps, y, strict=True)],
            colors=scenes.layer_colour(index), linewidths=thickness, capstyle="butt"))
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
    colours[winner] = scenes.IMPROVE_LIGHT if right else scenes.STOP_LIGHT
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


def _title(figure: Figure, text: str) -> None:
    figure.suptitle(text, color=_INK, fontsize=11.5, fontweight="bold", x=0.012, ha="left")


def _plain_axes(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_FAINT)
    axes.tick_params(colors=_MUTED, labelsize=8, which="both", width=0.7)
    axes.grid(visible=True, color=_GRID, lw=0.7, zorder=0)
    axes.set_axisbelow(True)


def _nothing(figure: Figure, text: str) -> None:
    figure.text(0.5, 0.45, text, ha="center", color=_MUTED, fontsize=10)


def _many(count: float, what: str) -> str:
    return f"{count:.0f} {what}" + ("" if round(count) == 1 else "s")


def _factor(value: float) -> str:
    return f"{value:,.0f}×" if value >= 100 else f"{value:.3g}×"


def _duration(seconds: float) -> str:
    unit, name = next(((unit, name) for unit, name in ((1.0, "s"), (1e-3, "ms")) if seconds >= 0.9995 * unit),
                      (1e-6, "µs"))
    return f"{seconds / unit:.3g} {name}"


def _megabytes(value: float) -> str:
    return f"{value / 1000:.3g} GB" if value >= 999.5 else f"{value:.3g} MB"

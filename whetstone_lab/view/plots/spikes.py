"""The spikes of one sample, what was shown, and what it was read as."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, ListedColormap
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.view import scenes
from whetstone_lab.view.palette import EITHER, class_colours
from whetstone_lab.view.plots.picture import Picture, as_written, bar_axes, label_axes, plain_axes, write_title
from whetstone_lab.view.plots.quantities import many

#: Grey values as more and less ink on whatever the figure lies on.
_INKED = LinearSegmentedColormap.from_list("inked", [EITHER.ink + "00", EITHER.ink])

#: Classes that the legend of a map names at the most, and that have bars of votes.
_NAMED, _BARS = 16, 24

#: Rows and columns that a raster has at the most, some pixels each; so many spikes at the most are drawn one by one,
#: and so few always.
_ROWS, _COLUMNS, _SINGLE, _ALWAYS = 400, 400, 5_000, 50


def spike_raster(source: Any, sample: int = 0, *, order: str = "number") -> Picture:
    """The spikes of one sample: time steps from left to right, the layers' neurons as bands, bottom layer below.

    Beside it stands what was shown, where it looks like a picture, and what each output was read as: the votes for each
    class, a map of classes where each place of the output has a class of its own, or the values of an output that
    stands for no classes.

    Args:
        source: A ``SpikeRecord``, or something with a ``.record``.
        sample: Which of its samples, from 0; negative counts from the last. Default: 0.
        order: In which order the neurons of a layer stand: ``"number"``; ``"rate"``, those that fire most, over all
            samples, on top; ``"class"``, output neurons by the class for which they vote, class 0 on top, and other
            layers by rate. Default: ``"number"``.

    Returns:
        The figure.

    Raises:
        ValueError: There is no such sample or no such order, or the record has no key for an order by class.
        TypeError: The source is no record and has none.

    Example:
        >>> from whetstone_lab import plots, recordings
        >>> plots.spike_raster(recordings.digits_spikes(), 3).get_suptitle()
        'Sample 3: read as 2, which is right'
    """
    record = scenes.record_of(source)
    if not -record.samples <= sample < record.samples:
        raise ValueError(f"Expected a sample from 0 to {record.samples - 1}; got {sample}.")
    sample %= record.samples
    rows = scenes.rows(record, order)
    one = record.select(sample)
    pictures = scenes.pictures(one)
    found = [reading for reading in scenes.readings(one) if reading.shown]
    widths = [1.5] * len(pictures) + [4.6] + [1.7] * len(found)
    figure = Picture(figsize=(1.35 * sum(widths), 3.7))
    parts = list(np.atleast_1d(figure.subplots(1, len(widths), width_ratios=widths)))
    words = scenes.told(found, 0)
    write_title(figure, f"Sample {sample}" + (f": {words}" if words else ""))
    for name, shown in pictures.items():
        picture_panel(parts.pop(0), shown[0], name or "shown")
    raster_panel(parts.pop(0), one, rows, "" if order == "number" else scenes.ORDERS[order])
    for reading in found:
        reading_panel(parts.pop(0), reading)
    return figure


def picture_panel(axes: Axes, picture: np.ndarray, name: str) -> None:
    """Draws what was shown: grey values as more and less ink, colours as they are."""
    _pixels(axes, picture, name, cmap=_INKED if picture.ndim == 2 else None)


def _pixels(axes: Axes, picture: np.ndarray, name: str, **style: Any) -> None:
    axes.imshow(picture, interpolation="nearest", **style)
    axes.patch.set_visible(False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(name, fontsize=8.5, color=EITHER.muted)
    for spine in axes.spines.values():
        spine.set_color(EITHER.line)


def raster_panel(axes: Axes, one: SpikeRecord, rows: list[np.ndarray], order: str, low: bool = False) -> None:
    """A band for each layer; ``rows`` has the row of each of its neurons, ``order`` why they stand so, in words.

    In a panel that is ``low``, less than half as high as a raster of its own, layers are told by their names alone.
    """
    places = scenes.bands(one.sizes)
    # Of very many steps each is narrower than a dot, and a spike still has one.
    wide = max(0.8, one.steps / 300)
    for index, (bottom, top) in enumerate(places):
        mine = one.layer == index
        steps, neurons = one.step[mine], rows[index][one.neuron[mine]]
        axes.axhspan(bottom, top, color=EITHER.layer(index), alpha=0.06, lw=0)
        grid = one.sizes[index], one.steps
        cells = min(grid[0], max(round(_ROWS * (top - bottom)), 1)), min(grid[1], _COLUMNS)
        used = len(np.unique(steps * cells[1] // one.steps))
        if len(steps) > _SINGLE or (cells != grid and len(steps) > max(0.5 * cells[0] * used, _ALWAYS)):
            shares = scenes.density(steps, neurons, grid, cells)
            # A single spike among many neurons is still seen.
            axes.imshow(np.where(shares > 0, 0.35 + 0.65 * shares, 0), extent=(0, one.steps, bottom, top),
                        origin="lower", aspect="auto", interpolation="nearest", vmin=0, vmax=1, zorder=1,
                        cmap=LinearSegmentedColormap.from_list("layer", [f"{EITHER.layer(index)}00",
                                                                         EITHER.layer(index)]))
            continue
        y = bottom + (neurons + 0.5) / one.sizes[index] * (top - bottom)
        # As thick as a neuron's row, so that a band reads like a bar code; never so thin that it vanishes.
        thickness = float(np.clip(200 * (top - bottom) / one.sizes[index], 0.7, 4.0))
        axes.add_collection(LineCollection(
            [((start, value), (start + wide, value))
             for start, value in zip(np.minimum(steps + 0.1, one.steps - wide), y, strict=True)],
            colors=EITHER.layer(index), linewidths=thickness, capstyle="butt"))
    if not places:
        axes.text(0.5, 0.5, "no neurons in this network", transform=axes.transAxes, ha="center", va="center",
                  fontsize=9, color=EITHER.muted)
    axes.set_xlim(0, max(one.steps, 1))
    axes.set_ylim(-0.01, 1.01)
    # Two lines have room beside a dozenth of the height, and one beside a twenty-fourth; of more layers some are named.
    middles = np.array([(bottom + top) / 2 for bottom, top in places])
    pitch = float(np.diff(middles).min(initial=1.0))
    every, apart = max(math.ceil(1 / ((10 if low else 24) * pitch)), 1), "\n" if pitch > 1 / 12 else ", "
    axes.set_yticks(middles[::every], [name if low else f"{name}{apart}{many(size, 'neuron')}" for name, size in
                                       zip(map(as_written, one.layers[::every]), one.sizes[::every], strict=True)])
    steps = [int(step) for step in MaxNLocator(12, integer=True).tick_values(0, max(one.steps - 1, 1))
             if 0 <= step < one.steps]
    axes.set_xticks(np.array(steps) + 0.5, [str(step) for step in steps])
    label_axes(axes, f"time step; neurons {order}" if order else "time step")
    plain_axes(axes)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines["left"].set_visible(False)


def reading_panel(axes: Axes, reading: scenes.Reading) -> None:
    """Draws what the first sample was read as: a map of classes, or bars of votes or of values."""
    if reading.shown == "map":
        _map_panel(axes, reading)
    else:
        _bars_panel(axes, reading)


def _bars_panel(axes: Axes, reading: scenes.Reading) -> None:
    """The votes for each class, or the values of an output that stands for no classes."""
    every, voted = reading.votes[0], reading.shown == "votes"
    must = [int(classes[0]) for classes in (reading.classes, reading.truth) if voted and len(classes)]
    listed = scenes.listed_classes(every, must, _BARS)
    votes, names = every[listed], [str(number) for number in listed]
    colours = [EITHER.line] * len(votes)
    if voted:
        colours[listed.tolist().index(must[0])] = EITHER.stop if reading.wrong(0) else EITHER.improve
        if len(reading.truth):
            names[listed.tolist().index(must[-1])] += " ✓"
    axes.barh(np.arange(len(votes)), votes, height=0.72, color=colours, zorder=2)
    if not voted and len(reading.truth):
        axes.plot(reading.truth[0][listed], np.arange(len(votes)), "|", color=EITHER.ink, ms=9, mew=1.4, zorder=4,
                  label="truth")
        axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.08), fontsize=8, labelcolor=EITHER.ink)
    axes.axvline(0, color=EITHER.faint, lw=0.9, zorder=3)
    axes.set_yticks(np.arange(len(votes)), names, family="DejaVu Sans")
    axes.invert_yaxis()
    what = "votes for each class" if voted else "values"
    if len(votes) < len(every):
        what += f", {len(votes)} of {len(every)}"
    axes.set_title(_titled(reading, what), fontsize=8.5, color=EITHER.muted)
    axes.xaxis.set_major_locator(MaxNLocator(3, integer=voted))
    if reading.voters:
        label_axes(axes, f"output neurons that do as\nits key says, less those\nthat do not; at most {reading.voters}")
    bar_axes(axes)


def _titled(reading: scenes.Reading, what: str) -> str:
    return f"{as_written(reading.name)}: {what}" if reading.name else what


def _map_panel(axes: Axes, reading: scenes.Reading) -> None:
    classes, count = reading.classes[0], reading.votes.shape[-1]
    colours = class_colours(count)
    # The lower bound of the limits stands half a class below the first, so that each class meets its own colour.
    _pixels(axes, classes, _titled(reading, "class of each place"), cmap=ListedColormap(colours), vmin=-0.5,
                   vmax=count - 0.5)
    found, sizes = np.unique(classes, return_counts=True)
    named = sorted(found[np.argsort(-sizes, kind="stable")[:_NAMED]].tolist())
    patches, names = [Patch(color=colours[number]) for number in named], [str(number) for number in named]
    legend = axes.legend(patches, names, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.03),
                         ncols=min(len(named), 4), fontsize=8, labelcolor=EITHER.ink, handlelength=1, handleheight=1,
                         columnspacing=1, handletextpad=0.5, title_fontproperties={"size": 7.5})
    if len(named) < len(found):
        legend.set_title(f"the {len(named)} most frequent of {len(found)}")
        legend.get_title().set_color(EITHER.muted)

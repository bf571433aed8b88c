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
from whetstone_lab.view.plots.picture import Picture, bar_axes, label_axes, plain_axes, write_title
from whetstone_lab.view.plots.quantities import many

#: Grey values as more and less ink on whatever the figure lies on.
_INKED = LinearSegmentedColormap.from_list("inked", [EITHER.ink + "00", EITHER.ink])

#: Classes that the legend of a map names at the most.
_NAMED = 16


def spike_raster(source: Any, sample: int = 0) -> Picture:
    """The spikes of one sample: time steps from left to right, the layers' neurons as bands, bottom layer below.

    Beside it stands what was shown, where it looks like a picture, and what the output was read as: the votes for each
    class, or a map of classes where each place of the output has a class of its own.

    Args:
        source: A ``SpikeRecord``, or something with a ``.record``.
        sample: Which of its samples, from 0; negative counts from the last. Default: 0.

    Returns:
        The figure.

    Raises:
        ValueError: There is no such sample.
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
    one = record.select(sample)
    picture = scenes.as_picture(one.inputs[0])
    classes = scenes.class_map(one.classes[0]) if len(one.classes) else None
    voted = len(one.classes) > 0 and classes is None
    widths = [1.5] * (picture is not None) + [4.6] + [1.7] * (voted or classes is not None)
    figure = Picture(figsize=(1.35 * sum(widths), 3.7))
    parts = list(np.atleast_1d(figure.subplots(1, len(widths), width_ratios=widths)))
    write_title(figure, f"Sample {sample}" + _reading(one))
    if picture is not None:
        _picture_panel(parts.pop(0), picture, "shown", cmap=_INKED if picture.ndim == 2 else None)
    _raster_panel(parts.pop(0), one)
    if voted:
        _votes_panel(parts.pop(0), one)
    if classes is not None:
        _map_panel(parts.pop(0), classes, one.votes.shape[-1])
    return figure


def _reading(one: SpikeRecord) -> str:
    if not len(one.classes):
        return ""
    if one.classes[0].ndim:
        return ": a class for each place"
    if not len(one.labels):
        return f": read as {one.classes[0]}"
    return f": read as {one.classes[0]}" + (
        ", which is right" if one.classes[0] == one.labels[0] else f", in truth {one.labels[0]}")


def _picture_panel(axes: Axes, picture: np.ndarray, name: str, **style: Any) -> None:
    axes.imshow(picture, interpolation="nearest", **style)
    axes.patch.set_visible(False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(name, fontsize=8.5, color=EITHER.muted)
    for spine in axes.spines.values():
        spine.set_color(EITHER.line)


def _raster_panel(axes: Axes, one: SpikeRecord) -> None:
    places = scenes.bands(one.sizes)
    # Of very many steps each is narrower than a dot, and a spike still has one.
    wide = max(0.8, one.steps / 300)
    for index, (low, high) in enumerate(places):
        mine = one.layer == index
        y = low + (one.neuron[mine] + 0.5) / one.sizes[index] * (high - low)
        steps = one.step[mine]
        axes.axhspan(low, high, color=EITHER.layer(index), alpha=0.06, lw=0)
        # As thick as a neuron's row, so that a band reads like a bar code; never so thin that it vanishes.
        thickness = float(np.clip(200 * (high - low) / one.sizes[index], 0.7, 4.0))
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
    middles = np.array([(low + high) / 2 for low, high in places])
    pitch = float(np.diff(middles).min(initial=1.0))
    every, apart = max(math.ceil(1 / (24 * pitch)), 1), "\n" if pitch > 1 / 12 else ", "
    axes.set_yticks(middles[::every], [f"{name}{apart}{many(size, 'neuron')}" for name, size in
                                       zip(one.layers[::every], one.sizes[::every], strict=True)])
    steps = [int(step) for step in MaxNLocator(12, integer=True).tick_values(0, max(one.steps - 1, 1))
             if 0 <= step < one.steps]
    axes.set_xticks(np.array(steps) + 0.5, [str(step) for step in steps])
    label_axes(axes, "time step")
    plain_axes(axes)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines["left"].set_visible(False)


def _votes_panel(axes: Axes, one: SpikeRecord) -> None:
    votes, winner = one.votes[0], int(one.classes[0])
    label = int(one.labels[0]) if len(one.labels) else None
    right = label is None or winner == label
    colours = [EITHER.line] * len(votes)
    colours[winner] = EITHER.improve if right else EITHER.stop
    axes.barh(np.arange(len(votes)), votes, height=0.72, color=colours, zorder=2)
    axes.axvline(0, color=EITHER.faint, lw=0.9, zorder=3)
    names = [f"{number} ✓" if number == label else str(number) for number in range(len(votes))]
    axes.set_yticks(np.arange(len(votes)), names, family="DejaVu Sans")
    axes.invert_yaxis()
    axes.set_title("votes for each class", fontsize=8.5, color=EITHER.muted)
    axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    voters = scenes.voters(one)
    if voters:
        label_axes(axes, f"output neurons that do as\nits key says, less those\nthat do not; at most {voters}")
    bar_axes(axes)


def _map_panel(axes: Axes, classes: np.ndarray, count: int) -> None:
    colours = class_colours(count)
    # The lower bound of the limits stands half a class below the first, so that each class meets its own colour.
    _picture_panel(axes, classes, "class of each place", cmap=ListedColormap(colours), vmin=-0.5, vmax=count - 0.5)
    found, sizes = np.unique(classes, return_counts=True)
    named = sorted(found[np.argsort(-sizes, kind="stable")[:_NAMED]].tolist())
    patches, names = [Patch(color=colours[number]) for number in named], [str(number) for number in named]
    legend = axes.legend(patches, names, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.03),
                         ncols=min(len(named), 4), fontsize=8, labelcolor=EITHER.ink, handlelength=1, handleheight=1,
                         columnspacing=1, handletextpad=0.5, title_fontproperties={"size": 7.5})
    if len(named) < len(found):
        legend.set_title(f"the {len(named)} most frequent of {len(found)}")
        legend.get_title().set_color(EITHER.muted)

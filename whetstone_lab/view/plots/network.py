"""A network: each layer as a grid of neurons, and which of them a sample makes fire."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import FigureBase
from matplotlib.patches import Rectangle

from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.view import scenes
from whetstone_lab.view.palette import EITHER
from whetstone_lab.view.plots.picture import Picture, as_written, write_title
from whetstone_lab.view.plots.spikes import picture_panel

#: Layers that are drawn at the most: the first and the last of more.
_LAYERS = 6

#: Neurons of a layer that are drawn one by one at the most; of more the slivers between them could not be seen.
_APART = 1024


def network_diagram(record: Any, sample: int = 0) -> Picture:
    """What a network was shown and which of its neurons it made fire, each layer as a grid; of more than six layers the
    first and the last three. For a network that reads one picture as one class, :func:`firing` has the votes too.

    Args:
        record: What the network did on some samples, a ``SpikeRecord`` or something with a ``.record``.
        sample: Which of them, from 0. Default: 0.

    Returns:
        The figure.

    Raises:
        ValueError: There is no such sample.
        TypeError: It is no record.

    Example:
        >>> from whetstone_lab import plots, recordings
        >>> plots.network_diagram(recordings.digits_spikes(), sample=3).get_suptitle()
        'Read as 2, which is right'
    """
    found = scenes.record_of(record)
    if not 0 <= sample < found.samples:
        raise ValueError(f"Expected a sample from 0 to {found.samples - 1}; got {sample}.")
    one = found.select([sample])
    parts = len(scenes.pictures(one)) + min(max(len(one.layers), 1), _LAYERS)
    figure = Picture(figsize=(1.0 + 1.9 * parts, 2.6))
    words = scenes.told([reading for reading in scenes.readings(one) if reading.shown], 0)
    write_title(figure, words[:1].upper() + words[1:] or "Spikes")
    network_panels(figure, one)
    return figure


def ends(layers: int) -> list[int]:
    """The layers that are drawn, of very many the first and the last."""
    half = _LAYERS // 2
    return list(range(layers)) if layers <= _LAYERS else [*range(half), *range(layers - half, layers)]


def network_panels(figure: FigureBase, one: SpikeRecord) -> None:
    """Draws what was shown, and each layer as a grid of neurons, those that fire in its colour."""
    pictures = scenes.pictures(one)
    shown = ends(len(one.layers))
    parts = list(np.atleast_1d(figure.subplots(1, len(pictures) + max(len(shown), 1))))
    for name, seen in pictures.items():
        picture_panel(parts.pop(0), seen[0], name or "shown")
    for before, layer, axes in zip([-1, *shown], shown, parts, strict=False):
        _neurons_panel(axes, one, layer)
        if layer > before + 1:
            axes.text(-0.08, 0.5, "…", transform=axes.transAxes, ha="right", fontsize=14, color=EITHER.muted)
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
    axes.set_title(f"{as_written(one.layers[layer], 22)}\n{int(fired.sum())} of {size} fire", fontsize=8.5,
                   color=EITHER.muted)

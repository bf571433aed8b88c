"""Which neurons a sample makes fire: every layer as a grid, and the votes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.colors import ListedColormap

from whetstone_lab.simulator import Network, run
from whetstone_lab.view import scenes
from whetstone_lab.view.palette import EITHER
from whetstone_lab.view.plots.picture import Picture, as_written, bar_axes, label_axes, write_title

#: Classes whose votes are drawn at the most.
_BARS = 24


def firing(network: Network, sample: Any) -> Picture:
    """One sample and the neurons that it makes fire, layer by layer in two dimensions, and what it is read as.

    A layer is a grid of neurons, or a map for each channel; output neurons that vote for one class each stand class by
    class, a row each, if that are not too many rows.

    Args:
        network: A network with one input and one output.
        sample: What it is shown, shape ``network.input_shape``.

    Returns:
        The figure.

    Raises:
        ValueError: The sample does not suit the network.

    Example:
        >>> from whetstone_lab import datasets, plots
        >>> from whetstone_lab.course import kept
        >>> digits = datasets.load_digits()
        >>> plots.firing(kept.network("digits"), digits.x_test[0]).get_suptitle()
        'Read as 6'
    """
    record = run(network, np.asarray(sample)[None])
    (reading,) = scenes.readings(record)
    seen = scenes.as_picture(np.asarray(sample))
    bars = reading.shown in ("votes", "values") and record.votes.shape[1] > 0
    parts = (seen is not None) + len(network.layers) + bars
    figure = Picture(figsize=(1.0 + 1.9 * max(parts, 1), 2.7))
    write_title(figure, reading.words(0).capitalize() or "Spikes")
    axes = iter(figure.subplots(1, max(parts, 1), squeeze=False)[0])
    if seen is not None:
        panel = _bare(next(axes), "shown")
        panel.imshow(seen, cmap=ListedColormap([(0.45, 0.48, 0.53, shade / 32) for shade in range(33)]),
                     interpolation="nearest")
    for number, name in enumerate(network.layers):
        fired = record.dense(number)[0].any(axis=0).ravel()
        key = network.key if name == network.output else None
        row, column = scenes.places(scenes.grid(network.shapes[name], key), fired.size)
        cells = np.ma.masked_all((int(row.max()) + 1, int(column.max()) + 1))
        cells[row, column] = fired
        panel = _bare(next(axes), f"{as_written(name, 22)}\n{fired.sum()} of {fired.size} fire")
        panel.imshow(cells, cmap=ListedColormap([EITHER.raised, EITHER.layer(number)]), vmin=0, vmax=1,
                     interpolation="nearest")
    if bars:
        _votes(next(axes), reading)
    return figure


def _bare(axes: Any, title: str) -> Any:
    axes.set(xticks=[], yticks=[])
    axes.patch.set_visible(False)
    axes.spines[:].set_color(EITHER.faint)
    axes.set_title(title, fontsize=8, color=EITHER.muted)
    return axes


def _votes(axes: Any, reading: scenes.Reading) -> None:
    votes = reading.votes[0]
    best = int(reading.classes[0]) if len(reading.classes) else -1
    listed = scenes.listed_classes(votes, [best], _BARS)
    colours = [EITHER.improve if number == best else EITHER.faint for number in listed]
    axes.barh(range(len(listed)), votes[listed], color=colours)
    axes.set_yticks(range(len(listed)), [str(number) for number in listed])
    axes.set_ylim(len(listed) - 0.5, -0.5)
    bar_axes(axes)
    axes.set_xlim(min(0.0, float(votes.min())), max(float(votes.max()), math.ulp(1)))
    label_axes(axes, "votes" if reading.shown == "votes" else "values")

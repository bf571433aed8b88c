"""How the layers of a run fared on the probe."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator, PercentFormatter

from whetstone_lab.view import scenes
from whetstone_lab.view.palette import EITHER
from whetstone_lab.view.plots.picture import (
    Picture,
    label_axes,
    layer_line,
    legend_beside,
    plain_axes,
    say_instead,
    write_title,
)


def layer_health(source: Any) -> Picture:
    """How every layer fared on the probe, epoch by epoch: what to look at when a network breaks.

    Four panels have a line for each layer: the mean activation (the firing rate); the share of neurons that are dead,
    since they never or always fire; the share of pre-activations at which a gradient flows; the share of activations
    that are saturated. A mark stands where a layer died: no neuron of it tells one input from another.

    Args:
        source: A ``Trace``, or something with a ``.trace``, of a run whose sharpener had a ``probe``.

    Returns:
        The figure.

    Raises:
        TypeError: The source has no trace.

    Example:
        >>> from whetstone_lab import plots, recordings
        >>> [panel.get_title(loc="left") for panel in plots.layer_health(recordings.digits_trace()).axes]
        ['firing rate', 'dead neurons', 'gradient flow', 'saturation']
    """
    trace = scenes.trace_of(source)
    panels = scenes.health_table(trace)
    figure = Picture(figsize=(9.2, 4.8))
    write_title(figure, "How the layers fared")
    if not np.isfinite(list(panels.values())).any():
        say_instead(figure, "nothing was measured: give the sharpener a probe")
        return figure
    grid = figure.subplots(2, 2, sharex=True, sharey=True)
    at = np.arange(1, len(panels["firing rate"]) + 1)
    for axes, (name, shares) in zip(grid.flat, panels.items(), strict=True):
        for index in range(len(trace.layers)):
            layer_line(axes, index, trace.layers, at, shares[:, index], marker="o", ms=2.2)
        axes.set_title(name, fontsize=9.5, color=EITHER.ink, loc="left", fontweight="bold")
        plain_axes(axes)
    for index, epoch in scenes.died(panels).items():
        grid[0, 1].annotate("died", (epoch + 1, 1), (4, -4), textcoords="offset points", va="top", fontsize=8,
                            fontweight="bold", color=EITHER.layer(index))
    grid[0, 0].set_ylim(-0.08, 1.1)
    grid[0, 0].set_yticks([0, 0.5, 1])
    grid[0, 0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    grid[0, 0].set_xlim(0, max(trace.epochs, 1) + 0.2)
    grid[0, 0].xaxis.set_major_locator(MaxNLocator(8, integer=True))
    for axes in grid[1]:
        label_axes(axes, "epoch")
    if 0 < len(trace.layers) <= 12:
        legend_beside(grid[0, 1], 1)
    return figure

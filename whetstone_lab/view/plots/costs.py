"""What single spikes save against a rate code."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import PercentFormatter, StrMethodFormatter

from whetstone_lab.view.palette import EITHER
from whetstone_lab.view.plots.picture import Picture, label_axes, legend_within, plain_axes, write_title
from whetstone_lab.view.plots.quantities import factor, many

if TYPE_CHECKING:
    from whetstone_lab.simulator.operation_counts import OperationCounts


def rate_coding(single: tuple[float, OperationCounts], rates: Sequence[tuple[float, OperationCounts]]) -> Picture:
    """What single spikes save against a rate code: accuracy over spikes, with the time steps beside each point.

    A bracket leads from the single spikes to the first rate code that is as accurate, if there is one.

    Args:
        single: Accuracy in [0, 1] of the network of single spikes, and its ``OperationCounts``.
        rates: The same of the rate-coded network for more and more time steps; at least one.

    Returns:
        The figure.

    Raises:
        ValueError: There is no rate code, an accuracy lies outside [0, 1], or operation counts have no samples.
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
    write_title(figure, "Single spikes against a rate code")
    axes = figure.add_subplot()
    colour, rival = EITHER.layers[0], EITHER.stop
    axes.plot(spikes, accuracies, color=rival, lw=1.8, marker="o", ms=5, zorder=3,
              label="rate code; beside each point: time steps")
    for x, y, number in zip(spikes, accuracies, steps, strict=True):
        axes.annotate(str(number), (x, y), (4, -5), textcoords="offset points", ha="left", va="top", fontsize=8.5,
                      color=rival)
    axes.plot([few], [accuracy], color=colour, marker="*", ms=17, ls="none", zorder=4,
              label=f"single spikes, {many(soon, 'step')}")
    axes.annotate(f"{accuracy:.1%}\n{many(few, 'spike')}\n{many(soon, 'step')}", (few, accuracy), (-13, 6),
                  textcoords="offset points", ha="right", va="top", fontsize=9, color=colour, fontweight="bold")
    as_good = np.flatnonzero(accuracies >= accuracy)
    if len(as_good) and few and soon:
        first, height = as_good[0], 1.07
        axes.annotate("", (few, height), (spikes[first], height),
                      arrowprops={"arrowstyle": "|-|,widthA=0.25,widthB=0.25", "color": EITHER.muted, "lw": 1})
        axes.text(math.sqrt(few * max(spikes[first], 1)), height + 0.02,
                  f"as accurate: {factor(spikes[first] / few)} the spikes, {factor(steps[first] / soon)} the steps",
                  ha="center", va="bottom", fontsize=8.5, color=EITHER.ink)
    axes.set_xscale("symlog", linthresh=1, linscale=0.4)  # a code of one step may not make a neuron fire at all
    axes.set_xlim(-0.05, max(spikes.max(), few) * 1.7)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_ylim(-0.03, 1.2)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    label_axes(axes, "spikes of all neurons for one sample", "accuracy")
    legend_within(axes, "lower right", markerscale=0.75)
    plain_axes(axes)
    return figure

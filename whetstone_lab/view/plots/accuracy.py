"""How well a network does as it trains: soft, spiking and with ReLUs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from whetstone_lab.records.trace import Trace
from whetstone_lab.view import scenes
from whetstone_lab.view.palette import EITHER
from whetstone_lab.view.plots.picture import (
    Picture,
    dashed,
    label_axes,
    legend_within,
    plain_axes,
    say_instead,
    write_title,
)

#: The networks whose accuracies are told, their colours and dashes.
_RIVALS = {"soft": ("soft", EITHER.ink, 0), "spiking": ("spiking", EITHER.layer(0), 1),
           "relu": ("ReLU", EITHER.layer(2), 2)}


def accuracy_chart(source: Any, epoch: int | None = None) -> Picture:
    """The accuracy of a run after each epoch on what is not trained on: of the network as it is, as if all its neurons
    spiked, and of a ReLU network that was trained beside it. What the run does not tell is left out.

    Args:
        source: A ``Trace``, or something with a ``.trace``.
        epoch: The epoch that is marked, and whose accuracies the legend tells, from 1. Default: the newest, unmarked.

    Returns:
        The figure.

    Raises:
        ValueError: There is no such epoch.
        TypeError: The source has no trace.

    Example:
        >>> from whetstone_lab import plots, recordings
        >>> figure = plots.accuracy_chart(recordings.digits_trace(), epoch=10)
        >>> figure.axes[0].get_legend_handles_labels()[1]
        ['soft 95.8%']
    """
    trace = scenes.trace_of(source)
    if epoch is not None and not 1 <= epoch <= trace.epochs:
        raise ValueError(f"Expected an epoch from 1 to {trace.epochs}; got {epoch}.")
    figure, known = Picture(figsize=(7.6, 3.4)), known_accuracies(trace)
    write_title(figure, "Accuracy on what was not trained on")
    if known:
        accuracy_panel(figure.subplots(), trace, known, epoch)
    else:
        say_instead(figure, "this run tells no accuracy" if trace.epochs else "no epoch yet")
    return figure


def known_accuracies(trace: Trace) -> dict[str, np.ndarray]:
    """Of the accuracies those that a run tells."""
    return {name: values for name, values in scenes.accuracies(trace).items() if np.isfinite(values).any()}


def accuracy_panel(axes: Axes, trace: Trace, known: dict[str, np.ndarray], epoch: int | None) -> None:
    """Draws them over the epochs, and tells those of one."""
    for name, values in known.items():
        at = np.flatnonzero(np.isfinite(values)) + 1  # a line goes from one to the next, where validation is rare too
        words, colour, dashes = _RIVALS[name]
        last = values[-1] if epoch is None else values[epoch - 1]
        label = words if math.isnan(last) else f"{words} {last:.1%}"
        axes.plot(at, values[at - 1], color=colour, lw=1.7, ls=dashed(dashes), label=label,
                  marker="o" if len(at) == 1 else "", clip_on=len(at) > 1)
    axes.set_xlim(0, max(trace.epochs, 1))
    axes.set_ylim(max(math.floor(10 * min(np.nanmin(values) for values in known.values()) - 0.2) / 10, 0), 1.01)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    mark_epoch(axes, epoch)
    label_axes(axes, "epoch")
    legend_within(axes, "best")
    plain_axes(axes)


def mark_epoch(axes: Axes, epoch: int | None) -> None:
    """A line at the moment that is shown, where it is not the newest."""
    if epoch is not None:
        axes.axvline(epoch, color=EITHER.ink, lw=1.2, zorder=4)

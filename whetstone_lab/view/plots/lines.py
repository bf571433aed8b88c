"""Lines of numbers in the manner of all figures here: for what a lesson has just computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator, PercentFormatter

from whetstone_lab.view.palette import EITHER
from whetstone_lab.view.plots.picture import Picture, label_axes, layer_line, legend_beside, plain_axes, write_title

#: The smallest part of the width that two places may lie apart for each to have a mark of its own.
_APART = 0.05


def lines(at: Sequence[float] | np.ndarray, values: Mapping[str, Any], title: str = "", *, across: str = "",
          up: str = "", share: bool = False, log: str = "", guess: float | None = None) -> Picture:
    """Some numbers as lines over others, each line with its name.

    A few places across have a mark each. Lines of equal values lie a hair's breadth apart, so that all are seen.

    Args:
        at: Where the values stand, shape ``(points,)``.
        values: Name of each line -> its values, shape ``(points,)``; NaN leaves a gap.
        title: What is to be seen. Default: none.
        across: What ``at`` means, with its unit. Default: nothing is written.
        up: What the values mean, with their unit. Default: nothing is written.
        share: Whether the values are shares in [0, 1], shown as percent from 0 to 100. Default: False.
        log: The axes that are logarithmic: ``"x"``, ``"y"``, ``"xy"`` or none. Default: none.
        guess: Where guessing is as good, marked by a dashed line. Default: no mark.

    Returns:
        The figure.

    Raises:
        ValueError: There are no lines, or one has another number of values; ``log`` names other axes.

    Example:
        >>> from whetstone_lab import plots
        >>> plots.lines([0, 1, 2], {"spiking": [0.9, 0.95, 0.97]}, "Test accuracy", share=True).get_suptitle()
        'Test accuracy'
    """
    places = np.asarray(at, float)
    found = {name: np.asarray(given, float) for name, given in values.items()}
    wrong = {name: given.shape for name, given in found.items() if given.shape != places.shape}
    if not found or wrong or places.ndim != 1:
        raise ValueError(f"Expected at least one line with a value for each of the {places.size} points; got "
                         f"{wrong or 'none'}.")
    if set(log) - {"x", "y"}:
        raise ValueError(f"Expected the logarithmic axes as 'x', 'y' or 'xy'; got {log!r}.")
    figure = Picture(figsize=(7.6, 3.4))
    write_title(figure, title)
    axes = figure.add_subplot()
    if "x" in log:
        axes.set_xscale("log")
    if "y" in log:
        axes.set_yscale("log")
    for index, given in enumerate(found.values()):
        layer_line(axes, index, list(found), places, given, marker="osD^v"[index % 5] if len(places) < 40 else "", ms=4)
        # What is drawn beside its place does not count for the axes by itself.
        axes.update_datalim(np.column_stack([places, given])[np.isfinite(given)])
    axes.autoscale_view()
    _mark_across(axes, places, "x" in log)
    if "y" in log:
        _mark_up(axes)
    if guess is not None:
        axes.axhline(guess, color=EITHER.faint, lw=1, ls=(0, (3, 2)), zorder=1)
        axes.annotate("guessing", (0, guess), (4, 3), xycoords=axes.get_yaxis_transform(), textcoords="offset points",
                      fontsize=8, color=EITHER.muted)
    if share:
        axes.set_ylim(0, 1.03)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    label_axes(axes, across or None, up or None)
    if len(found) > 1:
        legend_beside(axes, 1)
    plain_axes(axes)
    return figure


def _mark_across(axes: Axes, places: np.ndarray, log: bool) -> None:
    """Marks each place where there is room for it, and whole numbers only where all places are whole."""
    if log and (places <= 0).any():
        return
    scaled = np.sort(np.log(places) if log else places)
    if len(places) > 1 and np.diff(scaled).min() >= _APART * np.ptp(scaled) > 0:
        axes.set_xticks(places, [f"{place:g}" for place in places])
        axes.xaxis.set_minor_locator(NullLocator())
    elif not log:
        whole = bool((places == np.round(places)).all())
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=whole, steps=[1, 2, 5, 10]))


def _mark_up(axes: Axes) -> None:
    """Marks a logarithmic axis with plain numbers: 1, 2, 5 and 10 where it is short, and powers of ten alone else."""
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 30 * low else (1,)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())

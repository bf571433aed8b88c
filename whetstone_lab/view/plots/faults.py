"""How accurate networks stay when neurons and spikes fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from whetstone_lab.simulator.faults import FAULTS
from whetstone_lab.view.palette import EITHER
from whetstone_lab.view.plots.picture import (
    Picture,
    beside,
    label_axes,
    legend_within,
    plain_axes,
    write_title,
)


def fault_sweep(fault: str, values: Sequence[float] | np.ndarray, accuracies: Mapping[str, np.ndarray], *,
                classes: int | None = None) -> Picture:
    """How accurate networks stay with more and more of a fault: the mean over the draws, and from worst to best.

    Args:
        fault: The name of one of the arguments of :class:`whetstone_lab.simulator.Faults`.
        values: What it was set to, one value after the other.
        accuracies: Name of each network -> accuracies in [0, 1], shape ``(values, seeds)``, as ``sweep`` gives them.
        classes: How many classes there are; a mark then stands where guessing is as good. Default: no mark.

    Returns:
        The figure.

    Raises:
        ValueError: There is no such fault, there are no networks, or accuracies have another shape.

    Example:
        >>> import numpy as np
        >>> from whetstone_lab import plots
        >>> accuracies = np.array([[0.90, 0.91], [0.72, 0.81]])  # two values of the fault, two seeds
        >>> plots.fault_sweep("lost", [0, 0.1], {"mine": accuracies}, classes=10).get_suptitle()
        'What a network bears: spikes that get lost'
    """
    if fault not in FAULTS:
        raise ValueError(f"Expected a fault among {list(FAULTS)}; got {fault!r}.")
    if not accuracies:
        raise ValueError("Expected the accuracies of at least one network; got none.")
    at = np.asarray(values, float)
    figure = Picture(figsize=(7.6, 3.9))
    write_title(figure, f"What a network bears: {FAULTS[fault]}")
    axes = figure.add_subplot()
    for index, (name, given) in enumerate(accuracies.items()):
        found = np.asarray(given, float)
        if found.ndim != 2 or found.shape[0] != len(at) or not found.size:
            raise ValueError(f"Expected accuracies of shape ({len(at)}, seeds) for {name!r}; got shape {found.shape}.")
        colour = EITHER.layer(index)
        axes.fill_between(at, found.min(axis=1), found.max(axis=1), color=colour, alpha=0.16, lw=0)
        axes.plot(at, found.mean(axis=1), color=colour, lw=1.8, marker="osD^v"[index % 5], ms=5, label=name, zorder=3,
                  transform=beside(axes, index, len(accuracies)))
    if classes:
        axes.axhline(1 / classes, color=EITHER.faint, lw=1, ls=(0, (3, 2)), zorder=1)
        axes.annotate("guessing", (0, 1 / classes), (4, 3), xycoords=axes.get_yaxis_transform(),
                      textcoords="offset points", fontsize=8, color=EITHER.muted)
    axes.set_ylim(0, 1.03)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    label_axes(axes, FAULTS[fault], "accuracy")
    if fault in ("dead", "stuck", "lost"):
        axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}%"))
    if fault == "bits":  # more of the fault is further right
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.invert_xaxis()
    legend_within(axes, "best", EITHER.ink)
    plain_axes(axes)
    return figure

"""What sharpening costs a network, layer by layer."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, PercentFormatter

from whetstone_lab.method.depth_profile import DepthProfile
from whetstone_lab.view.palette import EITHER
from whetstone_lab.view.plots.picture import Picture, as_written, label_axes, legend_beside, plain_axes, write_title

#: Up to how many layers their names are written; numbers beyond.
_NAMED = 24


def depth_profile(profile: DepthProfile) -> Picture:
    """Which layers lose when they are sharpened: what to look at when a deep network does not keep its accuracy.

    Three panels over the layers, the bottom one at the left. The first has the accuracy (or the loss, where there are
    no classes) once the layers up to each are sharp, and with each alone; the second the gradient that comes down to
    each, as it is and with all layers sharp; the third the share of its neurons near the threshold, and the share
    that change sides once all below are sharp.

    Args:
        profile: As :func:`whetstone_lab.depth_profile` gives it.

    Returns:
        The figure.

    Example:
        >>> from whetstone_lab.method.depth_profile import DepthProfile
        >>> one, two = np.ones(2), np.ones(3)
        >>> figure = depth_profile(DepthProfile(("a", "b"), one, two, two, one, one, one, one, one, one, one))
        >>> [axes.get_title(loc="left") for axes in figure.axes]
        ['accuracy', 'gradient', 'near the threshold']
    """
    count = len(profile.layers)
    at = np.arange(count + 1)
    figure = Picture(figsize=(max(7.6, 2 + 0.3 * count), 6.6))
    write_title(figure, "What sharpening costs, layer by layer")
    top, middle, bottom = figure.subplots(3, 1, sharex=True)
    decides = bool(np.isfinite(profile.accuracy).all())
    steps, alone = (profile.accuracy, profile.accuracy_alone) if decides else (profile.loss, profile.loss_alone)
    _line(top, at, steps, "layers up to here sharp", EITHER.layers[0], "o")
    top.plot(at[1:], alone, color=EITHER.muted, ls="", marker="s", ms=4, label="this layer alone")
    _line(middle, at[1:], profile.gradient, "as it is", EITHER.muted, "s")
    _line(middle, at[1:], profile.gradient_sharp, "all layers sharp", EITHER.layers[0], "o")
    measured = np.concatenate([profile.gradient, profile.gradient_sharp])
    if (measured[np.isfinite(measured)] > 0).any():
        middle.set_yscale("log", nonpositive="mask")
        middle.yaxis.set_minor_formatter(NullFormatter())
    _line(bottom, at[1:], profile.near, "near the threshold", EITHER.muted, "s")
    _line(bottom, at[1:], profile.flips, "change sides", EITHER.layers[0], "o")
    _line(bottom, at[1:], profile.near_flips, "of the near ones", EITHER.layers[1], "^")
    for axes, name in ((top, "accuracy" if decides else "loss"), (middle, "gradient"), (bottom, "near the threshold")):
        axes.set_title(name, fontsize=9.5, color=EITHER.ink, loc="left", fontweight="bold")
        plain_axes(axes)
        legend_beside(axes, 1)
    for axes in (*([top] if decides else []), bottom):
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    if count <= _NAMED:
        bottom.set_xticks(at, ["none", *map(as_written, profile.layers)], rotation=60 if count > 4 else 0,
                          ha="right" if count > 4 else "center")
    else:
        label_axes(bottom, "layer, from the bottom")
    return figure


def _line(axes: Axes, at: np.ndarray, values: np.ndarray, label: str, colour: str, marker: str) -> None:
    axes.plot(at, values, color=colour, lw=1.7, marker=marker, ms=4, label=label, zorder=3)

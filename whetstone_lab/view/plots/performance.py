"""How long simulations take and how much memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from whetstone_lab.view.palette import EITHER
from whetstone_lab.view.plots.picture import Picture, bar_axes, label_axes, legend_within, plain_axes, write_title
from whetstone_lab.view.plots.quantities import duration, factor, size


def speed(seconds: Mapping[str, float], title: str = "Time of one call") -> Picture:
    """How long several ways to compute the same take, beside the first of them.

    Args:
        seconds: Name -> seconds; the first is what the others are measured by, such as the bare matrix products.
        title: Default: "Time of one call".

    Returns:
        The figure.

    Raises:
        ValueError: There is no time, or one that is not positive.

    Example:
        >>> from whetstone_lab import plots
        >>> figure = plots.speed({"bare matrix products": 2e-4, "predict": 2.5e-4})
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['200 µs', '250 µs   1.25×']
    """
    times = np.array(list(seconds.values()), float)
    if not len(times) or not (times > 0).all():
        raise ValueError(f"Expected positive times, at least one; got {dict(seconds)!r}.")
    figure = Picture(figsize=(7.6, 0.42 * len(times) + 1.25))
    write_title(figure, title)
    axes = figure.add_subplot()
    places = np.arange(len(times))
    axes.barh(places, times, height=0.68, color=[EITHER.faint, *[EITHER.layers[0]] * (len(times) - 1)], zorder=2)
    for place, value in enumerate(times):
        axes.annotate(duration(value) + (f"   {factor(value / times[0])}" if place else ""), (value, place), (5, 0),
                      textcoords="offset points", va="center", fontsize=9, color=EITHER.ink)
    axes.set_yticks(places, list(seconds))
    axes.invert_yaxis()
    axes.set_xlim(0, times.max() * 1.22)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(lambda value, _: duration(value) if value else "0")
    bar_axes(axes)
    axes.tick_params(axis="y", labelsize=9, labelcolor=EITHER.ink)
    return figure


def crossover(shares: Sequence[float] | np.ndarray, dense: Sequence[float] | np.ndarray,
              events: Sequence[float] | np.ndarray, chosen: Sequence[float] | np.ndarray | None = None) -> Picture:
    """Where it pays to compute spike by spike: the time of a layer over the share of its inputs that fire.

    Args:
        shares: Shares of the inputs that fire, in (0, 1], rising.
        dense: Seconds when all products are computed, zeros too, one for each share.
        events: Seconds when the layer is computed spike by spike.
        chosen: Seconds of what the simulator does by itself. Default: not drawn.

    Returns:
        The figure.

    Raises:
        ValueError: Values are not positive, or there are not as many of each.

    Example:
        >>> from whetstone_lab import plots
        >>> figure = plots.crossover([0.01, 0.1, 1.0], [1e-3, 1e-3, 1e-3], [1e-5, 1e-4, 1e-2])
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['crossover: 32% of the inputs fire']
    """
    curves = {"all products": dense, "spike by spike": events} | ({} if chosen is None else {"chosen": chosen})
    at = np.asarray(shares, float)
    times = {name: np.asarray(values, float) for name, values in curves.items()}
    for name, values in {"shares": at, **times}.items():
        if values.shape != (len(at),) or not len(at) or not (values > 0).all():
            raise ValueError(f"Expected {len(at)} positive values of {name!r}; got {values}.")
    figure = Picture(figsize=(7.6, 4.1))
    write_title(figure, "Few spikes: less work")
    axes = figure.add_subplot()
    if chosen is not None:
        axes.plot(at, times["chosen"], color=EITHER.improve, lw=9, alpha=0.4, solid_capstyle="round",
                  solid_joinstyle="round", label="what the simulator chooses", zorder=2)
    axes.plot(at, times["all products"], color=EITHER.ink, lw=1.8, marker="s", ms=4.5, label="all products", zorder=3)
    axes.plot(at, times["spike by spike"], color=EITHER.layers[0], lw=1.8, marker="o", ms=5,
              label="spike by spike", zorder=3)
    axes.set_xscale("log")
    axes.set_yscale("log")
    gain = np.log(times["spike by spike"] / times["all products"])
    for left in np.flatnonzero((gain[:-1] < 0) & (gain[1:] >= 0))[:1]:
        part = gain[left] / (gain[left] - gain[left + 1])
        share = at[left] * (at[left + 1] / at[left]) ** part
        axes.axvline(share, color=EITHER.muted, lw=1, ls=(0, (3, 2)), zorder=1)
        axes.annotate(f"crossover: {100 * share:.2g}% of the inputs fire", (share, 0.03), (-6, 0),
                      xycoords=axes.get_xaxis_transform(), textcoords="offset points", ha="right", fontsize=8.5,
                      color=EITHER.muted)
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(lambda value, _: duration(value))
    axes.yaxis.set_minor_formatter(NullFormatter())
    label_axes(axes, "share of the inputs that fire", "time")
    legend_within(axes, "upper left")
    plain_axes(axes)
    return figure


def memory(synapses: Sequence[float] | np.ndarray, megabytes: Sequence[float] | np.ndarray) -> Picture:
    """What networks of growing size take: memory over the number of synapses, beside a weight kept for each of them.

    Args:
        synapses: Numbers of synapses, positive and rising.
        megabytes: Megabytes (10^6 bytes) that each network took at the most, positive.

    Returns:
        The figure.

    Raises:
        ValueError: Values are not positive, or there are not as many of each.

    Example:
        >>> from whetstone_lab import plots
        >>> figure = plots.memory([1e6, 1e9], [2.5, 1500])
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['2.5 MB', '1.5 GB']
    """
    at, taken = np.asarray(synapses, float), np.asarray(megabytes, float)
    if at.ndim != 1 or not len(at) or taken.shape != at.shape or not (np.minimum(at, taken) > 0).all():
        raise ValueError(f"Expected as many positive numbers of synapses as megabytes; got {at} and {taken}.")
    figure = Picture(figsize=(7.6, 4.1))
    write_title(figure, "Large networks: memory")
    axes = figure.add_subplot()
    axes.plot(at, 4 * at / 1e6, color=EITHER.muted, lw=1.2, ls=(0, (3, 2)), label="4 bytes for every synapse")
    axes.plot(at, taken, color=EITHER.layers[0], lw=1.8, marker="o", ms=5, label="taken at the most", zorder=3)
    for place, value in zip(at, taken, strict=True):
        axes.annotate(size(value), (place, value), (0, 8), textcoords="offset points", ha="center", fontsize=9,
                      color=EITHER.ink)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(top=4 * max(taken.max(), 4 * at.max() / 1e6))
    axes.xaxis.set_major_locator(LogLocator())
    axes.yaxis.set_major_locator(LogLocator())
    axes.yaxis.set_major_formatter(lambda value, _: size(value))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_formatter(NullFormatter())
    label_axes(axes, "synapses", "memory")
    legend_within(axes, "upper left")
    plain_axes(axes)
    return figure

"""A pole that is balanced on a cart, and the neurons that balance it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Rectangle

from whetstone_lab.environments.cart_pole import HALF, TRACK
from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.view.palette import EITHER
from whetstone_lab.view.plots.picture import Picture, label_axes, plain_axes, write_title

#: How the pushes are drawn.
_ARROWS = ("←", "→")


def cart_pole(episode: Any, steps: Sequence[int] | int = 6, record: SpikeRecord | None = None) -> Picture:
    """Moments of an episode with the pole, and the spikes of the network that pushed the cart.

    Above, the cart on its track at some steps, with the push that followed. Below, where a record is given, each row is
    a neuron and each column a step of the episode: a mark is a spike. The neurons that fire most lie at the bottom.

    Args:
        episode: As :func:`whetstone_lab.play` gives it: ``observations`` of shape ``(steps, 4)`` and ``actions``.
        steps: The steps to draw, from 0; negative counts from the last. Or how many, at equal distances. Default: 6.
        record: What the network did at each step, ``whetstone_lab.run(network, episode.observations)``. Default: none.

    Returns:
        The figure.

    Raises:
        ValueError: There is no such step, the observations are of another shape, or the record has not a sample for
            each step.

    Example:
        >>> from whetstone_lab.environments import CartPole
        >>> from whetstone_lab.environments.playing import play_one
        >>> from whetstone_lab.environments.interface import Environment
        >>> episode = play_one(lambda seen: int(seen[2] > 0), Environment(CartPole()), seed=0)
        >>> cart_pole(episode, [0, -1]).axes[0].get_title()
        'step 0  ←'
    """
    seen, actions = np.asarray(episode.observations, float), np.asarray(episode.actions)
    if seen.ndim != 2 or seen.shape[1] != 4 or len(seen) != len(actions):
        raise ValueError(f"Expected observations of shape (steps, 4), and an action for each; got shapes {seen.shape} "
                         f"and {actions.shape}.")
    count = len(seen)
    wanted = (np.unique(np.linspace(0, count - 1, max(steps, 1)).round().astype(int)).tolist()
              if isinstance(steps, int) else list(steps))
    if not wanted or not all(-count <= step < count for step in wanted):
        raise ValueError(f"Expected steps from 0 to {count - 1}; got {wanted}.")
    if record is not None and record.samples != count:
        raise ValueError(f"Expected a record with a sample for each of the {count} steps; got {record.samples}.")
    chosen = [step % count for step in wanted]
    figure = Picture(figsize=(max(1.7 * len(chosen), 6.0), 2.1 if record is None else 4.4))
    write_title(figure, f"{count} steps, {count * 0.02:.1f} seconds")
    parts: Any = [figure] if record is None else figure.subfigures(2, 1, height_ratios=(1, 1.5))
    above = parts[0]
    if record is not None:
        for part in parts:
            part.patch.set_visible(False)
        _draw_spikes(parts[1].subplots(), record, chosen)
    for axes, step in zip(np.atleast_1d(above.subplots(1, len(chosen))), chosen, strict=True):
        _draw_cart(axes, seen[step])
        axes.set_title(f"step {step}  {_ARROWS[actions[step]]}", fontsize=8.5, color=EITHER.muted)
    return figure


def _draw_cart(axes: Axes, seen: np.ndarray) -> None:
    place, _, angle, _ = seen
    axes.plot([-TRACK, TRACK], [0, 0], color=EITHER.faint, lw=1.2)
    for edge in (-TRACK, TRACK):
        axes.plot([edge, edge], [-0.1, 0.1], color=EITHER.stop, lw=1.2)
    axes.add_patch(Rectangle((place - 0.35, 0.02), 0.7, 0.3, color=EITHER.layers[0], lw=0))
    axes.plot([place, place + 2 * HALF * np.sin(angle)], [0.32, 0.32 + 2 * HALF * np.cos(angle)],
              color=EITHER.layers[2], lw=4, solid_capstyle="round")
    axes.set_xlim(-TRACK - 0.2, TRACK + 0.2)
    axes.set_ylim(-0.25, 1.6)
    axes.set_aspect("equal")
    axes.axis("off")


def _draw_spikes(axes: Axes, record: SpikeRecord, chosen: Sequence[int]) -> None:
    fired = np.concatenate([record.dense(layer).any(axis=1).reshape(record.samples, -1)
                            for layer in range(len(record.layers))], axis=1)
    order = np.argsort(-fired.sum(axis=0), kind="stable")
    axes.imshow(fired[:, order].T, origin="lower", aspect="auto", interpolation="nearest", zorder=1,
                cmap=ListedColormap([EITHER.ground, EITHER.layers[0]]), vmin=0, vmax=1,
                extent=(-0.5, record.samples - 0.5, 0, fired.shape[1]))
    for step in chosen:
        axes.axvline(step, color=EITHER.stop, lw=1.2, zorder=2)
    plain_axes(axes)
    axes.grid(visible=False)
    label_axes(axes, "step of the episode", f"{fired.shape[1]} neurons")

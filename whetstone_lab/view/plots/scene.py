"""Frames of a moving scene: what was shown, what is true, and what a network decided, a class for each place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from whetstone_lab.view.palette import EITHER, class_colours
from whetstone_lab.view.plots.picture import Picture, write_title

#: Classes that the legend names at the most.
_NAMED = 16


def moving_scene(pictures: Any, maps: Mapping[str, Any], *, classes: Sequence[str] | int, void: int | None = None,
                 frames: int = 6) -> Picture:
    """Frames of a moving scene from left to right, and below each what is true and what was decided.

    Args:
        pictures: The frames in their order, values in [0, 1], shape ``(frames, rows, columns, channels)`` with one
            channel or three.
        maps: What a row is called -> the class of each place, integers, shape ``(frames, rows, columns)``, such as
            ``{"truth": labels, "spiking": record.classes}``.
        classes: The names of the classes, or how many there are.
        void: The class of places that belong to none; they stay empty. Default: None, there are none.
        frames: How many frames are drawn, at least 1; of more they are taken at equal distances. Default: 6.

    Returns:
        The figure.

    Raises:
        ValueError: The pictures are none, or brighter than 1, a map has another size, or holds what is no class.

    Example:
        >>> from whetstone_lab import datasets, plots
        >>> scenes = datasets.load_scenes(scenes=1, test_scenes=1)
        >>> figure = plots.moving_scene(scenes.x_test, {"truth": scenes.y_test}, classes=scenes.class_names)
        >>> len(figure.axes)
        12
    """
    shown = np.asarray(pictures)
    if shown.ndim != 4 or shown.shape[-1] not in (1, 3) or not len(shown):
        raise ValueError("Expected pictures of shape (frames, rows, columns, channels) with one channel or three; got "
                         f"shape {shown.shape}.")
    if isinstance(frames, bool) or not isinstance(frames, int) or frames < 1:
        raise ValueError(f"Expected frames to be an integer of at least 1; got {frames!r}.")
    if shown.dtype == np.uint8:
        shown = shown / 255
    if shown.min() < -1e-3 or shown.max() > 1.001:
        raise ValueError(f"Expected pictures with values from 0 to 1, or bytes; got {shown.min():g} to "
                         f"{shown.max():g}.")
    names = [str(number) for number in range(classes)] if isinstance(classes, int) else [*map(str, classes)]
    rows = {name: _checked(name, np.asarray(one), shown.shape[:3], len(names), void) for name, one in maps.items()}
    taken = np.unique(np.linspace(0, len(shown) - 1, frames).round().astype(int))
    height, width = shown.shape[1:3]
    figure = Picture(figsize=(1.0 + 1.5 * len(taken), 0.9 + 1.5 * (1 + len(rows)) * height / width))
    axes = figure.subplots(1 + len(rows), len(taken), squeeze=False)
    colours = ListedColormap(class_colours(len(names)))
    for column, frame in enumerate(taken):
        axes[0, column].imshow(_picture(shown[frame]), interpolation="nearest")
        axes[0, column].set_title(f"frame {frame}", fontsize=8, color=EITHER.muted)
        for row, one in enumerate(rows.values(), 1):
            axes[row, column].imshow(np.ma.masked_equal(one[frame], -1), cmap=colours, vmin=-0.5, vmax=len(names) - 0.5,
                                     interpolation="nearest")
    for row, name in enumerate(["shown", *rows]):
        axes[row, 0].set_ylabel(name, fontsize=8.5, color=EITHER.muted)
    for part in axes.flat:
        part.set(xticks=[], yticks=[])
        part.patch.set_visible(False)
        part.spines[:].set_color(EITHER.faint)
    there = [one for one in range(len(names)) if any((part[taken] == one).any() for part in rows.values())]
    figure.legend(handles=[Patch(color=colours(one), label=names[one]) for one in there[:_NAMED]],
                  loc="outside right center", frameon=False, fontsize=8, labelcolor=EITHER.muted)
    write_title(figure, "A moving scene, a class for each place")
    return figure


def _checked(name: str, one: np.ndarray, shape: tuple[int, ...], count: int, void: int | None) -> np.ndarray:
    """The classes of a map, -1 for void."""
    if one.shape != shape or one.dtype.kind not in "iu":
        raise ValueError(f"Expected the map {name!r} to be integers of shape {shape}, a class for each place of the "
                         f"pictures; got dtype {one.dtype} and shape {one.shape}.")
    known = one != void if void is not None else np.ones(shape, bool)
    if known.any() and not 0 <= one[known].min() <= one[known].max() < count:
        raise ValueError(f"Expected classes from 0 to {count - 1} in the map {name!r}; got {one[known].min()} to "
                         f"{one[known].max()}.")
    return np.where(known, one.astype(np.int64), -1)


def _picture(one: np.ndarray) -> np.ndarray:
    """A picture in red, green and blue, as it is."""
    return np.clip(one.repeat(3, axis=-1) if one.shape[-1] == 1 else one, 0, 1)

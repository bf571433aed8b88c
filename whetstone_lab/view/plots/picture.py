"""``Picture``, the figure that every plot returns, and what all plots look like."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from whetstone_lab.view.palette import LIGHT


class Picture(Figure):
    """A matplotlib figure that shows itself in a notebook, whether or not pyplot was ever imported."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"layout": "constrained", "facecolor": LIGHT.ground, **kwargs})
        FigureCanvasAgg(self)

    def _repr_png_(self) -> bytes:
        return self.png(dpi=110)

    def png(self, dpi: float = 110) -> bytes:
        """The figure as a PNG file's bytes, at ``dpi`` dots an inch."""
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=dpi)
        return buffer.getvalue()


def write_title(figure: Figure, text: str) -> None:
    """Writes a title in bold at the top left."""
    figure.suptitle(text, color=LIGHT.ink, fontsize=11.5, fontweight="bold", x=0.012, ha="left")


def say_instead(figure: Figure, text: str) -> None:
    """Says in the middle of an empty figure why there is nothing to draw."""
    figure.text(0.5, 0.45, text, ha="center", color=LIGHT.muted, fontsize=10)


def plain_axes(axes: Axes) -> None:
    """Gives axes the frame, the grid and the small print that all figures have."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(LIGHT.faint)
    axes.tick_params(colors=LIGHT.muted, labelsize=8, which="both", width=0.7)
    axes.grid(visible=True, color=LIGHT.line, lw=0.7, zorder=0)
    axes.set_axisbelow(True)


def bar_axes(axes: Axes) -> None:
    """Gives axes of horizontal bars the same, without a grid across the bars and ticks beside their names."""
    plain_axes(axes)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def label_axes(axes: Axes, x: str | None = None, y: str | None = None) -> None:
    """Writes what the axes mean, in small print."""
    if x is not None:
        axes.set_xlabel(x, fontsize=8.5, color=LIGHT.muted)
    if y is not None:
        axes.set_ylabel(y, fontsize=8.5, color=LIGHT.muted)


def layer_line(axes: Axes, index: int, name: str, at: np.ndarray, values: np.ndarray, **style: Any) -> None:
    """Draws a line in the colour of a layer; where colours come round again it is dashed."""
    axes.plot(at, values, color=LIGHT.layer(index), lw=1.7, label=name,
              ls="-" if index < len(LIGHT.layers) else "--", solid_capstyle="round", **style)


def legend_beside(axes: Axes, height: float, **style: Any) -> Legend:
    """Puts the legend to the right of the axes, where it covers nothing: its top at height 1, or its middle below."""
    return axes.legend(loc="upper left" if height == 1 else "center left", bbox_to_anchor=(1.005, height),
                       frameon=False, fontsize=8, labelcolor=LIGHT.muted, handlelength=1.2, borderaxespad=0.2, **style)


def legend_within(axes: Axes, where: Any, colour: str = LIGHT.muted, **style: Any) -> None:
    """Puts the legend into the axes."""
    axes.legend(loc=where, frameon=False, fontsize=8.5, labelcolor=colour, **style)

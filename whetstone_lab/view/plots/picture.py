"""``Picture``, the figure that every plot returns, and what all plots look like."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.legend import Legend
from matplotlib.transforms import ScaledTranslation, Transform

from whetstone_lab.view.palette import EITHER, layer_dashes


class Picture(Figure):
    """A matplotlib figure that shows itself in a notebook, whether or not pyplot was ever imported.

    It has no ground of its own, so it lies on a light page as on a dark one. For white paper in a file, say so:
    ``figure.savefig("figure.png", facecolor="white")``.
    """

    canvas: FigureCanvasAgg

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"layout": "constrained", "facecolor": EITHER.ground, **kwargs})
        FigureCanvasAgg(self)

    def _repr_png_(self) -> bytes:
        return self.png(dpi=110)

    def png(self, dpi: float = 110) -> bytes:
        """The figure as a PNG file's bytes, at ``dpi`` dots an inch."""
        # savefig would draw all of it twice, the first time unseen, to lay it out.
        buffer, own = io.BytesIO(), self.dpi
        self.dpi = dpi
        try:
            self.canvas.draw()
            imsave(buffer, self.canvas.buffer_rgba(), format="png", dpi=dpi)
        finally:
            self.dpi = own
        return buffer.getvalue()


def write_title(figure: Figure, text: str) -> None:
    """Writes a title in bold at the top left, in as many lines as it takes."""
    figure.suptitle(text, color=EITHER.ink, fontsize=11.5, fontweight="bold", x=0.012, ha="left", wrap=True)


def as_written(name: str, most: int = 80) -> str:
    """The name of a layer or an output for Matplotlib, to which what stands between two ``$`` is a formula. Of one with
    more letters than ``most`` the middle is left out.
    """
    if len(name) > most:
        name = f"{name[:most // 2]}…{name[-((most - 1) // 2):]}"
    return name.replace("$", r"\$")


def say_instead(figure: Figure, text: str) -> None:
    """Says in the middle of an empty figure why there is nothing to draw."""
    figure.text(0.5, 0.45, text, ha="center", color=EITHER.muted, fontsize=10)


def plain_axes(axes: Axes) -> None:
    """Gives axes the frame, the grid and the small print that all figures have."""
    axes.patch.set_visible(False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(EITHER.faint)
    axes.tick_params(colors=EITHER.muted, labelsize=8, which="both", width=0.7)
    axes.grid(visible=True, color=EITHER.line, lw=0.7, zorder=0)
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
        axes.set_xlabel(x, fontsize=8.5, color=EITHER.muted)
    if y is not None:
        axes.set_ylabel(y, fontsize=8.5, color=EITHER.muted)


def beside(axes: Axes, index: int, count: int) -> Transform:
    """Where to draw one of several lines that may coincide: each a hair's breadth above the one before it.

    Lines of equal values then lie side by side, where otherwise the last would hide the others. The values of the lines
    stay as they are.

    Args:
        axes: The axes of the lines.
        index: Which of the lines, from 0.
        count: How many there are.
    """
    hair = min(1.9, 12 / count)  # in points; a line is 1.7 broad
    return axes.transData + ScaledTranslation(0, (index - (count - 1) / 2) * hair / 72, axes.figure.dpi_scale_trans)


def layer_line(axes: Axes, index: int, layers: Sequence[str], at: np.ndarray, values: np.ndarray, **style: Any) -> None:
    """Draws a line in the colour and the dashes of a layer, beside the other layers'."""
    axes.plot(at, values, color=EITHER.layer(index), lw=1.7, label=as_written(layers[index]),
              transform=beside(axes, index, len(layers)), ls=dashed(index), solid_capstyle="butt", dash_capstyle="butt",
              **style)


def dashed(index: int) -> Any:
    """The dashes of a layer, as Matplotlib's ``ls``."""
    # Matplotlib's are in breadths of the line; those of the widgets lie on lines of 1.8 pixels.
    dashes = [length / 1.8 for length in layer_dashes(index)]
    return (0, dashes) if dashes else "-"


def legend_beside(axes: Axes, height: float, **style: Any) -> Legend:
    """Puts the legend to the right of the axes, where it covers nothing: its top at height 1, or its middle below."""
    return axes.legend(loc="upper left" if height == 1 else "center left", bbox_to_anchor=(1.005, height),
                       frameon=False, fontsize=8, labelcolor=EITHER.muted, handlelength=1.2, borderaxespad=0.2, **style)


def legend_within(axes: Axes, where: Any, colour: str = EITHER.muted, **style: Any) -> None:
    """Puts the legend into the axes."""
    axes.legend(loc=where, frameon=False, fontsize=8.5, labelcolor=colour, **style)

"""``Flipbook``: a picture for each position of some controls, all drawn beforehand."""

from __future__ import annotations

import itertools
import math
import struct
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from whetstone_lab.view.widgets._assets import module, style
from whetstone_lab.view.widgets._view import View

if TYPE_CHECKING:
    from whetstone_lab.view.plots import Picture

#: Pictures of one book, at the most: all are drawn before the first is seen, and lie in the page.
MOST = 1000

#: Dots an inch of its figures, as many as other figures have in a notebook.
_DPI = 110


class Flipbook(View):
    """A picture for each position of some controls. It needs no kernel to be moved: all pictures are drawn beforehand.

    ``ipywidgets.interact`` draws a position when it is asked for, and so stands still where no Python runs. This view
    draws all of them first, so that it moves on a page too. Give it few positions, tens rather than hundreds, if a
    picture is a figure: drawing one takes some hundredths of a second. Arrays take next to nothing.

    Args:
        draw: Makes the picture of a position, whose values it gets by name. It returns a figure, a ``plots.Picture``;
            or an array, of shape ``(rows, columns)`` with greys from 0, white, to 1, black, or of shape ``(rows,
            columns, 3)`` with red, green and blue from 0 to 1; or either in a tuple with a line of text to stand below.
            All its pictures have one size.
        positions: The values of each control, by its name. Numbers make a slider, ``(False, True)`` a switch, texts a
            list to choose from. One picture is drawn for each combination, 1,000 at the most.
        start: The values that it begins with, by name. Default: the first of each.

    Raises:
        ValueError: There is no control, a control has no values, there are more than 1,000 combinations, ``start``
            names what is none of the values, or an array has another shape, also than the one before.
        TypeError: ``draw`` gives neither a figure nor an array of numbers, or a control has no list of values.

    Example:
        >>> import numpy as np
        >>> from whetstone_lab import widgets
        >>> def gate(threshold):
        ...     fires = np.linspace(0, 1, 9)[None] >= threshold
        ...     return fires, f"{fires.sum()} of 9 inputs fire"
        >>> widgets.Flipbook(gate, {"threshold": (0.25, 0.5, 0.75)}, start={"threshold": 0.5})
        Flipbook(threshold: 3 pictures)
    """

    _esm = module("flipbook")
    _css = style("flipbook", root="wl-flipbook")

    #: The controls (``name``, ``kind``, ``values`` as text), where they stand at first, the line below each picture,
    #: and the rows and columns of an array, none for figures.
    about = traitlets.Dict().tag(sync=True)
    #: All the PNG files, one behind the other, and where each ends. The last control moves fastest.
    pictures = traitlets.Bytes().tag(sync=True)
    ends = traitlets.List().tag(sync=True)

    def __init__(self, draw: Callable[..., Any], positions: Mapping[str, Sequence[Any]],
                 start: Mapping[str, Any] | None = None) -> None:
        for name, each in positions.items():
            if not isinstance(each, Iterable):
                raise TypeError(f"Expected the values of each control in a list or a tuple; got {name} = {each!r}.")
        values = {name: [_plain(value) for value in each] for name, each in positions.items()}
        count = math.prod(map(len, values.values()))
        if not values or not count:
            raise ValueError(f"Expected controls with at least one value each; got {values}.")
        if count > MOST:
            sizes = " x ".join(str(len(each)) for each in values.values())
            raise ValueError(f"Expected {MOST} combinations of values at the most; got {sizes} = {count}. Take fewer "
                             "values.")
        begin = {name: each[0] for name, each in values.items()} | dict(start or {})
        for name, value in begin.items():
            if name not in values or _plain(value) not in values[name]:
                raise ValueError(f"Expected start to name values of the controls, {values}; got {name} = {value!r}.")
        self._draw_one, self._begin = draw, begin
        files, lines, grains = [], [], []
        for combination in itertools.product(*values.values()):
            drawn, line = _drawn(draw(**dict(zip(values, combination, strict=True))))
            files.append(_png(drawn) if isinstance(drawn, np.ndarray) else drawn.png(_DPI))
            lines.append(line)
            grains.append(list(drawn.shape[:2]) if isinstance(drawn, np.ndarray) else [])
            if grains[-1] != grains[0]:
                raise ValueError("Expected pictures that are all figures, or all arrays of one size; got "
                                 f"{' and '.join(map(_size, (grains[0], grains[-1])))} at {combination}.")
        controls = [{"name": name, "kind": _kind(each), "values": [_told(value) for value in each]}
                    for name, each in values.items()]
        at = [each.index(_plain(begin[name])) for name, each in values.items()]
        super().__init__(about={"controls": controls, "at": at, "lines": lines, "grain": grains[0]},
                         pictures=b"".join(files), ends=[*itertools.accumulate(map(len, files))])

    def __repr__(self) -> str:
        names = ", ".join(control["name"] for control in self.about["controls"])
        return f"Flipbook({names}: {len(self.ends)} picture{'s' * (len(self.ends) != 1)})"

    def picture(self) -> Picture:
        """The figure that it begins with."""
        from whetstone_lab.view import plots

        drawn, _ = _drawn(self._draw_one(**self._begin))
        if not isinstance(drawn, np.ndarray):
            return drawn
        rows, columns = drawn.shape[:2]
        wide = min(4.8, 3.2 * columns / rows)
        figure = plots.Picture(figsize=(wide, wide * rows / columns), layout="none")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.imshow(drawn, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest", aspect="auto")  # no map for colours
        axes.axis("off")
        return figure


def _drawn(drawn: Any) -> tuple[Any, str]:
    """What was drawn, a ``Picture`` or an array of float64 from 0 to 1, and the line below it."""
    from matplotlib.figure import Figure

    from whetstone_lab.view.plots import Picture

    if isinstance(drawn, tuple) and len(drawn) != 2:
        raise ValueError(f"Expected a picture, or a tuple of one and a line of text; got a tuple of {len(drawn)}.")
    picture, line = drawn if isinstance(drawn, tuple) else (drawn, "")
    if isinstance(picture, Figure):
        if not isinstance(picture, Picture):
            raise TypeError("Expected a figure made by plots.Picture(...), which lies on light and on dark pages; got "
                            f"one of {type(picture).__module__}.")
        return picture, str(line)
    array = np.asarray(picture)
    if array.dtype.kind not in "bifu":
        raise TypeError(f"Expected draw to give a figure or an array of greys; got {type(picture).__name__}.")
    if not array.size or (array.ndim != 2 and array.shape[2:] != (3,)):
        raise ValueError("Expected an array of greys, of shape (rows, columns), or of colours, of shape (rows, "
                         f"columns, 3); got one of shape {array.shape}.")
    return np.clip(np.nan_to_num(array.astype(np.float64)), 0, 1), str(line)


def _size(grain: Sequence[int]) -> str:
    return "{} x {}".format(*grain) if grain else "a figure"


def _plain(value: Any) -> Any:
    """A value as Python has it, without the last digits of sums such as 0.1 + 0.2."""
    value = value.item() if isinstance(value, np.generic) else value
    return round(value, 9) + 0.0 if isinstance(value, float) else value


def _kind(values: Sequence[Any]) -> str:
    if list(values) == [False, True] and all(isinstance(value, bool) for value in values):
        return "switch"
    return "slider" if all(isinstance(value, int | float) for value in values) else "list"


def _told(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _png(drawn: np.ndarray) -> bytes:
    """A PNG file of greys, one byte a pixel, white for 0 and black for 1; or of colours, three bytes."""
    rows, columns = drawn.shape[:2]
    levels = np.round(255 * (1 - drawn if drawn.ndim == 2 else drawn)).astype(np.uint8).reshape(rows, -1)
    lines = np.hstack([np.zeros((rows, 1), np.uint8), levels]).tobytes()  # 0: no line leans on the one above it

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", columns, rows, 8, 0 if drawn.ndim == 2 else 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines, 9))
            + chunk(b"IEND", b""))

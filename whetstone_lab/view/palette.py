"""The colours of figures and widgets.

Widgets follow the reader's theme. Figures cannot, so they have no ground of their own, and colours that read on a light
ground as on a dark one.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass


@dataclass(frozen=True)
class Palette:
    """The colours of one ground, as ``#rrggbb``, or ``#rrggbbaa`` where it shines through.

    Attributes:
        layers: The layers, bottom first. In ``LIGHT`` and in ``DARK`` any two colours from here to ``faint`` differ by
            10 or more (CIEDE2000), also to eyes that lack the cones for red or for green.
        stop: The line above which a rise of the loss stops sharpening, and what is wrong.
        improve: The line below which a fall of the loss counts, and what is right.
        sharpening: The epochs in which sharpening goes on.
        ink: Text and what is most important.
        muted: Text beside it, such as the labels of axes.
        faint: What stays in the background, such as the loss of single batches.
        line: The lines of grids and frames.
        ground: What everything is drawn on.
        raised: The ground of buttons and boxes.
        focus: The ring around what has the keyboard.
        paused: The mark of a run that is paused.
    """

    layers: tuple[str, ...]
    stop: str
    improve: str
    sharpening: str
    ink: str
    muted: str
    faint: str
    line: str
    ground: str
    raised: str
    focus: str
    paused: str

    def layer(self, index: int) -> str:
        """The colour of a layer; a seventh starts again at the first."""
        return self.layers[index % len(self.layers)]


#: Dashes of lines, in pixels of ink and of gap in turn; none for a whole line.
DASHES: tuple[tuple[float, ...], ...] = ((), (7, 3), (2, 2.5), (9, 2.5, 2, 2.5))


def layer_dashes(index: int) -> tuple[float, ...]:
    """The dashes of a layer's line: neighbours differ, and so do layers of one colour, the first 24 all together."""
    return DASHES[(index + index // 6) % len(DASHES)]


LIGHT = Palette(
    layers=("#0963aa", "#af246d", "#bb820f", "#2c9489", "#392e27", "#9c89cc"),
    stop="#bb4716", improve="#127850", sharpening="#8b67e7", ink="#222730", muted="#57697f", faint="#abb5c0",
    line="#e6e9ee", ground="#ffffff", raised="#f5f7f9", focus="#1976d2", paused="#a16207")

DARK = Palette(
    layers=("#8dc0eb", "#ec7aa3", "#fabf38", "#2ca89c", "#f2eade", "#8a70cd"),
    stop="#f18d5b", improve="#5adb9f", sharpening="#a88cfb", ink="#ebf0fa", muted="#acb8c5", faint="#6b737e",
    line="#333a43", ground="#14181d", raised="#1c2127", focus="#64b5f6", paused="#e0b34c")

#: For pictures that do not know what they will lie on: all of about the same lightness, halfway between white and black
#: as the eye has it, so that only hue and strength tell them apart: by 7 or more, to the same eyes as above. What stays
#: in the background lets the ground shine through.
EITHER = Palette(
    layers=("#4b78ff", "#e13c96", "#b46900", "#2d9678", "#b46969", "#9669c3"),
    stop="#f04b4b", improve="#00963c", sharpening="#8778a5", ink="#727a87", muted="#747c89", faint="#7a828ea0",
    line="#7a828e3c", ground="#ffffff00", raised="#7a828e1e", focus="#4b78ff", paused="#b46900")

#: Lightness and saturation of the classes on a map, in turn: neighbours differ in lightness, so that they also stay
#: apart where colours look alike.
_CLASS_TONES = ((0.34, 0.60), (0.66, 0.80), (0.50, 0.60), (0.80, 0.70))

#: The hue of the first class and the step to the next, in turns of the colour circle. This step keeps the first dozen
#: classes apart, in hue and in lightness.
_CLASS_HUE, _CLASS_STEP = 0.6, 0.155


def class_colours(count: int) -> list[str]:
    """A colour for each class on a map of classes, on either ground.

    Args:
        count: How many classes there are, from 0.

    Returns:
        ``count`` colours as ``#rrggbb``, the first hundred all different.
    """
    colours = []
    for number in range(count):
        lightness, saturation = _CLASS_TONES[number % len(_CLASS_TONES)]
        rgb = colorsys.hls_to_rgb((_CLASS_HUE + number * _CLASS_STEP) % 1, lightness, saturation)
        colours.append("#" + "".join(f"{round(255 * part):02x}" for part in rgb))
    return colours

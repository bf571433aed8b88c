import itertools
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from whetstone_lab.view import palette as palette_module
from whetstone_lab.view.palette import DARK, DASHES, EITHER, LIGHT, class_colours, layer_dashes


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_words_and_lines_stand_out_from_their_ground(palette):
    assert contrast(palette.ink, palette.ground) > 7
    assert contrast(palette.muted, palette.ground) > 4.5
    for colour in (*palette.layers, palette.stop, palette.improve, palette.sharpening, palette.focus):
        assert contrast(colour, palette.ground) > 3


#: White, and the grounds of dark themes: JupyterLab's, Notebook's and VS Code's.
@pytest.mark.parametrize("ground", ["#ffffff", "#111111", "#14181d", "#1e1e1e"])
def test_the_colours_of_figures_stand_out_from_any_ground(ground):
    assert contrast(EITHER.ink, ground) > 3.8
    assert contrast(EITHER.muted, ground) > 3.8
    for colour in (*EITHER.layers, EITHER.stop, EITHER.improve, EITHER.sharpening, EITHER.focus, EITHER.paused):
        assert contrast(colour, ground) > 3.6
    assert all(len(colour) == 9 for colour in (EITHER.line, EITHER.faint, EITHER.raised)), "the ground shines through"
    assert EITHER.ground.endswith("00")


#: What eyes see of linear red, green and blue: all eyes, those without cones for red and those without cones for green,
#: by Machado, Oliveira and Fernandes (2009), severity 1, and by Vienot, Brettel and Mollon (1999).
EYES = {
    "all": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protan, Machado": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                        [-0.003882, -0.048116, 1.051998]],
    "deutan, Machado": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                        [-0.011820, 0.042940, 0.968881]],
    "protan, Vienot": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
    "deutan, Vienot": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
}


def lab(colour: str, eyes: str) -> tuple[float, float, float]:
    """What eyes see of a colour, in CIELAB under D65."""
    parts = np.array([int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(EYES[eyes]) @ linear, 0, 1)
    xyz = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
                    [0.0193339, 0.1191920, 0.9503041]]) @ seen / [0.95047, 1, 1.08883]
    x, y, z = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def difference(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    """CIEDE2000, as Sharma, Wu and Dalal (2005) write it."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    g = 0.5 * (1 - math.sqrt(mean**7 / (mean**7 + 25**7)))
    (c1, h1), (c2, h2) = ((math.hypot(a * (1 + g), b), math.degrees(math.atan2(b, a * (1 + g))) % 360)
                          for a, b in ((a1, b1), (a2, b2)))
    hue = 0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    dl, dc, dh = l2 - l1, c2 - c1, 2 * math.sqrt(c1 * c2) * math.sin(math.radians(hue / 2))
    lm, cm = (l1 + l2) / 2, (c1 + c2) / 2
    hm = h1 + h2 if c1 * c2 == 0 else (h1 + hue / 2) % 360
    t = (1 - 0.17 * math.cos(math.radians(hm - 30)) + 0.24 * math.cos(math.radians(2 * hm))
         + 0.32 * math.cos(math.radians(3 * hm + 6)) - 0.20 * math.cos(math.radians(4 * hm - 63)))
    sl = 1 + 0.015 * (lm - 50) ** 2 / math.sqrt(20 + (lm - 50) ** 2)
    sc, sh = 1 + 0.045 * cm, 1 + 0.015 * cm * t
    turn = -math.sin(math.radians(60 * math.exp(-(((hm - 275) / 25) ** 2)))) * 2 * math.sqrt(cm**7 / (cm**7 + 25**7))
    return math.sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dh / sh) ** 2 + turn * dc / sc * dh / sh)


@pytest.mark.parametrize(("one", "other", "expected"), [  # from the table of Sharma, Wu and Dalal
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425), ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195), ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082)])
def test_the_measure_of_colours_is_that_of_its_authors(one, other, expected):
    assert difference(one, other) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize(("palette", "least"), [(LIGHT, 10), (DARK, 10), (EITHER, 7)], ids=["light", "dark", "either"])
def test_colours_are_told_apart_by_all_eyes(palette, least, eyes):
    named = {f"layer {index}": colour for index, colour in enumerate(palette.layers)}
    others = ("stop", "improve", "sharpening", "ink") + (("muted", "faint") if palette is not EITHER else ())
    named |= {name: getattr(palette, name) for name in others}
    seen = {name: lab(colour, eyes) for name, colour in named.items()}
    apart = {pair: difference(seen[pair[0]], seen[pair[1]]) for pair in itertools.combinations(seen, 2)}
    nearest = min(apart, key=lambda pair: apart[pair])
    assert apart[nearest] >= least, nearest
    # What differs, or is wrong, is marked on neurons that are silent, and around them on the ground.
    if palette is not EITHER:
        assert all(difference(seen["stop"], lab(colour, eyes)) >= least for colour in (palette.line, palette.ground))


def test_a_seventh_layer_starts_again_with_other_dashes():
    assert LIGHT.layer(6) == LIGHT.layer(0)
    assert len({LIGHT.layer(index) for index in range(6)}) == 6
    looks = [(LIGHT.layer(index), layer_dashes(index)) for index in range(24)]
    assert len(set(looks)) == 24
    assert all(layer_dashes(index) != layer_dashes(index + 1) for index in range(5)), "neighbours, without colours"
    static = Path(palette_module.__file__).parent / "widgets" / "static" / "canvas.mjs"
    page = re.search(r"^const DASHES = (.*);$", static.read_text(), re.MULTILINE)[1]
    assert [tuple(dashes) for dashes in json.loads(page)] == list(DASHES), "the page has the same"


def test_classes_have_colours_that_are_told_apart():
    def apart(one: str, other: str) -> float:
        return sum((int(one[i:i + 2], 16) - int(other[i:i + 2], 16)) ** 2 for i in (1, 3, 5)) ** 0.5

    assert class_colours(0) == []
    colours = class_colours(12)
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in colours)
    assert min(apart(*pair) for pair in itertools.combinations(colours, 2)) > 40
    assert min(contrast(*pair) for pair in itertools.pairwise(colours)) > 1.15, "also without colour"
    assert class_colours(5) == colours[:5], "a class keeps its colour"
    assert len(set(class_colours(100))) == 100

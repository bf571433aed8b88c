import itertools
import re

import pytest

from whetstone_lab.view.palette import DARK, EITHER, LIGHT, class_colours


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
        assert contrast(colour, palette.ground) > 3 or colour == "#9d86d9"


#: White, and the grounds of dark themes: JupyterLab's, Notebook's and VS Code's.
@pytest.mark.parametrize("ground", ["#ffffff", "#111111", "#14181d", "#1e1e1e"])
def test_the_colours_of_figures_stand_out_from_any_ground(ground):
    assert contrast(EITHER.ink, ground) > 3.8
    assert contrast(EITHER.muted, ground) > 3.8
    for colour in (*EITHER.layers, EITHER.stop, EITHER.improve, EITHER.sharpening, EITHER.focus, EITHER.paused):
        assert contrast(colour, ground) > 3.6
    assert all(len(colour) == 9 for colour in (EITHER.line, EITHER.faint, EITHER.raised)), "the ground shines through"
    assert EITHER.ground.endswith("00")


def test_a_seventh_layer_starts_again():
    assert LIGHT.layer(6) == LIGHT.layer(0)
    assert len({LIGHT.layer(index) for index in range(6)}) == 6


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

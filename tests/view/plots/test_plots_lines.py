import numpy as np
import pytest
from drawn import is_drawn

from whetstone_lab import plots


def test_lines_draws_each_line_with_its_name_and_leaves_gaps():
    values = {"soft": [0.9, np.nan, 0.97], "sharp": [0.1, 0.5, 0.9]}
    figure = plots.lines([1, 2, 4], values, "Test accuracy", across="epoch", up="accuracy", share=True, guess=0.1)
    assert is_drawn(figure)
    axes = figure.axes[0]
    for line, given in zip(axes.lines, values.values(), strict=False):
        np.testing.assert_array_equal(line.get_data(), [[1, 2, 4], given])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["soft", "sharp"]
    assert (axes.get_xlabel(), axes.get_ylabel(), figure.get_suptitle()) == ("epoch", "accuracy", "Test accuracy")
    assert list(axes.lines[2].get_ydata()) == [0.1, 0.1]
    assert axes.get_ylim()[0] == 0
    low, high = axes.get_xlim()
    assert low < 1 < 4 < high < 5


def test_lines_takes_logarithmic_axes():
    axes = plots.lines([1, 10], {"it": [1, 100]}, log="y").axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("linear", "log")
    assert axes.get_ylim()[0] < 1 < 100 < axes.get_ylim()[1] < 1000
    assert axes.get_legend() is None


def marks(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_a_few_places_have_a_mark_each_and_of_many_whole_ones_some_whole_numbers():
    assert marks(plots.lines([1, 2, 3], {"it": [0, 1, 2]}).axes[0].xaxis) == ["1", "2", "3"]
    assert marks(plots.lines([4, 8, 64], {"it": [1, 2, 3]}, log="x").axes[0].xaxis) == ["4", "8", "64"]
    many = plots.lines(range(1, 41), {"it": range(40)}).axes[0].get_xticks()
    assert all(place == round(place) for place in many)
    assert len(many) < 12


def test_a_short_logarithmic_axis_has_plain_numbers_and_a_long_one_powers_of_ten():
    short = plots.lines([1, 2], {"it": [0.02, 0.07]}, log="y").axes[0]
    assert {"0.02", "0.05"} <= set(marks(short.yaxis))
    tall = plots.lines([1, 2], {"it": [0.01, 100]}, log="y").axes[0]
    assert {"0.01", "1", "100"} <= set(marks(tall.yaxis))
    assert "2" not in marks(tall.yaxis)


def test_lines_says_what_it_expects():
    with pytest.raises(ValueError, match=r"a value for each of the 2 points; got \{'it': \(3,\)\}"):
        plots.lines([0, 1], {"it": [1, 2, 3]})
    with pytest.raises(ValueError, match="got none"):
        plots.lines([0, 1], {})
    with pytest.raises(ValueError, match="'x', 'y' or 'xy'; got 'z'"):
        plots.lines([0, 1], {"it": [1, 2]}, log="z")

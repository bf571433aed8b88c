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


def test_lines_says_what_it_expects():
    with pytest.raises(ValueError, match=r"a value for each of the 2 points; got \{'it': \(3,\)\}"):
        plots.lines([0, 1], {"it": [1, 2, 3]})
    with pytest.raises(ValueError, match="got none"):
        plots.lines([0, 1], {})
    with pytest.raises(ValueError, match="'x', 'y' or 'xy'; got 'z'"):
        plots.lines([0, 1], {"it": [1, 2]}, log="z")

import numpy as np
import pytest
from drawn import is_drawn

from whetstone_lab import plots
from whetstone_lab.records.trace import Trace


def test_each_accuracy_that_a_run_tells_is_a_line_with_its_value_at_the_epoch_that_is_marked(finished_trace):
    figure = plots.accuracy_chart(finished_trace, epoch=9)
    [axes] = figure.axes
    line, mark = axes.lines
    soft = [log["val_accuracy"] for log in finished_trace.epoch_logs]
    np.testing.assert_array_equal(line.get_ydata(), soft)
    assert list(mark.get_xdata()) == [9, 9]
    assert axes.get_legend_handles_labels()[1] == [f"soft {soft[8]:.1%}"]
    assert is_drawn(figure)
    with pytest.raises(ValueError, match=f"Expected an epoch from 1 to {finished_trace.epochs}; got 0"):
        plots.accuracy_chart(finished_trace, epoch=0)
    with pytest.raises(TypeError, match="Expected a Trace"):
        plots.accuracy_chart([1])


def test_without_an_epoch_or_an_accuracy_it_says_so():
    assert plots.accuracy_chart(Trace(["a"])).texts[-1].get_text() == "no epoch yet"

import numpy as np
import pytest
from drawn import is_drawn

from whetstone_lab import plots
from whetstone_lab.simulator import Faults


def test_fault_sweep_draws_the_mean_and_the_range_of_each_network():
    many, one = np.array([[0.9, 0.9], [0.8, 0.9], [0.6, 0.8]]), np.array([[0.9, 0.9], [0.5, 0.3], [0.1, 0.3]])
    figure = plots.fault_sweep("lost", [0, 0.1, 0.2], {"ten": many, "one": one}, classes=10)
    assert is_drawn(figure)
    axes = figure.axes[0]
    for line, band, values in zip(axes.lines, axes.collections, (many, one), strict=False):
        np.testing.assert_allclose(line.get_data(), [[0, 0.1, 0.2], values.mean(axis=1)])
        heights = band.get_paths()[0].vertices[:, 1]
        assert (heights.min(), heights.max()) == (values.min(), values.max())
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["ten", "one"]
    assert axes.lines[2].get_ydata() == [0.1, 0.1]
    assert "lost" in figure.get_suptitle()


@pytest.mark.parametrize("fault", [name for name in Faults.__dataclass_fields__ if name != "seed"])
def test_fault_sweep_knows_every_fault_and_has_more_of_it_to_the_right(fault):
    values = [8, 4, 2] if fault == "bits" else [0, 0.1, 0.5]
    axes = plots.fault_sweep(fault, values, {"it": np.ones((3, 1))}).axes[0]
    left, right = axes.get_xlim()
    assert (left > right) == (fault == "bits")


def test_fault_sweep_says_what_it_expects():
    with pytest.raises(ValueError, match="Expected a fault among"):
        plots.fault_sweep("rust", [0], {"it": np.ones((1, 1))})
    with pytest.raises(ValueError, match="at least one network"):
        plots.fault_sweep("dead", [0], {})
    with pytest.raises(ValueError, match=r"shape \(2, seeds\) for 'it'; got shape \(3, 1\)"):
        plots.fault_sweep("dead", [0, 1], {"it": np.ones((3, 1))})

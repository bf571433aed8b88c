import numpy as np
import pytest
from drawn import is_drawn, texts

from whetstone_lab import plots


def test_speed_draws_each_time_beside_the_first():
    figure = plots.speed({"bare products": 2e-4, "predict": 2.5e-4, "peer": 2.5}, "A batch of 1")
    assert is_drawn(figure)
    axes = figure.axes[0]
    assert [bar.get_width() for bar in axes.patches] == [2e-4, 2.5e-4, 2.5]
    assert [text.get_text() for text in axes.texts] == ["200 µs", "250 µs   1.25×", "2.5 s   12,500×"]
    assert figure.get_suptitle() == "A batch of 1"


@pytest.mark.parametrize("seconds", [{}, {"a": 0.0}, {"a": 1.0, "b": float("nan")}])
def test_speed_says_what_it_expects(seconds):
    with pytest.raises(ValueError, match="Expected positive times"):
        plots.speed(seconds)


def test_crossover_draws_the_times_and_where_they_cross():
    shares = np.array([0.01, 0.04, 0.16, 0.64])
    figure = plots.crossover(shares, np.full(4, 1e-3), shares / 0.08 * 1e-3, np.minimum(1e-3, shares / 0.08 * 1e-3))
    assert is_drawn(figure)
    chosen, dense, events, mark = figure.axes[0].lines
    np.testing.assert_allclose(dense.get_ydata(), 1e-3)
    np.testing.assert_allclose(events.get_data(), [shares, shares / 0.08 * 1e-3])
    np.testing.assert_allclose(chosen.get_ydata(), np.minimum(dense.get_ydata(), events.get_ydata()))
    np.testing.assert_allclose(mark.get_xdata(), 0.08)
    assert "crossover: 8% of the inputs fire" in texts(figure)


def test_crossover_where_nothing_crosses():
    figure = plots.crossover([0.01, 0.1], [1e-3, 1e-3], [1e-5, 1e-4])
    assert is_drawn(figure)
    assert len(figure.axes[0].lines) == 2


@pytest.mark.parametrize(("dense", "word"), [([1.0], "all products"), ([1.0, -1.0], "all products")])
def test_crossover_says_what_it_expects(dense, word):
    with pytest.raises(ValueError, match=f"Expected 2 positive values of '{word}'"):
        plots.crossover([0.1, 0.2], dense, [1.0, 1.0])


def test_memory_draws_what_is_taken_beside_a_weight_for_every_synapse():
    figure = plots.memory([1e6, 1e8, 1e9], [2.5, 104, 1500])
    dashed, taken = figure.axes[0].lines
    assert taken.get_ydata().tolist() == [2.5, 104, 1500]
    assert dashed.get_ydata().tolist() == [4, 400, 4000]
    assert all(word in texts(figure) for word in ("2.5 MB", "104 MB", "1.5 GB"))


@pytest.mark.parametrize(("synapses", "megabytes"), [([], []), ([10], [1, 2]), ([0], [1]), ([10], [float("nan")])])
def test_memory_says_what_it_expects(synapses, megabytes):
    with pytest.raises(ValueError, match="Expected as many positive numbers of synapses as megabytes"):
        plots.memory(synapses, megabytes)

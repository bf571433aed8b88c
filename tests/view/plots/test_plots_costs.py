import numpy as np
import pytest
from drawn import is_drawn, texts

from whetstone_lab import plots
from whetstone_lab.simulator import Network, OperationCounts, count_operations, encoding, predict, rate_coded, sweep
from whetstone_lab.simulator.operations import Dense, Neurons, ReLU


def counts_of(spikes, latency=3):
    spikes = np.asarray(spikes)
    return OperationCounts(spikes, 4 * spikes, 0 * spikes, 1000, latency)


def test_rate_coding_draws_accuracy_spikes_and_steps_of_both():
    rates = [(0.1, counts_of([0, 1], 2)), (0.6, counts_of([20, 40], 5)), (0.96, counts_of([300, 500], 17))]
    figure = plots.rate_coding((0.95, counts_of([40, 60])), rates)
    assert is_drawn(figure)
    curve, star = figure.axes[0].lines
    np.testing.assert_array_equal(curve.get_data(), [[0.5, 30, 400], [0.1, 0.6, 0.96]])
    np.testing.assert_array_equal(star.get_data(), [[50], [0.95]])
    words = texts(figure)
    assert "95.0%\n50 spikes\n3 steps" in words
    assert {"2", "5", "17"} <= set(words.split())
    assert "as accurate: 8× the spikes, 5.67× the steps" in words


def test_rate_coding_where_the_rate_code_never_gets_there():
    figure = plots.rate_coding((0.95, counts_of([1], 1)), [(0.1, counts_of([0])), (0.9, counts_of([10]))])
    assert is_drawn(figure)
    assert "95.0%\n1 spike\n1 step" in texts(figure)
    assert "as accurate" not in texts(figure)


def test_rate_coding_where_no_neuron_ever_fires():
    assert is_drawn(plots.rate_coding((0.1, counts_of([0])), [(0.1, counts_of([0]))]))


def test_rate_coding_says_what_it_expects():
    with pytest.raises(ValueError, match="at least one number of steps"):
        plots.rate_coding((0.9, counts_of([1])), [])
    with pytest.raises(ValueError, match=r"Expected an accuracy in \[0, 1\].*got 90"):
        plots.rate_coding((90, counts_of([1])), [(0.5, counts_of([1]))])
    with pytest.raises(ValueError, match="operation counts of at least one sample"):
        plots.rate_coding((0.9, counts_of([1])), [(0.5, counts_of([]))])


def test_rate_coding_and_fault_sweep_take_what_the_simulator_gives():
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=shape).astype("f") for shape in ((6, 12), (12, 3))]
    spiking = Network((6,), [Dense(weights[0]), Neurons(), Dense(weights[1])], readout="linear")
    relu = Network((6,), [Dense(weights[0]), ReLU(), Dense(weights[1])], readout="linear")
    x = rng.random((20, 6), np.float32)
    y = predict(spiking, x)
    rates = rate_coded(relu, x)
    found = [(float(np.mean(predict(rates, shown) == y)), count_operations(rates, shown))
             for shown in (encoding.poisson(x, steps) for steps in (1, 4))]
    assert is_drawn(plots.rate_coding((1.0, count_operations(spiking, x)), found))
    assert is_drawn(plots.fault_sweep("dead", [0, 0.5], {"it": sweep(spiking, x, y, "dead", [0, 0.5])}, classes=3))

"""``rate_coded``: rates that stand for the activations of a ReLU network, and what they cost."""

import numpy as np
import pytest

from whetstone_lab import datasets
from whetstone_lab.simulator import Network, Node, count_operations, encoding, predict, rate_coded, run
from whetstone_lab.simulator.operations import (
    Add,
    AveragePool2D,
    Concatenate,
    Conv2D,
    Dense,
    GlobalAveragePool2D,
    Neurons,
    ReLU,
    Reshape,
    Scale,
)


def normal(rng, *shape):
    return rng.normal(0, 1.5 / np.sqrt(np.prod(shape[:-1])), shape).astype(np.float32)


def relu_network():
    """Convolutions, averages, a residual sum and a join of layers whose activations differ in size, in ReLUs."""
    rng = np.random.default_rng(0)
    return Network((6, 6, 1), [
        Node("scale", Scale(2.0, -0.25), ("input",)),
        Node("conv", Conv2D(3 * normal(rng, 3, 3, 1, 6), padding="same"), ("scale",)), Node("a", ReLU(), ("conv",)),
        Node("conv2", Conv2D(normal(rng, 3, 3, 6, 6), normal(rng, 6), padding="same"), ("a",)),
        Node("b", ReLU(), ("conv2",)), Node("sum", Add(), ("b", "a")), Node("c", ReLU(), ("sum",)),
        Node("pool", AveragePool2D(), ("c",)), Node("join", Concatenate(), ("pool", "pool")),
        Node("d", ReLU(), ("join",)), Node("mean", GlobalAveragePool2D(), ("d",)), Node("flat", Reshape(), ("d",)),
        Node("dense", Dense(normal(rng, 108, 8), normal(rng, 8)), ("flat",)), Node("e", ReLU(), ("dense",)),
        Node("both", Concatenate(), ("mean", "e")), Node("read", Dense(normal(rng, 20, 4)), ("both",)),
    ])


def test_rates_come_near_the_activations_with_more_steps():
    network = relu_network()
    x = np.random.default_rng(1).random((8, 6, 6, 1)).astype(np.float32)
    rates = rate_coded(network, x, percentile=100)
    assert rates.layers == ("a", "b", "c", "d", "e")
    expected, errors = run(network, x).votes, []
    for steps in (20, 80, 320):
        found = run(rates, encoding.constant_input(x, steps)).votes / steps
        errors.append(np.abs(found - expected).max() / np.abs(expected).max())
    assert errors[0] > 1.5 * errors[1] > 2.25 * errors[2]
    assert errors[2] < 0.02
    # Rate-coded inputs too, though these are drawn.
    drawn = run(rates, encoding.poisson(x, 320)).votes / 320
    assert np.abs(drawn - expected).max() / np.abs(expected).max() < 0.15


def test_a_layer_never_fires_faster_than_once_a_step_and_outliers_are_clipped():
    network = Network((1,), [Dense(np.float32([[1.0]])), ReLU(), Dense(np.float32([[1.0]]))])
    x = np.linspace(0, 1, 101, dtype=np.float32)[:, None]
    rates = rate_coded(network, x, percentile=50)
    np.testing.assert_allclose(rates.nodes[1].operation.threshold, 0.505)
    found = run(rates, encoding.constant_input(x, 200)).votes[:, 0] / 200
    np.testing.assert_allclose(found, np.minimum(x[:, 0], 0.505), atol=0.01)


def test_neurons_among_relus_keep_their_thresholds():
    network = Network((3,), [Dense(2 * np.eye(3, dtype=np.float32)), ReLU(), Neurons(1.0)])
    rates = rate_coded(network, np.ones((1, 3)))
    np.testing.assert_allclose(rates.nodes[1].operation.threshold, 2.0)
    np.testing.assert_allclose(rates.nodes[2].operation.threshold, 0.5)  # of a spike that stands for 2


def test_on_digits_rates_pay_for_the_same_accuracy_with_steps_and_spikes():
    """A hidden layer at random and a read-out by least squares: no training, and accuracy enough to lose."""
    digits, rng = datasets.load("digits"), np.random.default_rng(0)
    weights, bias = normal(rng, 64, 300) * 2, normal(rng, 300)
    hidden = np.maximum(digits.x_train @ weights + bias, 0)
    target = np.eye(10)[digits.y_train] - 0.1
    read = np.linalg.solve(hidden.T @ hidden + 10 * np.eye(300), hidden.T @ target).astype(np.float32)
    baseline = Network((64,), [Dense(weights, bias), ReLU(), Dense(read)])
    x, y = digits.x_test[:150], digits.y_test[:150]
    right = (predict(baseline, x) == y).mean()
    assert right > 0.9
    rates = rate_coded(baseline, digits.x_train)
    few, many = ((predict(rates, encoding.poisson(x, steps)) == y).mean() for steps in (2, 100))
    assert few < right - 0.1
    assert many > right - 0.04
    price = count_operations(rates, encoding.poisson(x, 100))
    assert price.latency == 100
    assert price.synaptic_operations.mean() > baseline.synapses  # more than the baseline has MACs
    assert not price.macs.any()


@pytest.mark.parametrize(("change", "words"), [
    ({"network": Network((2,), [Neurons()])}, r"with ReLUs, from convert\(model, keep_relu=True\); got one without"),
    ({"percentile": 0}, r"a percentile in \(0, 100\]; got 0"),
    ({"samples": np.zeros((0, 2))}, r"at least one; got shape \(0, 2\)"),
    ({"samples": np.zeros((1, 3, 2))}, "samples without steps"),
    ({"samples": np.zeros((1, 3))}, "inputs of shape"),
])
def test_what_cannot_be_rate_coded_is_refused(change, words):
    options = {"network": Network((2,), [ReLU()]), "samples": np.ones((1, 2)), **change}
    with pytest.raises(ValueError, match=words):
        rate_coded(options.pop("network"), options.pop("samples"), **options)

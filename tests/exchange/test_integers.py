"""Networks in whole numbers: what the weights become, and that thresholds give the very spikes of those weights."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whetstone_lab.exchange.integers import as_integers, whole_inputs
from whetstone_lab.simulator import Network, Node, Output, predict, run
from whetstone_lab.simulator import operations as ops


def random(*shape, seed=0, scale=0.4):
    return np.random.default_rng(seed + sum(shape)).normal(0, scale, shape).astype(np.float32)


def spikes(network, x):
    record = run(network, x)
    return [record.dense(layer).reshape(len(x), -1) for layer in network.layers]


@given(st.integers(0, 2**31), st.integers(2, 9))
def test_the_spikes_are_those_of_the_rounded_weights_in_exact_arithmetic(seed, bits):
    rng = np.random.default_rng(seed)
    weights, bias = rng.normal(size=(5, 4)).astype(np.float32), rng.normal(size=4).astype(np.float32)
    threshold = rng.normal(size=4).astype(np.float32)
    network = Network((5,), [ops.Dense(weights, bias), ops.Neurons(threshold)])
    whole = as_integers(network, bits, step=1 / 8, largest=8)
    q = whole.nodes[0].operation.weights
    most = 2 ** (bits - 1) - 1
    scale = np.abs(weights.astype(float) / 8).max(axis=0) / most
    np.testing.assert_array_equal(np.abs(q).max(axis=0), most)
    assert np.abs(q * scale * 8 - weights).max() <= np.abs(weights).max() / most / 2 * (1 + 1e-9)
    x = rng.integers(-8, 9, (20, 5))
    fired = spikes(whole, x.astype(np.float32))[0]
    for sample in range(20):
        for neuron in range(4):
            exact = sum((Fraction(int(a)) * int(b) for a, b in zip(x[sample], q[:, neuron], strict=True)), Fraction(0))
            reached = exact * Fraction(scale[neuron]) + Fraction(float(bias[neuron])) >= Fraction(
                float(threshold[neuron]))
            # The limit itself is the quotient of floats; it may be off only where a sum is that near.
            near = abs(exact - Fraction((float(threshold[neuron]) - float(bias[neuron])) / float(scale[neuron])))
            assert fired[sample, neuron] == reached or near < Fraction(1, 10**6)


def test_all_is_whole_and_sixteen_bits_change_hardly_a_spike():
    nodes = [Node("conv", ops.Conv2D(random(3, 3, 2, 6), random(6), padding="same"), ("input",)),
             Node("pool", ops.MaxPool2D(2), ("conv",)), Node("first", ops.Neurons(), ("pool",)),
             Node("branch", ops.Conv2D(random(3, 3, 6, 6), random(6, seed=1), padding="same"), ("first",)),
             Node("sum", ops.Add(), ("branch", "first")), Node("second", ops.Neurons(), ("sum",)),
             Node("mean", ops.AveragePool2D(2), ("second",)), Node("flat", ops.Reshape(), ("mean",)),
             Node("dense", ops.Dense(random(24, 9), random(9)), ("flat",)),
             Node("third", ops.Neurons(0.25), ("dense",)),
             Node("read", ops.Dense(random(9, 4), random(4)), ("third",))]
    network = Network((8, 8, 2), nodes, readout="softmax")
    whole = as_integers(network, 16, step=1 / 15, largest=15)
    for node in whole.nodes:
        for array in node.operation.arrays().values():
            np.testing.assert_array_equal(array, np.rint(array))
    x = np.random.default_rng(2).integers(0, 16, (200, 8, 8, 2))
    inputs = whole_inputs(whole, x / 15)
    np.testing.assert_array_equal(inputs, x)
    for name, got, want in zip(network.layers, spikes(whole, inputs), spikes(network, (x / 15).astype("f")),
                               strict=True):
        assert 0.05 < want.mean() < 0.95, name
        assert (got != want).mean() < 2e-3, name
    assert (predict(whole, inputs) == predict(network, x / 15)).mean() > 0.98


def test_a_logit_and_a_global_mean_decide_as_before():
    operations = [ops.Conv2D(random(2, 2, 1, 6)), ops.Neurons(0.1), ops.GlobalAveragePool2D(),
                  ops.Dense(random(6, 1), random(1))]
    x = np.random.default_rng(0).integers(0, 256, (300, 4, 4, 1))
    votes = np.sort(run(Network((4, 4, 1), operations, readout="values"), x / 255).votes.ravel())
    gap = 100 + np.diff(votes[100:200]).argmax()  # no sample is right at the threshold
    middle = float(votes[gap:gap + 2].mean())
    network = Network((4, 4, 1), operations, readout="logit", threshold=middle)
    whole = as_integers(network, 12, step=1 / 255)
    expected = predict(network, x / 255)
    assert 0.1 < expected.mean() < 0.9
    assert (predict(whole, whole_inputs(whole, x / 255)) == expected).mean() > 0.99


def test_a_silent_channel_and_thresholds_out_of_reach_stay_so():
    weights = np.array([[0, 1, 1], [0, 2, -1]], np.float32)
    network = Network((2,), [ops.Dense(weights), ops.Neurons([0.5, 99.0, -99.0])])
    whole = as_integers(network, 4, step=1.0, largest=3)
    x = np.array([[0, 0], [3, 3], [-3, 3]], np.float32)
    np.testing.assert_array_equal(spikes(whole, x)[0], [[0, 0, 1]] * 3)


def test_a_tie_stays_a_tie_whatever_the_bits():
    for bits in range(2, 17):
        for weight in (1.0, 0.5, 0.1, 3.0):
            weights = np.full((3, 1), weight, np.float32)
            whole = as_integers(Network((3,), [ops.Dense(weights), ops.Neurons(weights[0, 0])]), bits)
            assert spikes(whole, np.array([[255, 0, 0], [254, 0, 0]], np.float32))[0].tolist() == [[1], [0]]
            logit = Network((3,), [ops.Dense(weights)], readout="logit", threshold=float(weights[0, 0]))
            yes = as_integers(logit, bits)
            assert predict(yes, [[255, 0, 0], [255, 1, 0]]).tolist() == [0, 1]


def test_the_order_of_nodes_and_a_source_that_is_added_twice_change_nothing():
    def network(nodes, total):
        return Network((3,), [*nodes, Node("sum", ops.Add(), total), Node("out", ops.Neurons(0.75), ("sum",))])

    short, a, f, b = (Node("short", ops.Dense(random(3, 4, seed=1)), ("input",)),
                      Node("a", ops.Dense(random(3, 4)), ("input",)), Node("f", ops.Neurons(0.1), ("a",)),
                      Node("b", ops.Dense(random(4, 4)), ("f",)))
    x = np.random.default_rng(0).integers(-255, 256, (60, 3))
    fired = [spikes(as_integers(network(nodes, ("short", "b"))), x)[-1]
             for nodes in ([short, a, f, b], [a, f, b, short])]
    np.testing.assert_array_equal(*fired)
    twice = network([a, f, b], ("f", "f", "b"))
    whole = as_integers(twice, 16)
    assert (spikes(whole, x)[-1] != spikes(twice, x / 255)[-1]).mean() < 0.01


def test_the_output_keeps_its_name_and_place():
    nodes = [Node("d", ops.Dense(random(3, 4)), ("input",)), Node("e", ops.Neurons(), ("d",))]
    whole = as_integers(Network((3,), nodes, outputs={"y": Output("d", "linear")}))
    assert (whole.read, whole.heads["y"].kind) == ({"y": "d"}, "linear")


def test_sums_beyond_float32_are_exact_and_thresholds_out_of_reach_stay_in_32_bits():
    network = Network((200,), [ops.Dense(np.ones((200, 1), "f")), ops.Neurons(np.float64(16777219 / 32767))])
    whole = as_integers(network, 16, step=1.0, largest=255)
    assert whole.dtype == np.float64
    assert abs(float(whole.nodes[1].operation.threshold[0]) - 16777219) <= 1  # the threshold itself was a float32
    far = as_integers(Network((2,), [ops.Dense([[1e-3], [1e-3]])], readout="logit", threshold=100.0))
    assert far.head.threshold == 127 * 255 * 2 + 1
    assert predict(far, [[255, 255]]).tolist() == [0]


@pytest.mark.parametrize(("nodes", "words"), [
    ([Node("a", ops.Conv2D(random(1, 1, 1, 3)), ("input",)), Node("pool", ops.MaxPool2D(1), ("a",)),
      Node("b", ops.Conv2D(random(1, 1, 1, 3, seed=4)), ("input",)), Node("sum", ops.Add(), ("pool", "b")),
      Node("out", ops.Neurons(), ("sum",))], "'sum' .* 'pool' reaches it with another scale"),
    ([Node("f", ops.Neurons(), ("input",)), Node("b", ops.Conv2D(np.full((1, 1, 1, 1), 99.0)), ("input",)),
      Node("sum", ops.Add(), ("f", "b")), Node("out", ops.Neurons(), ("sum",))], "what 'f' adds rounds to nothing"),
    ([Node("a", ops.Conv2D(random(1, 1, 1, 1)), ("input",)), Node("same", ops.Reshape((2, 2, 1)), ("a",)),
      Node("sum", ops.Add(), ("a", "same")), Node("out", ops.Neurons(), ("sum",))], "scale follows from itself"),
    ([Node("a", ops.Conv2D(random(1, 1, 1, 3)), ("input",)), Node("out", ops.Scale([0.5, 1, 2]), ("a",))],
     "'out' .* scaled each by itself"),
])
def test_sums_that_have_no_scale_in_common_are_refused(nodes, words):
    with pytest.raises(ValueError, match=words):
        as_integers(Network((2, 2, 1), nodes), 4, step=1.0)


@pytest.mark.parametrize(("operations", "words"), [
    ([ops.Dense(random(4, 3), random(3)), ops.Dense(random(3, 2)), ops.Neurons()], "'dense_2' .* no neurons stand"),
    ([ops.Dense(random(4, 3)), ops.Neurons(leak=0.0)], "'neurons' .* remember"),
    ([ops.Scale(-1.0), ops.Neurons()], "'scale' .* not positive"),
    ([ops.Dense(random(4, 3)), ops.ReLU(), ops.Neurons()], "no ReLU"),
    ([ops.Reshape((2, 2, 1)), ops.AveragePool2D(2, strides=1, padding="same"), ops.Neurons()], "average fewer values"),
    ([ops.Reshape((2, 2, 1)), ops.Conv2D(random(1, 1, 1, 3)), ops.Permute((2, 0, 1)), ops.Neurons()],
     "'permute' .* not yet been compared"),
])
def test_what_has_no_counterpart_is_refused_with_its_place(operations, words):
    with pytest.raises(ValueError, match=words):
        as_integers(Network((4,), operations))


def test_impossible_arguments_are_refused():
    network = Network((2,), [ops.Dense(random(2, 2)), ops.Neurons()])
    for wrong in ({"bits": 1}, {"bits": 17}, {"bits": 8.0}, {"step": 0}, {"step": np.nan}, {"largest": 0},
                  {"largest": 40_000}):
        with pytest.raises(ValueError, match="Expected"):
            as_integers(network, **wrong)
    with pytest.raises(ValueError, match="stands for values"):
        as_integers(Network((2,), [ops.Dense(random(2, 2))], readout="values"))
    with pytest.raises(ValueError, match="Expected a network that as_integers made"):
        whole_inputs(network, [[0.0, 1.0]])
    with pytest.raises(ValueError, match=r"within 32 bits.*fewer bits"):
        as_integers(Network((9000,), [ops.Dense(np.ones((9000, 1), "f")), ops.Neurons()]), 16, largest=32767)

"""``engine="numba"`` beside ``engine="numpy"``: the same spikes, ties included; where sums round, within rounding."""

from dataclasses import replace

import numpy as np
import pytest
from fresh import run_fresh

pytest.importorskip("numba")

from tests.rounding import beyond_doubt
from whetstone_lab import keys
from whetstone_lab.simulator import Faults, Network, Node, Output, evaluate, fused, predict, run, runner
from whetstone_lab.simulator.operations import (
    Add,
    AveragePool2D,
    Concatenate,
    Conv2D,
    Conv2DTranspose,
    Dense,
    GlobalAveragePool2D,
    GlobalMaxPool2D,
    MaxPool2D,
    Neurons,
    Pad2D,
    Permute,
    ReLU,
    Reshape,
    Scale,
    UpSample2D,
)


def quarters(rng, *shape):
    """Sums of these are exact, and lie on a threshold often."""
    return rng.integers(-4, 5, shape).astype(np.float32) / 4


def conv(rng, *shape, **options):
    return Conv2D(quarters(rng, *shape), quarters(rng, shape[-1]), **options)


def dense(rng, inputs, outputs):
    return Dense(quarters(rng, inputs, outputs), quarters(rng, outputs))


def same(network, x, **options):
    """Runs both ways: every spike and every vote must be equal."""
    expected, found = (run(network, x, engine=engine, **options) for engine in ("numpy", "numba"))
    for name in ("sample", "step", "layer", "neuron", "votes", "classes"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)
    votes = run(network, x, record="votes", engine="numba", **options)
    np.testing.assert_array_equal(votes.votes, expected.votes)
    return expected


@pytest.fixture(params=["tables", "spikes", "chosen"])
def way(request, monkeypatch):
    """Sums by tables alone, spike by spike alone, and as it is chosen."""
    if request.param != "chosen":
        monkeypatch.setattr(fused, "MAX_SPIKES", 0 if request.param == "tables" else np.inf)
    return request.param


CONVOLUTIONS = [
    {"padding": "same"}, {"padding": "valid"}, {"padding": "same", "strides": 2}, {"padding": "valid", "strides": 2},
    {"padding": "same", "strides": (1, 3)}, {"padding": "same", "dilation": 2},
    {"padding": "valid", "dilation": (1, 2)}, {"padding": "valid", "strides": (2, 1), "dilation": (2, 1)},
]


@pytest.mark.parametrize("options", CONVOLUTIONS, ids=str)
@pytest.mark.parametrize(("window", "channels", "filters"), [((3, 3), 32, 64), ((2, 3), 5, 3), ((1, 1), 40, 33)])
def test_convolutions_fire_alike_ties_included(way, options, window, channels, filters):
    rng = np.random.default_rng(channels)
    threshold = quarters(rng, filters)
    network = Network((9, 8, 2), [
        conv(rng, 1, 1, 2, channels), Neurons(), conv(rng, *window, channels, filters, **options), Neurons(threshold)])
    record = same(network, quarters(rng, 5, 9, 8, 2))
    potentials = run(network, record.inputs, membranes=["neurons_2"], engine="numba").membranes[1][:, 1]
    assert (potentials.reshape(5, -1, filters) == threshold).any()  # a tie fires
    assert 0 < record.spikes < 5 * network.neurons


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 1.0])
def test_few_spikes_and_many_fire_alike(share):
    rng = np.random.default_rng(0)
    network = Network((8, 8, 24), [Neurons(), conv(rng, 3, 3, 24, 32, padding="same"), Neurons(), Reshape(),
                                   dense(rng, 2048, 70), Neurons()], key=keys.make_key(10, 70))
    same(network, rng.random((6, 8, 8, 24)) < share)


def test_inputs_that_are_no_spikes(way):
    rng = np.random.default_rng(0)
    x = quarters(rng, 4, 6, 7, 3)
    for first in (conv(rng, 3, 3, 3, 40, padding="same", strides=2), conv(rng, 7, 7, 3, 8, padding="same")):
        same(Network((6, 7, 3), [first, Neurons(), conv(rng, 1, 1, first.weights.shape[3], 4), Neurons()]), x)
    same(Network((3,), [dense(rng, 3, 50), Neurons(), dense(rng, 50, 9), Neurons()]), x[:, 0, 0])


def test_pools_and_places_of_bits(way):
    rng = np.random.default_rng(1)
    for channels in (32, 12):
        for operation in (MaxPool2D(), MaxPool2D(3, strides=2, padding="same"), UpSample2D((2, 1)), Reshape((3, -1, 4)),
                          Pad2D((1, 0), (-1, 2)), Permute((1, 0, 2)), GlobalMaxPool2D(keepdims=True)):
            below = [conv(rng, 3, 3, 2, channels), Neurons(), operation, Reshape()]
            (width,) = Network((6, 8, 2), below).output_shape
            same(Network((6, 8, 2), [*below, dense(rng, width, 20), Neurons()]), quarters(rng, 3, 6, 8, 2))
        same(Network((6, 8, 2), [conv(rng, 3, 3, 2, channels), Neurons(), GlobalMaxPool2D(), dense(rng, channels, 3)]),
             quarters(rng, 3, 6, 8, 2))


def test_what_the_kernels_do_not_know_is_computed_all_the_same(way):
    rng = np.random.default_rng(2)
    x = quarters(rng, 4, 6, 6, 4)
    for middle in (
            [conv(rng, 3, 3, 4, 8, groups=2), Neurons()], [conv(rng, 3, 3, 1, 8, groups=8), Neurons()],
            [Conv2DTranspose(quarters(rng, 2, 2, 8, 5), strides=2, size=(12, 12)), Neurons()],
            [AveragePool2D(), conv(rng, 2, 2, 8, 4), Neurons()], [GlobalAveragePool2D(), dense(rng, 8, 4), Neurons()],
            [conv(rng, 1, 1, 8, 6), MaxPool2D(), Neurons()], [conv(rng, 1, 1, 8, 6), Scale(0.5, 0.25), Neurons()],
            [conv(rng, 1, 1, 8, 6), Neurons(quarters(rng, 6, 6, 6))], [conv(rng, 1, 1, 8, 6), ReLU(), Neurons()],
            [conv(rng, 1, 1, 8, 6), Neurons(quarters(rng, 1, 1, 6))], [conv(rng, 1, 1, 8, 6), Neurons([[0.25]])],
    ):
        same(Network((6, 6, 4), [conv(rng, 1, 1, 4, 8), Neurons(), *middle]), x)


def test_branches_and_several_outputs():
    rng = np.random.default_rng(3)
    nodes = [
        Node("a", conv(rng, 1, 1, 2, 8), ("x",)), Node("fire", Neurons(), ("a",)),
        Node("b", conv(rng, 3, 3, 8, 8, padding="same"), ("fire",)), Node("c", conv(rng, 1, 1, 8, 8), ("fire",)),
        Node("sum", Add(), ("b", "c")), Node("late", Neurons(), ("sum",)), Node("twice", Neurons(-0.5), ("b",)),
        Node("join", Concatenate(), ("late", "twice", "fire")), Node("last", conv(rng, 2, 2, 24, 3), ("join",)),
    ]
    network = Network({"x": (5, 5, 2)}, nodes, outputs={"map": Output("last"), "early": Output("c", "values"),
                                                       "spikes": Output("late", "spikes")})
    x = quarters(rng, 3, 5, 5, 2)
    expected, found = (run(network, x, engine=engine) for engine in ("numpy", "numba"))
    np.testing.assert_array_equal(found.neuron, expected.neuron)
    for name in network.heads:
        np.testing.assert_array_equal(found.votes[name], expected.votes[name])
    np.testing.assert_array_equal(predict(network, x, engine="numba")["map"], expected.classes["map"])


def test_where_sums_round_only_what_is_near_its_threshold_differs(way):
    rng = np.random.default_rng(4)

    def weights(*shape):
        return rng.normal(0, 1 / np.sqrt(np.prod(shape[:-1])), shape).astype("f")

    network = Network((12, 12, 3), [
        Conv2D(weights(3, 3, 3, 32), padding="same"), Neurons(0.1), Conv2D(weights(3, 3, 32, 64), weights(64)),
        Neurons(0.1), MaxPool2D(), Reshape(), Dense(weights(1600, 50)), Neurons(0.1)], key=keys.make_key(10, 50))
    x = rng.random((20, 12, 12, 3), np.float32)
    expected, found = (run(network, x, engine=engine) for engine in ("numpy", "numba"))
    certain = beyond_doubt(network, expected)
    assert certain.sum() > 10
    for layer in range(3):
        np.testing.assert_array_equal(found.dense(layer)[certain], expected.dense(layer)[certain])


@pytest.mark.parametrize("options", CONVOLUTIONS, ids=str)
def test_terms_can_be_added_one_after_the_other(options):
    rng = np.random.default_rng(10)
    weights, bias = rng.normal(size=(3, 2, 20, 9)).astype("f"), rng.normal(size=9).astype("f")
    layer = Conv2D(weights, bias, **options)
    network = Network((7, 8, 20), [Neurons(), layer])
    x = (rng.random((4, 7, 8, 20)) < 0.6).astype("f")
    expected = np.zeros((4, *network.output_shape), np.float32)
    for tap, seen in enumerate(layer.windows.taps(x, 0)):
        for channel in range(20):
            expected += seen[..., channel, None] * weights[tap // 2, tap % 2, channel]
    expected += bias
    np.testing.assert_array_equal(run(network, x, engine="sequence").votes, expected)
    assert (run(network, x, engine="numba").votes != expected).any()


def test_images_larger_than_a_tile(way):
    rng = np.random.default_rng(5)
    for shape in ((70, 70, 1), (2, 2500, 1), (2500, 2, 1)):
        network = Network(shape, [Neurons(0.75), conv(rng, 2, 2, 1, 3, padding="same"), Neurons()])
        same(network, quarters(rng, 2, *shape))


@pytest.mark.parametrize("number", ["1", "3"])
def test_the_number_of_threads_and_the_batch_size_change_nothing(number, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", number)
    monkeypatch.setattr(fused.os, "sched_getaffinity", lambda process: range(4), raising=False)
    assert fused.threads() == int(number)
    rng = np.random.default_rng(6)
    network = Network((5, 5, 2), [conv(rng, 3, 3, 2, 9), Neurons(), conv(rng, 1, 1, 9, 4), Neurons()])
    for size in (None, 1, 4, 7):
        same(network, quarters(rng, 7, 5, 5, 2), batch_size=size)
    assert run(network, np.zeros((0, 5, 5, 2)), engine="numba").samples == 0


def test_steps_memory_faults_and_float64():
    rng = np.random.default_rng(7)
    nodes = [dense(rng, 6, 20), Neurons(), dense(rng, 20, 12), Neurons()]
    x = quarters(rng, 5, 4, 6)
    network = Network((6,), nodes, key=keys.make_key(3, 12))
    same(network, x)
    same(network, x, timing="instant")
    for faults in (Faults(dead=0.2, jitter=0.1, bits=4), Faults(noise=0.3), Faults(lost=0.5)):
        same(network, x, faults=faults)
    same(Network((6,), [nodes[0], Neurons(1.0, leak=0.5), *nodes[2:]], key=network.key), x)
    wide = [replace(node, weights=node.weights.astype("d")) if isinstance(node, Dense) else node for node in nodes]
    same(Network((6,), wide, key=network.key), x + 1e-9)
    expected, found = (run(network, x, membranes=True, engine=engine) for engine in ("numpy", "numba"))
    np.testing.assert_array_equal(found.membranes[1], expected.membranes[1])


def test_the_engine_is_chosen_by_the_work(monkeypatch):
    rng, used = np.random.default_rng(8), []
    network = Network((6,), [Neurons(), dense(rng, 6, 4), Neurons()], key=keys.make_key(2, 4))
    plan = fused.FusedPlan(network)
    monkeypatch.setattr(runner, "fused_plan_of", lambda network: used.append(network) or plan)
    x, labels = quarters(rng, 3, 6), [0, 1, 0]
    calls = (lambda **how: run(network, x, **how), lambda **how: predict(network, x, **how),
             lambda **how: evaluate(network, x, labels, **how))
    for call in calls:
        call()
        call(engine="numpy")
        assert not used
        call(engine="numba")
        assert used.pop() is network
        monkeypatch.setattr(runner, "MIN_WORK", 3 * 24)
        call()
        assert used.pop() is network
        call(engine="numpy")
        monkeypatch.setattr(runner, "MIN_WORK", 3 * 24 + 1)
        call()
        assert not used


def test_engines_that_there_are_not(monkeypatch):
    network = Network((2,), [Neurons()], key=[[1, 0], [0, 1]])
    with pytest.raises(ValueError, match=r"engine to be one of \('numpy', 'numba', 'sequence'\) or None; got 'gpu'"):
        predict(network, [[0, 1]], engine="gpu")
    monkeypatch.setattr(runner, "available", lambda: False)
    monkeypatch.setattr(runner, "MIN_WORK", 0)
    assert predict(network, [[0, 1]]).tolist() == [1]
    with pytest.raises(ImportError, match=r"Numba .*not installed. .*pip install 'whetstone-lab\[fast\]'"):
        predict(network, [[0, 1]], engine="numba")


def test_numba_is_not_loaded_where_it_is_not_used():
    program = """
import sys
import numpy as np
import whetstone_lab
from whetstone_lab.simulator import Network, operations, predict
network = Network((2,), [operations.Neurons(), operations.Dense([[1, 0], [0, 1]])])
print(predict(network, np.eye(2)), "numba" in sys.modules)
"""
    assert run_fresh(program, loaded="numpy").stdout == "[0 1] False\n"

"""NIR: what is written means what the network does, what is read does what it meant, and bad files are refused.

What a graph means is worked out here by a small interpreter of its own, channels first, from NIR's definitions.
"""

import itertools
import sys
from graphlib import TopologicalSorter

import h5py
import nir
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from whetstone_lab import keys
from whetstone_lab.exchange.nir import from_nir, to_nir
from whetstone_lab.records.archive import ArchiveError
from whetstone_lab.simulator import Network, Node, predict, run
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
    Reshape,
    Scale,
)

KEY = keys.make_key(3, 12, seed=1)


def quarters(*shape, seed=0):
    """Weights of which sums are exact, so that many potentials lie right on a threshold."""
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(np.float32) / 4


def mlp():
    return Network((20,), [Dense(quarters(20, 16), quarters(16)), Neurons(), Dense(quarters(16, 14)), Neurons(0.0),
                           Dense(quarters(14, 12), quarters(12)), Neurons(np.linspace(0, 1, 12))], key=KEY)


def convnet():
    return Network((9, 8, 2), [
        Conv2D(quarters(3, 2, 2, 4), quarters(4), padding="same", strides=2), Neurons([0.5, 0.25, 0, 1]),
        MaxPool2D(2, strides=1, padding="same"), Conv2D(quarters(3, 3, 4, 6), quarters(6), padding="same"), Neurons(),
        AveragePool2D(2), Pad2D((0, 1), (2, 1)), Conv2D(quarters(2, 2, 3, 10), None, groups=2), Neurons(1.25),
        Reshape(), Dense(quarters(80, 12)), Neurons(),
    ], key=KEY)


def residual():
    """An identity skip, a projection skip, a dense layer on each place, pools over everything."""
    return Network((6, 6, 2), [
        Node("stem/conv", Conv2D(quarters(3, 3, 2, 4), quarters(4), padding="same"), ("input",)),
        Node("stem/spikes", Neurons(), ("stem/conv",)),
        Node("branch", Conv2D(quarters(3, 3, 4, 4, seed=1), padding="same"), ("stem/spikes",)),
        Node("identity", Add(), ("branch", "stem/spikes")), Node("first", Neurons(), ("identity",)),
        Node("down", Conv2D(quarters(3, 3, 4, 6, seed=2), padding="same", strides=2), ("first",)),
        Node("projection", Conv2D(quarters(1, 1, 4, 6, seed=3), strides=2), ("first",)),
        Node("sum", Add(), ("down", "projection")), Node("second", Neurons(), ("sum",)),
        Node("places", Dense(quarters(6, 5), quarters(5)), ("second",)), Node("third", Neurons(), ("places",)),
        Node("pool", GlobalMaxPool2D(), ("third",)),
        Node("read", Dense(quarters(5, 3, seed=4), [0.5, 0, 0]), ("pool",)),
    ], readout="softmax")


NETWORKS = {"mlp": mlp, "convnet": convnet, "residual": residual}


def images(network, samples=60, seed=5):
    return np.random.default_rng(seed).integers(0, 3, (samples, *network.input_shape)).astype(np.float32) / 2


def interpret(graph, x):
    """Each node's output for one step from rest, shapes as NIR has them, computed in float64."""
    values, before = {}, {name: [a for a, b in graph.edges if b == name] for name in graph.nodes}
    for name in TopologicalSorter(before).static_order():
        node, value = graph.nodes[name], sum(values[other] for other in before[name])
        kind = type(node).__name__
        if kind == "Input":
            value = np.moveaxis(x, -1, 1).astype(float) if x.ndim > 2 else x.astype(float)
        elif kind == "Affine":
            value = value @ node.weight.T.astype(float) + node.bias
        elif kind == "Conv2d":
            assert node.groups == 1
            assert node.weight.shape[2] == node.weight.shape[3]  # nir infers shapes as if it were
            pad, reach = node.padding, [(node.weight.shape[2] - 1) * gap + 1 for gap in node.dilation]
            value = np.pad(value, ((0, 0), (0, 0), (pad[0], pad[0]), (pad[1], pad[1])))
            seen = sliding_window_view(value, reach, (2, 3))[:, :, :: node.stride[0], :: node.stride[1],
                                                             :: node.dilation[0], :: node.dilation[1]]
            value = np.einsum("ncyxij,fcij->nfyx", seen, node.weight.astype(float)) + node.bias[:, None, None]
        elif kind == "Flatten":
            assert (node.start_dim, node.end_dim) == (-len(node.input_type["input"]), -1)
            value = value.reshape(len(value), -1)
        elif kind == "CubaLIF":
            for time in (node.tau_syn, node.tau_mem):
                assert (time == 1e-4).all()  # one step: all of the input arrives, nothing is left of the last
            assert (node.r == node.w_in).all()
            assert (node.r == 1).all()
            assert not node.v_leak.any()
            assert not node.v_reset.any()
            value = (value > node.v_threshold).astype(float)
        else:
            assert kind == "Output"
        assert value.shape[1:] == tuple(node.output_type["output"]), name
        values[name] = value
    return values


@pytest.mark.parametrize("name", NETWORKS)
def test_the_graph_means_what_the_network_does(name):
    network = NETWORKS[name]()
    x = images(network)
    values = interpret(to_nir(network), x)
    record = run(network, x)
    for layer in network.layers:
        spikes = values[layer.replace("/", "_")]
        spikes = np.moveaxis(spikes, 1, -1) if spikes.ndim > 2 and len(network.shapes[layer]) > 1 else spikes
        found = record.dense(layer)[:, network.steps[layer]]
        assert 0.01 < found.mean() < 0.99
        np.testing.assert_array_equal(spikes.reshape(found.shape), found)
    if network.readout == "softmax":
        np.testing.assert_array_equal(values["output"], record.votes)
    else:
        np.testing.assert_array_equal(keys.votes(values["output"], KEY), record.votes)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_file_gives_back_what_spikes_the_same(name, tmp_path):
    network = NETWORKS[name]()
    path = tmp_path / "network.nir"
    to_nir(network, path)
    assert list(tmp_path.iterdir()) == [path]
    again = from_nir(path)
    assert (again.input_shape, again.readout, again.dtype) == (network.input_shape, network.readout, network.dtype)
    x = images(network)
    first, second = run(network, x), run(again, x)
    np.testing.assert_array_equal(second.votes, first.votes)
    for layer in network.layers:
        name = layer.replace("/", "_")
        np.testing.assert_array_equal(second.dense(name)[:, again.steps[name]],
                                      first.dense(layer)[:, network.steps[layer]])
    # Once written it stays as it is.
    np.testing.assert_array_equal(run(from_nir(to_nir(again)), x).votes, first.votes)
    if network.key is not None:
        np.testing.assert_array_equal(again.key, KEY)
        np.testing.assert_array_equal(predict(again, x), predict(network, x))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_every_geometry_of_a_convolution_becomes_one_that_pads_alike_at_both_ends(data):
    pick = data.draw
    small = st.integers(1, 3)
    groups = pick(st.sampled_from([1, 2]))
    conv = Conv2D(quarters(pick(small), pick(small), 2 // groups, 4), quarters(4), (pick(small), pick(small)), groups,
                  strides=(pick(small), pick(small)), padding=pick(st.sampled_from(["same", "valid"])))
    margins = Pad2D((pick(st.integers(0, 2)), 1), (0, pick(st.integers(0, 2))))
    network = Network((pick(st.integers(7, 10)), pick(st.integers(7, 10)), 2), [margins, conv, Neurons()])
    x = images(network, 4)
    try:
        graph = to_nir(network)
    except ValueError as error:
        # With stride 1, taps and zeros around add up to an even number along one axis and an odd one along the other.
        if "no kernel of as many rows as columns" not in str(error):
            raise
        assume(False)
    values = interpret(graph, x)
    np.testing.assert_array_equal(np.moveaxis(values["output"], 1, -1), run(network, x).dense(0)[:, 0])


@pytest.mark.parametrize("keepdims", [False, True])
def test_pools_over_everything(keepdims):
    network = Network((4, 4, 3), [Neurons(), GlobalAveragePool2D(keepdims), Neurons(0.625)])
    x = images(network)
    found = run(network, x).dense(1)[:, 1]
    values = interpret(to_nir(network), x)
    np.testing.assert_array_equal(values["neurons_2"].reshape(found.shape), found)
    np.testing.assert_array_equal(run(from_nir(to_nir(network)), x).dense(1)[:, 1].reshape(found.shape), found)
    assert 0.1 < found.mean() < 0.9


def test_axes_in_any_order_are_an_order_of_weights():
    network = Network((3, 4, 2), [Permute((1, 2, 0)), Reshape((6, 4)), Reshape(), Neurons(np.linspace(0, 1, 24)),
                                  Dense(quarters(24, 5)), Neurons()])
    x = images(network)
    graph = to_nir(network)
    np.testing.assert_array_equal(interpret(graph, x)["output"], run(network, x).dense(1)[:, 1])
    np.testing.assert_array_equal(run(from_nir(graph), x).dense(1)[:, 1], run(network, x).dense(1)[:, 1])


def test_neurons_fire_at_the_threshold_there_too():
    graph = to_nir(Network((2,), [Neurons([0.5, 0])]))
    threshold = graph.nodes["neurons"].v_threshold
    assert threshold.dtype == np.float32
    np.testing.assert_array_equal(threshold < np.float32([0.5, 0]), True)
    np.testing.assert_array_equal(np.nextafter(threshold, np.float32(1)), np.float32([0.5, 0]))
    again = from_nir(graph).nodes[0].operation
    np.testing.assert_array_equal(again.threshold, np.float32([0.5, 0]))


def graph_of(*nodes, edges=None, size=4, **options):
    """A graph from input to output through named nodes in a row, or along edges."""
    nodes = dict(nodes)
    names = ["input", *nodes, "output"]
    return nir.NIRGraph({"input": nir.Input({"input": np.atleast_1d(size)}), **nodes,
                         "output": nir.Output({"output": np.atleast_1d(size)})},
                        edges or list(itertools.pairwise(names)), type_check=False, **options)


def cuba(**changes):
    ones = np.ones(4)
    return nir.CubaLIF(**{"tau_syn": 1e-4 * ones, "tau_mem": 1e-4 * ones, "r": ones, "v_leak": 0 * ones,
                          "v_threshold": 0.5 * ones, **changes})


def test_nodes_that_lead_nowhere_are_left_out():
    graph = graph_of(("a", cuba()), ("b", nir.Delay(np.ones(4))),
                     edges=[("input", "a"), ("input", "b"), ("a", "output")])
    assert from_nir(graph).layers == ("a",)


def euler(node, currents, step):
    """NIR's differential equations in steps of Euler's, as they stand in its definitions."""
    v, fired = np.zeros(4), []
    for current in currents:
        if isinstance(node, nir.IF):
            v = v + step * node.r * current
        elif isinstance(node, nir.LIF):
            v = v + step / node.tau * (node.v_leak - v + node.r * current)
        else:
            v = v + step / node.tau_mem * (node.v_leak - v + node.r * node.w_in * current)
        fired.append(v > node.v_threshold)
        v = np.where(fired[-1], node.v_reset, v)
    return np.array(fired)


@pytest.mark.parametrize("node", [
    nir.IF(np.full(4, 1e4), np.linspace(0.3, 2, 4)), nir.IF(np.full(4, 2500.0), np.ones(4)),
    nir.LIF(np.full(4, 8e-4), np.full(4, 8.0), np.zeros(4), np.linspace(0.3, 2, 4)),
    nir.LIF(np.full(4, 2e-4), np.array([1.0, 2, 3, 4]), np.zeros(4), np.ones(4)),
    cuba(tau_mem=np.full(4, 4e-4), r=np.full(4, 4.0)), cuba(r=np.full(4, 3.0), w_in=np.full(4, 0.5)),
], ids=lambda node: type(node).__name__)
def test_neurons_that_remember_follow_nirs_equations(node):
    trains = np.random.default_rng(0).random((20, 30, 4)).astype(np.float32)
    network = from_nir(graph_of(("n", node)))
    found = run(network, trains).dense("n")
    expected = np.array([euler(node, train.astype(np.float64), 1e-4) for train in trains])
    assert 0.02 < expected.mean() < 0.98
    assert (found != expected).sum() <= 2  # float32 against float64


def test_what_others_write_is_read():
    lif = nir.LIF(tau=np.full(4, 0.001), r=np.ones(4), v_leak=np.zeros(4), v_threshold=np.full(4, 0.25))
    graph = graph_of(("scale", nir.Scale(np.full(4, 2.0))), ("linear", nir.Linear(quarters(4, 4))), ("lif", lif),
                     ("threshold", nir.Threshold(np.float64([0.0, 0.5, 1, 2]))))
    x = images(from_nir(graph, step=0.001))
    potential = 2 * x @ quarters(4, 4).T
    assert (potential == 0.25).any()
    record = run(from_nir(graph, step=0.001), x)
    np.testing.assert_array_equal(record.dense("lif")[:, 0], potential > 0.25)
    np.testing.assert_array_equal(record.dense("threshold")[:, 1], (potential > 0.25) > np.array([0, 0.5, 1, 2]))


def test_pools_and_convolutions_of_others_are_read():
    image = np.random.default_rng(0).integers(0, 3, (5, 6, 7, 2)).astype(np.float32)
    weights = quarters(4, 1, 3, 3)
    graph = graph_of(("conv", nir.Conv2d((6, 7), weights, 1, "same", 1, 2, np.zeros(4))),
                     ("sum", nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0]))),
                     ("mean", nir.AvgPool2d(np.array([1, 2]), np.array([1, 1]), np.array([0, 0]))),
                     ("flat", nir.Flatten({"input": np.array([4, 3, 2])}, 1, -1)), size=(2, 6, 7))
    padded = np.pad(np.moveaxis(image, -1, 1), ((0, 0), (0, 0), (1, 1), (1, 1)))
    seen = sliding_window_view(padded, (3, 3), (2, 3)).repeat(2, axis=1)
    conv = np.einsum("nfyxij,fij->nfyx", seen, weights[:, 0])
    summed = sliding_window_view(conv, (2, 2), (2, 3))[:, :, ::2, ::2].sum((-1, -2))
    expected = (summed[..., :-1] + summed[..., 1:]) / 2
    np.testing.assert_array_equal(run(from_nir(graph), image).votes, expected.reshape(5, -1))


@pytest.mark.parametrize(("nodes", "words"), [
    ([Conv2D(quarters(3, 3, 2, 4)), MaxPool2D(), Neurons()],
     "Node 'maxpool2d', MaxPool2D: NIR has no maximum of anything but spikes. Put the pool behind the neurons"),
    ([Scale(2.0), Neurons()], "Node 'scale', Scale: NIR has nothing for it"),
    ([Conv2DTranspose(quarters(3, 3, 2, 4), size=10)], "'conv2dtranspose'"),
    ([AveragePool2D(3)], "exact as weights only for 2, 4, 8"),
    ([AveragePool2D(4, strides=3, padding="same")], "averages count padding"),
    ([Reshape((4, 8, 4)), Conv2D(quarters(1, 1, 4, 4))], "no reshape but to flatten"),
    ([Reshape()], "in another order in NIR"),
    ([Node("a", Neurons(), ("input",)), Node("twice", Add(), ("a", "a"))], "got one twice"),
    ([Node("a", Neurons(), ("input",)), Node("b", Permute((1, 0, 2)), ("a",)), Node("c", Add(), ("b", "input"))],
     "some have been reshaped"),
    ([Pad2D((1, 1)), Neurons()], "pads only in convolutions; 'pad2d' before it"),
    ([Pad2D((1, 1))], "Node 'pad2d', Pad2D: NIR pads only in convolutions; none follows"),
    ([Pad2D((-1, 0)), Conv2D(quarters(1, 1, 2, 4))], "Node 'pad2d', Pad2D: NIR has nothing"),
    ([Conv2D(quarters(1, 2, 2, 4))], "no kernel of as many rows as columns"),
    ([Node("a", Neurons(), ("input",)), Node("b", Concatenate(), ("a", "input"))], "Node 'b', Concatenate"),
])
def test_what_nir_cannot_say_is_refused_with_its_name(nodes, words):
    with pytest.raises(ValueError, match=words):
        to_nir(Network((8, 8, 2), nodes))


@pytest.mark.parametrize(("graph", "words"), [
    (lambda: graph_of(("delay", nir.Delay(np.ones(4)))), "NIR node 'delay', Delay: the simulator knows no"),
    (lambda: graph_of(("n", nir.IF(np.ones(4), np.ones(4), np.full(4, 0.1)))), "'n', IF: expected v_reset to be 0"),
    (lambda: graph_of(("conv", nir.Conv1d(4, quarters(1, 1, 1), 1, 0, 1, 1, np.zeros(1)))), "node of type Conv1d"),
    (lambda: graph_of(("inner", graph_of(("n", cuba())))), "node of type NIRGraph"),
    (lambda: graph_of(("n", cuba(tau_syn=np.full(4, 0.01)))), "'n', CubaLIF: expected tau_syn to be one time step"),
    (lambda: graph_of(("n", cuba(tau_mem=np.full(4, 1e-5)))), "'n', CubaLIF: expected one tau_mem for all, at least"),
    (lambda: graph_of(("n", cuba(tau_mem=np.linspace(1, 2, 4)))), "expected one tau_mem for all"),
    (lambda: graph_of(("n", cuba(v_leak=np.ones(4)))), "expected v_leak to be 0; got 1 to 1"),
    (lambda: graph_of(("n", cuba(v_threshold=np.full(4, np.nan)))), "threshold to be finite"),
    (lambda: graph_of(("a", nir.Affine(np.ones((3, 5)), np.ones(3)))), r"'a', Affine: Expected inputs of shape"),
    (lambda: graph_of(("a", nir.Linear(np.full((4, 4), np.inf)))), "weights to be finite"),
    (lambda: graph_of(("pool", nir.SumPool2d(2, 2, 1)), size=(2, 6, 6)), "'pool', SumPool2d: expected no padding"),
    (lambda: graph_of(("pool", nir.SumPool2d(10**6, 2, 0)), size=(2, 6, 6)), "'pool', SumPool2d: .* fits into"),
    # What would be made for a node is no larger than what goes in or comes out.
    (lambda: graph_of(("pool", nir.SumPool2d(2**20, 1, 0)), size=(1, 2**20, 2**20)),
     "'input', Input: the input: expected at most 268435456 values"),
    (lambda: graph_of(("conv", nir.Conv2d(None, quarters(1, 1, 1, 1), 1, 2**26, 1, 1, np.zeros(1))), size=(1, 6, 6)),
     "'conv', Conv2d: its output: expected at most 268435456 values"),
    (lambda: graph_of(("n", cuba()), size=0), "'input', Input: expected a shape of positive lengths; got"),
    (lambda: graph_of(("n", cuba()), size=[[4]]), "'input', Input: "),
    (lambda: graph_of(("n", cuba()), size=np.inf), "'input', Input: cannot convert float infinity"),
    (lambda: graph_of(("conv", nir.Conv2d(None, quarters(1, 2, 3, 3), 2, "same", 1, 1, np.zeros(1))), size=(2, 6, 6)),
     "padding 'same' with stride 1 only"),
    (lambda: graph_of(("flat", nir.Flatten({"input": np.array([2, 6, 6])}, 0, 1)), size=(2, 6, 6)), "all axes"),
    (lambda: graph_of(("a", cuba()), ("b", cuba()),
                      edges=[("input", "a"), ("a", "b"), ("b", "a"), ("b", "output")]), "without loops"),
    (lambda: graph_of(("a", cuba()), edges=[("input", "a"), ("a", "gone")]), "got 'a' to 'gone'"),
    (lambda: graph_of(("a", cuba()), edges=[("input", "a"), ("input", "a"), ("a", "output")]), "each once"),
    (lambda: graph_of(("a", cuba()), ("b", cuba()), edges=[("input", "a"), ("b", "output")]),
     "'b', CubaLIF: nothing leads"),
    (lambda: graph_of(), "with nodes between"),
    (lambda: graph_of(("other", nir.Input({"input": np.array([4])}))), "one input and one output; got inputs"),
    (lambda: graph_of(("n", cuba()), metadata={"readout": "key", "key": np.eye(3)}), "key for 4 output neurons"),
    (lambda: "a graph" and cuba(), "Expected a NIR graph; got CubaLIF"),
])
def test_graphs_that_cannot_run_are_refused_with_the_node(graph, words):
    with pytest.raises(ValueError, match=words):
        from_nir(graph())


def test_a_step_of_no_time_is_refused():
    with pytest.raises(ValueError, match="step to be a positive time in seconds; got 0"):
        from_nir(graph_of(("n", cuba())), step=0)


# -- files ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("nir") / "network.nir"
    to_nir(convnet(), path)
    return path


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no file"):
        from_nir(tmp_path / "missing.nir")


@pytest.mark.parametrize("keep", [0, 100, 0.5, 0.9])
def test_a_truncated_file_is_refused(keep, whole, tmp_path):
    data, path = whole.read_bytes(), tmp_path / "cut.nir"
    path.write_bytes(data[: int(keep * len(data)) if isinstance(keep, float) else keep])
    with pytest.raises(ArchiveError, match="not a readable NIR file"):
        from_nir(path)


def huge(node):
    del node["weight"]
    node.create_dataset("weight", (10**6, 10**6), "f4", chunks=(1000, 1000), compression="gzip")


def elsewhere(node):
    del node["weight"]
    node["weight"] = h5py.ExternalLink("other.h5", "/weight")


def soft(node):
    node["again"] = h5py.SoftLink("/node")


def loop(node):
    node["again"] = node


def outside(node):
    del node["weight"]
    node.create_dataset("weight", (3, 2), "f4", external=[("other.bin", 0, 24)])


def virtual(node):
    del node["weight"]
    layout = h5py.VirtualLayout((3, 2), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "weight", (3, 2))
    node.create_virtual_dataset("weight", layout)


def stranger(node):
    del node["type"]
    node["type"] = "Exec"


@pytest.mark.parametrize(("change", "words"), [
    (huge, "claims shape"), (elsewhere, "points to another"), (soft, "points to another"), (loop, "points to another"),
    (outside, "in another file"), (virtual, "in another file"), (stranger, "not a readable NIR file"),
])
def test_hostile_files_are_refused(change, words, whole, tmp_path):
    path = tmp_path / "hostile.nir"
    path.write_bytes(whole.read_bytes())
    with h5py.File(path, "r+") as file:
        change(file["node/nodes/dense"])
    with pytest.raises(ArchiveError, match=words):
        from_nir(path)


def test_files_of_something_else_are_refused(tmp_path):
    path = tmp_path / "other.nir"
    with h5py.File(path, "w") as file:
        file["data"] = np.arange(3)
    with pytest.raises(ArchiveError, match="not a readable NIR file"):
        from_nir(path)
    path.write_bytes(b"no HDF5 at all")
    with pytest.raises(ArchiveError, match="not a readable NIR file"):
        from_nir(path)


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "nir", None)
    for call in (lambda: to_nir(mlp()), lambda: from_nir("network.nir")):
        with pytest.raises(ImportError, match=r"pip install 'whetstone-lab\[nir\]'"):
            call()

"""ONNX models in ONNX Runtime, at every level of its graph optimizations, and in ONNX's own reference: the spikes,
votes and classes of the simulator.

They are in the extra ``peers``; all are skipped where ONNX Runtime is not installed.
"""

import json

import hypothesis
import nir_graphs
import numpy as np
import pytest
from hypothesis import strategies as st
from rounding import beyond_doubt

from whetstone_lab.exchange.onnx import IR_VERSION, OPSET, to_onnx
from whetstone_lab.exchange.targets import write
from whetstone_lab.simulator import Network, Node, Output, predict, run
from whetstone_lab.simulator import operations as ops

pytestmark = pytest.mark.peers

onnx = pytest.importorskip("onnx", reason="the package onnx is not installed: whetstone-lab[onnx]")
runtime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: whetstone-lab[peers]")
reference = pytest.importorskip("onnx.reference")

SAMPLES = 60
LEVELS = ["ORT_DISABLE_ALL", "ORT_ENABLE_BASIC", "ORT_ENABLE_ALL"]


def in_runtime(model, x, level="ORT_ENABLE_ALL"):
    """All outputs by name."""
    options = runtime.SessionOptions()
    options.graph_optimization_level = getattr(runtime.GraphOptimizationLevel, level)
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found = session.run(None, x if isinstance(x, dict) else {"input": x})
    return dict(zip((output.name for output in session.get_outputs()), found, strict=True))


def in_reference(model, x):
    found = reference.ReferenceEvaluator(model).run(None, {"input": x})
    return dict(zip((output.name for output in model.graph.output), found, strict=True))


def layers_of(network, record):
    return {name: record.dense(name)[:, network.steps[name]] for name in network.layers}


def the_same(network, x, run_model=in_runtime):
    """Checks every spike, every vote and every class."""
    x = x.astype(network.dtype)
    model, record = to_onnx(network, spikes=True), run(network, x)
    onnx.checker.check_model(model, full_check=True)
    found, layers = run_model(model, x), layers_of(network, record)
    for name, spikes in layers.items():
        np.testing.assert_array_equal(found[name], spikes, err_msg=name)
    if network.head.kind == "spikes":
        np.testing.assert_array_equal(found["spikes"], layers[network.output])
        assert "votes" not in found
    else:
        np.testing.assert_array_equal(found["votes"], record.votes)
        assert found["votes"].dtype == record.votes.dtype
    assert ("class" in found) == network.head.decides
    if network.head.decides:
        np.testing.assert_array_equal(found["class"], predict(network, x))
    return found


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", nir_graphs.NETWORKS)
def test_with_ties_every_spike_vote_and_class_is_the_same(name, level):
    network = nir_graphs.NETWORKS[name]()
    found = the_same(network, nir_graphs.images(network, SAMPLES), lambda model, x: in_runtime(model, x, level))
    assert all(0.01 < found[layer].mean() < 0.99 for layer in network.layers)


@pytest.mark.parametrize("name", ["mlp", "residual"])  # ONNX 1.23's reference swaps the padding of a max-pool
def test_the_reference_of_onnx_agrees(name):
    network = nir_graphs.NETWORKS[name]()
    the_same(network, nir_graphs.images(network, SAMPLES), in_reference)


@pytest.mark.parametrize("name", nir_graphs.NETWORKS)
def test_with_random_weights_only_what_rounding_could_turn_may_differ(name):
    rng = np.random.default_rng(3)
    ties = nir_graphs.NETWORKS[name]()
    network = ties.with_nodes(
        Node(node.name, node.operation.map_weights(
            lambda weights: rng.normal(0.05, 2 / np.sqrt(np.prod(weights.shape[:-1])), weights.shape)
            .astype(np.float32)), node.inputs) for node in ties.nodes)
    x = rng.normal(size=(SAMPLES, *network.input_shape)).astype(np.float32)
    record = run(network, x)
    sure, found = beyond_doubt(network, record), in_runtime(to_onnx(network, spikes=True), x)
    assert sure.mean() > 0.9
    for layer, spikes in layers_of(network, record).items():
        assert 0.01 < spikes.mean() < 0.99
        np.testing.assert_array_equal(found[layer][sure], spikes[sure])
    if network.key is not None:
        np.testing.assert_array_equal(found["votes"][sure], record.votes[sure])
    np.testing.assert_allclose(found["votes"][sure], record.votes[sure], atol=1e-5)


def quarters(*shape, seed=0):
    return nir_graphs.quarters(*shape, seed=seed)


SCALES = np.float32([0.1, -0.3, 0.7, 0, 1.3]), np.float32([0.3, 0.1, 0.3, 0.2, 0])

ENDS = {
    "a scale behind a convolution": lambda: Network((7, 6, 3), [
        ops.Conv2D(quarters(3, 3, 3, 5), quarters(5)), ops.Scale(*SCALES),
        ops.Neurons(np.float32([0.35, 0.25, 0.65, 0.2, 1.3 * 0.75]))]),
    "two scales behind a dense layer": lambda: Network((12,), [
        ops.Dense(quarters(12, 5), quarters(5)), ops.Scale(0.3), ops.Scale(*SCALES), ops.Neurons(0.3)]),
    "an average of spikes at its threshold": lambda: Network((7, 7, 3), [
        ops.Neurons(0.5), ops.AveragePool2D(3, strides=2, padding="same"),
        ops.Neurons(np.float32([1 / 9, 2 / 9, 4 / 9]))]),
    "an average of everything": lambda: Network((7, 7, 3), [
        ops.Neurons(0.5), ops.GlobalAveragePool2D(keepdims=True),
        ops.Neurons(np.float32([31 / 49, 33 / 49, 35 / 49]))]),
    "the least threshold above zero": lambda: Network((12,), [
        ops.Dense(quarters(12, 1))], readout="logit").fire_answer(),
    "a tie of classes": lambda: Network((12,), [ops.Neurons()], key=np.kron(np.eye(6), np.ones((1, 2)))),
    "a logit": lambda: Network((12,), [ops.Dense(quarters(12, 1))], readout="logit", threshold=0.25),
    "several sigmoids": lambda: Network((4, 3), [ops.Dense(quarters(3, 2))], readout="sigmoid"),
    "values": lambda: Network((4, 3), [ops.Dense(quarters(3, 2)), ops.ReLU()], readout="values"),
    "one value": lambda: Network((1,), [ops.Reshape(())], readout="values"),
    "a class for each place": lambda: Network((6, 5, 2), [
        ops.Conv2D(quarters(3, 2, 2, 4), padding="same"), ops.Neurons(), ops.Conv2D(quarters(1, 1, 4, 3))]),
    "a key for each place": lambda: Network((6, 5, 2), [
        ops.Conv2D(quarters(3, 2, 2, 4), padding="same"), ops.Neurons()], key=np.eye(4)),
    "float64": lambda: Network((40,), [
        ops.Dense(quarters(40, 30).astype(float)), ops.Neurons(), ops.Dense(quarters(30, 5).astype(float))]),
    "decoder": lambda: Network((3, 2, 3), [
        ops.Conv2D(quarters(3, 3, 3, 5), dilation=(2, 1), padding="same"), ops.Neurons(), ops.UpSample2D((2, 3)),
        ops.Conv2DTranspose(quarters(3, 2, 5, 4), quarters(4), size=(12, 13), strides=2), ops.Neurons(),
        ops.Pad2D((-1, 2), (3, -2)), ops.Permute((1, 0, 2)), ops.Reshape((-1, 4)), ops.Dense(quarters(4, 6)),
        ops.Neurons(0)], key=np.eye(6)),
}


@pytest.mark.parametrize("level", ["ORT_DISABLE_ALL", "ORT_ENABLE_ALL"])
@pytest.mark.parametrize("name", ENDS)
def test_every_end_and_every_order_of_axes(name, level):
    network = ENDS[name]()
    x = nir_graphs.images(network, SAMPLES)
    the_same(network, x, lambda model, x: in_runtime(model, x, level))


@pytest.mark.parametrize("name", ENDS)
def test_every_end_in_the_reference_of_onnx(name):
    network = ENDS[name]()
    the_same(network, nir_graphs.images(network, 8), in_reference)


def small(draw, low, high):
    return draw(st.integers(low, high))


@st.composite
def networks(draw):
    """Images through a few operations of any kind that fits, with a skip here and there, and neurons at the end."""
    channels, nodes = small(draw, 1, 3), []
    shape = (small(draw, 4, 7), small(draw, 4, 7), channels)
    network = Network(shape, [ops.Scale()])
    for number in range(small(draw, 1, 5)):
        rows, columns, channels = network.output_shape
        padding, stride = draw(st.sampled_from(["same", "valid"])), small(draw, 1, 2)
        taps, name = (small(draw, 1, min(3, rows)), small(draw, 1, min(3, columns))), network.nodes[-1].name
        groups = draw(st.sampled_from([group for group in (1, 2, 3) if channels % group == 0]))
        seed = small(draw, 0, 9)
        kind = draw(st.sampled_from([
            ops.Conv2D(quarters(*taps, channels // groups, 2 * groups, seed=seed), groups=groups, strides=stride,
                       padding=padding),
            ops.Conv2D(quarters(2, 2, channels, 3, seed=seed), quarters(3), dilation=2, padding="same"),
            ops.Conv2DTranspose(quarters(*taps, channels, 2, seed=seed), quarters(2), strides=stride,
                                size=(rows, columns), start=(0, small(draw, 0, taps[1] - 1))),
            ops.MaxPool2D(taps, strides=stride, padding=padding), ops.GlobalMaxPool2D(keepdims=True),
            ops.Pad2D((small(draw, -1, 2), small(draw, -1, 1)), (1, 0)), ops.UpSample2D((1, 2)),
            ops.Permute((1, 0, 2)), ops.Permute((2, 0, 1)), ops.Reshape((columns, rows, channels)),
            ops.Dense(quarters(channels, 3, seed=seed), quarters(3)), ops.ReLU(), ops.Scale(0.3, 0.1)]))
        added = [Node(f"op{number}", kind, (name,)), Node(f"fire{number}", ops.Neurons(0.25), (f"op{number}",))]
        join = draw(st.sampled_from([None, ops.Add(), ops.Concatenate(), ops.Concatenate(0), ops.Concatenate(-2)]))
        try:
            nodes = [*network.nodes, *added]
            if join is not None:
                nodes.append(Node(f"join{number}", join, (f"fire{number}", name)))
            network = Network(shape, nodes)
        except ValueError:  # it does not fit
            hypothesis.assume(False)
    width = network.output_shape[2]
    votes = network.spiking[network.output] and width > 1
    return Network(shape, network.nodes, key=np.eye(width)) if votes else network


@hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.filter_too_much,
                                                           hypothesis.HealthCheck.too_slow])
@hypothesis.given(networks())
def test_whatever_is_put_together(network):
    the_same(network, nir_graphs.images(network, 8))


def test_several_inputs_and_outputs_keep_their_names():
    network = Network({"left": (5,), "votes_a": (5,)}, [
        Node("x", ops.Dense(quarters(5, 4)), ("left",)), Node("y", ops.Dense(quarters(5, 4, seed=1)), ("votes_a",)),
        Node("sum", ops.Add(), ("x", "y")), Node("class", ops.Neurons(), ("sum",)),
    ], outputs={"a": Output("class", key=np.eye(4)), "b": Output("x"), "c": Output("class")})
    x = {name: np.random.default_rng(2).integers(0, 3, (20, 5)).astype(np.float32) for name in network.inputs}
    found, record = in_runtime(to_onnx(network, spikes=True), x), run(network, x)
    assert list(found) == ["votes_a_2", "class_a", "votes_b", "class_b", "spikes_c", "class"]
    for name, ours in {"votes_a_2": record.votes["a"], "class_a": record.classes["a"], "votes_b": record.votes["b"],
                       "class_b": record.classes["b"], "spikes_c": record.dense("class")[:, 0],
                       "class": record.dense("class")[:, 0]}.items():
        np.testing.assert_array_equal(found[name], ours)


def test_the_file_says_what_it_is_and_keeps_the_key_and_the_metadata(tmp_path):
    meta = {"trained_on": {"data": "digits", "seed": 3}}
    network = Network((8,), [ops.Neurons()], key=np.eye(8), meta=meta)
    path = write(network, tmp_path / "net.onnx")
    assert list(tmp_path.iterdir()) == [path]
    model = onnx.load(path)
    assert (model.ir_version, model.opset_import[0].version, model.producer_name) == (
        IR_VERSION, OPSET, "whetstone_lab")
    kept = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert kept["meta"] == meta
    assert kept["heads"] == {"neurons": {"readout": "key", "threshold": 0.0, "key": np.eye(8).tolist()}}
    assert [output.name for output in model.graph.output] == ["votes", "class"]

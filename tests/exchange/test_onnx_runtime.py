"""ONNX models in ONNX Runtime, at every level of its graph optimizations, and in ONNX's own reference: the spikes,
votes and classes of the simulator.

They are in the extra ``peers``; all are skipped where ONNX Runtime is not installed.
"""

import json

import hypothesis
import nir_graphs
import numpy as np
import pytest
from exchange_networks import with_random_weights
from tensor_networks import ENDS, assert_near, assert_the_same, networks, several

from whetstone_lab.exchange.onnx import IR_VERSION, OPSET, to_onnx
from whetstone_lab.exchange.targets import write
from whetstone_lab.simulator import Network
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


def the_same(network, x, run_model=in_runtime):
    """Checks every spike, every vote and every class."""
    x = x.astype(network.dtype)
    model = to_onnx(network, spikes=True)
    onnx.checker.check_model(model, full_check=True)
    found = run_model(model, x)
    assert_the_same(network, x, found)
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
    network = with_random_weights(nir_graphs.NETWORKS[name]())
    x = np.random.default_rng(4).normal(size=(SAMPLES, *network.input_shape)).astype(np.float32)
    assert_near(network, x, in_runtime(to_onnx(network, spikes=True), x))


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


@hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.filter_too_much,
                                                           hypothesis.HealthCheck.too_slow])
@hypothesis.given(networks())
def test_whatever_is_put_together(network):
    the_same(network, nir_graphs.images(network, 8))


def test_several_inputs_and_outputs_keep_their_names():
    network, x, want = several()
    found = in_runtime(to_onnx(network, spikes=True), x)
    assert list(found) == list(want)
    for name, ours in want.items():
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

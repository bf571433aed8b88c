"""LiteRT models in LiteRT's own interpreter, with XNNPACK and without: the spikes, votes and classes of the simulator.

They are in the extra ``peers``; most are skipped where LiteRT is not installed.
"""

import json
import sys
from dataclasses import replace

import hypothesis
import nir_graphs
import numpy as np
import pytest
from exchange_networks import with_random_weights
from fresh import run_fresh
from nir_graphs import quarters
from tensor_networks import ENDS, assert_near, assert_the_same, networks, several

from whetstone_lab.exchange.litert import to_litert
from whetstone_lab.exchange.targets import export
from whetstone_lab.simulator import Network
from whetstone_lab.simulator import operations as ops

pytestmark = pytest.mark.peers

SAMPLES = 60
IN_DOUBLE = {"float64"}  # LiteRT computes in float32
SINGLE = [name for name in ENDS if name not in IN_DOUBLE]
RESOLVERS = ["AUTO", "BUILTIN_WITHOUT_DEFAULT_DELEGATES", "BUILTIN_REF"]


def interpreter_of(model, samples, resolver="AUTO"):
    lite = pytest.importorskip("ai_edge_litert.interpreter", reason="LiteRT is not installed: whetstone-lab[litert]")
    kind = getattr(lite.OpResolverType, resolver)
    interpreter = lite.Interpreter(model_content=model, experimental_op_resolver_type=kind, num_threads=1)
    for given in interpreter.get_input_details():
        interpreter.resize_tensor_input(given["index"], (samples, *given["shape"][1:]))
    interpreter.allocate_tensors()
    return interpreter


def in_litert(model, x, resolver="AUTO"):
    """All outputs by name."""
    x = x if isinstance(x, dict) else {"input": x}
    interpreter = interpreter_of(model, len(next(iter(x.values()))), resolver)
    for given in interpreter.get_input_details():
        interpreter.set_tensor(given["index"], x[given["name"]])
    interpreter.invoke()
    return {got["name"]: interpreter.get_tensor(got["index"]) for got in interpreter.get_output_details()}


def model_of(network, **kwargs):
    pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed: whetstone-lab[litert]")
    return to_litert(network, **kwargs)


def the_same(network, x, resolver="AUTO"):
    """Checks every spike, every vote and every class."""
    x = x.astype(network.dtype)
    found = in_litert(model_of(network, spikes=True), x, resolver)
    assert_the_same(network, x, found)
    return found


@pytest.mark.parametrize("resolver", RESOLVERS)
@pytest.mark.parametrize("name", nir_graphs.NETWORKS)
def test_with_ties_every_spike_vote_and_class_is_the_same(name, resolver):
    network = nir_graphs.NETWORKS[name]()
    found = the_same(network, nir_graphs.images(network, SAMPLES), resolver)
    assert all(0.01 < found[layer].mean() < 0.99 for layer in network.layers)


@pytest.mark.parametrize("name", nir_graphs.NETWORKS)
def test_with_random_weights_only_what_rounding_could_turn_may_differ(name):
    network = with_random_weights(nir_graphs.NETWORKS[name]())
    x = np.random.default_rng(4).normal(size=(SAMPLES, *network.input_shape)).astype(np.float32)
    assert_near(network, x, in_litert(model_of(network, spikes=True), x))


@pytest.mark.parametrize("resolver", RESOLVERS)
@pytest.mark.parametrize("name", SINGLE)
def test_every_end_and_every_order_of_axes(name, resolver):
    network = ENDS[name]()
    the_same(network, nir_graphs.images(network, SAMPLES), resolver)


@hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.filter_too_much,
                                                           hypothesis.HealthCheck.too_slow])
@hypothesis.given(networks())
def test_whatever_is_put_together(network):
    the_same(network, nir_graphs.images(network, 8))


def test_neurons_in_more_axes_than_a_comparison_has():
    network = Network((24,), [ops.Reshape((2, 3, 2, 2)), ops.Neurons(quarters(2, 3, 2, 2)), ops.Dense(quarters(2, 3)),
                              ops.Neurons(), ops.Reshape(), ops.Neurons()])
    the_same(network, nir_graphs.images(network))


def test_several_inputs_and_outputs_keep_their_names():
    network, x, want = several()
    model = model_of(network, spikes=True)
    found = in_litert(model, x)
    assert list(found) == list(want)
    # By the signature, as an app asks; it goes by names, of one sample unless told otherwise.
    signed = interpreter_of(model, 20).get_signature_runner("serving_default")(**x)
    for name, ours in want.items():
        np.testing.assert_array_equal(found[name], ours)
        np.testing.assert_array_equal(signed[name], ours)


def test_the_file_says_what_it_is_and_keeps_the_key_and_the_metadata(tmp_path):
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated", reason="LiteRT is not installed")
    meta = {"trained_on": {"data": "digits", "seed": 3}}
    network = Network((8,), [ops.Dense(quarters(8, 8)), ops.Neurons()], key=np.eye(8), meta=meta)
    path = export(network, tmp_path / "net.tflite")
    assert list(tmp_path.iterdir()) == [path]
    data = path.read_bytes()
    assert data == to_litert(network)
    assert data[4:8] == b"TFL3"
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    kept = {each.name.decode(): json.loads(bytes(model.buffers[each.buffer].data)) for each in model.metadata}
    assert kept == {"meta": meta, "heads": {"neurons": {"readout": "key", "threshold": 0.0, "key": np.eye(8).tolist()}}}
    weights = network.nodes[0].operation.weights
    assert data.index(np.ascontiguousarray(weights.T).tobytes()) % 16 == 0  # read where they lie


def test_neither_tensorflow_nor_keras_is_loaded(tmp_path):
    pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed: whetstone-lab[litert]")
    program = ("import sys, numpy as np, whetstone_lab as wl; from whetstone_lab.simulator.operations import Dense; "
               f"wl.to_litert(wl.Network((2,), [Dense(np.eye(2, dtype='f'))]), {str(tmp_path / 'net.tflite')!r}); "
               "print({'keras', 'tensorflow'} & set(sys.modules))")
    assert run_fresh(program, loaded="numpy").stdout == "set()\n"


def test_without_the_package_it_is_said_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    with pytest.raises(ImportError, match=r"need the package ai-edge-litert: pip install 'whetstone-lab\[litert\]'"):
        export(nir_graphs.mlp(), tmp_path / "net.tflite")
    assert list(tmp_path.iterdir()) == []


def test_float64_is_refused_with_the_remedy():
    network = ENDS["float64"]()
    with pytest.raises(ValueError, match=r"network in float32.*got one in float64.*map_weights\(np.float32\)"):
        to_litert(network)


def test_the_remedy_for_float64_gives_the_same():
    network = ENDS["float64"]()
    the_same(network.with_nodes(replace(node, operation=node.operation.map_weights(np.float32))
                                for node in network.nodes), nir_graphs.images(network))

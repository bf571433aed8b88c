"""ONNX models in OpenVINO: the spikes, votes and classes of the simulator, once it computes in single precision.

Skipped where it is not installed. Seen with openvino 2026.4.1; .ci/run has not got it, benchmarks/peers.sh has.
"""

import nir_graphs
import numpy as np
import pytest
from exchange_networks import with_random_weights
from tensor_networks import ENDS, assert_near, assert_the_same

from whetstone_lab.exchange.onnx import to_onnx

pytestmark = pytest.mark.peers

pytest.importorskip("onnx", reason="the package onnx is not installed: whetstone-lab[onnx]")
openvino = pytest.importorskip("openvino", reason="OpenVINO is not installed")


def in_openvino(network, x):
    """All outputs by name."""
    core, model = openvino.Core(), to_onnx(network, spikes=True)
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    found = core.compile_model(core.read_model(model.SerializeToString()), "CPU", options)(x)
    return {output.name: found[output.name] for output in model.graph.output}  # each has other names there, too


def the_same(network):
    x = nir_graphs.images(network, 60).astype(network.dtype)
    assert_the_same(network, x, in_openvino(network, x))


@pytest.mark.parametrize("name", nir_graphs.NETWORKS)
def test_with_ties_every_spike_vote_and_class_is_the_same(name):
    the_same(nir_graphs.NETWORKS[name]())


@pytest.mark.parametrize("name", nir_graphs.NETWORKS)
def test_with_random_weights_only_what_rounding_could_turn_may_differ(name):
    network = with_random_weights(nir_graphs.NETWORKS[name]())
    x = np.random.default_rng(4).normal(size=(60, *network.input_shape)).astype(np.float32)
    assert_near(network, x, in_openvino(network, x))


@pytest.mark.parametrize("name", ENDS)
def test_every_end_and_every_order_of_axes(name):
    the_same(ENDS[name]())

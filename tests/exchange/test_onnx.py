"""What is not written as ONNX, and what is said then. What is written is run in ``test_onnx_runtime``."""

import sys

import numpy as np
import pytest
from nir_graphs import mlp

from whetstone_lab.exchange.onnx import to_onnx
from whetstone_lab.exchange.targets import export
from whetstone_lab.simulator import Network
from whetstone_lab.simulator.operations import Neurons, Operation


def test_without_the_package_it_is_said_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"need the package onnx: pip install 'whetstone-lab\[onnx\]'"):
        export(mlp(), tmp_path / "net.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("memory", [{"leak": 0.5}, {"refractory": 1}, {"delay": 2}])
def test_neurons_that_remember_are_refused_by_name(memory):
    network = Network((3,), [Neurons(0.5), Neurons(0.5, **memory)])
    with pytest.raises(ValueError, match=r"Node 'neurons_2', Neurons: .* leak of 1, no refractory .* simulator"):
        to_onnx(network)


def test_an_operation_of_ones_own_is_refused_by_name():
    class Twice(Operation):
        def output_shape(self, *inputs):
            return inputs[0]

        def apply(self, *inputs):
            return 2 * np.asarray(inputs[0])

    with pytest.raises(ValueError, match=r"Node 'twice', Twice: .* Neurons, Dense, Conv2D"):
        to_onnx(Network((3,), [Twice()]))

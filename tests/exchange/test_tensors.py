"""What ONNX and LiteRT cannot say is refused before anything is made; neither package is needed for that."""

import numpy as np
import pytest
from nir_graphs import quarters

from whetstone_lab.exchange import tensors
from whetstone_lab.exchange.litert import to_litert
from whetstone_lab.exchange.onnx import to_onnx
from whetstone_lab.simulator import Network
from whetstone_lab.simulator.operations import Dense, Neurons, Operation

pytestmark = pytest.mark.parametrize("write", [to_onnx, to_litert])


@pytest.mark.parametrize("memory", [{"leak": 0.5}, {"refractory": 1}, {"delay": 2}])
def test_neurons_that_remember_are_refused_by_name(memory, write):
    network = Network((3,), [Neurons(0.5), Neurons(0.5, **memory)])
    with pytest.raises(ValueError, match=r"Node 'neurons_2', Neurons: .* leak of 1, no refractory .* simulator"):
        write(network)


def test_an_operation_of_ones_own_is_refused_by_name(write):
    class Twice(Operation):
        def output_shape(self, *inputs):
            return inputs[0]

        def apply(self, *inputs):
            return 2 * np.asarray(inputs[0])

    with pytest.raises(ValueError, match=r"Node 'twice', Twice: .* Neurons, Dense, Conv2D"):
        write(Network((3,), [Twice()]))


def test_more_numbers_than_a_file_can_hold_are_refused_and_nothing_is_written(write, monkeypatch, tmp_path):
    assert 2**31 - 2**25 < tensors.MAX_MODEL_BYTES < 2**31
    monkeypatch.setattr(tensors, "MAX_MODEL_BYTES", 2083)
    network = Network((25,), [Dense(quarters(25, 20)), Neurons(quarters(20)), Dense(quarters(20, 1))])
    with pytest.raises(ValueError, match=r"fill at most 2,083 bytes, as .* ends at 2 GiB; these fill 2,160.* \.npz"):
        write(network, tmp_path / "net")
    assert not list(tmp_path.iterdir())

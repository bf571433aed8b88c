"""``count_operations``: counted spike by spike in loops, beside the baseline that multiplies everywhere."""

import itertools

import numpy as np
import pytest

from whetstone_lab.simulator import Network, Node, count_operations, run
from whetstone_lab.simulator.operation_counts import ADD, MULTIPLY
from whetstone_lab.simulator.operations import (
    Add,
    AveragePool2D,
    Conv2D,
    Conv2DTranspose,
    Dense,
    MaxPool2D,
    Neurons,
    Reshape,
    Scale,
)

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(("operation", "shape"), [
    (Dense(normal(5, 3)), (5,)),
    (Dense(normal(4, 3)), (2, 3, 4)),
    (Conv2D(normal(3, 2, 2, 4), strides=2, padding="same"), (5, 6, 2)),
    (Conv2D(normal(2, 2, 1, 4), None, (2, 1), 2), (5, 6, 2)),
    (Conv2D(normal(2, 3, 2, 3), strides=(3, 1)), (6, 5, 2)),
    (Conv2DTranspose(normal(3, 3, 2, 4), size=(6, 9), strides=2, start=(1, 0)), (3, 4, 2)),
])
def test_the_fan_out_of_a_place_is_what_a_spike_there_reaches(operation, shape):
    fan_out = operation.fan_out(shape)
    assert fan_out.shape == shape
    assert fan_out.sum() == operation.synapses(shape)
    for place in itertools.product(*map(range, shape)):
        x = np.zeros((1, *shape), np.float32)
        x[(0, *place)] = 1
        assert fan_out[place] == np.count_nonzero(operation.apply(x))


def test_what_has_no_weights_has_no_fan_out():
    assert not Scale(2.0).fan_out((3, 4)).any()


def convnet():
    return Network((6, 6, 1), [
        Conv2D(normal(3, 3, 1, 4), padding="same"), Neurons(), MaxPool2D(), Conv2D(normal(2, 2, 4, 3)), Neurons(),
        AveragePool2D(), Reshape(), Dense(normal(3, 5)), Neurons(), Dense(normal(5, 2)),
    ])


def test_spikes_add_and_analog_values_multiply():
    network, x = convnet(), np.random.default_rng(1).normal(size=(20, 6, 6, 1))
    found, record = count_operations(network, x, batch_size=7), run(network, x)
    np.testing.assert_array_equal(found.spikes, record.counts().sum(1))
    first, second, third = (record.dense(layer)[:, layer] for layer in range(3))
    pooled = first.reshape(20, 3, 2, 3, 2, 4).any(axis=(2, 4))
    windows = np.outer([1, 2, 1], [1, 2, 1])[..., None] * 3  # of a 2 x 2 kernel over a 3 x 3 image, 3 filters
    np.testing.assert_array_equal(found.synaptic_operations, (pooled * windows).sum((1, 2, 3)) + 2 * third.sum(1))
    # The image and the averages are analog: every connection multiplies.
    image, averages = 16 * 16 * 4, 3 * 5
    np.testing.assert_array_equal(found.macs, np.full(20, image + averages))
    assert found.baseline_macs == network.synapses == image + 4 * 16 * 3 + averages + 10
    assert found.latency == 3
    np.testing.assert_allclose(found.energy, 0.9e-12 * found.synaptic_operations + 4.6e-12 * found.macs)
    assert found.baseline_energy == pytest.approx(found.baseline_macs * (ADD + MULTIPLY))
    assert (found.energy < found.baseline_energy).all()
    assert second.any()


def test_inputs_of_zeros_and_ones_are_spikes():
    network = Network((4,), [Dense(normal(4, 3)), Neurons()])
    found = count_operations(network, [[1, 0, 1, 1], [0, 0, 0, 0]])
    assert found.synaptic_operations.tolist() == [9, 0]
    assert found.macs.tolist() == [0, 0]
    assert count_operations(network, [[1, 0, 0.5, 1]]).macs.tolist() == [12]


def test_sums_of_spikes_are_no_spikes():
    network = Network((3,), [Node("a", Neurons(), ("input",)), Node("sum", Add(), ("a", "input")),
                             Node("out", Dense(normal(3, 2)), ("sum",))])
    assert count_operations(network, np.ones((1, 3))).macs.tolist() == [6]


def test_they_say_what_they_are():
    network = Network((4,), [Dense(normal(4, 3)), Neurons(-100)])
    assert repr(count_operations(network, [[1, 0, 1, 1]])) == (
        "OperationCounts(per sample: 3.0 spikes, 9 synaptic operations, 0 MACs, 1 steps, 0.0081 nJ; "
        "ReLU baseline: 12 MACs, 0.0552 nJ)")
    assert repr(count_operations(network, np.zeros((0, 4)))) == "OperationCounts(no samples)"
    with pytest.raises(ValueError, match="inputs of shape"):
        count_operations(network, np.zeros((2, 5)))

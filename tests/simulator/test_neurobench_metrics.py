"""``neurobench``: NeuroBench's metrics, counted weight by weight and spike by spike in loops."""

import numpy as np
import pytest

from whetstone_lab.simulator import Network, Node, neurobench, run
from whetstone_lab.simulator.operations import (
    Add,
    AveragePool2D,
    Conv2D,
    Conv2DTranspose,
    Dense,
    Neurons,
    ReLU,
    Reshape,
)


def sparse(*shape, seed=0):
    """Weights of which many are 0."""
    return np.random.default_rng(seed + sum(shape)).integers(-1, 3, shape).astype(np.float32) / 4


def test_a_perceptron_by_hand():
    network = Network((3,), [Dense([[1, 0, 2], [0, 0, 1], [1, 1, 1]], [0, 0.5, 0]), Neurons([0.5, 1.0, 2.0]),
                             Dense([[1, 0], [1, 1], [0, 0]]), Neurons()])
    found = neurobench(network, [[2, 0, 0.25], [0, 1, 0]])
    # First layer, analog: 2 + 3 weights that are not 0 of the first sample, 1 of the second. Then 1 of 1, 2 and 0 of
    # neurons 0, 1 and 2, of which the first sample fires 0 and 2, the second none.
    assert found.effective_macs == (2 + 3 + 1) / 2
    assert found.effective_acs == 1 / 2
    assert found.dense == 9 + 6
    assert found.connection_sparsity == (3 + 3) / 15
    assert found.activation_sparsity == 1 - (2 + 1) / 10
    assert found.footprint == 4 * (9 + 3 + 3 + 6 + 1)


def branches():
    return Network((5, 4, 2), [
        Node("a", Conv2D(sparse(3, 2, 2, 4), sparse(4), padding="same"), ("input",)),
        Node("fired", Neurons(), ("a",)), Node("b", Conv2D(sparse(1, 1, 2, 4), groups=2), ("fired",)),
        Node("c", Neurons(0.25), ("b",)), Node("sum", Add(), ("fired", "c")),
        Node("up", Conv2DTranspose(sparse(2, 2, 4, 3), size=(9, 8), strides=2), ("sum",)),
        Node("mean", AveragePool2D((9, 8)), ("up",)), Node("flat", Reshape(), ("mean",)),
        Node("dense", Dense(sparse(3, 6)), ("flat",)), Node("relu", ReLU(), ("dense",))])


@pytest.mark.parametrize("spikes", [True, False])
def test_each_operation_is_a_pair_of_a_weight_and_a_value_that_are_not_0(spikes):
    network, rng = branches(), np.random.default_rng(1)
    x = rng.integers(0, 2 if spikes else 3, (6, 5, 4, 2)).astype(np.float32)
    values = {"input": x}
    meetings = {}
    for node in network.nodes:
        arrived = [values[name] for name in node.inputs]
        values[node.name] = node.operation.apply(*arrived)
        if hasattr(node.operation, "weights"):
            # What each value alone adds, to whom: values that are not 0 times weights that are not 0.
            plain, shape = type(node.operation)(**{**node.operation.options(), "weights": node.operation.weights}), \
                arrived[0].shape[1:]
            alone = plain.apply(np.eye(int(np.prod(shape)), dtype=np.float32).reshape(-1, *shape))
            reached = np.count_nonzero(alone.reshape(len(alone), -1), axis=1)
            meetings[node.name] = ((arrived[0] != 0).reshape(len(x), -1) @ reached).mean()
    found = neurobench(network, x, batch_size=4)
    analog = meetings["up"] + meetings["dense"] + (0 if spikes else meetings["a"])
    assert found.effective_macs == pytest.approx(analog)
    assert found.effective_acs == pytest.approx(meetings["b"] + (meetings["a"] if spikes else 0))
    assert found.dense == network.synapses
    record = run(network, x)
    fired = sum(int(record.dense(name).sum()) for name in network.layers) + np.count_nonzero(values["relu"])
    assert found.activation_sparsity == pytest.approx(1 - fired / (len(x) * (80 + 80 + 6)))
    assert found == neurobench(network, x, batch_size=1)


def test_the_operations_of_all_steps_are_a_sample_s():
    network = Network((3,), [Dense(np.float32([[1, 0], [1, 1], [0, 1]])), Neurons(0.5, leak=0.5, delay=1)])
    x = np.float32([[[1, 0, 0], [0, 0, 0], [1, 1, 1]]])
    found = neurobench(network, x)
    assert (found.effective_acs, found.effective_macs, found.dense) == (1 + 4, 0, 18)
    assert found.activation_sparsity == 1 - int(run(network, x).dense("neurons").sum()) / 6


def test_no_samples_have_no_mean_and_no_weights_no_sparsity():
    network = Network((2,), [Neurons()])
    with pytest.raises(ValueError, match="one sample at least"):
        neurobench(network, np.zeros((0, 2)))
    found = neurobench(network, [[1, 0]])
    assert (found.connection_sparsity, found.dense, found.activation_sparsity) == (0, 0, 0.5)

"""``sweep``: what redundancy buys, for a class a sample and for a class a place."""

import numpy as np
import pytest

from whetstone_lab import keys
from whetstone_lab.simulator import Faults, Network, predict, sweep
from whetstone_lab.simulator.operations import Conv2D, Neurons


def test_redundant_outputs_outlive_lost_spikes():
    """The class is given; what is measured is how long its key is recognised."""
    labels = np.random.default_rng(0).integers(0, 10, 300)
    accuracy = {}
    for width in (10, 100):
        key = keys.make_key(10, width)
        accuracy[width] = sweep(Network((width,), [Neurons()], key=key), keys.encode(labels, key), labels, "lost",
                                [0.0, 0.2, 0.4])
    assert accuracy[10].shape == (3, 3)
    assert (accuracy[10][0] == 1).all()
    assert (accuracy[100] > 0.99).all()
    # A single neuron speaks for its class, or nobody does and the lowest class wins.
    np.testing.assert_allclose(accuracy[10][2], 0.6 + 0.4 * 0.1, atol=0.1)


def test_a_class_for_each_place_is_scored_place_by_place():
    network = Network((3, 3, 1), [Neurons(0.5), Conv2D(np.float32([[[[0, 1]]]]), [0.5, 0])])
    x = np.random.default_rng(0).random((4, 3, 3, 1))
    labels = (x[..., 0] >= 0.5).astype(int)
    whole, dead = sweep(network, x, labels, "dead", [0.0, 1.0], seeds=1)[:, 0]
    assert (whole, dead) == (1.0, (labels == 0).mean())
    some = sweep(network, x, labels, "lost", [0.5], seeds=2, faults=Faults(seed=3))[0]
    assert some.tolist() == [(predict(network, x, faults=Faults(lost=0.5, seed=seed)) == labels).mean()
                             for seed in (3, 4)]


@pytest.mark.parametrize(("labels", "fault", "words"), [
    (np.zeros(5, int), "seed", r"a fault among .*'dead'.*; got 'seed'"),
    (np.zeros((5, 3), int), "dead", r"integer labels of shape \(5,\), .*; got shape \(5, 3\)"),
])
def test_what_cannot_be_swept_is_refused(labels, fault, words):
    network = Network((2,), [Neurons()], key=[[1, 0], [0, 1]])
    with pytest.raises(ValueError, match=words):
        sweep(network, np.ones((5, 2)), labels, fault, [1])


def test_a_column_of_labels_is_swept_as_a_row_is():
    network, x, labels = Network((2,), [Neurons()], key=[[1, 0], [0, 1]]), np.eye(2)[[0, 1, 1, 0, 1]], np.arange(5) % 2
    swept = [sweep(network, x, given, "dead", [0, 0.5], seeds=2) for given in (labels, labels[:, None])]
    np.testing.assert_array_equal(*swept)

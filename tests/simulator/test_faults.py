"""``Faults``: each does what it says and no more, the same from run to run."""

import itertools

import numpy as np
import pytest

from whetstone_lab import keys
from whetstone_lab.simulator import Faults, Network, predict, run
from whetstone_lab.simulator.operations import Conv2D, Dense, MaxPool2D, Neurons, Reshape


def network(seed=0):
    rng = np.random.default_rng(seed)
    return Network((8, 8, 1), [Conv2D(rng.normal(size=(3, 3, 1, 8)), rng.normal(size=8)), Neurons(0.25), MaxPool2D(),
                               Reshape(), Dense(rng.normal(size=(72, 40))), Neurons()], key=keys.make_key(4, 40))


X = np.random.default_rng(1).random((50, 8, 8, 1))
ALL = Faults(dead=0.1, stuck=0.05, jitter=0.1, noise=0.2, lost=0.1, bits=4, seed=3)


def same(first, second):
    return all(np.array_equal(getattr(first, name), getattr(second, name))
               for name in ("sample", "step", "layer", "neuron", "votes"))


def test_no_faults_change_nothing():
    assert same(run(network(), X, faults=Faults()), run(network(), X))
    assert Faults(noise=1.0, lost=0.5).damage(whole := network()) is whole


def test_they_are_the_same_from_run_to_run_at_any_batch_size():
    record = run(network(), X, faults=ALL)
    for size in (1, 7, 50):
        assert same(record, run(network(), X, faults=ALL, batch_size=size))
        np.testing.assert_array_equal(predict(network(), X, faults=ALL, batch_size=size), record.classes)
    assert not same(record, run(network(), X, faults=Faults(**{**vars(ALL), "seed": 4})))
    assert not same(record, run(network(), X))


def test_dead_neurons_never_fire_and_stuck_ones_always():
    record = run(network(), X, faults=Faults(dead=0.3, stuck=0.2))
    for layer in range(2):
        rates = record.dense(layer)[:, layer].reshape(50, -1).mean(0)
        assert 0.15 < (rates == 1).mean() < 0.45
        assert (rates == 0).mean() > 0.2
    assert run(network(), X, faults=Faults(dead=1.0)).spikes == 0
    assert run(network(), X, faults=Faults(stuck=1.0)).spikes == 50 * network().neurons


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("reset", ["zero", "subtract"])
def test_neurons_stuck_at_firing_have_finite_potentials_and_are_at_0_after_each_spike(reset, dtype):
    neurons = Neurons(np.array([1.0, 0.5], dtype), leak=0.0, reset=reset)
    record = run(Network((2,), [neurons, Dense(np.eye(2, dtype=dtype)), Neurons(0.5)]), np.full((1, 9, 2), 0.75, dtype),
                 faults=Faults(stuck=1.0), membranes=True)
    assert record.membranes[0].dtype == dtype
    np.testing.assert_array_equal(record.membranes[0][0, :9], 0.75)
    assert record.spikes == 9 * 4


@pytest.mark.parametrize("fault", ["dead", "stuck", "lost"])
def test_more_of_a_fault_hits_the_same_and_others(fault):
    hit = []
    fires = Network((200,), [Neurons(0.5)])
    x = np.full((5, 200), 0.0 if fault == "stuck" else 1.0)
    for share in (0.0, 0.1, 0.3, 1.0):
        changed = run(fires, x, faults=Faults(**{fault: share})).dense(0)[:, 0] != (x >= 0.5)
        assert abs(changed.mean() - share) < 0.08
        hit.append(changed)
    for less, more in itertools.pairwise(hit):
        assert (more | ~less).all()


def test_only_permanent_faults_are_the_same_for_every_sample():
    fires = Network((500,), [Neurons(0.5)])
    x = np.ones((2, 500))
    for fault, alike in (("dead", True), ("lost", False)):
        first, second = run(fires, x, faults=Faults(**{fault: 0.5})).dense(0)[:, 0]
        assert np.array_equal(first, second) is alike


def test_noise_and_jitter_have_the_deviation_asked_for():
    quiet = Network((2000,), [Neurons(0.5)])
    noisy = run(quiet, np.zeros((5, 2000)), membranes=True, faults=Faults(noise=0.3)).membranes[0]
    assert abs(noisy.std() - 0.3) < 0.01
    assert abs(noisy.mean()) < 0.02
    thresholds = Faults(jitter=0.2).damage(quiet).nodes[0].operation.threshold
    assert thresholds.shape == (2000,)
    assert abs(thresholds.std() - 0.2) < 0.02
    assert abs(thresholds.mean() - 0.5) < 0.02


@pytest.mark.parametrize("bits", [2, 3, 8])
def test_weights_are_rounded_to_their_bits(bits):
    whole, coarse = network(), Faults(bits=bits).damage(network())
    for before, after in zip(whole.nodes, coarse.nodes, strict=True):
        arrays = before.operation.arrays()
        if "weights" not in arrays:
            continue
        old, new = arrays["weights"], after.operation.weights
        levels = np.unique(np.abs(new))
        assert len(np.unique(new)) <= 2**bits - 1
        assert levels.max() == pytest.approx(np.abs(old).max())
        assert np.abs(new - old).max() <= np.abs(old).max() / (2 ** (bits - 1) - 1) / 2 * (1 + 1e-9)
        if before.operation.bias is not None:
            np.testing.assert_array_equal(after.operation.bias, before.operation.bias)
    assert coarse.dtype == whole.dtype


@pytest.mark.parametrize(("options", "words"), [
    ({"dead": 1.5}, r"dead to be a share in \[0, 1\]; got 1.5"), ({"lost": -0.1}, "lost to be a share"),
    ({"stuck": float("nan")}, "stuck to be a share"), ({"dead": 0.6, "stuck": 0.6}, "at most all"),
    ({"noise": -1}, "noise to be a deviation"), ({"jitter": float("inf")}, "jitter to be a deviation"),
    ({"bits": 1}, "bits to be an integer of at least 2; got 1"), ({"seed": -1}, "seed to be an integer"),
])
def test_what_is_no_fault_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        Faults(**options)

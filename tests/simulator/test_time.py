"""Neurons that remember, inputs step by step, delays and timing, against neurons simulated one by one."""

import numpy as np
import pytest

from whetstone_lab import keys
from whetstone_lab.simulator import Faults, Network, Node, count_operations, encoding, predict, run
from whetstone_lab.simulator.operations import Add, AveragePool2D, Conv2D, Dense, MaxPool2D, Neurons, Reshape

KEY = keys.make_key(2, 6, seed=1)

KINDS = [
    {}, {"leak": 0.0}, {"leak": 0.0, "reset": "subtract"}, {"leak": 0.25, "reset": "subtract", "refractory": 2},
    {"leak": 0.5, "refractory": 1, "delay": 2}, {"delay": 1},
]


def eighths(rng, shape):
    return rng.integers(-4, 8, shape).astype(np.float32) / 8


def chain(kinds, seed=0):
    rng, sizes = np.random.default_rng(seed), (5, 7, 8, 6)
    nodes = []
    for below, above, kind in zip(sizes, sizes[1:], kinds, strict=False):
        nodes += [Dense(eighths(rng, (below, above)), eighths(rng, above)), Neurons(0.5, **kind)]
    return Network((5,), nodes, key=KEY)


def one_by_one(network, train):
    """Events of a sample whose spikes travel as messages: each neuron a potential and a countdown."""
    dense = [node.operation for node in network.nodes if isinstance(node.operation, Dense)]
    layers = [node.operation for node in network.nodes if isinstance(node.operation, Neurons)]
    steps, events = len(train), []
    arriving = [[float(value) for value in values] for values in train]
    for layer, (weights, neurons) in enumerate(zip(dense, layers, strict=True)):
        size = weights.weights.shape[1]
        sent = [[0.0] * size for _ in range(steps)]
        for neuron in range(size):
            potential, wait = 0.0, 0
            for step in range(steps):
                potential *= 1 - neurons.leak
                if wait:
                    wait -= 1
                    continue
                potential += float(weights.bias[neuron])
                potential += sum(arriving[step][i] * float(weights.weights[i, neuron]) for i in range(len(train[0])
                                                                                                    if not layer else
                                                                                                    len(arriving[0])))
                if potential >= float(neurons.threshold):
                    events.append((step + layer, layer, neuron))
                    potential = potential - float(neurons.threshold) if neurons.reset == "subtract" else 0.0
                    wait = neurons.refractory
                    if step + neurons.delay < steps:
                        sent[step + neurons.delay][neuron] = 1.0
        arriving = sent
    return sorted(events)


def events_of(record):
    found = [[] for _ in range(record.samples)]
    for sample, step, layer, neuron in zip(record.sample, record.step, record.layer, record.neuron, strict=True):
        found[sample].append((step, layer, neuron))
    return found


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_spikes_equal_those_of_neurons_simulated_one_by_one(kind):
    for kinds in ([kind] * 3, [{}, kind, {}]):
        network = chain(kinds)
        trains = np.random.default_rng(1).integers(0, 2, (12, 9, 5)).astype(np.float32)
        record = run(network, trains)
        assert record.steps == 9 + 2
        found = events_of(record)  # in order too
        assert found == [one_by_one(network, train) for train in trains]
        assert 0.05 < record.spikes / (12 * 9 * 21) < 0.95


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_batches_and_records_change_nothing(kind):
    network = chain([kind] * 3)
    trains = np.random.default_rng(1).integers(0, 2, (10, 6, 5)).astype(np.float32)
    whole = run(network, trains, membranes=True)
    for size in (1, 3, 10):
        part = run(network, trains, membranes=True, batch_size=size)
        for name in ("sample", "step", "layer", "neuron", "votes"):
            np.testing.assert_array_equal(getattr(whole, name), getattr(part, name))
        for layer, potentials in whole.membranes.items():
            np.testing.assert_array_equal(potentials, part.membranes[layer])
    np.testing.assert_array_equal(run(network, trains, record="votes").votes, whole.votes)
    np.testing.assert_array_equal(predict(network, trains), whole.classes)
    # The votes of all steps add up.
    spikes = whole.dense(2)[:, 2:]
    np.testing.assert_array_equal(whole.votes, keys.votes(spikes, KEY).sum(1))
    if kind.get("refractory", 0) == 0:
        for layer in range(3):
            potential = whole.membranes[layer][:, layer : layer + 6]
            np.testing.assert_array_equal(whole.dense(layer)[:, layer : layer + 6], potential >= 0.5)


def test_a_step_a_layer_or_all_in_one_give_the_same_spikes_at_other_times():
    network = chain(KINDS[1:4])
    trains = np.random.default_rng(2).integers(0, 2, (8, 5, 5)).astype(np.float32)
    wave, instant = run(network, trains, membranes=True), run(network, trains, membranes=True, timing="instant")
    assert (wave.steps, instant.steps) == (7, 5)
    for layer in range(3):
        np.testing.assert_array_equal(wave.dense(layer)[:, layer : layer + 5], instant.dense(layer))
        np.testing.assert_array_equal(wave.membranes[layer][:, layer : layer + 5], instant.membranes[layer])
    order = np.lexsort((instant.neuron, instant.layer, instant.step, instant.sample))
    np.testing.assert_array_equal(order, np.arange(instant.spikes))
    np.testing.assert_array_equal(wave.votes, instant.votes)
    single = run(chain([{}] * 3), trains[:, 0], timing="instant")
    assert single.steps == 1
    assert set(single.step) == {0}


def test_a_pipeline_takes_a_new_sample_every_step():
    """Neurons that forget treat the steps of one train as they treat samples alone, each layer a step later."""
    network = chain([{}] * 3)
    samples = np.random.default_rng(3).random((20, 5))
    alone, stream = run(network, samples), run(network, samples[None])
    assert stream.samples == 1
    assert stream.steps == 20 + 2
    for layer in range(3):
        np.testing.assert_array_equal(stream.dense(layer)[0, layer : layer + 20], alone.dense(layer)[:, layer])
    np.testing.assert_array_equal(stream.votes[0], alone.votes.sum(0))


def test_one_step_is_one_step():
    network = chain([{"leak": 0.0}] * 3)
    x = np.random.default_rng(4).random((6, 5))
    for other in (x[:, None], encoding.constant_input(x, 1)):
        first, second = run(network, x), run(network, other)
        assert events_of(first) == events_of(second)
        assert first.steps == second.steps == 3


def test_images_remember_place_by_place():
    rng = np.random.default_rng(0)
    network = Network((6, 6, 1), [
        Conv2D(eighths(rng, (3, 3, 1, 4)), padding="same"), Neurons([0.5, 1, 0.25, 2], leak=0.5, reset="subtract"),
        MaxPool2D(), Conv2D(eighths(rng, (2, 2, 4, 4))), AveragePool2D(), Neurons(leak=0.0), Reshape(),
        Dense(eighths(rng, (4, 6))), Neurons()], key=KEY)
    trains = encoding.poisson(rng.random((4, 6, 6, 1)), 8)
    record = run(network, trains)
    # Each step alone, and the dynamics by hand.
    values = trains.astype(np.float32)
    for node in network.nodes:
        operation = node.operation
        if not isinstance(operation, Neurons):
            values = np.stack([operation.apply(values[:, step]) for step in range(8)], axis=1)
            continue
        potential, fired = np.zeros_like(values[:, 0]), []
        for step in range(8):
            potential = potential * np.float32(1 - operation.leak) + values[:, step]
            fired.append(potential >= operation.threshold)
            left = potential - operation.threshold if operation.reset == "subtract" else 0
            potential = np.where(fired[-1], left, potential).astype(np.float32)
        values = np.stack(fired, axis=1).astype(np.float32)
        offset = network.steps[node.name]
        np.testing.assert_array_equal(record.dense(node.name)[:, offset : offset + 8], values)


def test_where_paths_meet_spikes_of_one_step_meet():
    eye = np.eye(2, dtype=np.float32)
    network = Network((2,), [
        Node("early", Neurons(), ("input",)), Node("w", Dense(eye[::-1]), ("early",)), Node("late", Neurons(), ("w",)),
        Node("sum", Add(), ("early", "late")), Node("both", Neurons(2), ("sum",))])
    record = run(network, [[[1, 1], [1, 0], [0, 1]]])
    assert record.dense("both")[0].tolist() == [[False] * 2] * 2 + [[True] * 2] + [[False] * 2] * 2


def test_integrators_code_a_value_in_their_rate():
    """What reset by subtraction is for: over T steps, a current of c makes floor(c T / threshold) spikes."""
    currents = np.linspace(0, 1, 33, dtype=np.float32)[None]
    record = run(Network((33,), [Neurons(1.0, leak=0.0, reset="subtract")]), encoding.constant_input(currents, 64))
    np.testing.assert_array_equal(record.dense(0).sum(1), np.floor(currents * 64))
    lossy = run(Network((33,), [Neurons(1.0, leak=0.0)]), encoding.constant_input(currents, 64))
    assert (lossy.dense(0).sum(1) < np.floor(currents * 64)).sum() > 10


def test_lost_spikes_and_noise_come_at_every_step_anew():
    fires = Network((400,), [Neurons(0.5)])
    trains = encoding.constant_input(np.ones((2, 400)), 5)
    kept = run(fires, trains, faults=Faults(lost=0.25)).dense(0)
    np.testing.assert_allclose(kept.mean(2), 0.75, atol=0.08)
    assert (kept[:, 0] != kept[:, 1]).any()
    noisy = run(fires, 0 * trains, membranes=True, faults=Faults(noise=0.2)).membranes[0]
    assert abs(noisy.std() - 0.2) < 0.01
    # Noise is looked at, not remembered.
    integrator = Network((400,), [Neurons(100.0, leak=0.0)])
    later = run(integrator, 0 * trains, membranes=True, faults=Faults(noise=0.2)).membranes[0]
    np.testing.assert_allclose(later.std((0, 2)), 0.2, atol=0.03)


def test_counts_over_time_are_those_of_its_steps():
    network = chain([{"leak": 0.0, "delay": 1}, {}, {"refractory": 1}])
    trains = np.random.default_rng(1).integers(0, 2, (6, 7, 5)).astype(np.float32)
    found, record = count_operations(network, trains, batch_size=4), run(network, trains)
    np.testing.assert_array_equal(found.spikes, record.counts().sum(1))
    # The delayed spikes of the last step reach nobody.
    first = record.dense(0)[:, :6].sum((1, 2))
    np.testing.assert_array_equal(found.synaptic_operations,
                                  trains.sum((1, 2)) * 7 + first * 8 + record.counts()[:, 1] * 6)
    assert found.latency == record.steps == 9


def test_a_file_keeps_how_neurons_remember(tmp_path):
    network = chain(KINDS[2:5])
    again = Network.load(network.save(tmp_path / "net.npz"))
    trains = np.random.default_rng(1).integers(0, 2, (3, 7, 5))
    assert events_of(run(again, trains)) == events_of(run(network, trains))


def test_biases_that_add_up_stay_where_they_are():
    moved = chain([{"leak": 0.5}, {"refractory": 1, "delay": 1}, {}]).absorb_biases()
    assert [node.operation.bias is None for node in moved.nodes if isinstance(node.operation, Dense)] == [
        False, True, True]
    assert moved.nodes[3].operation.refractory == 1
    trains = np.random.default_rng(1).integers(0, 2, (5, 7, 5))
    assert events_of(run(moved, trains)) == events_of(run(chain([{"leak": 0.5}, {"refractory": 1, "delay": 1}, {}]),
                                                          trains))


@pytest.mark.parametrize(("make", "words"), [
    (lambda: Neurons(leak=1.5), r"leak to be a share in \[0, 1\]; got 1.5"),
    (lambda: Neurons(leak="no"), "leak to be a share"),
    (lambda: Neurons(reset="half"), "reset to be 'zero' or 'subtract'; got 'half'"),
    (lambda: Neurons(refractory=-1), "refractory to hold integers of at least 0"),
    (lambda: Neurons(delay=1.5), "delay to hold integers"),
    (lambda: run(chain([{}] * 3), np.zeros((2, 0, 5))), r"inputs of shape \(samples, 5\)"),
    (lambda: run(chain([{}] * 3), np.zeros((2, 3, 3, 5))), r"inputs of shape \(samples, 5\)"),
    (lambda: run(chain([{}] * 3), np.zeros((2, 5)), timing="late"), "timing to be one of"),
])
def test_bad_input_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()

"""``run``: spikes against neurons simulated one by one, what is recorded, and what is refused."""

import gc
import json
import tracemalloc
import weakref

import numpy as np
import pytest
from fresh import run_fresh

from whetstone_lab import keys
from whetstone_lab.simulator import Network, Node, evaluate, predict, run
from whetstone_lab.simulator.operations import Add, Conv2D, Dense, MaxPool2D, Neurons, Reshape

KEY = keys.make_key(3, 12, seed=1)


def quarters(rng, shape):
    return rng.integers(-4, 5, shape).astype(np.float32) / 4


def mlp(seed=0, thresholds=(0.5, 0.0, 0.5)):
    rng = np.random.default_rng(seed)
    sizes = (10, 16, 14, 12)
    nodes = []
    for below, above, threshold in zip(sizes, sizes[1:], thresholds, strict=False):
        nodes += [Dense(quarters(rng, (below, above)), quarters(rng, above)), Neurons(threshold)]
    return Network((10,), nodes, key=KEY)


def convnet(seed=0):
    rng = np.random.default_rng(seed)
    return Network((6, 6, 2), [Conv2D(quarters(rng, (3, 3, 2, 4)), quarters(rng, 4), padding="same"), Neurons(),
                               MaxPool2D(), Reshape(), Dense(quarters(rng, (36, 12))), Neurons()], key=KEY)


def one_by_one(network, x):
    """Every neuron an object with a potential, every spike a message, one time step after the other."""
    dense = [node.operation for node in network.nodes if isinstance(node.operation, Dense)]
    thresholds = [float(node.operation.threshold) for node in network.nodes if isinstance(node.operation, Neurons)]
    events, arriving = [], [(i, float(value)) for i, value in enumerate(x)]
    for step, (layer, threshold) in enumerate(zip(dense, thresholds, strict=True)):
        potential = [float(b) for b in layer.bias]
        for source, strength in arriving:
            for neuron in range(layer.weights.shape[1]):
                potential[neuron] += strength * float(layer.weights[source, neuron])
        fired = [neuron for neuron, value in enumerate(potential) if value >= threshold]
        events += [(step, step, neuron) for neuron in fired]
        arriving = [(neuron, 1.0) for neuron in fired]
    return events


def test_spikes_equal_those_of_neurons_simulated_one_by_one():
    network, rng = mlp(), np.random.default_rng(5)
    x = quarters(rng, (40, 10))
    record = run(network, x)
    found = [[] for _ in x]
    for sample, step, layer, neuron in zip(record.sample, record.step, record.layer, record.neuron, strict=True):
        found[sample].append((step, layer, neuron))
    assert found == [one_by_one(network, sample) for sample in x]
    assert 0 < record.spikes < 40 * 42


def test_potentials_right_on_the_threshold_do_fire():
    network, x = mlp(), quarters(np.random.default_rng(5), (200, 10))
    record = run(network, x, membranes=True)
    for index, threshold in enumerate((0.5, 0.0, 0.5)):
        potential = record.membranes[index][:, index]
        assert (potential == threshold).any()
        np.testing.assert_array_equal(record.dense(index)[:, index], potential >= threshold)


def test_events_are_sorted_and_votes_count_them():
    record = run(convnet(), np.random.default_rng(0).normal(size=(30, 6, 6, 2)), batch_size=7)
    order = np.lexsort((record.neuron, record.layer, record.step, record.sample))
    np.testing.assert_array_equal(order, np.arange(record.spikes))
    assert record.votes.dtype == np.int64
    np.testing.assert_array_equal(record.votes, keys.votes(record.dense(1)[:, 1], KEY))
    assert record.shapes == ((6, 6, 4), (12,))
    assert record.steps == 2
    assert {array.dtype for array in (record.sample, record.step, record.layer, record.neuron)} == {np.dtype(np.int32)}


@pytest.mark.parametrize("batch_size", [1, 3, 29, 30, 1000])
def test_the_batch_size_changes_nothing(batch_size):
    x = quarters(np.random.default_rng(0), (30, 6, 6, 2))
    whole, parts = run(convnet(), x, membranes=True), run(convnet(), x, membranes=True, batch_size=batch_size)
    for name in ("sample", "step", "layer", "neuron", "votes"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))
    for index, membranes in whole.membranes.items():
        np.testing.assert_array_equal(membranes, parts.membranes[index])


def test_votes_alone_are_the_same_votes():
    x = np.random.default_rng(0).normal(size=(30, 10))
    full, votes = run(mlp(), x), run(mlp(), x, record="votes")
    np.testing.assert_array_equal(full.votes, votes.votes)
    assert votes.spikes == 0
    assert votes.layers == full.layers
    np.testing.assert_array_equal(predict(mlp(), x), full.classes)
    np.testing.assert_array_equal(full.classes, keys.decode(full.dense(2)[:, 2], KEY))


def test_classes_that_tie_go_to_the_lowest():
    network = Network((4,), [Neurons()], key=[[1, 1, 0, 0], [0, 0, 1, 1]])
    np.testing.assert_array_equal(predict(network, [[0, 0, 0, 0], [1, 0, 1, 0], [0, 0, 1, 0]]), [0, 0, 1])


def test_membranes_of_some_layers():
    network, x = mlp(), np.ones((2, 10))
    record = run(network, x, membranes=["neurons_2"])
    assert list(record.membranes) == [1]
    assert record.membranes[1].shape == (2, 3, 14)
    assert not record.membranes[1][:, [0, 2]].any()
    assert list(run(network, x, membranes="neurons").membranes) == [0]
    assert run(network, x).membranes == {}
    with pytest.raises(ValueError, match=r"membranes of layers among \['neurons', 'neurons_2', 'neurons_3'\]; got"):
        run(network, x, membranes=["dense"])


def test_where_paths_meet_spikes_wait_and_add_up():
    eye = np.eye(2, dtype=np.float32)
    network = Network((2,), [
        Node("early", Neurons(), ("input",)), Node("w", Dense(eye[::-1]), ("early",)), Node("late", Neurons(), ("w",)),
        Node("sum", Add(), ("early", "late")), Node("both", Neurons(2), ("sum",)),
    ])
    record = run(network, [[1, 1], [1, 0]])
    events = list(zip(record.sample, record.step, record.layer, record.neuron, strict=True))
    assert events == [(0, 0, 0, 0), (0, 0, 0, 1), (0, 1, 1, 0), (0, 1, 1, 1), (0, 2, 2, 0), (0, 2, 2, 1),
                      (1, 0, 0, 0), (1, 1, 1, 1)]
    assert record.votes.shape == (2, 0)
    assert record.classes.shape == (0,)
    assert record.meta["readout"] == "spikes"


def test_an_analog_output_is_kept_as_votes():
    weights = np.float32([[1, 2], [3, -1]])
    network = Network((2,), [Neurons(), Dense(weights, [0.5, 0])], readout="softmax")
    record = run(network, [[1, 0], [1, 1]])
    np.testing.assert_array_equal(record.votes, np.float32([[1.5, 2], [4.5, 1]]))
    np.testing.assert_array_equal(predict(network, [[1, 0], [1, 1]]), [1, 0])
    assert record.meta["readout"] == "softmax"


def test_every_place_of_an_image_may_have_a_class_of_its_own(tmp_path):
    network = Network((3, 3, 1), [Conv2D(np.float32([[[[1, -1]]]]), [0, 1]), Neurons()], key=[[1, 0], [0, 1]])
    x = np.random.default_rng(0).uniform(size=(5, 3, 3, 1))
    record = run(network, x)
    assert record.votes.shape == (5, 3, 3, 2)
    # On the boundary both fire or none, and the lower class wins.
    np.testing.assert_array_equal(predict(network, x), (x[..., 0] < 0.5).astype(int))
    again = type(record).load(record.save(tmp_path / "record.npz"))
    np.testing.assert_array_equal(again.classes, record.classes)


@pytest.mark.parametrize("first", [[], [Neurons()]], ids=["no neurons", "neurons"])
@pytest.mark.parametrize("steps", [1, 3])
def test_places_need_no_key_and_a_network_needs_no_neurons(first, steps, tmp_path):
    conv = Conv2D(quarters(np.random.default_rng(0), (1, 1, 1, 3)), [0, 0.25, 0.5])
    network = Network((4, 5, 1), [*first, conv])
    x = np.random.default_rng(1).integers(0, 5, (6, 4, 5, 1)) / 4
    shown = (x >= 0.5).astype(np.float32) if first else x.astype(np.float32)
    expected = steps * (shown * conv.weights[0, 0, 0] + conv.bias)  # one channel: each filter is a factor
    given = x if steps == 1 else np.repeat(x[:, None], steps, axis=1)
    labels = expected.argmax(-1)
    record = run(network, given, membranes=True, labels=labels, batch_size=4)
    np.testing.assert_array_equal(record.votes, expected)
    np.testing.assert_array_equal(record.classes, labels)
    np.testing.assert_array_equal(predict(network, given, batch_size=4), labels)
    assert record.spikes == (steps * shown.sum() if first else 0)
    assert list(record.membranes) == list(range(len(first)))
    assert predict(network, given[:0]).shape == (0, 4, 5)
    again = type(record).load(record.save(tmp_path / "record.npz"))
    for name in ("votes", "classes", "labels", "neuron"):
        np.testing.assert_array_equal(getattr(again, name), getattr(record, name))
    np.testing.assert_array_equal(again.select([2]).classes[0], labels[2])


def test_labels_of_samples_are_taken_beside_classes_of_places():
    network = Network((2, 2, 1), [Neurons(), Conv2D(np.ones((1, 1, 1, 3)))])
    assert run(network, np.ones((5, 2, 2, 1)), labels=np.arange(5)).labels.tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match=r"labels of shape \(5,\) or \(5, 2, 2\), .*; got shape \(5, 2\)"):
        run(network, np.ones((5, 2, 2, 1)), labels=np.zeros((5, 2), int))


def test_values_are_kept_but_decide_nothing():
    network = Network((2,), [Dense(np.float32([[1, 2], [3, -1]]))], readout="values")
    record = run(network, [[1, 0], [1, 1]])
    assert record.votes.tolist() == [[1, 2], [4, 1]]
    assert record.classes.shape == (0,)
    assert record.meta["readout"] == "values"
    with pytest.raises(ValueError, match="the output values of this one stand for no classes"):
        predict(network, [[1, 0]])


def test_inputs_of_any_number_type_are_taken():
    network = mlp()
    x = np.random.default_rng(0).integers(0, 3, (20, 10))
    expected = run(network, x)
    for dtype in (np.uint8, np.float16, np.float32, np.float64):
        np.testing.assert_array_equal(run(network, x.astype(dtype)).votes, expected.votes)
    np.testing.assert_array_equal(run(network, x.tolist()).votes, expected.votes)
    np.testing.assert_array_equal(run(network, x > 1).votes, run(network, (x > 1).astype(int)).votes)


def test_the_inputs_are_not_written_to():
    x = np.random.default_rng(0).normal(size=(6, 6, 6, 2)).astype(np.float32)
    before = x.copy()
    run(convnet(), x, membranes=True)
    np.testing.assert_array_equal(x, before)


def test_no_samples_give_an_empty_record():
    record = run(convnet(), np.zeros((0, 6, 6, 2)), membranes=True, labels=np.zeros(0, int))
    assert record.samples == record.spikes == 0
    assert record.votes.shape == (0, 3)
    assert predict(convnet(), np.zeros((0, 6, 6, 2))).shape == (0,)


def test_labels_are_kept():
    record = run(mlp(), np.zeros((3, 10)), labels=[0, 2, 1])
    np.testing.assert_array_equal(record.labels, [0, 2, 1])
    assert record.labels.dtype.kind == "i"


@pytest.mark.parametrize(("options", "words"), [
    ({"inputs": np.zeros((2, 9))}, r"inputs of shape \(samples, 10\); got \(2, 9\)"),
    ({"inputs": np.zeros(10)}, r"got \(10,\)\. Give a single sample as inputs\[None\]"),
    ({"inputs": 3.0}, r"inputs of shape \(samples, 10\); got \(\)"),
    ({"inputs": np.full((2, 10), np.nan)}, "finite inputs; 20 of 20 values are NaN or infinite"),
    ({"inputs": np.full((2, 10), np.inf)}, "finite inputs"),
    ({"inputs": np.full((2, 10), "a")}, "inputs to be numbers"),
    ({"record": "all"}, r"record to be one of \('events', 'votes'\); got 'all'"),
    ({"batch_size": 0}, "batch_size to be a positive integer; got 0"),
    ({"batch_size": 2.0}, "batch_size to be a positive integer"),
    ({"labels": [1]}, r"integer labels of shape \(2,\), or rows of 3 with a single 1; got shape \(1,\)"),
    ({"labels": [0.5, 1.0]}, "integer labels"),
])
def test_bad_input_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        run(mlp(), **{"inputs": np.zeros((2, 10)), **options})


def test_there_is_nothing_to_predict_without_classes():
    with pytest.raises(ValueError, match="stand for no classes"):
        predict(Network((2,), [Neurons()]), [[0, 1]])


def test_a_bar_shows_how_far_it_is_and_changes_nothing(capsys):
    network, x = mlp(), quarters(np.random.default_rng(3), (9, 2, 10))
    expected = predict(network, x)
    assert capsys.readouterr().err == ""
    np.testing.assert_array_equal(predict(network, x, batch_size=4, progress=True), expected)
    assert "9/9" in capsys.readouterr().err
    assert evaluate(network, x, expected, progress=True) == {"accuracy": 1.0}
    assert "9/9" in capsys.readouterr().err
    np.testing.assert_array_equal(run(network, x, progress=True).classes, expected)
    shown = capsys.readouterr()
    assert "9/9" in shown.err
    assert shown.out == ""


def test_more_samples_take_no_more_memory():
    network = Network((32, 32, 3), [Conv2D(np.ones((3, 3, 3, 4), np.float32)), Neurons(), MaxPool2D(30), Reshape(),
                                    Dense(np.ones((4, 2), np.float32))])
    x = np.ones((400, 32, 32, 3), np.uint8)
    peaks = []
    for count in (40, 400):
        tracemalloc.start()
        predict(network, x[:count], batch_size=20)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0] < 4 * x.nbytes  # which all of them would take as floats


def test_a_fresh_process_runs_a_saved_network_without_keras(tmp_path):
    network, x = convnet(), quarters(np.random.default_rng(3), (9, 6, 6, 2))
    network.save(tmp_path / "net.npz")
    np.save(tmp_path / "x.npy", x)
    code = """
import json, sys
import numpy as np
from whetstone_lab.simulator import Network, run
record = run(Network.load(sys.argv[1]), np.load(sys.argv[2]))
heavy = [name for name in ("keras", "tensorflow", "torch", "jax", "matplotlib", "ipywidgets") if name in sys.modules]
print(json.dumps([heavy, record.neuron.tolist(), record.classes.tolist()]))
"""
    ran = run_fresh(code, tmp_path / "net.npz", tmp_path / "x.npy", loaded="numpy")
    assert ran.returncode == 0, ran.stderr
    heavy, neuron, classes = json.loads(ran.stdout)
    assert heavy == []
    expected = run(network, x)
    assert neuron == expected.neuron.tolist()
    assert classes == expected.classes.tolist()


def test_a_million_neurons_and_a_hundred_million_synapses_take_little_memory():
    code = """
import resource
import numpy as np
from whetstone_lab.simulator import Network, operations, run
weights = np.random.default_rng(0).normal(size=(10, 10, 1, 1)).astype(np.float32)
network = Network((1009, 1009, 1), [operations.Conv2D(weights), operations.Neurons()])
x = np.random.default_rng(1).random((1, 1009, 1009, 1), np.float32)
record = run(network, x)
window = (x[0, 500:510, 700:710, 0].astype(np.float64) * weights[:, :, 0, 0]).sum()
fired = bool(record.dense(0)[0, 0, 500, 700, 0]) == (window >= 0.5)
print(network.neurons, network.synapses, fired, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
"""
    ran = run_fresh(code, loaded="numpy")
    assert ran.returncode == 0, ran.stderr
    neurons, synapses, fired, megabytes = ran.stdout.split()
    assert (int(neurons), int(synapses), fired) == (10**6, 10**8, "True")
    assert int(megabytes) < 2000


def test_a_network_that_is_gone_leaves_no_memory_behind():
    network = mlp()
    run(network, np.zeros((1, 10)))
    gone = [weakref.ref(network), weakref.ref(network.nodes[0].operation.weights)]
    del network
    gc.collect()
    assert [reference() for reference in gone] == [None, None]

"""``Readout``: what it scores and decides, against the definition over single outputs."""

import numpy as np
import pytest

from whetstone_lab import keys
from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.simulator import Network, Readout, accuracy, predict, run
from whetstone_lab.simulator.operations import Dense, Neurons, Reshape, Scale
from whetstone_lab.simulator.readouts import READOUTS

KEY = keys.make_key(3, 7, seed=2)


@pytest.mark.parametrize("places", [(), (4,), (2, 3)])
@pytest.mark.parametrize("steps", [1, 3])
def test_a_key_scores_by_agreements_less_disagreements(places, steps):
    readout = Readout.of("out", (*places, 7), spiking=True, key=KEY)
    spikes = np.random.default_rng(0).integers(0, 2, (5 * steps, *places, 7)).astype(np.float32)
    votes = readout.score(spikes, steps)
    assert votes.shape == readout.empty(5).shape == (5, *places, 3)
    agree = (spikes[..., None, :] == KEY).sum(-1) - (spikes[..., None, :] != KEY).sum(-1)
    expected = agree.reshape(5, steps, *places, 3).sum(1)
    np.testing.assert_array_equal(votes, expected)
    assert readout.empty(5).dtype == np.int64
    decided = readout.decide(votes)
    assert decided.shape == (5, *places)
    for place in np.ndindex(decided.shape):
        assert decided[place] == min(c for c in range(3) if expected[place][c] == expected[place].max())
    assert (readout.places, readout.columns, readout.decides) == (places, 3, True)


@pytest.mark.parametrize("kind", ["linear", "softmax"])
def test_the_largest_analog_output_wins_and_the_lowest_class_on_a_tie(kind):
    readout = Readout.of("out", (3,), spiking=False, kind=kind)
    output = np.float32([[1, 3, 2], [2, 2, 1], [0, 0, 0], [-3, -5, -1]])
    assert readout.score(output) is output  # no copy, no softmax
    np.testing.assert_array_equal(readout.decide(output), [1, 0, 0, 2])
    np.testing.assert_array_equal(readout.decide(readout.score(output, 2)), [1, 2])


def test_values_and_bare_spikes_decide_nothing():
    values, spikes = Readout.of("out", (3,), False, "values"), Readout.of("out", (2, 3), True)
    assert (values.decides, spikes.decides) == (False, False)
    assert (values.columns, spikes.columns) == (3, 0)
    assert values.score(np.ones((4, 3), np.float32), 2).tolist() == [[2, 2, 2], [2, 2, 2]]
    assert spikes.score(np.ones((4, 2, 3), np.float32), 2).shape == spikes.empty(2).shape == (2, 0)
    for readout in (values, spikes):
        assert readout.decide(readout.empty(4)).shape == (0,)
        assert readout.places == ()


def test_without_being_told_it_follows_the_output():
    assert Readout.of("out", (7,), True, key=KEY).kind == "key"
    assert Readout.of("out", (7,), True).kind == "spikes"
    assert Readout.of("out", (7,), False).kind == "linear"
    assert set(READOUTS) == {"key", "spikes", "linear", "softmax", "logit", "sigmoid", "values"}


def test_a_single_value_is_a_column_of_its_own():
    network = Network((1,), [Scale(2.0), Reshape(())])
    assert network.output_shape == ()
    assert run(network, [[1.0], [3.0]]).votes.tolist() == [[2.0], [6.0]]
    assert predict(network, [[1.0], [3.0]]).tolist() == [0, 0]


@pytest.mark.parametrize("network", [
    Network((4,), [Neurons()], key=[[1, 1, 0, 0], [0, 0, 1, 1]]),
    Network((4,), [Dense(np.eye(4)[:, :3])], readout="softmax"),
])
def test_a_network_predicts_and_records_what_its_head_says(network):
    x = np.random.default_rng(0).random((20, 4))
    output = x.astype(network.dtype)
    for node in network.nodes:
        output = node.operation.apply(output)
    votes = network.head.score(output)
    np.testing.assert_array_equal(run(network, x).votes, votes)
    np.testing.assert_array_equal(run(network, x).classes, network.head.decide(votes))
    np.testing.assert_array_equal(predict(network, x), network.head.decide(votes))


def test_labels_are_checked_against_the_places():
    readout = Readout.of("out", (2, 3, 4), spiking=False)
    for shape in ((5,), (5, 2, 3)):
        assert readout.check_labels(np.zeros(shape, np.uint8), 5).shape == shape
    assert readout.check_labels(None, 5).shape == (0,)
    for wrong in (np.zeros((5, 3, 2), int), np.zeros(4, int), np.zeros(5)):
        with pytest.raises(ValueError, match=r"shape \(5,\) or \(5, 2, 3\), or rows of 4 with a single 1; got"):
            readout.check_labels(wrong, 5)


def test_labels_of_classes_may_be_columns_or_rows_with_a_single_one():
    heads = [Readout.of("out", (3,), False), Readout.of("out", (3,), False, "softmax"),
             Readout.of("out", (4,), True, key=[[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 0, 1]])]
    hot = np.eye(3, dtype=np.float32)[[2, 0]]
    for head in heads:
        for labels in ([2, 0], [[2], [0]], hot, hot.astype(int), hot.astype(bool)):
            assert head.check_labels(labels, 2).tolist() == [2, 0]
        for wrong in ([[1, 1, 0], [0, 0, 1]], [[0, 0, 0], [0, 0, 1]], [[0.5, 0.5, 0], [0, 0, 1]], [2.0, 0.0]):
            with pytest.raises(ValueError, match="rows of 3 with a single 1; got"):
                head.check_labels(wrong, 2)
    places = Readout.of("out", (2, 3), False)
    for labels in ([[2, 0]], [[[2], [0]]], [hot]):
        assert places.check_labels(labels, 1).tolist() == [[2, 0]]
    assert Readout.of("out", (1,), False).check_labels([[1], [1]], 2).tolist() == [1, 1]


def test_labels_of_spikes_may_be_spikes(tmp_path):
    for true in (np.eye(3, dtype=np.float32), np.eye(3, dtype=bool)):
        path = run(Network((3,), [Neurons()]), np.eye(3), labels=true).save(tmp_path / "record.npz")
        np.testing.assert_array_equal(SpikeRecord.load(path).labels, true)
    spikes = Readout.of("out", (3,), True)
    for labels in (np.eye(3, dtype=np.float32), np.eye(3, dtype=int), np.arange(3)):
        np.testing.assert_array_equal(spikes.check_labels(labels, 3), labels)
        assert spikes.measure(np.zeros((3, 0)), labels) == {}
    with pytest.raises(ValueError, match=r"shape \(3,\), or numbers of shape \(3, 3\); got"):
        spikes.check_labels(np.zeros((3, 2)), 3)


def test_accuracy_is_the_share_of_right_decisions():
    assert accuracy([1, 2, 3, 4], [1, 2, 0, 0]) == 0.5
    assert accuracy([[1, 2], [3, 4]], [[1, 0], [3, 4]]) == 0.75
    for decided, labels in (([1, 2], [1]), ([[1, 2]], [1, 2]), ([], [])):
        with pytest.raises(ValueError, match="a label for each decision, and at least one"):
            accuracy(decided, labels)


@pytest.mark.parametrize("kind", ["logit", "sigmoid"])
@pytest.mark.parametrize(("shape", "places"), [((1,), ()), ((3,), (3,)), ((2, 3, 1), (2, 3))])
def test_a_logit_votes_for_no_and_for_yes_and_a_tie_is_a_no(kind, shape, places):
    readout = Readout.of("out", shape, False, kind, threshold=0.5)
    output = np.random.default_rng(0).integers(-2, 4, (8, *shape)).astype(np.float32) / 2
    votes = readout.score(output)
    flat = output.reshape(8, *places)
    np.testing.assert_array_equal(readout.decide(votes), flat > 0.5)
    assert (flat == 0.5).any()
    np.testing.assert_array_equal(votes, np.stack([0.5 - flat, flat - 0.5], -1))
    assert readout.empty(8).shape == votes.shape
    assert (readout.places, readout.columns, readout.decides) == (places, 2, True)
    np.testing.assert_array_equal(readout.score(output, 2), votes.reshape(4, 2, *places, 2).sum(1))


def test_a_logit_a_hair_from_its_threshold_is_decided_exactly():
    for threshold in (0.0, 0.5):
        at = np.float32(threshold)
        output = np.array([np.nextafter(at, -9, dtype=np.float32), at, np.nextafter(at, 9, dtype=np.float32)])
        readout = Readout.of("out", (1,), False, "logit", threshold=threshold)
        assert readout.decide(readout.score(output[:, None])).tolist() == [0, 0, 1]


def test_a_threshold_is_for_logits_only():
    for kind, threshold in (("linear", 0.5), ("logit", np.inf), (None, 1.0)):
        with pytest.raises(ValueError, match="threshold for a readout among"):
            Readout.of("out", (2,), False, kind, threshold=threshold)


def test_labels_of_yes_or_no_are_zeros_and_ones_of_any_type():
    one, places = Readout.of("out", (1,), False, "logit"), Readout.of("out", (2, 3, 1), False, "sigmoid")
    for labels in ([0, 1, 1], [0.0, 1.0, 1.0], [False, True, True], [[0], [1], [1]]):
        assert one.check_labels(labels, 3).tolist() == [0, 1, 1]
    assert places.check_labels(np.ones((5, 2, 3, 1)), 5).shape == (5, 2, 3)
    for wrong in ([0, 1, 2], [-1, 1, 1], [0.5, 0, 1], ["0", "1", "1"]):
        with pytest.raises(ValueError, match="labels of 0 and 1"):
            one.check_labels(wrong, 3)
    with pytest.raises(ValueError, match="got shape"):
        one.check_labels([0, 1], 3)


def test_each_kind_is_measured_by_what_suits_it():
    key = Readout.of("out", (2,), True, key=[[1, 0], [0, 1]])
    assert key.measure(np.array([[2, -2], [2, -2]]), [0, 1]) == {"accuracy": 0.5}
    assert Readout.of("out", (2,), False, "logit").measure(
        np.float32([[[-1, 1], [1, -1]]]), [[1, 1]]) == {"accuracy": 0.5}
    values = Readout.of("out", (2,), False, "values")
    assert values.measure(np.float32([[1, 2]]), [[0.0, 4.0]]) == {"mean_absolute_error": 1.5, "mean_squared_error": 2.5}
    assert Readout.of("out", (2,), True).measure(np.zeros((3, 0)), [1, 2, 3]) == {}
    for votes, labels in ((np.zeros((2, 2)), [0, 1]), (np.zeros((0, 2)), np.zeros((0, 2)))):
        with pytest.raises(ValueError, match="a true value for each value"):
            values.measure(votes, labels)
    with pytest.raises(ValueError, match="or numbers of shape"):
        values.check_labels(np.zeros((2, 3)), 2)


def test_an_output_without_values_is_refused():
    for kind in ("linear", "logit", "values"):
        with pytest.raises(ValueError, match="at least one value; node 'out' has shape"):
            Readout.of("out", (3, 0), False, kind)
    assert Readout.of("out", (3, 0), True).kind == "spikes"

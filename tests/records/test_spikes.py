"""``SpikeRecord``: its views of the events, and that a file gives back the same record."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whetstone_lab.records import archive
from whetstone_lab.records.archive import ArchiveError
from whetstone_lab.simulator import SpikeRecord

SHAPES = ((2, 2, 3), (5,))


def record(seed=0, samples=4, membranes=True):
    rng = np.random.default_rng(seed)
    fired = [rng.random((samples, 2, size)) < 0.4 for size in (12, 5)]
    events = sorted((s, t, layer, n) for layer, spikes in enumerate(fired) for s, t, n in np.argwhere(spikes).tolist())
    sample, step, layer, neuron = np.array(events, np.int32).reshape(-1, 4).T
    kept = {1: rng.normal(size=(samples, 2, 5)).astype(np.float32)} if membranes else {}
    return SpikeRecord(("first", "second"), SHAPES, 2, sample, step, layer, neuron, rng.normal(size=(samples, 3)),
                       rng.integers(-5, 6, (samples, 3)), rng.integers(0, 3, samples), kept, {"note": "made up"}), fired


def assert_same(one, other):
    for name in ("sample", "step", "layer", "neuron", "inputs", "votes", "labels", "classes"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert (one.layers, one.shapes, one.steps, one.meta) == (other.layers, other.shapes, other.steps, other.meta)
    assert one.membranes.keys() == other.membranes.keys()
    for index, values in one.membranes.items():
        np.testing.assert_array_equal(values, other.membranes[index])


def test_dense_and_counts_show_the_events():
    shown, fired = record()
    for index, name in enumerate(shown.layers):
        expected = fired[index].reshape(4, 2, *SHAPES[index])
        np.testing.assert_array_equal(shown.dense(index), expected)
        np.testing.assert_array_equal(shown.dense(name), expected)
        np.testing.assert_array_equal(shown.counts()[:, index], fired[index].sum((1, 2)))
    assert shown.sizes == (12, 5)
    assert shown.spikes == sum(spikes.sum() for spikes in fired)
    assert repr(shown) == f"SpikeRecord(4 samples, 2 steps, 2 layers, {shown.spikes} spikes)"


def test_the_latency_is_when_the_last_layer_falls_silent():
    shown, fired = record()
    fired[1][2] = False  # the second layer never fires for this sample
    kept = (shown.layer != 1) | (shown.sample != 2)
    shown.sample, shown.step, shown.layer, shown.neuron = (
        values[kept] for values in (shown.sample, shown.step, shown.layer, shown.neuron))
    by_hand = [max((step + 1 for step in range(2) if fired[1][sample, step].any()), default=0) for sample in range(4)]
    assert by_hand[2] == 0 < max(by_hand)
    assert shown.latency.tolist() == by_hand
    assert shown.select([]).latency.shape == (0,)


def with_votes(votes, classes=None, labels=None):
    shown, _ = record()
    return replace(shown, votes=votes, classes=classes, labels=shown.labels if labels is None else labels)


def test_unless_told_the_most_votes_decide_and_the_lowest_class_on_a_tie():
    shown = with_votes(np.array([[1, 3, 2], [2, 2, 1], [0, 0, 0], [-3, -5, -1]]))
    np.testing.assert_array_equal(shown.classes, [1, 0, 0, 2])
    assert with_votes(np.zeros((4, 0))).classes.shape == (0,)
    assert with_votes(np.zeros((4, 2, 5, 3))).classes.shape == (4, 2, 5)


def test_what_was_decided_is_kept_whatever_the_votes_say(tmp_path):
    logit = with_votes(np.array([[-1.5], [0.5], [2.0], [-0.1]]), classes=np.array([0, 1, 1, 0]))
    values = with_votes(np.ones((4, 3)), classes=np.zeros(0, np.int64))
    places = np.random.default_rng(0).integers(0, 3, (4, 2, 5))
    image = with_votes(np.zeros((4, 2, 5, 3)), classes=places, labels=places[:, ::-1])
    for shown in (logit, values, image):
        for again in (SpikeRecord.load(shown.save(tmp_path / "record.npz")), shown.select(range(4))):
            assert_same(again, shown)
    assert logit.select([2, 0]).classes.tolist() == [1, 0]
    assert values.select([2, 0]).classes.shape == (0,)


def test_a_file_that_does_not_say_what_was_decided_is_read_by_its_votes(tmp_path):
    shown, _ = record()
    path = archive.write(tmp_path / "record.npz", "whetstone_lab.spike_record", 1, HEADER, arrays_of(shown))
    np.testing.assert_array_equal(SpikeRecord.load(path).classes, shown.votes.argmax(-1))


def test_layers_it_does_not_have_are_refused():
    shown, _ = record()
    with pytest.raises(KeyError, match="third"):
        shown.dense("third")
    with pytest.raises(IndexError, match="from 0 to 1; got 2"):
        shown.dense(2)


@pytest.mark.parametrize("chosen", [[2], [3, 0], [1, 1, 1], [], 2, np.array([0, 1, 2, 3])])
def test_selecting_samples_keeps_what_belongs_to_them(chosen, tmp_path):
    shown, fired = record()
    part = shown.select(chosen)
    rows = np.atleast_1d(np.array(chosen, int))
    assert part.samples == len(rows)
    for index in (0, 1):
        np.testing.assert_array_equal(part.dense(index).reshape(len(rows), 2, part.sizes[index]), fired[index][rows])
    np.testing.assert_array_equal(part.votes, shown.votes[rows])
    np.testing.assert_array_equal(part.labels, shown.labels[rows])
    np.testing.assert_array_equal(part.membranes[1], shown.membranes[1][rows])
    assert_same(SpikeRecord.load(part.save(tmp_path / "part.npz")), part)


@pytest.mark.parametrize("chosen", [[4], [-1], [0.5], [[0]], [True]])
def test_samples_it_does_not_have_are_refused(chosen):
    with pytest.raises(IndexError, match="sample numbers from 0 to 3"):
        record()[0].select(chosen)


@pytest.mark.parametrize("membranes", [True, False])
def test_a_file_gives_back_the_same_record(membranes, tmp_path):
    shown, _ = record(membranes=membranes)
    assert_same(SpikeRecord.load(shown.save(tmp_path / "record.npz")), shown)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), samples=st.integers(0, 5))
def test_any_record_survives_a_file(seed, samples, tmp_path_factory):
    shown, _ = record(seed, samples)
    assert_same(SpikeRecord.load(shown.save(tmp_path_factory.mktemp("record") / "record.npz")), shown)


def arrays_of(shown):
    return {"sample": shown.sample, "step": shown.step, "layer": shown.layer, "neuron": shown.neuron,
            "inputs": shown.inputs, "votes": shown.votes, "labels": shown.labels, "membrane_1": shown.membranes[1]}


HEADER = {"layers": ["first", "second"], "shapes": [[2, 2, 3], [5]], "steps": 2, "meta": {}, "membranes": [1]}


@pytest.mark.parametrize("header", [
    {"layers": None}, {"shapes": [[2]]}, {"shapes": [[2, 2, 3], [0]]}, {"shapes": [3, 4]}, {"steps": 1},
    {"steps": "many"}, {"membranes": [2]}, {"membranes": [0]}, {"membranes": ["x"]}, {"membranes": None}, {"meta": 1},
    {"steps": float("inf")}, {"membranes": [-1]}, {"membranes": [float("inf")]},
    {"shapes": [[2, 2, 3], [float("inf")]]},
])
def test_a_header_that_does_not_fit_is_refused(header, tmp_path):
    shown, _ = record()
    path = archive.write(tmp_path / "record.npz", "whetstone_lab.spike_record", 1, HEADER, arrays_of(shown))
    assert SpikeRecord.load(path).spikes == shown.spikes
    archive.write(path, "whetstone_lab.spike_record", 1, HEADER | header, arrays_of(shown))
    with pytest.raises(ArchiveError, match=r"damaged|expected shape|lacks"):
        SpikeRecord.load(path)


@pytest.mark.parametrize("header", [{"shapes": [[2, 2, 3], [10**30]]}, {"shapes": [[2, 2, 3], [5, 10**9]]},
                                    {"steps": 10**12}, {"steps": -1}])
def test_a_header_that_claims_more_than_memory_holds_is_refused(header, tmp_path):
    arrays = arrays_of(record()[0])
    del arrays["membrane_1"]
    path = archive.write(tmp_path / "record.npz", "whetstone_lab.spike_record", 1, HEADER | {"membranes": []} | header,
                         arrays)
    with pytest.raises(ArchiveError, match="expected at most 268435456 neurons, and as many steps"):
        SpikeRecord.load(path)


@pytest.mark.parametrize(("name", "change"), [
    ("sample", lambda a: a + 1), ("sample", lambda a: -a), ("sample", lambda a: a[::-1]), ("step", lambda a: a + 5),
    ("layer", lambda a: a + 2), ("neuron", lambda a: a + 12), ("neuron", lambda a: a[1:]),
    ("neuron", lambda a: a.astype(float)), ("votes", lambda a: a[1:]), ("votes", lambda a: a[0]),
    ("labels", lambda a: a[1:]), ("inputs", lambda a: a[1:]), ("inputs", lambda a: np.float64(3)),
    ("membrane_1", lambda a: a[:, :, 1:]), ("votes", None), ("inputs", None), ("step", None),
])
def test_arrays_that_do_not_fit_are_refused(name, change, tmp_path):
    arrays = arrays_of(record()[0])
    changed = arrays.pop(name)
    if change is not None:
        arrays[name] = np.asarray(change(changed))
    path = archive.write(tmp_path / "record.npz", "whetstone_lab.spike_record", 1, HEADER, arrays)
    with pytest.raises(ArchiveError):
        SpikeRecord.load(path)


@pytest.mark.parametrize("classes", [[0, 1, 2], [0, 1, 2, 3], [0, 1, 2, -1], [0.0, 1.0, 2.0, 0.0],
                                     [[0], [1], [2], [0]]])
def test_classes_that_do_not_fit_are_refused(classes, tmp_path):
    arrays = arrays_of(record()[0]) | {"classes": np.array(classes)}
    path = archive.write(tmp_path / "record.npz", "whetstone_lab.spike_record", 1, HEADER, arrays)
    with pytest.raises(ArchiveError, match=r"classes|'classes'"):
        SpikeRecord.load(path)


def test_half_a_file_is_refused(tmp_path):
    path = record()[0].save(tmp_path / "record.npz")
    whole = path.read_bytes()
    for length in (0, 7, len(whole) // 3, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ArchiveError, match="truncated"):
            SpikeRecord.load(path)

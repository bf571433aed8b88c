"""Trace: what is appended is read back, by other threads and from files too, and damaged files are refused."""

import copy
import json
import pickle
import sys
import threading
import zipfile

import numpy as np
import pytest
from fresh import run_fresh
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from whetstone_lab import recordings
from whetstone_lab.method.layer_health import METRICS
from whetstone_lab.records import archive
from whetstone_lab.records.archive import ArchiveError
from whetstone_lab.records.trace import STATUSES, Event, Trace

BINS = np.linspace(-1, 2, 7)


def make_trace(epochs=3, batches=5, layers=2, probe=True, seed=0):
    """A trace as a sharpener would write it, of random numbers."""
    rng = np.random.default_rng(seed)
    trace = Trace([f"spiking_{n}" for n in range(layers)], ["bounded_relu", "sigmoid"][:layers] or None,
                  {"name": "adaptive", "sig_increase": 0.15, "critical": 0.75}, {"seed": seed, "dataset": "digits"})
    for epoch in range(epochs):
        for _ in range(batches):
            trace.append_batch(epoch, rng.random(), rng.random(layers))
        trace.append_epoch(
            {"loss": rng.random(), "val_accuracy": rng.random()},
            {"reference": None if epoch == 0 else 0.5, "waiting": epoch, "sharpening": epoch > 1},
            firing_rates=rng.random(layers) if probe else None,
            histograms=rng.random((layers, len(BINS) - 1)) if probe else None, bins=BINS if probe else None,
            layer_metrics={name: rng.random(layers) for name in METRICS} if probe else None)
        trace.append_event("wait", f"Epoch {epoch} improved by 1 %.", epoch=epoch, layer=epoch % layers, change=-0.01)
    return trace


def assert_same(one, other):
    for name in ("layers", "curves", "policy", "meta", "events", "epoch_logs", "states", "batches", "epochs"):
        assert getattr(one, name) == getattr(other, name), name
    for name in ("loss", "sharpness", "epoch_of_batch", "epoch_ends", "firing_rates", "histograms", "bins"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)
        assert getattr(one, name).dtype == getattr(other, name).dtype, name
    for name in METRICS:
        np.testing.assert_array_equal(one.layer_metric(name), other.layer_metric(name), name)


@pytest.fixture
def saved(tmp_path):
    return make_trace().save(tmp_path / "run.npz")


def rewrite(path, change):
    """Saves a trace's file again with its header and arrays changed, all its checksums right."""
    header, arrays = archive.read(path, "whetstone_lab.trace", 1)
    change(header, arrays)
    archive.write(path, "whetstone_lab.trace", 1, header, arrays)


# -- growing ----------------------------------------------------------------------------------------------------------


def test_a_new_trace_is_empty():
    trace = Trace(["a", "b"])
    assert (trace.batches, trace.epochs, trace.status) == (0, 0, "ready")
    assert trace.curves == ("bounded_relu", "bounded_relu")
    assert trace.sharpness.shape == trace.firing_rates.shape == (0, 2)
    assert trace.histograms.shape == (0, 2, 0)
    assert trace.bins.shape == trace.loss.shape == trace.epoch_ends.shape == (0,)
    assert repr(trace) == "Trace(2 layers, 0 epochs, 0 batches, ready)"


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lengths=st.lists(st.integers(0, 300), max_size=6), layers=st.integers(0, 3), seed=st.integers(0, 99))
def test_what_is_appended_is_read_back_however_long(lengths, layers, seed):
    rng = np.random.default_rng(seed)
    trace, losses, rows, epochs = Trace(["layer"] * layers), [], [], []
    for epoch, length in enumerate(lengths):
        for _ in range(length):
            losses.append(rng.random())
            rows.append(rng.random(layers))
            epochs.append(epoch)
            trace.append_batch(epoch, losses[-1], rows[-1])
        trace.append_epoch({"loss": losses[-1] if losses else 0})
    assert trace.loss.tolist() == losses
    assert trace.epoch_of_batch.tolist() == epochs
    assert np.array_equal(trace.sharpness, np.reshape(rows, (len(losses), layers)))
    assert trace.epoch_ends.tolist() == np.cumsum(lengths).tolist()
    assert trace.epochs == len(lengths)


def test_epoch_metrics_have_gaps_where_an_epoch_lacks_them():
    trace = Trace(["a"])
    for logs in ({"loss": 1}, {"loss": np.float32(0.5), "val_loss": 2, "f1_score": np.zeros(10)}):
        trace.append_epoch(logs)
    assert trace.epoch_metric("loss").tolist() == [1, 0.5]
    assert np.array_equal(trace.epoch_metric("val_loss"), [np.nan, 2], equal_nan=True)
    # A log that is not one number has no place in a chart of epochs.
    assert "f1_score" not in trace.epoch_logs[1]


def test_a_probe_that_starts_late_leaves_gaps_before_and_after():
    trace = Trace(["a", "b"])
    rows = np.full((2, 6), 1 / 6)
    trace.append_epoch({"loss": 1})
    trace.append_epoch({"loss": 1}, firing_rates=[0.1, 0.2], histograms=rows, bins=BINS)
    trace.append_epoch({"loss": 1})
    assert np.isnan(trace.histograms[[0, 2]]).all()
    assert np.isnan(trace.firing_rates[[0, 2]]).all()
    np.testing.assert_allclose(trace.histograms[1], rows)
    np.testing.assert_array_equal(trace.bins, BINS)


@pytest.mark.parametrize("sharpness", [0.5, [0.5], [0.1, 0.2, 0.3], [[0.1, 0.2]]])
def test_a_row_of_the_wrong_shape_is_refused_and_leaves_no_trace(sharpness):
    trace = make_trace(epochs=1)
    with pytest.raises(ValueError, match=r"Expected sharpness of shape \(2,\); got shape"):
        trace.append_batch(1, 0.5, sharpness)
    trace.append_batch(1, 0.25, [0.1, 0.2])
    assert trace.loss[-1] == 0.25
    assert trace.batches == len(trace.loss) == len(trace.epoch_of_batch) == 6


@pytest.mark.parametrize(("arguments", "words"), [
    ({"layer_metrics": {"saturation": [0.1]}}, r"saturation of shape \(2,\); got shape \(1,\)"),
    ({"layer_metrics": {"boredom": [0.1, 0.2]}}, r"metrics of layers among .*; got \['boredom'\]"),
    ({"firing_rates": [0.1]}, r"firing_rates of shape \(2,\); got shape \(1,\)"),
    ({"histograms": np.zeros((2, 6))}, "edges of their bins; got none"),
    ({"histograms": np.zeros((2, 5)), "bins": BINS}, r"histograms of shape \(2, 6\); got shape \(2, 5\)"),
    ({"histograms": np.zeros((2, 6)), "bins": 2 * BINS}, r"bins of the epochs before, from -1\.0 to 2\.0 in 6; got"),
])
def test_a_probe_of_the_wrong_shape_is_refused_and_leaves_no_trace(arguments, words):
    trace = make_trace(epochs=1)
    with pytest.raises(ValueError, match=words):
        trace.append_epoch({"loss": 1}, **arguments)
    trace.append_epoch({"loss": 2})
    assert trace.epochs == len(trace.epoch_logs) == len(trace.states) == 2
    assert len(trace.histograms) == len(trace.firing_rates) == 2


def test_the_end_of_an_epoch_may_change_the_sharpness_of_its_last_batch():
    trace = Trace(["a", "b"])
    trace.append_epoch({"loss": 1}, sharpness=[0.5, 0])  # no batch yet whose sharpness it could be
    trace.append_batch(1, 1.0, [0, 0])
    trace.append_batch(1, 1.0, [0, 0])
    with pytest.raises(ValueError, match=r"sharpness of shape \(2,\); got shape \(\)"):
        trace.append_epoch({"loss": 1}, sharpness=0.5)
    trace.append_epoch({"loss": 1}, sharpness=[0.5, 0])
    trace.append_batch(2, 1.0, [0.5, 0.1])
    assert trace.sharpness.tolist() == [[0, 0], [0.5, 0], [0.5, 0.1]]


def test_layers_and_curves_must_match():
    with pytest.raises(ValueError, match="a curve for each of the 2 layers; got 1"):
        Trace(["a", "b"], ["sigmoid"])
    with pytest.raises(ValueError, match=r"curves among \['bounded_relu', 'sigmoid'\]; got \['tanh'\]"):
        Trace(["a"], ["tanh"])


# -- events, thresholds and status ------------------------------------------------------------------------------------


def test_an_event_knows_when_it_happened():
    trace = make_trace(epochs=1)
    event = trace.append_event("sharp", "Layer 0 is sharp.", epoch=1, layer=0, sharpness=1.0)
    assert event == Event(5, 1, "sharp", "Layer 0 is sharp.", 0, {"sharpness": 1.0})
    assert trace.events[-1] is event


def test_thresholds_in_force_follow_the_changes_by_hand():
    trace = Trace(["a"], policy={"name": "adaptive", "sig_increase": 0.15, "patience": 1})
    for batch in range(30):
        if batch in (10, 20):
            trace.append_event("threshold", "By hand.", epoch=0, name="sig_increase", old=0.15, new=batch / 100,
                               by="hand")
        trace.append_batch(0, 1.0, [0.0])
    assert [trace.thresholds_at(batch)["sig_increase"] for batch in (0, 9, 10, 19, 20, 99)] == [
        0.15, 0.15, 0.1, 0.1, 0.2, 0.2]
    assert trace.thresholds_at(99)["patience"] == 1
    assert trace.policy["sig_increase"] == 0.15


def test_subscribers_hear_of_growth_until_they_leave():
    trace, heard = Trace(["a"]), []
    listener = lambda source, urgent: heard.append((source, urgent))  # noqa: E731
    leave, leave_too = trace.subscribe(listener), trace.subscribe(listener)
    trace.publish()
    assert heard == [(trace, False)] * 2
    leave()
    leave()
    trace.publish(urgent=True)
    assert heard[2:] == [(trace, True)]
    leave_too()
    trace.publish()
    assert len(heard) == 3


def test_a_subscriber_may_leave_while_it_is_called():
    trace, heard = Trace(["a"]), []

    def once(source, urgent):
        heard.append("once")
        leave()

    leave = trace.subscribe(once)
    trace.subscribe(lambda source, urgent: heard.append("always"))
    trace.publish()
    trace.publish()
    assert heard == ["once", "always", "always"]


def test_a_change_of_status_is_urgent():
    trace, heard = Trace(["a"]), []
    trace.subscribe(lambda source, urgent: heard.append((source.status, source.message, urgent)))
    trace.set_status("running")
    trace.set_status("failed", "ValueError: no")
    assert heard == [("running", "", True), ("failed", "ValueError: no", True)]
    with pytest.raises(ValueError, match=r"a status among .*; got 'asleep'"):
        trace.set_status("asleep")
    assert trace.status in STATUSES


def test_a_trace_goes_back_to_the_last_epoch_that_was_finished():
    trace, whole = make_trace(epochs=2), make_trace(epochs=2)
    held = trace.loss
    for _ in range(100):
        trace.append_batch(2, 0.5, [1.0, 1.0])
    trace.append_event("sharp", "Layer 2 is sharp.", epoch=2, layer=1)
    trace.append_event("threshold", "By hand.", epoch=2, name="critical", old=0.75, new=0.5, by="hand")
    trace.rewind()
    threshold = trace.events.pop()
    assert (threshold.kind, threshold.batch) == ("threshold", 10)
    assert_same(trace, whole)
    view = trace.loss
    trace.append_batch(2, 7.0, [0.0, 0.0])
    assert trace.loss[10] == 7
    np.testing.assert_array_equal(view, held)
    empty = Trace(["a"])
    empty.append_batch(0, 1.0, [0.0])
    empty.rewind()
    assert empty.batches == 0


def test_the_first_epochs_alone_are_the_trace_as_it_was_when_they_had_ended(finished_trace):
    cut = Trace.from_parts(*finished_trace.to_parts(7))
    batches = int(finished_trace.epoch_ends[6])
    assert (cut.epochs, cut.batches) == (7, batches)
    np.testing.assert_array_equal(cut.loss, finished_trace.loss[:batches])
    np.testing.assert_array_equal(cut.histograms, finished_trace.histograms[:7])
    assert cut.states == finished_trace.states[:7]
    assert cut.events == [event for event in finished_trace.events if event.epoch < 7]
    assert 0 < len(cut.events) < len(finished_trace.events)
    for epochs, left in ((0, 0), (99, finished_trace.epochs)):
        assert Trace.from_parts(*finished_trace.to_parts(epochs)).epochs == left


def test_a_trace_that_becomes_another_keeps_its_subscribers():
    trace, other, heard = Trace(["x", "y"]), make_trace(), []
    trace.subscribe(lambda source, urgent: heard.append(source.batches))
    trace.adopt(Trace.from_parts(*other.to_parts()))
    assert_same(trace, other)
    trace.publish()
    assert heard == [15]


# -- threads ----------------------------------------------------------------------------------------------------------


def test_readers_on_other_threads_see_whole_rows_only(tmp_path):
    trace, layers, faults, saves = Trace(["layer"] * 4), 4, [], []
    begun, done = threading.Event(), threading.Event()

    def write():
        begun.wait()
        for batch in range(6_000):
            trace.append_batch(batch // 100, float(batch), np.full(layers, batch))
            if batch % 100 == 99:
                late = batch > 2000  # histograms appear in mid-run, for all epochs at once
                trace.append_epoch({"loss": batch}, {"waiting": batch}, firing_rates=np.full(layers, batch),
                                   histograms=np.full((layers, 3), batch) if late else None,
                                   bins=np.arange(4) if late else None)
        done.set()

    def read():
        while not done.is_set():
            batches = trace.batches
            rows, losses, epochs = trace.sharpness, trace.loss, trace.epoch_of_batch
            if min(len(rows), len(losses), len(epochs)) < batches:
                faults.append("a column is shorter than the number of batches")
            if (rows != np.arange(len(rows))[:, None]).any() or (losses != np.arange(len(losses))).any():
                faults.append("a row is not whole")
            finished = trace.epochs
            histograms = trace.histograms
            if len(histograms) < finished or len(trace.firing_rates) < finished or len(trace.states) < finished:
                faults.append("an epoch is not whole")

    def save():
        while not done.is_set() or not saves:
            saves.append(Trace.load(trace.save(tmp_path / "run.npz")))

    threads = [threading.Thread(target=target) for target in (write, read, read, save)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        begun.set()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not faults
    assert trace.batches == 6_000
    assert saves
    for saved in saves:
        assert np.array_equal(saved.loss, np.arange(saved.batches))


def test_a_trace_that_has_begun_later_keeps_its_readers():
    trace, seen = Trace(), []
    trace.subscribe(lambda grown, urgent: seen.append((grown is trace, grown.layers, grown.batches)))
    assert trace.layers == ()
    trace.publish()
    trace.begin(["a", "b"], ["sigmoid", "bounded_relu"], {"name": "adaptive"}, {"seed": 1})
    trace.append_batch(0, 1.5, [0.25, 0.5])
    trace.publish()
    assert seen == [(True, (), 0), (True, ("a", "b"), 1)]
    assert (trace.curves, trace.policy, trace.meta) == (("sigmoid", "bounded_relu"), {"name": "adaptive"}, {"seed": 1})
    with pytest.raises(ValueError, match="Expected a curve for each of the 1 layers; got 2"):
        trace.begin(["a"], ["sigmoid", "sigmoid"])
    assert trace.batches == 1  # what was refused has changed nothing


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda trace: pickle.loads(pickle.dumps(trace))],
                         ids=["deepcopy", "pickle"])
def test_a_copy_is_the_same_and_grows_apart_without_the_readers(copied):
    trace, seen = make_trace(), []
    trace.subscribe(lambda grown, urgent: seen.append(grown))
    other = copied(trace)
    assert_same(other, trace)
    other.append_batch(9, 1.0, [0, 0])
    other.publish()
    assert trace.batches == other.batches - 1
    assert not seen


def test_what_a_reader_holds_does_not_change_when_the_trace_grows():
    trace = make_trace()
    loss, before = trace.loss, trace.loss.copy()
    for _ in range(1000):
        trace.append_batch(9, 9.0, [1, 1])
    assert np.array_equal(loss, before)


# -- files ------------------------------------------------------------------------------------------------------------


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(epochs=st.integers(0, 4), batches=st.integers(0, 70), layers=st.integers(1, 2), probe=st.booleans())
def test_a_saved_trace_is_loaded_again_the_same(tmp_path, epochs, batches, layers, probe):
    trace = make_trace(epochs, batches, layers, probe)
    trace.append_batch(epochs, float("nan"), [1.0] * layers)  # an epoch that has only begun, with a loss that exploded
    copy = Trace.load(trace.save(tmp_path / "run"))
    assert_same(copy, trace)
    assert copy.status == "recorded"


def test_a_loaded_trace_can_go_on(saved):
    trace = Trace.load(saved)
    trace.append_batch(3, 0.5, [1, 1])
    trace.append_epoch({"loss": 0.5}, firing_rates=[0, 1], histograms=np.zeros((2, 6)), bins=BINS)
    assert_same(Trace.load(trace.save(saved)), trace)
    assert trace.epoch_ends.tolist() == [5, 10, 15, 16]


def test_numbers_of_numpy_in_events_and_states_are_saved(tmp_path):
    trace = Trace(["a"], policy={"critical": np.float32(0.75)})
    trace.append_event("wait", "So.", epoch=np.int64(0), change=np.float32(0.5), sharpening=np.bool_(True))
    trace.append_epoch({"loss": np.float32(1)}, {"reference": np.float32(2)})
    copy = Trace.load(trace.save(tmp_path / "run"))
    assert copy.events[0].values == {"change": 0.5, "sharpening": True}
    assert copy.states == [{"reference": 2.0}]
    assert copy.policy == {"critical": 0.75}


def test_a_fresh_process_reads_it_without_keras_or_jupyter(saved):
    program = """
import sys
from whetstone_lab.records.trace import Trace
trace = Trace.load(sys.argv[1])
print(trace, trace.loss.sum())
heavy = {"keras", "tensorflow", "torch", "jax", "IPython", "ipywidgets", "matplotlib"} & set(sys.modules)
assert not heavy, heavy
"""
    done = run_fresh(program, saved, loaded="numpy")
    assert done.returncode == 0, done.stderr
    out = done.stdout
    assert out.split(") ")[0] == "Trace(2 layers, 3 epochs, 15 batches, recorded"
    assert float(out.split(") ")[1]) == make_trace().loss.sum()


def test_a_truncated_file_is_refused(saved):
    whole = saved.read_bytes()
    for length in range(0, len(whole), 7):
        saved.write_bytes(whole[:length])
        with pytest.raises(ArchiveError, match=r"run\.npz is not a readable .* truncated"):
            Trace.load(saved)


def test_a_file_that_lacks_an_array_is_refused(saved):
    with zipfile.ZipFile(saved) as file:
        members = {name: file.read(name) for name in file.namelist()}
    assert len(members) == 12
    for lost in members:
        if lost.removesuffix(".npy") in METRICS:
            continue  # the first release wrote none
        with zipfile.ZipFile(saved, "w") as file:
            for name, data in members.items():
                if name != lost:
                    file.writestr(name, data)
        with pytest.raises(ArchiveError):
            Trace.load(saved)


def test_files_of_the_first_release_have_no_layer_metrics(saved):
    rewrite(saved, lambda header, arrays: [arrays.pop(name) for name in METRICS])
    old = Trace.load(saved)
    assert all(np.isnan(old.layer_metric(name)).all() for name in METRICS)
    assert old.layer_metric("saturation").shape == (3, 2)
    with pytest.raises(ValueError, match=r"metric of layers among .*; got 'boredom'"):
        old.layer_metric("boredom")
    assert not np.isnan(recordings.digits_trace().loss).any()


def test_another_version_and_another_format_are_named(saved):
    header, arrays = archive.read(saved, "whetstone_lab.trace", 1)
    archive.write(saved, "whetstone_lab.trace", 2, header, arrays)
    with pytest.raises(ArchiveError, match=r"whetstone_lab\.trace file of version 2; this release reads version 1\."):
        Trace.load(saved)
    archive.write(saved, "whetstone_lab.spike_record", 1, header, arrays)
    with pytest.raises(ArchiveError, match=r"holds 'whetstone_lab\.spike_record'; expected 'whetstone_lab\.trace'"):
        Trace.load(saved)


@pytest.mark.parametrize(("change", "words"), [
    (lambda header, arrays: header.pop("events"), "damaged header"),
    (lambda header, arrays: header.update(layers=None), "damaged header"),
    (lambda header, arrays: header.update(curves=["tanh", "tanh"]), "damaged header"),
    (lambda header, arrays: header.update(events=[{"batch": 1}]), "damaged header"),
    (lambda header, arrays: header.update(events=["start"]), "damaged header"),
    (lambda header, arrays: header["events"][0].update(batch="soon"), "damaged header"),
    (lambda header, arrays: header["events"][0].update(batch=float("inf")), "damaged header"),
    (lambda header, arrays: header["events"][0].update(values=[1]), "damaged header"),
    (lambda header, arrays: header.update(epoch_logs=[{"loss": "low"}]), "damaged header"),
    (lambda header, arrays: header.update(states=[3]), "damaged header"),
    (lambda header, arrays: header["states"].pop(), "2 states for 3 epochs"),
    (lambda header, arrays: header["epoch_logs"].pop(), "3 states for 2 epochs"),
    (lambda header, arrays: header.update(layers=["a"], curves=["sigmoid"]), "'sharpness' has shape"),
    (lambda header, arrays: arrays.update(loss=arrays["loss"][:-1]), "'loss' has shape"),
    (lambda header, arrays: arrays.update(epoch_of_batch=arrays["loss"]), "dtype float64; .* kind 'iu'"),
    (lambda header, arrays: arrays.update(epoch_ends=np.array([5, 4, 15])), "end outside its 15 batches"),
    (lambda header, arrays: arrays.update(epoch_ends=np.array([-5, 4, 15])), "end outside its 15 batches"),
    (lambda header, arrays: arrays.update(epoch_ends=np.array([5, 10, 16])), "end outside its 15 batches"),
])
def test_a_file_at_odds_with_itself_is_refused(saved, change, words):
    rewrite(saved, change)
    with pytest.raises(ArchiveError, match=words):
        Trace.load(saved)


def test_the_header_is_plain_json(saved):
    with np.load(saved, allow_pickle=False) as arrays:
        header = json.loads(arrays["header"].tobytes())
    assert header["format"] == "whetstone_lab.trace"
    assert header["events"][0]["reason"] == "Epoch 0 improved by 1 %."

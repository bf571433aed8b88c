"""One small run on the bench, and the script that gives it again."""

import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from whetstone_lab.laboratory.assembly import assemble
from whetstone_lab.laboratory.bench import Bench
from whetstone_lab.laboratory.checkpoints import Past
from whetstone_lab.laboratory.experiments import Experiments, Origin
from whetstone_lab.laboratory.nudges import Nudge, Nudges
from whetstone_lab.laboratory.presets import read
from whetstone_lab.laboratory.settings import Settings
from whetstone_lab.laboratory.snapshots import Snapshots
from whetstone_lab.records.trace import Trace
from whetstone_lab.simulator import Network
from whetstone_lab.simulator.operations import Dense, Neurons
from whetstone_lab.training.checkpoint import after_epochs


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """A run of three epochs of two batches each, paused and changed by hand after the first."""
    folder = tmp_path_factory.mktemp("laboratory") / "runs"
    bench = Bench(read("tiny b1024 e3 s5").settings, Experiments(folder))
    seen, told = [], []
    bench.trace.subscribe(lambda trace, urgent: seen.append(trace.status))
    bench.subscribe(lambda: told.append(len(bench.experiments.all())))
    bench.step(1, "epoch")
    end = time.monotonic() + 240
    while bench.trace.status != "paused" and time.monotonic() < end:
        time.sleep(0.02)
    assert bench.trace.epochs == 1
    bench.steer(patience=0, rate=0.9)
    bench.resume()
    bench.wait(240)
    return SimpleNamespace(bench=bench, seen=seen, told=told)


def test_three_networks_are_told_of_side_by_side(ended):
    logs = ended.bench.trace.epoch_logs
    assert [{"val_accuracy", "spiking_accuracy", "relu_accuracy"} <= set(each) for each in logs] == [True] * 3
    assert all(0 <= each["spiking_accuracy"] <= 1 for each in logs)
    assert logs[0]["relu_accuracy"] != logs[-1]["relu_accuracy"], "the ReLU network trains as well"


def test_the_spikes_of_each_epoch_can_be_looked_at(ended):
    snapshots = ended.bench.snapshots
    assert snapshots.y[:snapshots.shown].tolist() == list(range(10))
    assert snapshots.pictures().shape == (10, 8, 8)
    assert len(snapshots.x) == 449, "the others come behind, to measure an accuracy on"
    assert [ended.bench.wave(at)[0] for at in (1, 1.9, 3, 99, None)] == [1, 1, 3, 3, 3]
    assert ended.bench.wave(0.5) is None
    _, record = ended.bench.wave()
    assert (record.samples, record.layers) == (10, ("hidden_1", "output"))


def test_whoever_watched_the_empty_bench_sees_the_run(ended):
    assert ended.seen[0] == "running"
    assert {"paused", "finished"} <= set(ended.seen)


def test_it_is_kept_as_it_ends(ended):
    (kept,) = ended.bench.experiments.all()
    assert (kept.epochs, kept.stopped, kept.settings) == (3, None, ended.bench.settings)
    assert kept.nudges.made == (Nudge(1, 2, {"patience": 0, "rate": 0.9}),)
    assert set(ended.told) == {1}, "also while it went on, under one number"
    assert len(ended.told) >= 2
    np.testing.assert_array_equal(ended.bench.experiments.trace(1).loss, ended.bench.trace.loss)


@pytest.fixture(scope="module")
def gone_on(ended):
    """The run above, found by another bench and trained again from the end of its first epoch with more patience."""
    bench = Bench(experiments=Experiments(ended.bench.experiments.folder))
    bench.look(1)
    assert bench.resumable == [1, 2, 3]
    bench.again(1, patience=1)
    bench.wait(240)
    return bench


def test_a_run_goes_on_from_the_weights_of_an_epoch_beside_the_old_one(ended, gone_on):
    old, new = ended.bench.trace, gone_on.trace
    np.testing.assert_array_equal(new.loss[:4], old.loss[:4])  # the second epoch is trained again as it was
    np.testing.assert_array_equal(new.epoch_metric("relu_accuracy"), old.epoch_metric("relu_accuracy"))
    assert new.epochs == 3
    kept, first = gone_on.experiments.all()
    assert (kept.number, kept.origin, first.number) == (2, Origin(1, 1), 1)
    assert kept.nudges.made == (Nudge(1, 2, {"patience": 1, "rate": 0.9}),), "the rate was changed again as by hand"
    assert new.thresholds_at(new.batches)["patience"] == 1


def test_the_script_gives_the_same_run_from_its_start_in_another_process(gone_on, tmp_path):
    (tmp_path / "script.py").write_text(gone_on.script(), encoding="utf-8")
    result = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=240)
    assert result.returncode == 0, result.stderr[-2000:]
    again, trace = Trace.load(tmp_path / "run.npz"), gone_on.trace
    np.testing.assert_array_equal(again.loss, trace.loss)
    np.testing.assert_array_equal(again.sharpness, trace.sharpness)
    np.testing.assert_array_equal(again.histograms, trace.histograms)
    assert again.events == trace.events
    assert again.states == trace.states
    for ours, theirs in zip(trace.epoch_logs, again.epoch_logs, strict=True):
        assert {name: ours[name] for name in theirs} == theirs


def test_what_cannot_be_run_again_says_why(ended, tmp_path):
    bench = Bench(experiments=Experiments(ended.bench.experiments.folder))
    bench.look(1)
    for wrong in (-1, 3):
        with pytest.raises(ValueError, match="Expected an epoch from 0 to 2"):
            bench.again(wrong)
    with pytest.raises(ValueError, match="Expected parameters of AdaptivePolicy"):
        bench.again(1, colour=1.0)
    weights = bench.experiments.checkpoints(1).read(2)
    with pytest.raises(ValueError, match="weights of these networks; got others for relu_000"):
        assemble(Settings(network="tiny"), {}, Past(bench.trace, 2, {**weights, "relu_000": np.zeros(3)}), Nudges(),
                 Nudges(), keep=print)
    with pytest.raises(ValueError, match="epochs from 1 to 3"):
        after_epochs(bench.trace, 4)


def test_a_bench_that_is_cleared_is_empty_and_its_subscribers_stay(ended):
    seen = []
    bench, before = ended.bench, ended.bench.trace
    unsubscribe = before.subscribe(lambda trace, urgent: seen.append(trace))
    bench.reset()
    unsubscribe()
    assert seen == [bench.trace]
    assert bench.trace is not before
    assert (bench.trace.status, bench.trace.layers, bench.wave()) == ("ready", (), None)
    assert bench.settings.seed == 5, "and so are the weights at the start"
    assert bench.experiments[1].epochs == 3, "a run that has ended stays kept"
    with pytest.raises(ValueError, match="as soon as it has begun"):
        bench.steer(rate=0.5)
    with pytest.raises(ValueError, match="sig_increase"):
        bench.reset(thresholds={"sig_increase": -1.0})
    with pytest.raises(ValueError, match="Expected parameters of AdaptivePolicy"):
        bench.reset(thresholds={"colour": 1.0})


class Stub:
    """What a bench asks of a run, without training."""

    def __init__(self, trace=None) -> None:
        self.trace, self.alive, self.did, self.ended = trace or Trace(), False, [], threading.Event()
        self.model = SimpleNamespace(stop_training=False)

    def start(self):
        assert not self.alive
        self.alive = True
        self.did.append("start")

    def resume(self):
        self.did.append("resume")

    def stop(self):
        self.did.append("stop")

    def wait(self, timeout=None):
        assert self.ended.wait(60)


def assembled(run, companion=None):
    return SimpleNamespace(run=run, companion=companion, weights=lambda: {"spiking_000": np.full(3, run.trace.epochs)})


@pytest.fixture
def stubbed(tmp_path, monkeypatch):
    """A bench whose runs are stubs, and those that it made; ``held`` stops the making of others."""
    made, held = [], threading.Event()
    held.set()

    def make(bench, settings, thresholds, past, ahead):
        assert held.wait(60)
        if settings.seed == 13:
            raise FileNotFoundError("no such pictures")
        made.append(Stub())
        data = SimpleNamespace(x_test=np.zeros((1, 64)), y_test=np.zeros(1), image_shape=(8, 8, 1))
        return assembled(made[-1], SimpleNamespace(snapshots=Snapshots(data.x_test, data.y_test)))

    monkeypatch.setattr(Bench, "_assemble", make)
    return SimpleNamespace(bench=Bench(experiments=Experiments(tmp_path / "runs")), made=made, held=held)


def test_commands_that_come_while_the_run_is_made_are_carried_out_each(stubbed):
    stubbed.held.clear()
    stubbed.bench.start()
    stubbed.bench.start()
    stubbed.bench.stop()
    stubbed.held.set()
    stubbed.bench._builder.join(60)
    assert [run.did for run in stubbed.made] == [["start", "resume", "stop"]]
    stubbed.bench.start()
    assert stubbed.made[0].did[-1] == "resume", "as after a pause"


def test_nothing_is_made_but_by_what_begins_a_run(stubbed):
    for command in (stubbed.bench.pause, stubbed.bench.resume, stubbed.bench.stop):
        command()
    for wrong in ((0, "batch"), (1, "year"), ("1", "epoch")):
        with pytest.raises(ValueError, match="Expected n of at least 1"):
            stubbed.bench.step(*wrong)
    assert (stubbed.bench.trace.status, stubbed.bench._builder) == ("ready", None)


def test_a_run_is_made_when_that_before_has_ended(stubbed):
    bench = stubbed.bench
    bench.start()
    bench._builder.join(60)
    bench.reset()
    bench.start()
    bench._builder.join(0.05)
    assert (len(stubbed.made), stubbed.made[0].did) == (1, ["start", "stop"]), "or both would draw from one chance"
    with pytest.raises(TimeoutError, match="not been made"):
        bench.wait(0.01)
    stubbed.made[0].ended.set()
    bench._builder.join(60)
    assert [run.did for run in stubbed.made[1:]] == [["start"]]


def test_a_run_that_could_not_be_made_takes_nothing_from_the_next(stubbed):
    bench = stubbed.bench
    stubbed.held.clear()
    bench.reset(Settings(seed=13))
    bench.start()
    bench.reset(Settings(seed=1))
    bench.start()
    stubbed.held.set()
    bench._builder.join(60)
    assert [run.did for run in stubbed.made] == [["start"]]
    bench.reset(Settings(seed=13))
    stubbed.made[0].ended.set()
    bench.start()
    with pytest.raises(RuntimeError, match="no such pictures"):
        bench.wait(60)


def test_a_run_that_cannot_be_kept_goes_on_and_says_why(stubbed, finished_trace, tmp_path):
    bench = stubbed.bench
    (tmp_path / "runs").write_text("a file where the folder should be")
    bench._run, bench.trace = Stub(finished_trace), finished_trace
    bench._keep(assembled(bench._run), ended=False)
    assert "Expected a folder that can be written to" in bench.unkept
    (tmp_path / "runs").unlink()
    bench._keep(assembled(bench._run), ended=True)
    assert (bench.unkept, bench.experiments[1].epochs) == ("", finished_trace.epochs)
    bench.reset()
    assert bench.unkept == ""


def test_what_is_trained_on_after_a_stop_is_no_part_of_the_script(stubbed, finished_trace):
    bench, trace = stubbed.bench, Trace.from_parts(*finished_trace.to_parts())
    bench._run = run = Stub(trace)
    bench.trace, run.model.stop_training = trace, True
    bench._keep(assembled(run), ended=True)
    stopped = bench.stopped
    assert stopped == trace.batches
    trace.append_batch(trace.epochs, 0.5, trace.sharpness[-1])
    trace.append_epoch({"loss": 0.5})
    bench._keep(assembled(run), ended=True)
    assert (bench.stopped, bench.experiments[1].more) == (stopped, 1)
    for text in (bench.script(), bench.experiments[1].script()):
        assert f"trace.batches >= {stopped}" in text
        assert "trained on for 1 epochs" in text


def test_spikes_go_by_the_epochs_of_the_run_not_by_those_of_a_fit(monkeypatch):
    from whetstone_lab.laboratory import companion

    network = Network((4,), [Dense(np.eye(4)), Neurons(0.5)])
    monkeypatch.setattr(companion, "convert", lambda *arguments, **options: network)
    monkeypatch.setattr(companion, "evaluate", lambda *arguments: {"accuracy": 0.5})
    data, snapshots = SimpleNamespace(x_test=np.zeros((2, 4)), y_test=np.zeros(2)), Snapshots()
    mine = companion.Companion(data, snapshots, None, [], epochs=lambda: 5)
    mine.on_epoch_end(0)
    assert snapshots.at() == (6, network)


def test_weights_that_are_no_numbers_end_no_training():
    from whetstone_lab.laboratory import companion
    from whetstone_lab.training.models import mlp

    model = mlp(4, 2, hidden=(3,))
    model.layers[0].kernel.assign(np.full((4, 3), np.nan))
    snapshots, logs = Snapshots(), {"loss": np.nan}
    mine = companion.Companion(SimpleNamespace(x_test=np.zeros((2, 4)), y_test=np.zeros(2)), snapshots, None, [],
                               epochs=lambda: 0)
    mine.set_model(model)
    mine.on_epoch_end(0, logs)
    assert (snapshots.at(), list(logs)) == (None, ["loss"])


def test_weights_of_whole_epochs_are_kept_while_it_trains(stubbed, finished_trace):
    bench = stubbed.bench
    bench._run, bench.trace = Stub(finished_trace), finished_trace
    bench._keep(assembled(bench._run), ended=False)
    assert bench.resumable == [], "it goes on"
    with pytest.raises(KeyError):
        bench.experiments[2]
    weights = bench.experiments.checkpoints(1)
    assert weights.epochs == [finished_trace.epochs]
    weights.clear()
    bench._run.model.stop_training = True
    bench._keep(assembled(bench._run), ended=False)
    assert weights.epochs == [], "an epoch that was broken off has another number of batches"


@pytest.mark.parametrize("way", ["look", "reset"])
def test_a_run_that_another_takes_the_place_of_stays_kept_and_goes_on(stubbed, finished_trace, way):
    bench, trace = stubbed.bench, Trace.from_parts(*finished_trace.to_parts())
    bench.experiments.keep(finished_trace, Settings(network="tiny"))
    run = bench._run = Stub(trace)
    bench.trace, bench.settings = trace, Settings(epochs=trace.epochs + 9)
    run.alive = True
    bench._keep(assembled(run), ended=False)
    bench.nudges.add(trace.epochs, trace.batches, {"patience": 3})
    trace.append_batch(trace.epochs, 0.5, trace.sharpness[-1])  # an epoch that will not come to its end
    bench.look(2)
    assert (bench.trace, run.did) == (trace, []), "it is shown already"
    with pytest.raises(RuntimeError, match="has ended; stop it first"):
        bench.go_on()
    if way == "look":
        bench.look(1)
    else:
        bench.reset()
    assert run.did == ["stop"]
    assert f"kept as experiment 2, up to epoch {trace.epochs}; Go on" in bench.remark
    kept = bench.experiments[2]
    assert (kept.epochs, kept.stopped) == (trace.epochs, trace.batches)
    assert bench.experiments.trace(2).batches == trace.batches, "and not as it stood some seconds before"
    assert bench.experiments.goes_on(kept) == trace.epochs
    run.alive = False
    run.ended.set()
    bench.look(2)
    bench.go_on()
    assert (bench.origin, bench.thresholds) == (Origin(2, trace.epochs), {})
    assert bench._ahead.made == kept.nudges.made, "what was done by hand after the weights is done again"
    bench._builder.join(60)
    assert stubbed.made[0].did == ["start"]
    assert "experiment 2" in bench.remark, "it is said until the next one"
    stubbed.made[0].alive = False
    bench.reset()
    assert bench.remark == ""


def test_a_run_of_no_epoch_or_without_a_folder_is_said_not_to_be_kept(stubbed, finished_trace, tmp_path):
    bench = stubbed.bench
    bench._run, bench.trace = Stub(Trace()), Trace()
    bench._run.alive = True
    bench.reset()
    assert "nothing to keep" in bench.remark
    (tmp_path / "runs").write_text("a file where the folder should be")
    bench._run, bench.trace = Stub(finished_trace), finished_trace
    bench._keep(assembled(bench._run), ended=True)
    bench.reset()
    assert "Expected a folder that can be written to" in bench.remark
    (tmp_path / "runs").unlink()
    bench._run, bench.trace, bench.unkept = Stub(finished_trace), finished_trace, "no room"
    bench.reset()
    assert bench.experiments[1].epochs == finished_trace.epochs, "there is room by now"


def test_what_came_to_its_end_or_has_no_weights_does_not_go_on(stubbed, finished_trace):
    bench = stubbed.bench
    bench.experiments.keep(finished_trace, Settings(epochs=finished_trace.epochs))
    bench.experiments.keep(finished_trace, Settings(epochs=finished_trace.epochs + 1))
    for number in (None, 1, 2):
        if number is not None:
            bench.look(number)
            assert bench.experiments.goes_on(bench.experiments[number]) == 0
        with pytest.raises(ValueError, match="broken off before its last epoch, and weights"):
            bench.go_on()
    assert (bench.number, stubbed.made) == (2, [])


def test_a_run_without_weights_is_run_again_from_its_start(stubbed, finished_trace):
    bench = stubbed.bench
    nudges = Nudges([Nudge(0, 3, {"patience": 2}), Nudge(4, 70, {"rate": 0.5})])
    bench.experiments.keep(finished_trace, Settings(), {"sig_increase": 0.3}, nudges)
    bench.look(1)
    bench.again(3, sig_increase=0.4)
    assert (bench.thresholds, bench.origin) == ({"sig_increase": 0.4}, None)
    assert bench._ahead.made == nudges.made[:1], "what was done by hand up to there is done again"
    bench._builder.join(60)
    assert stubbed.made[0].did == ["start"]
    with pytest.raises(RuntimeError, match="has ended; stop it first"):
        bench.again(3)

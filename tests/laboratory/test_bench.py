"""One small run on the bench, and the script that gives it again."""

import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

from whetstone_lab.laboratory.bench import Bench
from whetstone_lab.laboratory.experiments import Experiments
from whetstone_lab.laboratory.nudges import Nudge
from whetstone_lab.laboratory.presets import read
from whetstone_lab.records.trace import Trace


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
    assert ended.bench.classes.tolist() == list(range(10))
    assert ended.bench.pictures.shape == (10, 8, 8, 1)
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


def test_the_script_gives_the_same_run_in_another_process(ended, tmp_path):
    (tmp_path / "script.py").write_text(ended.bench.script(), encoding="utf-8")
    result = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=240)
    assert result.returncode == 0, result.stderr[-2000:]
    again, trace = Trace.load(tmp_path / "run.npz"), ended.bench.trace
    np.testing.assert_array_equal(again.loss, trace.loss)
    np.testing.assert_array_equal(again.sharpness, trace.sharpness)
    assert again.events == trace.events
    for ours, theirs in zip(trace.epoch_logs, again.epoch_logs, strict=True):
        assert {name: ours[name] for name in theirs} == theirs


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
    assert len(bench.experiments.all()) == 1, "a run that has ended stays kept"
    with pytest.raises(ValueError, match="as soon as it has begun"):
        bench.steer(rate=0.5)
    with pytest.raises(ValueError, match="sig_increase"):
        bench.reset(thresholds={"sig_increase": -1.0})
    with pytest.raises(ValueError, match="Expected parameters of AdaptivePolicy"):
        bench.reset(thresholds={"colour": 1.0})

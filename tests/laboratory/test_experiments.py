import itertools
import json
import math
from threading import Thread

import numpy as np
import pytest

from whetstone_lab.laboratory.experiments import Experiments, Origin
from whetstone_lab.laboratory.nudges import Nudge, Nudges
from whetstone_lab.laboratory.script import script
from whetstone_lab.laboratory.settings import CHOICES, Settings
from whetstone_lab.records.archive import ArchiveError


@pytest.fixture
def kept(tmp_path, finished_trace):
    experiments = Experiments(tmp_path / "runs")
    nudges = Nudges([Nudge(0, 0, {"patience": 2})])
    nudges.add(3, 70, {"rate": 0.5})
    nudges.add(3, 70, {"rate": 0.7, "patience": 1})
    experiments.keep(finished_trace, Settings(seed=4), {"sig_increase": 0.3}, nudges, stopped=80)
    experiments.keep(finished_trace, Settings(network="wide"))
    return experiments


def test_an_experiment_is_there_after_a_restart(kept, finished_trace):
    again = Experiments(kept.folder)
    newest, first = again.all()
    assert (newest.number, newest.settings.network, newest.stopped) == (2, "wide", None)
    assert (first.settings, first.thresholds, first.stopped) == (Settings(seed=4), {"sig_increase": 0.3}, 80)
    assert first.nudges.made == (Nudge(0, 0, {"patience": 2}), Nudge(3, 70, {"rate": 0.7, "patience": 1}))
    assert first.epochs == finished_trace.epochs
    assert first.logs["val_accuracy"] == finished_trace.epoch_logs[-1]["val_accuracy"]
    trace = again.trace(1)
    assert trace.status == "recorded"
    np.testing.assert_array_equal(trace.loss, finished_trace.loss)
    assert again.keep(finished_trace, Settings()).number == 3


def test_two_laboratories_that_end_at_once_keep_both_runs(tmp_path, finished_trace):
    ends = [Thread(target=Experiments(tmp_path).keep, args=(finished_trace, Settings(seed=seed))) for seed in range(4)]
    for end in ends:
        end.start()
    for end in ends:
        end.join()
    found = Experiments(tmp_path).all()
    assert [one.number for one in found] == [4, 3, 2, 1]
    assert {one.settings.seed for one in found} == {0, 1, 2, 3}


def test_what_is_not_an_experiment_is_left_out(kept, tmp_path):
    (kept.folder / "notes.txt").write_text("mine")
    (kept.folder / "004.json").write_text("{")
    (kept.folder / "005.json").write_text(json.dumps({"settings": {"data": "cats"}}))
    whole = json.loads((kept.folder / "001.json").read_text())
    for number, part in enumerate(({"logs": {"val_accuracy": "high"}}, {"epochs": math.inf}, {"logs": []},
                                   {"nudges": 3}, {"settings": ["data"]}, {"thresholds": {"print(1), rate": 1.0}},
                                   {"nudges": [[0, 0, {"rate": "fast"}]]}), 10):
        (kept.folder / f"{number:03}.json").write_text(json.dumps({**whole, **part}))
        with pytest.raises(ValueError, match=f"facts of an experiment in .*{number:03}.json"):
            _ = kept[number]
    (kept.folder / "020.json").write_text("[" * 100_000)
    assert [each.number for each in kept.all()] == [2, 1]
    assert [each.number for each in kept.all(1)] == [2]
    with pytest.raises(KeyError, match="got 9"):
        _ = kept[9]
    (kept.folder / "001.npz").write_bytes(b"half")
    with pytest.raises(ArchiveError):
        kept.trace(1)
    assert Experiments(tmp_path / "nothing").all() == []


def test_its_script_says_what_was_done(kept):
    text = kept[1].script()
    compile(text, "script", "exec")
    for part in ("seed=4)\n\nmodel", "seed=4)\nsharpener", "sig_increase=0.3", "(3, 70, {'rate': 0.7, 'patience': 1})",
                 "sharpener.trace.batches >= 80", "callbacks=[sharpener, Replay(), stop]"):
        assert part in text
    assert "Replay" not in kept[2].script()
    assert all(len(line) <= 120 for line in text.splitlines())


def test_what_is_kept_again_takes_its_own_place(kept, finished_trace):
    kept.keep(finished_trace, Settings(seed=9), number=1)
    assert [(each.number, each.settings.seed) for each in kept.all()] == [(2, 0), (1, 9)]


def test_of_a_trace_that_is_missing_or_damaged_it_says_what_was_expected_and_what_to_do(kept):
    path = kept.folder / "001.npz"
    whole = path.read_bytes()
    for damage in (whole[:len(whole) // 2], b"", b"no archive", (kept.folder / "001.json").read_bytes()):
        path.write_bytes(damage)
        with pytest.raises(ArchiveError, match=r"Expected the trace of experiment 1 .*damaged.*train the experiment"):
            kept.trace(1)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"no such file.*Put the file back from a copy.*Remove 001\.json"):
        kept.trace(1)
    assert [each.number for each in kept.all()] == [2, 1], "its settings and its script are there"


def test_what_a_run_went_on_from_is_kept(kept, finished_trace):
    assert kept[1].origin is None
    assert kept.keep(finished_trace, Settings(), origin=Origin(1, 5)).origin == kept[3].origin == Origin(1, 5)
    path = kept.folder / "003.json"
    for wrong in (3, [1], ["a", 2]):
        path.write_text(json.dumps({**json.loads(path.read_text()), "origin": wrong}))
        with pytest.raises(ValueError, match="facts of an experiment"):
            _ = kept[3]


def test_a_run_that_was_trained_on_says_that_its_script_ends_before():
    assert "trained on for 3 epochs" in script(Settings(epochs=4), more=3)
    assert "trained on" not in script(Settings(epochs=4))


def test_a_file_from_before_it_was_noted_what_was_trained_on_says_it_by_its_epochs(kept, finished_trace):
    path = kept.folder / "001.json"
    facts = json.loads(path.read_text())
    assert facts.pop("more") == 0
    path.write_text(json.dumps({**facts, "epochs": 33}))
    assert kept[1].more == 3


def test_whatever_is_picked_has_a_script():
    names = list(CHOICES)
    for picked in itertools.product(*CHOICES.values()):
        for epochs in (1, 3, 1000):
            text = script(Settings(**dict(zip(names, picked, strict=True)), epochs=epochs), stopped=epochs)
            compile(text, "script", "exec")
            assert all(len(line) <= 120 for line in text.splitlines())

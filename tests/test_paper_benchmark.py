"""The study of all systems: it goes on where it stopped, and its table says what its results file has."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from backends import without_graphs

FILE = Path(__file__).parents[1] / "benchmarks" / "paper.py"


@pytest.fixture
def paper(monkeypatch):
    monkeypatch.syspath_prepend(FILE.parent)
    spec = importlib.util.spec_from_file_location("paper", FILE)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "paper", module)
    spec.loader.exec_module(module)
    return module


def result(paper, score, net="a", spiking=True, seed=0, epochs=5):
    return {**paper.Job("fashion", net, spiking, seed, epochs, None)._asdict(), "score": score, "seconds": 1.0}


def test_the_table_has_means_of_the_seeds_of_which_both_are_there(paper, tmp_path):
    out = tmp_path / "results.jsonl"
    for spiking, seed, score in ((True, 1, 0.8), (True, 0, 0.9), (False, 0, 0.95), (False, 1, 0.85), (True, 2, 0.1)):
        paper.results.note(out, result(paper, score, spiking=spiking, seed=seed))
    paper.results.note(out, result(paper, 0.5, net="alone"))
    assert paper.table(paper.read(out)).splitlines()[2:] == [
        "| fashion | a, 5 epochs | 0.9000, 0.8000 | **0.8500** | 0.9500, 0.8500 | **0.9000** | -5.00 |"]


def test_trainings_of_other_lengths_are_rows_of_their_own(paper, tmp_path):
    out = tmp_path / "results.jsonl"
    for epochs, score in ((5, 0.5), (9, 0.9)):
        for spiking in (True, False):
            paper.results.note(out, result(paper, score, spiking=spiking, epochs=epochs))
    rows = paper.table(paper.read(out)).splitlines()[2:]
    assert [row.split("|")[2].strip() for row in rows] == ["a, 5 epochs", "a, 9 epochs"]


def test_a_line_that_was_cut_off_is_left_out_and_spoils_no_other(paper, tmp_path, capsys):
    out = tmp_path / "results.jsonl"
    paper.results.note(out, result(paper, 0.5))
    with out.open("a") as file:
        file.write(json.dumps(result(paper, 0.7, seed=1))[:30])
    paper.results.note(out, result(paper, 0.6, seed=2))
    assert sorted(paper.read(out).values()) == [0.5, 0.6]
    assert "a line that is no result is left out" in capsys.readouterr().err


def test_what_is_there_is_not_trained_again(paper, tmp_path, monkeypatch):
    asked = []

    class Pool:
        def __init__(self, *args, **kwargs):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *args):
            pass

        def submit(self, function, job, path, progress):
            asked.append(job)
            future = paper.as_completed.__globals__["Future"]()
            if job.seed:
                future.set_exception(RuntimeError("no memory"))
            else:
                future.set_result({**job._asdict(), "score": 0.5, "seconds": 1.0})
            return future

    monkeypatch.setattr(paper, "ProcessPoolExecutor", Pool)
    out = tmp_path / "results.jsonl"
    todo = paper.jobs(["fashion"], [0, 1], 3, None)
    assert len(todo) == 8
    assert [job.seed for job in todo] == [0] * 4 + [1] * 4
    paper.results.note(out, {**todo[0]._asdict(), "score": 0.9, "seconds": 1.0})
    for count in (7, 4):  # those that failed are tried again
        asked.clear()
        paper.measure(todo, out, None, 1, None)
        assert len(asked) == count
    assert paper.read(out)[todo[0]] == 0.9


def test_a_net_and_its_baseline_are_trained_on_as_many_samples_and_judged(paper, monkeypatch):
    from whetstone_lab import models
    from whetstone_lab.training.layers import SpikingLayer

    rng, seen, judged = np.random.default_rng(0), [], []
    x, y = rng.random((20, 6), np.float32), np.arange(20) % 3

    def make(data, spiking):
        seen.append(len(data.x_train))
        return models.mlp(6, 3, hidden=(4,), dropout=0, width=9, spiking=spiking)

    def score(model, data):
        judged.append([float(layer.sharpness) for layer in model.layers if isinstance(layer, SpikingLayer)])
        return paper.accuracy(model, data)

    monkeypatch.setitem(paper.SYSTEMS, "tiny", paper.System(lambda path: paper.Data(x, y, x[:5], y[:5]), {"mlp": make},
                                                            score, batch_size=8))
    with without_graphs():
        for spiking in (True, False):
            job = paper.Job("tiny", "mlp", spiking, 0, 4, 16)
            found = paper.train(job, None)
            assert paper.Job(*(found[name] for name in paper.Job._fields)) == job
            assert round(5 * found["score"], 6) in range(6)
    assert (seen, judged) == ([16, 16], [[1.0, 1.0], []])


def test_a_picture_is_shifted_and_flipped_and_keeps_its_label(paper):
    x = np.arange(2 * 6 * 6, dtype="float32").reshape(2, 6, 6, 1)
    batches = paper.shifted(x, np.array([0, 1]), 2, 2, seed=0)
    seen = set()
    for _ in range(40):
        pictures, labels = batches[0]
        assert pictures.shape == (2, 6, 6, 1)
        for picture, label in zip(pictures, labels, strict=True):
            padded = np.pad(x[label], ((2, 2), (2, 2), (0, 0)), mode="reflect")
            seen.add(next((label, down, right, flipped) for down in range(5) for right in range(5)
                          for flipped in (False, True)
                          if (padded[down:down + 6, right:right + 6][:, ::-1 if flipped else 1] == picture).all()))
        batches.on_epoch_end()
    assert len(seen) > 40  # of 100


def test_on_a_gpu_each_epoch_is_noted(paper, monkeypatch, tmp_path):
    from whetstone_lab import models

    x, y = np.random.default_rng(0).random((12, 4, 4, 1), np.float32), np.arange(12) % 3
    monkeypatch.setitem(paper.SYSTEMS, "tiny", paper.System(
        lambda path: paper.Data(x, y, x, y), {"net": lambda data, spiking: models.vgg(
            (4, 4, 1), 3, filters=(2,), convolutions=1, hidden=(), width=9, spiking=spiking)}, batch_size=4, shift=1))
    with without_graphs():
        paper.train(paper.Job("tiny", "net", True, 0, 4, None), None, tmp_path / "epochs.jsonl")
    noted = [*paper.results.read(tmp_path / "epochs.jsonl")]
    assert [entry["epoch"] for entry in noted] == [0, 1, 2, 3]
    assert all(np.isfinite(entry["logs"]["loss"]) for entry in noted)


def test_every_system_has_nets_and_a_name_that_the_data_sets_know(paper):
    assert {"fashion", "cifar10", "residual-mnist", "residual-cifar10"} <= set(paper.SYSTEMS)
    assert all(system.nets and system.epochs > 0 for system in paper.SYSTEMS.values())

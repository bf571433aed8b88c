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
        paper.note(out, result(paper, score, spiking=spiking, seed=seed))
    paper.note(out, result(paper, 0.5, net="alone"))
    assert paper.table(paper.read(out)).splitlines()[2:] == [
        "| fashion | a, 5 epochs | 0.9000, 0.8000 | **0.8500** | 0.9500, 0.8500 | **0.9000** | -5.00 |"]


def test_trainings_of_other_lengths_are_rows_of_their_own(paper, tmp_path):
    out = tmp_path / "results.jsonl"
    for epochs, score in ((5, 0.5), (9, 0.9)):
        for spiking in (True, False):
            paper.note(out, result(paper, score, spiking=spiking, epochs=epochs))
    rows = paper.table(paper.read(out)).splitlines()[2:]
    assert [row.split("|")[2].strip() for row in rows] == ["a, 5 epochs", "a, 9 epochs"]


def test_a_line_that_was_cut_off_is_left_out_and_spoils_no_other(paper, tmp_path, capsys):
    out = tmp_path / "results.jsonl"
    paper.note(out, result(paper, 0.5))
    with out.open("a") as file:
        file.write(json.dumps(result(paper, 0.7, seed=1))[:30])
    paper.note(out, result(paper, 0.6, seed=2))
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

        def submit(self, function, job, path):
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
    paper.note(out, {**todo[0]._asdict(), "score": 0.9, "seconds": 1.0})
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


def test_every_system_has_nets_and_a_name_that_the_data_sets_know(paper):
    assert {"fashion", "cifar10", "residual-mnist", "residual-cifar10"} <= set(paper.SYSTEMS)
    assert all(system.nets and system.epochs > 0 for system in paper.SYSTEMS.values())

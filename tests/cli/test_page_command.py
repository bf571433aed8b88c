"""The command ``page``: files in, one page out, and a sentence when it cannot be."""

import json
import re

import numpy as np
import pytest

from whetstone_lab import keys, recordings
from whetstone_lab.cli import main as cli
from whetstone_lab.laboratory.experiments import Experiments
from whetstone_lab.laboratory.settings import Settings
from whetstone_lab.records import archive
from whetstone_lab.records.recorded import DATA
from whetstone_lab.simulator import Network
from whetstone_lab.simulator.operations import Dense, Neurons


def modules(path):
    state = re.search(r'id="wl-state">(.*?)</script>', path.read_text(encoding="utf-8"), re.DOTALL)[1]
    return [view["module"] for view in json.loads(state)["views"]]


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    weights = np.random.default_rng(0).normal(size=(64, 40)).astype(np.float32)
    built = Network((64,), [Dense(weights), Neurons()], key=keys.make_key(10, 40))
    return built.save(tmp_path_factory.mktemp("network") / "net.npz")


def test_a_page_of_all_that_a_run_leaves(tmp_path, capsys, network):
    out = tmp_path / "new" / "page.html"
    files = [DATA / "digits_trace.npz", DATA / "digits_spikes.npz", network]
    assert cli.main(["page", *map(str, files), "-o", str(out), "--text", "For Monday."]) == 0
    assert modules(out) == ["activation_curves", "sharpener_chart", "spike_raster", "drawing_pad", "fault_bench",
                            "spike_raster"]
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "ActivationCurves(hidden_1, hidden_2, output)"
    assert told[-1].startswith(f"Wrote {out}, 0.")
    assert out.stat().st_size < 3_000_000
    text = out.read_text(encoding="utf-8")
    assert "<title>digits_trace, digits_spikes, net</title>" in text
    assert "<p>For Monday.</p>" in text


def test_an_experiment_of_the_laboratory_is_the_laboratory(tmp_path, capsys, undrawn):
    experiments = Experiments(tmp_path / "runs")
    for seed in (3, 4):
        experiments.keep(recordings.digits_trace(), Settings(seed=seed))
    for file, seed in ((experiments.folder, 4), (experiments.folder / "001.npz", 3)):
        out = tmp_path / f"{seed}.html"
        assert cli.main(["page", str(file), "-o", str(out)]) == 0
        assert modules(out) == ["laboratory"]
        assert f"seed {seed})" in capsys.readouterr().out
    (tmp_path / "empty").mkdir()
    assert cli.main(["page", str(tmp_path / "empty"), "-o", str(tmp_path / "page.html")]) == 1
    assert "Expected a folder in which a laboratory has kept experiments" in capsys.readouterr().err


def test_a_file_that_is_only_called_like_an_experiment_is_what_it_is(tmp_path, undrawn):
    trace, out = tmp_path / "001.npz", tmp_path / "page.html"
    recordings.digits_trace().save(trace)
    (tmp_path / "001.json").write_text("{}")
    assert cli.main(["page", str(trace), "-o", str(out)]) == 0
    assert "laboratory" not in modules(out)


def test_a_page_that_is_there_is_kept_unless_it_is_to_be_replaced(tmp_path, capsys, undrawn):
    out = tmp_path / "page.html"
    out.write_text("mine")
    command = ["page", str(DATA / "digits_spikes.npz"), "-o", str(out), "--title", "Spikes"]
    assert cli.main(command) == 1
    assert capsys.readouterr().err == (f"whetstone-lab: error: There is {out} already. Name another page by -o, or "
                                       "give --overwrite.\n")
    assert out.read_text() == "mine"
    assert cli.main([*command, "--overwrite"]) == 0
    assert "<title>Spikes</title>" in out.read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "out", "words"), [
    ("digits_trace.npz", "page.npz", "Expected to write a page whose name ends in .html"),
    ("nowhere.npz", "page.html", "No such file"),
    ("model.keras", "page.html", "got the Keras model .*whetstone-lab convert"),
    ("digits.npz", "page.html", "no header in JSON"),
    ("README.md", "page.html", "not a readable .npz file")])
def test_what_cannot_be_shown_is_refused(tmp_path, capsys, name, out, words):
    assert cli.main(["page", str(DATA / name), "-o", str(tmp_path / out)]) == 1
    assert re.search(words, capsys.readouterr().err)
    assert not list(tmp_path.iterdir())


def test_another_kind_of_archive_and_a_network_for_other_pictures_are_refused(tmp_path, capsys):
    other = archive.write(tmp_path / "other.npz", "somebody.else", 1, {}, {})
    assert cli.main(["page", str(other), "-o", str(tmp_path / "page.html")]) == 1
    assert "holds 'somebody.else'" in capsys.readouterr().err
    small = Network((3,), [Neurons()]).save(tmp_path / "small.npz")
    assert cli.main(["page", str(small), "-o", str(tmp_path / "page.html")]) == 1
    assert "Expected a network for the pictures of digits" in capsys.readouterr().err

import gc
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

from whetstone_lab import widgets
from whetstone_lab.course import kept
from whetstone_lab.datasets import load_digits
from whetstone_lab.laboratory.experiments import Origin
from whetstone_lab.laboratory.page import Laboratory
from whetstone_lab.laboratory.settings import Settings
from whetstone_lab.laboratory.snapshots import Snapshots
from whetstone_lab.simulator import Network
from whetstone_lab.simulator.operations import Conv2D, Dense, Neurons


@pytest.fixture
def page(tmp_path, monkeypatch):
    """A laboratory, and what it sends besides its traits."""
    sent = []
    monkeypatch.setattr(Laboratory, "send", lambda self, content, buffers=(): sent.append(content))

    def page(**arguments):
        lab = Laboratory(**{"folder": tmp_path / "runs", **arguments})
        sent.clear()
        return SimpleNamespace(lab=lab, sent=sent, ask=lambda **content: lab._handle_custom_msg(content, []))

    return page


def test_it_opens_without_keras_and_without_matplotlib(tmp_path):
    code = f"""
import sys
from whetstone_lab import widgets
lab = widgets.Laboratory(folder={str(tmp_path / "runs")!r})
lab.get_state()
assert lab.setup["settings"]["network"] == "small"
assert not {{"keras", "tensorflow", "matplotlib"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
    assert widgets.Laboratory is Laboratory


def test_what_is_picked_is_the_next_run(page):
    p = page()
    p.ask(kind="settings", settings={**p.lab.setup["settings"], "network": "tiny", "epochs": 3})
    assert (p.lab.bench.settings.network, p.lab.setup["goal"], p.lab.setup["preset"]) == ("tiny", 3, "tiny e3")
    assert [layer["size"] for layer in p.lab.setup["layers"]] == [16, 100]
    p.ask(kind="settings", settings={"network": "cats"})
    assert p.sent[-1]["kind"] == "error"
    p.ask(kind="reset", fresh=True)
    assert (p.lab.bench.settings.seed, p.lab.setup["settings"]["seed"]) == (1, 1)
    p.ask(kind="reset", fresh=False)
    assert p.lab.bench.settings.seed == 1
    assert repr(p.lab) == f"Laboratory({p.lab.bench.settings.words()})"


def test_a_preset_is_read_and_holds_fast(page, monkeypatch):
    p = page(preset="wide! e9 s3-")
    assert p.lab.bench.settings == Settings(network="wide", epochs=9, seed=3)
    assert (p.lab.setup["locked"], p.lab.setup["hidden"]) == (["network", "seed"], ["seed"])
    p.ask(kind="preset", line="tiny e4")
    assert p.lab.bench.settings == Settings(network="wide", epochs=4, seed=3), "what is locked stays"
    p.ask(kind="reset", fresh=True)
    assert p.lab.bench.settings.seed == 3
    p.ask(kind="preset", line="elephants")
    assert "got 'elephants'" in p.sent[-1]["text"]
    assert p.lab.setup["settings"]["epochs"] == 4
    assert p.lab.setup["given"], "and no line lets it go"
    left = []
    monkeypatch.setattr(sys, "unraisablehook", left.append)
    with pytest.raises(ValueError, match="elephants"):
        page(preset="elephants")
    gc.collect()
    assert left == [], "a page that could not be made leaves no other error behind"


def test_a_line_that_is_typed_holds_fast_until_another_lets_go(page):
    p = page(preset="tiny!")
    p.ask(kind="preset", line="wide e40! adaptive-")
    assert p.lab.bench.settings == Settings(network="tiny", epochs=40), "what the code of the page holds stays"
    assert (p.lab.setup["locked"], p.lab.setup["hidden"]) == (["epochs", "network", "sharpening"], ["sharpening"])
    assert p.lab.setup["preset"] == "tiny! adaptive- e40!"
    p.ask(kind="settings", settings={**p.lab.setup["settings"], "epochs": 3, "seed": 4})
    assert p.lab.bench.settings == Settings(network="tiny", epochs=40, seed=4)
    p.ask(kind="preset", line="e7")
    assert p.lab.bench.settings == Settings(network="tiny", epochs=7)
    assert p.lab.setup["locked"] == ["network"]


def test_settings_that_change_under_a_run_wait_for_the_next(page, finished_trace):
    p = page()
    p.lab.bench.trace.begin(finished_trace.layers)
    p.ask(kind="settings", settings={"seed": 5})
    assert p.lab.setup["pending"]
    assert p.lab.bench.settings.seed == 0
    p.ask(kind="reset", fresh=False)
    assert not p.lab.setup["pending"]
    assert p.lab.bench.settings.seed == 5
    assert p.lab.about["layers"] == [], "the page was told that the run is gone"


def test_an_experiment_that_was_kept_is_looked_at_compared_and_written_out(page, finished_trace):
    p = page()
    p.lab.bench.experiments.keep(finished_trace, Settings(network="wide", seed=8))
    p.ask(kind="reset", fresh=False)
    (entry,) = p.lab.kept
    assert (entry["number"], entry["preset"], entry["epochs"]) == (1, "wide s8", finished_trace.epochs)
    p.ask(kind="compare", number=1)
    assert p.sent[-1]["bytes"] == [["past", "table"], ["past", "points"], ["accuracies"]]
    assert p.sent[-1]["layers"] == 3
    p.ask(kind="compare", number=None)
    assert p.sent[-1] == {"kind": "compared"}
    p.ask(kind="open", number=1)
    assert (p.lab.now["status"], p.lab.now["epochs"]) == ("recorded", finished_trace.epochs)
    assert not p.lab.about["live"], "moving its lines asks what if"
    assert p.lab.setup["settings"]["network"] == "wide"
    p.ask(kind="command", name="start")
    assert "takes no commands" in p.sent[-1]["text"]
    p.ask(kind="code", number=1)
    assert "hidden=(256, 64)" in p.sent[-1]["text"]
    p.ask(kind="code")
    assert "hidden=(256, 64), seed=8)" in p.sent[-1]["text"]
    p.ask(kind="open", number=7)
    assert p.sent[-1]["kind"] == "error"
    (p.lab.bench.experiments.folder / "001.npz").unlink()
    for kind in ("open", "compare", "go_on"):
        p.ask(kind=kind, number=1)
        assert "Put the file back from a copy" in p.sent[-1]["text"]
    assert p.lab.now["epochs"] == finished_trace.epochs, "what was shown is shown"


def test_pages_that_compare_different_runs_leave_each_other_alone(page, finished_trace, monkeypatch):
    p, epochs = page(), finished_trace.epochs
    snapshots = Snapshots.of_data(load_digits())
    snapshots.add(epochs, kept.network("digits"))
    experiments = p.lab.bench.experiments
    for seed in (1, 2):
        experiments.keep(finished_trace, Settings(seed=seed), snapshots=snapshots)
    read, own = [], type(experiments).snapshots
    monkeypatch.setattr(type(experiments), "snapshots",
                        lambda self, number: (read.append(number), own(self, number))[1])
    pages = {"one page": 1, "another": 2}
    for by, number in pages.items():
        p.ask(kind="compare", number=number, by=by)
        assert (p.sent[-1]["by"], p.sent[-1]["number"]) == (by, number)
    for sample in range(3):
        for by, number in pages.items():
            p.ask(kind="wave", epoch=epochs, sample=sample, number=number, by=by)
            assert (p.sent[-1]["by"], p.sent[-1]["number"], p.sent[-1]["sample"]) == (by, number, sample)
    assert read == [1, 2], "neither has the other's read again and again"
    experiments.keep(finished_trace, Settings(seed=2), number=2, snapshots=snapshots)
    p.ask(kind="wave", epoch=epochs, sample=0, number=2, by="another")
    assert read == [1, 2, 2], "it has gone on meanwhile"
    # What one page runs again is drawn beside on that page; the other has its own choice.
    monkeypatch.setattr(p.lab.bench, "start", lambda: None)
    p.ask(kind="open", number=1, by="one page")
    p.ask(kind="again", thresholds={"patience": 2}, epoch=None, by="one page")
    assert [(told["by"], told["number"]) for told in p.sent if told["kind"] == "compared"][2:] == [("one page", 1)]


def test_a_run_again_begins_with_the_lines_that_were_asked(page, finished_trace, monkeypatch):
    p = page()
    started = []
    monkeypatch.setattr(p.lab.bench, "start", lambda: started.append(dict(p.lab.bench.thresholds)))
    p.ask(kind="again", thresholds={"sig_increase": 0.4, "patience": 2, "name": "adaptive"}, epoch=None)
    assert started == [{"sig_increase": 0.4, "patience": 2}]
    assert "sig_increase=0.4" in p.lab.bench.script()
    p.ask(kind="again", thresholds={"sig_increase": -1})
    assert p.sent[-1]["kind"] == "error"
    assert p.lab.bench.thresholds == {"sig_increase": 0.4, "patience": 2}, "nothing was changed"
    p.lab.bench.experiments.keep(finished_trace, Settings())
    p.lab.bench.experiments.checkpoints(1).keep(4, {})
    p.ask(kind="open", number=1)
    assert (p.lab.setup["number"], p.lab.setup["resumable"]) == (1, [4])
    p.ask(kind="again", thresholds={"patience": 1}, epoch=5)
    assert (p.lab.bench.origin, p.lab.bench.thresholds) == (Origin(1, 4), {})
    assert p.sent[-1]["number"] == 1, "the old run is drawn beside"
    assert p.lab.bench._ahead.made[0].values == {"patience": 1}


def test_a_run_that_was_broken_off_is_offered_to_go_on(page, finished_trace, monkeypatch):
    p, epochs = page(), finished_trace.epochs
    started = []
    monkeypatch.setattr(p.lab.bench, "start", lambda: started.append(p.lab.bench.origin))
    for goal in (epochs, epochs + 5):
        number = p.lab.bench.experiments.keep(finished_trace, Settings(epochs=goal)).number
        p.lab.bench.experiments.checkpoints(number).keep(epochs - 1, {})
    p.ask(kind="reset", fresh=False)
    assert {each["number"]: each["goesOn"] for each in p.lab.kept} == {1: 0, 2: epochs - 1}
    p.ask(kind="go_on", number=2)
    assert started == [Origin(2, epochs - 1)]
    assert (p.sent[-1]["kind"], p.sent[-1]["number"]) == ("compared", 2), "what there was of it is drawn beside"


def test_before_there_are_spikes_it_says_so(page):
    p = page()
    p.ask(kind="wave", epoch=3, sample=0)
    assert p.sent == [{"kind": "wave"}]


def test_a_trace_is_just_looked_at(page, finished_trace):
    p = page(source=finished_trace)
    assert p.lab.setup["fields"] == []
    assert p.lab.setup["layers"] == [], "a trace does not say how many neurons there are"
    text = p.lab.to_csv().splitlines()
    assert (text[0].split(",")[-3:], len(text)) == (["soft", "spiking", "relu"], finished_trace.epochs + 1)
    assert p.lab.table()["soft"][-1] == finished_trace.epoch_logs[-1].get("val_accuracy")
    p.ask(kind="reset", fresh=True)
    assert "shows one run" in p.sent[-1]["text"]
    with pytest.raises(TypeError, match="Expected a Trace"):
        page(source=[1])


def test_a_trace_with_its_network_has_neurons_spikes_and_hands(page, finished_trace):
    network, data = kept.network("digits"), load_digits()
    p = page(source=finished_trace, network=network, x=data.x_test[:40], y=data.y_test[:40])
    assert (p.lab.setup["hands"], p.lab.setup["spikes"]) == ("", True)
    assert [layer["size"] for layer in p.lab.setup["layers"]] == [256, 64, 100]
    p.ask(kind="wave", epoch=999, sample=3)
    assert (p.sent[-1]["epoch"], p.sent[-1]["classes"][3]) == (finished_trace.epochs, 3)
    p.ask(kind="network", epoch=999, first=True)
    assert {path[0] for path in p.sent[-1]["bytes"]} == {"network", "samples"}
    p.ask(kind="network", epoch=999)
    assert "samples" not in p.sent[-1], "they are sent once"
    p.ask(kind="network", epoch=0, by="one of two pages")
    assert p.sent[-1] == {"kind": "network", "by": "one of two pages"}
    p.ask(kind="wave", epoch=999, sample=3, by="the other")
    assert p.sent[-1]["by"] == "the other"
    figure = p.lab.picture(sample=3)
    assert figure.get_suptitle() == f"after epoch {finished_trace.epochs}"
    assert "Spikes: read as 3, which is right" in [axes.get_title(loc="left") for axes in figure.axes]
    state = p.lab.state()
    assert (state["networks"]["epochs"], state["setup"]["away"]) == ([finished_trace.epochs], True)
    with pytest.raises(ValueError, match="Expected a run beside its network"):
        page(network=network)
    with pytest.raises(ValueError, match="Expected"):
        page(source=finished_trace, network=network, x=data.x_test[:, :3])


EYE = np.eye(16, dtype=np.float32)

#: Networks that no picture is read by as one class, and what is said of it.
OTHERS = {
    "places": (Network((4, 4, 1), [Neurons(0.5), Conv2D(np.ones((1, 1, 1, 2), np.float32))], readout="linear"),
               "a class for each place"),
    "values": (Network((16,), [Dense(EYE), Neurons(0.5), Dense(EYE[:, :2])], readout="values"), "values, no class"),
    "memory": (Network((16,), [Dense(EYE), Neurons(0.5, leak=0.5)], key=np.eye(16)), "remember from step to step"),
    "shape": (Network((3,), [Dense(EYE[:3, :4]), Neurons(0.5)], key=np.eye(4)), "no pictures but inputs of shape (3,)"),
}


@pytest.mark.parametrize(("network", "words"), OTHERS.values(), ids=OTHERS)
def test_of_other_networks_it_says_why_there_is_no_pad_and_shows_their_spikes(page, finished_trace, network, words):
    p = page(source=finished_trace, network=network, x=np.ones((2, *network.input_shape), np.float32))
    assert words in p.lab.setup["hands"]
    p.ask(kind="wave", epoch=999, sample=1)
    assert p.sent[-1]["about"]["layers"] == list(network.layers)
    networks = p.lab.state()["networks"]
    assert [wave["sample"] for wave in networks["waves"][0]] == [0, 1], "what the page cannot work out it takes along"
    assert len(p.lab.to_html()) < 1_000_000


def test_what_was_kept_is_looked_at_with_its_network_also_without_a_kernel(page, finished_trace, monkeypatch):
    p = page()
    snapshots = Snapshots.of_data(load_digits())
    snapshots.add(finished_trace.epochs, kept.network("digits"))
    for seed in range(3):
        p.lab.bench.experiments.keep(finished_trace, Settings(seed=seed), snapshots=snapshots if seed else None)
    p.ask(kind="open", number=2)
    p.ask(kind="wave", epoch=999, sample=7)
    assert p.sent[-1]["classes"][7] == 7
    state = p.lab.state()
    assert sorted(state["taken"]["runs"]) == ["1", "2", "3"]
    assert [run["networks"] != {} for _, run in sorted(state["taken"]["runs"].items())] == [False, True, True]
    assert "seed=2)" in state["taken"]["runs"]["3"]["script"]
    assert state["setup"]["fields"] == [], "nothing can be set up there"
    assert len(p.lab.to_html()) < 3_000_000
    monkeypatch.setattr("whetstone_lab.laboratory.page._RUNS", 100_000)
    assert list(p.lab.state()["taken"]["runs"]) == ["1"], "what is too large keeps no smaller one away"
    p.ask(kind="open", number=1)
    assert (p.lab.setup["spikes"], "was not kept" in p.lab.setup["hands"]) == (False, True)
    (p.lab.bench.experiments.folder / "003.network.npz").write_bytes(b"half")
    p.ask(kind="open", number=3)
    assert (p.lab.setup["number"], p.lab.setup["spikes"]) == (3, False), "its curves can be looked at all the same"
    assert "is damaged" in p.lab.setup["hands"]


def test_a_run_that_cannot_be_made_says_why(page, monkeypatch):
    from whetstone_lab import datasets

    def missing(name, **options):
        raise FileNotFoundError("mnist is not on this machine")

    p = page()
    monkeypatch.setattr(datasets, "load", missing)
    p.ask(kind="command", name="start")
    end = time.monotonic() + 120
    while p.lab.bench.trace.status == "running" and time.monotonic() < end:
        time.sleep(0.02)
    assert (p.lab.bench.trace.status, p.lab.bench.trace.message) == (
        "failed", "FileNotFoundError: mnist is not on this machine")
    p.ask(kind="reset", fresh=False)
    assert p.lab.bench.trace.status == "ready"


def test_a_page_takes_along_what_has_been(page, finished_trace):
    text = page(source=finished_trace).lab.to_html()
    assert "modules.laboratory" in text
    p = page()
    p.lab.bench.trace.begin(finished_trace.layers)
    assert p.lab.state()["about"]["layers"] == list(finished_trace.layers)


def test_what_is_looked_at_does_not_undo_what_is_held_fast(page, finished_trace):
    p = page(preset="wide! e9")
    p.lab.bench.experiments.keep(finished_trace, Settings(network="tiny", seed=8))
    p.ask(kind="open", number=1)
    assert p.lab.bench.settings == Settings(network="tiny", seed=8)
    p.ask(kind="reset", fresh=False)
    assert p.lab.bench.settings == Settings(network="wide", seed=8)
    (p.lab.bench.experiments.folder / "001.npz").write_bytes(b"half")
    p.ask(kind="settings", settings={"seed": 3})
    p.ask(kind="open", number=1)
    assert p.sent[-1]["kind"] == "error"
    assert p.lab.setup["settings"]["seed"] == 3, "nothing was changed"


def test_pictures_that_are_not_here_are_seen_to_be_picked(page, monkeypatch):
    monkeypatch.setattr("whetstone_lab.laboratory.page.at_hand", lambda: ["digits"])
    p = page(preset="mnist")
    (pictures,) = [field for field in p.lab.setup["fields"] if field["name"] == "data"]
    assert [choice["value"] for choice in pictures["choices"]] == ["digits", "mnist"]


def test_a_page_that_is_gone_is_told_nothing(page):
    bench = page().lab.bench
    other = Laboratory(bench)
    before = len(bench._listeners)
    other.close()
    del other
    gc.collect()
    assert len(bench._listeners) <= before

"""The demo from end to end on digits, with a policy in a hurry: what it says can be worked out again from its files."""

import dataclasses
import inspect
import io
import re
import shutil

import keras
import numpy as np
import pytest
from backends import without_graphs
from rich.console import Console

from whetstone_lab import datasets
from whetstone_lab.cli import demo
from whetstone_lab.cli import main as cli
from whetstone_lab.method.policies import AdaptivePolicy
from whetstone_lab.recipes import RECIPES, ROBUST
from whetstone_lab.records.trace import Trace
from whetstone_lab.simulator import Network, SpikeRecord

# Epoch 0 sets the reference, 1 starts, then a layer takes one to two epochs, whatever the loss.
HASTY = dataclasses.replace(ROBUST, epochs=12, policy=AdaptivePolicy(
    min_init_epochs=2, rate=1.0, cz_rate=0.5, patience=0, sig_decrease=0.9, sig_increase=1e9))
SEED = 3


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    out, words = tmp_path_factory.mktemp("demo") / "new" / "folder", io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RECIPES, "robust", HASTY)
        result = demo.demonstrate(out, seed=SEED, console=Console(file=words, width=200))
    return result, out, words.getvalue()


@pytest.fixture(scope="module")
def pictures():
    return datasets.load("digits", seed=SEED)


def test_everything_is_written_and_nothing_else(done):
    result, out, words = done
    names = ["trace.npz", "network.npz", "spikes.npz", "model.keras", "activation_curves.png", "sharpener.png",
             "spikes.png"]
    assert [file.name for file in result.files] == names
    assert sorted(file.name for file in out.iterdir()) == sorted([*names, "files.json"])
    assert f"Wrote {', '.join(names)} to {out}" in words
    for file in result.files:
        if file.suffix == ".png":
            assert file.read_bytes().startswith(b"\x89PNG")
            assert file.stat().st_size > 5000


def test_trace_and_spikes_load_again_as_they_were(done):
    result, out, _ = done
    trace, record = Trace.load(out / "trace.npz"), SpikeRecord.load(out / "spikes.npz")
    for name in ("loss", "sharpness", "epoch_ends", "firing_rates", "histograms"):
        np.testing.assert_array_equal(getattr(trace, name), getattr(result.trace, name), name)
    assert trace.events == result.trace.events
    assert trace.meta | {"data": "digits", "recipe": "robust", "seed": SEED} == trace.meta
    assert (trace.epochs, trace.sharpness[-1].tolist()) == (12, [1, 1, 1])
    for name in ("sample", "step", "layer", "neuron", "votes", "labels", "inputs"):
        np.testing.assert_array_equal(getattr(record, name), getattr(result.record, name), name)


def test_the_accuracies_are_those_of_the_saved_model_and_network(done, pictures):
    result, out, words = done
    model, network = keras.models.load_model(out / "model.keras"), Network.load(out / "network.npz")
    right = model.predict(pictures.x_test, verbose=0).argmax(-1) == pictures.y_test
    # The network anew, neuron by neuron: sums, thresholds, and the votes of the key.
    h = np.asarray(pictures.x_test, np.float64)
    for dense in [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]:
        kernel, bias = dense.get_weights()
        h = (h @ kernel.astype(np.float64) + bias >= 0.5).astype(np.float64)
    key = model.layers[-1].key.astype(int)
    agreements = (h[:, None, :] == key[None]).sum(-1)
    assert result.accuracies["spiking"] == right.mean() == (agreements.argmax(-1) == pictures.y_test).mean()
    assert network.key.tolist() == key.tolist()
    assert result.mismatches == 0
    assert result.record.labels.tolist() == pictures.y_test.tolist()
    for words_of, name in (("ReLU baseline", "relu"), ("soft network", "soft"), ("spiking network", "spiking")):
        line = next(line for line in words.splitlines() if line.startswith(f"  {words_of}"))
        epoch = demo._soft_epochs(result.trace) if name == "soft" else 12
        assert line.endswith(f" {result.accuracies[name]:.4f}  after epoch {epoch} of 12")
    assert "its classes are those of Keras" in words


def test_the_soft_accuracy_is_of_the_last_epoch_without_sharpening(done):
    trace = done[0].trace
    first = int(trace.epoch_of_batch[np.flatnonzero(trace.sharpness.any(axis=1))[0]])
    assert done[0].accuracies["soft"] == trace.epoch_logs[first - 1]["val_accuracy"]
    assert demo._soft_epochs(trace) == first
    never_soft = Trace(["a"])
    never_soft.append_batch(0, 1.0, [0.5])
    never_soft.append_epoch({"loss": 1.0, "val_accuracy": 0.5})
    assert np.isnan(demo._soft_accuracy(never_soft))
    assert demo._soft_epochs(never_soft) is None


def test_it_learns(done):
    assert done[0].accuracies["relu"] >= 0.955
    assert done[0].accuracies["spiking"] >= 0.955


@pytest.fixture
def few(monkeypatch, pictures):
    """Two pictures to train on and two to test on, each a batch."""
    few = dataclasses.replace(pictures, x_train=pictures.x_train[:2], y_train=pictures.y_train[:2],
                              x_test=pictures.x_test[:2], y_test=pictures.y_test[:2])
    monkeypatch.setattr(datasets, "load", lambda *_, **__: few)
    return few


def test_the_same_seed_trains_the_same_networks(few):
    runs = []
    for seed in (SEED, SEED, SEED + 1):
        with without_graphs():
            *models, trace = demo._train(HASTY, few, 1, seed, Console(file=io.StringIO()))
        runs.append([trace.loss, *models[0].get_weights(), *models[1].get_weights()])
    same, others = ([np.array_equal(one, other) for one, other in zip(runs[0], run, strict=True)] for run in runs[1:])
    assert all(same)
    assert not others[0]


def test_too_few_epochs_are_refused_before_training(tmp_path, monkeypatch):
    monkeypatch.setattr(keras.Model, "fit", lambda *_, **__: pytest.fail("It trained."))
    with pytest.raises(ValueError, match=r"Expected at least 21 epochs, .* recipe robust can sharpen 3 layers; got 20"):
        demo.demonstrate(tmp_path / "out", epochs=20)
    assert not (tmp_path / "out").exists()
    with pytest.raises(ValueError, match=r"Expected at least \d+ epochs, .* recipe published .*; got 2"):
        demo.demonstrate(tmp_path / "out", epochs=2, recipe="published")


# Uphill the loss rises, and a rise by a millionth stops it.
TOUCHY = dataclasses.replace(HASTY, cosine=False, policy=dataclasses.replace(
    HASTY.policy, rate=0.5, sig_increase=1e-6), optimizer={"class_name": "SGD", "config": {"learning_rate": -0.01}})


def test_the_fewest_epochs_suffice_whatever_the_loss_does(tmp_path, monkeypatch, few):
    monkeypatch.setitem(RECIPES, "robust", TOUCHY)
    with pytest.raises(ValueError, match="Expected at least") as refused:
        demo.demonstrate(tmp_path, epochs=1)
    fewest, words = int(re.search(r"at least (\d+)", str(refused.value))[1]), io.StringIO()
    monkeypatch.setattr(demo, "_draw", lambda trace, record, out: [
        (out / name).touch() for name in demo._FILES if name.endswith(".png")])
    trace = demo.demonstrate(tmp_path, epochs=fewest, console=Console(file=words, width=200)).trace
    assert (trace.epochs, trace.sharpness[-1].min()) == (fewest, 1)
    [hurried] = {event.epoch for event in trace.events if event.values.get("by") == demo._IN_TIME}
    assert f"After epoch {hurried + 1} sharpening went on whatever the loss did" in words.getvalue()


def test_a_run_with_epochs_to_spare_heeds_the_loss(done):
    result, _, words = done
    assert not [event for event in result.trace.events if event.kind == "threshold"]
    assert "whatever the loss did" not in words


def test_a_net_that_did_not_get_sharp_is_told_of_and_its_trace_is_kept_apart(done, tmp_path, monkeypatch, few):
    out = tmp_path / "out"
    shutil.copytree(done[1], out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    monkeypatch.setitem(RECIPES, "robust", TOUCHY)
    monkeypatch.setattr(demo, "_check_epochs", lambda *_: None)
    monkeypatch.setattr(demo, "_in_time", lambda *_: keras.callbacks.Callback())
    words = r"sharp after 2 epochs; got sharpness \[.*\]\. .*unsharp.*trace\.npz tells"
    with without_graphs(), pytest.raises(ValueError, match=words):
        demo.demonstrate(out, epochs=2, console=Console(file=io.StringIO()))
    assert Trace.load(out / "unsharp" / "trace.npz").epochs == 2
    assert {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()} == before


def test_what_no_demo_wrote_is_refused_before_training(tmp_path, monkeypatch):
    monkeypatch.setattr(keras.Model, "fit", lambda *_, **__: pytest.fail("It trained."))
    (tmp_path / "network.npz").write_text("mine")
    with pytest.raises(FileExistsError, match=r"network\.npz there would be overwritten"):
        demo.demonstrate(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["network.npz"]


def test_network_model_and_trace_remember_what_they_were_trained_on(done, pictures, tmp_path, capsys):
    _, out, _ = done
    expected = {"name": "digits", "test_fraction": 0.25, "seed": SEED}
    assert Network.load(out / "network.npz").meta["trained_on"] == expected
    assert Trace.load(out / "trace.npz").meta["trained_on"] == expected
    assert cli.main(["convert", str(out / "model.keras"), "-o", str(tmp_path / "net.npz")]) == 0
    assert "Trained on digits (test_fraction 0.25, seed 3).\n" in capsys.readouterr().out
    for path in (out / "network.npz", tmp_path / "net.npz"):
        assert cli.main(["simulate", str(path), "-o", str(tmp_path / "spikes.npz")]) == 0
        told = capsys.readouterr().out
        assert f"Accuracy {done[0].accuracies['spiking']:.4f}\n" in told
        assert "test part of digits (test_fraction 0.25, seed 3); the network was trained on the rest.\n" in told
        assert SpikeRecord.load(tmp_path / "spikes.npz").labels.tolist() == pictures.y_test.tolist()


@pytest.mark.parametrize(("options", "words"), [
    ({"recipe": "wild"}, r"Expected a recipe among \['published', 'robust'\]; got 'wild'"), ({"data": "cats"}, "cats"),
    ({"data": "scenes"}, "a class for each picture; scenes has one for each pixel")])
def test_what_is_not_known_is_refused(options, words, tmp_path):
    with pytest.raises(ValueError, match=words):
        demo.demonstrate(tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def told_by(capsys, name):
    with pytest.raises(SystemExit, match="0"):
        cli.main([name, "--help"])
    return capsys.readouterr().out


def test_the_options_of_the_demo_are_those_that_there_are(capsys):
    told = told_by(capsys, "demo")
    for name in (*(set(datasets.LOADERS) - {"scenes", "camvid"}), *RECIPES):  # those two have a class for each pixel
        assert name in told
    told = told_by(capsys, "simulate")
    assert all(name in told for name in datasets.LOADERS)
    defaults = {name: parameter.default for name, parameter in inspect.signature(demo.demonstrate).parameters.items()}
    given = vars(cli.build_parser().parse_args(["demo"]))
    assert all(given[name] == defaults[name] for name in ("seed", "data", "recipe", "epochs", "overwrite"))


def test_a_name_that_there_is_not_is_told_those_there_are(tmp_path, capsys, monkeypatch):
    words = "whetstone-lab: error: Expected a recipe among ['published', 'robust']; got 'secret'.\n"
    monkeypatch.chdir(tmp_path)
    assert cli.main(["demo", "--recipe", "secret"]) == 1
    assert capsys.readouterr() == ("", words)
    assert cli.main(["demo", "--data", "x"]) == 1
    words = f"whetstone-lab: error: Expected a dataset among {sorted(datasets.LOADERS)}; got 'x'.\n"
    assert capsys.readouterr() == ("", words)
    assert not list(tmp_path.iterdir())

"""The command ``convert``: a model in, a network out that runs as it did, and a sentence when it fails."""

import keras
import numpy as np
import pytest
from keras import layers

from whetstone_lab import datasets, keys
from whetstone_lab.cli import main as cli
from whetstone_lab.conversion.convert import convert
from whetstone_lab.simulator import Network, SpikeRecord, count_operations, predict, run
from whetstone_lab.simulator.operations import Neurons
from whetstone_lab.training import model_file
from whetstone_lab.training.decode import SoftmaxDecode
from whetstone_lab.training.layers import SpikingBReLU

KEY = keys.make_key(10, 40)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((64,)), layers.Dense(30, bias_initializer="ones"), SpikingBReLU(1.0),
                             layers.Dense(40), SpikingBReLU(1.0), SoftmaxDecode(KEY)])


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.keras"
    model.save(path)
    return path


@pytest.fixture(scope="module")
def digits():
    dataset = datasets.load("digits")
    return dataset.x_test, dataset.y_test


@pytest.mark.parametrize("suffix", ["npz", "nir"])
def test_a_model_becomes_a_file_that_runs(suffix, model, saved, digits, tmp_path, capsys):
    path, spikes = tmp_path / "new" / f"net.{suffix}", tmp_path / "spikes.npz"
    assert cli.main(["convert", str(saved), "-o", str(path)]) == 0
    told = capsys.readouterr().out
    assert repr(convert(model)) in told
    assert told.endswith(f"Wrote {path}\n")
    assert cli.main(["simulate", str(path), "-o", str(spikes)]) == 0
    told = capsys.readouterr().out
    network, (x, y) = convert(model), digits
    expected = count_operations(network, x)
    assert f"Accuracy {(predict(network, x) == y).mean():.4f}" in told
    assert f"{len(x)} test samples of digits" in told
    assert f"{expected.spikes.mean():,.1f} spikes of 70 neurons" in told
    assert f"{expected.synaptic_operations.mean():,.0f} synaptic operations" in told
    assert f"{expected.energy.mean() * 1e9:,.3f} nJ" in told
    record = SpikeRecord.load(spikes)
    np.testing.assert_array_equal(record.neuron, run(network, x).neuron)
    np.testing.assert_array_equal(record.labels, y)


def test_biases_go_where_they_are_told(saved, digits, tmp_path):
    for name, options in (("with", []), ("without", ["--absorb-biases"])):
        assert cli.main(["convert", str(saved), "-o", str(tmp_path / f"{name}.npz"), *options]) == 0
    first, second = Network.load(tmp_path / "with.npz"), Network.load(tmp_path / "without.npz")
    assert first.nodes[0].operation.bias is not None
    assert second.nodes[0].operation.bias is None
    np.testing.assert_array_equal(run(first, digits[0]).neuron, run(second, digits[0]).neuron)


def test_layers_that_are_not_sharp_are_refused_unless_told(tmp_path, capsys):
    path = tmp_path / "soft.keras"
    keras.Sequential([keras.Input((64,)), layers.Dense(3), SpikingBReLU(0.5, name="soft")]).save(path)
    assert cli.main(["convert", str(path), "-o", str(tmp_path / "net.npz")]) == 1
    assert "('soft', SpikingBReLU) at 0.5" in capsys.readouterr().err
    assert not (tmp_path / "net.npz").exists()
    assert cli.main(["convert", str(path), "-o", str(tmp_path / "net.npz"), "--as-if-sharp"]) == 0


def test_what_a_model_was_trained_on_is_asked_for_once_and_kept(saved, tmp_path, capsys):
    path = tmp_path / "net.npz"
    assert cli.main(["convert", str(saved), "-o", str(path)]) == 0
    assert "does not say what it was trained on" in capsys.readouterr().out
    assert "trained_on" not in Network.load(path).meta
    assert cli.main(["convert", str(saved), "-o", str(path), "--seed", "5"]) == 0
    assert "Trained on digits (test_fraction 0.25, seed 5).\n" in capsys.readouterr().out
    assert cli.main(["simulate", str(path)]) == 0
    digits = datasets.load_digits(seed=5)
    told = capsys.readouterr().out
    assert f"Accuracy {(predict(Network.load(path), digits.x_test) == digits.y_test).mean():.4f}\n" in told
    assert "seed 5); the network was trained on the rest." in told
    assert cli.main(["convert", str(saved), "-o", str(path), "--data", "my_own"]) == 0
    assert Network.load(path).meta["trained_on"] == {"name": "my_own"}
    assert cli.main(["convert", str(saved), "-o", str(tmp_path / "net.nir"), "--data", "digits"]) == 0
    assert "seed 0), which a .nir file does not keep.\n" in capsys.readouterr().out


def test_what_the_model_s_file_says_goes_into_the_network_and_is_not_contradicted(model, tmp_path, capsys):
    path, out = tmp_path / "model.keras", tmp_path / "net.npz"
    model.save(path)
    model_file.write_notes(path, datasets.load_digits(seed=5).split.meta)
    assert cli.main(["convert", str(path), "-o", str(out), "--absorb-biases"]) == 0
    assert Network.load(out).meta == {"name": model.name, "trained_on": {"name": "digits", "test_fraction": 0.25,
                                                                        "seed": 5}}
    assert cli.main(["convert", str(path), "-o", str(tmp_path / "other.npz"), "--seed", "6"]) == 1
    assert "digits (test_fraction 0.25, seed 5); got digits (test_fraction 0.25, seed 6)." in capsys.readouterr().err
    assert not (tmp_path / "other.npz").exists()


def heads(path, *names, loss=None):
    """A saved model of digits with a linear unit for each name."""
    inputs = keras.Input((64,))
    hidden = SpikingBReLU(1.0)(layers.Dense(5)(inputs))
    model = keras.Model(inputs, [layers.Dense(1, name=name)(hidden) for name in names])
    if loss is not None:
        model.compile(loss=loss)
    model.save(path)
    return path


def test_the_loss_in_the_file_says_how_the_output_is_read(tmp_path, capsys):
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    path, out = heads(tmp_path / "m.keras", "odd", loss=loss), tmp_path / "net.npz"
    assert cli.main(["convert", str(path), "-o", str(out)]) == 0
    assert capsys.readouterr().err == ""
    assert Network.load(out).readout == "logit"
    assert cli.main(["simulate", str(out), "--samples", "3", "-o", str(tmp_path / "spikes.npz")]) == 0
    assert "No accuracy: the output decides between 2 classes, and digits has 10.\n" in capsys.readouterr().out
    assert SpikeRecord.load(tmp_path / "spikes.npz").labels.shape == (0,)


def test_what_is_assumed_is_said_and_can_be_told(tmp_path, capsys):
    path, out = heads(tmp_path / "m.keras", "odd"), tmp_path / "net.npz"
    assert cli.main(["convert", str(path), "-o", str(out)]) == 0
    assert "note: Output 'odd' is read as a plain value" in capsys.readouterr().err
    assert Network.load(out).readout == "values"
    assert cli.main(["convert", str(path), "-o", str(out), "--readout", "logit"]) == 0
    assert capsys.readouterr().err == ""
    assert Network.load(out).readout == "logit"


@pytest.mark.parametrize("suffix", ["npz", "nir"])
def test_several_outputs_are_converted_and_simulated_by_their_names(suffix, tmp_path, capsys):
    path, out = heads(tmp_path / "m.keras", "odd", "size", loss={"size": "mse", "odd": None}), tmp_path / f"n.{suffix}"
    assert cli.main(["convert", str(path), "-o", str(out), "--readout", "odd=logit"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "readout odd 'logit', size 'values'" in captured.out
    assert cli.main(["simulate", str(out), "--samples", "3"]) == 0
    told = capsys.readouterr().out
    assert "No accuracy of odd: the output decides between 2 classes" in told
    assert "The output of size stands for no classes of pictures." in told
    assert cli.main(["convert", str(path), "-o", str(out), "--readout", "logit", "--readout", "odd=logit"]) == 1
    assert "--readout OUTPUT=KIND for each output" in capsys.readouterr().err


def cut_short(tmp_path, saved):
    path = tmp_path / "cut.keras"
    path.write_bytes(saved.read_bytes()[:-200])
    return path


def with_code(tmp_path, suffix):
    path = tmp_path / f"code{suffix}"
    keras.Sequential([keras.Input((4,)), layers.Lambda(lambda x: 2 * x), SpikingBReLU(1.0)]).save(path)
    return path


def damaged(tmp_path):
    path = Network((64,), [Neurons()]).save(tmp_path / "cut.npz")
    path.write_bytes(path.read_bytes()[:100])
    return path


@pytest.mark.parametrize(("arguments", "words"), [
    (lambda tmp, saved: ["convert", str(tmp / "no.keras"), "-o", str(tmp / "net.npz")], "There is no file"),
    (lambda tmp, saved: ["convert", str(cut_short(tmp, saved)), "-o", str(tmp / "net.npz")],
     "cut.keras is not a readable .keras file: it is truncated or damaged"),
    (lambda tmp, saved: ["convert", str(saved), "-o", str(tmp / "net.npz"), "--data", "mnist", "--seed", "1"],
     "by which the test part of mnist is not drawn"),
    (lambda tmp, saved: ["convert", str(saved), "-o", str(tmp / "net.txt")], "ends in .brian2.py, .c,"),
    (lambda tmp, saved: ["convert", str(damaged(tmp)), "-o", str(tmp / "net.npz")], "error: "),
    (lambda tmp, saved: ["convert", str(with_code(tmp, ".keras")), "-o", str(tmp / "net.npz")], "`Lambda` layer"),
    (lambda tmp, saved: ["convert", str(with_code(tmp, ".h5")), "-o", str(tmp / "net.npz")], "name ends in .keras"),
    (lambda tmp, saved: ["simulate", str(saved)], "Make a network of it first: whetstone-lab convert"),
])
def test_what_fails_ends_with_1_and_a_sentence(arguments, words, saved, tmp_path, capsys):
    assert cli.main(arguments(tmp_path, saved)) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("whetstone-lab: error: ") == 1
    assert words in captured.err


@pytest.mark.parametrize(("arguments", "words"), [
    (["convert", "model.keras"], "the following arguments are required: -o/--out"),
])
def test_a_wrong_command_line_ends_with_2(arguments, words, capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(arguments)
    assert words in capsys.readouterr().err

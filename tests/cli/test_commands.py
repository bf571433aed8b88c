"""The commands ``convert`` and ``simulate``: files in, files and honest figures out, and a sentence when it fails."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

from whetstone_lab import datasets, keys
from whetstone_lab.cli import main as cli
from whetstone_lab.conversion.convert import convert
from whetstone_lab.simulator import Network, SpikeRecord, costs, predict, run
from whetstone_lab.simulator.operations import Conv2D, Neurons
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
    expected = costs(network, x)
    assert f"Accuracy {(predict(network, x) == y).mean():.4f}" in told
    assert f"{len(x)} test samples of digits" in told
    assert f"{expected.spikes.mean():,.1f} spikes of 70 neurons" in told
    assert f"{expected.additions.mean():,.0f} additions" in told
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


def test_some_samples_of_a_network_without_classes(tmp_path, capsys):
    path = Network((8, 8, 1), [Neurons()]).save(tmp_path / "net.npz")
    assert cli.main(["simulate", str(path), "--samples", "7"]) == 0
    told = capsys.readouterr().out
    assert "7 test samples" in told
    assert told.endswith("The output stands for no classes of pictures.\n")


def test_a_network_with_a_class_for_each_place_is_counted_without_an_accuracy(tmp_path, capsys):
    path = Network((8, 8, 1), [Conv2D(np.float32([[[[1, -1]]]])), Neurons()], key=[[1, 0], [0, 1]]).save(tmp_path / "n")
    assert cli.main(["simulate", str(path)]) == 0
    assert capsys.readouterr().out.endswith("The output stands for no classes of pictures.\n")


def test_layers_that_are_not_sharp_are_refused_unless_told(tmp_path, capsys):
    path = tmp_path / "soft.keras"
    keras.Sequential([keras.Input((64,)), layers.Dense(3), SpikingBReLU(0.5, name="soft")]).save(path)
    assert cli.main(["convert", str(path), "-o", str(tmp_path / "net.npz")]) == 1
    assert "('soft', SpikingBReLU) at 0.5" in capsys.readouterr().err
    assert not (tmp_path / "net.npz").exists()
    assert cli.main(["convert", str(path), "-o", str(tmp_path / "net.npz"), "--as-if-sharp"]) == 0


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
    (lambda tmp, saved: ["convert", str(saved), "-o", str(tmp / "net.txt")], "ends in .npz or .nir; got"),
    (lambda tmp, saved: ["convert", str(damaged(tmp)), "-o", str(tmp / "net.npz")], "error: "),
    (lambda tmp, saved: ["convert", str(with_code(tmp, ".keras")), "-o", str(tmp / "net.npz")], "`Lambda` layer"),
    (lambda tmp, saved: ["convert", str(with_code(tmp, ".h5")), "-o", str(tmp / "net.npz")], "name ends in .keras"),
    (lambda tmp, saved: ["simulate", str(saved)], "Make a network of it first: whetstone-lab convert"),
    (lambda tmp, saved: ["simulate", str(Network((64,), [Neurons()]).save(tmp / "n.npz")), "-o", str(tmp / "n.npz")],
     "another file for the spikes than the network's"),
    (lambda tmp, saved: ["simulate", str(tmp / "no.npz")], "no.npz"),
    (lambda tmp, saved: ["simulate", str(tmp / "no.nir")], "There is no file"),
    (lambda tmp, saved: ["simulate", str(damaged(tmp))], "truncated, damaged"),
    (lambda tmp, saved: ["simulate", str(Network((9,), [Neurons()]).save(tmp / "n.npz"))],
     "takes inputs of shape (9,)"),
    (lambda tmp, saved: ["simulate", str(Network((64,), [Neurons()]).save(tmp / "n.npz")), "--data", "x"],
     "Expected a dataset among"),
])
def test_what_fails_ends_with_1_and_a_sentence(arguments, words, saved, tmp_path, capsys):
    assert cli.main(arguments(tmp_path, saved)) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("whetstone-lab: error: ") == 1
    assert words in captured.err


@pytest.mark.parametrize(("arguments", "words"), [
    (["convert", "model.keras"], "the following arguments are required: -o/--out"),
    (["simulate"], "the following arguments are required: NETWORK"),
    (["simulate", "net.npz", "--samples", "0"], "expected an integer of at least 1; got 0"),
])
def test_a_wrong_command_line_ends_with_2(arguments, words, capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(arguments)
    assert words in capsys.readouterr().err


def test_simulate_loads_no_keras(tmp_path):
    path = Network((64,), [Neurons()]).save(tmp_path / "net.npz")
    code = ("import sys; from whetstone_lab.cli import main as cli; cli.main(['simulate', sys.argv[1]]); "
            "assert not {'keras', 'tensorflow', 'matplotlib'} & set(sys.modules)")
    subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True)

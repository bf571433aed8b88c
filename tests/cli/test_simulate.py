"""The command ``simulate``, without Keras: honest figures of a network's file, and a sentence when it fails."""

import math

import numpy as np
import pytest
from fresh import run_fresh

from whetstone_lab import datasets, keys
from whetstone_lab.cli import main as cli
from whetstone_lab.method import class_maps
from whetstone_lab.simulator import Network, Node, Output, SpikeRecord, count_operations, predict, run
from whetstone_lab.simulator.operations import Add, Conv2D, Dense, Neurons, Reshape


def test_the_figures_are_those_of_the_simulator(tmp_path, capsys):
    weights = np.random.default_rng(0).normal(size=(64, 40)).astype(np.float32)
    network = Network((64,), [Dense(weights), Neurons()], key=keys.make_key(10, 40))
    path, spikes = network.save(tmp_path / "net.npz"), tmp_path / "new" / "spikes.npz"
    assert cli.main(["simulate", str(path), "--samples", "300", "-o", str(spikes)]) == 0
    told = capsys.readouterr().out.splitlines()
    digits = datasets.load("digits")
    x, y = digits.x_test[:300], digits.y_test[:300]
    expected = count_operations(network, x)
    assert told == [
        repr(network),
        "300 test samples of digits; on average a sample takes",
        f"  {expected.latency:12} time steps",
        f"  {expected.spikes.mean():12,.1f} spikes of 40 neurons",
        "             0 synaptic operations",
        "         2,560 multiply-accumulates (MACs); its ReLU baseline 2,560",
        f"  {expected.energy.mean() * 1e9:12,.3f} nJ of arithmetic at 45 nm; its ReLU baseline 11.776 nJ",
        f"Accuracy {(predict(network, x) == y).mean():.4f}",
        "The samples are the test part of digits (test_fraction 0.25, seed 0). Whether the network was trained on some "
        "of them is not known, since its file does not say; give --seed and --test-fraction if it was trained on "
        "another split.",
        f"Wrote {spikes}",
    ]
    record = SpikeRecord.load(spikes)
    np.testing.assert_array_equal(record.neuron, run(network, x).neuron)
    np.testing.assert_array_equal(record.labels, y)


def test_some_samples_of_a_network_without_classes(tmp_path, capsys):
    path = Network((8, 8, 1), [Neurons()]).save(tmp_path / "net.npz")
    assert cli.main(["simulate", str(path), "--samples", "7"]) == 0
    told = capsys.readouterr().out
    assert "7 test samples" in told
    assert "\nThe output stands for no classes of pictures.\n" in told


def test_a_network_with_a_class_for_each_place_is_counted_without_an_accuracy(tmp_path, capsys):
    path = Network((8, 8, 1), [Conv2D(np.float32([[[[1, -1]]]])), Neurons()], key=[[1, 0], [0, 1]]).save(tmp_path / "n")
    assert cli.main(["simulate", str(path)]) == 0
    assert "\nThe output stands for no classes of pictures.\n" in capsys.readouterr().out


def test_a_class_for_each_pixel_is_scored_where_the_data_have_one(tmp_path, capsys):
    weights = np.random.default_rng(0).normal(size=(1, 1, 1, 11)).astype(np.float32)
    path, spikes = Network((32, 32, 1), [Conv2D(weights)]).save(tmp_path / "net.npz"), tmp_path / "spikes.npz"
    assert cli.main(["simulate", str(path), "--data", "scenes", "--samples", "5", "-o", str(spikes)]) == 0
    scenes = datasets.load("scenes")
    decided = (scenes.x_test[:5] * weights[0, 0, 0]).argmax(-1)
    expected = class_maps.mean_iou(decided, scenes.y_test[:5], 11)
    assert f"\nMean IoU {expected:.4f}\n" in capsys.readouterr().out
    np.testing.assert_array_equal(SpikeRecord.load(spikes).labels, scenes.y_test[:5])
    path = Network((1024,), [Dense(np.ones((1024, 11), np.float32))]).save(tmp_path / "net.npz")
    assert cli.main(["simulate", str(path), "--data", "scenes", "--samples", "5", "-o", str(spikes)]) == 0
    assert "\nThe output stands for no classes of pixels.\n" in capsys.readouterr().out


def test_every_output_that_has_the_classes_of_the_data_is_scored_by_its_name(tmp_path, capsys):
    weights = np.random.default_rng(0).normal(size=(64, 10)).astype(np.float32)
    network = Network((64,), [Node("a", Dense(weights), ("input",)), Node("b", Dense(-weights), ("input",))],
                      outputs={"up": Output("a"), "down": Output("b"), "raw": Output("b", "values")})
    path, spikes = network.save(tmp_path / "net.npz"), tmp_path / "spikes.npz"
    assert cli.main(["simulate", str(path), "-o", str(spikes)]) == 0
    told, digits = capsys.readouterr().out, datasets.load("digits")
    for name, classes in predict(network, digits.x_test).items():
        assert f"Accuracy of {name} {(classes == digits.y_test).mean():.4f}\n" in told
    assert "The output of raw stands for no classes of pictures.\n" in told
    labels = SpikeRecord.load(spikes).labels
    assert {name: len(true) for name, true in labels.items()} == {
        "up": len(digits.y_test), "down": len(digits.y_test), "raw": 0}


def test_a_network_with_several_inputs_is_refused(tmp_path, capsys):
    network = Network({"a": (64,), "b": (64,)}, [Node("sum", Add(), ("a", "b"))])
    assert cli.main(["simulate", str(network.save(tmp_path / "net.npz"))]) == 1
    assert "has the inputs a, b. Run it from Python" in capsys.readouterr().err


# -- which pictures ---------------------------------------------------------------------------------------------------


def trained_on(path, meta, inputs=64):
    weights = np.random.default_rng(0).normal(size=(inputs, 40)).astype(np.float32)
    return str(Network((inputs,), [Dense(weights), Neurons()], key=keys.make_key(10, 40), meta=meta).save(path))


@pytest.fixture
def clothes(tmp_path, monkeypatch):
    """A folder with a small Fashion-MNIST and a small MNIST."""
    pictures = np.random.default_rng(0).integers(0, 256, (20, 28, 28), np.uint8)
    for name in ("fashion_mnist", "mnist"):
        np.savez(tmp_path / f"{name}.npz", x_train=pictures, y_train=np.arange(20) % 10, x_test=pictures[:9],
                 y_test=np.arange(9))
    monkeypatch.setenv("WHETSTONE_DATA", str(tmp_path))


@pytest.mark.parametrize(("readout", "shape", "known"), [
    ("sigmoid", (10,), False), ("logit", (1,), False), ("values", (10,), False), ("linear", (4, 3), False),
    ("linear", (2, 10), True), ("linear", (10,), True), (None, (10,), True),
])
def test_the_spikes_of_every_head_are_written_with_the_labels_that_suit_it(tmp_path, readout, shape, known):
    above = [Neurons()] if readout is None else [Reshape(shape)]
    path, spikes = tmp_path / "net.npz", tmp_path / "spikes.npz"
    Network((64,), [Dense(np.zeros((64, math.prod(shape)))), *above], readout=readout).save(path)
    assert cli.main(["simulate", str(path), "--samples", "3", "-o", str(spikes)]) == 0
    labels = SpikeRecord.load(spikes).labels
    assert labels.tolist() == (datasets.load_digits().y_test[:3].tolist() if known else [])


@pytest.mark.parametrize("says", [{"seed": 1}, {"seed": 2, "test_fraction": 0.5}])
@pytest.mark.parametrize("where", ["in the file", "on the command line"])
def test_a_network_is_tested_on_what_it_was_not_trained_on(tmp_path, capsys, says, where):
    digits = datasets.load_digits(**says)
    known = where == "in the file"
    path, spikes = trained_on(tmp_path / "net.npz", digits.split.meta if known else {}), tmp_path / "spikes.npz"
    options = [] if known else [word for name, value in says.items()
                                for word in (f"--{name.replace('_', '-')}", str(value))]
    assert cli.main(["simulate", path, "-o", str(spikes), *options]) == 0
    told = capsys.readouterr().out
    assert f"{len(digits.x_test)} test samples of digits" in told
    assert f"Accuracy {(predict(Network.load(path), digits.x_test) == digits.y_test).mean():.4f}\n" in told
    assert f"The samples are the test part of {digits.split}" in told
    assert ("the network was trained on the rest." in told) == known
    assert ("is not known, since its file does not say" in told) != known
    assert SpikeRecord.load(spikes).labels.tolist() == digits.y_test.tolist()


def test_the_data_set_is_the_one_that_it_was_trained_on(tmp_path, capsys, clothes):
    path = trained_on(tmp_path / "net.npz", {"trained_on": {"name": "fashion_mnist"}}, 784)
    assert cli.main(["simulate", path]) == 0
    told = capsys.readouterr().out
    assert "9 test samples of fashion_mnist" in told
    assert "test part of fashion_mnist (as published); the network was trained on the rest.\n" in told


def test_another_data_set_or_another_split_of_it_is_told_of(tmp_path, capsys, clothes):
    path = trained_on(tmp_path / "net.npz", {"trained_on": {"name": "fashion_mnist"}}, 784)
    assert cli.main(["simulate", path, "--data", "mnist"]) == 0
    assert ("The samples are the test part of mnist (as published), another data set than the network was trained on, "
            "fashion_mnist (as published).\n") in capsys.readouterr().out
    path = trained_on(tmp_path / "n.npz", {"trained_on": {"name": "mnist", "test_fraction": 0.5, "seed": 1}}, 784)
    assert cli.main(["simulate", path]) == 0
    assert "mnist (test_fraction 0.5, seed 1): some of them may be known to it.\n" in capsys.readouterr().out
    path = trained_on(tmp_path / "own.npz", {"trained_on": {"name": "my own"}})
    assert cli.main(["simulate", path]) == 0
    assert "another data set than the network was trained on, my own" in capsys.readouterr().out


@pytest.mark.parametrize(("options", "words"), [
    (["--seed", "2"], "digits (test_fraction 0.25, seed 1), as its file says; got seed 2."),
    (["--test-fraction", "0.5"], "got test_fraction 0.5. The test part of another holds pictures that it has learnt."),
    (["--data", "mnist", "--seed", "1"], "by which the test part of mnist is not drawn"),
])
def test_pictures_that_a_network_has_learnt_are_refused(tmp_path, capsys, options, words):
    path = trained_on(tmp_path / "net.npz", datasets.load_digits(seed=1).split.meta)
    assert cli.main(["simulate", path, *options]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert words in captured.err
    assert cli.main(["simulate", path, "--seed", "1", "--test-fraction", "0.25"]) == 0


# -- what fails -------------------------------------------------------------------------------------------------------


def damaged(tmp_path):
    path = Network((64,), [Neurons()]).save(tmp_path / "cut.npz")
    path.write_bytes(path.read_bytes()[:100])
    return path


@pytest.mark.parametrize(("arguments", "words"), [
    (lambda tmp: ["simulate", str(Network((64,), [Neurons()]).save(tmp / "n.npz")), "-o", str(tmp / "n.npz")],
     "another file for the spikes than the network's"),
    (lambda tmp: ["simulate", str(tmp / "no.npz")], "no.npz"),
    (lambda tmp: ["simulate", str(tmp / "no.nir")], "There is no file"),
    (lambda tmp: ["simulate", str(damaged(tmp))], "truncated, damaged"),
    (lambda tmp: ["simulate", str(Network((9,), [Neurons()]).save(tmp / "n.npz"))],
     "takes inputs of shape (9,)"),
    (lambda tmp: ["simulate", str(Network((64,), [Neurons()]).save(tmp / "n.npz")), "--data", "x"],
     "Expected a dataset among"),
])
def test_what_fails_ends_with_1_and_a_sentence(arguments, words, tmp_path, capsys):
    assert cli.main(arguments(tmp_path)) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("whetstone-lab: error: ") == 1
    assert words in captured.err


@pytest.mark.parametrize(("arguments", "words"), [
    (["simulate"], "the following arguments are required: NETWORK"),
    (["simulate", "net.npz", "--samples", "0"], "expected an integer of at least 1; got 0"),
    (["simulate", "net.npz", "--seed", "-1"], "expected an integer of at least 0; got -1"),
])
def test_a_wrong_command_line_ends_with_2(arguments, words, capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(arguments)
    assert words in capsys.readouterr().err


def test_simulate_loads_no_keras(tmp_path):
    path = Network((64,), [Neurons()]).save(tmp_path / "net.npz")
    code = ("import sys; from whetstone_lab.cli import main as cli; cli.main(['simulate', sys.argv[1]]); "
            "assert not {'keras', 'tensorflow', 'matplotlib'} & set(sys.modules)")
    done = run_fresh(code, path, loaded="numpy")
    assert done.returncode == 0, done.stderr

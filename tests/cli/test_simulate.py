"""The command ``simulate``, without Keras: honest figures of a network's file, and a sentence when it fails."""

import subprocess
import sys

import numpy as np
import pytest

from whetstone_lab import datasets, keys
from whetstone_lab.cli import main as cli
from whetstone_lab.simulator import Network, SpikeRecord, count_operations, predict, run
from whetstone_lab.simulator.operations import Conv2D, Dense, Neurons


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
    assert told.endswith("The output stands for no classes of pictures.\n")


def test_a_network_with_a_class_for_each_place_is_counted_without_an_accuracy(tmp_path, capsys):
    path = Network((8, 8, 1), [Conv2D(np.float32([[[[1, -1]]]])), Neurons()], key=[[1, 0], [0, 1]]).save(tmp_path / "n")
    assert cli.main(["simulate", str(path)]) == 0
    assert capsys.readouterr().out.endswith("The output stands for no classes of pictures.\n")


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

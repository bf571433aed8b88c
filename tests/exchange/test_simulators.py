"""Scripts in the simulators that they are for: every spike and every vote is ours, of several pictures on their way.

Each test is skipped, and says so, where its simulator is not installed. .ci/run asks Nengo; benchmarks/peers.sh
installs each of them in an environment of its own and asks it. Lava needs an older Python than this package: what
LAVA_PYTHON names runs its scripts.
"""

import importlib
import os
import runpy
import subprocess
import sys

import numpy as np
import pytest
from exchange_networks import NETWORKS, with_random_weights
from rounding import beyond_doubt

from whetstone_lab.exchange.targets import write
from whetstone_lab.simulator import Network, Node, run
from whetstone_lab.simulator import operations as ops

pytestmark = pytest.mark.peers

TOOLS = ["brian2", "lava", "nengo", "nest", "rockpool", "sanafe"]
SAMPLES = 40

#: The tools that take seconds to set up a network are asked for the three kinds of networks that there must be.
THREE = ["mlp", "convnet", "residual"]
SLOW = ["lava", "sanafe"]

#: Runs a script in another Python, on the pictures in a file, and writes what it gives to a third.
ELSEWHERE = """
import runpy, sys
import numpy as np
given, script = np.load(sys.argv[2]), runpy.run_path(sys.argv[1])
spikes = script["simulate"](given)
np.savez(sys.argv[3], names=[*spikes], votes=script["votes"](given, spikes),
         **{f"spikes_{number}": each for number, each in enumerate(spikes.values())})
"""


def network_of(name, kind):
    """One of the networks full of ties, or the same with weights at random."""
    network = NETWORKS[name]()
    return network if kind == "ties" else with_random_weights(network)


def pictures(network, tool, kind):
    """Random ones; zeros and ones where a tool has nothing else."""
    rng = np.random.default_rng(1)
    shape = (SAMPLES, *network.input_shape)
    if tool == "sanafe":
        return rng.integers(0, 2, shape).astype(network.dtype)
    return (rng.integers(-4, 5, shape) / 4 if kind == "ties" else rng.normal(size=shape)).astype(network.dtype)


def in_lava(network, folder):
    """``simulate`` and ``votes`` of a script, run by the Python that has Lava."""
    python = os.environ.get("LAVA_PYTHON") or pytest.skip("LAVA_PYTHON names no Python with lava-nc")
    script, given, got = write(network, folder / "net.lava.py"), folder / "given.npy", folder / "got.npz"

    def simulate(x):
        np.save(given, x)
        subprocess.run([python, "-c", ELSEWHERE, script, given, got], check=True, timeout=250,
                       env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"})
        found = np.load(got)
        return {str(name): found[f"spikes_{number}"] for number, name in enumerate(found["names"])}

    return {"simulate": simulate, "votes": lambda x, spikes: np.load(got)["votes"]}


def script_of(network, tool, folder):
    if tool == "lava":
        return in_lava(network, folder)
    pytest.importorskip(tool, reason=f"{tool} is not installed", exc_type=ImportError)
    return runpy.run_path(str(write(network, folder / f"net.{tool}.py")))


@pytest.mark.parametrize("kind", ["ties", "random"])
@pytest.mark.parametrize("name", ["mlp", "convnet", "residual", "branches", "groups, dilation, thresholds of their own",
                                  "map", "float64"])
@pytest.mark.parametrize("tool", TOOLS)
def test_spikes_and_votes_are_the_very_same(tool, name, kind, tmp_path):
    if (kind, name) == ("random", "map"):
        pytest.skip("with so many neurons each picture has one that rounding could turn")
    if tool in SLOW and name not in THREE:
        pytest.skip("it takes seconds to set up a network")
    network = network_of(name, kind)
    script, x = script_of(network, tool, tmp_path), pictures(network, tool, kind)
    spikes, record = script["simulate"](x), run(network, x)
    sure = np.ones(SAMPLES, bool) if kind == "ties" else beyond_doubt(network, record)
    assert sure.mean() > 0.7
    for layer in network.layers:
        want = record.dense(layer)[:, network.steps[layer]].reshape(SAMPLES, -1)
        np.testing.assert_array_equal(spikes[layer][sure], want[sure], err_msg=layer)
        assert 0.01 < want.mean() < 0.99
    votes = script["votes"](x, spikes)
    if network.readout in ("key", "linear", "softmax", "values"):
        np.testing.assert_allclose(votes[sure], record.votes[sure], rtol=0, atol=0 if kind == "ties" else 1e-5)


@pytest.mark.parametrize("tool", TOOLS)
def test_neurons_at_below_and_beyond_their_threshold(tool, tmp_path):
    """Sums on either side of a threshold, biases that fire by themselves, thresholds of 0 and below."""
    thresholds = np.float32([0.5, 0.5, 0.5, 0.0, 0.0, -0.25, 1e-30])
    bias = np.float32([0, 0.25, 0.75, 0, -1, 0, 0])
    network = Network((2,), [ops.Dense(np.float32([[0.5] * 7, [-0.25] * 7]), bias), ops.Neurons(thresholds)])
    script = script_of(network, tool, tmp_path)
    x = np.float32([[0, 0], [1, 0], [0, 1], [1, 1], [0, 0]])
    np.testing.assert_array_equal(script["simulate"](x)["neurons"], run(network, x).dense("neurons")[:, 0])


@pytest.mark.parametrize("tool", TOOLS)
def test_pictures_do_not_touch_each_other(tool, tmp_path):
    """A skip waits for the deep branch, of the same picture: after a bright one comes a dark one, and the other way."""
    nodes = [Node("a", ops.Neurons(), ("input",)), Node("b", ops.Neurons(), ("a",)), Node("c", ops.Neurons(), ("b",)),
             Node("sum", ops.Add(), ("c", "a")), Node("d", ops.Neurons(2.0), ("sum",)),
             Node("all", ops.Add(), ("d", "input")), Node("out", ops.Neurons(2.0), ("all",))]
    network = Network((3,), nodes)
    script = script_of(network, tool, tmp_path)
    x = np.float32([[1, 0, 1], [0, 0, 1], [1, 1, 0], [0, 0, 0], [0, 1, 0], [1, 1, 1]])
    for order in (slice(None), slice(None, None, -1)):
        found = script["simulate"](x[order])
        np.testing.assert_array_equal(found["out"], x[order])
        np.testing.assert_array_equal(found["d"], x[order])


@pytest.mark.parametrize("tool", TOOLS)
def test_a_population_may_have_any_name(tool, tmp_path):
    network = Network((2,), [Node("v", ops.Neurons(), ("input",)), Node("block/conv 1.x", ops.Neurons(), ("v",)),
                             Node("i", ops.Add(), ("v", "block/conv 1.x")), Node("t", ops.Neurons(1.5), ("i",))])
    spikes = script_of(network, tool, tmp_path)["simulate"](np.eye(2))
    np.testing.assert_array_equal(spikes["t"], np.eye(2))


@pytest.mark.parametrize("name", THREE)
def test_sanafe_says_time_and_energy_which_grows_with_spikes(name, tmp_path):
    network = NETWORKS[name]()
    script = script_of(network, "sanafe", tmp_path)
    few, many = np.zeros((4, *network.input_shape)), np.ones((4, *network.input_shape))
    energies, times = [], []
    for x in (few, many):
        spikes, found = script["run"](x)
        record = run(network, x.astype(np.float32))
        for layer in network.layers:
            assert (spikes[layer].sum(axis=1) == record.dense(layer).reshape(4, -1).sum(axis=1)).all()
        energies.append(found["energy"]["total"])
        times.append(found["sim_time"])
    assert 0 < energies[0] < energies[1] < 1e-5
    assert 0 < min(times) <= max(times) < 1e-3
    with pytest.raises(ValueError, match="zeros and ones"):
        script["simulate"](few + 0.5)
    if name == "mlp":
        np.save(tmp_path / "pictures.npy", many)
        said = subprocess.run([sys.executable, tmp_path / "net.sanafe.py", tmp_path / "pictures.npy"], check=True,
                              capture_output=True, text=True).stdout
        assert f"{energies[1] / 4:.3g} J and {times[1] / 4:.3g} s for each of 4 pictures\n" in said


def test_nengo_s_own_neurons_would_begin_at_random():
    """If this fails, a newer Nengo has another initial voltage: the script may do without neurons of its own."""
    nengo = pytest.importorskip("nengo", reason="nengo is not installed")
    assert importlib.import_module("nengo.neurons").LIF.state["voltage"] == nengo.dists.Uniform(low=0, high=1)

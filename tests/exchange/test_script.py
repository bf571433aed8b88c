"""Scripts for simulators of single neurons: what they say of a network, tried in a wave of NumPy's own."""

import runpy
import subprocess
import sys
from dataclasses import replace

import nir_graphs
import numpy as np
import pytest
from exchange_networks import NETWORKS, ties

from whetstone_lab.exchange.brian2 import to_brian2
from whetstone_lab.exchange.script import Simulator, steps
from whetstone_lab.exchange.synapses import populations
from whetstone_lab.simulator import Network, Node, Output, predict, run
from whetstone_lab.simulator import operations as ops

#: Fires as the text says: strictly above its thresholds or at them, and a step for each synapse.
BODY = '''
def simulate(pictures):
    values, spikes = by_input(pictures), {}
    for number, (name, (size, step)) in enumerate(POPULATIONS.items()):
        sums = np.zeros((len(next(iter(values.values()))), size))
        for row, (source, target) in enumerate(CONNECTIONS):
            if target == name:
                assert step > POPULATIONS.get(source, (0, 0))[1]
                weights = np.zeros((values[source].shape[1], size))
                weights[DATA[f"pre_{row}"], DATA[f"post_{row}"]] = DATA[f"weight_{row}"]
                sums += values[source] @ weights
        values[name] = spikes[name] = fires(sums, DATA[f"threshold_{number}"])
    return spikes
'''
AT = Simulator("NumPy", ".tool.py", "numpy", "from numpy import greater_equal as fires", "", BODY, "At once.")
ABOVE = replace(AT, imports="from numpy import greater as fires", strict=np.float32)
WRITTEN = [name for name in NETWORKS if name not in ("arithmetic", "pool before thresholds of their own")]


def the_same(network, x, script):
    """Checks every spike and every vote of a script, which is written and has run nothing yet."""
    spikes = script["simulate"](x)
    votes, record = script["votes"](x, spikes), run(network, x)
    for layer in network.layers:
        want = record.dense(layer)[:, network.steps[layer]].reshape(record.samples, -1)
        np.testing.assert_array_equal(spikes[layer], want, err_msg=layer)
        assert spikes[layer].dtype == bool
    if network.readout == "logit":
        np.testing.assert_array_equal(votes[:, 0] - network.head.threshold, record.votes[:, 1])
    elif network.readout != "spikes":
        np.testing.assert_array_equal(votes, record.votes)


@pytest.mark.parametrize("simulator", [AT, ABOVE])
@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_is_the_network(name, simulator, tmp_path):
    network = NETWORKS[name]()
    files = simulator.write(network, tmp_path / "net.tool.py")
    assert sorted(tmp_path.iterdir()) == sorted(files)
    assert [file.name for file in files] == ["net.tool.py", "net.tool.npz"]
    x = (np.random.default_rng(1).integers(-4, 5, (30, *network.input_shape)) / 4).astype(network.dtype)
    the_same(network, x, runpy.run_path(str(files[0])))


@pytest.mark.parametrize("name", ["mlp", "map", "groups, dilation, thresholds of their own"])
def test_a_script_reads_pictures_and_says_what_it_decides(name, tmp_path):
    network = NETWORKS[name]()
    script, _ = AT.write(network, tmp_path / "net.tool.py")
    x = nir_graphs.images(network, 5)
    np.save(tmp_path / "pictures.npy", x)
    done = subprocess.run([sys.executable, script, tmp_path / "pictures.npy"], capture_output=True, text=True,
                          check=True)
    *layers, decided = done.stdout.split("\n", len(populations(network)) - 1)
    assert [line.split(":")[0] for line in layers] == [each.name for each in populations(network)[:-1]]
    classes = np.array(decided.replace("[", " ").replace("]", " ").replace("False", "0").replace("True", "1").split())
    np.testing.assert_array_equal(classes.astype(int), predict(network, x).ravel())


def test_several_inputs_come_by_their_names(tmp_path, monkeypatch, capsys):
    network = Network({"left": (5,), "right": (5,)}, [
        Node("x", ops.Dense(ties(5, 4)), ("left",)), Node("y", ops.Dense(ties(5, 4, seed=1)), ("right",)),
        Node("sum", ops.Add(), ("x", "y")), Node("out", ops.Neurons(), ("sum",))], key=np.eye(4))
    script, _ = AT.write(network, tmp_path / "net.tool.py")
    x = {name: np.random.default_rng(2).integers(0, 3, (20, 5)).astype(np.float32) for name in network.inputs}
    the_same(network, x, runpy.run_path(str(script)))
    np.savez(tmp_path / "pictures.npz", **x)
    monkeypatch.setattr(sys, "argv", [str(script), str(tmp_path / "pictures.npz")])
    runpy.run_path(str(script), run_name="__main__")
    assert capsys.readouterr().out.endswith(f"for a picture\n{predict(network, x)}\n")


def test_a_name_is_a_name_and_never_a_part_of_the_program(tmp_path):
    names = ['''"""\nraise SystemExit("one")\n#''', "'}\nraise SystemExit('two')\n{'", "{0}\\", "a/b.c d"]
    network = Network({names[0]: (2,), names[2]: (2,)}, [
        Node(names[1], ops.Neurons(), (names[0],)), Node("sum", ops.Add(), (names[1], names[2])),
        Node(names[3], ops.Neurons(1.5), ("sum",))])
    script, _ = AT.write(network, tmp_path / "net.tool.py")
    the_same(network, {name: np.float32([[0, 1], [1, 1], [0.5, 1]]) for name in network.inputs},
             runpy.run_path(str(script)))


def test_a_wave_reaches_a_population_a_step_after_the_last_before_it():
    neurons = populations(NETWORKS["residual"]())[:-1]
    assert steps(NETWORKS["residual"](), neurons) == {"input": 0, "first": 1, "second": 2, "out": 3}


def test_a_script_says_what_it_needs_and_what_it_takes(tmp_path, monkeypatch):
    network = NETWORKS["convnet"]()
    script, _ = AT.write(network, tmp_path / "net.tool.py")
    for arguments in ([], ["a.npy", "b.npy"]):
        monkeypatch.setattr(sys, "argv", [str(script), *arguments])
        with pytest.raises(SystemExit, match=r"^Usage: python net\.tool\.py PICTURES, .* of shape \(7, 6, 2\)\.$"):
            runpy.run_path(str(script), run_name="__main__")
    simulate = runpy.run_path(str(script))["simulate"]
    for wrong in (np.zeros((5, 6, 6, 2)), np.zeros(84), {"input": np.zeros((5, 83))}):
        with pytest.raises(ValueError, match=r"pictures of shape \(7, 6, 2\) for 'input'; got one of shape \("):
            simulate(wrong)
    with pytest.raises(ValueError, match=r"for the inputs \['input'\]; got them for \['other'\]"):
        simulate({"other": np.zeros((5, 84))})
    missing = replace(AT, package="no-such-package", imports="import no_such_package")
    script, _ = missing.write(network, tmp_path / "net.tool.py")
    with pytest.raises(ImportError, match="This script runs in NumPy: pip install no-such-package"):
        runpy.run_path(str(script))


@pytest.mark.parametrize("limit", [0.5, 0.1, 0.0, -0.25, 1.0, 1 / 3])
def test_the_float_below_is_below_in_the_precision_of_the_tool(limit, tmp_path):
    network = Network((1,), [ops.Neurons(np.float64([limit]))])
    _, numbers = ABOVE.write(network, tmp_path / "net.tool.py")
    with np.load(numbers) as found:
        (below,) = found["threshold_0"]
    assert below == np.float32(below) < limit <= np.nextafter(np.float32(below), np.float32(np.inf))


@pytest.mark.parametrize(("network", "name", "words"), [
    (NETWORKS["arithmetic"], "net.brian2.py", r"'relu' \(ReLU\) .* no spike"),
    (NETWORKS["mlp"], "net.py", r"name ends in \.brian2\.py; got .*net\.py"),
    (lambda: Network((2,), [ops.Neurons()], outputs={"a": Output("neurons"), "b": Output("neurons")}), "net.brian2.py",
     "one output"),
])
def test_what_cannot_be_said_is_refused_and_nothing_is_written(network, name, words, tmp_path):
    with pytest.raises(ValueError, match=words):
        to_brian2(network(), tmp_path / name)
    assert not list(tmp_path.iterdir())

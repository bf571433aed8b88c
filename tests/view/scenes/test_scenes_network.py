import base64
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from whetstone_lab import datasets
from whetstone_lab.course import kept
from whetstone_lab.simulator import Network, Node, Output, run
from whetstone_lab.simulator.operations import Conv2D, Dense, Neurons
from whetstone_lab.view import scenes

STATIC = Path(scenes.__file__).parents[1] / "widgets" / "static"


def values(sent, network):
    return np.frombuffer(sent["values"], network.dtype.newbyteorder("<")).reshape(sent["shape"])


def test_a_network_is_sent_as_it_is():
    network = Network((4, 3, 1), [Node("low", Conv2D(np.arange(8.0).reshape(2, 2, 1, 2), padding="same"), ("input",)),
                                  Node("fire", Neurons([0.25, 0.5]), ("low",)),
                                  Node("skip", Conv2D(np.ones((1, 1, 1, 1)), [1]), ("input",))], readout="values")
    sent = scenes.page_network(network)
    low, fire, skip = sent["nodes"]
    assert (sent["dtype"], sent["input"], sent["output"], sent["decides"]) == ("float64", [4, 3, 1], 3, False)
    assert (low["from"], fire["from"], skip["from"]) == ([0], [1], [0])
    assert (fire["kind"], fire["shape"], fire["step"], skip["step"]) == ("Neurons", [4, 3, 2], 0, -1)
    assert low["options"] == {"bias": None, "dilation": [1, 1], "groups": 1, "strides": [1, 1], "padding": "same"}
    np.testing.assert_array_equal(values(low["arrays"]["weights"], network), network.nodes[0].operation.weights)
    assert values(fire["arrays"]["threshold"], network).tolist() == [0.25, 0.5]
    json.dumps({**sent, "nodes": [{**node, "arrays": {}} for node in sent["nodes"]]}, allow_nan=False)


def test_what_a_page_cannot_show_is_refused_with_a_remedy():
    with pytest.raises(ValueError, match=r"Expected neurons that remember .*'neurons' has leak=0.5.*SpikeRaster"):
        scenes.page_network(Network((2,), [Neurons(0.5, leak=0.5)]))
    with pytest.raises(TypeError, match=r"Expected a Network, as convert\(model\) makes one .*; got str"):
        scenes.page_network("digits.network.npz")
    two = Network((2,), [Node("a", Dense(np.eye(2)), ("input",)), Node("b", Dense(np.eye(2)), ("input",))],
                  outputs={"a": Output("a"), "b": Output("b")})
    with pytest.raises(ValueError, match="one output"):
        scenes.page_network(two)


@pytest.mark.parametrize(("white", "dtype"), [(1, np.float32), (16, np.float32), (255, np.float32), (255, float)])
def test_whole_shades_go_as_bytes_and_come_back_to_the_bit(white, dtype):
    network = Network((6,), [Dense(np.eye(6).astype(dtype))])
    x = np.random.default_rng(0).integers(0, white + 1, (7, 6)).astype(dtype) / dtype(white)
    x[0, 0] = 1
    sent = scenes.Samples.of(network, x, np.arange(7) % 6).sent()
    assert (sent["count"], sent["white"], len(sent["values"])) == (7, white, 42)
    np.testing.assert_array_equal(np.frombuffer(sent["values"], "u1").reshape(7, 6).astype(dtype) / dtype(white), x)
    assert sent["labels"] == [0, 1, 2, 3, 4, 5, 0]


@pytest.mark.parametrize("x", [[[0.3, -1.0]], [[0.1, 0.2]], [[256.0, 1.0]]])
def test_other_values_go_as_they_are(x):
    sent = scenes.Samples.of(Network((2,), [Dense(np.eye(2))]), x).sent()
    assert (sent["white"], sent["labels"]) == (0, [])
    assert np.frombuffer(sent["values"], "<f8").tolist() == x[0]


def test_samples_are_the_first_ones_in_the_networks_shape():
    network = Network((2, 2, 1), [Conv2D(np.ones((2, 2, 1, 3)))], readout="values")
    samples = scenes.Samples.of(network, np.zeros((700, 4)))
    assert samples.values.shape == (500, 2, 2, 1)
    assert scenes.Samples.of(network, None).sent()["count"] == 0
    with pytest.raises(ValueError, match="give x as well as y"):
        scenes.Samples.of(network, None, [1])
    with pytest.raises(ValueError, match=r"Expected inputs of shape \(samples, 2, 2, 1\)"):
        scenes.Samples.of(network, np.zeros((3, 5)))
    with pytest.raises(ValueError, match="Expected samples without steps in time"):
        scenes.Samples.of(network, np.zeros((3, 2, 2, 2, 1)))


@pytest.mark.parametrize(("shape", "of"), [((4, 3, 2), (24,)), ((4, 3, 1), (4, 3)), ((9,), (3, 3)), ((3, 3), (9, 1))])
def test_samples_may_be_flat_or_not_as_long_as_their_values_stand_in_the_same_order(shape, of):
    network = Network(shape, [Neurons(0.5)])
    x = np.arange(2.0 * np.prod(of), dtype=np.float32).reshape(2, *of)
    np.testing.assert_array_equal(scenes.Samples.of(network, x).values.ravel(), x.ravel())
    assert scenes.Samples.of(network, x[:0]).values.shape == (0, *shape)


@pytest.mark.parametrize(("shape", "of"), [((4, 4, 3), (3, 4, 4)), ((4, 4), (2, 8)), ((4, 3), (3, 4))])
def test_samples_whose_axes_are_in_another_order_are_refused_and_not_scrambled(shape, of):
    with pytest.raises(ValueError, match=r"Expected inputs of shape \(samples, 4"):
        scenes.Samples.of(Network(shape, [Neurons(0.5)]), np.zeros((2, *of)))


@pytest.mark.parametrize(("key", "rows", "classes"), [
    (np.eye(10, dtype=int), 10, 10), (np.repeat(np.eye(24, dtype=int), 3, axis=1), 24, 24),
    (np.eye(64, dtype=int), 8, 0), (np.eye(3, 600, dtype=int), 24, 0), (np.eye(3, 5, dtype=int), 5, 3)])
def test_output_neurons_stand_class_by_class_unless_that_were_a_thin_line(key, rows, classes):
    laid = scenes.grid(key.shape[1:], key)
    row, column = scenes.places(laid, key.shape[1])
    assert (laid["classes"], row.max() + 1) == (classes, rows)
    assert len({*zip(row.tolist(), column.tolist(), strict=True)}) == key.shape[1]


def test_a_picture_has_rows_columns_and_channels():
    assert scenes.picture_shape(Network((64,), [Dense(np.eye(64))])) == (8, 8, 1)
    assert scenes.picture_shape(Network((5, 4, 3), [Neurons(0.5)])) == (5, 4, 3)
    with pytest.raises(ValueError, match=r"Expected a network that is shown pictures.*got \(5,\)"):
        scenes.picture_shape(Network((5,), [Neurons(0.5)]))


@pytest.mark.skipif(not shutil.which("node"), reason="needs Node.js")
def test_a_trained_network_fires_the_very_same_spikes_in_javascript():
    """The digits network on all pictures that were held out: some 190,000 neurons."""
    network, x = kept.network("digits"), datasets.load_digits().x_test
    record = run(network, x)
    sent = scenes.page_network(network)
    for node in sent["nodes"]:
        for array in node["arrays"].values():
            array["values"] = base64.b64encode(array["values"]).decode()
    program = """
        const { networkOf, reading, wave } = await import(process.argv[1]);
        const { sent, inputs } = JSON.parse(require("fs").readFileSync(0, "utf8"));
        for (const node of sent.nodes) for (const array of Object.values(node.arrays)) array.values = new Uint8Array(Buffer.from(array.values, "base64"));
        const network = networkOf(sent);
        console.log(JSON.stringify(inputs.map((input) => {
            const { values, fired } = wave(network, input);
            return { fired: fired.map((layer) => layer.join("")).join(""), best: reading(network, values[network.output]).best };
        })));"""  # noqa: E501
    found = json.loads(subprocess.run(
        ["node", "-e", f"(async () => {{ {program} }})()", (STATIC / "wave.mjs").as_uri()], check=True, text=True,
        capture_output=True, timeout=120, input=json.dumps({"sent": sent, "inputs": x.reshape(len(x), -1).tolist()}),
    ).stdout)
    spikes = np.concatenate([record.dense(layer).any(axis=1).reshape(len(x), -1) for layer in network.layers], axis=1)
    np.testing.assert_array_equal([[*map(int, one["fired"])] for one in found], spikes)
    assert [one["best"] for one in found] == record.classes.tolist()

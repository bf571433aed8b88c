"""``Network``: what it checks, what it counts, and that a file gives back the same network."""

import ast
import itertools
import json
import math
import struct
import zipfile

import numpy as np
import pytest

from whetstone_lab.records import archive
from whetstone_lab.records.archive import ArchiveError
from whetstone_lab.simulator import Network, Node, predict, run
from whetstone_lab.simulator.operations import (
    Add,
    AveragePool2D,
    Concatenate,
    Conv2D,
    Dense,
    GlobalAveragePool2D,
    MaxPool2D,
    Neurons,
    ReLU,
    Reshape,
    Scale,
    UpSample2D,
)

KEY = np.array([[1, 1, 0, 0], [0, 0, 1, 1]])


def quarters(shape, seed=0):
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(np.float32) / 4


def convnet():
    return Network((8, 8, 1), [
        Scale(2, -0.5),
        Conv2D(quarters((3, 3, 1, 4)), quarters(4), padding="same"), Neurons(),
        MaxPool2D(),
        Conv2D(quarters((3, 3, 4, 6), 1), None, 1, strides=2), Neurons([0.5, 0.25, 0, 0.5, 1, 0.75]),
        Reshape(),
        Dense(quarters((6, 4), 2), quarters(4, 3)), Neurons(0),
    ], key=KEY, meta={"name": "convnet"})


def residual():
    """Two spiking branches of different depth, added and joined."""
    return Network((3,), [
        Node("a", Dense(quarters((3, 4))), ("input",)), Node("first", Neurons(), ("a",)),
        Node("b", Dense(quarters((4, 4), 1), quarters(4, 1)), ("first",)), Node("second", Neurons(), ("b",)),
        Node("sum", Add(), ("first", "second")), Node("third", Neurons(1.0), ("sum",)),
        Node("all", Concatenate(), ("first", "third")), Node("read", Dense(quarters((8, 2), 2)), ("all",)),
    ])


def test_it_counts_neurons_synapses_and_steps():
    network = convnet()
    assert network.layers == ("neurons", "neurons_2", "neurons_3")
    assert network.shapes["conv2d"] == (8, 8, 4)
    assert network.output_shape == (4,)
    assert network.neurons == 8 * 8 * 4 + 6 + 4
    # Of 8 windows of 3 along an axis, the outer two lose a tap to the padding: 22 taps on the image.
    assert network.synapses == 22 * 22 * 4 + 9 * 4 * 6 + 6 * 4
    assert [network.steps[name] for name in network.layers] == [0, 1, 2]
    assert network.latency == 3
    assert network.readout == "key"


def test_where_paths_meet_spikes_wait_for_the_last():
    network = residual()
    assert [network.steps[name] for name in network.layers] == [0, 1, 2]
    assert network.readout == "linear"
    assert network.output == "read"


def test_its_summary_names_everything():
    text = convnet().summary()
    for words in ("conv2d_2", "MaxPool2D", "(8, 8, 4)", "256", "1,936", "readout 'key' of 2 classes"):
        assert words in text
    assert repr(convnet()) == ("Network(input (8, 8, 1), 3 layers, 266 neurons, 2176 synapses, "
                               "readout 'key' of 2 classes)")
    tiny = Network((2,), [Dense(np.eye(2)), Neurons(0.5)], key=[[1, 0], [0, 1]])
    assert repr(tiny) == "Network(input (2,), 1 layer, 2 neurons, 4 synapses, readout 'key' of 2 classes)"


def test_it_computes_in_the_type_of_its_weights():
    single = Network((2,), [Dense(np.ones((2, 2), np.float32), np.zeros(2)), Neurons(np.full(2, 0.5))])
    double = Network((2,), [Dense(np.ones((2, 2))), Neurons(), Dense(np.ones((2, 2), np.float32))])
    assert single.dtype == np.float32
    assert double.dtype == np.float64
    for network in (single, double):
        found = {a.dtype for node in network.nodes for a in node.operation.arrays().values()}
        assert found == {network.dtype}


@pytest.mark.parametrize(("make", "words"), [
    (lambda: Network((3,), []), "at least one node"),
    (lambda: Network((0,), [Neurons()]), "positive integers; got 0"),
    (lambda: Network((10**5, 10**5, 1), [Neurons()]), "The input: expected at most 268435456 values"),
    (lambda: Network((10, 10, 1), [UpSample2D(10**4)]), r"'upsample2d', UpSample2D\): expected at most"),
    (lambda: Network((3,), [Dense(np.zeros((3, 4))), Neurons(), Dense(np.zeros((5, 2)))]),
     r"nodes\[2\] \('dense_2', Dense\): Expected inputs of shape \(\.\.\., 5\)"),
    (lambda: Network((3,), [Node("a", Neurons(), ("b",))]), r"inputs among the nodes before it, \['input'\]; got"),
    (lambda: Network((3,), [Node("a", Neurons(), ("input",)), Node("a", Neurons(), ("a",))]), "'a' is taken"),
    (lambda: Network((3,), [Node("input", Neurons(), ("input",))]), "'input' is taken"),
    (lambda: Network((3,), [Node("a", Neurons(), ())]), "one input; got 0"),
    (lambda: Network((4,), [Neurons()], key=KEY[:, :3]), "key for 4 output neurons"),
    (lambda: Network((4,), [Dense(np.zeros((4, 4)))], key=KEY), "class key to read spikes; the output, node 'dense'"),
    (lambda: Network((4,), [Neurons()], readout="softmax"), r"readout among \('spikes',\)"),
    (lambda: Network((4,), [Neurons()], key=KEY, readout="linear"), r"readout among \('key',\)"),
    (lambda: Network((4,), [Dense(np.zeros((4, 4)))], readout="key"),
     r"readout among \('linear', 'softmax', 'logit', 'sigmoid', 'values'\), as the output is analog; got 'key'"),
    (lambda: Network((4,), [Neurons()], readout="loudest"), "got 'loudest'"),
])
def test_what_does_not_fit_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_what_is_no_operation_is_refused():
    with pytest.raises(TypeError, match="nodes or operations; got 'dense'"):
        Network((3,), ["dense"])


def test_a_key_may_read_pooled_and_reshaped_spikes_but_no_averages():
    Network((4, 4, 1), [Neurons(), MaxPool2D(), Reshape()], key=KEY)
    with pytest.raises(ValueError, match="is analog"):
        Network((4, 4, 1), [Neurons(), AveragePool2D(), Reshape()], key=KEY)


def rectified():
    """A ReLU, whose name in files is another than that of its class, and values that stand for no classes."""
    return Network((3,), [Node("d", Dense(quarters((3, 4))), ("input",)), Node("r", ReLU(), ("d",)),
                          Node("read", Dense(quarters((4, 2), 1)), ("r",))], readout="values")


@pytest.mark.parametrize("make", [convnet, residual, rectified])
def test_a_file_gives_back_the_same_network(make, tmp_path):
    network = make()
    again = Network.load(network.save(tmp_path / "net.npz"))
    assert again.summary() == network.summary()
    assert again.meta == network.meta
    assert again.dtype == network.dtype
    for old, new in zip(network.nodes, again.nodes, strict=True):
        assert old.operation.options() == new.operation.options()
        for name, array in old.operation.arrays().items():
            np.testing.assert_array_equal(array, new.operation.arrays()[name])
    x = quarters((20, *network.input_shape), 9)
    before, after = run(network, x), run(again, x)
    for name in ("sample", "step", "layer", "neuron", "votes"):
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))


def test_names_in_files_stay_when_classes_are_renamed(tmp_path):
    path = rectified().save(tmp_path / "net.npz")
    with np.load(path) as file:
        header = json.loads(file["header"].tobytes())
    assert [node["operation"] for node in header["nodes"]] == ["Dense", "Rectify", "Dense"]
    assert "ReLU" in Network.load(path).summary()


def test_a_file_is_plain_numpy(tmp_path):
    path = convnet().save(tmp_path / "net.npz")
    with np.load(path, allow_pickle=False) as file:
        assert {"1_weights", "1_bias", "2_threshold", "4_weights", "5_threshold", "key"} <= set(file.files)
        np.testing.assert_array_equal(file["1_weights"], quarters((3, 3, 1, 4)))
        np.testing.assert_array_equal(file["key"], KEY)


def read_without_numpy(path):
    """The members of a file, by the words of ``network_file`` alone: name -> (shape, flat values)."""
    members = {}
    with zipfile.ZipFile(path) as file:
        for name in file.namelist():
            data = file.read(name)
            assert data[:8] == bytes.fromhex("934E554D5059 0100")
            (length,) = struct.unpack_from("<H", data, 8)
            header = ast.literal_eval(data[10 : 10 + length].decode("ascii"))
            assert not header["fortran_order"]
            kind = {"<f4": "f", "<f8": "d", "|i1": "b", "|u1": "B"}[header["descr"]]
            size = math.prod(header["shape"])
            values = struct.unpack_from(f"<{size}{kind}", data, 10 + length)
            members[name.removesuffix(".npy")] = header["shape"], values
    return members


def test_a_reader_written_from_the_description_alone_gives_the_same_classes(tmp_path):
    """Neurons, Dense and Conv2D in plain Python on a file, as a C programmer would write them."""
    network = Network((5, 6, 2), [
        Conv2D(quarters((3, 2, 1, 4)), quarters(4), groups=2, strides=2, padding="same"), Neurons([0.5, 0, 1, 0.25]),
        Conv2D(quarters((2, 2, 4, 3)), None, (1, 2), padding="valid"), Neurons(), Reshape(),
        Dense(np.asfortranarray(quarters((6, 4))), quarters(4)), Neurons(0.25)], key=KEY)
    members = read_without_numpy(network.save(tmp_path / "net.npz"))
    header = json.loads(bytes(members["header"][1]))
    assert (header["format"], header["version"]) == ("whetstone_lab.network", 1)

    def conv(number, options, shape, x):
        (tall, wide, channels, filters), weights = members[f"{number}_weights"]
        bias = members.get(f"{number}_bias", (None, [0] * filters))[1]
        groups, corner, size = options["groups"], [], []
        for length, taps, stride, gap in zip(shape[:2], (tall, wide), options["strides"], options["dilation"],
                                             strict=True):
            span = (taps - 1) * gap + 1
            same = options["padding"] == "same"
            size.append(math.ceil(length / stride) if same else (length - span) // stride + 1)
            corner.append(max((size[-1] - 1) * stride + span - length, 0) // 2 if same else 0)
        y = []
        for r, c, f in itertools.product(*map(range, (*size, filters))):
            total = 0.0
            for i, j, k in itertools.product(range(tall), range(wide), range(channels)):
                row = r * options["strides"][0] + i * options["dilation"][0] - corner[0]
                column = c * options["strides"][1] + j * options["dilation"][1] - corner[1]
                if 0 <= row < shape[0] and 0 <= column < shape[1]:
                    channel = k + f * groups // filters * channels
                    total += x[(row * shape[1] + column) * shape[2] + channel] * \
                        weights[((i * wide + j) * channels + k) * filters + f]
            y.append(total + bias[f])
        return (*size, filters), y

    def classify(x):
        shape = header["input_shape"]
        for number, node in enumerate(header["nodes"]):
            if node["operation"] == "Neurons":
                threshold = members[f"{number}_threshold"][1]
                x = [float(value >= threshold[place % len(threshold)]) for place, value in enumerate(x)]
            elif node["operation"] == "Conv2D":
                shape, x = conv(number, node["options"], shape, x)
            elif node["operation"] == "Dense":
                (inputs, outputs), weights = members[f"{number}_weights"]
                bias = members[f"{number}_bias"][1]
                x = [sum(x[i] * weights[i * outputs + o] for i in range(inputs)) + bias[o] for o in range(outputs)]
        (classes, outputs), key = members["key"]
        scores = [sum((2 * x[o] - 1) * (2 * key[c * outputs + o] - 1) for o in range(outputs)) for c in range(classes)]
        return scores.index(max(scores))

    x = np.random.default_rng(2).integers(0, 3, (40, 5, 6, 2)) / 2
    found = [classify(sample.ravel().tolist()) for sample in x]
    assert found == predict(network, x).tolist()
    assert set(found) == {0, 1}


DENSE_NODE = {"name": "d", "operation": "Dense", "inputs": ["input"], "options": {"bias": None}, "arrays": ["weights"]}
HEADER = {"input_shape": [2], "nodes": [DENSE_NODE], "readout": "linear", "meta": {}}


@pytest.mark.parametrize("change", [
    {"nodes": []}, {"nodes": None}, {"nodes": [[]]}, {"nodes": [3]}, {"readout": "x"}, {"input_shape": [3]},
    {"input_shape": None}, {"input_shape": [2.5]}, {"meta": 3},
    {"nodes": [DENSE_NODE | {"operation": "system"}]}, {"nodes": [DENSE_NODE | {"operation": ["Dense"]}]},
    {"nodes": [DENSE_NODE | {"inputs": 3}]}, {"nodes": [DENSE_NODE | {"inputs": []}]},
    {"nodes": [DENSE_NODE | {"inputs": [[]]}]},
    {"nodes": [DENSE_NODE | {"arrays": ["weights", "bias"]}]}, {"nodes": [DENSE_NODE | {"arrays": []}]},
    {"nodes": [DENSE_NODE | {"options": {"bias": None, "size": 3}}]}, {"nodes": [DENSE_NODE | {"options": 3}]},
    {"nodes": [DENSE_NODE | {"options": {"bias": {"a": 1}}}]}, {"nodes": [{"name": "d"}]},
])
def test_a_damaged_header_is_refused(change, tmp_path):
    path = tmp_path / "net.npz"
    arrays = {"0_weights": np.ones((2, 2), np.float32)}
    archive.write(path, "whetstone_lab.network", 1, HEADER, arrays)
    assert Network.load(path).synapses == 4
    archive.write(path, "whetstone_lab.network", 1, HEADER | change, arrays)
    with pytest.raises(ArchiveError, match="holds no network that fits together"):
        Network.load(path)


def test_weights_that_are_not_finite_are_refused_from_a_file_too(tmp_path):
    arrays = {"0_weights": np.full((2, 2), np.nan)}
    path = archive.write(tmp_path / "net.npz", "whetstone_lab.network", 1, HEADER, arrays)
    with pytest.raises(ArchiveError, match="weights to be finite"):
        Network.load(path)


def test_other_files_are_refused(tmp_path):
    path = convnet().save(tmp_path / "net.npz")
    whole = path.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ArchiveError):
            Network.load(path)
    archive.write(path, "whetstone_lab.network", 3, HEADER, {})
    with pytest.raises(ArchiveError, match="version 3"):
        Network.load(path)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("header.npy", b"no array")
    with pytest.raises(ArchiveError):
        Network.load(path)
    with pytest.raises(FileNotFoundError):
        Network.load(tmp_path / "missing.npz")


@pytest.mark.parametrize("make", [convnet, residual])
def test_biases_move_into_thresholds_without_changing_a_spike(make):
    network = make()
    rng = np.random.default_rng(4)
    # Random weights and biases: every sum is rounded.
    nodes = [Node(node.name, type(node.operation)(**node.operation.options() | {
        name: rng.normal(size=array.shape).astype(np.float32) for name, array in node.operation.arrays().items()
    }), node.inputs) for node in network.nodes]
    network = Network(network.input_shape, nodes, key=network.key)
    moved = network.absorb_biases()
    left = [node.name for node in moved.nodes if getattr(node.operation, "bias", None) is not None]
    assert left == []
    assert [node.operation.threshold.shape for node in moved.nodes if isinstance(node.operation, Neurons)] != \
        [node.operation.threshold.shape for node in network.nodes if isinstance(node.operation, Neurons)]
    x = rng.normal(size=(200, *network.input_shape)).astype(np.float32)
    before, after = run(network, x), run(moved, x)
    assert before.spikes == after.spikes > 0
    for name in ("sample", "layer", "neuron", "votes"):
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))


def test_a_bias_that_feeds_something_else_stays():
    weights, bias = quarters((2, 2)), quarters(2)
    shared = Network((2,), [Node("d", Dense(weights, bias), ("input",)), Node("n", Neurons(), ("d",)),
                            Node("both", Add(), ("d", "n"))])
    averaged = Network((2, 2, 2), [Dense(weights, bias), GlobalAveragePool2D(), Neurons()])
    for network in (shared, averaged):
        kept = [node.operation.bias for node in network.absorb_biases().nodes if isinstance(node.operation, Dense)]
        np.testing.assert_array_equal(kept, [bias])


def test_chains_are_named_by_kind():
    names = [node.name for node in Network((2,), itertools.repeat(Neurons(), 3)).nodes]
    assert names == ["neurons", "neurons_2", "neurons_3"]

"""Networks for formats of operators on tensors: every end, every order of axes, and any mixture."""

import hypothesis
import numpy as np
from hypothesis import strategies as st
from nir_graphs import quarters
from rounding import beyond_doubt

from whetstone_lab.simulator import Network, Node, Output, predict, run
from whetstone_lab.simulator import operations as ops


def layers_of(network, record):
    """Layer -> its spikes, (samples, neurons)."""
    return {name: record.dense(name)[:, network.steps[name]] for name in network.layers}


def assert_the_same(network, x, found):
    """Checks every spike, every vote and every class that a model gave, by the names of its outputs."""
    record = run(network, x)
    layers = layers_of(network, record)
    for name, spikes in layers.items():
        np.testing.assert_array_equal(found[name], spikes, err_msg=name)
    if network.head.kind == "spikes":
        np.testing.assert_array_equal(found["spikes"], layers[network.output])
        assert "votes" not in found
    else:
        np.testing.assert_array_equal(found["votes"], record.votes)
        assert found["votes"].dtype == record.votes.dtype
    assert ("class" in found) == network.head.decides
    if network.head.decides:
        np.testing.assert_array_equal(found["class"], predict(network, x))


def assert_near(network, x, found):
    """The same where rounding could turn no neuron, which is nearly everywhere, and votes up to rounding."""
    record = run(network, x)
    sure = beyond_doubt(network, record)
    assert sure.mean() > 0.9
    for layer, spikes in layers_of(network, record).items():
        assert 0.01 < spikes.mean() < 0.99
        np.testing.assert_array_equal(found[layer][sure], spikes[sure])
    if network.key is not None:
        np.testing.assert_array_equal(found["votes"][sure], record.votes[sure])
    np.testing.assert_allclose(found["votes"][sure], record.votes[sure], atol=1e-5)


def several():
    """A network whose names of inputs and outputs ask for the same ones; inputs, and what its model's outputs hold."""
    network = Network({"left": (5,), "votes_a": (5,)}, [
        Node("x", ops.Dense(quarters(5, 4)), ("left",)), Node("y", ops.Dense(quarters(5, 4, seed=1)), ("votes_a",)),
        Node("sum", ops.Add(), ("x", "y")), Node("class", ops.Neurons(), ("sum",)),
    ], outputs={"a": Output("class", key=np.eye(4)), "b": Output("x"), "c": Output("class")})
    x = {name: np.random.default_rng(2).integers(0, 3, (20, 5)).astype(np.float32) for name in network.inputs}
    record = run(network, x)
    return network, x, {
        "votes_a_2": record.votes["a"], "class_a": record.classes["a"], "votes_b": record.votes["b"],
        "class_b": record.classes["b"], **dict.fromkeys(("spikes_c", "class"), record.dense("class")[:, 0])}


SCALES = np.float32([0.1, -0.3, 0.7, 0, 1.3]), np.float32([0.3, 0.1, 0.3, 0.2, 0])

ENDS = {
    "a scale behind a convolution": lambda: Network((7, 6, 3), [
        ops.Conv2D(quarters(3, 3, 3, 5), quarters(5)), ops.Scale(*SCALES),
        ops.Neurons(np.float32([0.35, 0.25, 0.65, 0.2, 1.3 * 0.75]))]),
    "two scales behind a dense layer": lambda: Network((12,), [
        ops.Dense(quarters(12, 5), quarters(5)), ops.Scale(0.3), ops.Scale(*SCALES), ops.Neurons(0.3)]),
    "an average of spikes at its threshold": lambda: Network((7, 7, 3), [
        ops.Neurons(0.5), ops.AveragePool2D(3, strides=2, padding="same"),
        ops.Neurons(np.float32([1 / 9, 2 / 9, 4 / 9]))]),
    "an average of many spikes": lambda: Network((9, 9, 3), [
        ops.Neurons(0.5), ops.AveragePool2D(5, strides=1, padding="same"),
        ops.Neurons(np.float32([13, 14, 15]) / 25)]),
    "an average of everything": lambda: Network((7, 7, 3), [
        ops.Neurons(0.5), ops.GlobalAveragePool2D(keepdims=True),
        ops.Neurons(np.float32([31 / 49, 33 / 49, 35 / 49]))]),
    "the least threshold above zero": lambda: Network((12,), [
        ops.Dense(quarters(12, 1))], readout="logit").fire_answer(),
    "a tie of classes": lambda: Network((12,), [ops.Neurons()], key=np.kron(np.eye(6), np.ones((1, 2)))),
    "a logit": lambda: Network((12,), [ops.Dense(quarters(12, 1))], readout="logit", threshold=0.25),
    "several sigmoids": lambda: Network((4, 3), [ops.Dense(quarters(3, 2))], readout="sigmoid"),
    "values": lambda: Network((4, 3), [ops.Dense(quarters(3, 2)), ops.ReLU()], readout="values"),
    "one value": lambda: Network((1,), [ops.Reshape(())], readout="values"),
    "a class for each place": lambda: Network((6, 5, 2), [
        ops.Conv2D(quarters(3, 2, 2, 4), padding="same"), ops.Neurons(), ops.Conv2D(quarters(1, 1, 4, 3))]),
    "a key for each place": lambda: Network((6, 5, 2), [
        ops.Conv2D(quarters(3, 2, 2, 4), padding="same"), ops.Neurons()], key=np.eye(4)),
    "float64": lambda: Network((40,), [
        ops.Dense(quarters(40, 30).astype(float)), ops.Neurons(), ops.Dense(quarters(30, 5).astype(float))]),
    "decoder": lambda: Network((3, 2, 3), [
        ops.Conv2D(quarters(3, 3, 3, 5), dilation=(2, 1), padding="same"), ops.Neurons(), ops.UpSample2D((2, 3)),
        ops.Conv2DTranspose(quarters(3, 2, 5, 4), quarters(4), size=(12, 13), strides=2), ops.Neurons(),
        ops.Pad2D((-1, 2), (3, -2)), ops.Permute((1, 0, 2)), ops.Reshape((-1, 4)), ops.Dense(quarters(4, 6)),
        ops.Neurons(0)], key=np.eye(6)),
}


def small(draw, low, high):
    return draw(st.integers(low, high))


@st.composite
def networks(draw):
    """Images through a few operations of any kind that fits, with a skip here and there, and neurons at the end."""
    channels, nodes = small(draw, 1, 3), []
    shape = (small(draw, 4, 7), small(draw, 4, 7), channels)
    network = Network(shape, [ops.Scale()])
    for number in range(small(draw, 1, 5)):
        rows, columns, channels = network.output_shape
        padding, stride = draw(st.sampled_from(["same", "valid"])), small(draw, 1, 2)
        taps, name = (small(draw, 1, min(3, rows)), small(draw, 1, min(3, columns))), network.nodes[-1].name
        groups = draw(st.sampled_from([group for group in (1, 2, 3) if channels % group == 0]))
        seed = small(draw, 0, 9)
        kind = draw(st.sampled_from([
            ops.Conv2D(quarters(*taps, channels // groups, 2 * groups, seed=seed), groups=groups, strides=stride,
                       padding=padding),
            ops.Conv2D(quarters(2, 2, channels, 3, seed=seed), quarters(3), dilation=2, padding="same"),
            ops.Conv2DTranspose(quarters(*taps, channels, 2, seed=seed), quarters(2), strides=stride,
                                size=(rows, columns), start=(0, small(draw, 0, taps[1] - 1))),
            ops.MaxPool2D(taps, strides=stride, padding=padding), ops.GlobalMaxPool2D(keepdims=True),
            ops.Pad2D((small(draw, -1, 2), small(draw, -1, 1)), (1, 0)), ops.UpSample2D((1, 2)),
            ops.Permute((1, 0, 2)), ops.Permute((2, 0, 1)), ops.Reshape((columns, rows, channels)),
            ops.Dense(quarters(channels, 3, seed=seed), quarters(3)), ops.ReLU(), ops.Scale(0.3, 0.1)]))
        added = [Node(f"op{number}", kind, (name,)), Node(f"fire{number}", ops.Neurons(0.25), (f"op{number}",))]
        join = draw(st.sampled_from([None, ops.Add(), ops.Concatenate(), ops.Concatenate(0), ops.Concatenate(-2)]))
        try:
            nodes = [*network.nodes, *added]
            if join is not None:
                nodes.append(Node(f"join{number}", join, (f"fire{number}", name)))
            network = Network(shape, nodes)
        except ValueError:  # it does not fit
            hypothesis.assume(False)
    width, last = network.output_shape[2], network.output
    if network.spiking[last] and width == 1:  # no votes; a layer's own spikes are what can be compared
        return network.with_nodes([*network.nodes, Node("last", ops.Neurons(), (last,))])
    return Network(shape, network.nodes, key=np.eye(width)) if network.spiking[last] else network

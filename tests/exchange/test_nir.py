"""NIR: what is written means what the network does, and comes back as what spikes the same.

What a graph means is worked out here by a small interpreter of its own, channels first, from NIR's definitions.
"""

from graphlib import TopologicalSorter

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from nir_graphs import KEY, NETWORKS, images, quarters
from numpy.lib.stride_tricks import sliding_window_view

from whetstone_lab import keys
from whetstone_lab.exchange.nir import from_nir, to_nir
from whetstone_lab.simulator import Network, Node, predict, run
from whetstone_lab.simulator.operations import (
    Add,
    AveragePool2D,
    Concatenate,
    Conv2D,
    Conv2DTranspose,
    Dense,
    GlobalAveragePool2D,
    MaxPool2D,
    Neurons,
    Pad2D,
    Permute,
    Reshape,
    Scale,
)


def interpret(graph, x):
    """Each node's output for one step from rest, shapes as NIR has them, computed in float64."""
    values, before = {}, {name: [a for a, b in graph.edges if b == name] for name in graph.nodes}
    for name in TopologicalSorter(before).static_order():
        node, value = graph.nodes[name], sum(values[other] for other in before[name])
        kind = type(node).__name__
        if kind == "Input":
            value = np.moveaxis(x, -1, 1).astype(float) if x.ndim > 2 else x.astype(float)
        elif kind == "Affine":
            value = value @ node.weight.T.astype(float) + node.bias
        elif kind == "Conv2d":
            assert node.groups == 1
            assert node.weight.shape[2] == node.weight.shape[3]  # nir infers shapes as if it were
            pad, reach = node.padding, [(node.weight.shape[2] - 1) * gap + 1 for gap in node.dilation]
            value = np.pad(value, ((0, 0), (0, 0), (pad[0], pad[0]), (pad[1], pad[1])))
            seen = sliding_window_view(value, reach, (2, 3))[:, :, :: node.stride[0], :: node.stride[1],
                                                             :: node.dilation[0], :: node.dilation[1]]
            value = np.einsum("ncyxij,fcij->nfyx", seen, node.weight.astype(float)) + node.bias[:, None, None]
        elif kind == "Flatten":
            assert (node.start_dim, node.end_dim) == (-len(node.input_type["input"]), -1)
            value = value.reshape(len(value), -1)
        elif kind == "CubaLIF":
            for time in (node.tau_syn, node.tau_mem):
                assert (time == 1e-4).all()  # one step: all of the input arrives, nothing is left of the last
            assert (node.r == node.w_in).all()
            assert (node.r == 1).all()
            assert not node.v_leak.any()
            assert not node.v_reset.any()
            value = (value > node.v_threshold).astype(float)
        else:
            assert kind == "Output"
        assert value.shape[1:] == tuple(node.output_type["output"]), name
        values[name] = value
    return values


@pytest.mark.parametrize("name", NETWORKS)
def test_the_graph_means_what_the_network_does(name):
    network = NETWORKS[name]()
    x = images(network)
    values = interpret(to_nir(network), x)
    record = run(network, x)
    for layer in network.layers:
        spikes = values[layer.replace("/", "_")]
        spikes = np.moveaxis(spikes, 1, -1) if spikes.ndim > 2 and len(network.shapes[layer]) > 1 else spikes
        found = record.dense(layer)[:, network.steps[layer]]
        assert 0.01 < found.mean() < 0.99
        np.testing.assert_array_equal(spikes.reshape(found.shape), found)
    if network.readout == "softmax":
        np.testing.assert_array_equal(values["output"], record.votes)
    else:
        np.testing.assert_array_equal(keys.votes(values["output"], KEY), record.votes)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_file_gives_back_what_spikes_the_same(name, tmp_path):
    network = NETWORKS[name]()
    path = tmp_path / "network.nir"
    to_nir(network, path)
    assert list(tmp_path.iterdir()) == [path]
    again = from_nir(path)
    assert (again.input_shape, again.readout, again.dtype) == (network.input_shape, network.readout, network.dtype)
    x = images(network)
    first, second = run(network, x), run(again, x)
    np.testing.assert_array_equal(second.votes, first.votes)
    for layer in network.layers:
        name = layer.replace("/", "_")
        np.testing.assert_array_equal(second.dense(name)[:, again.steps[name]],
                                      first.dense(layer)[:, network.steps[layer]])
    # Once written it stays as it is.
    np.testing.assert_array_equal(run(from_nir(to_nir(again)), x).votes, first.votes)
    if network.key is not None:
        np.testing.assert_array_equal(again.key, KEY)
        np.testing.assert_array_equal(predict(again, x), predict(network, x))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_every_geometry_of_a_convolution_becomes_one_that_pads_alike_at_both_ends(data):
    pick = data.draw
    small = st.integers(1, 3)
    groups = pick(st.sampled_from([1, 2]))
    conv = Conv2D(quarters(pick(small), pick(small), 2 // groups, 4), quarters(4), (pick(small), pick(small)), groups,
                  strides=(pick(small), pick(small)), padding=pick(st.sampled_from(["same", "valid"])))
    margins = Pad2D((pick(st.integers(0, 2)), 1), (0, pick(st.integers(0, 2))))
    network = Network((pick(st.integers(7, 10)), pick(st.integers(7, 10)), 2), [margins, conv, Neurons()])
    x = images(network, 4)
    try:
        graph = to_nir(network)
    except ValueError as error:
        # With stride 1, taps and zeros around add up to an even number along one axis and an odd one along the other.
        if "no kernel of as many rows as columns" not in str(error):
            raise
        assume(False)
    values = interpret(graph, x)
    np.testing.assert_array_equal(np.moveaxis(values["output"], 1, -1), run(network, x).dense(0)[:, 0])


@pytest.mark.parametrize("keepdims", [False, True])
def test_pools_over_everything(keepdims):
    network = Network((4, 4, 3), [Neurons(), GlobalAveragePool2D(keepdims), Neurons(0.625)])
    x = images(network)
    found = run(network, x).dense(1)[:, 1]
    values = interpret(to_nir(network), x)
    np.testing.assert_array_equal(values["neurons_2"].reshape(found.shape), found)
    np.testing.assert_array_equal(run(from_nir(to_nir(network)), x).dense(1)[:, 1].reshape(found.shape), found)
    assert 0.1 < found.mean() < 0.9


def test_axes_in_any_order_are_an_order_of_weights():
    network = Network((3, 4, 2), [Permute((1, 2, 0)), Reshape((6, 4)), Reshape(), Neurons(np.linspace(0, 1, 24)),
                                  Dense(quarters(24, 5)), Neurons()])
    x = images(network)
    graph = to_nir(network)
    np.testing.assert_array_equal(interpret(graph, x)["output"], run(network, x).dense(1)[:, 1])
    np.testing.assert_array_equal(run(from_nir(graph), x).dense(1)[:, 1], run(network, x).dense(1)[:, 1])


def test_neurons_fire_at_the_threshold_there_too():
    graph = to_nir(Network((2,), [Neurons([0.5, 0])]))
    threshold = graph.nodes["neurons"].v_threshold
    assert threshold.dtype == np.float32
    np.testing.assert_array_equal(threshold < np.float32([0.5, 0]), True)
    np.testing.assert_array_equal(np.nextafter(threshold, np.float32(1)), np.float32([0.5, 0]))
    again = from_nir(graph).nodes[0].operation
    np.testing.assert_array_equal(again.threshold, np.float32([0.5, 0]))


@pytest.mark.parametrize(("nodes", "words"), [
    ([Conv2D(quarters(3, 3, 2, 4)), MaxPool2D(), Neurons()],
     "Node 'maxpool2d', MaxPool2D: NIR has no maximum of anything but spikes. Put the pool behind the neurons"),
    ([Scale(2.0), Neurons()], "Node 'scale', Scale: NIR has nothing for it"),
    ([Conv2DTranspose(quarters(3, 3, 2, 4), size=10)], "'conv2dtranspose'"),
    ([AveragePool2D(3)], "exact as weights only for 2, 4, 8"),
    ([AveragePool2D(4, strides=3, padding="same")], "averages count padding"),
    ([Reshape((4, 8, 4)), Conv2D(quarters(1, 1, 4, 4))], "no reshape but to flatten"),
    ([Reshape()], "in another order in NIR"),
    ([Node("a", Neurons(), ("input",)), Node("twice", Add(), ("a", "a"))], "got one twice"),
    ([Node("a", Neurons(), ("input",)), Node("b", Permute((1, 0, 2)), ("a",)), Node("c", Add(), ("b", "input"))],
     "some have been reshaped"),
    ([Pad2D((1, 1)), Neurons()], "pads only in convolutions; 'pad2d' before it"),
    ([Pad2D((1, 1))], "Node 'pad2d', Pad2D: NIR pads only in convolutions; none follows"),
    ([Pad2D((-1, 0)), Conv2D(quarters(1, 1, 2, 4))], "Node 'pad2d', Pad2D: NIR has nothing"),
    ([Conv2D(quarters(1, 2, 2, 4))], "no kernel of as many rows as columns"),
    ([Node("a", Neurons(), ("input",)), Node("b", Concatenate(), ("a", "input"))], "Node 'b', Concatenate"),
])
def test_what_nir_cannot_say_is_refused_with_its_name(nodes, words):
    with pytest.raises(ValueError, match=words):
        to_nir(Network((8, 8, 2), nodes))

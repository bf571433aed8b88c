"""Names of nodes in NIR: those that PyTorch modules have taken are not given, all others stay."""


import numpy as np
import pytest
from nir_graphs import quarters

from whetstone_lab.exchange.nir import from_nir, to_nir
from whetstone_lab.simulator import Network, Node
from whetstone_lab.simulator.operations import Dense, Neurons


def written(name):
    graph = to_nir(Network((4,), [Node(name, Dense(quarters(4, 4)), ("input",)), Node("spikes", Neurons(), (name,))]))
    ((_, first), *_) = graph.edges
    assert np.array_equal(graph.nodes[first].weight, quarters(4, 4).T)
    return first


@pytest.mark.parametrize(("name", "expected"), [
    ("dense", "dense"), ("block/conv-1", "block_conv_1"), ("größe", "gr__e"), ("output", "output"), ("0", "0"),
    ("train", "train_2"), ("forward", "forward_2"), ("self", "self_2"), ("type", "type_2"), ("half", "half_2"),
    ("graph", "graph_2"), ("_modules", "node_modules"), ("__init__", "node__init__"),
])
def test_what_a_node_is_called(name, expected):
    assert written(name) == expected


def test_names_stay_apart():
    nodes = [Node(name, Neurons(), (before,)) for before, name in
             [("input", "a/b"), ("a/b", "a_b"), ("a_b", "train"), ("train", "train_2"), ("train_2", "a b")]]
    graph = to_nir(Network((4,), nodes))
    assert list(graph.nodes) == ["input", "a_b", "a_b_2", "train_2", "train_2_2", "a_b_3", "output"]
    assert from_nir(graph).layers == ("a_b", "a_b_2", "train_2", "train_2_2", "a_b_3")

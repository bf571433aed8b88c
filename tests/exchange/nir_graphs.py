"""Networks and NIR graphs that several tests of NIR share."""

import itertools

import nir
import numpy as np

from whetstone_lab import keys
from whetstone_lab.simulator import Network, Node
from whetstone_lab.simulator.operations import (
    Add,
    AveragePool2D,
    Conv2D,
    Dense,
    GlobalMaxPool2D,
    MaxPool2D,
    Neurons,
    Pad2D,
    Reshape,
)

KEY = keys.make_key(3, 12, seed=1)


def quarters(*shape, seed=0):
    """Weights of which sums are exact, so that many potentials lie right on a threshold."""
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(np.float32) / 4


def mlp():
    return Network((20,), [Dense(quarters(20, 16), quarters(16)), Neurons(), Dense(quarters(16, 14)), Neurons(0.0),
                           Dense(quarters(14, 12), quarters(12)), Neurons(np.linspace(0, 1, 12))], key=KEY)


def convnet():
    return Network((9, 8, 2), [
        Conv2D(quarters(3, 2, 2, 4), quarters(4), padding="same", strides=2), Neurons([0.5, 0.25, 0, 1]),
        MaxPool2D(2, strides=1, padding="same"), Conv2D(quarters(3, 3, 4, 6), quarters(6), padding="same"), Neurons(),
        AveragePool2D(2), Pad2D((0, 1), (2, 1)), Conv2D(quarters(2, 2, 3, 10), None, groups=2), Neurons(1.25),
        Reshape(), Dense(quarters(80, 12)), Neurons(),
    ], key=KEY)


def residual():
    """Skips of spikes and of potentials, a projection skip, a dense layer on each place, pools over everything."""
    return Network((6, 6, 2), [
        Node("stem/conv", Conv2D(quarters(3, 3, 2, 4), quarters(4), padding="same"), ("input",)),
        Node("stem/spikes", Neurons(), ("stem/conv",)),
        Node("branch", Conv2D(quarters(3, 3, 4, 4, seed=1), padding="same"), ("stem/spikes",)),
        Node("identity", Add(), ("branch", "stem/spikes")), Node("first", Neurons(), ("identity",)),
        Node("branch 2", Conv2D(quarters(3, 3, 4, 4, seed=6), padding="same"), ("first",)),
        Node("potentials", Add(), ("branch 2", "identity")), Node("added", Neurons(), ("potentials",)),
        Node("down", Conv2D(quarters(3, 3, 4, 6, seed=2), padding="same", strides=2), ("added",)),
        Node("projection", Conv2D(quarters(1, 1, 4, 6, seed=3), strides=2), ("added",)),
        Node("sum", Add(), ("down", "projection")), Node("second", Neurons(), ("sum",)),
        Node("places", Dense(quarters(6, 5), quarters(5)), ("second",)), Node("third", Neurons(), ("places",)),
        Node("pool", GlobalMaxPool2D(), ("third",)),
        Node("read", Dense(quarters(5, 3, seed=4), [0.5, 0, 0]), ("pool",)),
    ], readout="softmax")


NETWORKS = {"mlp": mlp, "convnet": convnet, "residual": residual}


def images(network, samples=60, seed=5):
    return np.random.default_rng(seed).integers(0, 3, (samples, *network.input_shape)).astype(np.float32) / 2


def graph_of(*nodes, edges=None, size=4, **options):
    """A graph from input to output through named nodes in a row, or along edges."""
    nodes = dict(nodes)
    names = ["input", *nodes, "output"]
    return nir.NIRGraph({"input": nir.Input({"input": np.atleast_1d(size)}), **nodes,
                         "output": nir.Output({"output": np.atleast_1d(size)})},
                        edges or list(itertools.pairwise(names)), type_check=False, **options)


def cuba(**changes):
    ones = np.ones(4)
    return nir.CubaLIF(**{"tau_syn": 1e-4 * ones, "tau_mem": 1e-4 * ones, "r": ones, "v_leak": 0 * ones,
                          "v_threshold": 0.5 * ones, **changes})

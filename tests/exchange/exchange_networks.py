"""Small networks of every kind of operation, with weights that are multiples of 1/4, so that nothing is rounded."""

import numpy as np

from whetstone_lab.simulator import Network, Node
from whetstone_lab.simulator import operations as ops


def ties(*shape, seed=0):
    """Multiples of 1/4: sums are exact in any order, and often right at the threshold."""
    return np.random.default_rng(seed + sum(shape)).integers(-3, 4, shape).astype(np.float32) / 4


def chain(shape, *operations, **kwargs):
    return Network(shape, operations, **kwargs)


def residual():
    nodes = [Node("conv", ops.Conv2D(ties(3, 3, 2, 4), ties(4), padding="same"), ("input",)),
             Node("first", ops.Neurons(), ("conv",)),
             Node("branch", ops.Conv2D(ties(3, 3, 4, 4, seed=1), padding="same"), ("first",)),
             Node("sum", ops.Add(), ("branch", "first")), Node("second", ops.Neurons(0.75), ("sum",)),
             Node("mean", ops.GlobalAveragePool2D(), ("second",)),
             Node("dense", ops.Dense(ties(4, 6), ties(6)), ("mean",)), Node("out", ops.Neurons(), ("dense",))]
    return Network((4, 4, 2), nodes, key=np.eye(3).repeat(2, 1))


def potentials():
    """As a deep residual net adds them up: what leads to one layer of neurons leads to the next sum as well."""
    nodes = [Node("conv", ops.Conv2D(ties(3, 3, 2, 3), padding="same"), ("input",)),
             Node("first", ops.Neurons(), ("conv",)),
             Node("branch", ops.Conv2D(ties(3, 3, 3, 3, seed=1), padding="same"), ("first",)),
             Node("sum", ops.Add(), ("branch", "conv")), Node("second", ops.Neurons(0.75), ("sum",)),
             Node("branch2", ops.Conv2D(ties(3, 3, 3, 3, seed=2), ties(3), padding="same"), ("second",)),
             Node("sum2", ops.Add(), ("branch2", "sum")), Node("third", ops.Neurons(), ("sum2",)),
             Node("flat", ops.Reshape(), ("third",)), Node("dense", ops.Dense(ties(36, 6)), ("flat",)),
             Node("out", ops.Neurons(), ("dense",))]
    return Network((4, 3, 2), nodes, key=np.eye(3).repeat(2, 1))


def branches():
    nodes = [Node("a", ops.Conv2D(ties(2, 2, 3, 4), strides=2), ("input",)), Node("fired", ops.Neurons(), ("a",)),
             Node("b", ops.AveragePool2D(2), ("input",)), Node("both", ops.Concatenate(), ("fired", "b")),
             Node("moved", ops.Permute((2, 0, 1)), ("both",)),
             Node("joined", ops.Concatenate(0), ("moved", "moved")), Node("flat", ops.Reshape(), ("joined",)),
             Node("dense", ops.Dense(ties(14 * 4, 5)), ("flat",)), Node("out", ops.Neurons(ties(5)), ("dense",))]
    return Network((4, 4, 3), nodes)


def with_random_weights(network):
    """The same network with weights at random, of a size that lets some neurons fire and others not."""
    rng = np.random.default_rng(3)
    return network.with_nodes(Node(node.name, node.operation.map_weights(
        lambda weights: rng.normal(0.05, 2 / np.sqrt(np.prod(weights.shape[:-1])), weights.shape)
        .astype(weights.dtype)), node.inputs) for node in network.nodes)


NETWORKS = {
    "mlp": lambda: chain((9,), ops.Dense(ties(9, 12), ties(12)), ops.Neurons(), ops.Dense(ties(12, 6)), ops.Neurons(),
                         key=np.eye(3).repeat(2, 1)),
    "convnet": lambda: chain((7, 6, 2), ops.Conv2D(ties(3, 3, 2, 5), ties(5), padding="same"), ops.MaxPool2D(2),
                             ops.Neurons(), ops.Conv2D(ties(2, 3, 5, 4), strides=(2, 1), padding="same"), ops.Neurons(),
                             ops.MaxPool2D(2, strides=1, padding="same"), ops.Reshape(), ops.Dense(ties(24, 4)),
                             readout="softmax"),
    "residual": residual,
    "potentials": potentials,
    "branches": branches,
    "groups, dilation, thresholds of their own": lambda: chain(
        (8, 7, 4), ops.Conv2D(ties(2, 2, 2, 6), ties(6), dilation=(2, 3), groups=2), ops.Neurons(ties(6, 4, 6)),
        ops.GlobalMaxPool2D(), ops.Dense(ties(6, 1)), readout="logit", threshold=0.25),
    "pool before thresholds of their own": lambda: chain(
        (4, 4, 1), ops.Conv2D(ties(1, 1, 1, 2)), ops.MaxPool2D(2), ops.Neurons(ties(2, 2, 2))),
    "map": lambda: chain((3, 4, 2), ops.Pad2D((1, -1), (0, 2)), ops.UpSample2D((2, 1)), ops.Conv2D(ties(1, 1, 2, 3)),
                         ops.Neurons(), ops.Conv2DTranspose(ties(3, 2, 3, 4), ties(4), size=(9, 8), strides=(1, 2),
                                                            dilation=(2, 1), start=(1, 2)), ops.Neurons(),
                         key=np.eye(2).repeat(2, 1)),
    "arithmetic": lambda: chain((4, 3), ops.Scale(ties(3), ties(3, seed=1)), ops.ReLU(), ops.Neurons(0.25),
                                ops.Dense(ties(3, 2), ties(2)), ops.Neurons(-0.25), ops.Reshape((2, 4)),
                                readout="spikes"),
    "float64": lambda: chain((5,), ops.Dense(ties(5, 4).astype(np.float64)), ops.Neurons(), ops.Dense(ties(4, 2)),
                             readout="values"),
}

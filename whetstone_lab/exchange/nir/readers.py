"""Readers of NIR that need a graph of their own: what of a network each of them gets right, and how it is written.

A reader gets something wrong silently more often than it refuses it, so what it would get wrong is refused here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from whetstone_lab.exchange.layout import Layout
from whetstone_lab.exchange.nir.neurons import cuba_lif, lif

#: Makes the node of neurons: takes the package, thresholds of our shape, and the layout.
Neurons = Callable[[ModuleType, np.ndarray, Layout], Any]


def _nothing(graph: Any) -> None:
    """Leaves the graph as it is."""


@dataclass(frozen=True)
class Reader:
    """One reader of NIR, or several that are alike.

    Attributes:
        neurons: Makes the node that stands for neurons.
        old: Whether it reads files as NIR 1.0.4 writes them, and refuses what later releases added.
        finish: Takes the graph and changes in it what this reader has otherwise. It raises ValueError where the reader
            would get the graph wrong.
    """

    neurons: Neurons = cuba_lif
    old: bool = False
    finish: Callable[[Any], None] = _nothing


def above_denormals(nir: ModuleType, threshold: np.ndarray, layout: Layout) -> Any:
    """CubaLIF neurons whose threshold below 0 is not so near to it that JAX takes it for 0."""
    node = cuba_lif(nir, threshold, layout)
    tiny = np.finfo(node.v_threshold.dtype).tiny
    node.v_threshold = np.where((node.v_threshold < 0) & (node.v_threshold > -tiny), -tiny, node.v_threshold)
    return node


def for_sinabs(graph: Any) -> None:
    """LIF neurons with one number for each channel of an image: sinabs 3.1.3 refuses more, and spreads these out."""
    _depth_first(graph)
    for name, node in graph.nodes.items():
        if type(node).__name__ == "Conv1d":
            raise ValueError(f"sinabs 3.1.3 fails at every Conv1d, such as NIR node {name!r}: it takes its weights for "
                             "PyTorch's. Make an image of one row of the input, and the convolutions Conv2D.")
        if type(node).__name__ != "LIF" or node.v_threshold.ndim < 3:
            continue
        if (node.v_threshold != node.v_threshold[:, :1, :1]).any():
            raise ValueError(f"sinabs has one threshold for each channel of an image; those of NIR node {name!r} "
                             "differ from place to place.")
        for field in ("tau", "r", "v_leak", "v_threshold"):
            setattr(node, field, getattr(node, field)[:, :1, :1])


def _depth_first(graph: Any) -> None:
    """Refuses a graph that runs in another order than its own: nirtorch 2.0.2 goes from node to node, depth first."""
    ends = [name for name, node in graph.nodes.items() if type(node).__name__ in ("Input", "Output")]
    if len(ends) > 2:
        raise ValueError(f"sinabs runs graphs with one input and one output; got {ends}.")
    after: dict[str, list[str]] = {name: [] for name in graph.nodes}
    before: dict[str, set[str]] = {name: set() for name in graph.nodes}
    for source, target in graph.edges:
        after[source].append(target)
        before[target].add(source)
    seen: dict[str, None] = {}
    left = [next(name for name in graph.nodes if not before[name])]
    while left:
        name = left.pop()
        if name in seen:
            continue
        if before[name] - seen.keys():
            raise ValueError(f"sinabs would run {name!r} before {sorted(before[name] - seen.keys())}, which lead to "
                             "it: it goes depth first. A skip without weights of its own comes out right.")
        seen[name] = None
        left += reversed(after[name])


def perceptron(graph: Any) -> None:
    """Refuses what spyx gets wrong or refuses: all but layers in a row."""
    for name, node in graph.nodes.items():
        kind = type(node).__name__
        several = sum(source == name for source, _ in graph.edges) > 1
        if kind not in ("Input", "Output", "Affine", "CubaLIF") or several:
            raise ValueError(f"spyx gets perceptrons right: dense layers and neurons in a row. NIR node {name!r}, "
                             f"{kind}, is more than that: it permutes weights behind a Flatten, drops dilation, "
                             "refuses these neurons on images and leaves skips out.")


def no_file_is_right(graph: Any) -> None:
    """Refuses all: Rockpool takes the time step from the neurons, so that they never forget."""
    raise ValueError("no NIR file gives these spikes in Rockpool 3.1.0: it takes tau / (1 + r) for its time step, so "
                     "that each neuron keeps 0.607 of its potential, lets it fire several times a step, and reads no "
                     "convolution. Write a script for it: a name that ends in .rockpool.py.")


#: Name -> reader. "1.0.4" is the release of NIR that sinabs 3.1.3 and Rockpool 3.1.0 demand.
READERS: dict[str, Reader] = {
    "1.0.4": Reader(lif, old=True),
    "rockpool": Reader(lif, old=True, finish=no_file_is_right),
    "sinabs": Reader(lif, old=True, finish=for_sinabs),
    "spyx": Reader(above_denormals, finish=perceptron),
}

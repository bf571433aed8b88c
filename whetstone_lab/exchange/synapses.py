"""The lowering to synapses: populations of neurons, and every connection between two neurons as a row of a list.

Simulators of single neurons, event-driven chips and hardware of one's own know no layers: a convolution is to them a
list of synapses as a dense layer is, a pool of spikes a neuron that fires if any of its window did, a skip one synapse
for each neuron.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from whetstone_lab.simulator import operations as ops
from whetstone_lab.simulator.network import Network, Node, free_name
from whetstone_lab.simulator.operations.base import Weighted

#: At most so many numbers are worked on at once.
_NUMBERS = 2**22

_POOLS = (ops.MaxPool2D, ops.GlobalMaxPool2D)


@dataclass(frozen=True, eq=False)
class Synapses:
    """The connections between two populations, sorted by the neuron they lead to.

    Attributes:
        pre: For each the number of the neuron, or of the value of an input, that it comes from.
        post: For each the number of the neuron that it leads to.
        weight: For each its weight, never 0.
    """

    pre: np.ndarray
    post: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True, eq=False)
class Population:
    """Neurons that a spike reaches at the same time.

    Attributes:
        name: That of the network's node.
        size: How many there are.
        threshold: For each what it fires at: where the sum of its synapses, plus its bias, reaches it. None where what
            arrives is read as a number.
        bias: For each what is added to the sum of its synapses.
        synapses: Name of an earlier population, or of an input -> the connections from there.
        pools: Whether it only passes on whether any neuron of a window fired.
    """

    name: str
    size: int
    threshold: np.ndarray | None
    bias: np.ndarray
    synapses: Mapping[str, Synapses]
    pools: bool = False


def populations(network: Network) -> list[Population]:
    """The populations of a network, each after those that it listens to; what is read comes last.

    A class key is read, too: its votes are sums with a weight of 2 or -2 for each output neuron. A largest potential of
    a window that is compared with a threshold becomes neurons first and then the pool, since the largest reaches the
    threshold where any does.

    Args:
        network: A network with one output whose neurons forget from one wave to the next.

    Returns:
        The populations, the last one without thresholds; its numbers are the votes of :func:`whetstone_lab.run`, and
        for a yes or no the one value. Of output spikes that stand for no classes, their own.

    Raises:
        ValueError: The network has several outputs, or a part of it is no sum of what spikes send.

    Example:
        >>> network = Network((2,), [ops.Dense([[1, 0], [2, 3]], [0, 0.5]), ops.Neurons(1.0)], key=[[1, 0], [0, 1]])
        >>> hidden, votes = populations(network)
        >>> hidden.threshold.tolist(), hidden.bias.tolist(), votes.bias.tolist()
        ([1.0, 1.0], [0.0, 0.5], [0.0, 0.0])
        >>> found = hidden.synapses["input"]
        >>> found.pre.tolist(), found.post.tolist(), found.weight.tolist()
        ([0, 1, 1], [0, 0, 1], [1.0, 2.0, 3.0])
    """
    if len(network.heads) > 1:
        raise ValueError(f"Expected a network with one output; got the outputs {list(network.heads)}.")
    return [*_Lowering(network).populations()]


class _Lowering:
    """Finds the synapses of a network by what single spikes do to it."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.nodes = {node.name: node for node in network.nodes}
        self.silent = {name: replace(node, operation=_without_bias(node.operation))
                       for name, node in self.nodes.items()}
        self.shapes = dict(network.shapes)
        self.sizes = {name: math.prod(shape) for name, shape in network.inputs.items()}
        #: Node -> the population whose spikes it gives, where these are in the same order.
        self.made: dict[str, str] = {name: name for name in network.inputs}

    def populations(self) -> Iterator[Population]:
        """Bottom first."""
        network = self.network
        for node in network.nodes:
            operation = node.operation
            if isinstance(operation, ops.Neurons):
                yield from self._neurons(node, operation)
            elif isinstance(operation, _POOLS) and network.spiking[node.inputs[0]]:
                yield self._pool(node, node.inputs[0], node.name)
            elif isinstance(operation, _POOLS):
                heard = [later for later in network.nodes if node.name in later.inputs]
                compared = all(isinstance(later.operation, ops.Neurons) for later in heard)
                if not heard or not compared or node.name in network.read.values():
                    raise self._refusal(node, "the largest of sums is no spike, and not compared with a threshold")
            elif isinstance(operation, ops.ReLU):
                raise self._refusal(node, "a ReLU is no spike")
        yield self._read()

    def _neurons(self, node: Node, neurons: ops.Neurons) -> Iterator[Population]:
        if neurons.remembers:
            raise self._refusal(node, "these neurons remember from step to step")
        source = self.nodes.get(node.inputs[0])
        shape = self.shapes[node.name]
        if source is None or not isinstance(source.operation, _POOLS) or self.network.spiking[source.name]:
            yield self._population(node.name, node.inputs[0], np.broadcast_to(neurons.threshold, shape).ravel())
            return
        below = self.shapes[source.inputs[0]]
        each = free_name(f"{node.name}_unpooled", self.shapes)
        if not neurons.by_channel(below):
            raise self._refusal(node, "its thresholds differ from place to place behind a pool of sums")
        self.shapes[each] = below
        yield self._population(each, source.inputs[0], np.broadcast_to(neurons.threshold.ravel(), below).ravel())
        yield self._pool(source, each, node.name)

    def _population(self, name: str, source: str, threshold: np.ndarray | None) -> Population:
        """Neurons that compare what a node gives, or what is read of it."""
        self.sizes[name] = math.prod(self.shapes[source])
        zeros = {root: np.zeros((1, size), self.network.dtype) for root, size in self.sizes.items() if root != name}
        bias = self._given(source, zeros, self.nodes).reshape(-1)
        synapses = {root: found for root in zeros if (found := self._from(root, source)) is not None}
        self.made[name] = name
        return Population(name, self.sizes[name], threshold, bias, synapses)

    def _from(self, root: str, node: str) -> Synapses | None:
        """What a spike of each neuron of a population adds to the values of a node."""
        if not self._reaches(root, node):
            return None
        size, width = self.sizes[root], math.prod(self.shapes[node])
        rows = max(_NUMBERS // max(width, size), 1)
        parts = []
        for start in range(0, size, rows):
            spikes = np.zeros((min(rows, size - start), size), self.network.dtype)
            spikes[np.arange(len(spikes)), start + np.arange(len(spikes))] = 1
            values = {other: np.zeros((len(spikes), count), self.network.dtype)
                      for other, count in self.sizes.items() if other != root}
            given = self._given(node, {**values, root: spikes}, self.silent).reshape(len(spikes), -1)
            pre, post = given.nonzero()
            parts.append((pre + start, post, given[pre, post]))
        pre, post, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
        return _sorted(pre, post, weight) if len(pre) else None

    def _reaches(self, root: str, node: str) -> bool:
        if node in self.made:
            return self.made[node] == root
        return any(self._reaches(root, source) for source in self.nodes[node].inputs)

    def _given(self, node: str, values: Mapping[str, np.ndarray], nodes: Mapping[str, Node]) -> np.ndarray:
        """The values of a node where populations and inputs have these."""
        if node in self.made:
            rows = values[self.made[node]]
            return rows.reshape(len(rows), *self.shapes[node])
        place = nodes[node]
        return place.operation.apply(*(self._given(source, values, nodes) for source in place.inputs))

    def _pool(self, node: Node, source: str, name: str) -> Population:
        """A neuron for each window, which fires if any of the spikes in it does."""
        shape, operation = self.shapes[source], node.operation
        windows = operation.windows if isinstance(operation, ops.MaxPool2D) else ops.MaxPool2D(shape[:2]).windows
        numbers = np.arange(1, math.prod(shape) + 1, dtype=np.float64).reshape(1, *shape)
        seen = np.stack([tap.reshape(-1) for tap in windows.taps(numbers, 0.0)], axis=1).astype(np.int64)  # 0: margin
        post, tap = seen.nonzero()
        place = seen[post, tap] - 1
        size, synapses = len(seen), {}
        for root in [*self.sizes]:
            sent = self._from(root, source)
            if sent is not None:
                origin = np.full(math.prod(shape), -1)
                origin[sent.post] = sent.pre
                one = np.ones(len(post), self.network.dtype)
                synapses[root] = _sorted(origin[place], post, one, origin[place] >= 0)
        self.sizes[name], self.made[name] = size, name
        return Population(name, size, np.ones(size, self.network.dtype), np.zeros(size, self.network.dtype), synapses,
                          pools=True)

    def _read(self) -> Population:
        """What is read of the output."""
        network, head = self.network, self.network.head
        if head.key is None:
            return self._population(free_name(f"{network.output}_read", self.shapes), network.output, None)
        signs = 2 * head.key.T.astype(network.dtype) - 1
        name = free_name(f"{network.output}_votes", self.shapes)
        votes = Node(name, ops.Dense(2 * signs, -signs.sum(axis=0)), (network.output,))
        self.nodes[votes.name] = votes
        self.silent[votes.name] = replace(votes, operation=_without_bias(votes.operation))
        self.shapes[votes.name] = votes.operation.output_shape(self.shapes[network.output])
        return self._population(votes.name, votes.name, None)

    def _refusal(self, node: Node, reason: str) -> ValueError:
        return ValueError(f"Node {node.name!r} ({type(node.operation).__name__}) has no synapses: {reason}.")


def _sorted(pre: np.ndarray, post: np.ndarray, weight: np.ndarray, kept: np.ndarray | None = None) -> Synapses:
    """Synapses by where they lead to, and of these by where they come from."""
    order = np.lexsort((pre, post))
    order = order if kept is None else order[kept[order]]
    return Synapses(pre[order], post[order], weight[order])


def _without_bias(operation: ops.Operation) -> ops.Operation:
    if isinstance(operation, Weighted):
        return replace(operation, bias=None)
    if isinstance(operation, ops.Scale):
        return replace(operation, offset=np.zeros_like(operation.offset))
    return operation

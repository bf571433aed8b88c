"""``Network``: what is simulated. Integrate-and-fire neurons and what connects them; plain NumPy, no Keras."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from whetstone_lab.records import archive
from whetstone_lab.records.archive import MAX_VALUES
from whetstone_lab.simulator import network_file
from whetstone_lab.simulator.operations import Dense, Neurons, Operation, Reshape, Shape, Weighted, without_bias
from whetstone_lab.simulator.readouts import Readout

#: The name by which nodes refer to the network's input where it is the only one and has no other name.
INPUT = "input"


@dataclass(frozen=True)
class Node:
    """An operation in its place: its name, and the nodes it listens to.

    Attributes:
        name: Unique in its network.
        operation: What it does.
        inputs: Names of earlier nodes or of the network's inputs (``"input"`` where there is one), in the order in
            which the operation takes them.
    """

    name: str
    operation: Operation
    inputs: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Output:
    """One of several outputs of a network: which node is read, and how.

    Attributes:
        node: Name of the node.
        readout: One of :data:`~whetstone_lab.simulator.readouts.READOUTS`. Default: as the node's output demands.
        key: Class key, shape ``(classes, width)``. Default: none.
        threshold: What a ``"logit"`` or ``"sigmoid"`` must exceed to be a yes. Default: 0.
    """

    node: str
    readout: str | None = None
    key: Any = None
    threshold: float = 0.0


class Network:
    """A feed-forward network of integrate-and-fire neurons, each of which fires at most once in a wave.

    Nodes are listed bottom first, and each may listen to any before it, so chains and residual networks are the same
    kind of thing. The nodes that hold :class:`Neurons` are the layers of neurons that a ``SpikeRecord`` knows.

    A bias stays a bias: ``x @ weights + bias``, rounded in that order, is what Keras compares with the threshold.
    :meth:`absorb_biases` moves biases into thresholds and changes no spike.

    Args:
        input_shape: Shape of one sample, such as ``(64,)`` or ``(28, 28, 1)``, channels last. Where there are several
            inputs, the shape of each by its name, which is the name by which nodes refer to it.
        nodes: :class:`Node` objects, or bare operations: each of those listens to what stands before it and is named
            after its kind.
        key: Class key, shape ``(classes, width)``, where output spikes vote for classes. Default: none.
        readout: How an analog output is read: ``"linear"`` or ``"softmax"``, where the largest value wins (it is given
            before the softmax, which changes no winner); ``"logit"`` or ``"sigmoid"``, where each value answers yes or
            no; or ``"values"``, which stand for no classes. Default: as the output demands (``"key"``, ``"spikes"``,
            ``"linear"``).
        threshold: What a ``"logit"`` or ``"sigmoid"`` must exceed to be a yes. Default: 0.
        outputs: Several outputs, each an :class:`Output` by its name, in place of a key, a readout and a threshold.
            Default: the last node is the only one.
        meta: Anything else worth keeping, JSON-able.

    Attributes:
        inputs: Name of each input -> shape of one sample of it.
        heads: Name of each output -> the :class:`~whetstone_lab.simulator.readouts.Readout` that scores it and decides.
        read: Name of each output -> name of the node that is read there.
        shapes: Node name -> shape of its output, the inputs' included.
        steps: Node name -> the time step at which its output is there, counted from 0. The input is there from the
            start; each layer of neurons waits for the last of its inputs and then takes a step.
        spiking: Node name -> whether its output is spikes, zeros and ones; the input's is False.
        dtype: The floating point type it computes in: float64 where some weights are float64 arrays, else float32.

    Raises:
        ValueError: Shapes do not fit, weights are not finite, a name is unknown or taken, or the read-out does not
            suit the output.

    Example:
        >>> from whetstone_lab.simulator.operations import Dense
        >>> weights = np.eye(2, dtype=np.float32)
        >>> Network((2,), [Dense(weights), Neurons(0.5)], key=[[1, 0], [0, 1]])
        Network(input (2,), 1 layer, 2 neurons, 4 synapses, readout 'key' of 2 classes)
    """

    def __init__(self, input_shape: Sequence[int] | Mapping[str, Sequence[int]], nodes: Iterable[Node | Operation], *,
                 key: Any = None, readout: str | None = None, threshold: float = 0.0,
                 outputs: Mapping[str, Output] | None = None, meta: Mapping[str, Any] | None = None) -> None:
        given = input_shape if isinstance(input_shape, Mapping) else {INPUT: input_shape}
        self.inputs: dict[str, Shape] = {str(name): tuple(_length(n) for n in shape) for name, shape in given.items()}
        if not self.inputs:
            raise ValueError("Expected at least one input; got none.")
        for name, shape in self.inputs.items():
            check_size("The input" if len(self.inputs) == 1 else f"The input {name!r}", shape)
        self.nodes = _named(nodes, next(iter(self.inputs)))
        self.meta = dict(meta or {})
        weights = [node.operation.weights for node in self.nodes if isinstance(node.operation, Weighted)]
        self.dtype: np.dtype = np.result_type(np.float32, *weights)
        self.nodes = tuple(Node(node.name, node.operation.astype(self.dtype), node.inputs) for node in self.nodes)
        self.shapes: dict[str, Shape] = dict(self.inputs)
        self.steps: dict[str, int] = dict.fromkeys(self.inputs, -1)
        self.spiking: dict[str, bool] = dict.fromkeys(self.inputs, False)
        for number, node in enumerate(self.nodes):
            place = f"nodes[{number}] ({node.name!r}, {type(node.operation).__name__})"
            if node.name in self.shapes:
                raise ValueError(f"{place}: expected a name of its own; {node.name!r} is taken.")
            unknown = [name for name in node.inputs if name not in self.shapes]
            if unknown:
                raise ValueError(f"{place}: expected inputs among the nodes before it, {list(self.shapes)}; got "
                                 f"{unknown}.")
            try:
                shape = node.operation.output_shape(*(self.shapes[name] for name in node.inputs))
            except ValueError as error:
                raise ValueError(f"{place}: {error}") from error
            check_size(place, shape)
            fires = isinstance(node.operation, Neurons)
            self.shapes[node.name] = shape
            self.steps[node.name] = max(self.steps[name] for name in node.inputs) + fires
            self.spiking[node.name] = fires or (node.operation.keeps_spikes
                                                and all(self.spiking[name] for name in node.inputs))
        last = self.nodes[-1].name
        self._outputs = None if outputs is None else dict(outputs)
        self.heads: dict[str, Readout] = {}
        self.read: dict[str, str] = {}
        for name, output in (self._outputs or {last: Output(last, readout, key, threshold)}).items():
            if output.node not in self.shapes or output.node in self.inputs:
                raise ValueError(f"Expected output {name!r} to read one of the nodes {[n.name for n in self.nodes]}; "
                                 f"got {output.node!r}.")
            self.heads[name] = Readout.of(output.node, self.shapes[output.node], self.spiking[output.node],
                                          output.readout, output.key, self.dtype, output.threshold)
            self.read[name] = output.node
        if self._outputs is not None and (key is not None or readout is not None or threshold or not self._outputs):
            raise ValueError("Expected either outputs, at least one, each with a readout and a key of its own, or a "
                             "readout and a key for the only output; got both, or no output.")

    @property
    def input_shape(self) -> Shape:
        """Shape of one sample, of a network with one input."""
        return sole(self.inputs, "input", "inputs")

    @property
    def head(self) -> Readout:
        """What scores the output and decides, of a network with one output."""
        return sole(self.heads, "output", "heads")

    @property
    def readout(self) -> str:
        """How the only output is read, one of :data:`~whetstone_lab.simulator.readouts.READOUTS`."""
        return self.head.kind

    @property
    def key(self) -> np.ndarray | None:
        """The class key of the only output, or None."""
        return self.head.key

    @property
    def output(self) -> str:
        """Name of the node that is read, of a network with one output."""
        return sole(self.read, "output", "read")

    @property
    def output_shape(self) -> Shape:
        """Shape of the output of one sample, of a network with one output."""
        return self.shapes[self.output]

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers of neurons, bottom first."""
        return tuple(node.name for node in self.nodes if isinstance(node.operation, Neurons))

    @property
    def latency(self) -> int:
        """How many time steps a wave takes from the input to the last layer of neurons."""
        return max(self.steps.values()) + 1

    @property
    def neurons(self) -> int:
        """Number of neurons."""
        return sum(math.prod(self.shapes[name]) for name in self.layers)

    @property
    def synapses(self) -> int:
        """Number of weighted connections; a shared weight of a convolution counts wherever it connects."""
        return sum(self._synapses(node) for node in self.nodes)

    def _synapses(self, node: Node) -> int:
        return node.operation.synapses(*(self.shapes[name] for name in node.inputs))

    def __repr__(self) -> str:
        told = [("" if self._outputs is None else f"{name} ") + repr(head.kind)
                + (f" of {len(head.key)} classes" if head.key is not None else "") for name, head in self.heads.items()]
        one = list(self.inputs) == [INPUT]
        inputs = ", ".join(str(shape) if one else f"{name} {shape}" for name, shape in self.inputs.items())
        count = len(self.layers)
        return (f"Network(input {inputs}, {count} layer{'' if count == 1 else 's'}, {self.neurons} neurons, "
                f"{self.synapses} synapses, readout {', '.join(told)})")

    def summary(self) -> str:
        """A table of the nodes: name, operation, output shape, neurons, synapses, time step and inputs."""
        head = ("node", "operation", "output", "neurons", "synapses", "step", "from")
        rows = [head, *((name, "", str(shape), "", "", "", "") for name, shape in self.inputs.items())]
        for node in self.nodes:
            fires, synapses = isinstance(node.operation, Neurons), self._synapses(node)
            rows.append((node.name, type(node.operation).__name__, str(self.shapes[node.name]),
                         f"{math.prod(self.shapes[node.name]):,}" if fires else "",
                         f"{synapses:,}" if synapses else "",
                         str(self.steps[node.name]) if fires else "", ", ".join(node.inputs)))
        widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
        numbers = {"neurons", "synapses", "step"}
        lines = ["  ".join(cell.rjust(width) if name in numbers else cell.ljust(width)
                           for name, cell, width in zip(head, row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([*lines, repr(self)])

    @property
    def heard(self) -> Counter[str]:
        """How many nodes and outputs listen to each node or input."""
        return Counter([*(name for node in self.nodes for name in node.inputs), *self.read.values()])

    def absorb_biases(self) -> Network:
        """The same network with biases moved into thresholds wherever neurons follow their weights directly.

        On a chip a bias is a threshold shift. The new thresholds are exact (see
        :func:`~whetstone_lab.simulator.operations.without_bias`), so every spike stays as it was; membrane potentials
        are lower by the bias. A bias that also feeds something else, goes through an average first, or adds up in
        neurons that remember, stays.
        """
        heard = self.heard
        changed = {node.name: node.operation for node in self.nodes}
        for node in self.nodes:
            source = node.inputs[0]
            weighted, neurons = changed.get(source), node.operation
            if (isinstance(neurons, Neurons) and neurons.leak == 1 and isinstance(weighted, Weighted)
                    and weighted.bias is not None and heard[source] == 1):
                changed[source] = replace(weighted, bias=None)
                changed[node.name] = replace(neurons, threshold=without_bias(neurons.threshold, weighted.bias))
        return self.with_nodes(Node(node.name, changed[node.name], node.inputs) for node in self.nodes)

    def fire_answer(self) -> Network:
        """The same network with two neurons in place of its logit, so that a chip that only counts spikes can decide.

        The first fires for no, where the logit y is at most its threshold t: ``-y >= -t``. The second fires for yes,
        where ``y > t``: its threshold is the next float above t. They are read by the class key ``[[1, 0], [0, 1]]``,
        and no rounding comes in, so every decision stays as it was.

        Raises:
            ValueError: The network has several outputs, or its output is no single ``"logit"`` or ``"sigmoid"``.
        """
        head = self.head
        if head.kind not in ("logit", "sigmoid") or head.shape != (1,):
            raise ValueError(f"Expected a network whose output is one logit or sigmoid; it is read as {head.kind!r}, "
                             f"shape {head.shape}.")
        real, (*nodes, last) = self.dtype.type, self.nodes
        threshold = real(head.threshold)
        both = np.array([[-1, 1]], self.dtype)
        added: list[Operation] = []
        if last.name == self.output and isinstance(last.operation, Dense):  # weights of a neuron each
            bias = last.operation.bias
            two = Dense(last.operation.weights @ both, None if bias is None else bias @ both)
            nodes.append(replace(last, operation=two))
        else:
            nodes.append(last)
            added = [*([Reshape((1,))] if self.output_shape == () else []), Dense(both)]
        above: Operation = Neurons(np.array([-threshold, np.nextafter(threshold, real(np.inf))]))
        source = self.output
        for operation in [*added, above]:
            taken = {*self.inputs, *(node.name for node in nodes)}
            nodes.append(Node(free_name("answer", taken), operation, (source,)))
            source = nodes[-1].name
        return Network(self.inputs, nodes, key=np.eye(2), meta=self.meta)

    def with_nodes(self, nodes: Iterable[Node]) -> Network:
        """A network of other nodes with the same inputs, readouts and meta; its only output is its last node."""
        if self._outputs is not None:
            return Network(self.inputs, nodes, outputs=self._outputs, meta=self.meta)
        return Network(self.inputs, nodes, key=self.key, readout=self.readout, threshold=self.head.threshold,
                       meta=self.meta)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the network to an ``.npz`` file without pickle, in one piece; returns the path.

        :mod:`whetstone_lab.simulator.network_file` describes the file for readers in other languages.
        """
        nodes, arrays = network_file.pack((node.name, node.operation, node.inputs) for node in self.nodes)
        plain = self._outputs is None and list(self.inputs) == [INPUT]
        if plain:
            ends, keys = network_file.pack_end(self.head)
            ends["input_shape"] = self.input_shape
        else:
            ends, keys = network_file.pack_ends(self.inputs, self.read, self.heads)
        version = 1 if plain else network_file.VERSION
        return archive.write(path, network_file.KIND, version, {**ends, "nodes": nodes, "meta": self.meta},
                             arrays | keys)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Network:
        """Reads a network that :meth:`save` wrote. Nothing in a file is ever run.

        Raises:
            FileNotFoundError: There is no such file.
            ArchiveError: The file is truncated, damaged, of another format or of a newer version, or what it holds is
                no network.
        """
        header, arrays = archive.read(path, network_file.KIND, network_file.VERSION)
        try:
            nodes = [Node(*place) for place in network_file.unpack(header["nodes"], arrays)]
            if "outputs" in header:
                outputs = {name: Output(**end) for name, end in network_file.unpack_ends(header, arrays).items()}
                return cls(dict(header["inputs"]), nodes, outputs=outputs, meta=header["meta"])
            return cls(header["input_shape"], nodes, **network_file.unpack_end(header, arrays), meta=header["meta"])
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise archive.ArchiveError(f"{path} holds no network that fits together: {error}") from error


def sole(named: Mapping[str, Any], what: str, attribute: str) -> Any:
    """The only one of a network's inputs or outputs.

    Raises:
        ValueError: There are several; the message names them and the attribute that has each by its name.
    """
    if len(named) > 1:
        raise ValueError(f"Expected a network with one {what}; this one has the {what}s {list(named)}. Its "
                         f"{attribute}[name] has each by its name.")
    return next(iter(named.values()))


def _named(nodes: Iterable[Node | Operation], first: str) -> tuple[Node, ...]:
    named: list[Node] = []
    taken: Counter[str] = Counter()
    previous = first
    for item in nodes:
        if isinstance(item, Operation):
            kind = type(item).__name__.lower()
            taken[kind] += 1
            item = Node(kind if taken[kind] == 1 else f"{kind}_{taken[kind]}", item, (previous,))
        elif not isinstance(item, Node):
            raise TypeError(f"Expected nodes or operations; got {item!r}.")
        named.append(item)
        previous = item.name
    if not named:
        raise ValueError("Expected at least one node; got none.")
    return tuple(named)


def free_name(wanted: str, taken: Collection[str]) -> str:
    """A name that is not taken: as wanted, or with a number behind it."""
    names = (f"{wanted}_{number}" if number > 1 else wanted for number in count(1))
    return next(name for name in names if name not in taken)


def check_size(what: str, shape: Shape) -> None:
    """Raises a ``ValueError`` where a value of this shape, of one sample, would be too large."""
    if math.prod(shape) > MAX_VALUES:
        raise ValueError(f"{what}: expected at most {MAX_VALUES} values for a sample; got shape {shape}.")


def _length(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"Expected an input_shape of positive integers; got {value!r} in it.")
    return int(value)

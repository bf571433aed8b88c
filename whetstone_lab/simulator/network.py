"""``Network``: what is simulated. Integrate-and-fire neurons and what connects them; plain NumPy, no Keras."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from whetstone_lab.method import class_keys
from whetstone_lab.records import archive
from whetstone_lab.simulator.operations import MAX_VALUES, OPERATIONS, Neurons, Operation, Shape, without_bias

_KIND, _VERSION = "whetstone_lab.network", 1

#: The name by which nodes refer to the network's input.
INPUT = "input"

#: How the output is read: ``key``, the class whose n-hot key the output spikes match best; ``linear`` or ``softmax``,
#: an analog output of which the largest wins; ``spikes``, output spikes that stand for no classes.
READOUTS = ("key", "linear", "softmax", "spikes")


@dataclass(frozen=True)
class Node:
    """An operation in its place: its name, and the nodes it listens to.

    Attributes:
        name: Unique in its network.
        operation: What it does.
        inputs: Names of earlier nodes, or ``"input"``, in the order in which the operation takes them.
    """

    name: str
    operation: Operation
    inputs: tuple[str, ...]


class Network:
    """A feed-forward network of integrate-and-fire neurons, each of which fires at most once in a wave.

    Nodes are listed bottom first, and each may listen to any before it, so chains and residual networks are the same
    kind of thing. The nodes that hold :class:`Neurons` are the layers of neurons that a ``SpikeRecord`` knows.

    A bias stays a bias: ``x @ weights + bias``, rounded in that order, is what Keras compares with the threshold.
    :meth:`absorb_biases` moves biases into thresholds and changes no spike.

    Args:
        input_shape: Shape of one sample, such as ``(64,)`` or ``(28, 28, 1)``, channels last.
        nodes: :class:`Node` objects, or bare operations: each of those listens to what stands before it and is named
            after its kind.
        key: Class key, shape ``(classes, width)``, where output spikes vote for classes. Default: none.
        readout: How an analog output is read, ``"linear"`` or ``"softmax"``; it is given before the softmax, which
            changes no winner. Default: as the output demands (``"key"``, ``"spikes"``, ``"linear"``).
        meta: Anything else worth keeping, JSON-able.

    Attributes:
        shapes: Node name -> shape of its output, the input's included.
        steps: Node name -> the time step at which its output is there, counted from 0. The input is there from the
            start; each layer of neurons waits for the last of its inputs and then takes a step.
        spiking: Node name -> whether its output is spikes, zeros and ones; the input's is False.
        dtype: The floating point type it computes in: float64 where some weights are float64 arrays, else float32.

    Raises:
        ValueError: Shapes do not fit, weights are not finite, a name is unknown or taken, or the read-out does not
            suit the output.

    Example:
        >>> weights = np.eye(2, dtype=np.float32)
        >>> Network((2,), [Dense(weights), Neurons(0.5)], key=[[1, 0], [0, 1]])
        Network(input (2,), 1 layer, 2 neurons, 4 synapses, readout 'key' of 2 classes)
    """

    def __init__(self, input_shape: Sequence[int], nodes: Iterable[Node | Operation], *, key: Any = None,
                 readout: str | None = None, meta: Mapping[str, Any] | None = None) -> None:
        self.input_shape: Shape = tuple(_length(n) for n in input_shape)
        check_size("The input", self.input_shape)
        self.nodes = _named(nodes)
        self.meta = dict(meta or {})
        weights = [node.operation.weights for node in self.nodes if hasattr(node.operation, "weights")]
        self.dtype: np.dtype = np.result_type(np.float32, *weights)
        self.nodes = tuple(Node(node.name, node.operation.astype(self.dtype), node.inputs) for node in self.nodes)
        self.shapes: dict[str, Shape] = {INPUT: self.input_shape}
        self.steps: dict[str, int] = {INPUT: -1}
        self.spiking: dict[str, bool] = {INPUT: False}
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
        self.key, self.readout = self._read_out(key, readout, self.spiking[self.output])

    def _read_out(self, key: Any, readout: str | None, spiking: bool) -> tuple[np.ndarray | None, str]:
        if readout is not None and readout not in READOUTS:
            raise ValueError(f"Expected a readout among {READOUTS}; got {readout!r}.")
        kinds = ("key",) if key is not None else ("spikes",) if spiking else ("linear", "softmax")
        if key is not None and not spiking:
            raise ValueError(f"Expected a class key to read spikes; the output, node {self.output!r}, is analog.")
        if readout is not None and readout not in kinds:
            what = "spikes with a key" if key is not None else "spikes without a key" if spiking else "analog"
            raise ValueError(f"Expected a readout among {kinds}, as the output is {what}; got {readout!r}.")
        shape = self.shapes[self.output]
        if key is not None:
            key = class_keys.check_key(key, width=shape[-1] if shape else None)
        return key, readout or kinds[0]

    @property
    def output(self) -> str:
        """Name of the node that is read: the last."""
        return self.nodes[-1].name

    @property
    def output_shape(self) -> Shape:
        """Shape of the output of one sample."""
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
        readout = repr(self.readout) + (f" of {len(self.key)} classes" if self.key is not None else "")
        count = len(self.layers)
        return (f"Network(input {self.input_shape}, {count} layer{'' if count == 1 else 's'}, {self.neurons} neurons, "
                f"{self.synapses} synapses, readout {readout})")

    def summary(self) -> str:
        """A table of the nodes: name, operation, output shape, neurons, synapses, time step and inputs."""
        head = ("node", "operation", "output", "neurons", "synapses", "step", "from")
        rows = [head, (INPUT, "", str(self.input_shape), "", "", "", "")]
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

    def absorb_biases(self) -> Network:
        """The same network with biases moved into thresholds wherever neurons follow their weights directly.

        On a chip a bias is a threshold shift. The new thresholds are exact (see
        :func:`~whetstone_lab.simulator.operations.without_bias`), so every spike stays as it was; membrane potentials
        are lower by the bias. A bias that also feeds something else, goes through an average first, or adds up in
        neurons that remember, stays.
        """
        heard = Counter(name for node in self.nodes for name in node.inputs)
        found = {node.name: node for node in self.nodes}
        changed: dict[str, dict[str, Any]] = {}
        for node in self.nodes:
            source = found.get(node.inputs[0])
            bias = getattr(source.operation, "bias", None) if source else None
            if not isinstance(node.operation, Neurons) or node.operation.leak < 1:
                continue
            if source and bias is not None and heard[source.name] == 1:
                changed[source.name] = {**source.operation.arrays(), **source.operation.options(), "bias": None}
                changed[node.name] = {**node.operation.options(),
                                      "threshold": without_bias(node.operation.threshold, bias)}
        nodes = [Node(node.name, type(node.operation)(**changed[node.name]), node.inputs) if node.name in changed
                 else node for node in self.nodes]
        return Network(self.input_shape, nodes, key=self.key, readout=self.readout, meta=self.meta)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the network to an ``.npz`` file without pickle, in one piece; returns the path.

        **For readers in other languages.** The file is a ZIP archive (deflate) of ``NAME.npy`` members. Each of these
        is eight bytes, ``93 4E 55 4D 50 59 01 00``, the length n of its header as a little-endian 16-bit integer, n
        bytes of ASCII such as ``{'descr': '<f4', 'fortran_order': False, 'shape': (784, 256), }``, and the values,
        little-endian, the last axis fastest. ``<f4`` is IEEE single, ``<f8`` double precision, ``|i1`` a signed and
        ``|u1`` an unsigned byte.

        ``header`` (``|u1``) is JSON text: ``format`` (``"whetstone_lab.network"``), ``version`` (1), ``input_shape``,
        ``readout``, ``meta``, and ``nodes``, in an order in which they can run. Each node has a ``name``, an
        ``operation``, ``inputs`` (names of earlier nodes, or ``"input"``), ``options``, and ``arrays``: what node i
        names there is member ``i_NAME``; an array that is absent is None in the options. Images are (rows, columns,
        channels). What the operations do:

        - ``Neurons``: 1 where ``x >= threshold``, else 0. ``threshold`` is a single value, or broadcasts against the
          last axes of x: shape (channels,) is one for each channel. That is all of it where ``leak`` is 1 and
          ``refractory`` and ``delay`` are 0, as Whetstone has them.
        - ``Dense``: ``y[o] = sum over i of x[i] weights[i, o]``, then ``+ bias[o]``; ``weights`` (inputs, outputs).
        - ``Conv2D``: ``y[r, c, f] = sum over i, j, k of x[r strides[0] + i dilation[0] - top, c strides[1] +
          j dilation[1] - left, k] weights[i, j, k, f]``, then ``+ bias[f]``; x is 0 outside the image. With padding
          ``"valid"`` top and left are 0 and windows lie on the image; with ``"same"`` there are ``ceil(size / stride)``
          windows, and top is half, rounded down, of what the windows need beyond the image. In g ``groups``, filter f
          sees channel ``k + (f g / filters rounded down) channels / g``.
        - All others are described by their classes in ``whetstone_lab.simulator.operations``, with the options as
          arguments.

        ``key`` (``|i1``, classes by outputs), if there is one: the winner is the class c with the greatest
        ``sum over o of (2 y[o] - 1) (2 key[c, o] - 1)``, the lowest on a tie. :meth:`absorb_biases` first gives a file
        with few or no biases: weights and thresholds alone, as hardware likes them.
        """
        nodes = [{"name": node.name, "operation": type(node.operation).__name__, "inputs": node.inputs,
                  "options": node.operation.options(), "arrays": list(node.operation.arrays())} for node in self.nodes]
        header = {"input_shape": self.input_shape, "nodes": nodes, "readout": self.readout, "meta": self.meta}
        arrays = {f"{number}_{name}": np.asarray(array, order="C") for number, node in enumerate(self.nodes)
                  for name, array in node.operation.arrays().items()}
        if self.key is not None:
            arrays["key"] = self.key
        return archive.write(path, _KIND, _VERSION, header, arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Network:
        """Reads a network that :meth:`save` wrote. Nothing in a file is ever run.

        Raises:
            FileNotFoundError: There is no such file.
            ArchiveError: The file is truncated, damaged, of another format or of a newer version, or what it holds is
                no network.
        """
        header, arrays = archive.read(path, _KIND, _VERSION)
        try:
            nodes = []
            for number, entry in enumerate(header["nodes"]):
                values = {name: arrays[f"{number}_{name}"] for name in entry["arrays"]}
                operation = OPERATIONS[entry["operation"]](**values, **entry["options"])
                nodes.append(Node(str(entry["name"]), operation, tuple(entry["inputs"])))
            return cls(header["input_shape"], nodes, key=arrays.get("key"), readout=header["readout"],
                       meta=header["meta"])
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise archive.ArchiveError(f"{path} holds no network that fits together: {error}") from error


def _named(nodes: Iterable[Node | Operation]) -> tuple[Node, ...]:
    named: list[Node] = []
    taken: Counter[str] = Counter()
    previous = INPUT
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


def check_size(what: str, shape: Shape) -> None:
    """Raises a ``ValueError`` where a value of this shape, of one sample, would be too large."""
    if math.prod(shape) > MAX_VALUES:
        raise ValueError(f"{what}: expected at most {MAX_VALUES} values for a sample; got shape {shape}.")


def _length(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"Expected an input_shape of positive integers; got {value!r} in it.")
    return int(value)

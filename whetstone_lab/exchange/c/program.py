"""What a network does, as calls of the C functions in :mod:`~whetstone_lab.exchange.c.kernels`, with its tables."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from whetstone_lab.exchange.c.kernels import KERNELS
from whetstone_lab.exchange.c.memory import Step, place
from whetstone_lab.exchange.integers import is_whole
from whetstone_lab.simulator import operations as ops
from whetstone_lab.simulator.network import Network, Node
from whetstone_lab.simulator.operations.base import Shape, Weighted
from whetstone_lab.simulator.operations.windows import Windows

#: Types of weights, and what they are smaller than.
_INTEGERS = (("int8_t", 2**7), ("int16_t", 2**15), ("int32_t", 2**31))

#: Bytes of a value.
SIZES = {"float": 4, "double": 8, "int8_t": 1, "uint8_t": 1, "int16_t": 2, "int32_t": 4}


@dataclass
class Program:
    """What a network does in C: calls, tables and memory.

    Attributes:
        network: The network.
        steps: The calls, in their order.
        tables: The text of weights, biases, thresholds and the class key.
        kernels: The text of the functions that are called.
        flash: Bytes of the tables.
        scratch: Sums of one place that are worked on at a time.
        places: Name of a value -> where it lies in the memory of its type.
        room: Kind of value -> how many its memory has room for.
    """

    network: Network
    steps: list[Step] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    kernels: dict[str, str] = field(default_factory=dict)
    flash: int = 0
    scratch: int = 0

    def __post_init__(self) -> None:
        network = self.network
        self.integers = is_whole(network)
        self.sums = "int32_t" if self.integers else "double" if network.dtype == np.float64 else "float"
        self.types = {"input": "int16_t" if self.integers else self.sums, "spikes": "uint8_t", "sums": self.sums}
        self.weights = self.sums
        if self.integers:
            widest = max((int(np.abs(array).max(initial=0)) for node in network.nodes
                          if isinstance(node.operation, Weighted) for array in [node.operation.weights]), default=0)
            self.weights = next(kind for kind, limit in _INTEGERS if widest < limit)
        self.kinds = dict.fromkeys(network.inputs, "input")
        self.same: dict[str, str] = {}  # values that are another's under another shape
        self.heard = network.heard
        self.done: set[str] = set()
        self.pooled: dict[str, str] = {}  # a pool behind its neurons -> what it would pool
        for node in network.nodes:
            if node.name not in self.done:
                self._node(node)
        if network.head.key is not None:
            self._class_key(network.head.key)
        self.places, self.room = place(self.steps, self.kinds, self._count, self._value(network.output))

    # -- nodes to calls -----------------------------------------------------------------------------------------------

    def _node(self, node: Node) -> None:
        operation, reads = node.operation, [self._value(name) for name in node.inputs]
        kind = self.kinds[reads[0]]
        shape, out = self.network.shapes[node.inputs[0]], self.network.shapes[node.name]
        count = math.prod(out)
        if isinstance(operation, ops.Reshape):
            self.same[node.name] = reads[0]
            return
        if isinstance(operation, (ops.Dense, ops.Conv2D)):
            self._weighted(node, operation, kind, reads, shape, out)
            return
        if isinstance(operation, ops.Conv2DTranspose):
            window = [*operation.weights.shape[:2], *operation.strides, *operation.dilation, *operation.start]
            self._call("conv_transpose", kind, reads, node.name, "sums", f"$0, {_list(shape)}, "
                       f"{self._table(node, 'weights', operation.weights, self.weights)}, {_list(window)}, "
                       f"{self._table(node, 'bias', operation.bias)}, {out[2]}, {_list(out)}, $out")
        elif isinstance(operation, ops.Neurons):
            thresholds, period = self._thresholds(node, operation, out)
            self._call("fire", kind, reads, node.name, "spikes", f"$0, {count}, {thresholds}, {period}, $out")
            self._fired(node.name, count)
        elif isinstance(operation, (ops.MaxPool2D, ops.GlobalMaxPool2D)):
            window, places = _window(operation, shape)
            self._call("max_pool", kind, reads, node.name, kind, f"$0, {_list(shape)}, {_list(window)}, "
                       f"{_list(places)}, $out")
        elif isinstance(operation, (ops.AveragePool2D, ops.GlobalAveragePool2D)):
            window, places = _window(operation, shape)
            self._call("mean_pool", kind, reads, node.name, "sums", f"$0, {_list(shape)}, {_list(window)}, "
                       f"{_list(places)}, $out")
        elif isinstance(operation, ops.Pad2D):
            top, left = (_size(ends[0]) for ends in (operation.rows, operation.columns))
            self._call("pad", kind, reads, node.name, kind, f"$0, {_list(shape)}, {top}, {left}, {_list(out)}, "
                       "$out")
        elif isinstance(operation, ops.UpSample2D):
            self._call("repeat", kind, reads, node.name, kind, f"$0, {_list(shape)}, {operation.size[0]}, "
                       f"{operation.size[1]}, $out")
        elif isinstance(operation, ops.Permute):
            steps = [math.prod(shape[axis + 1:]) for axis in operation.axes]
            self._call("permute", kind, reads, node.name, kind, f"$0, {len(out)}, {_list(out)}, {_list(steps)}, "
                       "$out")
        elif isinstance(operation, ops.Concatenate):
            self._concatenate(node, operation, reads, out)
        elif isinstance(operation, ops.Add):
            self._call("copy", kind, reads[:1], node.name, "sums", f"$0, 1, {count}, {count}, $out")
            for name in reads[1:]:
                self._call("add", self.kinds[name], [name], node.name, "sums", f"$0, {count}, $out")
        elif isinstance(operation, ops.Scale):
            period = _period(out, operation.factor.shape, operation.offset.shape)
            factor, offset = (self._table(node, name, np.broadcast_to(array, out).ravel()[:period])
                              for name, array in operation.arrays().items())
            self._call("scale", kind, reads, node.name, "sums", f"$0, {count}, {factor}, {offset}, {period}, $out")
        elif isinstance(operation, ops.ReLU):
            self._call("relu", kind, reads, node.name, "sums", f"$0, {count}, $out")
        else:
            raise ValueError(f"Node {node.name!r}: C has no word for {type(operation).__name__} yet.")

    def _weighted(self, node: Node, operation: Any, kind: str, reads: list[str], shape: Shape, out: Shape) -> None:
        """Sums of one place at a time; neurons that alone listen fire at once, so that the sums need no memory."""
        neurons, pool = self._listeners(node)
        thresholds, period, kept, fired, name = "NULL", 0, "$out", "NULL", node.name
        if neurons is not None:
            thresholds, period = self._thresholds(neurons, neurons.operation, self.network.shapes[neurons.name])
            kept, fired, name = "NULL", "$out", neurons.name if pool is None else pool.name
            self.done |= {neurons.name}
        self.scratch = max(self.scratch, out[-1])
        self._need("finish", {})
        weights = self._table(node, "weights", operation.weights, self.weights)
        bias = self._table(node, "bias", operation.bias)
        end = f"{thresholds}, {period}, memory->place, {fired}, {kept}"
        if isinstance(operation, ops.Dense):
            text = (f"$0, {math.prod(out[:-1])}, {shape[-1]}, {weights}, {bias}, {out[-1]}, {end}")
            self._call("dense", kind, reads, name, "spikes" if neurons else "sums", text)
        else:
            window, places = _window(operation, shape)
            text = (f"$0, {_list(shape)}, {weights}, {_list(window)}, {operation.groups}, {bias}, {out[2]}, "
                    f"{_list(places)}, {end}")
            self._call("conv", kind, reads, name, "spikes" if neurons else "sums", text)
        if neurons is None:
            return
        if pool is not None:  # whether any neuron of a window fires is whether its largest sum reaches the threshold
            window, places = _window(pool.operation, out)
            self._call("max_pool", "spikes", [pool.name], neurons.name, "spikes",
                       f"$0, {_list(out)}, {_list(window)}, {_list(places)}, $out")
            self.done |= {pool.name}
            self.pooled[pool.name] = node.name
        self._fired(neurons.name, math.prod(self.network.shapes[neurons.name]))

    def _listeners(self, node: Node) -> tuple[Node | None, Node | None]:
        """The neurons that alone listen to a node, and the pool between them, where what it pools may fire first."""
        pool = None
        for later in self.network.nodes:
            if self.heard[node.name] != 1 or later.inputs != (node.name,):
                continue
            if isinstance(later.operation, ops.Neurons):
                alike = later.operation.by_channel(self.network.shapes[later.name])
                return (later, pool) if pool is None or alike else (None, None)
            if pool is None and isinstance(later.operation, (ops.MaxPool2D, ops.GlobalMaxPool2D)):
                pool = node = later
        return None, None

    def _concatenate(self, node: Node, operation: ops.Concatenate, reads: list[str], out: Shape) -> None:
        shapes = [self.network.shapes[name] for name in node.inputs]
        axis = operation.axis % len(out)
        kinds = {self.kinds[name] for name in reads}
        kind, start = kinds.pop() if len(kinds) == 1 else "sums", 0
        rows, stride = math.prod(out[:axis]), math.prod(out[axis:])
        for name, shape in zip(reads, shapes, strict=True):
            count = math.prod(shape[axis:])
            self._call("copy", self.kinds[name], [name], node.name, kind, f"$0, {rows}, {count}, {stride}, "
                       f"$out + {start}", result=kind)
            start += count

    def _call(self, kernel: str, kind: str, reads: Sequence[str], name: str, gives: str, arguments: str,
              result: str = "sums") -> None:
        """Adds a call of a kernel; ``$0`` and ``$out`` in the arguments stand for what it reads and writes."""
        suffix = kind if result == "sums" or kind == result else f"{kind}_{result}"
        suffix = f"{kind}_kept" if kernel == "copy" and result == kind != "sums" else suffix
        self._need(kernel, {"@K": suffix, "@T": self.types[kind], "@R": self.types[result]}, kind)
        self.kinds[name] = gives
        self.steps.append(Step(f"wl_{kernel}_{suffix}({arguments});", list(reads), name))

    def _need(self, kernel: str, words: dict[str, str], kind: str = "") -> None:
        """Takes the text of a kernel for values of a kind into the file."""
        text = KERNELS[kernel]
        spike = kind == "spikes"
        for mark, count, value in (("@ADD", "outputs", "in[i]"), ("@ADD_AT", "own", "at[channel]"),
                                   ("@ADD_VALUE", "filters", "v")):
            sums = "(sums + first)[k]" if mark == "@ADD_AT" else "sums[k]"
            product = "w[k]" if spike else f"({self.sums}){value} * w[k]"
            text = text.replace(f"{mark}({count})", f"for (k = 0; k < {count}; k++) {sums} += {product};")
        for word, type_name in {**words, "@S": self.sums, "@W": self.weights}.items():
            text = text.replace(word, type_name)
        self.kernels.setdefault(kernel + words.get("@K", ""), text)

    def _fired(self, name: str, count: int) -> None:
        self.steps.append(Step(f"TRACE({self.network.layers.index(name)}, $0, {count});", [name], ""))

    def _value(self, name: str) -> str:
        while name in self.same:
            name = self.same[name]
        return name

    # -- tables -------------------------------------------------------------------------------------------------------

    def _table(self, node: Node, what: str, array: np.ndarray | None, kind: str | None = None) -> str:
        """Writes an array down; returns its name."""
        if array is None:
            return "NULL"
        kind = kind or self.sums
        name = f"t{len(self.tables)}_{re.sub(r'[^0-9A-Za-z_]', '_', node.name)}_{what}"
        values = [number(value, kind) for value in array.ravel()]
        lines = [", ".join(values[start:start + 12]) for start in range(0, len(values), 12)]
        self.tables.append(f"static const {kind} {name}[{len(values)}] = {{\n    " + ",\n    ".join(lines) + "\n};\n")
        self.flash += array.size * SIZES[kind]
        return name

    def _class_key(self, key: np.ndarray) -> None:
        rows = ",\n    ".join(", ".join(str(int(value)) for value in row) for row in key)
        self.tables.append(f"static const uint8_t class_key[{key.size}] = {{\n    {rows}\n}};\n")
        self.flash += key.size

    def _thresholds(self, node: Node, neurons: Any, out: Shape) -> tuple[str, int]:
        period = _period(out, neurons.threshold.shape)
        return self._table(node, "threshold", np.broadcast_to(neurons.threshold, out).ravel()[:period]), period

    # -- memory -------------------------------------------------------------------------------------------------------

    def _count(self, name: str) -> int:
        """How many values there are; of what fires before its pool, as many as before it."""
        shape = self.network.shapes[name]
        return math.prod(self.network.shapes[self.pooled[name]] if name in self.pooled else shape)

    @property
    def ram(self) -> int:
        """Bytes of the memory."""
        return (sum(count * SIZES[self.types[kind]] for kind, count in self.room.items())
                + max(self.scratch, 1) * SIZES[self.sums])

    def at(self, name: str) -> str:
        """A value, in C."""
        name = self._value(name)
        if name in self.network.inputs:
            return "input"
        return f"(memory->{self.kinds[name]} + {self.places[name]})"


def _window(operation: Any, shape: Shape) -> tuple[list[str], list[int]]:
    """Taps, strides, dilation and padding before, and the places of the output."""
    windows = getattr(operation, "windows", None) or Windows((shape[0], shape[1]), (1, 1), "valid")
    (rows, top, _), (columns, left, _) = windows.axes(shape)
    return [*map(str, (*windows.size, *windows.strides, *windows.dilation, top, left))], [rows, columns]


def _period(out: Shape, *shapes: Shape) -> int:
    """After how many places values that broadcast to a shape repeat: one, as many as channels, or never."""
    sizes = [math.prod(shape) for shape in shapes]
    return max(1 if size == 1 else size if size == shape[-1] == out[-1] else math.prod(out)
               for size, shape in zip(sizes, shapes, strict=True))


def _list(values: Sequence[Any]) -> str:
    return f"(const size_t[]){{{', '.join(_size(value) for value in values)}}}"


def _size(value: Any) -> str:
    return f"(size_t){value}" if str(value).startswith("-") else str(value)


def number(value: Any, kind: str) -> str:
    """A number to the last bit."""
    if kind not in ("float", "double"):
        return str(int(value))
    text = f"{float(value):.9g}" if kind == "float" else f"{float(value):.17g}"
    text = text if any(mark in text for mark in ".e") else f"{text}.0"
    return f"{text}f" if kind == "float" else text

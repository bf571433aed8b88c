"""Networks to and from NIR, the Neuromorphic Intermediate Representation, in which simulators and chips exchange them.

Source: Pedersen et al., "Neuromorphic intermediate representation: a unified instruction set for interoperable
brain-inspired computing", Nature Communications 15, 2024. Needs the package ``nir``: ``pip install
'whetstone-lab[nir]'``. What each importer accepts is listed in the design.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from whetstone_lab.records.archive import MAX_BYTES, MAX_RATIO, ArchiveError
from whetstone_lab.simulator.network import INPUT, Network, Node, check_size
from whetstone_lab.simulator.operations import (
    Add,
    AveragePool2D,
    Conv2D,
    Dense,
    GlobalAveragePool2D,
    GlobalMaxPool2D,
    MaxPool2D,
    Neurons,
    Operation,
    Pad2D,
    Permute,
    Reshape,
    Scale,
    Shape,
)

#: The time step, in seconds, that NIR's importers assume. A time constant of one step forgets everything in one step.
STEP = 1e-4


def to_nir(network: Network, path: str | os.PathLike[str] | None = None) -> Any:
    """Writes a network as a NIR graph, whose spikes are the same neuron for neuron.

    - Neurons become ``CubaLIF`` nodes whose time constants are one time step, so that nothing is left of a step in the
      next. NIR fires above a threshold, ours at it: the threshold given is the next float below.
    - Dense layers become ``Affine``, convolutions ``Conv2d``. Images are channels first in NIR. Where padding is not
      the same at both ends or a window is no square, rows and columns of zeros in the kernel make it so.
    - A max-pool of spikes is whether any of them came: a ``Conv2d`` of ones, then neurons, which take a time step of
      their own. An average over 2, 4, 8, ... values is a ``Conv2d`` too.
    - ``Add`` is several edges into one node; ``Reshape`` and ``Permute`` are ``Flatten`` and an order of weights.

    Args:
        network: The network. The class key and the read-out go into the graph's metadata.
        path: A file to write too, in one piece. Default: none.

    Returns:
        A ``nir.NIRGraph``. Nodes bear the names of the network's, other signs than letters and digits as ``_``.

    Raises:
        ImportError: The package ``nir`` is not installed.
        ValueError: NIR has nothing for one of the nodes; the message names it.
    """
    writer = _Writer(network)
    for node in network.nodes:
        try:
            writer.add(node)
        except ValueError as error:
            raise ValueError(f"Node {node.name!r}, {type(node.operation).__name__}: {error}") from error
    graph = writer.finish()
    if path is not None:
        part = Path(path).with_name(Path(path).name + ".part")
        try:
            _nir().write(part, graph)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
    return graph


def from_nir(source: Any, *, step: float = STEP) -> Network:
    """Makes a network from a NIR graph or file.

    Known are ``Affine``, ``Linear``, ``Conv2d``, ``AvgPool2d`` and ``SumPool2d`` without padding, ``Flatten`` of all
    axes, ``Scale``, ``Threshold``, ``IF``, ``LIF``, and ``CubaLIF`` whose synapse forgets within a time step; leak and
    reset are at 0. Their equations are taken in steps of Euler's: ``v += step / tau * (r I - v)``. Images are channels
    last in the network: ``(channels, rows, columns)`` in NIR is ``(rows, columns, channels)`` here.

    Args:
        source: A ``nir.NIRGraph``, or the path of a file. Nothing in a file is ever run.
        step: The time step in seconds, no longer than any time constant. Default: 1e-4, as NIR's importers have it.

    Returns:
        The network, which fires where NIR does, above the threshold.

    Raises:
        ImportError: The package ``nir`` is not installed.
        FileNotFoundError: There is no such file.
        ArchiveError: The file is damaged, is no NIR file, or claims more than it holds.
        ValueError: The graph holds what the simulator cannot run; the message names the node.
    """
    if isinstance(source, (str, os.PathLike)):
        source = _read(Path(source))
    return _Reader(source, step).network()


def _nir() -> ModuleType:
    try:
        import nir
    except ImportError as error:
        raise ImportError("NIR files need the package nir: pip install 'whetstone-lab[nir]'") from error
    return nir


# -- to NIR -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Value:
    """What a node of ours puts out, as NIR has it.

    Attributes:
        sources: The NIR nodes whose outputs add up to it.
        shape: Its shape in NIR, channels first.
        places: For each of our values where NIR has it, an index into the flattened shape; of our shape.
        spiking: Whether all values are zeros and ones.
        margins: Rows and columns of zeros that are still to be put around it, as NIR has them in convolutions only.
    """

    sources: tuple[str, ...]
    shape: Shape
    places: np.ndarray
    spiking: bool = False
    margins: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))

    @property
    def plain(self) -> bool:
        """Whether our order is what NIR's convention makes of it: the same, or channels last."""
        return np.array_equal(self.places, _places(self.shape))


class _Writer:
    """Builds a NIR graph node by node."""

    def __init__(self, network: Network) -> None:
        self.nir, self.network = _nir(), network
        shape = network.input_shape
        shape = (shape[-1], *shape[:-1])
        self.nodes: dict[str, Any] = {"input": self.nir.Input({"input": np.array(shape)})}
        self.edges: list[tuple[str, str]] = []
        self.values = {INPUT: _Value(("input",), shape, _places(shape))}

    def add(self, node: Node) -> None:
        """Adds a node of the network, whose inputs have been added."""
        inputs = [self.values[name] for name in node.inputs]
        operation, value = node.operation, inputs[0]
        if any(np.any(value.margins) for value in inputs) and not isinstance(operation, (Conv2D, Pad2D)):
            raise ValueError(f"NIR pads only in convolutions; {node.inputs[0]!r} before it puts zeros around an image.")
        match operation:
            case Reshape() | Permute():
                made = _Value(value.sources, value.shape, operation.apply(value.places[None])[0], value.spiking)
            case Add():
                sources = tuple(source for value in inputs for source in value.sources)
                if len(set(sources)) < len(sources):
                    raise ValueError("expected different values to add, as NIR adds by its edges; got one twice.")
                if any(other.shape != value.shape or not np.array_equal(other.places, value.places)
                       for other in inputs):
                    raise ValueError("expected values of one order to add; some have been reshaped.")
                made = _Value(sources, value.shape, value.places)
            case Neurons() if operation.remembers:
                raise ValueError("expected neurons that forget each step: a leak of 1, no refractory time, no delay.")
            case Neurons():
                made = self._neurons(node.name, operation.threshold, value)
            case Dense() if value.places.ndim == 1:
                made = self._affine(node.name, operation, value)
            case Dense() if value.places.ndim == 3:
                made = self._conv2d(node.name, Conv2D(operation.weights[None, None], operation.bias), value)
            case Conv2D():
                made = self._conv2d(node.name, operation, value)
            case Pad2D() if min(*operation.rows, *operation.columns) >= 0:
                (top, bottom), (left, right) = value.margins
                made = replace(value, margins=((top + operation.rows[0], bottom + operation.rows[1]),
                                               (left + operation.columns[0], right + operation.columns[1])))
            case MaxPool2D() | GlobalMaxPool2D():
                if not value.spiking:
                    raise ValueError("NIR has no maximum of anything but spikes. Put the pool behind the neurons, "
                                     "which gives the same spikes.")
                summed = self._conv2d(f"{node.name}_sum", _summing(operation, self._shape(node.inputs[0])), value)
                made = self._pooled(operation, self._neurons(node.name, np.array(0.5, np.float32), summed))
            case AveragePool2D() | GlobalAveragePool2D():
                made = self._pooled(operation, self._conv2d(
                    node.name, _averaging(operation, self._shape(node.inputs[0])), value))
            case _:
                raise ValueError("NIR has nothing for it that its importers would run.")
        self.values[node.name] = made

    def finish(self) -> Any:
        """The graph of all that was added."""
        value = self.values[self.network.output]
        if np.any(value.margins):
            raise ValueError(f"Node {self.network.output!r}, Pad2D: NIR pads only in convolutions; none follows.")
        if not value.plain:
            value = self._flatten(value)
            if not value.plain:
                raise ValueError(f"Node {self.network.output!r}: its output is in another order in NIR. Read it "
                                 "through a dense layer.")
        self._put("output", self.nir.Output({"output": np.array(value.shape)}), value.sources)
        metadata: dict[str, Any] = {"readout": self.network.readout}
        if self.network.key is not None:
            metadata["key"] = self.network.key
        return self.nir.NIRGraph(self.nodes, self.edges, metadata=metadata)

    def _shape(self, name: str) -> Shape:
        return self.network.shapes[name]

    def _put(self, name: str, node: Any, sources: tuple[str, ...]) -> tuple[str, ...]:
        name = base = re.sub(r"\W", "_", name, flags=re.ASCII)
        number = 1
        while name in self.nodes:
            number += 1
            name = f"{base}_{number}"
        self.nodes[name] = node
        self.edges += [(source, name) for source in sources]
        return (name,)

    def _neurons(self, name: str, threshold: np.ndarray, value: _Value) -> _Value:
        thresholds = np.zeros(math.prod(value.shape), np.asarray(threshold).dtype)
        thresholds[value.places] = np.broadcast_to(threshold, value.places.shape)
        ones = np.ones(value.shape)
        node = self.nir.CubaLIF(
            tau_syn=STEP * ones, tau_mem=STEP * ones, r=ones, v_leak=0 * ones, v_reset=0 * ones, w_in=ones,
            v_threshold=np.nextafter(thresholds, thresholds.dtype.type(-np.inf)).reshape(value.shape))
        return _Value(self._put(name, node, value.sources), value.shape, value.places, True)

    def _affine(self, name: str, dense: Dense, value: _Value) -> _Value:
        if len(value.shape) > 1:
            value = self._flatten(value)
        weights = np.zeros_like(dense.weights.T)
        weights[:, value.places] = dense.weights.T
        bias = np.zeros(len(weights), weights.dtype) if dense.bias is None else dense.bias
        sources = self._put(name, self.nir.Affine(weights, bias), value.sources)
        return _Value(sources, (len(weights),), np.arange(len(weights)))

    def _flatten(self, value: _Value) -> _Value:
        if len(value.shape) == 1:
            return value
        # Counted from the end, so that importers agree whether they count the samples' axis or not.
        node = self.nir.Flatten({"input": np.array(value.shape)}, start_dim=-len(value.shape), end_dim=-1)
        sources = self._put(f"{value.sources[0]}_flat", node, value.sources)
        return _Value(sources, (math.prod(value.shape),), value.places, value.spiking)

    def _conv2d(self, name: str, conv: Conv2D, value: _Value) -> _Value:
        if value.places.ndim != 3 or len(value.shape) != 3 or not value.plain:
            raise ValueError("NIR has images of three axes only, and no reshape but to flatten.")
        image = tuple(length + sum(ends) for length, ends in zip(value.shape[1:], value.margins, strict=True))
        weights, padding = _symmetric(conv, image, value.margins)
        bias = np.zeros(weights.shape[3], weights.dtype) if conv.bias is None else conv.bias
        node = self.nir.Conv2d(input_shape=value.shape[1:], weight=weights.transpose(3, 2, 0, 1).copy(),
                               stride=conv.strides, padding=padding, dilation=conv.dilation, groups=1, bias=bias)
        rows, columns, filters = conv.output_shape((*image, value.shape[0]))
        shape = (filters, rows, columns)
        return _Value(self._put(name, node, value.sources), shape, _places(shape))

    def _pooled(self, operation: Operation, value: _Value) -> _Value:
        if isinstance(operation, (GlobalMaxPool2D, GlobalAveragePool2D)) and not operation.keepdims:
            return _Value(value.sources, value.shape, value.places.reshape(-1), value.spiking)
        return value


def _places(shape: Shape) -> np.ndarray:
    """Where NIR has each value of ours, whose channels are last."""
    return np.moveaxis(np.arange(math.prod(shape)).reshape(shape), 0, -1)


def _symmetric(conv: Conv2D, image: Shape,
               margins: tuple[tuple[int, int], tuple[int, int]]) -> tuple[np.ndarray, tuple[int, int]]:
    """The kernel with zeros that make it a square of one group with the same padding at both ends; and that padding.

    The packages that read NIR take padding for both ends at once, ``nir`` itself takes every kernel for a square and
    the channels of a group for all, and not everyone knows groups.

    Args:
        conv: The convolution.
        image: Rows and columns of what it is applied to, the margins included.
        margins: How many of these are zeros that the convolution has to bring along.
    """
    axes = conv.windows.axes((*image, 1))
    taps, gaps = conv.weights.shape[:2], conv.dilation
    starts = [before + zeros for (_, before, _), (zeros, _) in zip(axes, margins, strict=True)]
    for size in range(max(taps), 2 * (max(taps) + max(starts)) + max(conv.strides) + 1):
        found = []
        for axis, (count, _, _) in enumerate(axes):
            length, span = image[axis] - sum(margins[axis]), (size - 1) * gaps[axis] + 1
            found.append([zeros for zeros in range(size - taps[axis] + 1) if (
                length + 2 * (starts[axis] + zeros * gaps[axis]) - span) // conv.strides[axis] + 1 == count])
        if all(found):
            top, left = (zeros[0] for zeros in found)
            _, _, channels, filters = conv.weights.shape
            kernel = np.zeros((size, size, channels * conv.groups, filters), conv.weights.dtype)
            for theirs, mine in zip(np.split(np.arange(channels * conv.groups), conv.groups),
                                    np.split(np.arange(filters), conv.groups), strict=True):
                kernel[top : top + taps[0], left : left + taps[1], theirs[:, None], mine] = conv.weights[..., mine]
            return kernel, (starts[0] + top * gaps[0], starts[1] + left * gaps[1])
    raise ValueError(f"no kernel of as many rows as columns, padded alike at both ends, does what this one of {taps} "
                     f"does on an image of {image}; nir knows no others.")


def _summing(pool: Any, shape: Shape) -> Conv2D:
    """A convolution that sums each window of each channel; of all channels at once, as groups are not known to all."""
    size, strides, padding = ((shape[:2], 1, "valid") if isinstance(pool, (GlobalMaxPool2D, GlobalAveragePool2D)) else
                              (pool.size, pool.strides, pool.padding))
    each = np.eye(shape[2], dtype=np.float32)
    return Conv2D(np.broadcast_to(each, (*size, *each.shape)).copy(), strides=strides, padding=padding)


def _averaging(pool: Any, shape: Shape) -> Conv2D:
    conv = _summing(pool, shape)
    taps = math.prod(conv.weights.shape[:2])
    if any(before or after for _, before, after in conv.windows.axes(shape)):
        raise ValueError("NIR's averages count padding, ours do not. Choose a size and strides that need none.")
    if taps & (taps - 1):
        raise ValueError(f"an average over {taps} values is exact as weights only for 2, 4, 8, ... values.")
    return Conv2D(conv.weights / np.float32(taps), strides=conv.strides)


# -- from NIR ---------------------------------------------------------------------------------------------------------


class _Reader:
    """Turns the nodes of a NIR graph into operations, in an order in which they can run."""

    def __init__(self, graph: Any, step: float) -> None:
        nir = _nir()
        if not isinstance(graph, nir.NIRGraph):
            raise ValueError(f"Expected a NIR graph; got {type(graph).__name__}.")
        if not 0 < step < math.inf:
            raise ValueError(f"Expected step to be a positive time in seconds; got {step!r}.")
        self.graph, self.step = graph, step
        self.nodes: list[Node] = []
        self.shapes: dict[str, Shape] = {}
        self.names: dict[str, str] = {}  # NIR node -> the node of ours that gives its output

    def network(self) -> Network:
        graph, metadata = self.graph, self.graph.metadata
        before: dict[str, list[str]] = {name: [] for name in graph.nodes}
        for source, target in graph.edges:
            if source not in before or target not in before or source in before[target]:
                raise ValueError(f"Expected edges between the nodes {sorted(before)}, each once; got {source!r} to "
                                 f"{target!r}.")
            before[target].append(source)
        ends = [[name for name, node in graph.nodes.items() if type(node).__name__ == kind]
                for kind in ("Input", "Output")]
        if any(len(names) != 1 for names in ends):
            raise ValueError(f"Expected a NIR graph with one input and one output; got inputs {ends[0]} and outputs "
                             f"{ends[1]}.")
        ((source,), (output,)) = ends
        needed, left = {output}, [output]
        while left:
            new = set(before[left.pop()]) - needed
            needed |= new
            left += new
        try:
            order = list(TopologicalSorter({name: before[name] for name in needed}).static_order())
        except CycleError as error:
            raise ValueError(f"Expected a NIR graph without loops; got one through {error.args[1]}, and a wave of "
                             "spikes ends only where it climbs.") from error
        for name in order:
            try:
                if name == source:
                    self.names[name] = INPUT
                    self.shapes[INPUT] = _channels_last(_shape(graph.nodes[source].input_type["input"]))
                    check_size("the input", self.shapes[INPUT])
                else:
                    self._add(name, graph.nodes[name], before[name])
            except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
                raise ValueError(f"NIR node {name!r}, {type(graph.nodes[name]).__name__}: {error}") from error
        if not self.nodes:
            raise ValueError("Expected a NIR graph with nodes between its input and its output.")
        key = metadata.get("key")
        readout = metadata.get("readout")
        return Network(self.shapes[INPUT], self.nodes, key=None if key is None else np.asarray(key),
                       readout=readout.decode() if isinstance(readout, bytes) else readout)

    def _add(self, name: str, node: Any, before: list[str]) -> None:
        if not before:
            raise ValueError("nothing leads to it.")
        inputs = [self.names[other] for other in before]
        if len(inputs) > 1:
            inputs = [self._put(f"{name}_sum", Add(), inputs)]
        operations = list(self._operations(node, self.shapes[inputs[0]]))
        for number, operation in enumerate(operations):
            last = number == len(operations) - 1
            inputs = [self._put(name if last else f"{name}_{type(operation).__name__.lower()}", operation, inputs)]
        self.names[name] = inputs[0]

    def _put(self, name: str, operation: Operation, inputs: list[str]) -> str:
        self.shapes[name] = operation.output_shape(*(self.shapes[other] for other in inputs))
        check_size("its output", self.shapes[name])  # before anything is made for what follows it
        self.nodes.append(Node(name, operation, tuple(inputs)))
        return name

    def _operations(self, node: Any, shape: Shape) -> Iterator[Operation]:
        """The operations that do what a NIR node does, on an input of a shape, channels last."""
        match type(node).__name__:
            case "Output":
                return
            case "Affine":
                yield Dense(np.asarray(node.weight).T, node.bias)
            case "Linear":
                yield Dense(np.asarray(node.weight).T)
            case "Conv2d":
                yield from self._conv2d(node)
            case "AvgPool2d" | "SumPool2d" if np.any(node.padding):
                raise ValueError(f"expected no padding; got {np.asarray(node.padding).tolist()}.")
            case "AvgPool2d":
                yield AveragePool2D(_pair(node.kernel_size), strides=_pair(node.stride))
            case "SumPool2d":
                pool = AveragePool2D(_pair(node.kernel_size), strides=_pair(node.stride))
                pool.output_shape(shape)  # it fits the image, so the ones need no more memory than that
                yield Conv2D(np.ones((*pool.size, 1, shape[-1]), np.float32), groups=shape[-1], strides=pool.strides)
            case "Flatten":
                if len(shape) > 1:
                    # Some count the axis of samples: then 1 is the first after it.
                    if int(node.start_dim) not in (-len(shape), 0, 1) or int(node.end_dim) not in (
                            -1, len(shape) - 1, len(shape)):
                        raise ValueError(f"expected all axes to be flattened; got those from {int(node.start_dim)} to "
                                         f"{int(node.end_dim)} of {len(shape)}.")
                    yield Permute((len(shape) - 1, *range(len(shape) - 1)))
                    yield Reshape()
            case "Scale":
                yield Scale(_arranged(node.scale))
            case "Threshold":
                yield _above(node.threshold)
            case "IF":
                yield from self._neurons(node, 0.0, np.asarray(node.r) * self.step)
            case "LIF":
                leak = self._leak(node, "tau")
                yield from self._neurons(node, leak, np.asarray(node.r) * leak)
            case "CubaLIF":
                if self._leak(node, "tau_syn") != 1:
                    raise ValueError(f"expected tau_syn to be one time step, {self.step:g} s: synapses here remember "
                                     "nothing. Pass another step if theirs is another.")
                leak = self._leak(node, "tau_mem")
                yield from self._neurons(node, leak, np.asarray(node.w_in) * node.r * leak)
            case kind:
                raise ValueError(f"the simulator knows no NIR node of type {kind}.")

    def _conv2d(self, node: Any) -> Iterator[Operation]:
        rows = columns = 0
        padding = node.padding.decode() if isinstance(node.padding, bytes) else node.padding
        if not isinstance(padding, str):
            rows, columns = _pair(padding)
        elif padding == "same" and _pair(node.stride) != (1, 1):
            raise ValueError("expected padding 'same' with stride 1 only, as other strides are padded in several ways.")
        if rows or columns:
            yield Pad2D((rows, rows), (columns, columns))
        yield Conv2D(np.asarray(node.weight).transpose(2, 3, 1, 0), node.bias, _pair(node.dilation), int(node.groups),
                     strides=_pair(node.stride), padding=padding if isinstance(padding, str) else "valid")

    def _leak(self, node: Any, name: str) -> float:
        """The share of a potential, or of a current, that is gone after a step."""
        times = np.asarray(getattr(node, name), np.float64)
        if not (times == times.flat[0]).all() or not times.flat[0] >= self.step * (1 - 1e-6):
            raise ValueError(f"expected one {name} for all, at least a time step of {self.step:g} s; got "
                             f"{times.min():g} to {times.max():g}. Pass another step if theirs is another.")
        leak = self.step / times.flat[0]
        return 1.0 if math.isclose(leak, 1.0, rel_tol=1e-6) else float(leak)

    def _neurons(self, node: Any, leak: float, gain: np.ndarray) -> Iterator[Operation]:
        for name in ("v_leak", "v_reset"):
            found = np.asarray(getattr(node, name, 0.0))
            if found.any():
                raise ValueError(f"expected {name} to be 0; got {found.min():g} to {found.max():g}.")
        if not np.allclose(gain, 1.0, rtol=1e-6, atol=0):
            yield Scale(_arranged(gain).astype(np.float32))
        yield replace(_above(node.v_threshold), leak=leak)


def _above(threshold: Any) -> Neurons:
    """Neurons that fire above a threshold of NIR's shape; ours fire at theirs."""
    limit = _arranged(threshold)
    single = limit.astype(np.float32)
    if (single == limit).all():  # float64 is for those who mean it
        limit = single
    return Neurons(np.nextafter(limit, limit.dtype.type(np.inf)))


def _arranged(values: Any) -> np.ndarray:
    """Values for each neuron, channels last, and a single one where all are the same."""
    array = np.asarray(values)
    if array.size and (array == array.flat[0]).all():
        return array.reshape(-1)[0].reshape(())
    return np.moveaxis(array, 0, -1) if array.ndim > 1 else array


def _channels_last(shape: Shape) -> Shape:
    return (*shape[1:], *shape[:1])


def _shape(value: Any) -> Shape:
    if value is None:
        raise ValueError("expected a known shape; got none.")
    shape = tuple(int(length) for length in np.atleast_1d(value))
    if min(shape, default=0) < 1:
        raise ValueError(f"expected a shape of positive lengths; got {shape}.")
    return shape


def _pair(value: Any) -> tuple[int, int]:
    rows, columns = np.broadcast_to(np.asarray(value), 2).tolist()
    return int(rows), int(columns)


def _read(path: Path) -> Any:
    """Reads a file once it is sure to hold what it claims, and to point at no other."""
    nir = _nir()
    import h5py

    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    limit = min(MAX_BYTES, MAX_RATIO * path.stat().st_size)
    claimed, seen = 0, set()

    def check(group: Any) -> None:
        nonlocal claimed
        for name in group:
            item = group[name] if isinstance(group.get(name, getlink=True), h5py.HardLink) else None
            if item is None or item.id in seen:
                raise ArchiveError(f"{path}: {name!r} points to another place or file, which is not followed.")
            seen.add(item.id)
            if isinstance(item, h5py.Group):
                check(item)
                continue
            if item.is_virtual or item.external:
                raise ArchiveError(f"{path}: {name!r} keeps its values in another file, which is not read.")
            claimed += (item.size or 0) * item.dtype.itemsize
            if claimed > limit:
                raise ArchiveError(f"{path}: {name!r} claims shape {item.shape}, more than the file can hold.")

    try:
        with h5py.File(path, "r") as file:
            check(file)
        return nir.read(path, type_check=False)
    except ArchiveError:
        raise
    except Exception as error:  # h5py and nir raise what they like on damaged files
        raise ArchiveError(f"{path} is not a readable NIR file: it is truncated, damaged, or something else "
                           f"({type(error).__name__}: {error}).") from error

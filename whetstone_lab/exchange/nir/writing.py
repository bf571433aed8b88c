"""From a network to a NIR graph."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from whetstone_lab.exchange.layout import Layout, kernel_channels_first, symmetric, window_mean, window_sum
from whetstone_lab.exchange.nir.names import written_name
from whetstone_lab.exchange.nir.package import load_nir, write_graph
from whetstone_lab.exchange.nir.readers import READERS, Reader
from whetstone_lab.simulator.network import Network, Node
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
)
from whetstone_lab.simulator.readouts import Readout


def to_nir(network: Network, path: str | os.PathLike[str] | None = None, *, reader: str | None = None) -> Any:
    """Writes a network as a NIR graph.

    The spikes were the same, neuron for neuron, in snnTorch 1.0.0, in Norse 1.1.0 with ``dt=1e-4``, and in SpikingJelly
    2.0.0, for perceptrons, convnets and residual networks. Known limits: Norse 1.1.0 misreads a skip that goes through
    weights of its own and knows no ``Conv1d``, snnTorch 1.0.0 misreads a threshold of 0, and snnTorch and SpikingJelly
    refuse a threshold for each neuron. Other readers may take the same graph otherwise; ``reader`` writes for one of
    these:

    - ``"1.0.4"``: any that reads the files of NIR 1.0.4 only, and refuses ours with a TypeError. Neurons become ``LIF``
      nodes, and what later releases added is left out.
    - ``"sinabs"``, also ``net.sinabs.nir``: as in 1.0.4, with thresholds by channel. The spikes were the same in sinabs
      3.1.3 for perceptrons, convnets and residual networks, once each ``LIFSqueeze`` layer had ``spike_fn =
      SingleSpike``: by itself it fires several times in a step. A skip through weights of its own is refused.
    - ``"spyx"``, also ``net.spyx.nir``: perceptrons. The spikes were the same in spyx 1.0.0 with ``dt=1e-4`` and the
      input held for as many steps as there are layers, and one more.
    - ``"rockpool"``: refused, as no file gives these spikes in Rockpool 3.1.0; ``net.rockpool.py``, a script, does.

    - Neurons become ``CubaLIF`` nodes whose time constants are one time step, so that nothing is left of a step in the
      next. NIR fires above a threshold, ours at it: the threshold given is the next float below.
    - Dense layers become ``Affine``, convolutions ``Conv2d``. Images are channels first in NIR. Where padding is not
      the same at both ends or a window is no square, rows and columns of zeros in the kernel make it so. Convolutions
      along a length become ``Conv1d``; for a reader without it, make an image of one row and write ``Conv2D``.
    - A max-pool of spikes is whether any of them came: a ``Conv2d`` of ones, then neurons, which take a time step of
      their own. An average over 2, 4, 8, ... values is a ``Conv2d`` too.
    - ``Add`` is several edges into one node; ``Reshape`` and ``Permute`` are ``Flatten`` and an order of weights.
    - Several inputs and outputs are as many ``Input`` and ``Output`` nodes, each output with its read-out in its own
      metadata. Of the packages above none runs a graph with several inputs.
    - A logit stays an analog value, with its threshold in the metadata. For a graph that decides by a spike, make a
      neuron of it first: ``network.fire_answer()``.

    Args:
        network: The network. The class key and the read-out go into the graph's metadata.
        path: A file to write too, in one piece. Default: none.
        reader: Who is to read it: ``"1.0.4"``, ``"sinabs"``, ``"spyx"`` or ``"rockpool"``. Default: those named first.

    Returns:
        A ``nir.NIRGraph``. Its nodes bear the names of the network's. Other signs than letters and digits become
        ``_``, and a number is added to names that PyTorch modules have taken, such as ``train``, as the packages above
        read a graph into such a module.

    Raises:
        ImportError: The package ``nir`` is not installed.
        ValueError: NIR has nothing for one of the nodes; the message names it. Or the reader is none of these, or
            would get the network wrong.
    """
    if reader is not None and reader not in READERS:
        raise ValueError(f"Expected reader to be one of {', '.join(map(repr, READERS))}, or none; got {reader!r}.")
    kind = READERS[reader] if reader is not None else Reader()
    writer = _GraphWriter(network, kind)
    for node in network.nodes:
        try:
            writer.add(node)
        except ValueError as error:
            raise ValueError(f"Node {node.name!r}, {type(node.operation).__name__}: {error}") from error
    graph = writer.finish()
    kind.finish(graph)
    if path is not None:
        write_graph(Path(path), graph, kind.old)
    return graph


@dataclass(frozen=True)
class _Signal:
    """What a node of ours puts out, as NIR has it.

    Attributes:
        sources: The NIR nodes whose outputs add up to it.
        layout: Where its values lie.
        spiking: Whether all values are zeros and ones.
    """

    sources: tuple[str, ...]
    layout: Layout
    spiking: bool = False


class _GraphWriter:
    """Builds a NIR graph node by node."""

    def __init__(self, network: Network, reader: Reader) -> None:
        self.nir, self.network, self.reader = load_nir(), network, reader
        self.nodes: dict[str, Any] = {}
        self.edges: list[tuple[str, str]] = []
        self.signals: dict[str, _Signal] = {}
        for name, shape in network.inputs.items():
            layout = Layout.of(shape)
            written = written_name(name, self.nodes)
            self.nodes[written] = self.nir.Input({"input": np.array(layout.shape)})
            self.signals[name] = _Signal((written,), layout)

    def add(self, node: Node) -> None:
        """Adds a node of the network, whose inputs have been added."""
        inputs = [self.signals[name] for name in node.inputs]
        operation, signal = node.operation, inputs[0]
        if any(other.layout.is_padded for other in inputs) and not isinstance(operation, (Conv2D, Pad2D)):
            raise ValueError(f"NIR pads only in convolutions; {node.inputs[0]!r} before it puts zeros around an image.")
        match operation:
            case Reshape() | Permute():
                made = replace(signal, layout=signal.layout.rearranged(operation))
            case Add():
                made = self._add(inputs)
            case Neurons() if operation.remembers:
                raise ValueError("expected neurons that forget each step: a leak of 1, no refractory time, no delay.")
            case Neurons():
                made = self._neurons(node.name, operation.threshold, signal)
            case Dense() if signal.layout.places.ndim == 1:
                made = self._affine(node.name, operation, signal)
            case Dense() if signal.layout.places.ndim == 3:
                made = self._conv2d(node.name, Conv2D(operation.weights[None, None], operation.bias), signal)
            case Conv2D():
                made = self._conv2d(node.name, operation, signal)
            case Pad2D() if min(*operation.rows, *operation.columns) >= 0:
                made = replace(signal, layout=signal.layout.padded(operation.rows, operation.columns))
            case MaxPool2D() | GlobalMaxPool2D():
                if not signal.spiking:
                    raise ValueError("NIR has no maximum of anything but spikes. Put the pool behind the neurons, "
                                     "which gives the same spikes.")
                shape = self.network.shapes[node.inputs[0]]
                summed = self._conv2d(f"{node.name}_sum", window_sum(operation, shape), signal)
                made = _pooled(operation, self._neurons(node.name, np.array(0.5, np.float32), summed))
            case AveragePool2D() | GlobalAveragePool2D():
                shape = self.network.shapes[node.inputs[0]]
                made = _pooled(operation, self._conv2d(node.name, window_mean(operation, shape), signal))
            case _:
                raise ValueError("NIR has nothing for it that its importers would run.")
        self.signals[node.name] = made

    def finish(self) -> Any:
        """The graph of all that was added."""
        read = self.network.read
        several = len(read) > 1
        for name, output in read.items():
            signal = self._conventional(output)
            node = self.nir.Output({"output": np.array(signal.layout.shape)})
            if several:
                node.metadata = {"name": name, **_said_of(self.network.heads[name])}
            self._put(f"output_{name}" if several else "output", node, signal)
        metadata = {} if several else _said_of(self.network.head)
        return self.nir.NIRGraph(self.nodes, self.edges, metadata=metadata)

    def _conventional(self, output: str) -> _Signal:
        """What a node that is read puts out, in an order that NIR can say."""
        signal = self.signals[output]
        if signal.layout.is_padded:
            raise ValueError(f"Node {output!r}, Pad2D: NIR pads only in convolutions; none follows.")
        if signal.layout.is_conventional:
            return signal
        signal = self._flatten(signal)
        if not signal.layout.is_conventional:
            raise ValueError(f"Node {output!r}: its output is in another order in NIR. Read it through a dense layer.")
        return signal

    def _put(self, name: str, node: Any, signal: _Signal) -> tuple[str, ...]:
        """Puts a node behind a signal, and returns it as the source of the next."""
        name = written_name(name, self.nodes)
        self.nodes[name] = node
        self.edges += [(source, name) for source in signal.sources]
        return (name,)

    def _add(self, inputs: list[_Signal]) -> _Signal:
        sources = tuple(source for signal in inputs for source in signal.sources)
        if len(set(sources)) < len(sources):
            raise ValueError("expected different values to add, as NIR adds by its edges; got one twice.")
        layout = inputs[0].layout
        if not all(layout.same_order(signal.layout) for signal in inputs):
            raise ValueError("expected values of one order to add; some have been reshaped.")
        return _Signal(sources, layout)

    def _neurons(self, name: str, threshold: np.ndarray, signal: _Signal) -> _Signal:
        node = self.reader.neurons(self.nir, threshold, signal.layout)
        return _Signal(self._put(name, node, signal), signal.layout, spiking=True)

    def _affine(self, name: str, dense: Dense, signal: _Signal) -> _Signal:
        signal = self._flatten(signal)
        weights = signal.layout.dense_weights(dense.weights)
        bias = np.zeros(len(weights), weights.dtype) if dense.bias is None else dense.bias
        return _Signal(self._put(name, self.nir.Affine(weights, bias), signal), Layout.of((len(weights),)))

    def _flatten(self, signal: _Signal) -> _Signal:
        shape = signal.layout.shape
        if len(shape) == 1:
            return signal
        # Counted from the end, so that importers agree whether they count the samples' axis or not.
        node = self.nir.Flatten({"input": np.array(shape)}, start_dim=-len(shape), end_dim=-1)
        sources = self._put(f"{signal.sources[0]}_flat", node, signal)
        return _Signal(sources, signal.layout.flat(), signal.spiking)

    def _conv1d(self, name: str, conv: Conv2D, signal: _Signal) -> _Signal:
        """A convolution of an image of one row, or of one column, that NIR has as channels and a length."""
        channels, length = signal.layout.shape
        along = int(signal.layout.places.shape[0] == 1)  # the axis of the image that the length lies along
        layout = replace(signal.layout, shape=(channels, 1, length) if along else (channels, length, 1))
        if not layout.is_conventional or conv.weights.shape[1 - along] != 1 or any(layout.margins[1 - along]):
            raise ValueError("NIR has convolutions along a length, and no reshape of it but to flatten.")
        weights, padding = symmetric(conv, layout)
        # All taps lie in one row or column of the square kernel; the others are zeros.
        weights = weights.sum(axis=1 - along).transpose(2, 1, 0).copy()
        bias = np.zeros(len(weights), weights.dtype) if conv.bias is None else conv.bias
        node = self.nir.Conv1d(input_shape=length, weight=weights, stride=conv.strides[along],
                               padding=padding[along], dilation=conv.dilation[along], groups=1, bias=bias)
        shape = conv.output_shape((*layout.image, channels))
        made = Layout.of((shape[along], shape[2])).rearranged(Reshape(shape))
        return _Signal(self._put(name, node, signal), made)

    def _conv2d(self, name: str, conv: Conv2D, signal: _Signal) -> _Signal:
        layout = signal.layout
        if layout.places.ndim == 3 and len(layout.shape) == 2:
            return self._conv1d(name, conv, signal)
        if layout.places.ndim != 3 or len(layout.shape) != 3 or not layout.is_conventional:
            raise ValueError("NIR has images of three axes only, and no reshape but to flatten.")
        weights, padding = symmetric(conv, layout)
        bias = np.zeros(weights.shape[3], weights.dtype) if conv.bias is None else conv.bias
        node = self.nir.Conv2d(input_shape=layout.shape[1:], weight=kernel_channels_first(weights), stride=conv.strides,
                               padding=padding, dilation=conv.dilation, groups=1, bias=bias)
        made = Layout.of(conv.output_shape((*layout.image, layout.shape[0])))
        return _Signal(self._put(name, node, signal), made)


def _said_of(head: Readout) -> dict[str, Any]:
    """How an output is read, as metadata have it."""
    said: dict[str, Any] = {"readout": head.kind}
    if head.key is not None:
        said["key"] = head.key
    if head.threshold:
        said["threshold"] = head.threshold
    return said


def _pooled(pool: Operation, signal: _Signal) -> _Signal:
    """What a convolution made of a pool; a pool over everything may drop the two axes that it leaves at 1."""
    if isinstance(pool, (GlobalMaxPool2D, GlobalAveragePool2D)) and not pool.keepdims:
        return replace(signal, layout=replace(signal.layout, places=signal.layout.places.reshape(-1)))
    return signal

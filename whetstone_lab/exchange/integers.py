"""Networks in whole numbers: weights of few bits, and thresholds that give the same spikes without any rounding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from whetstone_lab.simulator import operations as ops
from whetstone_lab.simulator.network import Network, Node, Output, free_name
from whetstone_lab.simulator.operations.base import Weighted
from whetstone_lab.simulator.operations.windows import Windows

#: Whole numbers up to here are exact in float32, and up to the second in int32, which programs add in.
_SINGLE, _MOST = 2**24, 2**31 - 1

#: Relative rounding of a few operations on float64, far below that of a weight.
_ULPS = 1e-14

#: What moves values without mixing channels, so that a scale for each channel stays one.
_KEEP_CHANNELS = (ops.MaxPool2D, ops.GlobalMaxPool2D, ops.Pad2D, ops.UpSample2D)


def as_integers(network: Network, bits: int = 8, *, step: float = 1 / 255, largest: int = 255) -> Network:
    """A network in whole numbers, as chips and small processors have them: rounded weights, and exact sums.

    The weights that lead to a channel c of neurons are rounded to whole numbers of ``bits`` bits,

        ``q = round(w / s_c)`` with ``s_c = max |w| / (2^(bits - 1) - 1)``,

    and its threshold, less the bias, to the whole number at which the same sums fire:
    ``sum q x >= ceil((threshold - bias) / s_c)``. So nothing is rounded but the weights: the network does to the bit
    what one with the weights ``s_c q`` does in exact arithmetic, in whatever order it adds. What that costs in accuracy
    is seen by running it, on inputs in whole numbers: ``round(x / step)``.

    Args:
        network: A network with one input and one output, whose neurons forget from one wave to the next.
        bits: Bits of a weight with its sign, 2 to 16. Default: 8.
        step: What an input of 1 stands for. Default: 1/255, for pictures of bytes that were scaled to [0, 1].
        largest: The largest input, as a whole number; none is below its negative. Default: 255.

    Returns:
        The network. Its ``meta["integers"]`` says bits, step and largest input. Weights on the way to the same sum have
        the same scale; a skip of spikes becomes a weight like others. An average becomes a sum.

    Raises:
        ValueError: A part of the network has no counterpart in whole numbers, an output stands for values, or sums
            leave 32 bits.

    Example:
        >>> network = Network((2,), [ops.Dense([[0.3, -0.1], [0.2, 0.5]], [0.1, 0.0]), ops.Neurons(0.5)])
        >>> whole = as_integers(network, bits=4, step=1.0, largest=1)
        >>> whole.nodes[0].operation.weights.tolist(), whole.nodes[1].operation.threshold.tolist()
        ([[7.0, -1.0], [5.0, 7.0]], [10.0, 7.0])
    """
    if isinstance(bits, bool) or not isinstance(bits, int) or not 2 <= bits <= 16:
        raise ValueError(f"Expected bits to be an integer from 2 to 16; got {bits!r}.")
    if not (math.isfinite(step) and step > 0) or isinstance(largest, bool) or not 1 <= largest <= 2**15 - 1:
        raise ValueError(f"Expected a positive step and a largest input from 1 to 32767; got {step!r} and "
                         f"{largest!r}.")
    if len(network.inputs) > 1 or len(network.heads) > 1:
        raise ValueError(f"Expected a network with one input and one output; got the inputs {list(network.inputs)} and "
                         f"the outputs {list(network.heads)}.")
    if network.head.kind == "values":
        raise ValueError("Expected an output that stands for classes or spikes; this one stands for values, which "
                         "whole numbers of another scale are not.")
    lowering = _Lowering(network, 2 ** (bits - 1) - 1, step, largest)
    nodes = [node for part in network.nodes for node in lowering.nodes(part.name)]
    meta = {**network.meta, "integers": {"bits": bits, "step": step, "largest": largest}}
    if lowering.bound > _MOST:
        raise ValueError(f"Expected sums within 32 bits; with {bits} bits a weight they may reach "
                         f"{lowering.bound:.3g}. Take fewer bits.")
    if lowering.bound >= _SINGLE:  # the simulator then adds in float64, where they are exact
        nodes = [replace(node, operation=node.operation.astype(np.float64)) for node in nodes]
    (name, node), head, read = *network.read.items(), network.head, lowering.value(network.output)
    if not read.uniform:
        raise ValueError(f"Node {node!r} has no counterpart in whole numbers: it is read, and its channels are scaled "
                         "each by itself. Fold batch norm into the weights before it (fold_batchnorm).")
    # Whole numbers exceed the one threshold where they exceed the other; beyond the largest sum none does.
    threshold = np.clip(_whole(np.floor, head.threshold / read.scale), -read.largest - 1, read.largest + 1).item()
    if name == node == nodes[-1].name:
        return Network(network.inputs, nodes, key=head.key, readout=head.kind, threshold=threshold, meta=meta)
    outputs = {name: Output(node, head.kind, head.key, threshold)}
    return Network(network.inputs, nodes, outputs=outputs, meta=meta)


def is_whole(network: Network) -> bool:
    """Whether all weights, biases and thresholds of a network are whole numbers, as :func:`as_integers` makes them."""
    return "integers" in network.meta and not any(
        isinstance(node.operation, (ops.AveragePool2D, ops.GlobalAveragePool2D))
        or any((array != np.rint(array)).any() for array in node.operation.arrays().values()) for node in network.nodes)


def _whole(rounding: Any, numbers: Any) -> np.ndarray:
    """Numbers rounded down or up, but for those that are whole save for what a division of floats has rounded."""
    numbers = np.asarray(numbers, np.float64)
    nearest = np.rint(numbers)
    return np.where(np.abs(numbers - nearest) <= _ULPS * np.maximum(np.abs(numbers), 1), nearest, rounding(numbers))


@dataclass(frozen=True)
class _Value:
    """What a whole number stands for: ``whole * scale + offset``, by channel or for all; at most so large."""

    scale: np.ndarray
    offset: np.ndarray
    largest: float

    @property
    def uniform(self) -> bool:
        """Whether all channels have one scale, and nothing is added."""
        return self.scale.size == 1 and not self.offset.any()


class _Lowering:
    """Goes through a network from the bottom, and knows what the whole numbers at each node stand for."""

    def __init__(self, network: Network, most: int, step: float, largest: int) -> None:
        self.network, self.most = network, most
        zero = np.zeros(())
        self._values = {name: _Value(np.asarray(float(step)), zero, float(largest)) for name in network.inputs}
        self._nodes: dict[str, list[Node]] = {}
        self._under_way: set[str] = set()
        self.places = {node.name: node for node in network.nodes}
        self.taken = {*network.inputs, *self.places}
        self.added = self._added()
        self.bound = 0.0

    def value(self, name: str) -> _Value:
        """What the whole numbers of a node or an input stand for."""
        if name in self._under_way:
            raise self._refusal(self.places[name], "its scale follows from itself, as it is added to what it leads to")
        if name not in self._values:
            self._under_way.add(name)
            self._nodes[name] = self._lowered(self.places[name])
            self._under_way.remove(name)
        return self._values[name]

    def nodes(self, name: str) -> list[Node]:
        """The nodes that do in whole numbers what one does."""
        self.value(name)
        return self._nodes[name]

    def _lowered(self, node: Node) -> list[Node]:
        operation = node.operation
        sources = [self.value(name) for name in node.inputs]
        nodes, value = [node], sources[0]
        if isinstance(operation, Weighted):
            nodes, value = self._weighted(node, operation, value)
        elif isinstance(operation, ops.Neurons):
            nodes, value = self._neurons(node, operation, value)
        elif isinstance(operation, ops.Add):
            nodes, value = self._add(node, sources)
        elif isinstance(operation, ops.Scale):
            if not (operation.factor > 0).all() or operation.factor.ndim > 1 or operation.offset.ndim > 1:
                raise self._refusal(node, "it multiplies by what is not positive, or differs from place to place")
            nodes, value = [replace(node, operation=ops.Scale())], _Value(
                value.scale * operation.factor, value.offset * operation.factor + operation.offset, value.largest)
        elif isinstance(operation, (ops.AveragePool2D, ops.GlobalAveragePool2D)):
            nodes, value = self._average(node, operation, value)
        elif isinstance(operation, ops.Concatenate):
            if any(not source.uniform or source.scale != sources[0].scale for source in sources):
                raise self._refusal(node, "what it joins has different scales")
            value = _Value(value.scale, value.offset, max(source.largest for source in sources))
        elif isinstance(operation, (ops.Reshape, ops.Permute)):
            kept = self.network.shapes[node.inputs[0]][-1:] == self.network.shapes[node.name][-1:]
            if not (value.uniform or (isinstance(operation, ops.Reshape) and kept)):
                raise self._refusal(node, "it moves sums that have not yet been compared with thresholds")
        elif not isinstance(operation, _KEEP_CHANNELS):
            raise self._refusal(node, f"whole numbers have no {type(operation).__name__}")
        elif isinstance(operation, ops.Pad2D) and value.offset.any():
            raise self._refusal(node, "it puts zeros beside sums that lack their bias")
        self._values[node.name] = value
        self.bound = max(self.bound, value.largest)
        return nodes

    def _weighted(self, node: Node, operation: Any, source: _Value) -> tuple[list[Node], _Value]:
        if source.offset.any():
            raise self._refusal(node, "no neurons stand between it and the weights below it")
        weights = self._effective(node)
        scale = self._scale(node.name)
        whole = np.rint(weights / scale).astype(np.float32)
        reach = np.abs(whole).sum(tuple(range(whole.ndim - 1)))
        bias = np.zeros(()) if operation.bias is None else operation.bias.astype(np.float64)
        kept, offset = None, bias
        if scale.size == 1 and bias.any():  # an output that is read: its bias is a whole number, too
            kept, offset = np.rint(bias / scale), np.zeros(())
            reach = reach * source.largest + np.abs(kept)
        else:
            reach = reach * source.largest
        new = replace(operation, weights=whole, bias=kept)
        return [replace(node, operation=new)], _Value(scale, offset, float(reach.max(initial=0)))

    def _neurons(self, node: Node, operation: ops.Neurons, source: _Value) -> tuple[list[Node], _Value]:
        if operation.remembers:
            raise self._refusal(node, "they remember from step to step")
        limit = _whole(np.ceil, (operation.threshold.astype(np.float64) - source.offset) / source.scale)
        limit = np.clip(limit, -source.largest - 1, source.largest + 1)  # beyond, all fire or none
        self.bound = max(self.bound, source.largest + 1)
        return [replace(node, operation=ops.Neurons(limit))], _spikes()

    def _add(self, node: Node, sources: Sequence[_Value]) -> tuple[list[Node], _Value]:
        """Summands of one scale; spikes and inputs among them become whole multiples of it."""
        scale = self._scale(node.name)
        nodes: list[Node] = []
        scaled: dict[str, str] = {}
        inputs, largest = [], 0.0
        for name, source in zip(node.inputs, sources, strict=True):
            if source.scale.shape == scale.shape and (source.scale == scale).all():
                inputs.append(name)
                largest += source.largest
                continue
            factor = np.rint(source.scale / scale)
            if not (name in self.network.inputs or self.network.spiking[name]):
                raise self._refusal(node, f"{name!r} reaches it with another scale than the weights beside it. Fold "
                                    "batch norm into the weights (fold_batchnorm), and add sums before they are pooled")
            if not factor.all():
                raise self._refusal(node, f"beside its largest weights what {name!r} adds rounds to nothing. Take more "
                                    "bits")
            if name not in scaled:
                scaled[name] = self._free(f"{node.name}_{name}")
                nodes.append(Node(scaled[name], ops.Scale(factor), (name,)))
            inputs.append(scaled[name])
            largest += source.largest * float(factor.max())
        offset = sum((source.offset for source in sources), np.zeros(()))
        return [*nodes, replace(node, inputs=tuple(inputs))], _Value(scale, offset, largest)

    def _average(self, node: Node, operation: Any, source: _Value) -> tuple[list[Node], _Value]:
        """Sums in place of means, which only their scale knows of."""
        shape = self.network.shapes[node.inputs[0]]
        if isinstance(operation, ops.GlobalAveragePool2D):
            size, strides, padding = (shape[0], shape[1]), (1, 1), "valid"
        else:
            size, strides, padding = operation.size, operation.strides, operation.padding
        if any(before or after for _, before, after in Windows(size, strides, padding).axes(shape)):
            raise self._refusal(node, "its windows at the edge average fewer values than others")
        taps = math.prod(size)
        conv = ops.Conv2D(np.ones((*size, 1, shape[2]), np.float32), strides=strides, groups=shape[2])
        value = _Value(source.scale / taps, source.offset, source.largest * taps)
        if isinstance(operation, ops.GlobalAveragePool2D) and not operation.keepdims:
            summed = Node(self._free(f"{node.name}_sums"), conv, node.inputs)
            return [summed, Node(node.name, ops.Reshape((shape[2],)), (summed.name,))], value
        return [replace(node, operation=conv)], value

    # -- scales -------------------------------------------------------------------------------------------------------

    def _added(self) -> dict[str, str]:
        """Node -> the sum that its values enter in the end: those of all summands must have one scale."""
        top: dict[str, str] = {}
        for node in reversed(self.network.nodes):
            if isinstance(node.operation, ops.Add):
                for name in node.inputs:
                    top[name] = top.get(node.name, node.name)
        return top

    def _scale(self, name: str) -> np.ndarray:
        """What 1 stands for in the sums of a node: for each channel, or for all where they are compared or read."""
        top = self.added.get(name, name)
        reach = [self._largest(source) for source in self._summands(top)]
        channels = (self.network.shapes[top] or (1,))[-1]
        largest = np.max([np.broadcast_to(each, (channels,)) for each in reach], axis=0)
        if self._read(top):
            largest = largest.max(keepdims=False)
        return np.where(largest > 0, largest, 1.0) / self.most

    def _summands(self, name: str) -> list[str]:
        """What a sum is made of in the end."""
        if not isinstance(self._operation(name), ops.Add):
            return [name]
        return [part for source in self.places[name].inputs for part in self._summands(source)]

    def _largest(self, name: str) -> np.ndarray:
        """The largest weight of each channel of a summand; spikes and inputs count as one of their own scale."""
        operation = self._operation(name)
        if not isinstance(operation, Weighted):
            spikes = name not in self.network.inputs and self.network.spiking[name]
            return np.asarray(1.0) if spikes else self.value(name).scale
        weights = np.abs(self._effective(self.places[name]))
        return weights.max(axis=tuple(range(weights.ndim - 1)), initial=0.0)

    def _effective(self, node: Node) -> np.ndarray:
        """Weights by which a whole number at the input adds to the true sum."""
        operation: Any = node.operation
        # Of spikes the scale is known before their neurons are, which may listen to the very sums that this is for.
        name = node.inputs[0]
        scale = np.asarray(1.0) if self.network.spiking[name] else self.value(name).scale
        if isinstance(operation, ops.Conv2D) and operation.groups > 1 and scale.size > 1:
            raise self._refusal(node, "groups of channels with a scale each")
        shaped = scale[:, None] if scale.ndim else scale
        return operation.weights.astype(np.float64) * shaped

    def _read(self, name: str) -> bool:
        """Whether a node is read as numbers: then all its channels are compared with each other."""
        shape_only = (ops.Reshape, ops.Permute, *_KEEP_CHANNELS, ops.AveragePool2D, ops.GlobalAveragePool2D)
        at = self.network.output
        while at != name and isinstance(self._operation(at), shape_only):
            at = self.places[at].inputs[0]
        return at == name

    def _operation(self, name: str) -> ops.Operation | None:
        """What a node does; None for an input."""
        return self.places[name].operation if name in self.places else None

    def _free(self, name: str) -> str:
        """A name that no node has, for one that is new."""
        name = free_name(name, self.taken)
        self.taken.add(name)
        return name

    def _refusal(self, node: Node, reason: str) -> ValueError:
        return ValueError(f"Node {node.name!r} ({type(node.operation).__name__}) has no counterpart in whole numbers: "
                          f"{reason}.")


def _spikes() -> _Value:
    return _Value(np.asarray(1.0), np.zeros(()), 1.0)


def whole_inputs(network: Network, x: Any) -> np.ndarray:
    """Inputs as the whole numbers that a network of :func:`as_integers` takes: ``round(x / step)``, within its range.

    Args:
        network: A network that :func:`as_integers` made.
        x: Samples as the network took them before.

    Raises:
        ValueError: The network is no such one.
    """
    said = network.meta.get("integers")
    if not said:
        raise ValueError("Expected a network that as_integers made; this one's meta has no word of integers.")
    whole = np.rint(np.asarray(x, np.float64) / said["step"])
    return np.clip(whole, -said["largest"], said["largest"]).astype(np.int16)



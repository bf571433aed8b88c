"""From a network to a LiteRT model."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from whetstone_lab.exchange.litert.model import BOOL, INDEX, REAL, WHOLE, Model, Value
from whetstone_lab.exchange.tensors import for_tensors, least_thresholds, said_of
from whetstone_lab.records import archive
from whetstone_lab.simulator import operations as ops
from whetstone_lab.simulator.network import Network, Node
from whetstone_lab.simulator.operations import Shape
from whetstone_lab.simulator.operations.windows import Windows
from whetstone_lab.simulator.readouts import Readout


def to_litert(network: Network, path: str | os.PathLike[str] | None = None, *, spikes: bool = False) -> bytes:
    """Writes a network as a LiteRT model, straight from its weights and thresholds.

    Inputs bear the network's names and have its shapes, ``(samples, *shape)`` with channels last, in float32. A model
    is made for one sample; ``resize_tensor_input`` of the interpreter makes room for more. The outputs, in the
    signature ``serving_default``, are

    - ``votes``: what ``run(...).votes`` is; whole numbers (``int64``) where output spikes vote by a class key;
    - ``class``: what ``predict`` gives, ``int64``, the lowest class on a tie; where the output stands for classes;
    - ``spikes`` (``bool``) in place of both, where output spikes stand for no classes.

    Where there are several outputs, they are called ``votes_NAME`` and so on.

    **Exactness.** A layer of neurons is ``GREATER_EQUAL`` against its thresholds, so a tie is a spike. Where all sums
    are exact (weights and inputs that are small whole numbers, or multiples of a power of two), every spike, vote and
    class is that of the simulator; also through a ``Scale`` that leads to neurons and to nothing else, which is worked
    into their thresholds, and through averages, which are a sum and one division. Otherwise a neuron can differ if its
    potential is as near to its threshold as :func:`whetstone_lab.run` says. It was seen in LiteRT 2.3.0 on a CPU, with
    XNNPACK and without. (TensorFlow 2.21's interpreter and LiteRT 2.1.0 round one more time where an average is one
    number alone, of one place and one channel.) A delegate must not compute in half precision, as those for graphics
    processors do unless told otherwise.

    Args:
        network: A network in float32 whose neurons forget from one wave to the next. A model has no time steps: all
            layers answer at once, one wave a call.
        path: A file to write too, in one piece. Default: none.
        spikes: Whether each layer's spikes are outputs too, ``bool``, ``(samples, *shape)``, under the name of the
            layer: to compare them with a record's. Default: False.

    Returns:
        The model. Its metadata keep, in JSON, ``heads`` (of each output the readout, the class key and the threshold)
        and ``meta``, what the network was trained on.

    Raises:
        ImportError: The package ``ai-edge-litert`` is not installed.
        ValueError: A LiteRT model cannot say what one of the nodes does, the network computes in float64, or the
            weights are more than the 2 GiB of a model hold.
    """
    if network.dtype != REAL:
        raise ValueError(f"Expected a network in float32, as LiteRT has no operators in {network.dtype}; got one in "
                         f"{network.dtype}. Round its weights: network.with_nodes(replace(node, operation="
                         "node.operation.map_weights(np.float32)) for node in network.nodes).")
    network = for_tensors(network, "a LiteRT model")
    writer = _GraphWriter(network, spikes)
    for node in network.nodes:
        writer.add(node)
    model = writer.finish()
    if path is not None:
        with archive.in_one_piece(Path(path)) as part:
            part.write_bytes(model)
    return model


class _GraphWriter:
    """Builds a model operator by operator."""

    def __init__(self, network: Network, spikes: bool) -> None:
        self.model, self.network = Model(), network
        self.put, self.kinds = self.model.put, self.model.kinds
        self.inputs = {name: self.model.tensor(self.model.name(name), shape) for name, shape in network.inputs.items()}
        self.values = dict(self.inputs)
        self.outputs: list[Value] = []
        several = len(network.heads) > 1
        ends = {name: f"_{name}" if several else "" for name in network.heads}
        self.heads = {(name, what): self.model.name(what + end) for name, end in ends.items()
                      for what in ("votes", "class", "spikes")}
        self.shown = {name: self.model.name(name) for name in network.layers} if spikes else {}

    # -- nodes --------------------------------------------------------------------------------------------------------

    def add(self, node: Node) -> None:
        """Adds a node of the network, whose inputs have been added."""
        inputs, name, operation = [self.values[name] for name in node.inputs], node.name, node.operation
        value, shape = inputs[0], self.network.shapes[node.name]
        match operation:
            case ops.Neurons():
                made = self._neurons(name, operation, value)
            case ops.Dense():
                made = self._dense(name, value, operation.weights, operation.bias)
            case ops.Conv2D():
                made = self.put("CONV_2D", name, shape, value, operation.weights.transpose(3, 0, 1, 2),
                                 _bias(operation), **self._windows(operation.windows))
            case ops.Conv2DTranspose():
                made = self._conv_transpose(name, operation, value)
            case ops.MaxPool2D():
                made = self.put("MAX_POOL_2D", name, shape, value, **self._windows(operation.windows, pool=True))
            case ops.GlobalMaxPool2D():
                made = self.put("REDUCE_MAX", name, shape, value, _indices(1, 2), keepDims=operation.keepdims)
            case ops.AveragePool2D():
                made = self._average(name, operation, value)
            case ops.GlobalAveragePool2D():
                made = self.put("SUM", name, shape, value, _indices(1, 2), keepDims=operation.keepdims)
                counted = np.full(shape[-1:], math.prod(value.shape[:2]), np.float32)
                made = self.put("DIV", name, shape, made, counted)
            case ops.Reshape():
                made = self._reshape(name, value, shape)
            case ops.Permute():
                order = _indices(0, *(axis + 1 for axis in operation.axes))
                made = self.put("TRANSPOSE", name, shape, value, order)
            case ops.Pad2D():
                (top, bottom), (left, right) = operation.rows, operation.columns
                rows, columns, _ = value.shape
                made = self._cut(name, value, (max(-top, 0), max(-left, 0)),
                                 (rows - max(-bottom, 0), columns - max(-right, 0)))
                made = self._pad(name, made, (max(top, 0), max(bottom, 0)), (max(left, 0), max(right, 0)))
            case ops.UpSample2D():
                made = value
                for axis, times in enumerate(operation.size):
                    repeated = np.arange(made.shape[axis]).repeat(times)
                    taller = (*made.shape[:axis], len(repeated), *made.shape[axis + 1:])
                    made = self.put("GATHER", name, taller, made, _indices(*repeated), axis=axis + 1)
            case ops.Scale():
                made = value
                if np.any(operation.factor != 1):
                    made = self.put("MUL", name, shape, made, np.atleast_1d(operation.factor))
                if np.any(operation.offset):
                    made = self.put("ADD", name, shape, made, np.atleast_1d(operation.offset))
            case ops.ReLU():
                made = self.put("RELU", name, shape, value)
            case ops.Add():
                made, *others = inputs
                for other in others:
                    made = self.put("ADD", name, shape, made, other)
            case ops.Concatenate():
                made = self.put("CONCATENATION", name, shape, *inputs, axis=operation.axis % len(shape) + 1)
        self.values[name] = made

    def _neurons(self, name: str, neurons: ops.Neurons, value: Value) -> Value:
        threshold, shape = np.atleast_1d(neurons.threshold), value.shape
        if len(shape) > 3:  # comparisons broadcast over four axes at most
            threshold = np.broadcast_to(threshold, shape).reshape(-1)
            value = self._reshape(name, value, threshold.shape)
        least, never = least_thresholds(threshold), np.finfo(threshold.dtype).max
        fired = self.put("GREATER_EQUAL", name, value.shape, value, np.where(least, never, threshold), dtype=BOOL)
        if least.any():
            above = np.where(least, np.zeros_like(threshold), never)
            greater = self.put("GREATER", name, value.shape, value, above, dtype=BOOL)
            fired = self.put("LOGICAL_OR", name, value.shape, fired, greater, dtype=BOOL)
        if value.shape != shape:
            fired = self._reshape(name, fired, shape, BOOL)
        if name in self.shown:
            self._output(self.shown[name], fired, BOOL)
        return self._cast(name, fired, BOOL, REAL)

    def _dense(self, name: str, value: Value, weights: np.ndarray, bias: np.ndarray | None) -> Value:
        bias = np.zeros(weights.shape[1], np.float32) if bias is None else bias
        return self.put("FULLY_CONNECTED", name, (*value.shape[:-1], len(bias)), value, weights.T, bias,
                         keepNumDims=True)

    def _average(self, name: str, pool: ops.AveragePool2D, value: Value) -> Value:
        """Sums and a division, as the simulator has them: XNNPACK's pool multiplies by a reciprocal, which rounds."""
        shape = self.network.shapes[name]
        ones = np.ones((1, *pool.size, value.shape[2]), np.float32)
        summed = self.put("DEPTHWISE_CONV_2D", name, shape, value, ones, np.zeros(shape[2], np.float32),
                           depthMultiplier=1, **self._windows(pool.windows))
        counted = np.outer(*pool.windows.taps_inside(value.shape))[..., None].astype(np.float32)
        return self.put("DIV", name, shape, summed, counted)

    def _conv_transpose(self, name: str, conv: ops.Conv2DTranspose, value: Value) -> Value:
        tall, wide, channels, filters = conv.weights.shape
        spread = [(taps - 1) * gap + 1 for taps, gap in zip((tall, wide), conv.dilation, strict=True)]
        weights = np.zeros((filters, *spread, channels), np.float32)  # LiteRT's has no dilation
        weights[:, :: conv.dilation[0], :: conv.dilation[1]] = conv.weights.transpose(3, 0, 1, 2)
        reach = [(length - 1) * stride + taps for length, stride, taps in
                 zip(value.shape[:2], conv.strides, spread, strict=True)]
        size = self.put("SHAPE", name, (4,), value, dtype=INDEX, outType=self.kinds[INDEX])
        size = self.put("SLICE", name, (1,), size, _indices(0), _indices(1), dtype=INDEX)
        size = self.put("CONCATENATION", name, (4,), size, _indices(*reach, filters), dtype=INDEX, axis=0)
        # The size comes first, then the kernel, then the image.
        kernel = self.model.constant(name, weights)
        made = self.put("TRANSPOSE_CONV", name, (*reach, filters), size, kernel, value,
                         padding=self.model.schema.Padding.VALID, **_pair("stride", conv.strides))
        ends = [start + size for start, size in zip(conv.start, conv.size, strict=True)]
        below, beside = (max(end - length, 0) for end, length in zip(ends, reach, strict=True))
        made = self._cut(name, self._pad(name, made, (0, below), (0, beside)), conv.start, ends)
        return made if conv.bias is None else self.put("ADD", name, made.shape, made, conv.bias)

    # -- outputs ------------------------------------------------------------------------------------------------------

    def finish(self) -> bytes:
        """The model of all that was added."""
        shown, self.outputs = self.outputs, []
        for name, head in self.network.heads.items():
            self._read(name, head)
        return self.model.written([*self.inputs.values()], self.outputs + shown, said_of(self.network))

    def _read(self, name: str, head: Readout) -> None:
        """Scores an output and decides, as :class:`~whetstone_lab.simulator.readouts.Readout` does."""
        value, places = self.values[self.network.read[name]], head.places
        if not value.shape:
            value = self._reshape(name, value, (1,))
        classes, kind = None, REAL
        if head.kind == "spikes":
            self._output(self.heads[name, "spikes"], self._cast(name, value, REAL, BOOL), BOOL)
            return
        if head.key is not None:  # whole numbers, so exact in any order
            signs, kind = 2 * head.key.T.astype(np.float32) - 1, WHOLE
            votes = self._dense(name, value, 2 * signs, -signs.sum(axis=0))
            classes, votes = self._argmax(name, votes), self._cast(name, votes, REAL, WHOLE)
        elif head.kind in ("logit", "sigmoid"):
            placed, threshold = self._reshape(name, value, (*places, 1)), np.array([head.threshold], np.float32)
            # Compared, as a difference could be folded into the weights.
            yes = self.put("GREATER", name, placed.shape, placed, threshold, dtype=BOOL)
            classes = self._reshape(name, self._cast(name, yes, BOOL, WHOLE), places, WHOLE)
            beyond = self.put("SUB", name, placed.shape, placed, threshold)
            votes = self.put("CONCATENATION", name, (*places, 2), self.put("NEG", name, placed.shape, beyond), beyond,
                              axis=len(places) + 1)
        else:
            votes = value
            if head.decides:
                classes = self._argmax(name, value)
        self._output(self.heads[name, "votes"], votes, kind)
        if classes is not None:
            self._output(self.heads[name, "class"], classes, WHOLE)

    def _argmax(self, name: str, votes: Value) -> Value:
        return self.put("ARG_MAX", name, votes.shape[:-1], votes, _indices(len(votes.shape)), dtype=WHOLE,
                         outputType=self.kinds[WHOLE])

    def _output(self, name: str, value: Value, dtype: np.dtype) -> None:
        """Gives a value out; a reshape to what it is makes a tensor of that name."""
        made = self.model.tensor(name, value.shape, dtype)
        self.model.fill(made, "RESHAPE", value, _indices(-1, *value.shape), newShape=[-1, *value.shape])
        self.outputs.append(made)

    # -- pieces -------------------------------------------------------------------------------------------------------

    def _windows(self, windows: Windows, pool: bool = False) -> dict[str, Any]:
        """Windows over an image as options."""
        padding = getattr(self.model.schema.Padding, windows.padding.upper())
        options = {"padding": padding, **_pair("stride", windows.strides)}
        if pool:
            return options | {"filterHeight": windows.size[0], "filterWidth": windows.size[1]}
        return options | {"dilationHFactor": windows.dilation[0], "dilationWFactor": windows.dilation[1]}

    def _reshape(self, name: str, value: Value, shape: Shape, dtype: np.dtype = REAL) -> Value:
        return self.put("RESHAPE", name, shape, value, _indices(-1, *shape), dtype=dtype, newShape=[-1, *shape])

    def _cast(self, name: str, value: Value, source: np.dtype, target: np.dtype) -> Value:
        return self.put("CAST", name, value.shape, value, dtype=target, inDataType=self.kinds[source],
                         outDataType=self.kinds[target])

    def _pad(self, name: str, value: Value, rows: tuple[int, int], columns: tuple[int, int]) -> Value:
        """Rows and columns of zeros around an image."""
        if not any((*rows, *columns)):
            return value
        tall, wide, channels = value.shape
        return self.put("PAD", name, (tall + sum(rows), wide + sum(columns), channels), value,
                         np.array([(0, 0), rows, columns, (0, 0)], np.int32))

    def _cut(self, name: str, value: Value, starts: Sequence[int], ends: Sequence[int]) -> Value:
        """The rows and columns of an image from a start to an end."""
        size = [end - start for start, end in zip(starts, ends, strict=True)]
        if (*size,) == value.shape[:2]:
            return value
        return self.put("SLICE", name, (*size, value.shape[2]), value, _indices(0, *starts, 0),
                        _indices(-1, *size, -1))


def _bias(conv: ops.Conv2D) -> np.ndarray:
    return np.zeros(conv.weights.shape[3], np.float32) if conv.bias is None else conv.bias


def _pair(name: str, pair: Sequence[int]) -> dict[str, Any]:
    """What LiteRT has for rows and columns each."""
    return {f"{name}H": pair[0], f"{name}W": pair[1]}


def _indices(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int32)


"""Networks as ONNX models, for the runtimes on servers, phones and in browsers that read it.

Needs the package ``onnx``: ``pip install 'whetstone-lab[onnx]'``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from whetstone_lab.exchange.layout import kernel_channels_first
from whetstone_lab.exchange.targets import Target
from whetstone_lab.exchange.tensors import for_tensors, least_thresholds, said_of
from whetstone_lab.records import archive
from whetstone_lab.simulator import operations as ops
from whetstone_lab.simulator.network import Network, Node, free_name
from whetstone_lab.simulator.operations import Shape
from whetstone_lab.simulator.readouts import Readout

#: The version of ONNX's operators, and that of the file format which came with it: runtimes since 2022 read both.
OPSET, IR_VERSION = 17, 8


def to_onnx(network: Network, path: str | os.PathLike[str] | None = None, *, spikes: bool = False) -> Any:
    """Writes a network as an ONNX model of opset 17.

    Inputs bear the network's names and have its shapes, ``(samples, *shape)`` with channels last, in its floating point
    type: what :func:`whetstone_lab.run` takes, the model takes. Convolutions, which ONNX has with channels first, are
    transposed within. The outputs are

    - ``votes``: what ``run(...).votes`` is; whole numbers (``int64``) where output spikes vote by a class key;
    - ``class``: what ``predict`` gives, ``int64``, the lowest class on a tie; where the output stands for classes;
    - ``spikes`` (``bool``) in place of both, where output spikes stand for no classes.

    Where there are several outputs, they are called ``votes_NAME`` and so on.

    **Exactness.** A layer of neurons is ``GreaterOrEqual`` against its thresholds, so a tie is a spike. Where all sums
    are exact (weights and inputs that are small whole numbers, or multiples of a power of two), a runtime may add,
    fuse and fold as it likes: every spike, vote and class is that of the simulator. So it is through a ``Scale``, such
    as a batch normalization, that leads to neurons and to nothing else: it is worked into their thresholds without
    rounding. Otherwise a neuron can differ if its potential is as near to its threshold as
    :func:`whetstone_lab.run` says. It was seen in ONNX Runtime 1.20.0 and 1.32.0, at every level of its graph
    optimizations, and in OpenVINO 2026.4.1, both on a CPU. A runtime must not compute in half precision: OpenVINO does
    so where the processor can, unless ``INFERENCE_PRECISION_HINT`` is ``"f32"``.

    Args:
        network: A network whose neurons forget from one wave to the next. A model has no time steps: all layers answer
            at once, one wave a call. Where it computes in float64, so does the model; ONNX Runtime has no convolutions
            in float64.
        path: A file to write too, in one piece. Default: none.
        spikes: Whether each layer's spikes are outputs too, ``bool``, ``(samples, *shape)``, under the name of the
            layer: to compare them with a record's. Default: False.

    Returns:
        An ``onnx.ModelProto``. Its ``metadata_props`` keep, in JSON, ``heads`` (of each output the readout, the class
        key and the threshold) and ``meta``, what the network was trained on.

    Raises:
        ImportError: The package ``onnx`` is not installed.
        ValueError: A model of ONNX cannot say what one of the nodes does, and the message names it; or the weights
            are more than its 2 GiB hold.
    """
    network = for_tensors(network, "an ONNX model")
    writer = _GraphWriter(network, spikes)
    for node in network.nodes:
        writer.add(node)
    model = writer.finish()
    if path is not None:
        with archive.in_one_piece(Path(path)) as part:
            part.write_bytes(model.SerializeToString())
    return model


def _load_onnx() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise ImportError("ONNX files need the package onnx: pip install 'whetstone-lab[onnx]'") from error
    return onnx


@dataclass(frozen=True)
class _Value:
    """What a node of ours puts out, as the model has it.

    Attributes:
        name: Of the value in the model.
        first: Whether it is an image with channels first.
    """

    name: str
    first: bool = False


class _GraphWriter:
    """Builds a graph node by node."""

    def __init__(self, network: Network, spikes: bool) -> None:
        self.onnx, self.network = _load_onnx(), network
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.taken: set[str] = set()
        self.turned: dict[_Value, _Value] = {}
        self.values = {name: _Value(self._name(name)) for name in network.inputs}
        self.inputs = [self._info(self.values[name].name, network.dtype, shape)
                       for name, shape in network.inputs.items()]
        self.outputs: list[Any] = []
        several = len(network.heads) > 1
        ends = {name: f"_{name}" if several else "" for name in network.heads}
        self.heads = {(name, what): self._name(what + end) for name, end in ends.items()
                      for what in ("votes", "class", "spikes")}
        self.shown = {name: self._name(name) for name in network.layers} if spikes else {}

    # -- nodes --------------------------------------------------------------------------------------------------------

    def add(self, node: Node) -> None:
        """Adds a node of the network, whose inputs have been added."""
        inputs, name, operation = [self.values[name] for name in node.inputs], node.name, node.operation
        value, shape = inputs[0], self.network.shapes[node.inputs[0]]
        match operation:
            case ops.Neurons():
                made = self._neurons(node, operation, value, shape)
            case ops.Dense() if len(shape) == 1:
                made = self._weighted("Gemm", name, value, operation.weights, operation.bias)
            case ops.Dense():
                made = self._weighted("MatMul", name, self._last(value), operation.weights)
                made = self._plus(name, made, operation.bias)
            case ops.Conv2D():
                made = self._weighted(
                    "Conv", name, self._first(value), kernel_channels_first(operation.weights), operation.bias,
                    group=operation.groups, dilations=operation.dilation, strides=operation.strides,
                    kernel_shape=operation.weights.shape[:2], pads=_pads(operation, shape))
            case ops.Conv2DTranspose():
                made = self._conv_transpose(name, operation, value, shape)
            case ops.MaxPool2D() | ops.AveragePool2D():
                kind = "MaxPool" if isinstance(operation, ops.MaxPool2D) else "AveragePool"
                made = self._put(kind, name, self._first(value), kernel_shape=operation.size,
                                 strides=operation.strides, pads=_pads(operation, shape))
            case ops.GlobalMaxPool2D() | ops.GlobalAveragePool2D():
                kind = "GlobalMaxPool" if isinstance(operation, ops.GlobalMaxPool2D) else "GlobalAveragePool"
                made = self._put(kind, name, self._first(value))
                if not operation.keepdims:
                    made = self._reshape(name, replace(made, first=False), (shape[2],))
            case ops.Reshape():
                made = self._reshape(name, self._last(value), self.network.shapes[name])
            case ops.Permute():
                made = self._put("Transpose", name, self._last(value), perm=[0, *(axis + 1 for axis in operation.axes)])
            case ops.Pad2D():
                (top, bottom), (left, right) = operation.rows, operation.columns
                made = self._cut(name, value, [max(-top, 0), max(-left, 0)],
                                 [shape[0] - max(-bottom, 0), shape[1] - max(-right, 0)])
                made = self._pad(name, made, [max(top, 0), max(left, 0)], [max(bottom, 0), max(right, 0)])
            case ops.UpSample2D():
                made = value
                for axis, times, length in zip(_image_axes(value), operation.size, shape[:2], strict=True):
                    made = self._put("Gather", name, made, np.arange(length).repeat(times), axis=axis)
            case ops.Scale():
                made = value
                if np.any(operation.factor != 1):
                    made = self._put("Mul", name, made, _arranged(operation.factor, made))
                made = self._plus(name, made, operation.offset)
            case ops.ReLU():
                made = self._put("Relu", name, value)
            case ops.Add():
                made, *others = self._alike(inputs)
                for other in others:
                    made = self._put("Add", name, made, other)
            case ops.Concatenate():
                joined = self._alike(inputs)
                axis = operation.axis % len(shape) + 1
                made = self._put("Concat", name, *joined, axis=(2, 3, 1)[axis - 1] if joined[0].first else axis)
        self.values[name] = made

    def _neurons(self, node: Node, neurons: ops.Neurons, value: _Value, shape: Shape) -> _Value:
        threshold = _arranged(neurons.threshold, value)
        least = least_thresholds(threshold)
        never = np.finfo(threshold.dtype).max
        fired = self._put("GreaterOrEqual", node.name, value, np.where(least, never, threshold))
        if least.any():
            above = self._put("Greater", node.name, value, np.where(least, np.zeros_like(threshold), never))
            fired = self._put("Or", node.name, fired, above)
        if node.name in self.shown:
            self._output(self.shown[node.name], self._last(fired), np.dtype(bool), shape)
        return self._cast(node.name, fired, self.network.dtype)

    def _conv_transpose(self, name: str, conv: ops.Conv2DTranspose, value: _Value, shape: Shape) -> _Value:
        reach = [(length - 1) * stride + (taps - 1) * gap + 1 for length, stride, taps, gap in
                 zip(shape[:2], conv.strides, conv.weights.shape[:2], conv.dilation, strict=True)]
        ends = [start + size for start, size in zip(conv.start, conv.size, strict=True)]
        made = self._weighted("ConvTranspose", name, self._first(value), conv.weights.transpose(2, 3, 0, 1),
                              strides=conv.strides, dilations=conv.dilation, kernel_shape=conv.weights.shape[:2])
        made = self._pad(name, made, [0, 0], [max(end - length, 0) for end, length in zip(ends, reach, strict=True)])
        made = self._cut(name, made, conv.start, ends)
        return self._plus(name, made, conv.bias)

    # -- outputs ------------------------------------------------------------------------------------------------------

    def finish(self) -> Any:
        """The model of all that was added."""
        shown, self.outputs = self.outputs, []
        for name, head in self.network.heads.items():
            self._read(name, head)
        helper = self.onnx.helper
        graph = helper.make_graph(self.nodes, "network", self.inputs, self.outputs + shown, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION,
                                  producer_name="whetstone_lab")
        helper.set_model_props(model, said_of(self.network))
        return model

    def _read(self, name: str, head: Readout) -> None:
        """Scores an output and decides, as :class:`~whetstone_lab.simulator.readouts.Readout` does."""
        node, real, integer = self.network.read[name], self.network.dtype, np.dtype(np.int64)
        value, shape = self._last(self.values[node]), self.network.shapes[node]
        if not shape:
            value, shape = self._reshape(name, value, (1,)), (1,)
        classes = None
        if head.kind == "spikes":
            self._output(self.heads[name, "spikes"], self._cast(name, value, np.dtype(bool)), np.dtype(bool), shape)
            return
        if head.key is not None:  # whole numbers, so exact in any order
            signs = 2 * head.key.T.astype(real) - 1
            votes = self._put("MatMul", name, value, 2 * signs)
            votes = self._put("Sub", name, votes, signs.sum(axis=0))
            classes, votes = self._argmax(name, votes), self._cast(name, votes, integer)
        elif head.kind in ("logit", "sigmoid"):
            threshold = np.array(head.threshold, real)
            placed = self._reshape(name, value, head.places)
            # Compared, as a difference could be folded into the weights.
            classes = self._cast(name, self._put("Greater", name, placed, threshold), integer)
            beyond = self._reshape(name, self._put("Sub", name, value, threshold), (*head.places, 1))
            votes = self._put("Concat", name, self._put("Neg", name, beyond), beyond, axis=len(head.places) + 1)
        else:
            votes = value
            if head.decides:
                classes = self._argmax(name, value)
        columns = (*shape[:-1], head.columns) if head.kind == "values" else (*head.places, head.columns)
        self._output(self.heads[name, "votes"], votes, integer if head.key is not None else real, columns)
        if classes is not None:
            self._output(self.heads[name, "class"], classes, integer, head.places)

    def _argmax(self, name: str, votes: _Value) -> _Value:
        return self._put("ArgMax", name, votes, axis=-1, keepdims=0, select_last_index=0)

    def _output(self, name: str, value: _Value, dtype: np.dtype, shape: Shape) -> None:
        self.nodes.append(self.onnx.helper.make_node("Identity", [value.name], [name], name=name))
        self.outputs.append(self._info(name, dtype, shape))

    # -- pieces -------------------------------------------------------------------------------------------------------

    def _put(self, kind: str, name: str, value: _Value, *more: _Value | np.ndarray, **options: Any) -> _Value:
        """Puts an operator behind a value and others, or constants; the result lies as the value does."""
        made = self._name(f"{name}/{kind}")
        given = [other.name if isinstance(other, _Value) else self._constant(made, other) for other in more]
        self.nodes.append(self.onnx.helper.make_node(kind, [value.name, *given], [made], name=made, **options))
        return replace(value, name=made)

    def _weighted(self, kind: str, name: str, value: _Value, weights: np.ndarray, bias: np.ndarray | None = None,
                  **options: Any) -> _Value:
        return self._put(kind, name, value, weights, *([] if bias is None else [bias]), **options)

    def _plus(self, name: str, value: _Value, array: np.ndarray | None) -> _Value:
        return value if array is None or not array.any() else self._put("Add", name, value, _arranged(array, value))

    def _cast(self, name: str, value: _Value, dtype: np.dtype) -> _Value:
        return self._put("Cast", name, value, to=self.onnx.helper.np_dtype_to_tensor_dtype(dtype))

    def _reshape(self, name: str, value: _Value, shape: Shape) -> _Value:
        return self._put("Reshape", name, value, np.array([0, *shape]))  # 0: as many samples as there are

    def _pad(self, name: str, value: _Value, before: Sequence[int], after: Sequence[int]) -> _Value:
        """Rows and columns of zeros around an image."""
        if not any(before) and not any(after):
            return value
        pads = np.zeros((2, 4), np.int64)
        pads[:, _image_axes(value)] = before, after
        return self._put("Pad", name, value, pads.reshape(-1))

    def _cut(self, name: str, value: _Value, starts: Sequence[int], ends: Sequence[int]) -> _Value:
        """The rows and columns of an image from a start to an end."""
        return self._put("Slice", name, value, np.array(starts), np.array(ends), np.array(_image_axes(value)))

    def _first(self, value: _Value) -> _Value:
        return value if value.first else self._turn(value, (0, 3, 1, 2))

    def _last(self, value: _Value) -> _Value:
        return self._turn(value, (0, 2, 3, 1)) if value.first else value

    def _turn(self, value: _Value, order: tuple[int, ...]) -> _Value:
        """An image with its channels at the other end, made once however many ask."""
        if value not in self.turned:
            made = replace(self._put("Transpose", value.name, value, perm=order), first=not value.first)
            self.turned |= {value: made, made: value}
        return self.turned[value]

    def _alike(self, values: Sequence[_Value]) -> list[_Value]:
        """Values with channels at the same end."""
        return [self._first(value) for value in values] if any(value.first for value in values) else list(values)

    def _constant(self, name: str, array: np.ndarray) -> str:
        name = self._name(f"{name}/constant")
        self.constants.append(self.onnx.numpy_helper.from_array(array.copy(), name))
        return name

    def _info(self, name: str, dtype: np.dtype, shape: Shape) -> Any:
        helper = self.onnx.helper
        return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(dtype), ["samples", *shape])

    def _name(self, wanted: str) -> str:
        """A name that nothing else has: as wanted, or with a number."""
        name = free_name(wanted or "_", self.taken)
        self.taken.add(name)
        return name


def _image_axes(value: _Value) -> list[int]:
    """Which axes of an image are its rows and its columns."""
    return [2, 3] if value.first else [1, 2]


def _arranged(array: np.ndarray, value: _Value) -> np.ndarray:
    """An array that broadcasts against our shape, so that it broadcasts against the value."""
    if not value.first or not array.ndim:
        return array
    return array.reshape((1,) * (3 - array.ndim) + array.shape).transpose(2, 0, 1)


def _pads(operation: Any, shape: Shape) -> list[int]:
    """Padding of windows as ONNX has it: top, left, bottom, right."""
    (_, top, bottom), (_, left, right) = operation.windows.axes(shape)
    return [top, left, bottom, right]


TARGET = Target(
    ".onnx", write=to_onnx, read=None, package="onnx", metadata=True,
    keeps="Every vote and class, with channels last; the class key, the read-out and the metadata as JSON.",
    about="ONNX, for runtimes such as ONNX Runtime and OpenVINO",
    use="onnxruntime.InferenceSession('FILE').run(None, {'input': x}), with x in float32, a row a sample; in OpenVINO "
        "openvino.compile_model('FILE', 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})({'input': x}).")

"""A trained Keras model into a network of integrate-and-fire neurons for the simulator."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from whetstone_lab.conversion.calls import Call, flatten
from whetstone_lab.conversion.folding import (
    TRAIN_ONLY,
    Weights,
    computes_as,
    depthwise_kernel,
    kernel_and_bias,
    plan_folding,
)
from whetstone_lab.simulator import Network, Node, operations
from whetstone_lab.simulator.network import INPUT
from whetstone_lab.simulator.operations import Operation, Shape
from whetstone_lab.training.decode import SoftmaxDecode
from whetstone_lab.training.layers import SpikingLayer


def convert(model: keras.Model, *, require_sharp: bool = True, rectify: bool = False) -> Network:
    """Makes a network of spiking neurons from a trained Keras model.

    Each spiking layer becomes a layer of integrate-and-fire neurons, whose spikes equal the layer's activations at
    full sharpness neuron for neuron; see :func:`whetstone_lab.run` for what rounding can do. Neurons behind a
    max-pool are put before it, one for each value that it pools: the largest value reaches a threshold if any does, and
    of spikes a chip can tell whether there was any. Batch norm is folded into the weights beside it; layers that act
    only in training vanish. A ``SoftmaxDecode`` at the end becomes the network's class key, whose votes have the same
    winner: its softmax keeps the order of the scores and gives equal scores equal probabilities, and where classes tie
    both take the lowest. (Only a temperature so large that float32 cannot tell two scores apart after the softmax,
    beyond some 10^7, makes Keras see ties that are none.)
    Without it the output stays what it is: spikes, or the analog values of a last linear layer, read as ``"linear"``
    or, before a softmax, as ``"softmax"``.

    Args:
        model: A built Sequential or functional model with one input of fixed shape and one output; models within it,
            residual sums and concatenations are followed. Neurons keep the shapes that they have in Keras, also with
            channels first; a convolution over one axis becomes one over an image of one column.
        require_sharp: Whether every spiking layer must be fully sharp. False converts the layers as if they were.
            Default: True.
        rectify: Whether ReLU activations are kept, which gives the ReLU twin of a spiking network; it can be run
            beside it, and rate-coded (:func:`whetstone_lab.simulator.rate_coding.rate_coded`). False refuses them, as
            no neuron that fires once computes one. Default: False.

    Returns:
        The network. Layers of neurons are named after the spiking layers, after those of the models around them.

    Raises:
        TypeError: It is no Sequential or functional model, nor are those within it.
        ValueError: It is not built; a layer is of an unknown kind, is not fully sharp, has an activation that is no
            spiking layer, or has weights that are not finite; or batch norm cannot be folded. The
            message says where in the model.

    Warns:
        UserWarning: A layer computes in half precision, which the network does not: spikes can differ.
    """
    calls = flatten(model)
    if require_sharp:
        _check_sharp(calls)
    _check_precision(calls)
    folding = plan_folding(calls)
    nodes: list[Node] = []
    names, shapes = {-1: INPUT}, {INPUT: _input_shape(model)}
    key = readout = None
    for position, call in enumerate(_neurons_before_pools(calls)):
        layer, inputs = call.layer, tuple(names[source] for source in call.inputs)
        try:
            if isinstance(layer, SoftmaxDecode) or _activation(layer) is keras.activations.softmax:
                if position < len(calls) - 1:
                    raise ValueError("expected a softmax at the end of the model only; more layers follow it.")
                key = getattr(layer, "key", None)
                readout = "softmax" if key is None else "key"
            found = [] if id(layer) in folding.gone else _operations(
                layer, folding.weights.get(id(layer)), [shapes[name] for name in inputs], rectify)
            for suffix, operation in found:
                shape = operation.output_shape(*(shapes[name] for name in inputs))
                nodes.append(Node(call.name + suffix, operation, inputs))
                inputs = (nodes[-1].name,)
                shapes[inputs[0]] = shape
        except ValueError as error:
            raise ValueError(f"{call.place}: {error}") from error
        names[position] = inputs[0]
    return Network(shapes[INPUT], nodes, key=key, readout=readout, meta={"name": model.name})


def _neurons_before_pools(calls: Sequence[Call]) -> list[Call]:
    """The calls with each spiking layer, and each ReLU, before the max-pools that only it reads."""
    moved = list(calls)
    readers = Counter(source for call in calls for source in call.inputs)
    for position, call in enumerate(calls):
        while isinstance(call.layer, (SpikingLayer, keras.layers.ReLU)):
            source = call.inputs[0]
            if source < 0 or readers[source] > 1 or not computes_as(moved[source].layer, _MAX_POOLS):
                break
            moved[position] = replace(moved[source], inputs=(source,))
            moved[source] = call = replace(call, inputs=moved[source].inputs)
            position = source
    return moved


def _operations(layer: Any, weights: Weights | None, shapes: Sequence[Shape],
                rectify: bool) -> list[tuple[str, Operation]]:
    """What a layer becomes, each operation with what it adds to the layer's name."""
    if isinstance(layer, SpikingLayer):
        return [("", operations.Neurons(layer.threshold))]
    if rectify and type(layer) is keras.layers.ReLU and (layer.max_value, layer.negative_slope, layer.threshold) == (
            None, 0, 0):
        return [("", operations.ReLU())]
    kind = computes_as(layer, _MAKERS)
    if kind is None and not isinstance(layer, keras.layers.Layer):
        # ``x + y`` and ``ops.concatenate`` in a functional model are operations called and set as these layers are.
        kind = {"Add": keras.layers.Add, "Concatenate": keras.layers.Concatenate}.get(type(layer).__name__)
    if kind is None:
        known = ", ".join(sorted(kind.__name__ for kind in (*_MAKERS, keras.layers.BatchNormalization)))
        raise ValueError(f"convert does not know layers of type {type(layer).__name__}. It knows spiking layers, "
                         f"{known}, and models of these.")
    if getattr(layer, "quantization_mode", None):
        raise ValueError(f"expected floating point weights; got weights quantised to {layer.quantization_mode}.")
    made = _MAKERS[kind](layer, weights, shapes[0])
    if isinstance(made, Operation):
        made = [made]
    elif kind in _ON_IMAGES:
        made = _around_image(layer, made, shapes[0])
    # The last bears the layer's name.
    found = [(f"/{number}_{type(operation).__name__.lower()}", operation) for number, operation in enumerate(made[:-1])]
    found += [("", operation) for operation in made[-1:]]
    activation = _activation(layer)
    if isinstance(activation, SpikingLayer):
        found.append((f"/{activation.name}", operations.Neurons(activation.threshold)))
    elif rectify and activation is keras.activations.relu:
        found.append(("/relu", operations.ReLU()))
    elif activation not in (None, keras.activations.linear, keras.activations.softmax):
        name = getattr(activation, "__name__", type(activation).__name__)
        raise ValueError(f"expected no activation, and a spiking layer such as SpikingBReLU after it; got activation "
                         f"{name!r}, which no spiking neuron computes.")
    return found


def _activation(layer: Any) -> Any:
    return keras.activations.softmax if isinstance(layer, keras.layers.Softmax) else getattr(layer, "activation", None)


def _nothing(layer: Any, weights: Weights | None, shape: Shape) -> list[Operation]:
    """For layers that do nothing at inference, or whose activation is handled apart."""
    return []


def _softmax(layer: Any, weights: Weights | None, shape: Shape) -> list[Operation]:
    if layer.axis != -1:
        raise ValueError(f"expected a softmax over the last axis; got axis {layer.axis}.")
    return []


def _dense(layer: Any, weights: Weights | None, shape: Shape) -> Operation:
    return operations.Dense(*(weights or kernel_and_bias(layer)))


def _concatenate(layer: Any, weights: Weights | None, shape: Shape) -> Operation:
    if layer.axis == 0:
        raise ValueError("expected to join along an axis of the sample; got axis 0, the batch.")
    return operations.Concatenate(layer.axis - 1 if layer.axis > 0 else layer.axis)


def _flatten(layer: Any, weights: Weights | None, shape: Shape) -> list[Operation]:
    # Keras flattens channels last, whatever the data format.
    first = layer.data_format == "channels_first" and len(shape) > 1
    return [*([_channels_last(len(shape))] if first else []), operations.Reshape()]


def _reshape(layer: Any, weights: Weights | None, shape: Shape) -> Operation:
    return operations.Reshape(layer.target_shape)


def _permute(layer: Any, weights: Weights | None, shape: Shape) -> Operation:
    return operations.Permute([axis - 1 for axis in layer.dims])


def _rescaling(layer: Any, weights: Weights | None, shape: Shape) -> Operation:
    return operations.Scale(np.asarray(layer.scale, np.float32), np.asarray(layer.offset, np.float32))


# -- layers of images, or of one row of places, which is an image of one column ---------------------------------------


def _conv(layer: Any, weights: Weights | None, shape: Shape) -> list[Operation]:
    return _convolution(layer, *(weights or kernel_and_bias(layer)), layer.groups)


def _depthwise(layer: Any, weights: Weights | None, shape: Shape) -> list[Operation]:
    kernel, bias = weights or kernel_and_bias(layer)
    return _convolution(layer, kernel, bias, kernel.shape[-1] // layer.depth_multiplier)


def _separable(layer: Any, weights: Weights | None, shape: Shape) -> list[Operation]:
    pointwise, bias = weights or kernel_and_bias(layer)
    depthwise = depthwise_kernel(layer)
    groups = depthwise.shape[-1] // layer.depth_multiplier
    return [*_convolution(layer, depthwise, None, groups),
            operations.Conv2D(pointwise[:, None] if pointwise.ndim == 3 else pointwise, bias)]


def _convolution(layer: Any, kernel: np.ndarray, bias: np.ndarray | None, groups: int) -> list[Operation]:
    padding, before = layer.padding, []
    if padding == "causal":
        padding, before = "valid", [operations.Pad2D((layer.dilation_rate[0] * (len(kernel) - 1), 0))]
    return [*before, operations.Conv2D(kernel[:, None] if kernel.ndim == 3 else kernel, bias,
                                       _pair(layer.dilation_rate), groups, strides=_pair(layer.strides),
                                       padding=padding)]


def _conv_transpose(layer: Any, weights: Weights | None, shape: Shape) -> list[Operation]:
    kernel, bias = weights or kernel_and_bias(layer)
    image = layer.compute_output_shape((None, *shape))
    size = image[2:] if layer.data_format == "channels_first" else image[1:-1]
    places = shape[1:] if layer.data_format == "channels_first" else shape[:-1]
    start = [0] * len(size)
    if layer.padding == "same":
        # It is the gradient of a convolution from the output to the input, padded as such.
        start = [max((place - 1) * stride + (taps - 1) * gap + 1 - length, 0) // 2 for place, stride, taps, gap, length
                 in zip(places, layer.strides, kernel.shape, layer.dilation_rate, size, strict=False)]
    return [operations.Conv2DTranspose(kernel[:, None] if kernel.ndim == 3 else kernel, bias, size=_pair(size),
                                       strides=_pair(layer.strides), dilation=_pair(layer.dilation_rate),
                                       start=_pair(start, 0))]


def _pool(kind: type[operations.MaxPool2D] | type[operations.AveragePool2D]) -> Maker:
    return lambda layer, weights, shape: [kind(_pair(layer.pool_size), strides=_pair(layer.strides),
                                               padding=layer.padding)]


def _global_pool(kind: type[operations.GlobalMaxPool2D] | type[operations.GlobalAveragePool2D]) -> Maker:
    return lambda layer, weights, shape: [kind(layer.keepdims)]


def _zero_padding(layer: Any, weights: Weights | None, shape: Shape) -> list[Operation]:
    rows, columns = _ends(layer.padding)
    return [operations.Pad2D(rows, columns)]


def _cropping(layer: Any, weights: Weights | None, shape: Shape) -> list[Operation]:
    (top, bottom), (left, right) = _ends(layer.cropping)
    return [operations.Pad2D((-top, -bottom), (-left, -right))]


def _up_sampling(layer: Any, weights: Weights | None, shape: Shape) -> list[Operation]:
    if getattr(layer, "interpolation", "nearest") != "nearest":
        raise ValueError(f"expected interpolation 'nearest'; got {layer.interpolation!r}, which makes no spikes.")
    return [operations.UpSample2D(_pair(layer.size))]


def _around_image(layer: Any, made: Sequence[Operation], shape: Shape) -> list[Operation]:
    """Operations on an image, channels last, between what brings the layer's input into that form and back."""
    first, flat = getattr(layer, "data_format", "channels_last") == "channels_first", len(shape) == 2
    before: list[Operation] = [_channels_last(len(shape))] if first else []
    if first:
        shape = (*shape[1:], shape[0])
    if flat:
        before.append(operations.Reshape((shape[0], 1, shape[1])))
        shape = (shape[0], 1, shape[1])
    for operation in made:
        shape = operation.output_shape(shape)
    after: list[Operation] = []
    if len(shape) == 3:  # a global pool leaves channels only
        if flat:
            after.append(operations.Reshape((shape[0], shape[2])))
        if first:
            after.append(operations.Permute((1, 0) if flat else (2, 0, 1)))
    return [*before, *made, *after]


def _channels_last(axes: int) -> Operation:
    return operations.Permute((*range(1, axes), 0))


def _pair(values: Any, other: int = 1) -> tuple[int, int]:
    """Rows and columns: those of an image, or those of a row of places beside the ``other`` of a single column."""
    values = (values,) if isinstance(values, int) else tuple(values)
    return values if len(values) == 2 else (values[0], other)


def _ends(ends: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """Before and after, along rows and columns; of a row of places a single pair of numbers is given."""
    (top, bottom), (left, right) = (ends, (0, 0)) if isinstance(ends[0], int) else ends
    return (top, bottom), (left, right)


Maker = Callable[[Any, Weights | None, Shape], Operation | list[Operation]]

_MAX_POOLS = (keras.layers.MaxPooling1D, keras.layers.MaxPooling2D, keras.layers.GlobalMaxPooling1D,
              keras.layers.GlobalMaxPooling2D)

#: Keras layer of images -> what makes its operations on an image, channels last.
_ON_IMAGES: dict[type, Maker] = {
    **dict.fromkeys((keras.layers.Conv1D, keras.layers.Conv2D), _conv),
    **dict.fromkeys((keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D), _depthwise),
    **dict.fromkeys((keras.layers.SeparableConv1D, keras.layers.SeparableConv2D), _separable),
    **dict.fromkeys((keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose), _conv_transpose),
    **dict.fromkeys(_MAX_POOLS[:2], _pool(operations.MaxPool2D)),
    **dict.fromkeys((keras.layers.AveragePooling1D, keras.layers.AveragePooling2D), _pool(operations.AveragePool2D)),
    **dict.fromkeys(_MAX_POOLS[2:], _global_pool(operations.GlobalMaxPool2D)),
    **dict.fromkeys((keras.layers.GlobalAveragePooling1D, keras.layers.GlobalAveragePooling2D),
                    _global_pool(operations.GlobalAveragePool2D)),
    **dict.fromkeys((keras.layers.ZeroPadding1D, keras.layers.ZeroPadding2D), _zero_padding),
    **dict.fromkeys((keras.layers.Cropping1D, keras.layers.Cropping2D), _cropping),
    **dict.fromkeys((keras.layers.UpSampling1D, keras.layers.UpSampling2D), _up_sampling),
}

#: Keras layer -> what makes its operations from it, its folded weights and the shape of its input. Subclasses count if
#: they keep its ``call``.
_MAKERS: dict[type, Maker] = {
    **_ON_IMAGES,
    **dict.fromkeys(TRAIN_ONLY, _nothing),
    keras.layers.Activation: _nothing,
    keras.layers.Softmax: _softmax,
    SoftmaxDecode: _nothing,
    keras.layers.Dense: _dense,
    keras.layers.Flatten: _flatten,
    keras.layers.Reshape: _reshape,
    keras.layers.Permute: _permute,
    keras.layers.Rescaling: _rescaling,
    keras.layers.Add: lambda layer, weights, shape: operations.Add(),
    keras.layers.Concatenate: _concatenate,
}


def _check_sharp(calls: Sequence[Call]) -> None:
    soft = []
    for call in calls:
        for layer in (call.layer, _activation(call.layer)):
            if isinstance(layer, SpikingLayer) and (sharpness := float(layer.sharpness)) < 1:
                soft.append(f"{call.place} at {sharpness:.6g}")
    if soft:
        raise ValueError(f"Expected every spiking layer at sharpness 1; got {'; '.join(soft)}. Sharpen on, or pass "
                         "require_sharp=False to convert them as if they were sharp.")


def _check_precision(calls: Sequence[Call]) -> None:
    half = [f"{call.place} in {call.layer.compute_dtype}" for call in calls
            if getattr(call.layer, "compute_dtype", "float32") not in ("float32", "float64")]
    if half:
        warnings.warn(f"These layers compute in half precision and the network will not, so spikes can differ where a "
                      f"potential is near its threshold: {'; '.join(half)}.", stacklevel=3)


def _input_shape(model: keras.Model) -> tuple[int, ...]:
    shape = tuple(model.inputs[0].shape[1:])
    if None in shape:
        raise ValueError(f"Expected a model whose input has a fixed shape; got {shape}.")
    return shape

"""A trained Keras model into a network of integrate-and-fire neurons for the simulator."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from whetstone_lab.folding import TRAIN_ONLY, Weights, kernel_and_bias, plan_folding
from whetstone_lab.graph import Call, flatten
from whetstone_lab.layers import SoftmaxDecode, SpikingLayer
from whetstone_lab.simulator import Network, Node, operations
from whetstone_lab.simulator.network import INPUT
from whetstone_lab.simulator.operations import Operation


def convert(model: keras.Model, *, require_sharp: bool = True) -> Network:
    """Makes a network of spiking neurons from a trained Keras model.

    Each spiking layer becomes a layer of integrate-and-fire neurons, whose spikes equal the layer's activations at
    full sharpness neuron for neuron; see :func:`whetstone_lab.simulator.run` for what rounding can do. Batch norm is
    folded into the weights beside it; layers that act only in training vanish. A ``SoftmaxDecode`` at the end becomes
    the network's class key, whose votes have the same winner: its softmax keeps the order of the scores and gives
    equal scores equal probabilities, and where classes tie both take the lowest. (Only a temperature so large that
    float32 cannot tell two scores apart after the softmax, beyond some 10^7, makes Keras see ties that are none.)
    Without it the output stays what it is: spikes, or the analog values of a last linear layer, read as ``"linear"``
    or, before a softmax, as ``"softmax"``.

    Args:
        model: A built Sequential or functional model with one input of fixed shape and one output, channels last;
            models within it, residual sums and concatenations are followed.
        require_sharp: Whether every spiking layer must be fully sharp. False converts the layers as if they were.
            Default: True.

    Returns:
        The network. Layers of neurons are named after the spiking layers, after those of the models around them.

    Raises:
        TypeError: It is no Sequential or functional model, nor are those within it.
        ValueError: It is not built; a layer is of an unknown kind, is not fully sharp, has an activation that is no
            spiking layer, has channels first or weights that are not finite; or batch norm cannot be folded. The
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
    names = {-1: INPUT}
    key = readout = None
    for position, call in enumerate(calls):
        layer, inputs = call.layer, tuple(names[source] for source in call.inputs)
        try:
            if isinstance(layer, SoftmaxDecode) or _activation(layer) is keras.activations.softmax:
                if position < len(calls) - 1:
                    raise ValueError("expected a softmax at the end of the model only; more layers follow it.")
                key = getattr(layer, "key", None)
                readout = "softmax" if key is None else "key"
            found = [] if id(layer) in folding.gone else _operations(layer, folding.weights.get(id(layer)))
        except ValueError as error:
            raise ValueError(f"{call.place}: {error}") from error
        for suffix, operation in found:
            nodes.append(Node(call.name + suffix, operation, inputs))
            inputs = (nodes[-1].name,)
        names[position] = inputs[0]
    return Network(_input_shape(model), nodes, key=key, readout=readout, meta={"name": model.name})


def _operations(layer: Any, weights: Weights | None) -> list[tuple[str, Operation]]:
    """What a layer becomes, each operation with what it adds to the layer's name."""
    if isinstance(layer, SpikingLayer):
        return [("", operations.Neurons(layer.threshold))]
    kind: Any = next((kind for kind in type(layer).__mro__ if kind in _MAKERS), None)
    if kind is None or type(layer).call is not kind.call:
        known = ", ".join(sorted(kind.__name__ for kind in (*_MAKERS, keras.layers.BatchNormalization)))
        raise ValueError(f"convert does not know layers of type {type(layer).__name__}. It knows spiking layers, "
                         f"SoftmaxDecode, {known}, and models of these.")
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        raise ValueError(f"expected data_format 'channels_last'; got {layer.data_format!r}.")
    if getattr(layer, "quantization_mode", None):
        raise ValueError(f"expected floating point weights; got weights quantised to {layer.quantization_mode}.")
    operation = _MAKERS[kind](layer, weights)
    found = [] if operation is None else [("", operation)]
    activation = _activation(layer)
    if isinstance(activation, SpikingLayer):
        found.append((f"/{activation.name}", operations.Neurons(activation.threshold)))
    elif activation not in (None, keras.activations.linear, keras.activations.softmax):
        name = getattr(activation, "__name__", type(activation).__name__)
        raise ValueError(f"expected no activation, and a spiking layer such as SpikingBReLU after it; got activation "
                         f"{name!r}, which no spiking neuron computes.")
    return found


def _activation(layer: Any) -> Any:
    return keras.activations.softmax if isinstance(layer, keras.layers.Softmax) else getattr(layer, "activation", None)


def _nothing(layer: Any, weights: Weights | None) -> None:
    """For layers that do nothing at inference, or whose activation is handled apart."""


def _softmax(layer: Any, weights: Weights | None) -> None:
    if layer.axis != -1:
        raise ValueError(f"expected a softmax over the last axis; got axis {layer.axis}.")


def _dense(layer: Any, weights: Weights | None) -> Operation:
    return operations.Dense(*(weights or kernel_and_bias(layer)))


def _conv2d(layer: Any, weights: Weights | None) -> Operation:
    if layer.groups != 1:
        raise ValueError(f"expected a convolution of one group; got {layer.groups} groups.")
    return operations.Conv2D(*(weights or kernel_and_bias(layer)), layer.dilation_rate, strides=layer.strides,
                             padding=layer.padding)


def _pool(kind: type[operations.MaxPool2D] | type[operations.AveragePool2D]) -> Maker:
    return lambda layer, weights: kind(layer.pool_size, strides=layer.strides, padding=layer.padding)


def _concatenate(layer: Any, weights: Weights | None) -> Operation:
    if layer.axis == 0:
        raise ValueError("expected to join along an axis of the sample; got axis 0, the batch.")
    return operations.Concatenate(layer.axis - 1 if layer.axis > 0 else layer.axis)


def _reshape(layer: Any, weights: Weights | None) -> Operation:
    return operations.Reshape(layer.target_shape)


def _rescaling(layer: Any, weights: Weights | None) -> Operation:
    return operations.Scale(np.asarray(layer.scale, np.float32), np.asarray(layer.offset, np.float32))


Maker = Callable[[Any, Weights | None], Operation | None]

#: Keras layer -> what makes its operation from it and its folded weights. Subclasses count if they keep its ``call``.
_MAKERS: dict[type, Maker] = {
    **dict.fromkeys(TRAIN_ONLY, _nothing),
    keras.layers.Activation: _nothing,
    keras.layers.Softmax: _softmax,
    SoftmaxDecode: _nothing,
    keras.layers.Dense: _dense,
    keras.layers.Conv2D: _conv2d,
    keras.layers.MaxPooling2D: _pool(operations.MaxPool2D),
    keras.layers.AveragePooling2D: _pool(operations.AveragePool2D),
    keras.layers.GlobalMaxPooling2D: lambda layer, _: operations.GlobalMaxPool2D(layer.keepdims),
    keras.layers.GlobalAveragePooling2D: lambda layer, _: operations.GlobalAveragePool2D(layer.keepdims),
    keras.layers.Flatten: lambda layer, _: operations.Reshape(),
    keras.layers.Reshape: _reshape,
    keras.layers.Rescaling: _rescaling,
    keras.layers.Add: lambda layer, _: operations.Add(),
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
            if call.layer.compute_dtype not in ("float32", "float64")]
    if half:
        warnings.warn(f"These layers compute in half precision and the network will not, so spikes can differ where a "
                      f"potential is near its threshold: {'; '.join(half)}.", stacklevel=3)


def _input_shape(model: keras.Model) -> tuple[int, ...]:
    shape = tuple(model.inputs[0].shape[1:])
    if None in shape:
        raise ValueError(f"Expected a model whose input has a fixed shape; got {shape}.")
    return shape

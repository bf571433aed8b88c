"""A trained Keras model into a network of integrate-and-fire neurons for the simulator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from whetstone_lab.conversion import makers  # noqa: F401 its files register what they make
from whetstone_lab.conversion.calls import Call, layer_calls
from whetstone_lab.conversion.folding import plan_folding
from whetstone_lab.conversion.makers.activations import activation_of, after
from whetstone_lab.conversion.makers.images import around_image
from whetstone_lab.conversion.makers.readout import readout_of
from whetstone_lab.conversion.makers.registry import Site, kind_of, layers_where
from whetstone_lab.conversion.order import neurons_before_pools, without
from whetstone_lab.conversion.precision import warn_if_coarse
from whetstone_lab.simulator import Network, Node
from whetstone_lab.simulator.network import INPUT
from whetstone_lab.simulator.operations import Operation
from whetstone_lab.training.layers import SpikingLayer


def convert(model: keras.Model, *, require_sharp: bool = True, keep_relu: bool = False) -> Network:
    """Makes a network of spiking neurons from a trained Keras model.

    Each spiking layer becomes a layer of integrate-and-fire neurons, whose spikes equal the layer's activations at
    full sharpness neuron for neuron; see :func:`whetstone_lab.run` for what rounding can do. Neurons behind a
    max-pool are put before it, one for each value that it pools: the largest value reaches a threshold if any does, and
    of spikes a chip can tell whether there was any.

    Batch norm is folded into the weights beside it or, where none are, into the thresholds of the neurons right behind
    it; see :mod:`whetstone_lab.conversion.folding`. Layers that act only in training vanish.

    A ``SoftmaxDecode`` at the end becomes the network's class key, whose votes have the same winner: its softmax keeps
    the order of the scores and gives equal scores equal probabilities, and where classes tie both take the lowest.
    (Only a temperature so large that float32 cannot tell two scores apart after the softmax, beyond some 10^7, makes
    Keras see ties that are none.) Without it the output stays what it is: spikes, or the analog values of a last linear
    layer, read as ``"linear"`` or, before a softmax, as ``"softmax"``.

    Args:
        model: A built Sequential or functional model with one input of fixed shape and one output; models within it,
            residual sums and concatenations are followed. Neurons keep the shapes that they have in Keras, also with
            channels first; a convolution over one axis becomes one over an image of one column.
        require_sharp: Whether every spiking layer must be fully sharp. False converts the layers as if they were.
            Default: True.
        keep_relu: Whether ReLU activations are kept, which gives the ReLU baseline of a spiking network; it can be run
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
        UserWarning: A layer computes in half precision, or a GPU in TensorFloat-32, which the network does not: spikes
            can differ. The message says what to write.
    """
    calls = layer_calls(model)
    if require_sharp:
        _check_sharp(calls)
    warn_if_coarse(calls)
    calls = neurons_before_pools(calls)
    folding = plan_folding(calls, thresholds=True)
    # Neurons that took batch norm in may stand right behind a pool now. The largest value is none of the smallest.
    flipped = [layer for layer, norm in folding.thresholds.items() if (norm.scale < 0).any()]
    calls = neurons_before_pools(without(calls, folding.gone), stay=flipped)
    nodes: list[Node] = []
    names, shapes = {-1: INPUT}, {INPUT: _input_shape(model)}
    key = readout = None
    for position, call in enumerate(calls):
        layer, inputs = call.layer, tuple(names[source] for source in call.inputs)
        site = Site([shapes[name] for name in inputs], folding.weights.get(id(layer)),
                    folding.thresholds.get(id(layer)))
        try:
            end = readout_of(layer)
            if end is not None:
                if position < len(calls) - 1:
                    raise ValueError("expected a softmax at the end of the model only; more layers follow it.")
                readout, key = end
            for suffix, operation in _operations(layer, site, keep_relu):
                shape = operation.output_shape(*(shapes[name] for name in inputs))
                nodes.append(Node(_free(call.name + suffix, shapes), operation, inputs))
                inputs = (nodes[-1].name,)
                shapes[inputs[0]] = shape
        except ValueError as error:
            raise ValueError(f"{call.place}: {error}") from error
        names[position] = inputs[0]
    return Network(shapes[INPUT], nodes, key=key, readout=readout, meta={"name": model.name})


def _operations(layer: Any, site: Site, keep_relu: bool) -> list[tuple[str, Operation]]:
    """What a layer becomes, each operation with what it adds to the layer's name."""
    kind = kind_of(layer)
    if kind.make is None:
        known = ", ".join(layers_where(lambda kind: kind.make and not kind.baseline and not kind.any_call))
        raise ValueError(f"convert does not know layers of type {type(layer).__name__}. It knows spiking layers, "
                         f"{known}, BatchNormalization, and models of these.")
    if kind.baseline and not keep_relu:
        raise ValueError(f"expected a spiking layer such as SpikingBReLU; got a {type(layer).__name__}, which no "
                         "spiking neuron computes. For the ReLU baseline of a spiking network pass keep_relu=True.")
    if getattr(layer, "quantization_mode", None):
        raise ValueError(f"expected floating point weights; got weights quantised to {layer.quantization_mode}.")
    made = [*kind.make(layer, site)]
    if kind.on_images:
        made = around_image(layer, made, site.shape)
    # The last bears the layer's name.
    found = [(f"/{number}_{type(operation).__name__.lower()}", operation) for number, operation in enumerate(made[:-1])]
    found += [("", operation) for operation in made[-1:]]
    return [*found, *after(layer, keep_relu)]


def _free(name: str, taken: Any) -> str:
    """The name, or the next that is free: ``"input"`` is the network's own."""
    number = 1
    free = name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def _check_sharp(calls: Sequence[Call]) -> None:
    soft = []
    for call in calls:
        for layer in (call.layer, activation_of(call.layer)):
            if isinstance(layer, SpikingLayer) and (sharpness := float(layer.sharpness)) < 1:
                soft.append(f"{call.place} at {sharpness:.6g}")
    if soft:
        raise ValueError(f"Expected every spiking layer at sharpness 1; got {'; '.join(soft)}. Sharpen on, or pass "
                         "require_sharp=False to convert them as if they were sharp.")


def _input_shape(model: keras.Model) -> tuple[int, ...]:
    shape = tuple(model.inputs[0].shape[1:])
    if None in shape:
        raise ValueError(f"Expected a model whose input has a fixed shape; got {shape}.")
    return shape

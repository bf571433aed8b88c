"""A trained Keras model into a network of integrate-and-fire neurons for the simulator."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import keras

from whetstone_lab.conversion.calls import Call, layer_calls, unwrapped
from whetstone_lab.conversion.lowering import lower
from whetstone_lab.conversion.makers.activations import activation_of
from whetstone_lab.conversion.precision import warn_if_coarse
from whetstone_lab.conversion.refusals import ConversionError
from whetstone_lab.simulator import Network
from whetstone_lab.training.heads import heads_of, output_names
from whetstone_lab.training.layers import SpikingLayer


def convert(model: keras.Model, *, require_sharp: bool = True, keep_relu: bool = False,
            readout: str | Mapping[str, str] | None = None) -> Network:
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
    layer, before any softmax or sigmoid. How these are read follows from the layer: ``"softmax"``, the largest wins;
    ``"sigmoid"``, each answers yes or no. Of a linear layer it follows from the loss that the model is compiled with:
    ``"linear"``, the largest wins; ``"logit"``, each answers yes or no; ``"values"``, as in a regression. Without a
    loss several values are read as ``"linear"``, and a single one as a value, with a warning.

    Several inputs and outputs keep the names that they have in Keras. The network then takes a list or a dict of
    inputs, and gives dicts by the name of the output.

    Args:
        model: A built Sequential or functional model with inputs of fixed shape; models within it, residual sums and
            concatenations are followed. Neurons keep the shapes that they have in Keras, also with
            channels first; a convolution over one axis becomes one over an image of one column.
        require_sharp: Whether every spiking layer must be fully sharp. False converts the layers as if they were.
            Default: True.
        keep_relu: Whether ReLU activations are kept, which gives the ReLU baseline of a spiking network; it can be run
            beside it, and rate-coded (:func:`whetstone_lab.simulator.rate_coding.rate_coded`). False refuses them, as
            no neuron that fires once computes one. Default: False.
        readout: How the output is read, one of :data:`~whetstone_lab.simulator.readouts.READOUTS`; of several outputs a
            dict by name, in which some may be missing. Default: as above.

    Returns:
        The network. Layers of neurons are named after the spiking layers, after those of the models around them.

    Raises:
        TypeError: It is no Sequential or functional model, nor are those within it.
        ValueError: It is not built; a layer is of an unknown kind, is not fully sharp, has an activation that is no
            spiking layer, or has weights that are not finite; batch norm cannot be folded; or an output cannot be
            read so. The message says where in the model.

    Warns:
        UserWarning: A layer computes in half precision, or a GPU in TensorFloat-32, which the network does not: spikes
            can differ. Or nothing says what a single linear value stands for. The message says what to write.

    Example:
        >>> inputs = keras.Input((4,))
        >>> hidden = whetstone_lab.SpikingBReLU(sharpness=1.0)(keras.layers.Dense(6)(inputs))
        >>> heads = [keras.layers.Dense(3, activation="softmax", name="kind")(hidden),
        ...          keras.layers.Dense(1, name="size")(hidden)]
        >>> network = convert(keras.Model(inputs, heads), readout={"size": "values"})
        >>> {name: head.kind for name, head in network.heads.items()}
        {'kind': 'softmax', 'size': 'values'}
    """
    calls = layer_calls(model, odd=True)
    readouts = _readouts(model, readout)
    if require_sharp:
        _check_sharp(calls)
    warn_if_coarse(calls)
    network, findings = lower(model, calls, keep_relu, readouts)
    if network is None:
        raise ConversionError(findings)
    for head, node in zip(heads_of(model), network.read.values(), strict=True):
        if head.assumed and head.kind == "values" and not (network.spiking[node] or head.name in readouts):
            warnings.warn(head.assumed, stacklevel=2)
    return network


def _check_sharp(calls: Sequence[Call]) -> None:
    soft = []
    for call in calls:
        own = unwrapped(call.layer)
        for layer in (own, activation_of(own)):
            if isinstance(layer, SpikingLayer) and (sharpness := float(layer.sharpness)) < 1:
                soft.append(f"{call.place} at {sharpness:.6g}")
    if soft:
        raise ValueError(f"Expected every spiking layer at sharpness 1; got {'; '.join(soft)}. Sharpen on, or pass "
                         "require_sharp=False to convert them as if they were sharp.")


def _readouts(model: keras.Model, readout: str | Mapping[str, str] | None) -> Mapping[str, str]:
    """How outputs are asked to be read, by their names."""
    names = output_names(model)
    if isinstance(readout, Mapping):
        if unknown := [name for name in readout if name not in names]:
            raise ValueError(f"Expected readouts of the outputs {names}; got some of {unknown}.")
        return readout
    if readout is None:
        return {}
    if len(names) > 1:
        raise ValueError(f"Expected readouts by name, as the model has the outputs {names}; got {readout!r} for all.")
    return {names[0]: readout}

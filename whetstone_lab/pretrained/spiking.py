"""``spiking``: a network with ReLUs becomes one with spiking layers, which begins where the other stands."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Sequence
from typing import Any

import keras

from whetstone_lab.conversion.calls import Call, layer_calls, unwrapped
from whetstone_lab.conversion.cloning import clone
from whetstone_lab.conversion.makers.registry import kind_of
from whetstone_lab.conversion.refusals import ConversionError, Finding
from whetstone_lab.pretrained.calibration import activations_on, checked_batches
from whetstone_lab.pretrained.factors import factors_of
from whetstone_lab.pretrained.readout import keyed_heads
from whetstone_lab.pretrained.scaling import Scales, write_linear
from whetstone_lab.pretrained.turning import Turned, fires, problems, without_activation

#: How many calibration inputs are looked at.
SAMPLES = 1_000


def spiking(model: keras.Model, x: Any, *, key: Any = None, samples: int = SAMPLES) -> keras.Model:
    """Turns a network with ReLUs, trained or not, into one with spiking layers, for :func:`whetstone_lab.train`.

    Each ReLU (or ReLU6) becomes a :class:`~whetstone_lab.SpikingBReLU`. A ReLU ``h = max(z, 0)`` and a spike have
    different units, so each neuron of a dense layer and each channel of a convolution gets a level ``s``, the value
    that its spike stands for:

        ``h  ->  s * clip(z / s, 0, 1)`` while it is soft, ``s * [z / s >= 0.5]`` once it is sharp.

    The level is that of the least squared error once sharp, the mean of all ``h >= s / 2`` on the calibration inputs
    (:func:`whetstone_lab.method.levels.spike_levels`). It is no layer of its own: the weights before the neurons are
    divided by ``s`` and those behind multiplied, ``W' = W s_before / s_behind`` and ``b' = b / s_behind``. Of a batch
    norm gamma and beta are divided. Channels that a residual sum adds up have one level together. Where neurons stand
    between values that must keep their units (behind a sum with the model's input, or as an output), a ``Rescaling``
    takes them there and back.

    The new model computes what the given one does, but for values beyond the levels. Then ``train`` sharpens it in a
    fraction of the epochs. Layers that are frozen (``trainable=False``) stay so: ``model.trainable = True`` before the
    training lets them learn.

    Args:
        model: A built Sequential or functional model whose activations are ReLUs: layers, ``activation="relu"``,
            ``keras.ops.relu``, ReLU6. Models within it, layers that are called several times and ``TimeDistributed``
            are followed; Keras Applications' VGG16, ResNet50 and MobileNetV2 are turned. It is not touched.
        x: Calibration inputs, some that the network is trained on: an array with a sample in each row, arrays in a list
            or dict for several inputs, or anything that ``fit`` takes and that can be read again. Labels are not used.
        key: A class key, shape ``(classes, width)`` (:func:`whetstone_lab.make_key`): the scores of the last layer
            become as many output neurons, whose votes begin with the same decisions, and a
            :class:`~whetstone_lab.SoftmaxDecode`. Of several outputs a dict by name. Default: None, the read-out stays
            as it is, softmax, sigmoid or linear.
        samples: How many calibration inputs to look at, at least 1, or all where there are fewer; of arrays a random
            sample, always the same. Default: 1000.

    Returns:
        A new model, its spiking layers at sharpness 0; compiled alike if the given one is and its read-out stays.
        Spiking layers bear the name of the ReLU layer, or that of the layer before them with ``_spikes``.

    Raises:
        TypeError: It is no Keras model.
        ValueError: The model cannot be turned, or not be converted afterwards (a
            :class:`whetstone_lab.conversion.refusals.ConversionError` that lists every layer, its place and what to
            write instead); calibration inputs are none, not finite or of the wrong shape; a key does not fit. Nothing
            has been built then.

    Warns:
        UserWarning: The ReLUs of a layer were all silent on the calibration inputs, so that it keeps its scale. Or the
            model is compiled with something of which there is no second.

    Example:
        >>> inputs = keras.Input((6,))
        >>> hidden = keras.layers.Dense(8, activation="relu")(inputs)
        >>> relu_model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(hidden))
        >>> model = spiking(relu_model, x_train)
        >>> trace = train(model, x_train, y_train, epochs=3, verbose=0)
        >>> network = convert(model)
    """
    if not isinstance(model, keras.Model):
        raise TypeError(f"Expected a Keras model; got {model!r}.")
    calls = _turnable(model)
    heads = keyed_heads(model, calls, key)
    batches = checked_batches(model, x, samples)
    factors, cut = factors_of(calls, [tuple(tensor.shape[1:]) for tensor in model.inputs])
    turned = Turned(calls, [head.position for head in heads])
    given = {position: out for position, (_, out) in factors.relus.items()}
    plain = {head.position: _scorer(calls[head.position].layer) for head in heads}
    activations, scores = activations_on(model, batches, calls, given, plain)
    silent = [calls[place].place for place, values in activations.items() if not (values > 0).any()]
    if silent:
        warnings.warn(f"These ReLUs gave 0 alone on the calibration inputs, so their weights keep their scale: "
                      f"{'; '.join(silent)}. Expected inputs that the network is trained on, prepared as for its "
                      "training.", stacklevel=2)
    scales = Scales(calls, factors, activations)
    swaps = _swaps(calls, turned, scales, cut)
    for head in heads:
        layer = calls[head.position].layer
        swaps[id(layer)] = head.layers(layer, turned.free(f"{layer.name}_spikes"))
        swaps.update({id(gone): [] for gone in head.gone})
    result = clone(model, swaps, {}, compiled=not heads)
    for call in calls:
        if id(unwrapped(call.layer)) in turned.inner:
            scales.write(unwrapped(call.layer), turned.inner[id(unwrapped(call.layer))])
    for head in heads:
        layer = calls[head.position].layer
        write_linear(swaps[id(layer)][0], layer, head.weights(scales.linear(layer), scores[head.position]))
    return result


def _turnable(model: Any) -> list[Call]:
    """The layer calls of a model, or a refusal of everything in it that cannot be turned."""
    advice = "Nothing was built."
    try:
        calls = layer_calls(model)
    except (TypeError, ValueError) as error:
        raise ConversionError([Finding(
            model.name, "The model", str(error).removesuffix("."),
            "Write it as a Sequential or functional model of layers that can be converted.")], advice) from error
    found = problems(calls)
    for tensor in model.inputs:
        if None in tensor.shape[1:]:
            found.insert(0, Finding(model.name, "The model", f"expected an input of a fixed shape; got "
                                    f"{tuple(tensor.shape[1:])}", "Give its Input layer the shape of one sample."))
    if not found and not any(fires(unwrapped(call.layer)) for call in calls):
        found.append(Finding(model.name, "The model", f"expected a model with at least one ReLU; {model.name!r} has "
                             "none",
                             "Put one behind each hidden layer, or whetstone_lab.SpikingBReLU() right away."))
    if found:
        raise ConversionError(found, advice)
    return calls


def _scorer(layer: Any) -> Callable[[Any], Any]:
    """A function of what a linear layer is fed that gives its values, without a softmax."""
    plain = without_activation(layer)

    def score(fed: Any) -> Any:
        if not plain.built:
            plain.build(tuple(fed.shape))
            linear = kind_of(layer).linear
            assert linear is not None
            write_linear(plain, layer, linear.read(layer))
        return plain(fed)

    return score


def _swaps(calls: Sequence[Call], turned: Turned, scales: Scales, cut: Collection[int]) -> dict[int, list[Any]]:
    """The new layers in place of each layer that has weights or ends in a ReLU, by its ``id``."""
    swaps: dict[int, list[Any]] = {}
    for position, call in enumerate(calls):
        layer = id(call.layer)
        if layer in swaps or not (layer in turned.linear or layer in turned.neurons):
            continue
        swaps[layer] = [turned.linear[layer]] if layer in turned.linear else []
        if layer in turned.neurons:
            neurons = turned.neurons[layer]
            into, back = scales.around(position) if layer in cut else (1.0, 1.0)
            for factor, end in ((into, "in"), (back, "out")):
                if end == "out":
                    swaps[layer].append(neurons)
                if factor != 1:
                    swaps[layer].append(keras.layers.Rescaling(
                        factor, name=turned.free(f"{neurons.name}_{end}"), dtype=neurons.dtype_policy))
    return swaps

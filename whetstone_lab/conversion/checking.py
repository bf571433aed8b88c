"""What keeps a Keras model from becoming a network of spikes, found before it is trained."""

from __future__ import annotations

from typing import Any

import keras
from keras.activations import sigmoid, softmax

from whetstone_lab.conversion.calls import layer_calls
from whetstone_lab.conversion.lowering import lower, never_sharpens
from whetstone_lab.conversion.refusals import ConversionError, Finding
from whetstone_lab.training.layers import all_layers, spiking_layers


def check(model: keras.Model) -> None:
    """Refuses a model that can never become a network of spikes, however it is trained.

    The model is taken through all that :func:`whetstone_lab.convert` does, at the weights that it has, so that the two
    agree; only its sharpness is not asked for. Of a Sequential model without an Input layer, shapes are not known
    before it is built; then only the layers themselves are looked at.

    Args:
        model: A model as it is given to :func:`whetstone_lab.train`.

    Raises:
        ConversionError: A ``ValueError`` with all that is in the way, a line for each: where it stands, what was
            expected and what came, and what to write instead. Its ``findings`` are the same as
            :class:`whetstone_lab.conversion.refusals.Finding`.
        TypeError: It is no Keras model.

    Example:
        >>> forgotten = keras.layers.Dense(16, activation="relu", name="forgotten")
        >>> model = keras.Sequential([keras.Input((8,)), forgotten], name="net")
        >>> try:
        ...     check(model)
        ... except ValueError as error:
        ...     print([finding.layer for finding in error.findings])
        ['forgotten', 'net']
    """
    found = findings(model)
    if found:
        raise ConversionError(found)


def findings(model: Any) -> list[Finding]:
    """What keeps a model from becoming a network of spikes.

    Args:
        model: As for :func:`check`.

    Returns:
        What was found, bottom first; nothing if it can be converted once it is sharp.

    Raises:
        TypeError: It is no Keras model.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(f"Expected a Keras model; got {model!r}.")
    unsharpened = ""
    try:
        spiking_layers(model)
    except ValueError as error:
        unsharpened = str(error).removesuffix(".")
    try:
        found = lower(model, layer_calls(model, built=False, odd=True))[1]
    except (TypeError, ValueError) as error:  # its layers cannot even be listed
        found = [Finding(model.name, "The model", str(error).removesuffix("."),
                         "Write it as a Sequential or functional model of layers that can be converted.",
                         sharpens=not unsharpened)]
        # What it does with them cannot be known, only that it has them; its last layer may end in one that is read.
        found += [Finding(layer.name, f"{layer.name!r}, {type(layer).__name__}, in the model",
                          "expected spiking layers as activations; got another, which never sharpens",
                          "Put whetstone_lab.SpikingBReLU() in its place.")
                  for layer in all_layers(model) if never_sharpens(layer, (softmax, sigmoid))]
    if unsharpened:
        found.append(Finding(model.name, "The model", unsharpened, "Put one wherever the model has an activation."))
    return found

"""The reference topologies that the demo, the notebooks and the benchmarks share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from whetstone_lab import keys
from whetstone_lab.layers import SoftmaxDecode, SpikingBReLU


def mlp(inputs: int, classes: int, *, hidden: Sequence[int] = (256, 64), width: int | None = None,
        dropout: float = 0.1, key: Any = None, temperature: float | None = None,
        surrogate_width: float | None = 1.0, spiking: bool = True) -> keras.Sequential:
    """A multilayer perceptron that speaks in spikes, or its ReLU twin.

    Spiking: ``[Dense, SpikingBReLU, Dropout]`` for each hidden layer, then ``Dense(width), SpikingBReLU,
    SoftmaxDecode``. Its twin has ReLU in place of each spiking layer and ends in ``Dense(classes)`` with a softmax.

    Args:
        inputs: Length of an input.
        classes: Number of classes.
        hidden: Neurons of each hidden layer. Default: 256 and 64, as in the published example.
        width: Output neurons. Default: ten for each class.
        dropout: Share of the hidden neurons that is dropped in training, in [0, 1); 0 leaves the layer out.
            Default: 0.1.
        key: Class key, shape ``(classes, width)``. Default: :func:`whetstone_lab.keys.make_key`.
        temperature: Of the decode layer. Default: ``sqrt(width)``.
        surrogate_width: Of the spiking layers. Default: 1.
        spiking: Whether to make the spiking net or its ReLU twin. Default: spiking.

    Returns:
        The model, not yet compiled.
    """
    layers: list[keras.layers.Layer] = [keras.layers.Input((inputs,))]
    for number, units in enumerate(hidden, 1):
        name = f"hidden_{number}"
        layers.append(keras.layers.Dense(units))
        layers.append(SpikingBReLU(surrogate_width=surrogate_width, name=name) if spiking
                      else keras.layers.ReLU(name=name))
        if dropout:
            layers.append(keras.layers.Dropout(dropout))
    if spiking:
        key = keys.make_key(classes, width) if key is None else keys.check_key(key, width=width)
        layers += [keras.layers.Dense(key.shape[1]), SpikingBReLU(surrogate_width=surrogate_width, name="output"),
                   SoftmaxDecode(key, temperature)]
    else:
        layers.append(keras.layers.Dense(classes, activation="softmax"))
    return keras.Sequential(layers, name="spiking_mlp" if spiking else "relu_mlp")

"""The multilayer perceptron."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from whetstone_lab.training.models.blocks import Blocks


def mlp(inputs: int, classes: int, *, hidden: Sequence[int] = (256, 64), width: int | None = None,
        dropout: float = 0.1, batchnorm: bool = False, key: Any = None, temperature: float | None = None,
        surrogate_width: float | None = 2.0, spiking: bool = True, seed: int | None = None) -> keras.Sequential:
    """A multilayer perceptron that speaks in spikes, or its ReLU baseline.

    Spiking: ``[Dense, SpikingBReLU, Dropout]`` for each hidden layer, then ``Dense(width), SpikingBReLU,
    SoftmaxDecode``. Its baseline has ReLU in place of each spiking layer and ends in ``Dense(classes)`` with a softmax.

    Args:
        inputs: Length of an input.
        classes: Number of classes.
        hidden: Neurons of each hidden layer. Default: 256 and 64, as in the published example.
        width: Output neurons. Default: ten for each class.
        dropout: Share of the hidden neurons that is dropped in training, in [0, 1); 0 leaves the layer out.
            Default: 0.1.
        batchnorm: Whether batch norm stands before each activation; it vanishes when the net is converted.
            Default: False, as in the published example.
        key: Class key, shape ``(classes, width)``. Default: :func:`whetstone_lab.method.class_keys.make_key`.
        temperature: Of the decode layer. Default: ``sqrt(width) / 2``.
        surrogate_width: Of the spiking layers. Default: 2.
        spiking: Whether to make the spiking net or its ReLU baseline. Default: spiking.
        seed: Where the draws of the weights and of dropout begin, at least 0; with the same seed they are the same,
            whatever else the process draws. (On PyTorch dropout draws from a generator of the whole process.)
            Default: None, Keras's own chance, which ``keras.utils.set_random_seed`` sets.

    Returns:
        The model, not yet compiled.
    """
    make = Blocks(dropout, batchnorm, surrogate_width, spiking, seed)
    layers = [keras.layers.Input((inputs,))]
    for number, units in enumerate(hidden, 1):
        layers += make.hidden(keras.layers.Dense(units, kernel_initializer=make.draw()), f"hidden_{number}")
    layers += make.read_out(classes, width, key, temperature)
    return keras.Sequential(layers, name="spiking_mlp" if spiking else "relu_mlp")

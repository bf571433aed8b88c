"""The reference nets that the demo, the notebooks and the benchmarks share, each in spikes or as its ReLU twin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from whetstone_lab.method import class_keys
from whetstone_lab.training.decode import SoftmaxDecode
from whetstone_lab.training.layers import SpikingBReLU


def mlp(inputs: int, classes: int, *, hidden: Sequence[int] = (256, 64), width: int | None = None,
        dropout: float = 0.1, batchnorm: bool = False, key: Any = None, temperature: float | None = None,
        surrogate_width: float | None = 2.0, spiking: bool = True) -> keras.Sequential:
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
        batchnorm: Whether batch norm stands before each activation; it vanishes when the net is converted.
            Default: False, as in the published example.
        key: Class key, shape ``(classes, width)``. Default: :func:`whetstone_lab.method.class_keys.make_key`.
        temperature: Of the decode layer. Default: ``sqrt(width) / 2``.
        surrogate_width: Of the spiking layers. Default: 2.
        spiking: Whether to make the spiking net or its ReLU twin. Default: spiking.

    Returns:
        The model, not yet compiled.
    """
    make = _Maker(dropout, batchnorm, surrogate_width, spiking)
    layers = [keras.layers.Input((inputs,))]
    for number, units in enumerate(hidden, 1):
        layers += make.hidden(keras.layers.Dense(units), f"hidden_{number}")
    layers += make.read_out(classes, width, key, temperature)
    return keras.Sequential(layers, name="spiking_mlp" if spiking else "relu_mlp")


def convnet(shape: Sequence[int], classes: int, *, filters: Sequence[int] = (16, 32), kernel: int = 5,
            hidden: Sequence[int] = (128,), width: int | None = None, dropout: float = 0.1, batchnorm: bool = False,
            key: Any = None, temperature: float | None = None, surrogate_width: float | None = 2.0,
            spiking: bool = True) -> keras.Sequential:
    """A small convolutional net of about LeNet-5's size that speaks in spikes, or its ReLU twin.

    ``[Conv2D, MaxPooling2D, SpikingBReLU]`` for each number of filters, then the layers of :func:`mlp`. The largest of
    a window crosses the threshold if any does, so as spikes it is the pool that stands behind the neurons, an OR;
    :func:`whetstone_lab.convert` puts it there. In training, a quarter of the activations is worked out so, and
    the gradient goes to the neuron that was nearest to firing.

    Args:
        shape: Rows, columns and channels of a picture.
        classes: Number of classes.
        filters: Filters of each convolution. Default: 16 and 32.
        kernel: Rows and columns of each filter. Default: 5.
        hidden: Neurons of each dense hidden layer. Default: one layer of 128.
        width: As for :func:`mlp`.
        dropout: As for :func:`mlp`; it is in the dense layers.
        batchnorm: As for :func:`mlp`.
        key: As for :func:`mlp`.
        temperature: As for :func:`mlp`.
        surrogate_width: As for :func:`mlp`.
        spiking: As for :func:`mlp`.

    Returns:
        The model, not yet compiled.
    """
    make = _Maker(dropout, batchnorm, surrogate_width, spiking)
    layers = [keras.layers.Input(tuple(shape))]
    for number, count in enumerate(filters, 1):
        *linear, activation = make.block(keras.layers.Conv2D(count, kernel), f"conv_{number}")
        layers += [*linear, keras.layers.MaxPooling2D(), activation]
    layers.append(keras.layers.Flatten())
    for number, units in enumerate(hidden, 1):
        layers += make.hidden(keras.layers.Dense(units), f"hidden_{number}")
    layers += make.read_out(classes, width, key, temperature)
    return keras.Sequential(layers, name="spiking_convnet" if spiking else "relu_convnet")


class _Maker:
    """Makes the layers of a net or of its twin."""

    def __init__(self, dropout: float, batchnorm: bool, surrogate_width: float | None, spiking: bool) -> None:
        self.dropout, self.batchnorm = dropout, batchnorm
        self.surrogate_width, self.spiking = surrogate_width, spiking

    def block(self, linear: keras.layers.Layer, name: str) -> list[keras.layers.Layer]:
        """A linear layer with its activation, which bears the name."""
        activation = (SpikingBReLU(surrogate_width=self.surrogate_width, name=name) if self.spiking
                      else keras.layers.ReLU(name=name))
        return [linear, *([keras.layers.BatchNormalization()] if self.batchnorm else []), activation]

    def hidden(self, linear: keras.layers.Layer, name: str) -> list[keras.layers.Layer]:
        """The same with dropout."""
        return [*self.block(linear, name), *([keras.layers.Dropout(self.dropout)] if self.dropout else [])]

    def read_out(self, classes: int, width: int | None, key: Any, temperature: float | None) -> list:
        """From the last hidden layer to the classes."""
        if not self.spiking:
            return [keras.layers.Dense(classes, activation="softmax")]
        key = class_keys.make_key(classes, width) if key is None else class_keys.check_key(key, width=width)
        return [*self.block(keras.layers.Dense(key.shape[1]), "output"), SoftmaxDecode(key, temperature)]

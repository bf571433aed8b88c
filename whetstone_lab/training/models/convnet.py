"""The small convolutional net."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from whetstone_lab.training.models.blocks import Blocks


def convnet(shape: Sequence[int], classes: int, *, filters: Sequence[int] = (16, 32),
            kernel: int | Sequence[int] = 5, padding: str = "valid", hidden: Sequence[int] = (128,),
            width: int | None = None, dropout: float = 0.1, batchnorm: bool = False, key: Any = None,
            temperature: float | None = None, surrogate_width: float | None = 2.0,
            spiking: bool = True, seed: int | None = None) -> keras.Sequential:
    """A small convolutional net that speaks in spikes, or its ReLU baseline; by default of about LeNet-5's size.

    ``[Conv2D, MaxPooling2D, SpikingBReLU]`` for each number of filters, then the layers of :func:`mlp`. The largest
    value of a window crosses the threshold if any does, so with spikes the pool may as well stand behind the neurons,
    as an OR; :func:`whetstone_lab.convert` puts it there. Before them, in training, it leaves a quarter of the
    activations to compute, and the gradient goes to the neuron that was nearest to firing.

    Args:
        shape: Rows, columns and channels of a picture.
        classes: Number of classes.
        filters: Filters of each convolution. Default: 16 and 32.
        kernel: Rows and columns of each filter, one number for all convolutions or one for each. Default: 5.
        padding: ``"valid"``, or ``"same"`` for convolutions that keep the size of the picture. Default: ``"valid"``.
        hidden: Neurons of each dense hidden layer. Default: one layer of 128.
        width: As for :func:`mlp`.
        dropout: As for :func:`mlp`; it is in the dense layers.
        batchnorm: As for :func:`mlp`.
        key: As for :func:`mlp`.
        temperature: As for :func:`mlp`.
        surrogate_width: As for :func:`mlp`.
        spiking: As for :func:`mlp`.
        seed: As for :func:`mlp`.

    Returns:
        The model, not yet compiled.

    Raises:
        ValueError: There are not as many kernels as filters.

    Example:
        >>> net = convnet((28, 28, 1), 10, filters=(16, 32, 64), kernel=(7, 5, 3), padding="same")  # as published
        >>> [layer.kernel_size[0] for layer in net.layers if isinstance(layer, keras.layers.Conv2D)]
        [7, 5, 3]
    """
    kernels = (kernel,) * len(filters) if isinstance(kernel, int) else tuple(kernel)
    if len(kernels) != len(filters):
        raise ValueError(f"Expected a kernel for each of {len(filters)} convolutions, or one for all; got {kernel!r}.")
    make = Blocks(dropout, batchnorm, surrogate_width, spiking, seed)
    layers = [keras.layers.Input(tuple(shape))]
    for number, (count, size) in enumerate(zip(filters, kernels, strict=True), 1):
        conv = keras.layers.Conv2D(count, size, padding=padding, kernel_initializer=make.draw())
        *linear, activation = make.block(conv, f"conv_{number}")
        layers += [*linear, keras.layers.MaxPooling2D(), activation]
    layers.append(keras.layers.Flatten())
    for number, units in enumerate(hidden, 1):
        layers += make.hidden(keras.layers.Dense(units, kernel_initializer=make.draw()), f"hidden_{number}")
    layers += make.read_out(classes, width, key, temperature)
    return keras.Sequential(layers, name="spiking_convnet" if spiking else "relu_convnet")

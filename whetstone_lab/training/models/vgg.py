"""The deep plain net: stacks of convolutions with filters of 3 x 3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from whetstone_lab.training.models.blocks import Blocks


def vgg(shape: Sequence[int], classes: int, *, filters: Sequence[int] = (64, 128, 256), convolutions: int = 2,
        hidden: Sequence[int] = (256,), width: int | None = None, dropout: float = 0.1, batchnorm: bool = True,
        key: Any = None, temperature: float | None = None, surrogate_width: float | None = 2.0,
        spiking: bool = True) -> keras.Sequential:
    """A deep plain convolutional net after VGG that speaks in spikes, or its ReLU baseline.

    For each number of filters some convolutions of 3 x 3 that keep the size of the picture, each followed by batch norm
    and its neurons; before the neurons of the last one a max-pool halves the picture, as in :func:`convnet`. Then
    the layers of :func:`mlp`. The default has CIFAR-10's size: 64-64-128-128-256-256, dense 256.

    Args:
        shape: Rows, columns and channels of a picture; rows and columns of at least ``2 ** len(filters)``.
        classes: Number of classes.
        filters: Filters of the convolutions in each stack. Default: 64, 128 and 256.
        convolutions: Convolutions in each stack, at least 1. Default: 2.
        hidden: Neurons of each dense hidden layer. Default: one layer of 256.
        width: As for :func:`mlp`.
        dropout: As for :func:`mlp`; it is in the dense layers.
        batchnorm: As for :func:`mlp`. Default: True.
        key: As for :func:`mlp`.
        temperature: As for :func:`mlp`.
        surrogate_width: As for :func:`mlp`.
        spiking: As for :func:`mlp`.

    Returns:
        The model, not yet compiled.

    Raises:
        ValueError: The picture is too small for so many pools, or there is no convolution in a stack.

    Source: Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR 2015.
    """
    if convolutions < 1:
        raise ValueError(f"Expected at least 1 convolution in each stack; got {convolutions}.")
    if min(shape[:2]) < 2 ** len(filters):
        raise ValueError(f"Expected pictures of at least {2 ** len(filters)} rows and columns, as {len(filters)} pools "
                         f"halve them; got shape {tuple(shape)}. Give fewer filters.")
    make = Blocks(dropout, batchnorm, surrogate_width, spiking)
    layers = [keras.layers.Input(tuple(shape))]
    for stack, count in enumerate(filters, 1):
        for number in range(1, convolutions + 1):
            *linear, activation = make.block(keras.layers.Conv2D(count, 3, padding="same", use_bias=not batchnorm),
                                             f"conv_{stack}_{number}")
            layers += [*linear, *([keras.layers.MaxPooling2D()] if number == convolutions else []), activation]
    layers.append(keras.layers.Flatten())
    for number, units in enumerate(hidden, 1):
        layers += make.hidden(keras.layers.Dense(units), f"hidden_{number}")
    layers += make.read_out(classes, width, key, temperature)
    return keras.Sequential(layers, name="spiking_vgg" if spiking else "relu_vgg")

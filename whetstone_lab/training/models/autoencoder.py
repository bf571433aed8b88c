"""Autoencoders: what a picture is worth in bits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras

from whetstone_lab.training.models.blocks import Blocks
from whetstone_lab.training.quantised import Quantised


def autoencoder(inputs: int, bits: int, *, hidden: Sequence[int] = (256,), sigmoid: bool = False,
                batchnorm: bool = True, surrogate_width: float | None = 2.0, spiking: bool = True,
                bits_a_value: int = 1) -> keras.Sequential:
    """A dense autoencoder with a bottleneck of so many bits that speaks in spikes, or its ReLU baseline.

    Spiking: ``[Dense, SpikingBReLU]`` for each hidden layer, then the code, ``Dense(bits), SpikingBReLU`` named
    ``"code"``, then the hidden layers in reverse order and ``Dense(inputs)``, which gives plain values. Each neuron of
    the code fires or does not: that is one bit, and the decoder sees nothing else.

    The baseline has ReLU in place of each hidden spiking layer, and as many bits in its code: ``bits / bits_a_value``
    values, each rounded to ``bits_a_value`` bits by a :class:`~whetstone_lab.training.quantised.Quantised`, whose
    gradient is straight-through. Which split of the bits is best depends on the pictures and on how many bits there
    are, so that a fair comparison tries several: from 1, where a value is a bit as in the spiking net, to 8, where
    there are few but fine values.

    Train it with the inputs as targets: ``train(model, x, x)``.

    Args:
        inputs: Length of an input.
        bits: Bits of the code, at least 1.
        hidden: Neurons of each hidden layer of the encoder, bottom first; the decoder has them in reverse order.
            Default: one layer of 256.
        sigmoid: Whether a sigmoid ends the net, for targets that are 0 or 1 or shades between them as probabilities;
            ``train`` then takes the binary cross-entropy. A converted network reads the values before the sigmoid.
            Default: plain values, and the mean squared error.
        batchnorm: Whether batch norm stands before each activation; it vanishes when the net is converted. Default:
            True; without it, neurons of the code may never fire, and then stand for no bit.
        surrogate_width: Of the spiking layers. Default: 2.
        spiking: Whether to make the spiking net or its ReLU baseline. Default: spiking.
        bits_a_value: Of the baseline: bits of each value of its code, 1 to 16, a divisor of ``bits``. Default: 1.

    Returns:
        The model, not yet compiled.

    Raises:
        ValueError: There is no such number of bits, or ``bits_a_value`` does not divide it or is given to a spiking
            net, whose values have one bit.
    """
    make = Blocks(0.0, batchnorm, surrogate_width, spiking)
    layers = [keras.layers.Input((inputs,))]
    for number, units in enumerate(hidden, 1):
        layers += make.block(keras.layers.Dense(units), f"encoder_{number}")
    layers += _code(make, bits, bits_a_value)
    for number, units in reversed([*enumerate(hidden, 1)]):
        layers += make.block(keras.layers.Dense(units), f"decoder_{number}")
    layers.append(keras.layers.Dense(inputs, activation="sigmoid" if sigmoid else None, name="values"))
    return keras.Sequential(layers, name="spiking_autoencoder" if spiking else "relu_autoencoder")


def conv_autoencoder(shape: Sequence[int], bits: int, *, filters: Sequence[int] = (16, 32), kernel: int = 3,
                     sigmoid: bool = False, batchnorm: bool = True, surrogate_width: float | None = 2.0,
                     spiking: bool = True, bits_a_value: int = 1) -> keras.Sequential:
    """A convolutional autoencoder with a bottleneck of so many bits that speaks in spikes, or its ReLU baseline.

    Each ``Conv2D`` of the encoder halves the rows and columns, each ``Conv2DTranspose`` of the decoder doubles them,
    and each has its spiking layer. Between them stands the code, as in :func:`autoencoder`: a ``Dense(bits)`` from all
    places together, and a dense layer back. The last transposed convolution gives plain values. Where a side cannot be
    halved so often, the decoder's picture is cropped to it.

    Args:
        shape: Rows, columns and channels of a picture.
        bits: As for :func:`autoencoder`.
        filters: Filters of each convolution of the encoder, bottom first; the decoder has them in reverse order, and
            the channels of the picture last. Default: 16 and 32.
        kernel: Rows and columns of each filter, at least 2. Default: 3.
        sigmoid: As for :func:`autoencoder`.
        batchnorm: As for :func:`autoencoder`.
        surrogate_width: As for :func:`autoencoder`.
        spiking: As for :func:`autoencoder`.
        bits_a_value: As for :func:`autoencoder`.

    Returns:
        The model, not yet compiled.

    Raises:
        ValueError: As for :func:`autoencoder`; or there is no filter.
    """
    if not filters:
        raise ValueError("Expected the filters of at least one convolution; got none. Without any, use autoencoder.")
    rows, columns, channels = shape
    scale = 2**len(filters)
    small = (math.ceil(rows / scale), math.ceil(columns / scale), filters[-1])
    make = Blocks(0.0, batchnorm, surrogate_width, spiking)
    layers = [keras.layers.Input(tuple(shape))]
    for number, count in enumerate(filters, 1):
        layers += make.block(keras.layers.Conv2D(count, kernel, strides=2, padding="same"), f"encoder_{number}")
    layers += [keras.layers.Flatten(), *_code(make, bits, bits_a_value),
               *make.block(keras.layers.Dense(math.prod(small)), f"decoder_{len(filters) + 1}"),
               keras.layers.Reshape(small)]
    for number, count in reversed([*enumerate(filters[:-1], 2)]):
        layers += make.block(keras.layers.Conv2DTranspose(count, kernel, strides=2, padding="same"),
                             f"decoder_{number}")
    layers.append(keras.layers.Conv2DTranspose(channels, kernel, strides=2, padding="same", name="values"))
    over = small[0] * scale - rows, small[1] * scale - columns
    if any(over):
        layers.append(keras.layers.Cropping2D(((0, over[0]), (0, over[1]))))
    if sigmoid:  # behind the cropping, since it is read out where it ends the net
        layers.append(keras.layers.Activation("sigmoid"))
    return keras.Sequential(layers, name="spiking_conv_autoencoder" if spiking else "relu_conv_autoencoder")


def _code(make: Blocks, bits: int, bits_a_value: int) -> list[keras.layers.Layer]:
    """The bottleneck: neurons of a bit each, or as many bits in values."""
    if isinstance(bits, bool) or not isinstance(bits, int) or bits < 1:
        raise ValueError(f"Expected bits to be an integer of at least 1; got {bits!r}.")
    if make.spiking and bits_a_value != 1:
        raise ValueError(f"Expected bits_a_value for a ReLU baseline alone, as a neuron of a spiking code has one "
                         f"bit; got {bits_a_value!r} with spiking=True.")
    rounded = Quantised(bits_a_value, name="code")
    if bits % bits_a_value:
        raise ValueError(f"Expected bits_a_value to divide the {bits} bits of the code; got {bits_a_value}.")
    *linear, activation = make.block(keras.layers.Dense(bits // bits_a_value), "code")
    return [*linear, activation if make.spiking else rounded]

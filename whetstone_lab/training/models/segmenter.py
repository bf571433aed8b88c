"""The encoder-decoder with skips, for a class at each place of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from whetstone_lab.training.models.blocks import SKIPS, Blocks


def segmenter(shape: Sequence[int], classes: int, *, filters: Sequence[int] = (16, 32, 64), kernel: int = 3,
              width: int | None = None, dropout: float = 0.0, batchnorm: bool = True, key: Any = None,
              temperature: float | None = None, surrogate_width: float | None = 2.0,
              skip: str = "potentials", spiking: bool = True) -> keras.Model:
    """An encoder-decoder with skips that says in spikes what stands at each place of a picture, or its ReLU baseline.

    A small U-Net. Each level of the encoder is ``[Conv2D, BatchNormalization, SpikingBReLU]`` at half the rows and
    columns of the one before it. Each level of the decoder repeats the spikes of the level below it for the places
    between (``UpSampling2D``), puts the encoder's spikes of the same size beside them (``Concatenate``: spikes stay
    spikes, where a sum of them would have values of 2), and goes through such a convolution again. A skip of potentials
    also adds what the encoder's neurons of that size were compared with their threshold:

        ``v_up = conv([repeated spikes, spikes_down]) + v_down``.

    So the gradient goes up and down between a level of the decoder and that of the encoder without passing a neuron,
    and all that neurons send is still single spikes. At the end, the neurons of each place vote for its class by one
    class key (:class:`~whetstone_lab.SoftmaxDecode`). All of it converts, neuron for neuron, and spikes once at each
    place.

    Pictures are halved by ``MaxPooling2D`` of potentials, before the threshold. The largest of a window reaches it if
    any does, so the spikes are those of an OR of the spikes, and :func:`whetstone_lab.convert` puts the pool there. But
    of spikes that are all 1 the gradient goes to whichever stands first; of potentials it goes to the neuron with the
    largest.

    Its baseline has ReLU in place of each spiking layer and ends in a softmax at each place.

    Train it with a label for each place; see :class:`whetstone_lab.SegmentationCrossentropy` for places that belong to
    no class and for classes that are rare.

    Source: O. Ronneberger, P. Fischer and T. Brox, "U-Net: convolutional networks for biomedical image segmentation",
    MICCAI 2015, arXiv 1505.04597.

    Args:
        shape: Rows, columns and channels of a picture.
        classes: Number of classes, void not among them.
        filters: Filters of the convolution at each level, the full size first. Default: 16, 32 and 64.
        kernel: Rows and columns of each filter. Default: 3.
        width: Output neurons at each place. Default: ten for each class.
        dropout: As for :func:`mlp`; whole channels are dropped, at the lowest level.
        batchnorm: As for :func:`mlp`. Default: True; without it, some layers may never fire.
        key: As for :func:`mlp`.
        temperature: As for :func:`mlp`.
        surrogate_width: As for :func:`mlp`.
        skip: What the skips carry besides spikes, ``"potentials"``, or ``"spikes"`` for nothing else. Default:
            ``"potentials"``.
        spiking: As for :func:`mlp`.

    Returns:
        The model, not yet compiled; its output has shape ``(rows, columns, classes)``.

    Raises:
        ValueError: There is no level, a picture is too small to be halved so often, or there is no such ``skip``.
    """
    rows, columns, _ = shape
    if not filters or min(rows, columns) < 2 ** (len(filters) - 1):
        raise ValueError(f"Expected filters of one level or more, at each of which the {rows} x {columns} places can "
                         f"be halved; got {list(filters)}.")
    if skip not in SKIPS:
        raise ValueError(f"Expected skip to be one of {', '.join(SKIPS)}; got {skip!r}.")
    make = Blocks(dropout, batchnorm, surrogate_width, spiking)

    def level(x: Any, count: int, name: str) -> tuple[Any, Any]:
        """The potentials of a level, and its neurons."""
        *linear, neurons = make.block(keras.layers.Conv2D(count, kernel, padding="same"), name)
        for layer in linear:
            x = layer(x)
        return x, neurons

    inputs = keras.layers.Input(tuple(shape))
    x = inputs
    skips: list[tuple[Any, Any]] = []
    for number, count in enumerate(filters, 1):
        potentials, neurons = level(x, count, f"down_{number}")
        x = neurons(potentials)
        skips.append((potentials, x))
        if number < len(filters):
            x = neurons(keras.layers.MaxPooling2D(padding="same")(potentials))
    if dropout:
        x = keras.layers.SpatialDropout2D(dropout)(x)
    for number in reversed(range(1, len(filters))):
        x, (potentials, spikes) = keras.layers.UpSampling2D()(x), skips[number - 1]
        over = [big - small for big, small in zip(x.shape[1:3], spikes.shape[1:3], strict=True)]
        if any(over):
            x = keras.layers.Cropping2D(((0, over[0]), (0, over[1])))(x)
        y, neurons = level(keras.layers.Concatenate()([x, spikes]), filters[number - 1], f"up_{number}")
        x = neurons(keras.layers.Add()([y, potentials]) if skip == "potentials" else y)
    for layer in make.read_out(classes, width, key, temperature):
        x = layer(x)
    return keras.Model(inputs, x, name="spiking_segmenter" if spiking else "relu_segmenter")

"""The encoder-decoder with skips, for a class at each place of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from whetstone_lab.training.models.blocks import BRANCH_SCALE, SKIPS, Blocks


def segmenter(shape: Sequence[int], classes: int, *, filters: Sequence[int] = (16, 32, 64), convolutions: int = 2,
              kernel: int = 3, skip: str = "potentials", width: int | None = None, dropout: float = 0.0,
              batchnorm: bool = True, key: Any = None, temperature: float | None = None,
              surrogate_width: float | None = 2.0, spiking: bool = True) -> keras.Model:
    """An encoder-decoder with skips that says in spikes what stands at each place of a picture, or its ReLU baseline.

    A small U-Net. Each level of the encoder is ``[Conv2D, BatchNormalization, SpikingBReLU]``, twice, at half the rows
    and columns of the level before it. Each level of the decoder repeats the spikes of the level below it for the
    places between (``UpSampling2D``), puts the encoder's spikes of the same size beside them (``Concatenate``: spikes
    stay spikes, where a sum of them would have values of 2), and goes through such convolutions again. Skips also carry
    potentials v, with which neurons were compared with their threshold, as in :func:`resnet`: from the encoder to the
    decoder, and around the second convolution of each level,

        ``v_up = conv([repeated spikes, spikes_down]) + v_down``, then ``v' = conv(neuron(v)) + v``.

    So the gradient goes down along sums without passing a neuron, and all that neurons send is still single spikes. At
    the end, the neurons of each place vote for its class by one class key (:class:`~whetstone_lab.SoftmaxDecode`). They
    read the spikes of all neurons of the full size at that place, those of the encoder too: a spike is one bit, and
    those of the last convolution alone say too little. All of it converts, neuron for neuron, and spikes once at each
    place.

    Pictures are halved by ``MaxPooling2D`` of potentials, before the threshold. The largest of a window reaches it if
    any does, so this gives what an OR of the spikes gives, and :func:`whetstone_lab.convert` puts the pool behind the
    neurons. But among spikes that are alike the gradient would go to whichever stands first in the window; among
    potentials it goes to the largest.

    Its baseline has ReLU in place of each spiking layer and ends in a softmax at each place.

    Train it with a label for each place; see :class:`whetstone_lab.SegmentationCrossentropy` for places that belong to
    no class and for classes that are rare.

    Source: O. Ronneberger, P. Fischer and T. Brox, "U-Net: convolutional networks for biomedical image segmentation",
    MICCAI 2015, arXiv 1505.04597.

    Args:
        shape: Rows, columns and channels of a picture.
        classes: Number of classes, void not among them.
        filters: Filters of the convolutions at each level, the full size first. Default: 16, 32 and 64.
        convolutions: Convolutions at each level, at least 1. Default: 2.
        kernel: Rows and columns of each filter. Default: 3.
        skip: What the skips carry besides spikes, ``"potentials"``, or ``"spikes"`` for nothing else; then none leads
            around a convolution within a level. Default: ``"potentials"``.
        width: Output neurons at each place. Default: ten for each class.
        dropout: As for :func:`mlp`; whole channels are dropped, at the lowest level.
        batchnorm: As for :func:`mlp`. Default: True; without it, some layers may never fire.
        key: As for :func:`mlp`.
        temperature: As for :func:`mlp`.
        surrogate_width: As for :func:`mlp`.
        spiking: As for :func:`mlp`.

    Returns:
        The model, not yet compiled; its output has shape ``(rows, columns, classes)``. The neurons that end a level are
        named ``down_1``, ..., ``up_1``, counted from the full size, those within it ``down_1_1``, ...

    Raises:
        ValueError: There is no level, a picture is too small to be halved so often, there is no convolution in a level,
            or there is no such ``skip``.

    Example:
        >>> net = segmenter((8, 8, 1), 3, filters=(4, 6))
        >>> [layer.name for layer in net.layers if layer.name.startswith(("down", "up_1"))]
        ['down_1_1', 'down_1', 'down_2_1', 'down_2', 'up_1_1', 'up_1']
    """
    rows, columns, _ = shape
    if not filters or min(rows, columns) < 2 ** (len(filters) - 1):
        raise ValueError(f"Expected filters of one level or more, at each of which the {rows} x {columns} places can "
                         f"be halved; got {list(filters)}.")
    if convolutions < 1:
        raise ValueError(f"Expected at least 1 convolution at each level; got {convolutions}.")
    if skip not in SKIPS:
        raise ValueError(f"Expected skip to be one of {', '.join(SKIPS)}; got {skip!r}.")
    make = Blocks(dropout, batchnorm, surrogate_width, spiking)

    def level(x: Any, count: int, name: str, beside: Any = None) -> tuple[Any, Any, list[Any]]:
        """The potentials that end a level, its last neurons, and the spikes of those before them.

        What is beside is added to its first potentials.
        """
        neurons: Any = None
        within: list[Any] = []
        for number in range(1, convolutions + 1):
            if neurons is not None:
                beside, x = (x if skip == "potentials" else None), neurons(x)
                within.append(x)
            *linear, neurons = make.block(keras.layers.Conv2D(count, kernel, padding="same"),
                                          name if number == convolutions else f"{name}_{number}",
                                          scale=1.0 if beside is None else BRANCH_SCALE)
            for layer in linear:
                x = layer(x)
            if beside is not None:
                x = keras.layers.Add()([x, beside])
        return x, neurons, within

    inputs = keras.layers.Input(tuple(shape))
    x = inputs
    skips: list[tuple[Any, Any, list[Any]]] = []
    for number, count in enumerate(filters, 1):
        potentials, neurons, within = level(x, count, f"down_{number}")
        x = neurons(potentials)
        skips.append((potentials, x, within))
        if number < len(filters):
            x = neurons(keras.layers.MaxPooling2D(padding="same")(potentials))
    if dropout:
        x = keras.layers.SpatialDropout2D(dropout)(x)
    for number in reversed(range(1, len(filters))):
        x, (potentials, spikes, before) = keras.layers.UpSampling2D()(x), skips[number - 1]
        over = [big - small for big, small in zip(x.shape[1:3], spikes.shape[1:3], strict=True)]
        if any(over):
            x = keras.layers.Cropping2D(((0, over[0]), (0, over[1])))(x)
        y, neurons, within = level(keras.layers.Concatenate()([x, spikes]), filters[number - 1], f"up_{number}",
                                   potentials if skip == "potentials" else None)
        x = neurons(y)
        if number == 1:
            # Read from the last neurons alone, the mean IoU on made scenes was 0.02 lower (two seeds, 12 epochs); that
            # of ReLU was the same.
            x = keras.layers.Concatenate()([*before, spikes, *within, x])
    for layer in make.read_out(classes, width, key, temperature):
        x = layer(x)
    return keras.Model(inputs, x, name="spiking_segmenter" if spiking else "relu_segmenter")

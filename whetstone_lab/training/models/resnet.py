"""The residual net: blocks of two convolutions that a skip leads around."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from whetstone_lab.training.models.blocks import BRANCH_SCALE, SKIPS, Blocks

#: What leads around a block that changes the size of the picture.
SHORTCUTS = ("projection", "identity")


def resnet(shape: Sequence[int], classes: int, *, depth: int = 20, filters: Sequence[int] = (16, 32, 64),
           shortcut: str = "projection", skip: str = "potentials", width: int | None = None, batchnorm: bool = True,
           key: Any = None, temperature: float | None = None, surrogate_width: float | None = 2.0,
           spiking: bool = True) -> keras.Model:
    """A residual net that speaks in spikes, or its ReLU baseline.

    A convolution, then blocks of two convolutions of 3 x 3, then the mean over all places and the read-out of
    :func:`mlp`. A skip leads around each block. It adds the potentials v with which the neurons below the block were
    compared with their threshold to those of the neurons that end it:

        ``v' = v + conv(neuron(conv(neuron(v))))``.

    So a potential is the sum of what all branches below have given, and the gradient goes down along the sums without
    passing a neuron. All that neurons send is single spikes; on a chip each branch has synapses on the neurons at its
    end and on those at the ends of the later blocks of its stage. With ``skip="spikes"`` the spikes themselves are
    added, ``s' = neuron(conv(neuron(conv(s))) + s)``: a skip is one synapse of weight 1 for each neuron, but the
    gradient passes a neuron at each block, and the deeper the net, the less accurate it becomes.

    In both a block whose convolutions give 0 passes on each spike as it came, of spikes since 0 lies below the
    threshold of 0.5 and 1 above it. That is how a block begins: batch norm at its end starts with a small scale, so
    that a deep net is not harder to train at first than a shallow one.

    A skip cannot add up where a stage begins, as the picture gets half the rows and columns and other channels. NIR
    can say the mean at the end where it is over 2, 4, 8, ... places: of pictures of 32 x 32, but not of 28 x 28.

    Args:
        shape: Rows, columns and channels of a picture; rows and columns of at least ``2 ** (len(filters) - 1)``.
        classes: Number of classes.
        depth: Layers with weights on the longest way, projections not counted: two for each block, and the first and
            the last. An even number that gives every stage a block. Default: 20.
        filters: Filters of each stage; each but the first halves the rows and columns. Blocks are spread evenly, with
            what is left over at the bottom. Default: 16, 32 and 64, as published for CIFAR-10.
        shortcut: What leads around the first block of a stage: ``"projection"``, a convolution of 1 x 1 with batch norm
            of its own, or ``"identity"``, nothing. With ``skip="spikes"`` every skip of the net is then one without
            weights, as Norse 1.1.0 demands of a NIR graph. Default: ``"projection"``.
        skip: What the other skips carry, ``"potentials"`` or ``"spikes"``. Default: ``"potentials"``.
        width: As for :func:`mlp`.
        batchnorm: As for :func:`mlp`. Default: True.
        key: As for :func:`mlp`.
        temperature: As for :func:`mlp`.
        surrogate_width: As for :func:`mlp`.
        spiking: As for :func:`mlp`.

    Returns:
        The model, not yet compiled. The neurons that end a block are named ``block_STAGE_NUMBER``, those within it
        ``block_STAGE_NUMBER_inner``.

    Raises:
        ValueError: ``depth`` is no such number, there is no such ``shortcut`` or ``skip``, or the picture is too small.

    Source: He et al., "Deep residual learning for image recognition", CVPR 2016. Sums that pass no activation: He et
    al., "Identity mappings in deep residual networks", ECCV 2016, and of potentials Hu et al., "Advancing spiking
    neural networks toward deep residual learning", 2021. The small scale at the start: Goyal et al., "Accurate, large
    minibatch SGD", 2017, section 5.1, where it is 0.

    Example:
        >>> net = resnet((8, 8, 1), 3, depth=8, filters=(2, 4, 6))
        >>> [layer.name for layer in net.layers if layer.name.startswith("block")][:2]
        ['block_1_1_inner', 'block_1_1']
    """
    sizes = _blocks(depth, len(filters))
    if shortcut not in SHORTCUTS:
        raise ValueError(f"Expected shortcut to be one of {', '.join(SHORTCUTS)}; got {shortcut!r}.")
    if skip not in SKIPS:
        raise ValueError(f"Expected skip to be one of {', '.join(SKIPS)}; got {skip!r}.")
    if min(shape[:2]) < 2 ** (len(filters) - 1):
        raise ValueError(f"Expected pictures of at least {2 ** (len(filters) - 1)} rows and columns, as "
                         f"{len(filters) - 1} stages halve them; got shape {tuple(shape)}. Give fewer filters.")
    make = Blocks(0.0, batchnorm, surrogate_width, spiking)

    def convolution(count: int, size: int = 3, strides: int = 1) -> keras.layers.Layer:
        return keras.layers.Conv2D(count, size, strides, padding="same", use_bias=not batchnorm)

    inputs = keras.layers.Input(tuple(shape))
    *linear, neurons = make.block(convolution(filters[0]), "stem")
    potentials = _through(linear, inputs)
    x = neurons(potentials)
    for stage, (count, size) in enumerate(zip(filters, sizes, strict=True), 1):
        for number in range(1, size + 1):
            name, strides = f"block_{stage}_{number}", 2 if stage > 1 and number == 1 else 1
            same = strides == 1 and x.shape[-1] == count
            y = _through(make.block(convolution(count, strides=strides), f"{name}_inner"), x)
            # Where no skip is, the branch is all there is.
            scale = BRANCH_SCALE if same or shortcut == "projection" else 1.0
            *linear, neurons = make.block(convolution(count), name, scale=scale)
            y = _through(linear, y)
            if same:
                y = keras.layers.Add()([y, potentials if skip == "potentials" else x])
            elif shortcut == "projection":
                *projection, _ = make.block(convolution(count, 1, strides), name)
                y = keras.layers.Add()([y, _through(projection, x)])
            potentials, x = y, neurons(y)
    x = keras.layers.GlobalAveragePooling2D()(x)
    outputs = _through(make.read_out(classes, width, key, temperature), x)
    return keras.Model(inputs, outputs, name="spiking_resnet" if spiking else "relu_resnet")


def _blocks(depth: int, stages: int) -> list[int]:
    """Blocks in each stage."""
    blocks, odd = divmod(depth - 2, 2)
    if odd or blocks < stages:
        raise ValueError(f"Expected depth to be an even number of at least {2 * stages + 2}, two layers for each of at "
                         f"least {stages} blocks, and the first and the last; got {depth}.")
    return [blocks // stages + (stage < blocks % stages) for stage in range(stages)]


def _through(layers: Sequence[keras.layers.Layer], x: Any) -> Any:
    for layer in layers:
        x = layer(x)
    return x

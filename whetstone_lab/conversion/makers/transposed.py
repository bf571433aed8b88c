"""Transposed convolutions."""

from __future__ import annotations

from typing import Any

import keras

from whetstone_lab.conversion.makers import dense
from whetstone_lab.conversion.makers.images import pair
from whetstone_lab.conversion.makers.registry import NO_VOLUMES, Kind, Linear, Site, Weights, declare, register
from whetstone_lab.simulator import operations
from whetstone_lab.simulator.operations import Operation


def _read(layer: Any) -> Weights:
    # Keras keeps the kernel as (..., outputs, inputs).
    kernel, bias = dense.read(layer)
    return kernel.swapaxes(-1, -2), bias


_LINEAR = Linear(_read, back=lambda layer, kernel: kernel.swapaxes(-1, -2))

declare(keras.layers.Conv3DTranspose, kind=Kind(linear=_LINEAR, refusal=NO_VOLUMES))


@register(keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, on_images=True, linear=_LINEAR)
def transposed(layer: Any, site: Site) -> list[Operation]:
    """The gradient of a convolution by its input, as an operation of its own."""
    kernel, bias = site.weights or _read(layer)
    image = layer.compute_output_shape((None, *site.shape))
    size = image[2:] if layer.data_format == "channels_first" else image[1:-1]
    places = site.shape[1:] if layer.data_format == "channels_first" else site.shape[:-1]
    start = [0] * len(size)
    if layer.padding == "same":
        # It is the gradient of a convolution from the output to the input, padded as such.
        start = [max((place - 1) * stride + (taps - 1) * gap + 1 - length, 0) // 2 for place, stride, taps, gap, length
                 in zip(places, layer.strides, kernel.shape, layer.dilation_rate, size, strict=False)]
    return [operations.Conv2DTranspose(kernel[:, None] if kernel.ndim == 3 else kernel, bias, size=pair(size),
                                       strides=pair(layer.strides), dilation=pair(layer.dilation_rate),
                                       start=pair(start, 0))]

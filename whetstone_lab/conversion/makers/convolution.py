"""Convolutions over an image, or over one row of places: plain, in groups, depthwise and separable."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from whetstone_lab.conversion.makers import dense
from whetstone_lab.conversion.makers.images import pair
from whetstone_lab.conversion.makers.registry import NO_VOLUMES, Kind, Linear, Site, Weights, declare, register
from whetstone_lab.conversion.makers.weights import bias_of, to_numpy
from whetstone_lab.simulator import operations
from whetstone_lab.simulator.operations import Operation

_PLAIN = Linear(dense.read, takes_before=True)

# The simulator has no convolution over three axes; batch norm can be folded into one all the same.
declare(keras.layers.Conv3D, kind=Kind(linear=_PLAIN, refusal=NO_VOLUMES))


@register(keras.layers.Conv1D, keras.layers.Conv2D, on_images=True, linear=_PLAIN)
def convolution(layer: Any, site: Site) -> list[Operation]:
    """A convolution, also in groups."""
    return _convolution(layer, site.weights or dense.read(layer), layer.groups)


def _read_depthwise(layer: Any) -> Weights:
    kernel = to_numpy(layer.kernel)
    return kernel.reshape(*kernel.shape[:-2], 1, -1), bias_of(layer)


@register(keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D, on_images=True,
          linear=Linear(_read_depthwise, back=lambda layer, kernel: kernel.reshape(layer.kernel.shape)))
def depthwise(layer: Any, site: Site) -> list[Operation]:
    """A convolution of each channel by itself: as many groups as channels."""
    weights = site.weights or _read_depthwise(layer)
    return _convolution(layer, weights, weights[0].shape[-1] // layer.depth_multiplier)


def _read_pointwise(layer: Any) -> Weights:
    return to_numpy(layer.pointwise_kernel), bias_of(layer)


@register(keras.layers.SeparableConv1D, keras.layers.SeparableConv2D, on_images=True,
          linear=Linear(_read_pointwise, variable="pointwise_kernel"))
def separable(layer: Any, site: Site) -> list[Operation]:
    """A depthwise convolution, and one of a single tap after it, which takes batch norm in."""
    kernel = to_numpy(layer.depthwise_kernel)
    kernel = kernel.reshape(*kernel.shape[:-2], 1, -1)
    pointwise, bias = site.weights or _read_pointwise(layer)
    return [*_convolution(layer, (kernel, None), kernel.shape[-1] // layer.depth_multiplier),
            operations.Conv2D(_on_image(pointwise), bias)]


def _convolution(layer: Any, weights: Weights, groups: int) -> list[Operation]:
    kernel, bias = weights
    padding, before = layer.padding, []
    if padding == "causal":
        padding, before = "valid", [operations.Pad2D((layer.dilation_rate[0] * (len(kernel) - 1), 0))]
    return [*before, operations.Conv2D(_on_image(kernel), bias, pair(layer.dilation_rate), groups,
                                       strides=pair(layer.strides), padding=padding)]


def _on_image(kernel: np.ndarray) -> np.ndarray:
    return kernel[:, None] if kernel.ndim == 3 else kernel

"""Pools: the largest value or the mean, of windows or of the whole image."""

from __future__ import annotations

from typing import Any

import keras

from whetstone_lab.conversion.makers.images import pair
from whetstone_lab.conversion.makers.registry import Site, register
from whetstone_lab.simulator import operations
from whetstone_lab.simulator.operations import Operation


@register(keras.layers.MaxPooling1D, keras.layers.MaxPooling2D, on_images=True, largest=True)
def max_pool(layer: Any, site: Site) -> list[Operation]:
    """The largest value of each window."""
    return [operations.MaxPool2D(pair(layer.pool_size), strides=pair(layer.strides), padding=layer.padding)]


@register(keras.layers.AveragePooling1D, keras.layers.AveragePooling2D, on_images=True)
def average_pool(layer: Any, site: Site) -> list[Operation]:
    """The mean of each window."""
    return [operations.AveragePool2D(pair(layer.pool_size), strides=pair(layer.strides), padding=layer.padding)]


@register(keras.layers.GlobalMaxPooling1D, keras.layers.GlobalMaxPooling2D, on_images=True, largest=True)
def global_max_pool(layer: Any, site: Site) -> list[Operation]:
    """The largest value of each channel."""
    return [operations.GlobalMaxPool2D(layer.keepdims)]


@register(keras.layers.GlobalAveragePooling1D, keras.layers.GlobalAveragePooling2D, on_images=True)
def global_average_pool(layer: Any, site: Site) -> list[Operation]:
    """The mean of each channel."""
    return [operations.GlobalAveragePool2D(layer.keepdims)]

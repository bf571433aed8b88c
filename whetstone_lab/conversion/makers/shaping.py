"""Layers that put values elsewhere and leave them as they are."""

from __future__ import annotations

from typing import Any

import keras

from whetstone_lab.conversion.makers.images import channels_last, ends, pair
from whetstone_lab.conversion.makers.registry import Site, register
from whetstone_lab.conversion.refusals import RefusedError
from whetstone_lab.simulator import operations
from whetstone_lab.simulator.operations import Operation


@register(keras.layers.Flatten)
def flatten(layer: Any, site: Site) -> list[Operation]:
    """One axis in place of all; Keras puts channels last before that, whatever the data format."""
    first = layer.data_format == "channels_first" and len(site.shape) > 1
    return [*([channels_last(len(site.shape))] if first else []), operations.Reshape()]


@register(keras.layers.Reshape)
def reshape(layer: Any, site: Site) -> list[Operation]:
    """Another shape."""
    return [operations.Reshape(layer.target_shape)]


@register(keras.layers.Permute)
def permute(layer: Any, site: Site) -> list[Operation]:
    """Another order of axes, which Keras counts from 1."""
    return [operations.Permute([axis - 1 for axis in layer.dims])]


@register(keras.layers.ZeroPadding1D, keras.layers.ZeroPadding2D, on_images=True)
def zero_padding(layer: Any, site: Site) -> list[Operation]:
    """Zeros around the image."""
    return [operations.Pad2D(*ends(layer.padding))]


@register(keras.layers.Cropping1D, keras.layers.Cropping2D, on_images=True)
def cropping(layer: Any, site: Site) -> list[Operation]:
    """The image without its edges."""
    (top, bottom), (left, right) = ends(layer.cropping)
    return [operations.Pad2D((-top, -bottom), (-left, -right))]


@register(keras.layers.UpSampling1D, keras.layers.UpSampling2D, on_images=True)
def up_sampling(layer: Any, site: Site) -> list[Operation]:
    """Each place repeated."""
    if getattr(layer, "interpolation", "nearest") != "nearest":
        raise RefusedError(f"expected interpolation 'nearest'; got {layer.interpolation!r}, which makes no spikes",
                           "Leave the interpolation at its default, or use a transposed convolution.")
    return [operations.UpSample2D(pair(layer.size))]

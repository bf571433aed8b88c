"""Sums, joins and scales. ``x + y`` and ``keras.ops.concatenate`` in a functional model count as the layers do."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from whetstone_lab.conversion.makers.registry import Site, register
from whetstone_lab.conversion.refusals import RefusedError
from whetstone_lab.simulator import operations
from whetstone_lab.simulator.operations import Operation


@register(keras.layers.Add, operation="Add")
def add(layer: Any, site: Site) -> list[Operation]:
    """The sum of several inputs."""
    return [operations.Add()]


@register(keras.layers.Concatenate, operation="Concatenate")
def concatenate(layer: Any, site: Site) -> list[Operation]:
    """Several inputs side by side."""
    if layer.axis == 0:
        raise RefusedError("expected to join along an axis of the sample; got axis 0, the batch",
                           "Count the axes of a sample from 1, or from the last: -1.")
    return [operations.Concatenate(layer.axis - 1 if layer.axis > 0 else layer.axis)]


@register(keras.layers.Rescaling, by_place=True)
def rescaling(layer: Any, site: Site) -> list[Operation]:
    """Each value times a factor, and an offset."""
    return [operations.Scale(np.asarray(layer.scale, np.float32), np.asarray(layer.offset, np.float32))]

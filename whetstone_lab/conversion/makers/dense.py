"""Dense layers."""

from __future__ import annotations

from typing import Any

import keras

from whetstone_lab.conversion.makers.registry import Linear, Site, Weights, register
from whetstone_lab.conversion.makers.weights import bias_of, to_numpy
from whetstone_lab.simulator import operations
from whetstone_lab.simulator.operations import Operation


def read(layer: Any) -> Weights:
    """Kernel of shape ``(inputs, outputs)`` and bias. A low-rank update (LoRA) is in the kernel already."""
    return to_numpy(layer.kernel), bias_of(layer)


@register(keras.layers.Dense, linear=Linear(read, takes_before=True), by_place=True)
def dense(layer: Any, site: Site) -> list[Operation]:
    """Every input to every output, along the last axis."""
    return [operations.Dense(*(site.weights or read(layer)))]

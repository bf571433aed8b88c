"""The layers at the end of a classifier, which are read and not computed."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from whetstone_lab.conversion.makers.activations import activation_of
from whetstone_lab.conversion.makers.registry import Site, register
from whetstone_lab.simulator.operations import Operation
from whetstone_lab.training.decode import SoftmaxDecode


@register(SoftmaxDecode)
def softmax_decode(layer: Any, site: Site) -> list[Operation]:
    """No operation: the network is read by the layer's class key."""
    return []


@register(keras.layers.Softmax)
def softmax(layer: Any, site: Site) -> list[Operation]:
    """No operation: a softmax keeps the order of the values."""
    if layer.axis != -1:
        raise ValueError(f"expected a softmax over the last axis; got axis {layer.axis}.")
    return []


def readout_of(layer: Any) -> tuple[str, np.ndarray | None] | None:
    """How a network is read that ends in this layer: the name of the readout and the class key.

    Returns:
        ``("key", key)``, ``("softmax", None)``, or None for a layer that is no end.
    """
    if isinstance(layer, SoftmaxDecode):
        return "key", layer.key
    softmaxes = isinstance(layer, keras.layers.Softmax) or activation_of(layer) is keras.activations.softmax
    return ("softmax", None) if softmaxes else None

"""The layers at the end of a model, which are read and not computed."""

from __future__ import annotations

from typing import Any

import keras

from whetstone_lab.conversion.makers.registry import Site, register
from whetstone_lab.conversion.refusals import RefusedError
from whetstone_lab.simulator import Output
from whetstone_lab.simulator.operations import Operation
from whetstone_lab.training.decode import SoftmaxDecode
from whetstone_lab.training.heads import Head, ending

#: What a layer that is read and not computed may be read as.
_READ_AS = {"key": ("key",), "softmax": ("softmax", "linear"), "sigmoid": ("sigmoid", "logit", "linear")}


@register(SoftmaxDecode, by_place=True)
def softmax_decode(layer: Any, site: Site) -> list[Operation]:
    """No operation: the network is read by the layer's class key."""
    return []


@register(keras.layers.Softmax, operation="Softmax", by_place=True)
def softmax(layer: Any, site: Site) -> list[Operation]:
    """No operation: a softmax keeps the order of the values."""
    if layer.axis != -1:
        raise RefusedError(f"expected a softmax over the last axis; got axis {layer.axis}",
                           "Permute the axes before it.")
    return []


def output_of(head: Head, node: str, spiking: bool, readout: str | None = None) -> Output:
    """How a network reads what a head of the model puts out.

    Args:
        head: The head.
        node: Name of the network's node that gives the output.
        spiking: Whether that puts out spikes.
        readout: How it is to be read. Default: as the head says.

    Raises:
        ValueError: The head cannot be read so.
    """
    end = ending(head.layer)
    if readout is not None and end is not None and readout not in _READ_AS[end]:
        what = "class key" if end == "key" else end
        raise ValueError(f"Expected a readout among {_READ_AS[end]} for output {head.name!r}, as it ends in a {what}, "
                         f"which is read and not computed; got {readout!r}.")
    if readout is None and head.kind != "key":
        readout = None if spiking else head.kind
    return Output(node, readout, head.key, head.threshold if readout == head.kind else 0.0)

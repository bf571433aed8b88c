"""In which order the neurons of a layer stand on a raster: as they are numbered, by how often they fire, by class."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from whetstone_lab.records.spikes import SpikeRecord

#: The orders, and what each means, in words.
ORDERS = {"number": "as they are numbered", "rate": "by firing rate", "class": "by class of the key"}


def key_of(record: SpikeRecord, layer: int) -> np.ndarray | None:
    """The key by which a layer is read: which of its neurons fire for each class, as booleans.

    Where each place of the output has a class of its own, it is the key of each place.

    Args:
        record: The record; ``meta["keys"]``, as :func:`whetstone_lab.simulator.run` writes it, names for each layer
            that is read by a key the neurons of each class.
        layer: Index of the layer.

    Returns:
        Shape ``(classes, width)``, ``width`` being the last axis of the layer; None where no key is known.
    """
    keys, width = record.meta.get("keys"), record.shapes[layer][-1] if record.shapes[layer] else 0
    classes = keys.get(record.layers[layer]) if isinstance(keys, Mapping) else None
    if not isinstance(classes, list) or not classes or not all(_neurons(one, width) for one in classes):
        return None  # what a file says beside its spikes may be anything
    key = np.zeros((len(classes), width), bool)
    for row, neurons in zip(key, classes, strict=True):
        row[np.array(neurons, np.int64)] = True
    return key


def keyed(record: SpikeRecord) -> dict[int, np.ndarray]:
    """The class for which each neuron votes, in the layers that are read by a key; see :func:`key_of`.

    Returns:
        Layer index -> integers, shape ``(neurons,)``: the class, of several the first, and -1 for none.
    """
    keys = {layer: key for layer in range(len(record.layers)) if (key := key_of(record, layer)) is not None}
    return {layer: np.tile(np.where(key.any(axis=0), key.argmax(axis=0), -1), record.sizes[layer] // key.shape[1])
            for layer, key in keys.items()}


def orders(record: SpikeRecord) -> list[str]:
    """The orders that a record can be shown in: that by class needs a layer that is read by a key."""
    return [name for name in ORDERS if name != "class" or keyed(record)]


def check_order(record: SpikeRecord, order: str) -> str:
    """The order, if a record can be shown in it.

    Raises:
        ValueError: There is no such order, or the record has no key for it.
    """
    if order not in orders(record):
        raise ValueError(f"Expected an order among {orders(record)}; got {order!r}."
                         + (" The record names no key of the output." if order == "class" else ""))
    return order


def rows(record: SpikeRecord, order: str) -> list[np.ndarray]:
    """The row in which each neuron stands, from 0, the lowest.

    Args:
        record: Whose neurons. Rates are those over all of its samples.
        order: ``"number"``: as they are numbered. ``"rate"``: those that fire most on top, by their number where they
            fire as often. ``"class"``: in layers that are read by a key class by class, class 0 on top and those
            without a class at the bottom; other layers as by ``"rate"``.

    Returns:
        For each layer integers, shape ``(neurons,)``.

    Raises:
        ValueError: There is no such order, or the record has no key for it.
    """
    check_order(record, order)
    votes = keyed(record) if order == "class" else {}
    found = []
    for layer, size in enumerate(record.sizes):
        if order == "number":
            found.append(np.arange(size))
            continue
        spikes = np.bincount(record.neuron[record.layer == layer], minlength=size)
        by = np.where(votes[layer] < 0, -math.inf, -votes[layer]) if layer in votes else spikes
        row = np.empty(size, np.int64)
        row[np.argsort(by, kind="stable")] = np.arange(size)
        found.append(row)
    return found


def _neurons(numbers: Any, width: int) -> bool:
    return isinstance(numbers, list) and all(type(one) is int and 0 <= one < width for one in numbers)

"""How the layers of a run fared on the probe, epoch by epoch."""

from __future__ import annotations

import numpy as np

from whetstone_lab.records.trace import Trace


def health_table(trace: Trace) -> dict[str, np.ndarray]:
    """What the probe told of every layer, each column of shape ``(epochs, layers)``, NaN where there was no probe.

    ``firing rate``: the mean activation. ``dead neurons``: the share of neurons that never or always fire.
    ``gradient flow``: the share of pre-activations at which a gradient flows. ``saturation``: the share of activations
    that are near 0 or near 1.
    """
    columns = {"firing rate": trace.firing_rates,
               "dead neurons": trace.layer_metric("never_firing") + trace.layer_metric("always_firing"),
               "gradient flow": trace.layer_metric("gradient_flow"), "saturation": trace.layer_metric("saturation")}
    epochs = min(map(len, columns.values()))  # of a run that grows, the whole epochs
    return {name: values[:epochs] for name, values in columns.items()}


def died(table: dict[str, np.ndarray]) -> dict[int, int]:
    """Layer index -> the first epoch, from 0, after which no neuron of the layer tells one input from another."""
    dead = table["dead neurons"] >= 1
    return {int(layer): int(dead[:, layer].argmax()) for layer in np.flatnonzero(dead.any(axis=0))}

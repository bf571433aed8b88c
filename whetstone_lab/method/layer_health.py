"""How a layer of spiking neurons fares: how often it fires, which neurons are dead, whether a gradient gets through.

Everything is worked out from the layer's pre-activations on some samples, its curve and its sharpness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from whetstone_lab.method import surrogates
from whetstone_lab.method.curves import Curve

#: Widths of the bins outside the middle, from the inside out: each a fifth more than the one before it.
_GROWING = 0.1 * 1.2 ** np.arange(1, 29)

#: Edges of the bins in which pre-activations are counted. Around both thresholds they are narrow and even. Further out
#: they grow with the distance, up to some 100 to either side, for what a layer receives may lie far from its threshold.
HISTOGRAM_BINS = np.concatenate([(-2.0 - np.cumsum(_GROWING))[::-1], np.linspace(-2.0, 3.0, 51),
                                 3.0 + np.cumsum(_GROWING)])

#: Activations closer than this to 0 or 1 count as saturated.
SATURATED = 0.01

#: The share of the gradient at the threshold that a pre-activation must let through to count as open.
OPEN = 0.1

#: The names of what is told of a layer besides its firing rate and its histogram.
METRICS = ("never_firing", "always_firing", "gradient_flow", "saturation")


@dataclass(frozen=True)
class LayerHealth:
    """What one layer does on some samples. Each share is in [0, 1].

    Attributes:
        firing_rate: Mean activation.
        histogram: Share of the pre-activations in each bin; what lies outside is counted in the outer bins.
        never_firing: Share of the neurons whose activation stays below 0.01 on every sample: dead ones.
        always_firing: Share of the neurons whose activation stays above 0.99 on every sample.
        gradient_flow: Share of the pre-activations at which the backward pass lets through at least a tenth of the
            gradient at the threshold.
        saturation: Share of the activations below 0.01 or above 0.99; in a sharp layer all are.
    """

    firing_rate: float
    histogram: np.ndarray
    never_firing: float
    always_firing: float
    gradient_flow: float
    saturation: float


def layer_health(x: np.ndarray, curve: Curve, sharpness: float, surrogate_width: float | None,
                 bins: np.ndarray = HISTOGRAM_BINS) -> LayerHealth:
    """Measures a layer.

    Args:
        x: Pre-activations, one row for each sample and place, one column for each neuron (in a convolution: for each
            feature map), shape ``(rows, neurons)``, at least one row.
        curve: The layer's curve.
        sharpness: The layer's sharpness in [0, 1].
        surrogate_width: Width of its surrogate gradient, or None for the curve's own.
        bins: Edges of the histogram's bins, rising. Default: :data:`HISTOGRAM_BINS`.

    Returns:
        The measures.

    Raises:
        ValueError: There are no pre-activations, or they are no matrix.
    """
    if x.ndim != 2 or not x.size:
        raise ValueError(f"Expected pre-activations of shape (rows, neurons), at least one; got shape {x.shape}.")
    y = np.where(np.isnan(x), x, curve.value(x, sharpness))  # a training that diverged is no silent layer
    counts = np.histogram(np.clip(x, bins[0], bins[-1]), bins)[0]
    gradient, peak = (surrogates.gradient(curve, at, sharpness, surrogate_width, np.ones_like(at))
                      for at in (x, np.float32(curve.threshold)))
    return LayerHealth(
        firing_rate=float(y.mean()), histogram=counts / x.size,
        never_firing=float((y.max(axis=0) < SATURATED).mean()),
        always_firing=float((y.min(axis=0) > 1 - SATURATED).mean()),
        gradient_flow=float(((gradient > 0) & (gradient >= OPEN * peak)).mean()),
        saturation=float(((y < SATURATED) | (y > 1 - SATURATED)).mean()))


def as_columns(layers: Sequence[LayerHealth | None]) -> dict[str, np.ndarray]:
    """The measures of several layers side by side, NaN where a layer has none.

    Args:
        layers: One for each layer, or None for a layer that the samples did not reach.

    Returns:
        ``firing_rates`` and each of :data:`METRICS`, shape ``(layers,)``, and ``histograms``, shape
        ``(layers, bins)``, zeros where a layer has none.
    """
    def column(name: str) -> np.ndarray:
        return np.array([np.nan if health is None else getattr(health, name) for health in layers])

    bins = next((len(health.histogram) for health in layers if health is not None), len(HISTOGRAM_BINS) - 1)
    histograms = [np.zeros(bins) if health is None else health.histogram for health in layers]
    return {"firing_rates": column("firing_rate"), "histograms": np.array(histograms),
            **{name: column(name) for name in METRICS}}

"""The activation curves of a run: their thresholds and ramps, and how many inputs of a layer lie on the ramp."""

from __future__ import annotations

import numpy as np

from whetstone_lab.method.curves import CURVES, WIDTH_FLOOR
from whetstone_lab.records.trace import Trace


def activation(curve: str, x: np.ndarray, sharpness: float) -> np.ndarray:
    """The curve of a layer at some pre-activations, shape of ``x``."""
    return np.asarray(CURVES[curve].value(x, sharpness))


def threshold(curve: str) -> float:
    """The pre-activation at which the sharp curve steps from 0 to 1."""
    return CURVES[curve].threshold


def ramp(curve: str, sharpness: float) -> tuple[float, float]:
    """Where a curve is neither 0 nor 1: from knee to knee, both at the threshold when it is a step."""
    half = 0.0 if sharpness >= 1 else 0.5 * (1 - sharpness + WIDTH_FLOOR)
    return threshold(curve) - half, threshold(curve) + half


def share_between(edges: np.ndarray, shares: np.ndarray, low: float, high: float) -> float:
    """How much of a histogram lies between two values, spread evenly within each bin; from 0 to 1."""
    cumulative = np.concatenate([[0.0], np.cumsum(shares)])
    below, above = np.interp([low, high], edges, cumulative)
    return float(above - below)


#: Of the pre-activations that are drawn: how far from the threshold at least and at most, and what share may lie beyond
#: on either side before more is drawn.
_LEAST, _MOST, _BEYOND = 1.75, 16.0, 0.01


def drawn_range(edges: np.ndarray, shares: np.ndarray, threshold: float) -> tuple[float, float]:
    """From where to where the pre-activations of a layer are drawn.

    The range reaches 1.75 to either side of the threshold, where the curve has its ramp, and further, up to 16, where
    more than a hundredth of the pre-activations would lie beyond.

    Args:
        edges: Edges of the bins, rising, shape ``(bins + 1,)``, or none.
        shares: One histogram or several, of all of which it must be true, shape ``(bins,)`` or ``(histograms, bins)``.
        threshold: The threshold of the layer's curve.

    Returns:
        The lowest and the highest value.
    """
    low, high = threshold - _LEAST, threshold + _LEAST
    for histogram in np.atleast_2d(shares) if len(edges) > 3 else ():
        if not histogram.any():
            continue
        cumulative = np.concatenate([[0.0], np.cumsum(histogram)])
        below, above = np.interp([_BEYOND, cumulative[-1] - _BEYOND], cumulative, edges)
        # How far the outer bins reach is not known, so their inner edges are as far as can be drawn.
        low, high = min(low, max(below, edges[1])), max(high, min(above, edges[-2]))
    # On whole halves, so that the axis of a run that goes on seldom moves.
    return (max(float(np.floor(2 * low) / 2), threshold - _MOST) if low < threshold - _LEAST else low,
            min(float(np.ceil(2 * high) / 2), threshold + _MOST) if high > threshold + _LEAST else high)


def heights(edges: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """How high the bars of histograms are: share over width of the bin, the outer bins 0, for they have no width.

    Args:
        edges: Edges of the bins, rising, shape ``(bins + 1,)``.
        shares: Shape ``(..., bins)``.
    """
    density = shares / np.diff(edges)
    density[..., [0, -1]] = 0
    return density


def outside(edges: np.ndarray, shares: np.ndarray, low: float, high: float) -> tuple[float, float]:
    """What share of a histogram lies below ``low`` and above ``high``; what the outer bins hold lies outside anyway."""
    below, above = share_between(edges, shares, edges[0], low), share_between(edges, shares, high, edges[-1])
    return max(below, float(shares[0])), max(above, float(shares[-1]))


def histogram_at(trace: Trace, epochs: int) -> np.ndarray | None:
    """The newest histogram of the pre-activations among the first ``epochs`` epochs, ``(layers, bins)``, or None."""
    for shares in trace.histograms[:epochs][::-1]:
        if shares.size and np.isfinite(shares).all():
            return shares
    return None

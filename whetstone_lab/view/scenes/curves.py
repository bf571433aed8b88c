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


def histogram_at(trace: Trace, epochs: int) -> np.ndarray | None:
    """The newest histogram of the pre-activations among the first ``epochs`` epochs, ``(layers, bins)``, or None."""
    for shares in trace.histograms[:epochs][::-1]:
        if shares.size and np.isfinite(shares).all():
            return shares
    return None

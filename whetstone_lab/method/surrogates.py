"""Surrogate gradients: what the backward pass sees in place of a step, whose own gradient is zero everywhere."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from whetstone_lab.method.curves import Curve


def arctan_gradient(x: Any, threshold: float, width: float, upstream: Any, xp: Any = np) -> Any:
    """Surrogate for the gradient of a step, backwards: ``upstream / (1 + (pi (x - threshold) / w)^2)``.

    It is the slope of ``w / pi arctan(pi (x - threshold) / w)``: 1 at the threshold, as that of a ReLU, and half of
    that ``w / pi`` away from it. Its tails reach neurons far away, which a window cut off at its edges would leave
    without a gradient for good.

    Args:
        x: Pre-activations, any shape.
        threshold: Where the step is.
        width: The width w, positive, in units of the pre-activation: a step of that width and slope 1 has as much area.
        upstream: Gradient by the activations, shape of ``x``.
        xp: Array namespace. Default: NumPy.

    Returns:
        Gradient by the pre-activations, shape of ``x``.

    Source: Fang et al., "Incorporating learnable membrane time constant to enhance learning of spiking neural
    networks", ICCV 2021, whose alpha is ``2 / w``, but for the factor ``w``.
    """
    return upstream / (1.0 + (math.pi / width) ** 2 * xp.square(x - threshold))


def gradient(curve: Curve, x: Any, sharpness: Any, surrogate_width: float | None, upstream: Any, xp: Any = np) -> Any:
    """The gradient that a spiking layer gives back: that of its curve, or with a width that of the blurred step.

    Args:
        curve: The layer's curve.
        x: Pre-activations, any shape.
        sharpness: Scalar in [0, 1].
        surrogate_width: Width for :func:`arctan_gradient`, positive; None for the curve's own gradient.
        upstream: Gradient by the activations, shape of ``x``.
        xp: Array namespace. Default: NumPy.

    Returns:
        Gradient by the pre-activations, shape of ``x``.
    """
    if surrogate_width is None:
        return curve.gradient(x, sharpness, upstream, xp)
    return arctan_gradient(x, curve.threshold, surrogate_width, upstream, xp)

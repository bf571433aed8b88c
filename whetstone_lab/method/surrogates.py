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
        width: The width w, positive, in units of the pre-activation. The area under the surrogate is w, as that of a
            window of width w and height 1.
        upstream: Gradient by the activations, shape of ``x``.
        xp: Array namespace. Default: NumPy.

    Returns:
        Gradient by the pre-activations, shape of ``x``.

    Source: Fang et al., "Incorporating learnable membrane time constant to enhance learning of spiking neural
    networks", ICCV 2021; this is w times theirs with ``alpha = 2 / w``.
    """
    return upstream / (1.0 + (math.pi / width) ** 2 * xp.square(x - threshold))


def gradient(curve: Curve, x: Any, sharpness: Any, surrogate_width: float | None, upstream: Any, xp: Any = np) -> Any:
    """The gradient of a spiking layer, backwards: that of its curve, or that of the blurred step if a width is given.

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

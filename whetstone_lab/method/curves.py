"""The sharpening curves: an activation that turns into a threshold gate as its sharpness goes from 0 to 1.

Both are written once over an array namespace, so the same lines serve NumPy (plots, widgets, the simulator) and
``keras.ops`` (the layers). Source: Severa et al., "Training deep neural networks for binary communication with the
Whetstone method", Nature Machine Intelligence 1, 2019.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Added to the width, so that the slope stays finite while the sharpness is below 1.
WIDTH_FLOOR = 1e-3

#: Distance between the two knees of the sigmoid (the outer roots of its third derivative), in units of 1 / gain.
SIGMOID_KNEES = 4 * math.log(2 + math.sqrt(3))

#: The slope of a fully sharp ramp: so steep that the floating-point numbers next to the threshold give 0 and 1.
_STEEP = 2.0**60


def bounded_relu(x: Any, sharpness: Any, xp: Any = np) -> Any:
    """Bounded ReLU that sharpens into a step at 0.5.

    ``clip((x - 0.5) / (1 - sharpness + 0.001) + 0.5, 0, 1)`` for ``sharpness < 1``, and ``x >= 0.5`` at 1.

    Args:
        x: Pre-activations, any shape, floating point.
        sharpness: Scalar (or an array that broadcasts against ``x``) in [0, 1].
        xp: Array namespace with ``maximum``, ``minimum``, ``where`` and ``cast`` or NumPy's ``astype``. Default: NumPy.

    Returns:
        Activations in [0, 1], of the shape and type of ``x``.
    """
    above = _at_least_single(x, xp) - 0.5
    ramp = above * as_type(1.0 / (1.0 - sharpness + WIDTH_FLOOR), above, xp) + 0.5
    # Not clip, which PyTorch cannot export to ONNX from within a gradient of one's own.
    ramp = as_type(xp.minimum(xp.maximum(ramp, 0.0), 1.0), x, xp)
    # It is the same as x >= 0.5. But 0 is a number that quantisers have exactly, whatever the scale, and 0.5 is not.
    return xp.where(sharpness >= 1.0, as_type(above >= 0.0, x, xp), ramp)


def fused_bounded_relu(x: Any, sharpness: Any, xp: Any = np) -> Any:
    """The values of :func:`bounded_relu` in fewer passes over a large array, which shows in a training step's time.

    The same lines compute ramp and step: at full sharpness a steep slope takes all that is not at the threshold far
    beyond 0 or 1, and it is clipped there. Such a graph is not for other tools. What multiplies a slope of 2^60 into
    the weights before it loses the spikes of pre-activations that lie at the threshold.

    Args:
        x: Pre-activations, any shape, floating point.
        sharpness: Scalar (or an array that broadcasts against ``x``) in [0, 1].
        xp: Array namespace with ``clip``, ``where`` and ``cast`` or NumPy's ``astype``. Default: NumPy.

    Returns:
        Activations in [0, 1], of the shape and type of ``x``.
    """
    slope = xp.where(sharpness >= 1.0, _STEEP, 1.0 / (1.0 - sharpness + WIDTH_FLOOR))
    level = xp.where(sharpness >= 1.0, 1.0, 0.5)
    wide = _at_least_single(x, xp)
    ramp = (wide - 0.5) * as_type(slope, wide, xp) + as_type(level, wide, xp)
    return as_type(xp.clip(ramp, 0.0, 1.0), x, xp)


def bounded_relu_gradient(x: Any, sharpness: Any, upstream: Any, xp: Any = np) -> Any:
    """Gradient of :func:`bounded_relu`, backwards: ``upstream / (1 - sharpness + 0.001)`` on the ramp, 0 beside it.

    Args:
        x: Pre-activations, any shape.
        sharpness: Scalar in [0, 1]; at 1 all is 0.
        upstream: Gradient by the activations, shape of ``x``.
        xp: Array namespace. Default: NumPy.

    Returns:
        Gradient by the pre-activations, shape of ``x``.
    """
    width = 1.0 - sharpness + WIDTH_FLOOR
    half = as_type(xp.where(sharpness >= 1.0, 0.0, 0.5 * width), x, xp)
    return xp.where(xp.abs(x - 0.5) < half, upstream / as_type(width, x, xp), xp.zeros_like(x))


def sigmoid(x: Any, sharpness: Any, xp: Any = np) -> Any:
    """Logistic sigmoid that sharpens into a step at 0.

    ``1 / (1 + exp(-k x))`` with gain ``k = 4 ln(2 + sqrt 3) / (1 - sharpness + 0.001)``, and ``x >= 0`` at 1.

    Args:
        x: Pre-activations, any shape, floating point.
        sharpness: Scalar (or an array that broadcasts against ``x``) in [0, 1].
        xp: Array namespace with ``tanh``, ``where`` and ``cast`` or NumPy's ``astype``. Default: NumPy.

    Returns:
        Activations in [0, 1], of the shape and type of ``x``.
    """
    return as_type(xp.where(sharpness >= 1.0, as_type(x >= 0.0, x, xp), _logistic(x, sharpness, xp)), x, xp)


def sigmoid_gradient(x: Any, sharpness: Any, upstream: Any, xp: Any = np) -> Any:
    """Gradient of :func:`sigmoid`, backwards: ``upstream k y (1 - y)``, and 0 at full sharpness.

    Args:
        x: Pre-activations, any shape.
        sharpness: Scalar in [0, 1].
        upstream: Gradient by the activations, shape of ``x``.
        xp: Array namespace. Default: NumPy.

    Returns:
        Gradient by the pre-activations, shape of ``x``.
    """
    y = _logistic(x, sharpness, xp)
    gain = xp.where(sharpness >= 1.0, 0.0, SIGMOID_KNEES / (1.0 - sharpness + WIDTH_FLOOR))
    return upstream * (as_type(gain, x, xp) * y * (1.0 - y))


def _logistic(x: Any, sharpness: Any, xp: Any) -> Any:
    # As a tanh it cannot overflow, however large the gain.
    return 0.5 * (xp.tanh(0.5 * SIGMOID_KNEES / (1.0 - sharpness + WIDTH_FLOOR) * x) + 1.0)


@dataclass(frozen=True)
class Curve:
    """A sharpening curve: an activation that turns into a threshold gate.

    Attributes:
        name: As traces and files name it.
        threshold: The pre-activation at which the sharp curve steps from 0 to 1.
        value: The activation, ``value(x, sharpness, xp=numpy)``, of the shape of ``x``, in [0, 1]. At full sharpness it
            is a comparison, which other tools read as what it is.
        gradient: Its gradient, backwards, ``gradient(x, sharpness, upstream, xp=numpy)``, of the shape of ``x``.
        fused: The values of ``value`` in fewer passes over ``x``, for a training step. Default: None, there is no such
            form.
    """

    name: str
    threshold: float
    value: Callable[..., Any]
    gradient: Callable[..., Any]
    fused: Callable[..., Any] | None = None


BOUNDED_RELU = Curve("bounded_relu", 0.5, bounded_relu, bounded_relu_gradient, fused_bounded_relu)
SIGMOID = Curve("sigmoid", 0.0, sigmoid, sigmoid_gradient)

#: Name -> curve.
CURVES: dict[str, Curve] = {curve.name: curve for curve in (BOUNDED_RELU, SIGMOID)}


def as_type(values: Any, like: Any, xp: Any) -> Any:
    """Casts values to the floating point type of ``like``; what is no float in NumPy becomes float64."""
    # NumPy would let a float64 sharpness widen float32 activations, and a condition stay boolean.
    if xp is np:
        dtype = np.asarray(like).dtype
        return np.asarray(values).astype(dtype if dtype.kind == "f" else np.float64, copy=False)
    return xp.cast(values, like.dtype)


def _at_least_single(x: Any, xp: Any) -> Any:
    """NumPy's half-precision and other arrays as float32 at least; the layers give no less to begin with."""
    return np.asarray(x, np.promote_types(np.asarray(x).dtype, np.float32)) if xp is np else x

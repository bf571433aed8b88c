"""The sharpening curves: an activation that turns into a threshold gate as its sharpness goes from 0 to 1.

Both are written once over an array namespace, so the same lines serve NumPy (plots, widgets, the simulator) and
``keras.ops`` (the layers). Source: Severa et al., "Training deep neural networks for binary communication with the
Whetstone method", Nature Machine Intelligence 1, 2019.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

#: Added to the width, so that the slope stays finite while the sharpness is below 1.
WIDTH_FLOOR = 1e-3

#: Distance between the two knees of the sigmoid (the outer roots of its third derivative), in units of 1 / gain.
SIGMOID_KNEES = 4 * math.log(2 + math.sqrt(3))


def bounded_relu(x: Any, sharpness: Any, xp: Any = np) -> Any:
    """Bounded ReLU that sharpens into a step at 0.5.

    ``clip((x - 0.5) / (1 - sharpness + 0.001) + 0.5, 0, 1)`` for ``sharpness < 1``, and ``x >= 0.5`` at 1.

    Args:
        x: Pre-activations, any shape, floating point.
        sharpness: Scalar (or an array that broadcasts against ``x``) in [0, 1].
        xp: Array namespace with ``clip``, ``where`` and ``cast`` or NumPy's ``astype``. Default: NumPy.

    Returns:
        Activations in [0, 1], of the shape and type of ``x``.
    """
    ramp = xp.clip((x - 0.5) / (1.0 - sharpness + WIDTH_FLOOR) + 0.5, 0.0, 1.0)
    return _as_type(xp.where(sharpness >= 1.0, _as_type(x >= 0.5, x, xp), ramp), x, xp)


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
    gain = SIGMOID_KNEES / (1.0 - sharpness + WIDTH_FLOOR)
    # The logistic function as a tanh: it cannot overflow, however large the gain.
    soft = 0.5 * (xp.tanh(0.5 * gain * x) + 1.0)
    return _as_type(xp.where(sharpness >= 1.0, _as_type(x >= 0.0, x, xp), soft), x, xp)


#: Name -> curve, as layers and traces name them.
CURVES: dict[str, Callable[..., Any]] = {"bounded_relu": bounded_relu, "sigmoid": sigmoid}

#: Name -> the pre-activation at which the sharp curve steps from 0 to 1.
THRESHOLDS: dict[str, float] = {"bounded_relu": 0.5, "sigmoid": 0.0}


def _as_type(values: Any, like: Any, xp: Any) -> Any:
    # NumPy would let a float64 sharpness widen float32 activations, and a condition stay boolean.
    if xp is np:
        dtype = np.asarray(like).dtype
        return np.asarray(values).astype(dtype if dtype.kind == "f" else np.float64, copy=False)
    return xp.cast(values, like.dtype)

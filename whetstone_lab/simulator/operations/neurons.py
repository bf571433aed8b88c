"""Integrate-and-fire neurons: the threshold that makes spikes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from whetstone_lab.simulator.operations import checks
from whetstone_lab.simulator.operations.base import Operation, Shape


@dataclass(frozen=True, eq=False)
class Neurons(Operation):
    """Integrate-and-fire neurons: each fires where its membrane potential reaches its threshold.

    ``v[t] = (1 - leak) v[t - 1] + x[t]``, and a spike where ``v[t] >= threshold``, after which v is reset.

    By default, with a leak of 1, they are Whetstone's: a wave brings each neuron all its input in one step and is
    then over. Fired or not, nothing is left, so no memory is needed, and the next wave may follow one step behind.

    Args:
        threshold: In units of the input: one for all, or an array that broadcasts against the layer's shape, so that
            ``(channels,)`` is one for each channel. Default: 0.5, as Whetstone's bounded ReLU has; its sigmoid has 0.
        leak: Share of the potential that is gone a step later, in [0, 1]. Default: 1; 0 is a perfect integrator.
        reset: After a spike the potential is 0 (``"zero"``, the default), or less by the threshold
            (``"subtract"``), which loses nothing of it.
        refractory: Steps after a spike in which a neuron takes no input and does not fire. Default: 0.
        delay: Steps that a spike takes on its way, besides the step that each layer takes. Default: 0.

    Raises:
        ValueError: A threshold is not finite, the leak is outside [0, 1], or an option is not one.

    Example:
        >>> Neurons(0.5).apply(np.array([[0.4, 0.5, 0.6]]))
        array([[0., 1., 1.]])
    """

    threshold: Any = 0.5
    _: KW_ONLY
    leak: float = 1.0
    reset: str = "zero"
    refractory: int = 0
    delay: int = 0

    def __post_init__(self) -> None:
        leak = self.leak
        if isinstance(leak, bool) or not isinstance(leak, (int, float, np.number)) or not 0 <= leak <= 1:
            raise ValueError(f"Expected leak to be a share in [0, 1]; got {leak!r}.")
        if self.reset not in ("zero", "subtract"):
            raise ValueError(f"Expected reset to be 'zero' or 'subtract'; got {self.reset!r}.")
        self._set(threshold=checks.floats("threshold", self.threshold), leak=float(leak),
                  refractory=checks.integer("refractory", self.refractory, 0),
                  delay=checks.integer("delay", self.delay, 0))

    @property
    def remembers(self) -> bool:
        """Whether a step depends on those before it."""
        return self.leak < 1 or self.refractory > 0 or self.delay > 0

    def by_channel(self, shape: Shape) -> bool:
        """Whether neurons of this shape have one threshold for all, or one for each channel."""
        size = self.threshold.size
        return size == 1 or bool(self.threshold.ndim and size == self.threshold.shape[-1] == (shape or (1,))[-1])

    def output_shape(self, *inputs: Shape) -> Shape:
        shape = checks.single(inputs)
        if not checks.broadcasts(self.threshold.shape, shape):
            raise ValueError(f"Expected thresholds that broadcast to neurons of shape {shape}; got shape "
                             f"{self.threshold.shape}.")
        return shape

    def fires(self, potential: np.ndarray) -> np.ndarray:
        """Which neurons reach their threshold, as booleans."""
        return potential >= self.threshold

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        """The spikes of one step, zeros and ones; what happens over many steps is in ``dynamics``."""
        return self.fires(inputs[0]).astype(inputs[0].dtype)


def without_bias(threshold: Any, bias: Any) -> np.ndarray:
    """The thresholds that make neurons without a bias fire exactly as with it.

    On a chip a bias is a threshold shift, ``threshold - bias``; but rounded to a float that is not always the same
    neuron. Rounding never turns an order around, so ``x + bias``, rounded, grows with x, and there is one smallest x
    at which it reaches the threshold. That x, found by bisection over all floats, is the new threshold:
    ``x >= new`` if and only if ``x + bias >= threshold``, for every x and to the bit.

    Args:
        threshold: Thresholds with a bias, finite, an array or a number.
        bias: Biases, finite, that broadcast against them.

    Returns:
        Thresholds without a bias, in the widest floating point type of the two.

    Example:
        >>> print(without_bias(0.5, [0.25, -1.0]))
        [0.24999999 1.5       ]
    """
    threshold, bias = np.broadcast_arrays(checks.floats("threshold", threshold), checks.floats("bias", bias))
    real = np.result_type(threshold, bias)
    threshold, bias = threshold.astype(real), bias.astype(real)
    return _least(lambda x: x + bias >= threshold, bias.shape, real)


def without_scale(threshold: Any, factor: Any, offset: Any) -> tuple[np.ndarray, np.ndarray]:
    """The signs and thresholds that make neurons fire exactly as behind ``x * factor + offset``.

    ``signs * x >= new`` if and only if ``x * factor + offset >= threshold``, rounded after the product and after the
    sum, for every x and to the bit: as in :func:`without_bias`, what is compared grows with ``signs * x``. (The largest
    float stands for a threshold that nothing reaches.)

    Args:
        threshold: Thresholds behind the scale, finite, an array or a number.
        factor: Factors, finite, that broadcast against them.
        offset: Offsets, finite, that broadcast against them.

    Returns:
        Signs, 1 or -1, and thresholds, in the widest floating point type of the three.

    Example:
        >>> signs, thresholds = without_scale(0.5, [2.0, -0.5], [0.0, 1.0])
        >>> signs.tolist(), thresholds.tolist()
        ([1.0, -1.0], [0.25, -1.0])
    """
    arrays = np.broadcast_arrays(*(checks.floats(name, value) for name, value in (
        ("threshold", threshold), ("factor", factor), ("offset", offset))))
    real = np.result_type(*arrays)
    threshold, factor, offset = (array.astype(real) for array in arrays)
    size = np.abs(factor)
    found = _least(lambda x: x * size + offset >= threshold, size.shape, real)
    largest = np.finfo(real).max
    return np.where(factor < 0, real.type(-1), real.type(1)), np.clip(found, -largest, largest)


def _least(reached: Callable[[np.ndarray], np.ndarray], shape: Shape, real: np.dtype) -> np.ndarray:
    """For each place the smallest float of which ``reached`` holds, where it holds of all above; infinity if of none.

    It is found by bisection over all floats.
    """
    ordinal = np.dtype(f"i{real.itemsize}").type
    # A float's bits, read as an integer with a sign, count the floats from zero: minus to plus infinity is the range.
    infinity = np.array(np.inf, real).view(ordinal)
    low, high = np.full(shape, -infinity), np.full(shape, infinity)
    for _ in range(8 * real.itemsize):
        middle = (low >> 1) + (high >> 1) + (low & high & 1)
        x = np.copysign(np.abs(middle).view(real), middle.astype(real))
        with np.errstate(over="ignore", invalid="ignore"):
            yes = reached(x)
        high, low = np.where(yes, middle, high), np.where(yes, low, middle)
    return np.copysign(np.abs(high).view(real), high.astype(real))

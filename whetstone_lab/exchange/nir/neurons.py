"""Neurons in NIR: written as ``CubaLIF``, read from ``Threshold``, ``IF``, ``LIF`` and ``CubaLIF``; and integrators.

NIR gives differential equations, in seconds. Readers take them in Euler steps, and so does this one; with ``s`` the
time step, ``v`` the membrane potential and ``I`` the input:

- ``IF``: ``v += s r I``
- ``LIF``: ``v += s / tau (v_leak - v + r I)``
- ``CubaLIF``: ``i += s / tau_syn (-i + w_in I)``, then ``v += s / tau_mem (v_leak - v + r i)``
- ``Threshold``: ``v = I``
- ``I``, ``LI``, ``CubaLI``: as ``IF``, ``LIF``, ``CubaLIF``, and ``v`` is what they give

A neuron of NIR fires where ``v > v_threshold``, one of ours where ``v >= threshold``: the next float is between them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np

from whetstone_lab.exchange.layout import Layout
from whetstone_lab.simulator.operations import Neurons, Operation, Scale

#: The time step in seconds that snnTorch 1.0.0 and SpikingJelly 2.0.0 assume. With a time constant of one step, nothing
#: of a step is left in the next.
STEP = 1e-4

#: If an input of 1 takes more steps than these to bring a neuron to its threshold, its unit of time may be a mistake.
SLOW = 1000


def cuba_lif(nir: ModuleType, threshold: np.ndarray, layout: Layout) -> Any:
    """A ``CubaLIF`` node that remembers nothing and fires where ours do, at the threshold."""
    thresholds, ones = layout.arranged(np.asarray(threshold)), np.ones(layout.shape)
    reset = {"v_reset": 0 * ones} if hasattr(nir.CubaLIF, "v_reset") else {}  # NIR 1.0.4 has none
    return nir.CubaLIF(
        tau_syn=STEP * ones, tau_mem=STEP * ones, r=ones, v_leak=0 * ones, w_in=ones, **reset,
        v_threshold=np.nextafter(thresholds, thresholds.dtype.type(-np.inf)))


def lif(nir: ModuleType, threshold: np.ndarray, layout: Layout) -> Any:
    """A ``LIF`` node that does the same, without the ``v_reset`` that NIR 1.0.4 does not know."""
    thresholds, ones = layout.arranged(np.asarray(threshold)), np.ones(layout.shape)
    return nir.LIF(tau=STEP * ones, r=ones, v_leak=0 * ones,
                   v_threshold=np.nextafter(thresholds, thresholds.dtype.type(-np.inf)))


def read_neurons(node: Any, step: float, at_threshold: bool = False) -> Iterator[Operation]:
    """The operations that do what a NIR node of neurons does: a gain where there is one, then the neurons.

    Args:
        node: A ``Threshold``, ``IF``, ``LIF`` or ``CubaLIF`` node.
        step: The time step in seconds.
        at_threshold: Whether they fire at their threshold, too. Default: False, above it.

    Raises:
        ValueError: The simulator has no such neurons.
    """
    leak, gain = _dynamics(node, step)
    for name in ("v_leak", "v_reset"):
        found = np.asarray(getattr(node, name, 0.0))
        if found.any():
            raise ValueError(f"expected {name} to be 0; got {found.min():g} to {found.max():g}.")
    if not np.allclose(gain, 1.0, rtol=1e-6, atol=0):
        yield Scale(per_neuron(gain).astype(np.float32))
    yield replace(_firing(_threshold(node), at_threshold), leak=leak)


def read_integrator(node: Any, step: float) -> Iterator[Operation]:
    """The operation that gives a value as ``I``, ``LI`` or ``CubaLI`` do; none where it is the input itself.

    Of ``I``, whose value is a sum over the steps, it is what a step adds; votes are added up over the steps.

    Raises:
        ValueError: Something of a step would be left in the next.
    """
    leak, gain = _dynamics(node, step)
    if type(node).__name__ != "I" and leak != 1:
        raise ValueError(f"expected {'tau_mem' if type(node).__name__ == 'CubaLI' else 'tau'} to be one time step, "
                         f"{step:g} s: values here remember nothing. Pass another step if theirs is another.")
    offset = per_neuron(getattr(node, "v_leak", np.zeros(())))
    if offset.any() or not np.allclose(gain, 1.0, rtol=1e-6, atol=0):
        yield Scale(per_neuron(gain).astype(np.float32), offset.astype(np.float32))


def is_slow(node: Any, step: float) -> bool:
    """Whether a step adds so little that an input of 1 brings no neuron to its threshold within :data:`SLOW` steps.

    Thresholds above 1 count as 1, since inputs may be on a large scale too.
    """
    _, gain = _dynamics(node, step)
    return bool(np.all(SLOW * np.abs(gain) <= np.minimum(_threshold(node), 1)))


def per_neuron(values: Any) -> np.ndarray:
    """Values for each neuron, channels last, and a single one where all are the same."""
    array = np.asarray(values)
    if array.size and (array == array.flat[0]).all():
        return array.reshape(-1)[0].reshape(())
    return np.moveaxis(array, 0, -1) if array.ndim > 1 else array


def _dynamics(node: Any, step: float) -> tuple[float, np.ndarray]:
    """The share of a membrane potential that is gone after a step, and what an input of 1 adds in one."""
    match type(node).__name__:
        case "Threshold":
            return 1.0, np.ones(())
        case "IF" | "I":
            return 0.0, np.asarray(node.r) * step
        case "LIF" | "LI":
            leak = _leak(node, "tau", step)
            return leak, np.asarray(node.r) * leak
        case _:
            if _leak(node, "tau_syn", step) != 1:
                raise ValueError(f"expected tau_syn to be one time step, {step:g} s: synapses here remember nothing. "
                                 "Pass another step if theirs is another.")
            leak = _leak(node, "tau_mem", step)
            return leak, np.asarray(node.w_in) * np.asarray(node.r) * leak


def _threshold(node: Any) -> np.ndarray:
    return np.asarray(node.threshold if type(node).__name__ == "Threshold" else node.v_threshold)


def _leak(node: Any, name: str, step: float) -> float:
    """The share of a membrane potential, or of a current, that is gone after a step."""
    times = np.asarray(getattr(node, name), np.float64)
    if not (times == times.flat[0]).all() or not times.flat[0] >= step * (1 - 1e-6):
        raise ValueError(f"expected one {name} for all, at least a time step of {step:g} s; got "
                         f"{times.min():g} to {times.max():g}. Pass another step if theirs is another.")
    leak = step / times.flat[0]
    return 1.0 if math.isclose(leak, 1.0, rel_tol=1e-6) else float(leak)


def _firing(threshold: np.ndarray, at: bool) -> Neurons:
    """Neurons that fire at or above a threshold of NIR's shape; ours fire at theirs."""
    limit = per_neuron(threshold)
    single = limit.astype(np.float32)
    if (single == limit).all():  # float64 is for those who mean it
        limit = single
    return Neurons(limit if at else np.nextafter(limit, limit.dtype.type(np.inf)))

"""What neurons do over time: integrate, fire, reset, and send spikes that take their time."""

from __future__ import annotations

import numpy as np

from whetstone_lab.simulator.faults import Faults
from whetstone_lab.simulator.operations import Neurons


def integrate(neurons: Neurons, currents: np.ndarray, noise: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Membrane potentials before the reset, and which neurons fire, over time; :func:`fire` takes care of the delay.

    Args:
        neurons: The layer.
        currents: Input of each step, shape ``(samples, steps, ...)``.
        noise: What is added to the potentials when they are compared, of the same shape. Default: nothing.

    Returns:
        Potentials, of the type of the currents, and spikes as booleans; both have the shape of the currents.

    Example:
        >>> potentials, fired = integrate(Neurons(1.0, leak=0.0), np.full((1, 5), 0.4))
        >>> fired[0].tolist()
        [False, False, True, False, False]
    """
    potentials, fired = np.empty_like(currents), np.empty(currents.shape, bool)
    potential = np.zeros_like(currents[:, 0])
    waiting = np.zeros(potential.shape, np.int64)
    # Neurons stuck at firing have the lowest threshold there is (see Faults): with none to subtract, they begin at 0.
    stuck = neurons.threshold <= np.finfo(neurons.threshold.dtype).min
    zero = currents.dtype.type(0)
    threshold = np.where(stuck, zero, neurons.threshold)
    for step in range(currents.shape[1]):
        awake = waiting == 0
        kept = potential if neurons.leak == 0 else potential * currents.dtype.type(1 - neurons.leak)
        potential = np.where(awake, kept + currents[:, step], kept)
        potentials[:, step] = potential if noise is None else potential + noise[:, step]
        spikes = fired[:, step] = neurons.fires(potentials[:, step]) & awake
        left = np.where(stuck, zero, potential - threshold) if neurons.reset == "subtract" else np.zeros_like(potential)
        potential = np.where(spikes, left, potential)
        waiting = np.where(spikes, neurons.refractory, np.maximum(waiting - 1, 0))
    return potentials, fired


def fire(neurons: Neurons, currents: np.ndarray, steps: int, faults: Faults | None = None, layer: int = 0,
         start: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a layer does with its input: potentials, which neurons fire, and the spikes that arrive at each step.

    Args:
        neurons: The layer.
        currents: Shape ``(samples * steps, ...)``; so are the results.
        steps: How many there are of each sample.
        faults: Those that come anew each time are made here. Default: none.
        layer: The layer's number, for the faults.
        start: Number of the first sample, for the faults.
    """
    over_time = currents.reshape(-1, steps, *currents.shape[1:])
    noise = faults.disturb(layer, np.zeros_like(over_time), start) if faults and faults.noise else None
    if neurons.remembers:
        potentials, fired = integrate(neurons, over_time, noise)
    else:
        potentials = over_time if noise is None else over_time + noise
        fired = neurons.fires(potentials)
    if faults:
        fired = faults.arrive(layer, fired, start)
    arriving = fired
    if neurons.delay:
        arriving = np.zeros_like(fired)
        arriving[:, neurons.delay :] = fired[:, : -neurons.delay]
    return potentials.reshape(currents.shape), fired.reshape(currents.shape), arriving.reshape(currents.shape)

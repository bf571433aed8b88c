"""Running a network: a wave of spikes climbs one layer a time step. Plain NumPy."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.simulator.faults import Faults
from whetstone_lab.simulator.network import Network
from whetstone_lab.simulator.plan import check_inputs, count_steps, plan_of

RECORDS = ("events", "votes")
TIMINGS = ("wave", "instant")


def run(network: Network, inputs: Any, *, record: str = "events", membranes: bool | Collection[str] = False,
        labels: Any = None, batch_size: int | None = None, faults: Faults | None = None,
        timing: str = "wave") -> SpikeRecord:
    """Shows inputs to a network and records what its neurons do.

    Inputs are currents into the first layer, there at step 0. Each layer of neurons takes one time step: it sums
    what the layers below sent, fires where the sum reaches the threshold, and is reset. Layer k of a chain fires at
    step k; where paths of different length meet, spikes wait for the last.

    **Over time.** With another axis after that of the samples, inputs come step by step: one sample as
    constant input or coded in spikes (see :mod:`whetstone_lab.simulator.encoding`), or another sample at every step.
    The last is pipelining: each layer works on another sample, and what comes in at step t leaves layer k at step
    t + k. Neurons that remember (see ``Neurons``) do so along this axis. Spikes with a delay that arrive after the last
    step are lost.

    **Exactness.** The arithmetic is that of the Keras model at full sharpness, in the same floating point type. Where
    all sums are exact (small integers, multiples of 1/4, and the like), spikes are equal always, also where a sum
    lies right on the threshold. Otherwise two libraries, or one at two batch sizes or spike by spike, may add products
    in another order, and both results lie within ``n u / (1 - n u) * sum |x_i w_i|`` of the true sum of
    n terms (u is 2^-24 for float32; Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1). So a
    neuron can differ only if its potential is that close to its threshold.

    Args:
        network: The network.
        inputs: Samples, finite numbers, shape ``(samples, *network.input_shape)``, or step by step
            ``(samples, steps, *network.input_shape)``.
        record: ``"events"`` (default) keeps every spike, ``"votes"`` only what was read at the output.
        membranes: Whether to keep membrane potentials before the reset: True for all layers, or the names of some.
            They are in units of the threshold, and 0 at every step but the layer's own ones. Default: False.
        labels: True classes to keep beside the votes, integers of shape ``(samples,)``, or ``(samples, ...)`` where
            every place of the output has a class of its own. Default: unknown.
        batch_size: Samples computed at once, which bounds the memory. Default: by the widest layer, some 16 MB.
        faults: What is wrong with the hardware. Default: nothing.
        timing: ``"wave"`` (default): a step a layer. ``"instant"``: all layers in the step of their input, as
            simulators have it that care for no wires; the spikes are the same.

    Returns:
        The record. Its votes are the scores of the key (integers), the analog output before any softmax, or have no
        columns where output spikes stand for no classes; those of several steps are added up. ``meta["readout"]`` says
        which. Its classes are what :class:`~whetstone_lab.simulator.readouts.Readout` decides.

    Raises:
        ValueError: The inputs have the wrong shape or are not finite; an option is not one.

    Example:
        >>> from whetstone_lab.simulator import operations
        >>> network = Network((2,), [operations.Neurons(0.5)], key=[[1, 0], [0, 1]])
        >>> record = run(network, [[0.7, 0.1], [0.2, 0.9]])
        >>> record
        SpikeRecord(2 samples, 1 steps, 1 layers, 2 spikes)
        >>> record.classes.tolist()
        [0, 1]
    """
    inputs = check_inputs(network, inputs)
    if record not in RECORDS:
        raise ValueError(f"Expected record to be one of {RECORDS}; got {record!r}.")
    if timing not in TIMINGS:
        raise ValueError(f"Expected timing to be one of {TIMINGS}; got {timing!r}.")
    network = faults.damage(network) if faults else network
    plan, head = plan_of(network), network.head
    labels, votes = head.check_labels(labels, len(inputs)), head.empty(len(inputs))
    steps = count_steps(network, inputs)
    wave = timing == "wave"
    offsets = plan.steps if wave else [0] * len(plan.steps)
    ends = (plan.last if wave else 0) + steps
    potentials = {layer: np.zeros((len(inputs), ends, plan.sizes[layer]), network.dtype)
                  for layer in _watched(network, membranes)}
    events = []
    for start, batch in plan.batches(inputs, steps, batch_size):
        here = slice(start, start + len(batch) // steps)
        if record == "votes" and not potentials:
            output = plan.compute(batch, steps, None, faults, start)
        else:
            fired = np.empty((len(batch), sum(plan.sizes)), bool)

            def watch(layer: int, potential: np.ndarray, spikes: np.ndarray, here: slice = here,
                      fired: np.ndarray = fired) -> None:
                fired[:, plan.columns[layer]] = spikes.reshape(len(spikes), -1)
                if layer in potentials:
                    potentials[layer][here, offsets[layer] : offsets[layer] + steps] = potential.reshape(
                        -1, steps, plan.sizes[layer])

            output = plan.compute(batch, steps, watch, faults, start)
            if record == "events":
                events.append(plan.events(fired, start) if steps == 1 and wave else
                              plan.events_over_time(fired, start, steps, offsets))
        if votes.shape[-1]:
            votes[here] = head.score(output, steps)
    sample, step, layer, neuron = np.concatenate(events, axis=1) if events else [np.zeros(0, np.int32)] * 4
    return SpikeRecord(plan.layers, plan.shapes, ends, sample, step, layer, neuron, inputs, votes, labels,
                       potentials, {"readout": head.kind, "record": record}, head.decide(votes))


def predict(network: Network, inputs: Any, *, batch_size: int | None = None,
            faults: Faults | None = None) -> np.ndarray:
    """The class of each sample: the best-matched key or the largest analog output, the lowest class on a tie.

    Args:
        network: A network whose output stands for classes.
        inputs: Samples, shape ``(samples, *network.input_shape)``, or step by step
            ``(samples, steps, *network.input_shape)``: the votes of the steps are added up.
        batch_size: Samples computed at once. Default: as in :func:`run`.
        faults: What is wrong with the hardware. Default: nothing.

    Returns:
        Integers, shape ``(samples,)``, or ``(samples, ...)`` where every place of the output has a class of its own.

    Raises:
        ValueError: The output stands for no classes; or as in :func:`run`.

    Example:
        >>> from whetstone_lab.simulator import operations
        >>> network = Network((2,), [operations.Dense([[1, 0], [0, 2]])], readout="softmax")
        >>> predict(network, [[0.7, 0.1], [0.2, 0.9]]).tolist()
        [0, 1]
    """
    head = network.head
    if not head.decides:
        what = "output spikes" if head.kind == "spikes" else "output values"
        raise ValueError(f"Expected a network with a class key or an analog output; the {what} of this one stand for "
                         "no classes.")
    network = faults.damage(network) if faults else network
    inputs, plan = check_inputs(network, inputs), plan_of(network)
    steps = count_steps(network, inputs)
    classes = [head.decide(head.score(plan.compute(batch, steps, None, faults, start), steps))
               for start, batch in plan.batches(inputs, steps, batch_size)]
    return classes[0] if len(classes) == 1 else np.concatenate(classes or [head.decide(head.empty(0))])


def _watched(network: Network, membranes: bool | Collection[str]) -> Sequence[int]:
    """Numbers of the layers whose membrane potentials are asked for."""
    if membranes is False:
        return ()
    layers = network.layers
    if membranes is True:
        return range(len(layers))
    names = (membranes,) if isinstance(membranes, str) else tuple(membranes)
    unknown = [name for name in names if name not in layers]
    if unknown:
        raise ValueError(f"Expected membranes of layers among {list(layers)}; got {unknown}.")
    return [layers.index(name) for name in names]

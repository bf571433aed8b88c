"""Running a network: a wave of spikes climbs one layer a time step. Plain NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

import numpy as np

from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.simulator.network import Network
from whetstone_lab.simulator.operations import Neurons

if TYPE_CHECKING:
    from whetstone_lab.simulator.faults import Faults

RECORDS = ("events", "votes")
TIMINGS = ("wave", "instant")

#: Values of the widest layer that are held at once: it sets the batch size where none is given.
_BATCH_VALUES = 1 << 22


def run(network: Network, inputs: Any, *, record: str = "events", membranes: bool | Collection[str] = False,
        labels: Any = None, batch_size: int | None = None, faults: Faults | None = None,
        timing: str = "wave") -> SpikeRecord:
    """Shows inputs to a network and records what its neurons do.

    Inputs are currents into the first layer, there at step 0. Each layer of neurons takes one time step: it sums
    what the layers below sent, fires where the sum reaches the threshold, and is reset. Layer k of a chain fires at
    step k; where paths of different length meet, spikes wait for the last.

    **Over time.** With another axis after that of the samples, inputs come step by step: one sample held, coded in
    spikes (see :mod:`whetstone_lab.simulator.encoding`), or another sample at every step. The last is pipelining: each
    layer works on another sample, and what comes in at step t leaves layer k at step t + k. Neurons that remember
    (see ``Neurons``) do so along this axis. Spikes with a delay that arrive after the last step are lost.

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
        labels: True classes, integers of shape ``(samples,)``, to keep beside the votes. Default: unknown.
        batch_size: Samples computed at once, which bounds the memory. Default: by the widest layer, some 16 MB.
        faults: What is wrong with the hardware. Default: nothing.
        timing: ``"wave"`` (default): a step a layer. ``"instant"``: all layers in the step of their input, as
            simulators have it that care for no wires; the spikes are the same.

    Returns:
        The record. Its votes are the scores of the key (integers), the analog output before any softmax, or have no
        columns where the output stands for no classes; those of several steps are added up. ``meta["readout"]`` says
        which.

    Raises:
        ValueError: The inputs have the wrong shape or are not finite; an option is not one.
    """
    inputs = check_inputs(network, inputs)
    if record not in RECORDS:
        raise ValueError(f"Expected record to be one of {RECORDS}; got {record!r}.")
    if timing not in TIMINGS:
        raise ValueError(f"Expected timing to be one of {TIMINGS}; got {timing!r}.")
    network = faults.damage(network) if faults else network
    schedule = _schedule(network)
    labels = _check_labels(labels, len(inputs))
    votes = _no_votes(network, len(inputs))
    steps = count_steps(network, inputs)
    wave = timing == "wave"
    offsets = schedule.steps if wave else [0] * len(schedule.steps)
    ends = (schedule.last if wave else 0) + steps
    potentials = {layer: np.zeros((len(inputs), ends, schedule.sizes[layer]), network.dtype)
                  for layer in _watched(network, membranes)}
    events = []
    for start, batch in _split(schedule, inputs, steps, batch_size):
        here = slice(start, start + len(batch) // steps)
        if record == "votes" and not potentials:
            output = schedule.compute(batch, steps, None, faults, start)
        else:
            fired = np.empty((len(batch), sum(schedule.sizes)), bool)

            def watch(layer: int, potential: np.ndarray, spikes: np.ndarray, here: slice = here,
                      fired: np.ndarray = fired) -> None:
                fired[:, schedule.columns[layer]] = spikes.reshape(len(spikes), -1)
                if layer in potentials:
                    potentials[layer][here, offsets[layer] : offsets[layer] + steps] = potential.reshape(
                        -1, steps, schedule.sizes[layer])

            output = schedule.compute(batch, steps, watch, faults, start)
            if record == "events":
                events.append(schedule.events(fired, start) if steps == 1 and wave else
                              schedule.events_over_time(fired, start, steps, offsets))
        if votes.shape[-1]:
            votes[here] = schedule.score(output, steps)
    sample, step, layer, neuron = np.concatenate(events, axis=1) if events else [np.zeros(0, np.int32)] * 4
    return SpikeRecord(schedule.layers, schedule.shapes, ends, sample, step, layer, neuron, inputs, votes, labels,
                       potentials, {"readout": network.readout, "record": record})


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
    """
    if network.readout == "spikes":
        raise ValueError("Expected a network with a class key or an analog output; the output spikes of this one "
                         "stand for no classes.")
    network = faults.damage(network) if faults else network
    inputs, schedule = check_inputs(network, inputs), _schedule(network)
    steps = count_steps(network, inputs)
    classes = [schedule.score(schedule.compute(batch, steps, None, faults, start), steps).argmax(axis=-1)
               for start, batch in _split(schedule, inputs, steps, batch_size)]
    return np.concatenate(classes or [_no_votes(network, 0).argmax(axis=-1)]) if len(classes) != 1 else classes[0]


class _Schedule:
    """A network in the order in which it runs; worked out once for each network."""

    def __init__(self, network: Network) -> None:
        numbers = {name: number for number, name in enumerate(network.shapes)}
        layers = {name: number for number, name in enumerate(network.layers)}
        last = {numbers[name]: node.name for node in network.nodes for name in node.inputs}
        #: A node each: its operation, the values it takes (by number: 0 is the input, then the nodes in order), the
        #: number of its layer of neurons or -1, whether these remember, and the values that nothing after it needs.
        self.stages = [
            (cast(Any, node.operation), [numbers[name] for name in node.inputs], layers.get(node.name, -1),
             isinstance(node.operation, Neurons) and node.operation.remembers,
             [value for value, listener in last.items() if listener == node.name])
            for node in network.nodes
        ]
        self.dtype, self.axes = network.dtype, len(network.input_shape) + 1
        self.batch_size = max(1, _BATCH_VALUES // max(math.prod(shape) for shape in network.shapes.values()))
        # (2 h - 1) @ (2 K - 1)^T, multiplied out: whole numbers, so exact in any order, and a tie is a tie.
        signs = None if network.key is None else 2 * network.key.T.astype(network.dtype) - 1
        self.key = None if signs is None else (2 * signs, signs.sum(axis=0))
        self.layers = network.layers
        self.shapes = tuple(network.shapes[name] for name in network.layers)
        self.sizes = [math.prod(shape) for shape in self.shapes]
        self.steps = [network.steps[name] for name in network.layers]
        self.last = max(self.steps, default=0)
        self.order = sorted(range(len(self.sizes)), key=lambda layer: (self.steps[layer], layer))
        ends = np.cumsum([0, *(self.sizes[layer] for layer in self.order)]).tolist()
        #: Layer -> its columns in a table of all neurons, side by side in the order in which they fire.
        self.columns = {layer: slice(*ends[place : place + 2]) for place, layer in enumerate(self.order)}

    def compute(self, batch: np.ndarray, steps: int,
                watch: Callable[[int, np.ndarray, np.ndarray], None] | None = None, faults: Faults | None = None,
                start: int = 0) -> Any:
        """The network's output for a batch.

        Args:
            batch: Shape ``(samples * steps, ...)``, the steps of a sample one after the other.
            steps: How many there are of each sample.
            watch: Is shown each layer's number, its potentials and which neurons fired. Default: nobody.
            faults: Those that come anew each time are made here. Default: none.
            start: Number of the first sample.
        """
        dtype = batch.dtype
        values: list[Any] = [batch]
        for operation, inputs, layer, remembers, done in self.stages:
            value = values[inputs[0]]
            if layer >= 0:
                if faults or remembers:
                    value, spikes, arriving = fire(operation, value, steps, faults, layer, start)
                else:
                    spikes = arriving = operation.fires(value)
                if watch:
                    watch(layer, value, spikes)
                values.append(arriving.astype(dtype))
            elif len(inputs) == 1:
                values.append(operation.apply(value))
            else:
                values.append(operation.apply(*[values[number] for number in inputs]))
            for number in done:
                values[number] = None  # so that memory is free once the last listener has heard it
        return values[-1]

    def score(self, output: np.ndarray, steps: int) -> np.ndarray:
        """The votes of an output, over all steps: how well spikes match each key, or the analog output itself."""
        if self.key is not None:
            signs, offset = self.key
            output = output.dot(signs) if output.ndim == 2 else output @ signs
            output -= offset
        return output if steps == 1 else output.reshape(-1, steps, *output.shape[1:]).sum(axis=1)

    def events(self, fired: np.ndarray, start: int) -> np.ndarray:
        """Sample, step, layer and neuron of every spike in the table, four rows, sorted in that order."""
        samples, neurons = fired.shape
        spikes = np.flatnonzero(fired)
        first = np.searchsorted(spikes, np.arange(samples) * neurons)  # in a sorted list, faster than to divide
        sample = np.repeat(np.arange(samples), np.diff(first, append=len(spikes)))
        spikes -= sample * neurons
        return np.concatenate([(sample + start).astype(np.int32)[None], self._table.take(spikes, axis=1)])

    def events_over_time(self, fired: np.ndarray, start: int, steps: int, offsets: Sequence[int]) -> np.ndarray:
        """The same where each sample has several rows, its steps, and a layer is as many steps behind as its offset."""
        row, column = fired.nonzero()
        sample, step = np.divmod(row, steps)
        _, layer, neuron = self._table[:, column]
        events = np.stack([sample + start, step + np.asarray(offsets, np.int64)[layer], layer, neuron]).astype(np.int32)
        return events[:, np.lexsort(events[::-1])]

    @cached_property
    def _table(self) -> np.ndarray:
        """Step, layer and neuron of each column."""
        parts = [np.stack([np.full(self.sizes[layer], self.steps[layer], np.int32),
                           np.full(self.sizes[layer], layer, np.int32), np.arange(self.sizes[layer], dtype=np.int32)])
                 for layer in self.order]
        return np.concatenate([np.zeros((3, 0), np.int32), *parts], axis=1)


_SCHEDULES: WeakKeyDictionary[Network, _Schedule] = WeakKeyDictionary()


def _schedule(network: Network) -> _Schedule:
    schedule = _SCHEDULES.get(network)
    if schedule is None:
        schedule = _SCHEDULES[network] = _Schedule(network)
    return schedule


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
        potentials, fired = neurons.integrate(over_time, noise)
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


def count_steps(network: Network, inputs: np.ndarray) -> int:
    """How many steps each sample of checked inputs has."""
    return 1 if inputs.ndim == len(network.input_shape) + 1 else inputs.shape[1]


def batches(network: Network, inputs: np.ndarray, size: Any) -> Iterator[tuple[int, np.ndarray]]:
    """The inputs in batches, in the type that the network computes in, each with the number of its first sample.

    The steps of a sample follow one another along the first axis.
    """
    return _split(_schedule(network), inputs, count_steps(network, inputs), size)


def _split(schedule: _Schedule, inputs: np.ndarray, steps: int, size: Any) -> Iterator[tuple[int, np.ndarray]]:
    if size is None:
        size = max(1, schedule.batch_size // steps)
    elif isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
        raise ValueError(f"Expected batch_size to be a positive integer; got {size!r}.")
    for start in range(0, len(inputs), size):
        batch = inputs[start : start + size].astype(schedule.dtype, copy=False)
        yield start, batch if batch.ndim == schedule.axes else batch.reshape(-1, *batch.shape[2:])


def _no_votes(network: Network, samples: int) -> np.ndarray:
    """Votes not yet counted."""
    shape = (samples, *network.output_shape)
    if network.key is not None:
        return np.zeros((*shape[:-1], len(network.key)), np.int64)
    return np.zeros((samples, 0) if network.readout == "spikes" else shape, network.dtype)


def check_inputs(network: Network, inputs: Any) -> np.ndarray:
    """The inputs as an array, if they are finite numbers of the network's shape; else a ``ValueError``."""
    array = np.asarray(inputs)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"Expected inputs to be numbers; got dtype {array.dtype}.")
    # The axis of steps, if there is one, comes second.
    if array.ndim == 0 or (array.shape[1:] != network.input_shape
                           and (array.shape[2:] != network.input_shape or array.shape[1] == 0)):
        hint = " Give a single sample as inputs[None]." if array.shape == network.input_shape else ""
        wanted = ", ".join(["samples", *map(str, network.input_shape)])
        raise ValueError(f"Expected inputs of shape ({wanted}); got {array.shape}.{hint}")
    # A sum of squares is finite only where every value is, and is found in a fraction of the time.
    if array.dtype.kind == "f" and not math.isfinite(np.vdot(array, array)) and not np.isfinite(array).all():
        wrong = array.size - int(np.isfinite(array).sum())
        raise ValueError(f"Expected finite inputs; {wrong} of {array.size} values are NaN or infinite.")
    return array


def _check_labels(labels: Any, samples: int) -> np.ndarray:
    if labels is None:
        return np.zeros(0, np.int64)
    array = np.asarray(labels)
    if array.shape != (samples,) or array.dtype.kind not in "iu":
        raise ValueError(f"Expected integer labels of shape ({samples},); got shape {array.shape} and dtype "
                         f"{array.dtype}.")
    return array


def _watched(network: Network, membranes: bool | Collection[str]) -> Sequence[int]:
    """Numbers of the layers whose membranes are asked for."""
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

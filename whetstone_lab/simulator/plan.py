"""``Plan``: the order in which a network runs, worked out once, and its inputs in batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, cast
from weakref import WeakKeyDictionary

import numpy as np

from whetstone_lab.simulator.dynamics import fire
from whetstone_lab.simulator.faults import Faults
from whetstone_lab.simulator.inputs import Inputs
from whetstone_lab.simulator.network import Network
from whetstone_lab.simulator.operations import Neurons

#: Values of the widest layer that are held at once: it sets the batch size where none is given.
BATCH_VALUES = 1 << 22

#: Is shown a layer's number, its membrane potentials (None where nobody keeps them) and which of its neurons fired.
Watch = Callable[[int, Any, np.ndarray], None]


class Plan:
    """A network in the order in which it runs.

    Attributes:
        layers, shapes, sizes, steps: Name, shape, number of neurons and time step of each layer of neurons.
        last: The last of these steps.
        forgets: Whether it computes in float32 and no neurons remember: what ``fused`` can do.
        synapses: How many there are.
        columns: Layer -> its columns in a table of all neurons, side by side in the order in which they fire.
    """

    def __init__(self, network: Network) -> None:
        numbers = {name: number for number, name in enumerate(network.shapes)}
        layers = {name: number for number, name in enumerate(network.layers)}
        last = {numbers[name]: node.name for node in network.nodes for name in node.inputs}
        self._read = [numbers[name] for name in network.read.values()]
        #: A node each: its operation, the values it takes (by number: the inputs, then the nodes in order), the number
        #: of its layer of neurons or -1, whether these remember, and the values that nothing after it needs.
        self._stages = [
            (cast(Any, node.operation), [numbers[name] for name in node.inputs], layers.get(node.name, -1),
             isinstance(node.operation, Neurons) and node.operation.remembers,
             [value for value, listener in last.items() if listener == node.name and value not in self._read])
            for node in network.nodes
        ]
        self._dtype = network.dtype
        self._widest = max(math.prod(shape) for shape in network.shapes.values())
        self.layers = network.layers
        self.shapes = tuple(network.shapes[name] for name in network.layers)
        self.sizes = [math.prod(shape) for shape in self.shapes]
        self.steps = [network.steps[name] for name in network.layers]
        self.last = max(self.steps, default=0)
        self.forgets = network.dtype == np.float32 and not any(remembers for *_, remembers, _ in self._stages)
        self.synapses = network.synapses
        self._order = sorted(range(len(self.sizes)), key=lambda layer: (self.steps[layer], layer))
        ends = np.cumsum([0, *(self.sizes[layer] for layer in self._order)]).tolist()
        self.columns = {layer: slice(*ends[place : place + 2]) for place, layer in enumerate(self._order)}

    def batches(self, inputs: Inputs, size: Any = None) -> Iterator[tuple[int, list[np.ndarray]]]:
        """The inputs in batches, in the type that the network computes in, each with the number of its first sample.

        Args:
            inputs: As ``inputs.check_inputs`` returns them.
            size: Samples at once. Default: by the widest layer, see :data:`BATCH_VALUES`.

        Yields:
            The number of the first sample, and for each input an array of shape ``(samples * steps, ...)``, the steps
            of a sample one after the other.

        Raises:
            ValueError: The size is no positive integer.
        """
        if size is None:
            size = max(1, BATCH_VALUES // self._widest // inputs.steps)
        elif isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
            raise ValueError(f"Expected batch_size to be a positive integer; got {size!r}.")
        for start in range(0, inputs.samples, size):
            parts = [array[start : start + size].astype(self._dtype, copy=False) for array in inputs.arrays]
            yield start, parts if not inputs.stepwise else [part.reshape(-1, *part.shape[2:]) for part in parts]

    def compute(self, batch: Sequence[np.ndarray], steps: int, watch: Watch | None = None,
                faults: Faults | None = None, start: int = 0) -> list[Any]:
        """The network's outputs for a batch, in their order.

        Args:
            batch: Each input, shape ``(samples * steps, ...)``, the steps of a sample one after the other.
            steps: How many there are of each sample.
            watch: Is shown what each layer does. Default: nobody.
            faults: Those that come anew each time are made here. Default: none.
            start: Number of the first sample.
        """
        dtype = batch[0].dtype
        values: list[Any] = [*batch]
        for operation, inputs, layer, remembers, done in self._stages:
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
        return [values[number] for number in self._read]

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
                 for layer in self._order]
        return np.concatenate([np.zeros((3, 0), np.int32), *parts], axis=1)


_PLANS: WeakKeyDictionary[Network, Plan] = WeakKeyDictionary()


def plan_of(network: Network) -> Plan:
    """The plan of a network, made when it is first asked for and kept as long as the network lives."""
    plan = _PLANS.get(network)
    if plan is None:
        plan = _PLANS[network] = Plan(network)
    return plan

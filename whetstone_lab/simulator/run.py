"""Running a network: a wave of spikes climbs one layer a time step. Plain NumPy."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from typing import Any

import numpy as np

from whetstone_lab.simulator.network import INPUT, Network
from whetstone_lab.simulator.operations import Neurons
from whetstone_lab.simulator.record import SpikeRecord

RECORDS = ("events", "votes")

#: Values of the widest layer that are held at once: it sets the batch size where none is given.
_BATCH_VALUES = 1 << 22


def run(network: Network, inputs: Any, *, record: str = "events", membranes: bool | Collection[str] = False,
        labels: Any = None, batch_size: int | None = None) -> SpikeRecord:
    """Shows inputs to a network and records what its neurons do.

    Inputs are currents into the first layer, there from step 0. Each layer of neurons takes one time step: it sums
    what the layers below sent, fires where the sum reaches the threshold, and is reset. Layer k of a chain fires at
    step k; where paths of different length meet, spikes wait for the last.

    **Exactness.** The arithmetic is that of the Keras model at full sharpness, in the same floating point type. Where
    all sums are exact (small integers, multiples of 1/4, and the like), spikes are equal always, also where a sum
    lies right on the threshold. Otherwise two libraries, or one library at two batch sizes, may add the products of a
    matrix product in another order, and both results lie within ``n u / (1 - n u) * sum |x_i w_i|`` of the true sum of
    n terms (u is 2^-24 for float32; Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1). So a
    neuron can differ only if its potential is that close to its threshold.

    Args:
        network: The network.
        inputs: Samples, finite numbers, shape ``(samples, *network.input_shape)``.
        record: ``"events"`` (default) keeps every spike, ``"votes"`` only what was read at the output.
        membranes: Whether to keep membrane potentials before the reset: True for all layers, or the names of some.
            They are in units of the threshold, and 0 at every step but the layer's own. Default: False.
        labels: True classes, integers of shape ``(samples,)``, to keep beside the votes. Default: unknown.
        batch_size: Samples computed at once, which bounds the memory. Default: by the widest layer, some 16 MB.

    Returns:
        The record. Its votes are the scores of the key (integers), the analog output before any softmax, or have no
        columns where the output stands for no classes. ``meta["readout"]`` says which.

    Raises:
        ValueError: The inputs have the wrong shape or are not finite; an option is not one.
    """
    inputs = _check_inputs(network, inputs)
    if record not in RECORDS:
        raise ValueError(f"Expected record to be one of {RECORDS}; got {record!r}.")
    if batch_size is None:
        batch_size = max(1, _BATCH_VALUES // max(math.prod(shape) for shape in network.shapes.values()))
    elif isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
        raise ValueError(f"Expected batch_size to be a positive integer; got {batch_size!r}.")
    watched = _watched(network, membranes)
    labels = _check_labels(labels, len(inputs))
    wave = _Wave(network, len(inputs), record == "events", watched)
    for start in range(0, len(inputs), batch_size):
        wave.send(inputs[start : start + batch_size].astype(network.dtype, copy=False), start)
    sample, step, layer, neuron = wave.events()
    return SpikeRecord(
        network.layers, tuple(network.shapes[name] for name in network.layers), network.latency, sample, step, layer,
        neuron, inputs, wave.votes, labels, wave.membranes, {"readout": network.readout, "record": record},
    )


def predict(network: Network, inputs: Any, *, batch_size: int | None = None) -> np.ndarray:
    """The class of each sample: the best-matched key or the largest analog output, the lowest class on a tie.

    Args:
        network: A network whose output stands for classes.
        inputs: Samples, shape ``(samples, *network.input_shape)``.
        batch_size: Samples computed at once. Default: as in :func:`run`.

    Returns:
        Integers, shape ``(samples,)``, or ``(samples, ...)`` where every place of the output has a class of its own.

    Raises:
        ValueError: The output stands for no classes; or as in :func:`run`.
    """
    if network.readout == "spikes":
        raise ValueError("Expected a network with a class key or an analog output; the output spikes of this one "
                         "stand for no classes.")
    return run(network, inputs, record="votes", batch_size=batch_size).classes


class _Wave:
    """Sends batches through a network and gathers what is to be recorded."""

    def __init__(self, network: Network, samples: int, events: bool, watched: Collection[str]) -> None:
        self.network = network
        self.indices = {name: index for index, name in enumerate(network.layers)}
        self.uses = Counter(name for node in network.nodes for name in node.inputs)
        self.with_events = events
        self.parts: list[np.ndarray] = []
        output = network.output_shape
        self.signs: np.ndarray | None = None
        if network.key is not None:
            self.signs = 2 * network.key.T.astype(network.dtype) - 1
            self.votes = np.zeros((samples, *output[:-1], len(network.key)), np.int64)
        else:
            self.votes = np.zeros((samples, 0) if network.readout == "spikes" else (samples, *output), network.dtype)
        self.membranes = {self.indices[name]: np.zeros((samples, network.latency, math.prod(network.shapes[name])),
                                                       network.dtype) for name in watched}

    def send(self, batch: np.ndarray, start: int) -> None:
        """Computes a batch, node by node, and forgets each value once the last listener has heard it."""
        network = self.network
        values, left = {INPUT: batch}, Counter(self.uses)
        fired: list[tuple[int, int, np.ndarray]] = []
        for node in network.nodes:
            arrays = [values[name] for name in node.inputs]
            if isinstance(node.operation, Neurons):
                step, index = network.steps[node.name], self.indices[node.name]
                if index in self.membranes:
                    self.membranes[index][start : start + len(batch), step] = arrays[0].reshape(len(batch), -1)
                spikes = node.operation.fires(arrays[0])
                if self.with_events:
                    fired.append((step, index, spikes.reshape(len(batch), -1)))
                values[node.name] = spikes.astype(network.dtype)
            else:
                values[node.name] = node.operation.apply(*arrays)
            for name in node.inputs:
                left[name] -= 1
                if not left[name]:
                    values.pop(name, None)
        if self.with_events:
            self.parts.append(_events(fired, start))
        if network.readout != "spikes":
            output = values[network.output]
            # Sums of ones and minus ones are exact, so a tie is a tie.
            self.votes[start : start + len(batch)] = output if self.signs is None else (2 * output - 1) @ self.signs

    def events(self) -> np.ndarray:
        """Sample, step, layer and neuron of every spike, four rows, sorted in that order."""
        return np.concatenate([np.zeros((4, 0), np.int32), *self.parts], axis=1)


def _events(fired: list[tuple[int, int, np.ndarray]], start: int) -> np.ndarray:
    parts = [np.zeros((4, 0), np.int32)]
    for step, index, spikes in sorted(fired, key=lambda entry: entry[:2]):
        sample, neuron = np.divmod(np.flatnonzero(spikes), spikes.shape[1])
        parts.append(np.stack([sample + start, np.full_like(sample, step), np.full_like(sample, index),
                               neuron]).astype(np.int32))
    events = np.concatenate(parts, axis=1)
    # Each part is sorted by sample and neuron, and the parts by step and layer: a stable sort by sample does the rest.
    return events[:, np.argsort(events[0], kind="stable")]


def _check_inputs(network: Network, inputs: Any) -> np.ndarray:
    array = np.asarray(inputs)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"Expected inputs to be numbers; got dtype {array.dtype}.")
    if array.shape[1:] != network.input_shape or array.ndim == 0:
        hint = " Give a single sample as inputs[None]." if array.shape == network.input_shape else ""
        wanted = ", ".join(["samples", *map(str, network.input_shape)])
        raise ValueError(f"Expected inputs of shape ({wanted}); got {array.shape}.{hint}")
    wrong = array.size - int(np.isfinite(array).sum())
    if wrong:
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


def _watched(network: Network, membranes: bool | Collection[str]) -> tuple[str, ...]:
    if isinstance(membranes, bool):
        return network.layers if membranes else ()
    names = (membranes,) if isinstance(membranes, str) else tuple(membranes)
    unknown = [name for name in names if name not in network.layers]
    if unknown:
        raise ValueError(f"Expected membranes of layers among {list(network.layers)}; got {unknown}.")
    return names

"""``SpikeRecord``: what a simulation did, spike by spike. Plain NumPy, saved without pickle, no Keras."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from whetstone_lab.records import archive
from whetstone_lab.records.archive import MAX_VALUES

_KIND, _VERSION = "whetstone_lab.spike_record", 2

#: An array; or, of a network with several inputs or outputs, a dict with an array for each by its name, as in Keras.
Arrays = Any


@dataclass
class SpikeRecord:
    """The spikes of a network on one or more samples, and how they were read.

    Of a network with several outputs, ``votes``, ``labels`` and ``classes`` are dicts by the name of the output, as
    ``inputs`` is one by the name of the input where there are several; :meth:`output` gives one of them alone.

    Attributes:
        layers: Names of the layers of neurons, bottom first.
        shapes: Shape of each layer's neurons, channels last, as in Keras: ``(256,)`` or ``(28, 28, 16)``.
        steps: How many time steps each sample ran.
        sample, step, layer, neuron: The events, four integer arrays of one length, sorted by sample, step, layer,
            neuron. ``neuron`` is the index into the layer's flattened shape (C order).
        inputs: What was shown, shape ``(samples, ...)``.
        votes: What each class's key scored at the output, or the analog output where there is no key, shape
            ``(samples, classes)``, or ``(samples, ..., classes)`` where each place of the output has a class of its
            own; no columns where output spikes stand for no classes. A yes or no has a vote for each of the two.
        labels: The true classes where they are known, shape ``(samples,)`` or that of ``classes``, or the true values
            where the output stands for values, or the true spikes; else empty.
        membranes: Layer index -> membrane potentials before the reset, in units of the threshold, shape
            ``(samples, steps, neurons)``, where they were asked for.
        meta: Anything else worth keeping, JSON-able; ``meta["readout"]`` is how the output was read, and
            ``meta["keys"]`` of each layer of neurons that a key reads, by its name, the neurons of each class.
        classes: What was decided: the class of each sample, shape ``(samples,)``, or ``(samples, ...)`` where each
            place of the output has a class of its own; empty where the output stands for no classes. Default: the most
            votes, the lowest class on a tie, as long as there are votes.
    """

    layers: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    steps: int
    sample: np.ndarray
    step: np.ndarray
    layer: np.ndarray
    neuron: np.ndarray
    inputs: Arrays
    votes: Arrays
    labels: Arrays = field(default_factory=lambda: np.zeros(0, np.int64))
    membranes: Mapping[int, np.ndarray] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)
    classes: Arrays = None

    def __post_init__(self) -> None:
        if isinstance(self.votes, Mapping) and not isinstance(self.labels, Mapping):
            self.labels = {name: np.zeros(0, np.int64) for name in self.votes}
        if self.classes is None:
            self.classes = _each(_most, self.votes)

    @property
    def samples(self) -> int:
        """How many samples were shown."""
        return len(next(iter(self.inputs.values())) if isinstance(self.inputs, Mapping) else self.inputs)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs, where the network has several; else none."""
        return tuple(self.votes) if isinstance(self.votes, Mapping) else ()

    def output(self, name: str) -> SpikeRecord:
        """The same spikes, read at one of several outputs alone.

        Raises:
            KeyError: There is no such output.
        """
        if name not in self.outputs:
            raise KeyError(f"Expected an output among {list(self.outputs)}; got {name!r}.")
        readout = self.meta.get("readout")
        meta = {**self.meta, "readout": readout.get(name)} if isinstance(readout, Mapping) else self.meta
        return replace(self, votes=self.votes[name], labels=self.labels[name], classes=self.classes[name], meta=meta)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of neurons of each layer."""
        return tuple(math.prod(shape) for shape in self.shapes)

    @property
    def spikes(self) -> int:
        """Number of spikes in all."""
        return len(self.step)

    @property
    def latency(self) -> np.ndarray:
        """Time steps from the beginning of each sample to the last spike of the last layer; 0 where it never fires.

        Shape ``(samples,)``. No sample takes longer than :attr:`OperationCounts.latency`, which needs no spikes
        to be known.
        """
        latency = np.zeros(self.samples, np.int64)
        mine = self.layer == len(self.layers) - 1
        np.maximum.at(latency, self.sample[mine], self.step[mine].astype(np.int64) + 1)
        return latency

    def __repr__(self) -> str:
        return (f"SpikeRecord({self.samples} samples, {self.steps} steps, {len(self.layers)} layers, "
                f"{self.spikes} spikes)")

    def dense(self, layer: int | str) -> np.ndarray:
        """Which neurons of a layer fired when, as booleans of shape ``(samples, steps, *layer shape)``."""
        index = self._index(layer)
        fired = np.zeros((self.samples, self.steps, self.sizes[index]), bool)
        mine = self.layer == index
        fired[self.sample[mine], self.step[mine], self.neuron[mine]] = True
        return fired.reshape(self.samples, self.steps, *self.shapes[index])

    def counts(self) -> np.ndarray:
        """Spikes of each layer for each sample, shape ``(samples, layers)``."""
        counts = np.zeros((self.samples, len(self.layers)), np.int64)
        np.add.at(counts, (self.sample, self.layer), 1)
        return counts

    def select(self, samples: int | Sequence[int] | np.ndarray) -> SpikeRecord:
        """A record of some of the samples, in the order given, numbered from 0."""
        chosen = np.atleast_1d(np.asarray(samples, None if np.size(samples) else np.int64))
        if chosen.dtype.kind not in "iu" or chosen.ndim != 1 or ((chosen < 0) | (chosen >= self.samples)).any():
            raise IndexError(f"Expected sample numbers from 0 to {self.samples - 1}; got {samples!r}.")
        bounds = np.searchsorted(self.sample, np.stack([chosen, chosen + 1]))
        picks = [np.arange(low, high) for low, high in bounds.T]
        events = np.concatenate(picks) if picks else np.zeros(0, np.int64)
        number = np.repeat(np.arange(len(chosen)), [len(pick) for pick in picks])

        def some(values: np.ndarray) -> np.ndarray:
            return values[chosen] if len(values) else values

        return SpikeRecord(self.layers, self.shapes, self.steps, number.astype(self.sample.dtype), self.step[events],
                           self.layer[events], self.neuron[events], _each(lambda array: array[chosen], self.inputs),
                           _each(lambda array: array[chosen], self.votes), _each(some, self.labels),
                           {key: value[chosen] for key, value in self.membranes.items()}, dict(self.meta),
                           _each(some, self.classes))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the record to an ``.npz`` file without pickle, in one piece; returns the path."""
        header = {"layers": self.layers, "shapes": self.shapes, "steps": self.steps, "meta": self.meta,
                  "membranes": sorted(self.membranes)}
        arrays = {"sample": self.sample, "step": self.step, "layer": self.layer, "neuron": self.neuron}
        # Several inputs or outputs are numbered in the file, and named in its header. Earlier releases know of one.
        several = {kind: list(values) for kind, values in (("inputs", self.inputs), ("outputs", self.votes))
                   if isinstance(values, Mapping)}
        for kind in ("inputs", "votes", "labels", "classes"):
            values, names = getattr(self, kind), several.get("inputs" if kind == "inputs" else "outputs")
            arrays |= {kind: values} if names is None else {
                f"{kind}_{place}": values[name] for place, name in enumerate(names)}
        arrays |= {f"membrane_{index}": values for index, values in self.membranes.items()}
        return archive.write(path, _KIND, _VERSION if several else 1, header | several, arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> SpikeRecord:
        """Reads a record that :meth:`save` wrote.

        Raises:
            FileNotFoundError: There is no such file.
            ArchiveError: The file is truncated, damaged, of another format, or of a newer version.
        """
        header, arrays = archive.read(path, _KIND, _VERSION)
        try:
            layers = tuple(str(name) for name in header["layers"])
            shapes = tuple(tuple(int(n) for n in shape) for shape in header["shapes"])
            steps, meta = int(header["steps"]), dict(header["meta"])
            with_membranes = [int(index) for index in header["membranes"]]
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise archive.ArchiveError(f"{path} has a damaged header: {error!r}.") from error
        if len(shapes) != len(layers) or any(n < 1 for shape in shapes for n in shape):
            raise archive.ArchiveError(f"{path} has {len(layers)} layers with shapes {shapes}: it is damaged.")
        # What a record claims without holding it is taken when somebody asks for a layer's spikes as an array.
        if sum(map(math.prod, shapes)) > MAX_VALUES or not 0 <= steps <= MAX_VALUES:
            raise archive.ArchiveError(f"{path} claims shapes {shapes} and {steps} steps; expected at most "
                                       f"{MAX_VALUES} neurons, and as many steps.")
        if not all(0 <= index < len(layers) for index in with_membranes):
            raise archive.ArchiveError(f"{path} has membranes of the layers {with_membranes}, of which there are "
                                       f"{len(layers)}: it is damaged.")
        inputs = _every(header.get("inputs"), lambda end: _shown(arrays, f"inputs{end}", path))
        samples = {len(array) for array in (inputs.values() if isinstance(inputs, dict) else [inputs])}
        if len(samples) != 1:
            raise archive.ArchiveError(f"{path} has {sorted(samples)} samples of its inputs: it is damaged.")
        (count,) = samples
        step = archive.take(arrays, "step", (None,), "iu", path)
        events = [archive.take(arrays, name, (len(step),), "iu", path) for name in ("sample", "layer", "neuron")]
        sample, layer, neuron = events
        sizes = np.array([math.prod(shape) for shape in shapes], np.int64)
        if len(step) and not (_within(sample, count) and _within(step, steps) and _within(layer, len(layers))
                              and (neuron >= 0).all() and (neuron < sizes[layer]).all()):
            raise archive.ArchiveError(f"{path} is damaged: it has events outside its shape.")
        if not (sample[:-1] <= sample[1:]).all():
            raise archive.ArchiveError(f"{path} is damaged: its events are not in order.")
        read = _every(header.get("outputs"), lambda end: _reading(arrays, end, count, path))
        votes, labels, classes = ({name: one[part] for name, one in read.items()} if isinstance(read, dict)
                                  else read[part] for part in range(3))
        membranes = {index: archive.take(arrays, f"membrane_{index}", (count, steps, int(sizes[index])), "f",
                                         path) for index in with_membranes}
        return cls(layers, shapes, steps, sample, step, layer, neuron, inputs, votes, labels, membranes, meta,
                   classes)

    def _index(self, layer: int | str) -> int:
        if isinstance(layer, str):
            if layer not in self.layers:
                raise KeyError(f"Expected a layer among {list(self.layers)}; got {layer!r}.")
            return self.layers.index(layer)
        if not 0 <= layer < len(self.layers):
            raise IndexError(f"Expected a layer from 0 to {len(self.layers) - 1}; got {layer}.")
        return layer


def _each(function: Callable[[np.ndarray], Any], values: Arrays) -> Arrays:
    """A function of an array, or of each array of a dict."""
    return {name: function(array) for name, array in values.items()} if isinstance(values, Mapping) else function(
        values)


def _most(votes: np.ndarray) -> np.ndarray:
    return votes.argmax(-1) if votes.shape[-1] else np.zeros(0, np.int64)


def _every(names: Any, take: Callable[[str], Any]) -> Any:
    """What a file has of its only input or output, or by name of several, whose members end in ``_0``, ``_1``, ..."""
    if names is None:
        return take("")
    if not isinstance(names, list) or not names or len(set(map(str, names))) < len(names):
        raise archive.ArchiveError(f"Expected the names of inputs or outputs in the header; got {names!r}.")
    return {str(name): take(f"_{place}") for place, name in enumerate(names)}


def _shown(arrays: dict[str, np.ndarray], name: str, path: Any) -> np.ndarray:
    if name not in arrays or arrays[name].ndim < 1:
        raise archive.ArchiveError(f"{path} lacks the array {name!r}: it is truncated or damaged.")
    return arrays[name]


def _reading(arrays: dict[str, np.ndarray], end: str, samples: int,
             path: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The votes, labels and classes of an output."""
    places = arrays[f"votes{end}"].shape[1:-1] if f"votes{end}" in arrays else ()
    votes = archive.take(arrays, f"votes{end}", (samples, *places, None), "iuf", path)
    known = [votes.shape, (samples,), (samples, *places)]
    if not votes.shape[-1] and f"labels{end}" in arrays:  # of spikes that are not scored, spikes of any shape
        known.insert(0, (samples, *arrays[f"labels{end}"].shape[1:]))
    labels = _for_each(arrays, f"labels{end}", "biuf", known, path)
    # Files of earlier releases do not say what was decided: there the most votes win.
    if f"classes{end}" not in arrays:
        return votes, labels, _most(votes)
    classes = _for_each(arrays, f"classes{end}", "iu", [(samples, *places)], path)
    if not _within(classes, max(votes.shape[-1], 2)):  # one value may decide between two
        raise archive.ArchiveError(f"{path} is damaged: it has classes outside its {votes.shape[-1]} votes.")
    return votes, labels, classes


def _for_each(arrays: dict[str, np.ndarray], name: str, kinds: str, shapes: list[tuple[int, ...]],
              path: Any) -> np.ndarray:
    """Takes an array that has one of these shapes or is empty."""
    axes = arrays[name].ndim if name in arrays else 1
    array = archive.take(arrays, name, (None,) * axes, kinds, path)
    if array.shape not in (*shapes, (0,)):
        raise archive.ArchiveError(f"{path} has {name} of shape {array.shape}; expected {shapes[-1]}, or none: it is "
                                   "damaged.")
    return array


def _within(values: np.ndarray, limit: int) -> bool:
    return bool((values >= 0).all() and (values < limit).all())

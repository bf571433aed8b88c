"""``SpikeRecord``: what a simulation did, spike by spike. Plain NumPy, saved without pickle, no Keras."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from whetstone_lab.records import archive
from whetstone_lab.records.archive import MAX_VALUES

_KIND, _VERSION = "whetstone_lab.spike_record", 1


@dataclass
class SpikeRecord:
    """The spikes of a network on one or more samples, and how they were read.

    Attributes:
        layers: Names of the layers of neurons, bottom first.
        shapes: Shape of each layer's neurons, channels last, as in Keras: ``(256,)`` or ``(28, 28, 16)``.
        steps: How many time steps each sample ran.
        sample, step, layer, neuron: The events, four integer arrays of one length, sorted by sample, step, layer,
            neuron. ``neuron`` is the index into the layer's flattened shape (C order).
        inputs: What was shown, shape ``(samples, ...)``.
        votes: What each class's key scored at the output, or the analog output where there is no key, shape
            ``(samples, classes)``, or ``(samples, ..., classes)`` where each place of the output has a class of its
            own; no columns where output spikes stand for no classes.
        labels: The true classes where they are known, shape ``(samples,)`` or that of ``classes``, else empty.
        membranes: Layer index -> membrane potentials before the reset, in units of the threshold, shape
            ``(samples, steps, neurons)``, where they were asked for.
        meta: Anything else worth keeping, JSON-able.
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
    inputs: np.ndarray
    votes: np.ndarray
    labels: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    membranes: Mapping[int, np.ndarray] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)
    classes: np.ndarray = None  # type: ignore[assignment]  # only until the votes are known

    def __post_init__(self) -> None:
        if self.classes is None:
            self.classes = self.votes.argmax(-1) if self.votes.shape[-1] else np.zeros(0, np.int64)

    @property
    def samples(self) -> int:
        """How many samples were shown."""
        return len(self.inputs)

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
        return SpikeRecord(self.layers, self.shapes, self.steps, number.astype(self.sample.dtype), self.step[events],
                           self.layer[events], self.neuron[events], self.inputs[chosen], self.votes[chosen],
                           self.labels[chosen] if len(self.labels) else self.labels,
                           {key: value[chosen] for key, value in self.membranes.items()}, dict(self.meta),
                           self.classes[chosen] if len(self.classes) else self.classes)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the record to an ``.npz`` file without pickle, in one piece; returns the path."""
        header = {"layers": self.layers, "shapes": self.shapes, "steps": self.steps, "meta": self.meta,
                  "membranes": sorted(self.membranes)}
        arrays = {"sample": self.sample, "step": self.step, "layer": self.layer, "neuron": self.neuron,
                  "inputs": self.inputs, "votes": self.votes, "labels": self.labels, "classes": self.classes}
        arrays |= {f"membrane_{index}": values for index, values in self.membranes.items()}
        return archive.write(path, _KIND, _VERSION, header, arrays)

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
        if "inputs" not in arrays or arrays["inputs"].ndim < 1:
            raise archive.ArchiveError(f"{path} lacks the array 'inputs': it is truncated or damaged.")
        inputs = arrays["inputs"]
        step = archive.take(arrays, "step", (None,), "iu", path)
        events = [archive.take(arrays, name, (len(step),), "iu", path) for name in ("sample", "layer", "neuron")]
        sample, layer, neuron = events
        sizes = np.array([math.prod(shape) for shape in shapes], np.int64)
        if len(step) and not (_within(sample, len(inputs)) and _within(step, steps) and _within(layer, len(layers))
                              and (neuron >= 0).all() and (neuron < sizes[layer]).all()):
            raise archive.ArchiveError(f"{path} is damaged: it has events outside its shape.")
        if not (sample[:-1] <= sample[1:]).all():
            raise archive.ArchiveError(f"{path} is damaged: its events are not in order.")
        places = arrays["votes"].shape[1:-1] if "votes" in arrays else ()
        votes = archive.take(arrays, "votes", (len(inputs), *places, None), "iuf", path)
        labels = _for_each(arrays, "labels", [(len(inputs),), (len(inputs), *places)], path)
        # Files of earlier releases do not say what was decided: there the most votes win.
        classes = _for_each(arrays, "classes", [(len(inputs), *places)], path) if "classes" in arrays else None
        if classes is not None and not _within(classes, max(votes.shape[-1], 2)):  # one value may decide between two
            raise archive.ArchiveError(f"{path} is damaged: it has classes outside its {votes.shape[-1]} votes.")
        membranes = {index: archive.take(arrays, f"membrane_{index}", (len(inputs), steps, int(sizes[index])), "f",
                                         path) for index in with_membranes}
        return cls(layers, shapes, steps, sample, step, layer, neuron, inputs, votes, labels, membranes, meta,
                   classes)  # type: ignore[arg-type]  # where it is None, the votes decide

    def _index(self, layer: int | str) -> int:
        if isinstance(layer, str):
            if layer not in self.layers:
                raise KeyError(f"Expected a layer among {list(self.layers)}; got {layer!r}.")
            return self.layers.index(layer)
        if not 0 <= layer < len(self.layers):
            raise IndexError(f"Expected a layer from 0 to {len(self.layers) - 1}; got {layer}.")
        return layer


def _for_each(arrays: dict[str, np.ndarray], name: str, shapes: list[tuple[int, ...]], path: Any) -> np.ndarray:
    """Takes an array of classes that has one of these shapes or is empty."""
    axes = arrays[name].ndim if name in arrays else 1
    array = archive.take(arrays, name, (None,) * axes, "iu", path)
    if array.shape not in (*shapes, (0,)):
        raise archive.ArchiveError(f"{path} has {name} of shape {array.shape}; expected {shapes[-1]}, or none: it is "
                                   "damaged.")
    return array


def _within(values: np.ndarray, limit: int) -> bool:
    return bool((values >= 0).all() and (values < limit).all())

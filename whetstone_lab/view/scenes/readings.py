"""What each output of a network was read as, sample by sample: what to draw beside the spikes, and in which words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from whetstone_lab.records.spikes import SpikeRecord


@dataclass(frozen=True, eq=False)
class Reading:
    """What one output was read as.

    Attributes:
        name: The name of the output; empty where it is the only one.
        shown: How it is drawn: ``"votes"``, a bar for each class; ``"values"``, a bar for each value of an output that
            stands for no classes; ``"map"``, a picture of the class of each place; or ``""``, not at all.
        votes: Votes or values, shape ``(samples, columns)``; of a map shape ``(samples, ..., classes)``.
        classes: The class of each sample, shape ``(samples,)``; of a map the pictures, ``(samples, rows, columns)``;
            else empty.
        truth: The true classes, shape ``(samples,)``, or the true values, that of ``votes``; empty where unknown.
        voters: How many output neurons vote, where a key reads them; see :func:`voters`. Default: None.
    """

    name: str
    shown: str
    votes: np.ndarray
    classes: np.ndarray
    truth: np.ndarray
    voters: int | None = None

    def wrong(self, sample: int) -> bool:
        """Whether a class was decided that is known not to be the true one."""
        return self.shown == "votes" and len(self.truth) > 0 and bool(self.classes[sample] != self.truth[sample])

    def words(self, sample: int) -> str:
        """What a sample was read as, as the end of a sentence: ``"read as 3, in truth 5"``; empty if not at all."""
        if self.shown == "map":
            return "a class for each place"
        if self.shown == "values":
            return f"read as {_listed(self.votes[sample])}" + (
                f", in truth {_listed(self.truth[sample])}" if len(self.truth) else "")
        if not self.shown:
            return ""
        known = "" if not len(self.truth) else (
            f", in truth {self.truth[sample]}" if self.wrong(sample) else ", which is right")
        return f"read as {self.classes[sample]}{known}"


def readings(record: SpikeRecord) -> list[Reading]:
    """What each output of a record was read as, in their order; one reading where there is one output."""
    if not record.outputs:
        return [_reading("", record, voters(record))]
    return [_reading(name, record.output(name)) for name in record.outputs]


def listed_classes(votes: np.ndarray, must: Iterable[int], limit: int) -> np.ndarray:
    """Which classes are listed where there is no room for all: those with the most votes, and what must be seen.

    Args:
        votes: The votes of one sample, shape ``(classes,)``.
        must: Classes that are listed however few votes they have, such as the true one.
        limit: How many classes are listed at the most.

    Returns:
        Their numbers in rising order, shape ``(listed,)``.
    """
    needed = np.isin(np.arange(len(votes)), list(must))
    return np.sort(np.lexsort((-votes, ~needed))[:limit])


def told(readings: list[Reading], sample: int) -> str:
    """What all outputs were read as, as the end of a sentence: ``"digit read as 3, odd read as 1"``."""
    return "; ".join(f"{reading.name} {words}".strip() for reading in readings if (words := reading.words(sample)))


def class_map(classes: np.ndarray) -> np.ndarray | None:
    """The classes that a sample was read as, place by place, as a picture of shape ``(rows, columns)``.

    Args:
        classes: What ``SpikeRecord.classes`` holds of one sample: no axis where the sample has one class, or an axis
            for each axis of the places. Places in a row become one row of the picture; of places in a volume the slices
            stand below each other.

    Returns:
        The picture of class numbers, or None where the sample has one class.
    """
    classes = np.asarray(classes)
    return classes.reshape(-1, classes.shape[-1]) if classes.ndim else None


def voters(record: SpikeRecord) -> int | None:
    """How many output neurons vote for each class, so that no class has more votes; None where none do.

    With a key each output neuron that does as the key of a class says, fires or stays silent, is a vote for the class,
    and each that does not is a vote against it. So of n voters ``(n + votes) / 2`` match the key.
    """
    if record.meta.get("readout") != "key" or not record.shapes:
        return None
    count = record.shapes[-1][-1]
    # Votes that were added up over several steps of the output, or those of another layer, are not of that many.
    fits = (np.abs(record.votes) <= count) & ((record.votes - count) % 2 == 0)
    return count if fits.all() else None


def _reading(name: str, record: SpikeRecord, voters: int | None = None) -> Reading:
    votes, classes, truth, none = record.votes, record.classes, record.labels, np.zeros(0, np.int64)
    if classes.ndim > 1:
        maps: Any = [class_map(each) for each in classes]
        return Reading(name, "map", votes, np.array(maps), none)
    if len(classes):
        return Reading(name, "votes", votes, classes, truth if truth.shape == classes.shape else none,
                       voters)
    if votes.ndim == 2 and votes.shape[1]:
        return Reading(name, "values", votes, classes, truth if truth.shape == votes.shape else none)
    return Reading(name, "", votes, classes, none)


def _listed(values: np.ndarray, most: int = 4) -> str:
    shown = ", ".join(f"{value:.3g}" for value in values[:most])
    return shown if len(values) <= most else f"{shown}, ..."

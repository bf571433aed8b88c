"""What was changed by hand in a run, and when: enough to change it in the same way again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Nudge:
    """One change of the sharpener's parameters.

    Attributes:
        epoch: The epoch in which it was made, counted from 0.
        batches: How many batches had been trained by then, all epochs together.
        values: The new values by name.
    """

    epoch: int
    batches: int
    values: Mapping[str, float]


class Nudges:
    """The changes of a run in their order; of those between the same two batches one is kept, with the last values.

    Args:
        made: Those that were made before. Default: none.
    """

    def __init__(self, made: Sequence[Nudge] = ()) -> None:
        self._made = list(made)
        self._turn = threading.RLock()

    def add(self, epoch: int, batches: int, values: Mapping[str, Any]) -> None:
        """Notes a change."""
        with self._turn:
            last = self._made[-1] if self._made else None
            if last is not None and (last.epoch, last.batches) == (epoch, batches):
                self._made[-1] = Nudge(epoch, batches, {**last.values, **values})
            else:
                self._made.append(Nudge(epoch, batches, dict(values)))

    def steer(self, steer: Callable[..., tuple[int, int]], values: Mapping[str, Any]) -> None:
        """Makes a change and notes it, in one.

        A hand and a replay may steer at once; they are noted in the order in which they come into force.

        Args:
            steer: Called with the values by name; returns in which epoch and after how many batches they came, as
                ``Sharpener.steer`` does.
            values: The new values by name.
        """
        with self._turn:
            self.add(*steer(**values), values)

    @property
    def made(self) -> tuple[Nudge, ...]:
        """The changes, oldest first."""
        return tuple(self._made)

    def between(self, first: int, last: int, without: Collection[str] = ()) -> Nudges:
        """The changes made in some epochs, but for those of some parameters.

        Args:
            first: The first epoch that counts, from 0.
            last: The first that does not count any more.
            without: Names of parameters whose changes are left out. Default: none.
        """
        kept = Nudges()
        for nudge in self._made:
            values = {name: value for name, value in nudge.values.items() if name not in without}
            if first <= nudge.epoch < last and values:
                kept.add(nudge.epoch, nudge.batches, values)
        return kept

    def asdict(self) -> list[list[Any]]:
        """The changes as JSON can carry them; :meth:`of` makes them again."""
        return [[nudge.epoch, nudge.batches, dict(nudge.values)] for nudge in self._made]

    @classmethod
    def of(cls, kept: Sequence[Sequence[Any]]) -> Nudges:
        """Changes from what :meth:`asdict` gave."""
        return cls([Nudge(int(epoch), int(batches), dict(values)) for epoch, batches, values in kept])

"""Sharpening on a schedule."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from whetstone_lab.method.policies.base import Policy, State, check_number


@dataclass(frozen=True)
class ScheduledPolicy(Policy):
    """Sharpens each layer from its start to its stop, linearly over the batches between.

    At the position p, in epochs with the batches as the fraction, a layer has the sharpness
    ``(p - start) / (stop - start)``, clipped to [0, 1]. The original starts an epoch late and divides by zero when a
    layer has one batch; this does neither. If the number of batches in an epoch is not known, nothing changes in the
    first epoch before its end.

    Args:
        schedule: ``(start, stop)`` for each layer, bottom first, in epochs from 0; fractions are allowed. Default: made
            from the three below for as many layers as there are.
        start_epoch: The epoch in which the first layer starts, at least 0. Default: 5.
        duration: Epochs to sharpen a layer, above 0. Default: 5.
        intermission: Epochs between one layer's stop and the next one's start, at least 0. Default: 0.
    """

    name: ClassVar[str] = "scheduled"
    foreseeable: ClassVar[bool] = True

    schedule: tuple[tuple[float, float], ...] | None = None
    start_epoch: float = 5
    duration: float = 5
    intermission: float = 0

    def __post_init__(self) -> None:
        check_number(self, "start_epoch", 0.0)
        check_number(self, "duration", 0.0, open_low=True)
        check_number(self, "intermission", 0.0)
        if self.schedule is None:
            return
        try:
            pairs = tuple((float(start), float(stop)) for start, stop in self.schedule)
        except (TypeError, ValueError) as error:
            raise ValueError(f"Expected a schedule of (start, stop) pairs in epochs; got {self.schedule!r}.") from error
        for i, (start, stop) in enumerate(pairs):
            if not 0 <= start < stop < math.inf:
                raise ValueError(f"Expected 0 <= start < stop in the schedule of layer {i + 1}; "
                                 f"got ({start:g}, {stop:g}).")
        object.__setattr__(self, "schedule", pairs)

    def start(self, sharpness: Sequence[float], batches: int | None = None, epoch: int = 0) -> State:
        """The state before the first batch; raises a ``ValueError`` if the schedule is for another number of layers."""
        if self.schedule is not None and len(self.schedule) != len(sharpness):
            raise ValueError(f"Expected a schedule for each of the {len(sharpness)} spiking layers; got one for "
                             f"{len(self.schedule)}.")
        return super().start(sharpness, batches, epoch)

    def pairs(self, layers: int) -> list[tuple[float, float]]:
        """The ``(start, stop)`` of each layer, in epochs."""
        if self.schedule is not None:
            return list(self.schedule)
        starts = [self.start_epoch + i * (self.duration + self.intermission) for i in range(layers)]
        return [(start, start + self.duration) for start in starts]

    def _after_batch(self, state: State) -> Sequence[float]:
        return self._at(state, state.epoch + (state.batch / state.batches if state.batches else 0.0))

    def _after_epoch(self, state: State) -> Sequence[float]:
        return self._at(state, state.epoch + 1.0)

    def _at(self, state: State, position: float) -> Sequence[float]:
        return [(position - start) / (stop - start) if start < position < stop else float(position >= stop)
                for start, stop in self.pairs(len(state.sharpness))]

"""``Pacing``: whether a run goes on, pauses or stops. A pure state machine: no threads, no Keras."""

from __future__ import annotations


class Pacing:
    """Whether a run goes on after the present batch.

    Steps that are asked for before others are done add up. A run that has steps of batches and of epochs pauses when
    both are done.

    Attributes:
        paused: Whether it halts after the present batch.
        stopping: Whether it ends after the present batch.
    """

    def __init__(self) -> None:
        self.paused = self.stopping = False
        self._left: dict[str, int] = {}

    def start(self, steps: dict[str, int] | None = None) -> None:
        """Starts anew: for good, or for some steps, ``{"batch": 3}``."""
        self.paused = self.stopping = False
        self._left = dict(steps or {})

    def pause(self) -> None:
        """Halts, and forgets the steps that were asked for."""
        self.paused, self._left = True, {}

    def resume(self) -> None:
        """Goes on for good."""
        self.paused, self._left = False, {}

    def step(self, unit: str, n: int) -> None:
        """Goes on for ``n`` more batches or epochs."""
        self.paused = False
        self._left[unit] = self._left.get(unit, 0) + n

    def stop(self) -> None:
        """Ends."""
        self.paused, self.stopping = False, True

    def trained(self, unit: str, n: int = 1) -> None:
        """Counts batches or epochs that were trained; halts when no step is left."""
        if unit not in self._left:
            return
        self._left[unit] -= n
        if self._left[unit] <= 0:
            del self._left[unit]
            self.paused = not self._left

"""Sharpening in equal steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from whetstone_lab.method.policies.base import Policy, State, check_flag, check_integer


@dataclass(frozen=True)
class StepwisePolicy(Policy):
    """Sharpens in equal steps from a given epoch on (the original's ``SimpleSharpener``).

    After the k-th step the model's sharpness is ``k / total``, with ``total = steps`` (uniform: every layer has it) or
    ``steps * layers`` (bottom-up: it fills the layers one by one); the last step is exactly 1. The original crashes
    when asked to step by batches; this does not.

    Args:
        start_epoch: The first epoch with a step, at its end or in its batches, counted from 0. Default: 5.
        steps: Steps for each layer (bottom-up) or for all (uniform), at least 1. Default: 5.
        by: ``"epoch"`` to step at the end of each epoch, ``"batch"`` after each batch. Default: ``"epoch"``.
        bottom_up: One layer after the other, or all together. Default: True.
    """

    name: ClassVar[str] = "stepwise"
    foreseeable: ClassVar[bool] = True

    start_epoch: int = 5
    steps: int = 5
    by: str = "epoch"
    bottom_up: bool = True

    def __post_init__(self) -> None:
        check_integer(self, "start_epoch", 0)
        check_integer(self, "steps", 1)
        check_flag(self, "bottom_up")
        if self.by not in ("epoch", "batch"):
            raise ValueError(f"Expected by to be 'epoch' or 'batch'; got {self.by!r}.")

    def smaller_steps(self) -> dict[str, Any]:
        """Twice as many steps."""
        return {"steps": 2 * self.steps}

    def _after_batch(self, state: State) -> Sequence[float]:
        return self._step(state) if self.by == "batch" else state.sharpness

    def _after_epoch(self, state: State) -> Sequence[float]:
        return self._step(state) if self.by == "epoch" else state.sharpness

    def _step(self, state: State) -> Sequence[float]:
        if state.epoch < self.start_epoch:
            return state.sharpness
        layers = len(state.sharpness)
        total = self.steps * layers if self.bottom_up else self.steps
        # The steps taken are read off the sharpness, so that a resumed run, or a net sharp in part, goes on from there;
        # the margin is more than what sharpness loses as a float32 weight.
        level = sum(state.sharpness) / layers if self.bottom_up else min(state.sharpness)
        step = math.floor(level * total + 1e-3) + 1
        if step >= total:
            return (1.0,) * layers
        if not self.bottom_up:
            return (step / total,) * layers
        whole, rest = divmod(step, self.steps)
        return [1.0 if i < whole else rest / self.steps if i == whole else 0.0 for i in range(layers)]

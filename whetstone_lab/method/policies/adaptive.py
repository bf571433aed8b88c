"""Sharpening while the training loss allows it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from whetstone_lab.method import judging
from whetstone_lab.method.policies.base import Decision, Policy, State, check_flag, check_integer, check_number

#: A layer this close to full sharpness becomes sharp (published values): one layer at a time, and all layers together.
_SNAP_BOTTOM_UP = 1e-3
_SNAP_UNIFORM = 1e-6


@dataclass(frozen=True)
class AdaptiveState(State):
    """Where the adaptive policy stands.

    Attributes:
        reference: The loss that later losses are compared with, or what else is judged; None before the first epoch.
        waiting: Epochs since it last improved significantly.
        sharpening: Whether batches sharpen now.
        resting: A layer became sharp in this epoch, so nothing sharpens until the next.
    """

    reference: float | None = None
    waiting: int = 0
    sharpening: bool = False
    resting: bool = False


@dataclass(frozen=True)
class AdaptivePolicy(Policy):
    """Sharpens while the training loss allows it (the original's ``AdaptiveSharpener``, to the digit).

    At the end of each epoch ``change = (loss - reference) / reference``. Before epoch ``min_init_epochs - 1`` only the
    reference follows the loss. From then on ``change <= -sig_decrease`` is an improvement (new reference, counter 0);
    anything else adds 1 to the counter. While sharpening, ``change >= sig_increase`` stops it (new reference, counter
    0). While not sharpening, a counter above ``patience`` starts it (new reference, counter 0).

    While sharpening, every batch adds ``rate / batches`` to the lowest unfinished layer (bottom-up; ``cz_rate`` from
    ``critical`` on, in the first layer times ``first_layer_relative_rate``) or to all (uniform; ``critical`` is judged
    on the first layer). Bottom-up, what is within 0.001 of 1 becomes 1, and then nothing sharpens until the next epoch.

    What gets better as it rises, such as an accuracy, is judged with the two changes the other way round.

    Mended: a change is measured against the size of the reference, so that a loss may be negative or zero, and an epoch
    whose loss is no finite number is ignored.

    Args:
        min_init_epochs: Epochs to train before sharpening is considered, at least 1. Default: 10.
        rate: Sharpness gained in an epoch, in (0, 1]. Default: 0.25.
        cz_rate: The same in the critical zone, in (0, 1]. Default: 0.126.
        critical: Sharpness at which the critical zone begins, in [0, 1]. Default: 0.75.
        first_layer_relative_rate: Factor on the rate of the first layer, positive. Default: 1.
        patience: Epochs without improvement to wait before sharpening starts, at least 0. Default: 1.
        sig_increase: Relative rise of the loss that counts, positive; of an accuracy, its fall. Default: 0.15.
        sig_decrease: Relative fall of the loss that counts, positive; of an accuracy, its rise. Default: 0.15.
        bottom_up: One layer after the other, or all together. Default: True.
    """

    name: ClassVar[str] = "adaptive"
    foreseeable: ClassVar[bool] = True
    state_type: ClassVar[type[State]] = AdaptiveState

    min_init_epochs: int = 10
    rate: float = 0.25
    cz_rate: float = 0.126
    critical: float = 0.75
    first_layer_relative_rate: float = 1.0
    patience: int = 1
    sig_increase: float = 0.15
    sig_decrease: float = 0.15
    bottom_up: bool = True

    def __post_init__(self) -> None:
        check_integer(self, "min_init_epochs", 1)
        check_number(self, "rate", 0.0, 1.0, open_low=True)
        check_number(self, "cz_rate", 0.0, 1.0, open_low=True)
        check_number(self, "critical", 0.0, 1.0)
        check_number(self, "first_layer_relative_rate", 0.0, open_low=True)
        check_integer(self, "patience", 0)
        check_number(self, "sig_increase", 0.0, open_low=True)
        check_number(self, "sig_decrease", 0.0, open_low=True)
        check_flag(self, "bottom_up")

    def end_batch(self, state: State, loss: float) -> tuple[State, list[Decision]]:
        """Takes note of a trained batch; see :meth:`Policy.end_batch`."""
        after: Any
        after, decisions = super().end_batch(state, loss)
        if decisions and self.bottom_up:  # a layer has become sharp
            after = after.replace(resting=True)
        if after.sharpening and after.sharp:
            after = after.replace(sharpening=False)
        return after, decisions

    def smaller_steps(self) -> dict[str, Any]:
        """Half of both rates."""
        return {"rate": self.rate / 2, "cz_rate": self.cz_rate / 2}

    def _after_batch(self, state: Any) -> Sequence[float]:
        # Without the number of batches in an epoch the gain of one is not known; that is so in the first epoch alone.
        if not state.sharpening or state.resting or state.sharp or state.batches is None:
            return state.sharpness
        lowest = next(i for i, value in enumerate(state.sharpness) if value < 1.0) if self.bottom_up else 0
        gain = self.cz_rate if state.sharpness[lowest] >= self.critical else self.rate
        if self.bottom_up and lowest == 0:
            gain *= self.first_layer_relative_rate
        gain /= state.batches
        snap = _SNAP_BOTTOM_UP if self.bottom_up else _SNAP_UNIFORM
        return [value if self.bottom_up and i != lowest else 1.0 if value + gain >= 1.0 - snap else value + gain
                for i, value in enumerate(state.sharpness)]

    def _judge(self, state: Any, loss: float) -> tuple[Any, list[Decision]]:
        state = state.replace(resting=False)
        if not math.isfinite(loss):
            return state, [Decision("warning", f"The {self.quantity.words} of the epoch is {loss}: it is left out of "
                                    "account.")]
        if state.epoch < self.min_init_epochs - 1:
            return state.replace(reference=loss), []
        before = judging.Judgement(state.reference, state.waiting, state.sharpening)
        now = judging.judge(before, loss, sig_increase=self.sig_increase, sig_decrease=self.sig_decrease,
                            patience=self.patience, finished=state.sharp, mode=self.quantity.mode)
        return state.replace(reference=now.reference, waiting=now.waiting, sharpening=now.sharpening), [
            *self._explain(state, loss, now)]

    def _explain(self, state: Any, loss: float, now: judging.Judgement) -> Iterator[Decision]:
        """Says in a sentence what was decided, if there is anything to say."""
        change, quantity = abs(now.change), self.quantity
        values = {"loss": loss, "reference": state.reference,
                  "change": now.change if math.isfinite(now.change) else None}
        none = f"No {quantity.progress} of {self.sig_decrease:.1%}"
        waited = state.waiting + 1
        if now.verdict == "stop":
            yield Decision("stop", f"The {quantity.words} {quantity.worsened} by {change:.1%}, at least sig_increase = "
                           f"{self.sig_increase:.1%}: sharpening rests until the network has settled.", values=values)
        elif now.verdict == "start":
            yield Decision("start", f"{none} for {waited} epochs, more than patience = {self.patience}: the network "
                           "has settled and sharpening starts.", values=values)
        elif now.verdict == "improve" and state.reference is not None:
            yield Decision("improve", f"The {quantity.words} {quantity.improved} by {change:.1%}, at least "
                           f"sig_decrease = {self.sig_decrease:.1%}: a new reference.", values=values)
        elif now.verdict == "wait" and not (now.sharpening or state.sharp):
            yield Decision("wait", f"{none} for {now.waiting} of {self.patience + 1} epochs.", values=values)

"""``RollBack``: undoes an epoch that broke the network, and with it the step of sharpness that led to it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from whetstone_lab.method.judging import worsening
from whetstone_lab.method.policies import Decision, Policy, State
from whetstone_lab.training._internals import sync_weights
from whetstone_lab.training.session import SharpeningSession


class RollBack:
    """Keeps the weights that a network had when an epoch began, and restores them if the epoch broke the network.

    An epoch breaks it if what is monitored is no finite number, or has got worse by more than ``rise`` since the last
    good epoch while sharpness has grown. A loss gets worse as it rises, an accuracy as it falls.

    Args:
        rise: The change for the worse that is a break, relative to the last good value, positive; None never rolls
            back.

    Attributes:
        good: What was monitored in the last good epoch, or None.
        steady: The sharpness at the end of it, before the policy judged it.
    """

    def __init__(self, rise: float | None) -> None:
        self.rise = rise
        self.good: float | None = None
        self.steady: tuple[float, ...] = ()
        self._kept: list[tuple[Any, np.ndarray]] = []  # empty until an epoch begins, of which nothing is taken back

    def begin(self, sharpness: Sequence[float]) -> None:
        """Starts anew on a network with this sharpness."""
        self.good, self.steady = None, tuple(sharpness)

    def keep(self, model: Any) -> None:
        """Copies the weights and the optimizer's moments; the schedule of the learning rate goes on."""
        if self.rise is None:
            self._kept = []
            return
        sync_weights(model)
        optimizer = getattr(model, "optimizer", None)
        if optimizer and not optimizer.built:
            optimizer.build(model.trainable_variables)
        moments = [variable for variable in (optimizer.variables if optimizer else ())
                   if variable.name not in ("iteration", "learning_rate")]
        # A copy: on PyTorch, the array may be the tensor's own memory.
        self._kept = [(variable, np.array(ops.convert_to_numpy(variable))) for variable in (*model.weights, *moments)]

    def judge(self, model: Any, session: SharpeningSession, value: float) -> tuple[State, list[Decision]] | None:
        """Restores what was kept if the epoch that ends with this value has broken the network; else notes it as good.

        Returns:
            The policy's state and a warning, in place of the policy's own judgement; None after a good epoch.
        """
        assert session.state is not None
        if self._broke(session, value):
            return self._restore(model, session, value)
        self.good, self.steady = value, session.state.sharpness
        return None

    def _broke(self, session: SharpeningSession, value: float) -> bool:
        if self.rise is None or not self._kept or session.epoch_start is None or session.state is None:
            return False
        if not math.isfinite(value):
            return True
        return (session.state.sharpness != self.steady and self.good is not None
                and worsening(self.good, value, session.quantity.mode) > self.rise)

    def _restore(self, model: Any, session: SharpeningSession, value: float) -> tuple[State, list[Decision]]:
        """Puts back what was kept, and halves the policy's steps."""
        assert session.state is not None
        assert session.epoch_start is not None
        sync_weights(model)
        for variable, kept in self._kept:
            variable.assign(kept)
        start, here = session.epoch_start, session.state
        session.state = here.replace(sharpness=start.sharpness)  # as restored
        session.steer(by="the roll-back", **session.policy.smaller_steps())
        # The policy stands where it stood when the epoch began, an epoch later.
        after = start.replace(sharpness=self.steady, epoch=here.epoch + 1,
                              batches=here.batches or here.batch or None)
        good = "" if self.good is None else f" after {self.good:.4g}"
        return after, [Decision(
            "warning", f"Rolled back: {session.monitor} was {value:.4g}{good}. Weights and sharpness are those from "
            "before the epoch, and steps are half as large.",
            values={"rolled_back": True, "value": value, "good": self.good})]


def check_rise(rise: float | None, policy: Policy) -> None:
    """Checks the argument ``roll_back`` of a sharpener with a policy; raises a ``ValueError`` if it cannot be."""
    if rise is None:
        return
    if not (math.isfinite(rise) and rise > 0):
        raise ValueError(f"Expected roll_back to be a positive number or None; got {rise!r}.")
    if not policy.smaller_steps():
        raise ValueError("Expected a policy that can take smaller steps to roll back with, adaptive or stepwise; "
                         f"got a {policy.name} one.")

"""``SharpeningSession``: a policy at work on one network. Losses go in, what the layers must do comes out; no Keras.

The session holds the policy, its state and the trace. How sharpness reaches the layers, who computes the losses, and on
which thread, is up to the code that drives the session.

Example:
    >>> from whetstone_lab.policies import StepwisePolicy
    >>> session = SharpeningSession(StepwisePolicy(start_epoch=0, steps=2, by="batch"))
    >>> session.begin(["hidden"], ["bounded_relu"], [0.0], batches=4)
    >>> session.batch(0.7).sharpness
    (0.5,)
"""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np

from whetstone_lab.method.judging import MODES, Quantity, direction
from whetstone_lab.method.policies import Decision, Policy, State
from whetstone_lab.records.trace import Event, Trace

#: Sharpness closer than this to what the state says is the same: layers keep it as float32.
_SAME = 1e-6

#: Batches that are worked out at once.
_AHEAD = 32

_Method = TypeVar("_Method", bound=Callable[..., Any])


def _in_turn(method: _Method) -> _Method:
    """One at a time: a hand may steer from another thread than the one that trains."""
    @functools.wraps(method)
    def alone(self: SharpeningSession, *args: Any, **kwargs: Any) -> Any:
        with self._turn:
            return method(self, *args, **kwargs)

    return cast(_Method, alone)


@dataclass(frozen=True)
class Step:
    """What follows from a batch or an epoch.

    Attributes:
        sharpness: What each layer must have from now on, bottom first.
        epoch: The epoch that the decisions fell in, counted from 0.
        decisions: What was decided, and why.
    """

    sharpness: tuple[float, ...]
    epoch: int
    decisions: tuple[Decision, ...] = ()


class SharpeningSession:
    """A policy, its state, and the trace of what it did.

    Args:
        policy: When to sharpen.
        monitor: The name in the logs of an epoch that the policy judges. Default: ``"loss"``.
        mode: ``"min"`` if that gets better as it falls, ``"max"`` if as it rises; ``"auto"`` goes by its name, or by
            what :meth:`heed` is told. Default: ``"auto"``.

    Attributes:
        quantity: What is judged, with the mode that is in force.
        policy: The policy in force; :meth:`steer` exchanges it and notes it.
        state: Where the policy stands; None before :meth:`begin`.
        epoch_start: Where it stood when the present epoch began, for :meth:`rewind`; None before the first one.
        trace: What has happened.

    Raises:
        ValueError: There is no such mode.
    """

    def __init__(self, policy: Policy, monitor: str = "loss", mode: str = "auto") -> None:
        if mode not in MODES:
            raise ValueError(f"Expected a mode among {list(MODES)}; got {mode!r}.")
        self.policy = policy
        self.monitor, self.mode = monitor, mode
        self.quantity = Quantity(monitor, (direction(monitor) or "min") if mode == "auto" else mode)
        self.state: State | None = None
        self.epoch_start: State | None = None
        self.trace = Trace()
        self._turn = threading.RLock()
        # The last gesture, and the event that holds its changes.
        self._noted: tuple[Hashable, Any] = (None, None)
        # The states and decisions to come, last first, and the policy and state after which they hold.
        self._ahead: list[tuple[State, list[Decision]]] = []
        self._foreseen_from: tuple[Policy | None, State | None] = (None, None)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_turn"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _turn=threading.RLock())

    @_in_turn
    def begin(self, layers: Sequence[str], curves: Sequence[str], sharpness: Sequence[float],
              batches: int | None = None, meta: Mapping[str, Any] | None = None) -> None:
        """Starts on a network, in the present trace, or in a new one if that holds a run already.

        Args:
            layers: Names of the spiking layers, bottom first.
            curves: Name of each one's curve.
            sharpness: The sharpness that each has.
            batches: Batches in an epoch, if known.
            meta: What else the trace shall keep, JSON-able.

        Raises:
            ValueError: The policy does not fit the layers.
        """
        state = self.policy.start(sharpness, batches)
        if self.trace.batches:
            self.follow(Trace())
        self.trace.begin(layers, curves, self.policy.config(), {
            **(meta or {}), "monitor": self.monitor, "mode": self.quantity.mode})
        self.state, self.epoch_start = state, None

    def follow(self, trace: Trace) -> None:
        """Goes on in another trace, and takes along all who watch the present one."""
        self.trace.hand_over(trace)
        self.trace = trace

    @_in_turn
    def expect(self, batches: int | None) -> None:
        """Says how many batches an epoch has, where that is known."""
        self.state = self._here.replace(batches=batches or self._here.batches)
        if batches:
            self.trace.meta["batches_per_epoch"] = batches

    def check_steps(self) -> None:
        """Checks that it is known how many steps count as an epoch; raises a ``RuntimeError`` otherwise."""
        if self.state is None or self.state.batches is None:
            lacking = "no model" if self.state is None else "no number of steps"
            raise RuntimeError("Expected attach(model, batches=...) before the first step, with the number of steps "
                               f"that count as an epoch; got {lacking}.")

    def heed(self, mode: str | None) -> list[Decision]:
        """Says how the metric itself gets better, which ``"auto"`` goes by rather than by the metric's name.

        Args:
            mode: ``"min"``, ``"max"``, or None if the metric does not say.

        Returns:
            A warning where neither tells, once.
        """
        found = mode or direction(self.monitor)
        if self.mode == "auto" and found:
            self.quantity = Quantity(self.monitor, found)
        self.trace.meta["mode"] = self.quantity.mode
        if self.mode != "auto" or found or self.trace.epochs:
            return []
        return [Decision("warning", f"Nothing tells whether {self.monitor!r} gets better as it rises or as it falls: "
                         "it is taken to fall, as a loss does. Say mode='max' if it should rise, or else mode='min'.")]

    def begin_epoch(self) -> None:
        """Notes where things stand, so that :meth:`rewind` can come back here."""
        self.epoch_start = self.state

    @_in_turn
    def batch(self, loss: float) -> Step:
        """Takes note of a trained batch.

        Args:
            loss: The loss after it, as the trace shall keep it; it may be no number.

        Returns:
            What the layers must have from now on.
        """
        self.state, decisions = self._after(loss)
        state, trace = self.state, self.trace
        if not math.isfinite(loss) and (not trace.batches or math.isfinite(trace.loss[-1])):
            decisions = [*decisions, Decision(
                "warning", f"The loss became {loss} in batch {state.batch} of the epoch. Weights that are no numbers "
                "do not recover: go back to an earlier model, and take a smaller learning rate.")]
        trace.append_batch(state.epoch, loss, state.sharpness)
        if decisions:
            self.note(state.epoch, decisions)
        return Step(state.sharpness, state.epoch, tuple(decisions))

    def epoch(self, logs: Mapping[str, Any], health: Mapping[str, Any] | None = None) -> Step:
        """Takes note of a finished epoch, and lets the policy judge it: :meth:`judge` and :meth:`record` in one.

        Args:
            logs: The logs of the epoch; ``monitor`` is judged.
            health: What a probe saw, as :meth:`Trace.append_epoch` takes it. Default: nothing.

        Returns:
            What the layers must have from now on.
        """
        step = self.judge(float(logs.get(self.monitor, math.nan)))
        self.record(step, logs, health)
        return step

    @_in_turn
    def judge(self, value: float, *, whole: bool = True, instead: tuple[State, list[Decision]] | None = None) -> Step:
        """Lets the policy judge an epoch; :meth:`record` must follow.

        Args:
            value: What was monitored; it may be no number.
            whole: Whether the epoch had all its batches; if not, it does not tell their number. Default: True.
            instead: The state and the decisions to take in place of the policy's own. Default: the policy judges.

        Returns:
            What the layers must have from now on.
        """
        before = self._here
        state, decisions = instead or self.policy.about(self.quantity).end_epoch(before, value)
        self.state = state if whole else state.replace(batches=before.batches)
        return Step(self.state.sharpness, before.epoch, tuple(decisions))

    @_in_turn
    def record(self, step: Step, logs: Mapping[str, Any], health: Mapping[str, Any] | None = None) -> None:
        """Writes a judged epoch to the trace; the arguments are those of :meth:`epoch`."""
        self.trace.append_epoch(logs, self._here.asdict(), sharpness=self._here.sharpness, **(health or {}))
        self.note(step.epoch, step.decisions)

    @_in_turn
    def note(self, epoch: int, decisions: Sequence[Decision]) -> None:
        """Writes decisions or warnings to the trace, as of now."""
        for decision in decisions:
            self.trace.append_event(decision.kind, decision.reason, epoch=epoch, layer=decision.layer,
                                    **decision.values)

    def steered(self, **parameters: Any) -> Policy:
        """The policy with other parameters; raises a ``ValueError`` for what it, or the network, cannot have."""
        policy = self.policy.steered(**parameters)
        if self.state is not None:
            policy.start(self.state.sharpness)  # complains if it does not fit the layers
        return policy

    @_in_turn
    def steer(self, by: str = "hand", gesture: Hashable = None, **parameters: Any) -> tuple[int, int]:
        """Changes parameters of the policy, for whatever is decided from now on; the trace notes who did it.

        Args:
            by: Who changes them. Default: ``"hand"``.
            gesture: What tells one movement of a hand from another, such as the number of a drag. The changes of one
                gesture are one decision in the trace, from the value before it to the last, as long as the epoch
                lasts and nothing else is decided in between. Default: None, each change is a decision of its own.
            **parameters: New values by name.

        Returns:
            In which epoch, counted from 0, and after how many batches it came.

        Raises:
            ValueError: As :meth:`steered`; then nothing is changed.
        """
        policy = self.steered(**parameters)
        for name in parameters:
            self.note_change(name, getattr(self.policy, name), getattr(policy, name), by, gesture)
        self.policy = policy
        return 0 if self.state is None else self.state.epoch, self.trace.batches

    @_in_turn
    def note_change(self, name: str, old: Any, new: Any, by: str, gesture: Hashable = None) -> None:
        """Writes to the trace that a parameter of the policy has changed; the arguments are those of :meth:`steer`."""
        if self.state is None or new == old:
            return
        events, epoch = self.trace.events, self.state.epoch
        before, noted = self._noted
        joined = gesture is not None and before == gesture and bool(events) and events[-1] is noted and (
            noted.epoch == epoch and noted.values["name"] == name)
        if joined:
            old = noted.values["old"]
        change = [] if new == old else [Event(  # a hand that has come back has changed nothing
            self.trace.batches, epoch, "threshold", f"{name} changed from {old} to {new} by {by}.",
            values={"name": name, "old": old, "new": new, "by": by})]
        events[len(events) - joined:] = change  # at once: others may be reading
        self._noted = (gesture, change[0]) if change else (None, None)

    @_in_turn
    def adopt(self, sharpness: Sequence[float]) -> None:
        """Takes over the sharpness that the layers have, if somebody else has set it."""
        if not np.allclose(sharpness, self._here.sharpness, rtol=0, atol=_SAME):
            self.state = self._here.replace(sharpness=tuple(float(value) for value in sharpness))

    @_in_turn
    def rewind(self) -> tuple[float, ...]:
        """Goes back to the start of the present epoch; returns the sharpness that the layers then have."""
        assert self.epoch_start is not None
        self.trace.rewind()
        self.state = self.epoch_start
        return self.state.sharpness

    def _after(self, loss: float) -> tuple[State, list[Decision]]:
        """Where things stand after a batch, and what was decided.

        Where a policy does not heed the loss of a batch, several batches are worked out at once: between two steps of
        training a processor has forgotten the code, and each batch by itself takes several times as long.
        """
        policy, state_before = self._foreseen_from  # themselves: the id of what is gone may be that of another
        if self._ahead and policy is self.policy and state_before is self.state:
            after = self._ahead.pop()
        elif self.policy.foreseeable:
            state, ahead = self._here, []
            for _ in range(_AHEAD):
                state, decisions = self.policy.end_batch(state, math.nan)
                ahead.append((state, decisions))
            self._ahead = ahead[::-1]
            after = self._ahead.pop()
        else:
            return self.policy.end_batch(self._here, loss)
        self._foreseen_from = self.policy, after[0]
        return after

    @property
    def _here(self) -> State:
        if self.state is None:
            raise RuntimeError("Expected the session to have begun; call begin first.")
        return self.state


def ended_by(error: BaseException) -> tuple[str, str]:
    """The status and the message of a trace whose run an error or an interrupt has ended."""
    if isinstance(error, KeyboardInterrupt):
        return "stopped", ""
    return "failed", f"{type(error).__name__}: {error}"


def value_of(logs: Mapping[str, Any] | None, name: str) -> float:
    """What is monitored among Keras's logs; raises a ``ValueError`` if it is not there, or is no single number."""
    if not logs or name not in logs:
        raise ValueError(f"Expected the monitored value {name!r} among Keras's logs; got {sorted(logs or {})}.")
    if np.size(logs[name]) != 1:
        raise ValueError(f"Expected the monitored value {name!r} to be a single number; got {np.size(logs[name])} of "
                         "them. Monitor a metric that averages over classes.")
    return float(logs[name])

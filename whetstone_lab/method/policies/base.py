"""What all policies share: state in, state and decisions out."""

from __future__ import annotations

import dataclasses
import math
import numbers
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, Self

from whetstone_lab.method.judging import LOSS, Quantity

#: A sharpness of at least this counts as 1: stored as a float32 weight, it could not be told from 1.
_FULL = 1.0 - 2.0**-25


@dataclass(frozen=True)
class Decision:
    """Something that a policy decided, and why.

    Attributes:
        kind: ``start`` or ``stop`` (of sharpening), ``improve``, ``wait``, ``sharp`` (a layer reached 1), ``done``
            (every layer is sharp) or ``warning``.
        reason: One plain sentence.
        layer: Index of the layer it is about, or None.
        values: The numbers behind it.
    """

    kind: str
    reason: str
    layer: int | None = None
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """Where a policy stands.

    Attributes:
        sharpness: Sharpness of each layer in [0, 1], bottom first.
        epoch: The present epoch, counted from 0.
        batch: Batches trained in the present epoch.
        batches: Batches in an epoch, None until that is known.
    """

    sharpness: tuple[float, ...]
    epoch: int = 0
    batch: int = 0
    batches: int | None = None

    @property
    def sharp(self) -> bool:
        """Whether every layer is fully sharp."""
        return min(self.sharpness) == 1.0

    def replace(self, **values: Any) -> Self:
        """The same state with other values: ``dataclasses.replace``, but quick, since every batch makes some."""
        other = object.__new__(type(self))
        vars(other).update(vars(self), **values)
        return other

    def asdict(self) -> dict[str, Any]:
        """The state as plain JSON-able values."""
        return {**asdict(self), "sharpness": list(self.sharpness)}


@dataclass(frozen=True)
class Policy:
    """Base of the sharpening policies: counts batches and epochs, keeps sharpness in [0, 1] and never lets it fall."""

    name: ClassVar[str]
    state_type: ClassVar[type[State]] = State
    #: Whether :meth:`end_batch` says the same whatever the loss, so that batches to come can be worked out.
    foreseeable: ClassVar[bool] = False
    #: What :meth:`end_epoch` judges, which :meth:`about` exchanges. It is no parameter of the policy.
    quantity: ClassVar[Quantity] = LOSS

    def about(self, quantity: Quantity) -> Self:
        """The same policy, which judges another quantity than the loss, such as an accuracy that should rise."""
        policy = copy(self)
        vars(policy)["quantity"] = quantity
        return policy

    def start(self, sharpness: Sequence[float], batches: int | None = None, epoch: int = 0) -> State:
        """The state before the first batch.

        Args:
            sharpness: The present sharpness of each layer, bottom first; a layer that is sharp already stays so.
            batches: Batches in an epoch, if known. Default: learnt from the first epoch.
            epoch: The number of the first epoch. Default: 0.

        Raises:
            ValueError: No layers, or a sharpness outside [0, 1].
        """
        values = tuple(float(value) for value in sharpness)
        if not values or not all(0.0 <= value <= 1.0 for value in values):
            raise ValueError(f"Expected a sharpness in [0, 1] for at least one layer; got {list(values)}.")
        if batches is not None and batches < 1:
            raise ValueError(f"Expected at least one batch in an epoch; got {batches}.")
        return self.state_type(values, epoch, 0, batches)

    def restored(self, values: Mapping[str, Any]) -> State:
        """The state that :meth:`State.asdict` gave."""
        return self.state_type(**{**values, "sharpness": tuple(values["sharpness"])})

    def end_batch(self, state: State, loss: float) -> tuple[State, list[Decision]]:
        """Takes note of a trained batch.

        Args:
            state: The state before it.
            loss: The loss after it.

        Returns:
            The new state, whose sharpness holds from now on, and what was decided.
        """
        state = state.replace(batch=state.batch + 1)
        wanted = self._after_batch(state)
        return (state, []) if wanted is state.sharpness else self._sharpen(state, wanted)

    def end_epoch(self, state: State, loss: float) -> tuple[State, list[Decision]]:
        """Takes note of a finished epoch.

        Args:
            state: The state before it.
            loss: The loss of the epoch, or what else :attr:`quantity` says.

        Returns:
            The new state, whose sharpness holds from now on, and what was decided.
        """
        state, decisions = self._judge(state, loss)
        state, sharpened = self._sharpen(state, self._after_epoch(state))
        return state.replace(epoch=state.epoch + 1, batch=0, batches=state.batches or state.batch or None), [
            *decisions, *sharpened]

    def config(self) -> dict[str, Any]:
        """The policy's name and parameters as plain JSON-able values."""
        return {"name": self.name, **asdict(self)}

    def steered(self, **parameters: Any) -> Policy:
        """The same policy with other parameters; raises a ``ValueError`` for a name or a value that it cannot have."""
        known = {item.name for item in fields(self)}
        unknown = sorted(set(parameters) - known)
        if unknown:
            raise ValueError(f"Expected parameters of the {self.name} policy among {sorted(known)}; got {unknown}.")
        return dataclasses.replace(self, **parameters).about(self.quantity)

    def smaller_steps(self) -> dict[str, Any]:
        """Parameters, for :meth:`steered`, with which sharpness grows half as fast; empty if it has none."""
        return {}

    def fewest_epochs(self, layers: int | Sequence[float], batches: int, limit: int = 1000) -> int | None:
        """The fewest epochs in which the policy can sharpen every layer: as many as it takes if the loss never changes.

        Args:
            layers: Number of layers, all soft at first, or the sharpness that each has.
            batches: Batches in an epoch.
            limit: Epochs to try, at least 0. Default: 1000.

        Returns:
            Epochs, or None if they are more than ``limit``.
        """
        state = self.start((0.0,) * layers if isinstance(layers, int) else layers, batches)
        for epoch in range(limit):
            for _ in range(batches):
                state, _ = self.end_batch(state, 1.0)
            state, _ = self.end_epoch(state, 1.0)
            if state.sharp:
                return epoch + 1
        return None

    def _after_batch(self, state: State) -> Sequence[float]:
        """The sharpness that the layers should have after a batch."""
        return state.sharpness

    def _after_epoch(self, state: State) -> Sequence[float]:
        """The sharpness that the layers should have after an epoch."""
        return state.sharpness

    def _judge(self, state: Any, loss: float) -> tuple[Any, list[Decision]]:
        """What the loss of an epoch means to the policy."""
        return state, []

    def _sharpen(self, state: State, wanted: Sequence[float]) -> tuple[State, list[Decision]]:
        before = state.sharpness
        new = tuple([1.0 if value >= _FULL else max(old, value) for old, value in zip(before, wanted, strict=True)])
        if new == before:
            return state, []
        state = state.replace(sharpness=new)
        if new.count(1.0) == before.count(1.0):
            return state, []
        decisions = [Decision("sharp", f"Layer {i + 1} of {len(new)} is fully sharp.", i)
                     for i, (old, value) in enumerate(zip(before, new, strict=True)) if old < 1.0 == value]
        if state.sharp:
            decisions.append(Decision("done", "Every layer is fully sharp: the network speaks in spikes."))
        return state, decisions


def check_integer(policy: Policy, name: str, low: int) -> None:
    """Checks that a parameter is an integer of at least ``low``; raises a ``ValueError`` otherwise."""
    value = getattr(policy, name)
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < low:
        raise ValueError(f"Expected {name} to be an integer of at least {low}; got {value!r}.")
    object.__setattr__(policy, name, int(value))


def check_number(policy: Policy, name: str, low: float, high: float = math.inf, open_low: bool = False) -> None:
    """Checks that a parameter is a finite number from ``low`` (or above it) to ``high``; raises a ``ValueError``."""
    value = getattr(policy, name)
    number = isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
    if not number or value > high or value < low or (open_low and value == low):
        end = "inf)" if high == math.inf else f"{high:g}]"
        raise ValueError(f"Expected {name} to be a number in {'(' if open_low else '['}{low:g}, {end}; got {value!r}.")
    object.__setattr__(policy, name, float(value))


def check_flag(policy: Policy, name: str) -> None:
    """Checks that a parameter is True or False; raises a ``ValueError`` otherwise."""
    value = getattr(policy, name)
    if not isinstance(value, bool):
        raise ValueError(f"Expected {name} to be True or False; got {value!r}.")

"""When to sharpen: step-wise, scheduled and adaptive policies as pure state machines.

A policy is a set of parameters. It never changes; what changes is its :class:`State`, which goes in and comes out of
every call, so a run can be saved, resumed, replayed on recorded losses, or steered by exchanging the policy between
two batches (``dataclasses.replace(policy, rate=0.1)``). No Keras here.

Source: Severa et al. 2019, arXiv 1810.11521. The adaptive and step-wise rules reproduce the published behaviour;
where a defect of the original package is mended, the docstring says so.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, ClassVar, Self

#: What lies this close to full sharpness is full (published values): one layer at a time, and all layers together.
_SNAP_BOTTOM_UP = 1e-3
_SNAP_UNIFORM = 1e-6

#: From here on sharpness is 1 whatever the policy: as the float32 weight that it becomes, it could not be told from 1.
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
        return all(value == 1.0 for value in self.sharpness)

    def but(self, **values: Any) -> Self:
        """The same state with other values: ``dataclasses.replace``, but quick, as every batch makes some."""
        other = object.__new__(type(self))
        vars(other).update(vars(self), **values)
        return other

    def asdict(self) -> dict[str, Any]:
        """The state as plain JSON-able values."""
        return {**asdict(self), "sharpness": list(self.sharpness)}


@dataclass(frozen=True)
class AdaptiveState(State):
    """Where the adaptive policy stands.

    Attributes:
        reference: The loss that later losses are compared with, None before the first epoch.
        waiting: Epochs since the loss last improved significantly.
        sharpening: Whether batches sharpen now.
        resting: A layer became sharp in this epoch, so nothing sharpens until the next.
    """

    reference: float | None = None
    waiting: int = 0
    sharpening: bool = False
    resting: bool = False


@dataclass(frozen=True)
class Policy:
    """Base of the sharpening policies: counts batches and epochs, and keeps sharpness in [0, 1] and from falling."""

    name: ClassVar[str]
    state_type: ClassVar[type[State]] = State

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
        state = state.but(batch=state.batch + 1)
        return self._sharpen(state, self._after_batch(state))

    def end_epoch(self, state: State, loss: float) -> tuple[State, list[Decision]]:
        """Takes note of a finished epoch.

        Args:
            state: The state before it.
            loss: The loss of the epoch.

        Returns:
            The new state, whose sharpness holds from now on, and what was decided.
        """
        state, decisions = self._judge(state, loss)
        state, sharpened = self._sharpen(state, self._after_epoch(state))
        return state.but(epoch=state.epoch + 1, batch=0, batches=state.batches or state.batch or None), [
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
        return replace(self, **parameters)

    def smaller_steps(self) -> dict[str, Any]:
        """Parameters, for :meth:`steered`, with which sharpness grows half as fast; none where that cannot be."""
        return {}

    def fewest_epochs(self, layers: int | Sequence[float], batches: int, limit: int = 1000) -> int | None:
        """The fewest epochs in which the policy can sharpen every layer: those with a loss that never changes.

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
        new = tuple(1.0 if value >= _FULL else max(old, value)
                    for old, value in zip(state.sharpness, wanted, strict=True))
        if new == state.sharpness:
            return state, []
        reached = [i for i, (old, value) in enumerate(zip(state.sharpness, new, strict=True)) if old < 1.0 == value]
        decisions = [Decision("sharp", f"Layer {i + 1} of {len(new)} is fully sharp.", i) for i in reached]
        state = state.but(sharpness=new)
        if state.sharp:
            decisions.append(Decision("done", "Every layer is fully sharp: the network speaks in spikes."))
        return state, decisions


@dataclass(frozen=True)
class StepwisePolicy(Policy):
    """Sharpens in equal steps from a given epoch on (the original's ``SimpleSharpener``).

    After the k-th step the model's sharpness is ``k / total``, with ``total = steps`` (uniform: every layer has it) or
    ``steps * layers`` (bottom-up: it fills the layers one by one); the last step is exactly 1. The original crashes
    when asked to step by batches; this does not.

    Args:
        start_epoch: The first epoch after which (or in which, by batches) to step, from 0. Default: 5.
        steps: Steps for each layer (bottom-up) or for all (uniform), at least 1. Default: 5.
        by: ``"epoch"`` to step at the end of each epoch, ``"batch"`` after each batch. Default: ``"epoch"``.
        bottom_up: One layer after the other, or all together. Default: True.
    """

    name: ClassVar[str] = "stepwise"

    start_epoch: int = 5
    steps: int = 5
    by: str = "epoch"
    bottom_up: bool = True

    def __post_init__(self) -> None:
        _integer(self, "start_epoch", 0)
        _integer(self, "steps", 1)
        _flag(self, "bottom_up")
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


@dataclass(frozen=True)
class ScheduledPolicy(Policy):
    """Sharpens each layer from its start to its stop, linearly over the batches between.

    At the position p, in epochs with the batches as the fraction, a layer has the sharpness
    ``(p - start) / (stop - start)``, held in [0, 1]. The original starts an epoch late and divides by zero when a
    layer has one batch; this does neither. Where the number of batches in an epoch is not known, the first epoch
    counts only when it ends.

    Args:
        schedule: ``(start, stop)`` for each layer, bottom first, in epochs from 0; fractions are allowed. Default: made
            from the three below for as many layers as there are.
        start_epoch: The epoch in which the first layer starts, at least 0. Default: 5.
        duration: Epochs to sharpen a layer, above 0. Default: 5.
        intermission: Epochs between one layer's stop and the next one's start, at least 0. Default: 0.
    """

    name: ClassVar[str] = "scheduled"

    schedule: tuple[tuple[float, float], ...] | None = None
    start_epoch: float = 5
    duration: float = 5
    intermission: float = 0

    def __post_init__(self) -> None:
        _number(self, "start_epoch", 0.0)
        _number(self, "duration", 0.0, open_low=True)
        _number(self, "intermission", 0.0)
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

    Mended: a change is measured against the size of the reference, so that a loss may be negative or zero, and an epoch
    whose loss is no finite number is left out of account.

    Args:
        min_init_epochs: Epochs to train before sharpening is considered, at least 1. Default: 10.
        rate: Sharpness gained in an epoch, in (0, 1]. Default: 0.25.
        cz_rate: The same in the critical zone, in (0, 1]. Default: 0.126.
        critical: Sharpness from which on the critical zone reaches, in [0, 1]. Default: 0.75.
        first_layer_relative_rate: Factor on the rate of the first layer, positive. Default: 1.
        patience: Epochs without improvement that are borne before sharpening starts, at least 0. Default: 1.
        sig_increase: Relative rise of the loss that counts, positive. Default: 0.15.
        sig_decrease: Relative fall of the loss that counts, positive. Default: 0.15.
        bottom_up: One layer after the other, or all together. Default: True.
    """

    name: ClassVar[str] = "adaptive"
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
        _integer(self, "min_init_epochs", 1)
        _number(self, "rate", 0.0, 1.0, open_low=True)
        _number(self, "cz_rate", 0.0, 1.0, open_low=True)
        _number(self, "critical", 0.0, 1.0)
        _number(self, "first_layer_relative_rate", 0.0, open_low=True)
        _integer(self, "patience", 0)
        _number(self, "sig_increase", 0.0, open_low=True)
        _number(self, "sig_decrease", 0.0, open_low=True)
        _flag(self, "bottom_up")

    def end_batch(self, state: State, loss: float) -> tuple[State, list[Decision]]:
        """Takes note of a trained batch; see :meth:`Policy.end_batch`."""
        after: Any
        after, decisions = super().end_batch(state, loss)
        if self.bottom_up and any(decision.kind == "sharp" for decision in decisions):
            after = after.but(resting=True)
        if after.sharpening and after.sharp:
            after = after.but(sharpening=False)
        return after, decisions

    def smaller_steps(self) -> dict[str, Any]:
        """Half of both rates."""
        return {"rate": self.rate / 2, "cz_rate": self.cz_rate / 2}

    def _after_batch(self, state: Any) -> Sequence[float]:
        # Without the number of batches no rate is known; that is so in the first epoch alone.
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
        state = state.but(resting=False)
        if not math.isfinite(loss):
            return state, [Decision("warning", f"The loss of the epoch is {loss}: it is left out of account.")]
        change = _change(state.reference, loss)
        values = {"loss": loss, "reference": state.reference, "change": change if math.isfinite(change) else None}
        anew = state.but(reference=loss, waiting=0)
        if state.epoch < self.min_init_epochs - 1:
            return state.but(reference=loss), []
        improved = change <= -self.sig_decrease
        waiting = 0 if improved else state.waiting + 1
        fell = f"The loss fell by {-change:.1%}, at least sig_decrease = {self.sig_decrease:.1%}"
        if state.sharpening and change >= self.sig_increase:
            return anew.but(sharpening=False), [Decision(
                "stop", f"The loss rose by {change:.1%}, at least sig_increase = {self.sig_increase:.1%}: sharpening "
                "rests until the network has settled.", values=values)]
        if not state.sharpening and waiting > self.patience and not state.sharp:
            return anew.but(sharpening=True), [Decision(
                "start", f"No fall of {self.sig_decrease:.1%} for {waiting} epochs, more than patience = "
                f"{self.patience}: the network has settled and sharpening starts.", values=values)]
        if improved:
            return anew, ([] if state.reference is None else
                          [Decision("improve", f"{fell}: a new reference.", values=values)])
        state = state.but(waiting=waiting)
        if state.sharpening or state.sharp:
            return state, []
        return state, [Decision("wait", f"No fall of {self.sig_decrease:.1%} for {waiting} of {self.patience + 1} "
                                "epochs.", values=values)]


#: Name -> policy, as traces name them.
POLICIES: dict[str, type[Policy]] = {cls.name: cls for cls in (StepwisePolicy, ScheduledPolicy, AdaptivePolicy)}


def from_config(config: dict[str, Any]) -> Policy:
    """Makes a policy from what :meth:`Policy.config` gave."""
    config = dict(config)
    name = config.pop("name", None)
    if name not in POLICIES:
        raise ValueError(f"Expected a policy among {sorted(POLICIES)}; got {name!r}.")
    return POLICIES[name]().steered(**config)


def _change(reference: float | None, loss: float) -> float:
    """Relative change of the loss: minus infinity, an improvement, where there was none before."""
    if reference is None:
        return -math.inf
    if reference == 0:
        return math.copysign(math.inf, loss) if loss else 0.0
    return (loss - reference) / abs(reference)


def _integer(policy: Policy, name: str, low: int) -> None:
    value = getattr(policy, name)
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < low:
        raise ValueError(f"Expected {name} to be an integer of at least {low}; got {value!r}.")
    object.__setattr__(policy, name, int(value))


def _number(policy: Policy, name: str, low: float, high: float = math.inf, open_low: bool = False) -> None:
    value = getattr(policy, name)
    number = isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
    if not number or value > high or value < low or (open_low and value == low):
        end = "inf)" if high == math.inf else f"{high:g}]"
        raise ValueError(f"Expected {name} to be a number in {'(' if open_low else '['}{low:g}, {end}; got {value!r}.")
    object.__setattr__(policy, name, float(value))


def _flag(policy: Policy, name: str) -> None:
    value = getattr(policy, name)
    if not isinstance(value, bool):
        raise ValueError(f"Expected {name} to be True or False; got {value!r}.")

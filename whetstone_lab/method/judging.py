"""What counts as a rise and as a fall of the loss: the one definition that policies, charts and replays share.

``change = (loss - reference) / |reference|``. A change of at least ``sig_increase`` is a rise and stops sharpening; one
of at most ``-sig_decrease`` is a fall and sets a new reference. Source: Severa et al. 2019, arXiv 1810.11521; the
size of the reference in place of the reference itself lets a loss be negative or zero.

What is judged may be another quantity than the loss, such as the accuracy, which gets better as it rises. With
``mode = "max"`` the two change places: a fall by ``sig_increase`` stops sharpening, and a rise by ``sig_decrease``
sets a new reference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

#: How a quantity gets better: by falling, by rising, or as its metric or its name says.
MODES = ("auto", "min", "max")

#: Endings of the names of metrics that get better as they rise, and of those that do as they fall.
_RISING = ("acc", "accuracy", "auc", "precision", "recall", "sensitivity", "specificity", "f1", "f1_score",
           "fbeta_score", "r2_score", "iou", "io_u", "correlation", "similarity")
_FALLING = ("loss", "error", "crossentropy", "hinge", "divergence", "poisson", "perplexity", "mse", "mae", "mape",
            "msle")


def direction(name: str) -> str | None:
    """How a quantity gets better, by its name alone: ``"max"``, ``"min"``, or None where the name does not tell.

    Args:
        name: As in Keras's logs; a number at its end, as a second metric of the same kind has, does not matter.
    """
    names = (name.lower(), name.lower().rstrip("0123456789").rstrip("_"))
    return next((mode for mode, endings in (("max", _RISING), ("min", _FALLING))
                 if any(one.endswith(endings) for one in names)), None)


@dataclass(frozen=True)
class Quantity:
    """What is monitored.

    Attributes:
        name: Its name in Keras's logs.
        mode: ``"min"`` if it gets better as it falls, ``"max"`` if as it rises.
    """

    name: str = "loss"
    mode: str = "min"

    @property
    def words(self) -> str:
        """Its name in words, such as ``"validation accuracy"``."""
        return ("validation " * self.name.startswith("val_") + self.name.removeprefix("val_")).replace("_", " ")

    @property
    def setback(self) -> str:
        """A change for the worse: ``"rise"`` or ``"fall"``."""
        return "fall" if self.mode == "max" else "rise"

    @property
    def progress(self) -> str:
        """A change for the better: ``"fall"`` or ``"rise"``."""
        return "rise" if self.mode == "max" else "fall"

    @property
    def worsened(self) -> str:
        """What it did as it got worse: ``"rose"`` or ``"fell"``."""
        return "fell" if self.mode == "max" else "rose"

    @property
    def improved(self) -> str:
        """What it did as it got better: ``"fell"`` or ``"rose"``."""
        return "rose" if self.mode == "max" else "fell"


#: What is judged unless something else is asked for.
LOSS = Quantity()


def change(reference: float | None, value: float, mode: str = "min") -> float:
    """Relative change of what is judged.

    Args:
        reference: The value that is compared with, or None.
        value: The value.
        mode: ``"min"`` or ``"max"``, which matters only without a reference. Default: ``"min"``.

    Returns:
        ``(value - reference) / |reference|``; plus or minus infinity, or 0, where the reference is 0. Where there is no
        reference it is infinite, and for the better: minus infinity for a loss.
    """
    if reference is None:
        return math.inf if mode == "max" else -math.inf
    if reference == 0:
        return math.copysign(math.inf, value) if value else 0.0
    return (value - reference) / abs(reference)


def worsening(reference: float | None, value: float, mode: str = "min") -> float:
    """The relative change, positive where it is for the worse; the arguments are those of :func:`change`."""
    relative = change(reference, value, mode)
    return -relative if mode == "max" else relative


def stop_level(reference: float, sig_increase: float, mode: str = "min") -> float:
    """From where on an epoch counts as worse: ``reference + sig_increase |reference|``; minus with ``max``."""
    return reference + (-1 if mode == "max" else 1) * sig_increase * abs(reference)


def improve_level(reference: float, sig_decrease: float, mode: str = "min") -> float:
    """From where on an epoch counts as better: ``reference - sig_decrease |reference|``; plus with ``max``."""
    return reference - (-1 if mode == "max" else 1) * sig_decrease * abs(reference)


@dataclass(frozen=True)
class Judgement:
    """Where the adaptive rule stands after an epoch.

    Attributes:
        reference: The loss that later losses are compared with, or what else is judged.
        waiting: Epochs since it last got better.
        sharpening: Whether batches sharpen from now on.
        verdict: ``"stop"`` or ``"start"`` (of sharpening), ``"improve"`` or ``"wait"``.
        change: The relative change of the loss, or of what else is judged.
    """

    reference: float | None
    waiting: int
    sharpening: bool
    verdict: str = "wait"
    change: float = 0.0


def judge(before: Judgement, loss: float, *, sig_increase: float, sig_decrease: float, patience: int,
          finished: bool = False, mode: str = "min") -> Judgement:
    """Judges the loss of one epoch, or what else is monitored, by the adaptive rule.

    Args:
        before: Where the rule stood before the epoch; only the first three fields count.
        loss: What is judged of the epoch, a finite number.
        sig_increase: Relative change for the worse that stops sharpening, positive: of a loss, a rise.
        sig_decrease: Relative change for the better that counts, positive: of a loss, a fall.
        patience: Epochs without one to wait before sharpening starts, at least 0.
        finished: Whether every layer is sharp, so that nothing is left to start. Default: False.
        mode: ``"min"`` for what gets better as it falls, ``"max"`` for what does as it rises. Default: ``"min"``.

    Returns:
        Where the rule stands after it.
    """
    relative = change(before.reference, loss, mode)
    worse = worsening(before.reference, loss, mode)
    improved = worse <= -sig_decrease
    waiting = 0 if improved else before.waiting + 1
    if before.sharpening and worse >= sig_increase:
        return Judgement(loss, 0, False, "stop", relative)
    if not before.sharpening and waiting > patience and not finished:
        return Judgement(loss, 0, True, "start", relative)
    if improved:
        return Judgement(loss, 0, before.sharpening, "improve", relative)
    return Judgement(before.reference, waiting, before.sharpening, "wait", relative)


@dataclass(frozen=True)
class JudgedEpoch:
    """What is known of an epoch of an adaptive run.

    Attributes:
        loss: The loss that was judged at its end, or what else was.
        sig_increase, sig_decrease, patience: The parameters that were in force then.
        sharpening: Whether the epoch was one of sharpening.
        sharp: Whether every layer was sharp before it.
    """

    loss: float
    sig_increase: float
    sig_decrease: float
    patience: int
    sharpening: bool = False
    sharp: bool = False


@dataclass(frozen=True)
class Difference:
    """The first decision that would have been different.

    Attributes:
        epoch: The epoch after which it was taken, counted from 1.
        kind: What sharpening would have done: ``"goes on"``, ``"stops"``, ``"starts"`` or ``"waits"``.
        change: The relative change of what was judged.
    """

    epoch: int
    kind: str
    change: float


def what_if(epochs: Sequence[JudgedEpoch], changes: Mapping[str, float], min_init_epochs: int,
            mode: str = "min") -> Difference | None:
    """Replays the adaptive rule on recorded losses with other parameters.

    Up to the first decision that differs the training would have been the same, so the replay is exact; past it
    nothing is known without training again.

    Args:
        epochs: The recorded epochs, in order.
        changes: Other values of ``sig_increase``, ``sig_decrease`` or ``patience``.
        min_init_epochs: As the run had it; in the epochs before only the reference moves.
        mode: ``"min"`` for what gets better as it falls, ``"max"`` for what does as it rises. Default: ``"min"``.

    Returns:
        The first decision that would have been different, or None if all would have been the same.

    Raises:
        ValueError: ``changes`` names another parameter.
    """
    unknown = sorted(set(changes) - {"sig_increase", "sig_decrease", "patience"})
    if unknown:
        raise ValueError(f"Expected changes of sig_increase, sig_decrease or patience; got {unknown}.")
    stand = Judgement(None, 0, False)
    for number, epoch in enumerate(epochs):
        after = epochs[number + 1] if number + 1 < len(epochs) else None
        if not math.isfinite(epoch.loss):
            continue
        if number < min_init_epochs - 1:
            stand = replace(stand, reference=epoch.loss)
            continue
        finished = after is not None and after.sharp
        in_force = {name: changes.get(name, getattr(epoch, name))
                    for name in ("sig_increase", "sig_decrease", "patience")}
        was, stand = stand.sharpening, judge(stand, epoch.loss, finished=finished, mode=mode, **in_force)
        if finished or after is None:
            return None
        if stand.sharpening != after.sharpening:
            kind = ("goes on" if was else "starts") if stand.sharpening else ("stops" if was else "waits")
            return Difference(number + 1, kind, stand.change)
    return None

"""What counts as a rise and as a fall of the loss: the one definition that policies, charts and replays share.

``change = (loss - reference) / |reference|``. A change of at least ``sig_increase`` is a rise and stops sharpening; one
of at most ``-sig_decrease`` is a fall and sets a new reference. Source: Severa et al. 2019, arXiv 1810.11521; the
size of the reference in place of the reference itself lets a loss be negative or zero.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace


def change(reference: float | None, loss: float) -> float:
    """Relative change of the loss: minus infinity, a fall, where there was no reference before.

    Args:
        reference: The loss that is compared with, or None.
        loss: The loss.

    Returns:
        ``(loss - reference) / |reference|``; plus or minus infinity, or 0, where the reference is 0.
    """
    if reference is None:
        return -math.inf
    if reference == 0:
        return math.copysign(math.inf, loss) if loss else 0.0
    return (loss - reference) / abs(reference)


def stop_level(reference: float, sig_increase: float) -> float:
    """The loss at or above which an epoch counts as a rise: ``reference + sig_increase |reference|``."""
    return reference + sig_increase * abs(reference)


def improve_level(reference: float, sig_decrease: float) -> float:
    """The loss at or below which an epoch counts as a fall: ``reference - sig_decrease |reference|``."""
    return reference - sig_decrease * abs(reference)


@dataclass(frozen=True)
class Judgement:
    """Where the adaptive rule stands after an epoch.

    Attributes:
        reference: The loss that later losses are compared with.
        waiting: Epochs since the last fall.
        sharpening: Whether batches sharpen from now on.
        verdict: ``"stop"`` or ``"start"`` (of sharpening), ``"improve"`` (a fall) or ``"wait"``.
        change: The relative change of the loss.
    """

    reference: float | None
    waiting: int
    sharpening: bool
    verdict: str = "wait"
    change: float = 0.0


def judge(before: Judgement, loss: float, *, sig_increase: float, sig_decrease: float, patience: int,
          finished: bool = False) -> Judgement:
    """Judges the loss of one epoch by the adaptive rule.

    Args:
        before: Where the rule stood before the epoch; only the first three fields count.
        loss: The loss of the epoch, a finite number.
        sig_increase: Relative rise that stops sharpening, positive.
        sig_decrease: Relative fall that counts, positive.
        patience: Epochs without a fall to wait before sharpening starts, at least 0.
        finished: Whether every layer is sharp, so that nothing is left to start. Default: False.

    Returns:
        Where the rule stands after it.
    """
    relative = change(before.reference, loss)
    fell = relative <= -sig_decrease
    waiting = 0 if fell else before.waiting + 1
    if before.sharpening and relative >= sig_increase:
        return Judgement(loss, 0, False, "stop", relative)
    if not before.sharpening and waiting > patience and not finished:
        return Judgement(loss, 0, True, "start", relative)
    if fell:
        return Judgement(loss, 0, before.sharpening, "improve", relative)
    return Judgement(before.reference, waiting, before.sharpening, "wait", relative)


@dataclass(frozen=True)
class JudgedEpoch:
    """What is known of an epoch of an adaptive run.

    Attributes:
        loss: The loss that was judged at its end.
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
        change: The relative change of the loss.
    """

    epoch: int
    kind: str
    change: float


def what_if(epochs: Sequence[JudgedEpoch], changes: Mapping[str, float], min_init_epochs: int) -> Difference | None:
    """Replays the adaptive rule on recorded losses with other parameters.

    Up to the first decision that differs the training would have been the same, so the replay is exact; past it
    nothing is known without training again.

    Args:
        epochs: The recorded epochs, in order.
        changes: Other values of ``sig_increase``, ``sig_decrease`` or ``patience``.
        min_init_epochs: As the run had it; in the epochs before only the reference moves.

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
        was, stand = stand.sharpening, judge(stand, epoch.loss, finished=finished, **in_force)
        if finished or after is None:
            return None
        if stand.sharpening != after.sharpening:
            kind = ("goes on" if was else "starts") if stand.sharpening else ("stops" if was else "waits")
            return Difference(number + 1, kind, stand.change)
    return None

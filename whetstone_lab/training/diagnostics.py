"""What a sharpener says and warns of: layers dead or not measured, sharpness that stalls, a fit too short."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from whetstone_lab.method.policies import AdaptivePolicy, Decision, Policy, State
from whetstone_lab.records.trace import Trace

#: How far :func:`too_short` looks ahead: epochs beyond those of the fit, and batches in all, which take about a second.
#: Of longer trainings it says nothing.
FORESIGHT, FORESEEN = 100, 50_000

#: Once sharpening has begun, it counts as stalled after this many epochs without a change of sharpness.
STALLED = 10


def after_epoch(trace: Trace, policy: Policy, state: State, probe: Any) -> list[Decision]:
    """All that is to be warned of at the end of an epoch: of layers where there is a probe, and of the sharpness."""
    of_layers = [] if probe is None else [*unmeasured(trace), *died(trace)]
    return [*of_layers, *stalled(trace, policy, state)]


def unmeasured(trace: Trace) -> list[Decision]:
    """A warning for each layer of which the probe tells nothing since this epoch, so that its columns are NaN."""
    blank = np.isnan(trace.layer_metric("never_firing"))
    return [Decision(
        "warning", f"Layer {i + 1} of {len(trace.layers)} ({trace.layers[i]!r}) cannot be measured: the probe does not "
        "reach it, or it is called within a function that Keras's backend traces, such as jax.checkpoint or "
        "tf.vectorized_map, where it has no values to show. Its firing rates and its health are NaN; training goes "
        "on.", i)
        for i in np.flatnonzero(blank[-1]).tolist() if not blank[-2:-1, i].any()]


def died(trace: Trace) -> list[Decision]:
    """A warning for each layer that has died since the epoch before: each of its neurons always fires or never does."""
    never, always = trace.layer_metric("never_firing"), trace.layer_metric("always_firing")
    dead = never + always >= 1
    return [Decision(
        "warning", f"Layer {i + 1} of {len(trace.layers)} is dead: on the whole probe {never[-1, i]:.0%} of its "
        "neurons never fire and the others always. What lies above it learns nothing from the input: sharpen more "
        "slowly, take a smaller learning rate, or normalise its input.", i)
        for i in np.flatnonzero(dead[-1]).tolist() if not dead[-2:-1, i].any()]


def stalled(trace: Trace, policy: Policy, state: State) -> list[Decision]:
    """A warning if sharpening has begun and not ended, and no sharpness has changed for :data:`STALLED` epochs."""
    if state.sharp or not isinstance(policy, AdaptivePolicy):
        return []  # what a schedule does is known beforehand
    rows = trace.sharpness[np.maximum(trace.epoch_ends - 1, 0)]
    different = np.flatnonzero((rows != state.sharpness).any(axis=1))
    if not len(different) or len(rows) - 1 - different[-1] != STALLED + 1:
        return []
    i = next(i for i, value in enumerate(state.sharpness) if value < 1)
    return [Decision(
        "warning", f"Sharpness stalls: nothing has changed for {STALLED} epochs, and layer {i + 1} of "
        f"{len(trace.layers)} stands at {state.sharpness[i]:.2f}. Sharpening waits until the loss falls by less than "
        f"sig_decrease = {policy.sig_decrease:.1%} for {policy.patience + 1} epochs: a larger sig_decrease or a "
        "smaller patience lets it go on sooner.", i)]


def too_short(policy: Policy, state: State, epochs: int | None) -> str | None:
    """A warning if a fit is too short to sharpen every layer, whatever the loss does.

    Args:
        policy: The policy.
        state: Where it stands as the fit begins.
        epochs: Epochs of the fit, if known.

    Returns:
        The text of the warning, or None if the fit is long enough, or too long to tell quickly.
    """
    if not epochs or not state.batches:
        return None
    limit = min(epochs + FORESIGHT, FORESEEN // state.batches)
    fewest = policy.fewest_epochs(state.sharpness, state.batches, limit)
    if not (limit >= epochs if fewest is None else fewest > epochs):
        return None
    least = f"more than {limit}" if fewest is None else f"at least {fewest}"
    return (f"This fit is too short to sharpen every layer: it has {epochs} epoch{'s' * (epochs != 1)}, and the "
            f"{policy.name} policy takes {least} from here. Train for more, in this fit or in later ones, or let the "
            "policy start sooner or sharpen faster.")


def foretell(policy: Policy, state: State, epochs: int) -> None:
    """Warns, as a fit starts, of what :func:`too_short` says; the arguments are the same."""
    words = too_short(policy, state, epochs)
    if words:
        warnings.warn(words, stacklevel=4)


def say(epoch: int, decisions: Sequence[Decision], verbose: int) -> None:
    """Warns of what is to be warned of, and prints every decision with ``verbose``.

    Args:
        epoch: The epoch, counted from 0.
        decisions: What was decided in it.
        verbose: 0 prints nothing.
    """
    for decision in decisions:
        if decision.kind == "warning":
            warnings.warn(decision.reason, stacklevel=5)
        if verbose:
            print(f"Epoch {epoch + 1}: {decision.reason}")

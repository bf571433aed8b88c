"""What a sharpener sees of a training, and says and warns of: dead layers, sharpness that stalls, a fit too short."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from whetstone_lab.method.layer_health import HISTOGRAM_BINS, METRICS, as_columns, layer_health
from whetstone_lab.method.policies import AdaptivePolicy, Decision, Policy, State
from whetstone_lab.records.trace import Trace
from whetstone_lab.training.layers import SpikingLayer, recorded_inputs

#: How far :func:`too_short` looks ahead: epochs beyond those of the fit, and batches in all, which take about a second.
#: Of longer trainings it says nothing.
FORESIGHT, FORESEEN = 100, 50_000

#: Once sharpening has begun, it counts as stalled after this many epochs without a change of sharpness.
STALLED = 10


def look(model: Any, layers: Sequence[SpikingLayer], probe: Any, sharpness: Sequence[float],
         bins: np.ndarray | None = None) -> dict[str, Any]:
    """What the layers do on some inputs, as :meth:`whetstone_lab.Trace.append_epoch` takes it.

    Args:
        model: The model, which is called on the probe eagerly.
        layers: Its spiking layers.
        probe: Inputs of the model; None looks at nothing.
        sharpness: The sharpness of each layer.
        bins: Edges of the histograms' bins: those of the trace so far, for a run that an earlier release began goes on
            with the bins that it had. Default, also where there are none yet: :data:`HISTOGRAM_BINS`.

    Returns:
        Firing rates, histograms, their bins and the layer metrics; empty without a probe.
    """
    if probe is None:
        return {}
    with recorded_inputs(layers) as seen:
        model(probe, training=False)
    bins = HISTOGRAM_BINS if bins is None or not len(bins) else bins
    health = [layer_health(by_neuron(inputs, layer), layer.curve, value, layer.surrogate_width, bins)
              if inputs else None for layer, inputs, value in zip(layers, seen, sharpness, strict=True)]
    columns = as_columns(health)
    return {"firing_rates": columns["firing_rates"], "histograms": columns["histograms"], "bins": bins,
            "layer_metrics": {name: columns[name] for name in METRICS}}


def by_neuron(inputs: Sequence[Any], layer: SpikingLayer) -> np.ndarray:
    """What a layer was fed in several calls as rows of neurons; the neurons of a convolution are its feature maps."""
    rows = []
    for item in inputs:
        x = ops.convert_to_numpy(ops.cast(item, "float32"))
        if keras.config.image_data_format() == "channels_first" and x.ndim > 2:
            x = np.moveaxis(x, 1, -1)
        rows.append(x.reshape(-1, x.shape[-1]))
    return np.concatenate(rows)


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

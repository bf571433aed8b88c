"""A run epoch by epoch: the loss, the lines that it was judged by, and whether it was sharpening."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from whetstone_lab.method.judging import Quantity, improve_level, stop_level
from whetstone_lab.records.trace import Trace
from whetstone_lab.view.scenes.run import sharpness_at


def monitored(trace: Trace) -> Quantity:
    """What a run was judged by; of a trace that does not say how it gets better, it does as it falls."""
    mode = trace.meta.get("mode")
    return Quantity(str(trace.meta.get("monitor", "loss")), "max" if mode == "max" else "min")


#: How well a network of the laboratory does, and where Keras's logs have it: as it is, if all its neurons spiked, and
#: with ReLUs in their place.
ACCURACIES = {"soft": "val_accuracy", "spiking": "spiking_accuracy", "relu": "relu_accuracy"}


def accuracies(trace: Trace, start: int = 0, stop: int | None = None) -> dict[str, np.ndarray]:
    """How well a network did after each epoch, in [0, 1], NaN where it is not known: of each of :data:`ACCURACIES` a
    column of shape ``(stop - start,)``.

    Args:
        trace: The run.
        start: The first epoch, from 0. Default: 0.
        stop: The epoch before which it ends. Default: all that have ended.
    """
    logs = trace.epoch_logs[start:trace.epochs if stop is None else stop]
    return {name: np.array([log.get(known, _named_otherwise(log) if name == "soft" else np.nan) for log in logs], float)
            for name, known in ACCURACIES.items()}


def _named_otherwise(log: Mapping[str, Any]) -> Any:
    """The only validated accuracy of an epoch, which Keras calls by its metric or its output; NaN if not just one."""
    found = [value for name, value in log.items() if name.startswith("val_") and name.endswith("_accuracy")]
    return found[0] if len(found) == 1 else np.nan


def epoch_table(trace: Trace, start: int = 0, stop: int | None = None) -> dict[str, np.ndarray]:
    """What an adaptive run looks like epoch by epoch, each column of shape ``(stop - start,)``.

    ``loss``: the loss judged, or what else was monitored. ``reference``: what it was compared with (NaN where nothing).
    ``stop``, ``improve``: the lines that count as a rise and as a fall, ``reference + sig_increase |reference|`` and
    ``reference - sig_decrease |reference|``; of what should rise, as an accuracy, the other way round.
    ``sig_increase``, ``sig_decrease``, ``patience``: as in force when the epoch was judged (NaN for other policies).
    ``sharpening``: whether the epoch was one of sharpening. ``sharp``: whether every layer was sharp before it.

    Args:
        trace: The run.
        start: The first epoch of the table, from 0. Default: 0.
        stop: The epoch before which it ends. Default: all that have ended.
    """
    stop = trace.epochs if stop is None else stop
    epochs = stop - start
    parameters = ("sig_increase", "sig_decrease", "patience")
    table = {name: np.full(epochs, np.nan) for name in ("loss", "reference", "stop", "improve", *parameters)}
    table["sharpening"] = np.zeros(epochs, bool)
    changes = [event for event in list(trace.events) if event.kind == "threshold"]
    policy, states, ends = dict(trace.policy), trace.states, trace.epoch_ends
    around = sharpness_at(trace, ends[max(start - 1, 0):stop] - 1)
    if not start:
        around = np.vstack([np.zeros((1, len(trace.layers))), around])
    before, after = around[:-1], around[1:]
    table["sharp"] = (before == 1).all(axis=1)
    judged = monitored(trace)
    first = int(trace.epoch_of_batch[0]) if trace.batches else 0
    for row, epoch in enumerate(range(start, stop)):
        # By epochs: a change between two comes after as many batches as the first has, but too late for its judgement.
        while changes and changes[0].epoch <= first + epoch:
            event = changes.pop(0)
            policy[event.values["name"]] = event.values["new"]
        state = states[epoch - 1] if epoch else {}
        reference = state.get("reference")
        table["loss"][row] = trace.epoch_logs[epoch].get(judged.name, np.nan)
        for name in parameters:
            table[name][row] = policy.get(name, np.nan)
        if reference is not None:
            table["reference"][row] = reference
            table["stop"][row] = stop_level(reference, table["sig_increase"][row], judged.mode)
            table["improve"][row] = improve_level(reference, table["sig_decrease"][row], judged.mode)
        # An adaptive policy that has nothing left to sharpen may still call itself sharpening.
        table["sharpening"][row] = bool(state.get("sharpening")) and not table["sharp"][row]
    table["sharpening"] |= (after > before).any(axis=1)
    return table

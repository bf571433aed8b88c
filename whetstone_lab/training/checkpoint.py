"""What a sharpener must remember to go on from a file: packed into arrays, and taken out of them again.

The arrays ride with the weights of the bottom spiking layer, in every ``.keras`` and ``.weights.h5`` file that Keras
writes while a sharpener is at work, so that weights and sharpener always agree. The names are part of the format.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from keras import ops

from whetstone_lab.method.policies import State
from whetstone_lab.records.trace import Trace
from whetstone_lab.training.layers import SpikingLayer
from whetstone_lab.training.rollback import RollBack
from whetstone_lab.training.session import SharpeningSession


@dataclass
class Checkpoint:
    """Where a sharpener stands.

    Attributes:
        policy: The policy's name and parameters.
        state: The policy's state, as ``State.asdict`` gives it.
        epoch_start: Its state when the present epoch began, or None.
        epoch: The present epoch as Keras counts, from 0.
        polished: Whole epochs trained since every layer is sharp.
        logs: The logs of the last batch.
        trace: What has happened.
        good: What was monitored in the last epoch that was not rolled back, or None.
        steady: The sharpness at the end of that epoch.
        seeds: The states of the model's random generators, which Keras itself does not save.
    """

    policy: dict[str, Any]
    state: dict[str, Any]
    epoch_start: dict[str, Any] | None
    epoch: int
    polished: int
    logs: dict[str, float]
    trace: Trace
    good: float | None = None
    steady: Sequence[float] = ()
    seeds: list[np.ndarray] = field(default_factory=list)


@dataclass
class Progress:
    """What a sharpener must remember besides its session and what it may roll back to.

    Attributes:
        epoch: The present epoch as Keras counts, from 0.
        polished: Whole epochs trained since every layer is sharp.
        logs: The logs of the last batch.
        seeds: The variables of the model's random generators, which Keras itself does not save.
    """

    epoch: int = 0
    polished: int = 0
    logs: Mapping[str, Any] = field(default_factory=dict)
    seeds: list[Any] = field(default_factory=list)

    @classmethod
    def of(cls, model: Any) -> Progress:
        """That of a model that has not been trained yet."""
        weights = [*map(id, model.weights)]
        return cls(seeds=[variable for variable in model.variables if id(variable) not in weights])

    def polish(self, start: State, end: State, epochs: int | None) -> bool:
        """Counts an epoch that began and ended sharp; returns whether there have been as many as asked for, if any."""
        if epochs is None or not end.sharp:
            return False
        self.polished += start.sharp
        return self.polished >= epochs

    def judged(self, monitor: str, epoch: int) -> float:
        """What is monitored, as the logs of a checkpoint have it; where they do not, it warns and gives no number."""
        if monitor not in self.logs:
            warnings.warn(f"The checkpoint was saved before the sharpener was told of {monitor!r}, so that epoch "
                          f"{epoch + 1} goes unjudged: list the sharpener before the callback that saves.",
                          stacklevel=4)
        return float(self.logs.get(monitor, math.nan))

    def average(self, values: Mapping[str, float], count: int) -> None:
        """Takes the values of the ``count``-th step of an epoch into their means, which the logs are."""
        means = {name: self.logs.get(name, value) for name, value in values.items()}
        self.logs = {name: mean + (values[name] - mean) / count for name, mean in means.items()}


def loaded(layers: Sequence[SpikingLayer]) -> Mapping[str, np.ndarray]:
    """The checkpoint that came from a file with the weights of layers, which then forget it; empty if none did."""
    arrays = next((layer.loaded_checkpoint for layer in layers if layer.loaded_checkpoint), {})
    for layer in layers:
        layer.loaded_checkpoint = {}
    return arrays


def put(layers: Sequence[SpikingLayer], arrays: Mapping[str, np.ndarray]) -> None:
    """Has a sharpener go on from a checkpoint, as if it had come from a file with the weights of its layers."""
    layers[0].loaded_checkpoint = dict(arrays)


def release(layers: Sequence[SpikingLayer], make: Callable[[], Mapping[str, np.ndarray]]) -> None:
    """Has a file of layers hold a run no longer, if it is ``make`` that makes the checkpoint."""
    for layer in layers[:1]:
        if layer.make_checkpoint == make:
            layer.make_checkpoint = None


def take(session: SharpeningSession, undo: RollBack, progress: Progress) -> dict[str, np.ndarray]:
    """A checkpoint of where things stand, as arrays; empty before there is anything to remember."""
    state, start = session.state, session.epoch_start
    if state is None:
        return {}
    logs = {name: float(value) for name, value in progress.logs.items() if np.ndim(value) == 0}
    return pack(Checkpoint(
        session.policy.config(), state.asdict(), start.asdict() if start else None, progress.epoch, progress.polished,
        logs, session.trace, undo.good, undo.steady, [ops.convert_to_numpy(seed) for seed in progress.seeds]))


def recall(arrays: Mapping[str, np.ndarray], session: SharpeningSession, undo: RollBack, progress: Progress) -> bool:
    """Goes on from a checkpoint; returns whether it was one of a run like this, and was taken up."""
    found = unpack(arrays)
    if not resume(found, session, undo):
        return False
    progress.epoch, progress.polished, progress.logs = found.epoch, found.polished, found.logs
    for seed, value in zip(progress.seeds, found.seeds, strict=False):
        seed.assign(value)
    return True


def pack(checkpoint: Checkpoint) -> dict[str, np.ndarray]:
    """The checkpoint as arrays by name: its facts as JSON text in bytes, and the trace's columns."""
    header, columns = checkpoint.trace.to_parts()
    facts = {name: value for name, value in vars(checkpoint).items() if name not in ("trace", "seeds")}
    text = json.dumps({**facts, "trace": header}, default=lambda value: value.tolist())
    seeds = {f"seed_{number}": seed for number, seed in enumerate(checkpoint.seeds)}
    return {"facts": np.frombuffer(text.encode(), np.uint8), **seeds, **columns}


def after_epochs(trace: Trace, epochs: int) -> dict[str, np.ndarray]:
    """The checkpoint of a run as it stood after some of its epochs, which its trace tells; its weights are not in it.

    What was changed by hand after the last of these epochs is not in it either, and a roll-back knows no good epoch.

    Args:
        trace: The trace of the run.
        epochs: How many of its epochs, at least 1 and at most all.

    Raises:
        ValueError: There are not as many epochs.
    """
    if not 1 <= epochs <= trace.epochs:
        raise ValueError(f"Expected epochs from 1 to {trace.epochs}, as there are in the trace; got {epochs}.")
    past = Trace.from_parts(*trace.to_parts(epochs))
    return pack(Checkpoint(past.thresholds_at(past.batches), past.states[-1], None, epochs - 1, 0, past.epoch_logs[-1],
                           past))


def unpack(arrays: Mapping[str, np.ndarray]) -> Checkpoint:
    """The checkpoint that :func:`pack` made arrays of.

    Raises:
        ArchiveError: The trace in it is damaged.
    """
    arrays = dict(arrays)
    facts = json.loads(arrays.pop("facts").tobytes().decode())
    seeds: list[np.ndarray] = []
    while f"seed_{len(seeds)}" in arrays:
        seeds.append(arrays.pop(f"seed_{len(seeds)}"))
    trace = Trace.from_parts(facts["trace"], arrays, source="the sharpener's checkpoint in the file of the weights")
    # The first files did not know of roll-backs.
    return Checkpoint(facts["policy"], facts["state"], facts["epoch_start"], facts["epoch"], facts["polished"],
                      facts["logs"], trace, facts.get("good"), tuple(facts.get("steady", ())), seeds)


def resume(found: Checkpoint, session: SharpeningSession, undo: RollBack) -> bool:
    """Lets a session, and what it may roll back to, go on where a checkpoint stood.

    If the script asks for the policy that the run began with, that policy stays as it was steered meanwhile. If the
    script asks for other parameters, those are in force, and the trace notes each change.

    Returns:
        Whether the checkpoint is of a run like this one: the same kind of policy, and layers of the same curves.
    """
    values, policy = dict(found.policy), session.policy
    if values.pop("name") != policy.name or found.trace.curves != session.trace.curves:
        return False
    found.trace.status, found.trace.message = session.trace.status, session.trace.message
    if session.trace.batches:
        session.follow(found.trace)
    else:
        session.trace.adopt(found.trace)  # whoever watches it already sees the run
    session.state = policy.restored(found.state)
    session.epoch_start = policy.restored(found.epoch_start) if found.epoch_start else None
    undo.good, undo.steady = found.good, tuple(found.steady)
    asked = json.loads(json.dumps(policy.config()))
    if asked == session.trace.policy:
        session.policy = policy.steered(**values)
    else:
        for name, old in values.items():
            session.note_change(name, old, asked[name], by="the script that goes on")
    return True

"""What a run of the laboratory is put together from: networks, pictures, a sharpener, and what goes along with them.

Each draw of chance has a seed of its own: nothing that another run or a cell draws at the same time changes a run.

This module loads Keras.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from whetstone_lab import datasets
from whetstone_lab.laboratory.checkpoints import Past
from whetstone_lab.laboratory.companion import Companion
from whetstone_lab.laboratory.nudges import Nudges
from whetstone_lab.laboratory.script import PROBE
from whetstone_lab.laboratory.settings import Settings, layer_count, model_arguments, sharpener_arguments
from whetstone_lab.laboratory.snapshots import Snapshots
from whetstone_lab.recipes import OPTIMIZERS, prepare
from whetstone_lab.training import checkpoint, models, sharpeners
from whetstone_lab.training._internals import sync_weights
from whetstone_lab.training.averaging import build_optimizer
from whetstone_lab.training.background import LiveRun
from whetstone_lab.training.layers import spiking_layers
from whetstone_lab.training.sharpener import Sharpener
from whetstone_lab.training.shuffling import Shuffled


@dataclass(frozen=True)
class Assembly:
    """A run, and what belongs to it.

    Attributes:
        run: The run, not yet started.
        companion: What goes along with it.
    """

    run: LiveRun
    companion: Companion

    def weights(self) -> dict[str, np.ndarray]:
        """All that training changes in the networks and their optimizers, between two batches."""
        sync_weights(self.run.model)
        # Copies: on PyTorch, the array may be the tensor's own memory.
        return {name: np.array(ops.convert_to_numpy(variable))
                for name, variable in _variables(self.run.model, self.companion.baseline).items()}


def assemble(settings: Settings, thresholds: Mapping[str, float], past: Past | None, ahead: Nudges, nudges: Nudges,
             keep: Callable[[bool], None]) -> Assembly:
    """Makes a run.

    Args:
        settings: What it is made of.
        thresholds: Parameters of the sharpener with which it begins, where they are not those of the settings.
        past: What it goes on from. Default: it begins.
        ahead: What will be changed in it, as if by hand.
        nudges: Where each change from ``ahead`` is noted when it is made.
        keep: Called when an epoch has ended, and with True when the run has.
    """
    data = datasets.load(settings.data, flatten=not settings.topology.filters)
    name, positional, named = model_arguments(settings)
    make = getattr(models, name)
    baseline = make(*positional, **named, spiking=False) if settings.baseline else None
    if baseline is not None:
        baseline.compile(OPTIMIZERS[settings.optimizer](), "sparse_categorical_crossentropy")
    model = make(*positional, **named)
    kind, parameters = sharpener_arguments(settings, layer_count(settings))
    sharpener = getattr(sharpeners, kind)(**{**parameters, **thresholds}, probe=data.x_train[:PROBE])
    prepare(model, epochs=settings.epochs, optimizer=settings.optimizer)
    begins = past.epochs if past is not None else 0
    if past is not None:
        _go_on(model, baseline, past)
    pictures = Shuffled(data.x_train, data.y_train, settings.batch_size, seed=settings.seed, epoch=begins)
    snapshots = Snapshots.of_data(data)
    for epochs, network in (past.networks if past is not None else {}).items():
        if epochs <= begins:
            snapshots.add(epochs, network)
    companion = Companion(data, snapshots, baseline, pictures, epochs=lambda: sharpener.trace.epochs)
    run: LiveRun = LiveRun(model, pictures, callbacks=[companion, sharpener, Replay(sharpener, ahead, nudges),
                                                       Keep(keep)],
                           epochs=settings.epochs, initial_epoch=begins, shuffle=False,
                           validation_data=(data.x_test, data.y_test))
    return Assembly(run, companion)


class Replay(keras.callbacks.Callback):
    """Changes the parameters of a sharpener where a hand has changed them before, as the script of a run does.

    Args:
        sharpener: The sharpener, which comes before it among the callbacks.
        ahead: The changes.
        nudges: As for :func:`assemble`.
    """

    def __init__(self, sharpener: Sharpener, ahead: Nudges, nudges: Nudges) -> None:
        super().__init__()
        self.sharpener, self._ahead, self._nudges = sharpener, list(ahead.made), nudges

    def on_train_begin(self, logs: Any = None) -> None:
        """Changes what is due before the first batch."""
        state = self.sharpener.session.state
        self._nudge(state.epoch if state is not None else 0)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Notes the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Changes what is due."""
        self._nudge(self._epoch)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Changes what is due before the next epoch."""
        self._nudge(epoch + 1)

    def _nudge(self, epoch: int) -> None:
        batches = self.sharpener.trace.batches
        while self._ahead and self._ahead[0].epoch <= epoch and self._ahead[0].batches <= batches:
            self._nudges.steer(self.sharpener.steer, self._ahead.pop(0).values)


class Keep(keras.callbacks.Callback):
    """Calls ``keep(ended)`` when an epoch has ended, and when the training has, however it did."""

    def __init__(self, keep: Callable[[bool], None]) -> None:
        super().__init__()
        self._keep = keep

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """An epoch has ended."""
        self._keep(False)

    def on_train_end(self, logs: Any = None) -> None:
        """The training has ended."""
        self._keep(True)

    def on_train_break(self, error: BaseException) -> None:
        """An error has ended it."""
        self._keep(True)


def _go_on(model: keras.Model, baseline: keras.Model | None, past: Past) -> None:
    """Puts the networks, and the sharpener that will come, where the run before stood."""
    for each in (model, baseline):
        build_optimizer(each)
    variables = _variables(model, baseline)
    wrong = sorted(name for name in {*variables, *past.weights} if name not in variables or name not in past.weights
                   or tuple(variables[name].shape) != past.weights[name].shape)
    if wrong:
        raise ValueError(f"Expected the weights of these networks; got others for {', '.join(wrong[:3])}. They were "
                         "kept by another release; train from the start.")
    for name, variable in variables.items():
        variable.assign(past.weights[name])
    checkpoint.put(spiking_layers(model), checkpoint.after_epochs(past.trace, past.epochs))


def _variables(model: keras.Model, baseline: keras.Model | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for whose, network in (("spiking", model), ("relu", baseline)):
        if network is not None:
            every = [*network.variables, *network.optimizer.variables]
            found |= {f"{whose}_{number:03}": variable for number, variable in enumerate(every)}
    return found

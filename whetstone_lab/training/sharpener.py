"""Keras callbacks that sharpen a network while it trains: a policy decides, the layers obey, a ``Trace`` remembers.

What a sharpener must remember, its trace included, rides with the weights of the bottom spiking layer: in every
``.keras`` and ``.weights.h5`` file that Keras writes while it is at work, so that the two always agree.

Example:
    >>> sharpener = AdaptiveSharpener()
    >>> model.fit(x, y, epochs=60, callbacks=[sharpener])
    >>> sharpener.trace.save("run.npz")
"""

from __future__ import annotations

import json
import math
import threading
import time
import warnings
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from whetstone_lab.method import curves
from whetstone_lab.method.policies import (
    POLICIES,
    AdaptivePolicy,
    Decision,
    Policy,
    ScheduledPolicy,
    State,
    StepwisePolicy,
)
from whetstone_lab.records.trace import LAYER_METRICS, Trace
from whetstone_lab.training.averaging import find_whetstone
from whetstone_lab.training.compiled import ROWS, CompiledSharpening, compiled_sharpening
from whetstone_lab.training.layers import SpikingLayer, recorded_inputs, spiking_layers, sync_weights

#: Edges of the bins in which a probe's pre-activations are counted; they span both thresholds with room to spare.
HISTOGRAM_BINS = np.linspace(-2.0, 3.0, 51)

#: Activations closer than this to 0 or 1 count as saturated.
_SATURATED = 0.01

#: Epochs beyond those of a fit in which it is looked for how many the policy would need; and the batches that this may
#: take, about a second: of longer trainings nothing is foretold.
_FORESIGHT, _FORESEEN = 100, 50_000

#: Seconds after which batches are in the trace at the latest, where the compiled step of TensorFlow sharpens.
_DELAY = 0.1

#: Epochs without a change of sharpness, once sharpening has begun, after which it is said to stall.
_STALLED = 10


class Sharpener(keras.callbacks.Callback):
    """Lets a policy sharpen the spiking layers of the model that is trained, and writes a trace.

    A second ``fit`` with the same sharpener carries on: layers keep their sharpness, epochs count on, and the trace
    grows. With another model it starts anew. With ``steps_per_execution`` the layers hear of a new sharpness between
    two executions. For loops without ``fit`` there is :meth:`step`.

    A run that was killed goes on when the same script runs again with Keras's ``BackupAndRestore``, or loads what
    ``ModelCheckpoint`` saved and fits with ``initial_epoch=sharpener.state.epoch`` after :meth:`attach`: policy, state
    and trace are those of the checkpoint, and so are the seeds of dropout, which Keras itself does not save (not on
    PyTorch, where dropout draws from a generator of the whole process). From the end of an epoch on, the run is the one
    never killed, weight for weight, if the order of the samples is (``shuffle=False``, or data that know the epoch:
    Keras does not restore its own shuffling). From the midst of an epoch (an integer ``save_freq``) Keras trains that
    epoch again from its first batch, with the weights of the checkpoint; the sharpener then goes back to the start of
    the epoch as well, so that the trace has every batch of it once, at the sharpness that step-wise and scheduled
    policies give it. Keras 3.15 counts from epoch 0 again if a run with an integer ``save_freq`` is killed twice within
    one epoch, and cannot read a checkpoint that was half written without ``double_checkpoint``. Listed before or after
    the callbacks that save, the sharpener goes on alike, but only listed before them does it know the validation
    metrics of the epoch that was saved.

    Args:
        policy: When to sharpen.
        monitor: The name in Keras's logs that the policy judges at the end of an epoch. Default: ``"loss"``.
        polish_epochs: Whole epochs to train on in a fit once every layer is sharp; then training stops. 0 stops at the
            end of the epoch in which the last layer became sharp, as published. Default: None, train all epochs asked
            for.
        probe: Inputs of the model (an array, or what ``model(...)`` takes) on which pre-activations, firing rates, dead
            neurons and the flow of the gradient are measured in every layer after each epoch; a layer that dies is then
            warned of. Some hundred samples are plenty. Default: None.
        verbose: 1 prints every decision with its reason, but not from the background. Default: 0.
        roll_back: What rise of ``monitor`` in an epoch, relative to the last good one, is a break if sharpness has
            grown meanwhile; positive. A value that is no finite number always is. After a break the weights, the
            optimizer's moments and the sharpness are again what they were before, and adaptive and step-wise policies
            take steps half as large. It costs a copy of the weights. Default: None, never.
        resume: Whether to go on where the sharpener stood whose model or weights were loaded from a file, if its policy
            was of the same kind. Default: True.

    Attributes:
        policy: The policy in force; :meth:`steer` exchanges it.

    Raises:
        ValueError: ``polish_epochs`` or ``roll_back`` cannot be. At the start of ``fit``, if the model has no spiking
            layer or the policy does not fit it; at the end of the first batch, if ``monitor`` is not among the logs, or
            of the first epoch if it starts with ``val_``.
        RuntimeError: At the start of ``fit``, if the sharpener is at work in the background.
    """

    def __init__(self, policy: Policy, *, monitor: str = "loss", polish_epochs: int | None = None, probe: Any = None,
                 verbose: int = 0, roll_back: float | None = None, resume: bool = True) -> None:
        super().__init__()
        if roll_back is not None and not (math.isfinite(roll_back) and roll_back > 0):
            raise ValueError(f"Expected roll_back to be a positive number or None; got {roll_back!r}.")
        if roll_back is not None and not policy.smaller_steps():
            raise ValueError(f"Expected a policy that can take smaller steps to roll back with, adaptive or stepwise; "
                             f"got a {policy.name} one.")
        if polish_epochs is not None and (not isinstance(polish_epochs, int) or polish_epochs < 0):
            raise ValueError(f"Expected polish_epochs to be an integer of at least 0 or None; got {polish_epochs!r}.")
        self.policy = policy
        self.monitor = monitor
        self.polish_epochs = polish_epochs
        self.probe = probe
        self.verbose = verbose
        self.roll_back = roll_back
        self.resume = resume
        self._trace = Trace([])
        self._state: State | None = None
        self._layers: list[SpikingLayer] = []
        self._seeds: list[Any] = []  # states of the model's random generators, which Keras does not save
        self._fitting = self._begun = False
        self._polished = 0
        self._batches_seen = 0
        self._epoch = 0  # as Keras counts
        self._epoch_start: State | None = None
        self._logs: dict[str, float] = {}  # of the last batch
        self._good: float | None = None  # what was monitored in the last epoch that was not rolled back
        self._steady: tuple[float, ...] = ()  # the sharpness at the end of it, before the policy judged it
        self._kept: list[tuple[Any, np.ndarray]] = []  # variables, with their values at the start of the epoch
        self._recalled = False  # all this came from a file, and Keras is to say in which epoch it goes on
        # Where the compiled step sharpens: the states and decisions to come, last first, and the logs of the batches
        # that were trained and are not yet in the trace.
        self._compiled: CompiledSharpening | None = None
        self._ahead: list[tuple[State, list[Decision]]] | None = None
        self._trained: list[Mapping[str, Any]] = []
        self._laid_out: Policy | None = None  # the policy that has foretold them; None if they no longer hold
        self._times_set = 0
        self._noted_at = 0.0
        self._fitter: int | None = None  # the thread that runs fit
        self._thread: threading.Thread | None = None  # the one that a live run trains in; it reports the status itself

    @property
    def state(self) -> State | None:
        """Where the policy stands; None before the first ``fit``."""
        self._catch_up()
        if not self._fitting:
            self._agree()  # as after early stopping, which may restore weights when all else has ended
        return self._state

    @state.setter
    def state(self, state: State | None) -> None:
        self._catch_up()
        self._state, self._laid_out = state, None

    @property
    def trace(self) -> Trace:
        """What has happened; replaced when a fit with another model starts.

        On TensorFlow a trace that was taken from here before a fit can lag behind it, by a tenth of a second.
        """
        self._catch_up()
        return self._trace

    def steer(self, by: str = "hand", **parameters: Any) -> None:
        """Changes parameters of the policy from the next batch on; the trace notes who did it.

        Call it between batches only, from the thread that trains; ``LiveRun.steer`` sees to that.

        Args:
            by: Who changes them, for the trace. Default: ``"hand"``.
            **parameters: New values by name, such as ``sig_increase=0.2``.

        Raises:
            ValueError: A name that the policy does not have, or a value out of its range; then nothing is changed.
        """
        policy = self.steered(**parameters)
        for name in parameters:
            old, new = getattr(self.policy, name), getattr(policy, name)
            if new != old:
                self._note_threshold(name, old, new, by)
        self.policy = policy
        self.trace.publish(urgent=True)

    def steered(self, **parameters: Any) -> Policy:
        """The policy that :meth:`steer` would put in force; raises a ``ValueError`` as it does."""
        policy = self.policy.steered(**parameters)
        if self._state is not None:
            policy.start(self._state.sharpness)  # complains if it does not fit the layers
        return policy

    def attach(self, model: keras.Model, batches: int | None = None) -> None:
        """Finds the spiking layers of a model, and starts or carries on; ``fit`` does this by itself.

        Args:
            model: The model that will be trained.
            batches: Batches in an epoch, if known; for :meth:`step`, how many steps count as one.

        Raises:
            ValueError: The model has no spiking layer, or the policy does not fit it.
            RuntimeError: The sharpener is at work in the background.
        """
        if self._thread not in (None, threading.current_thread()):
            raise RuntimeError("The sharpener is at work in the background already; wait for that run, stop it, or "
                               "make another sharpener.")
        self._catch_up()
        self._ahead = None
        layers = spiking_layers(model)
        self.set_model(model)
        if self._state is None or [*map(id, layers)] != [*map(id, self._layers)]:
            self._layers = layers
            weights = [*map(id, model.weights)]
            self._seeds = [variable for variable in model.variables if id(variable) not in weights]
            self._state = self.policy.start(self._sharpness(), batches)
            self._recalled, self._good, self._steady = False, None, self._state.sharpness
            self._trace = Trace([layer.name for layer in layers], [layer.curve for layer in layers],
                                self.policy.config(), {"backend": keras.backend.backend(), "monitor": self.monitor})
        self._recall()
        self._state = self._state.but(batch=self._state.batch if self._recalled else 0,
                                      batches=batches or self._state.batches)
        self._agree()
        self._keep()
        if batches:
            self.trace.meta["batches_per_epoch"] = batches

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Starts, or carries on."""
        self.attach(self.model, self.params.get("steps"))
        self._fitting, self._begun = True, False
        self._fitter = threading.get_ident()
        if self._thread is None:
            self.trace.set_status("running")
        # Whoever watches a run in the background sees each batch, and may steer at any time.
        if self._thread is None and self.params.get("steps") and type(self.policy) in POLICIES.values():
            self._compiled = compiled_sharpening(self.model, self._layers, self._compiled)
        else:
            self._compiled = None
        if self._compiled:
            self._compiled.begin(self.model)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Starts to count batches."""
        if not self._begun:  # by now every callback has had its chance to load weights
            self._recall()
            self._settle(epoch)
            self._foresee(epoch)
            self._begun = True
        sync_weights(self.model)
        self._agree()
        assert self._state is not None
        self._epoch, self._batches_seen = epoch, 0
        self._epoch_start = self._state
        self._tell_optimizer()
        self._keep()
        if self._compiled:
            self._lay_out()

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Lays the sharpness of the next batches out anew, if somebody has changed what was said of them."""
        if self._ahead is not None and (self._laid_out is not self.policy
                                        or self._times_set != self._count_settings()):
            self._catch_up()
            self._agree()
            self._lay_out()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Sharpens as the policy says, and writes the batch to the trace."""
        # What is measured on validation data is there only once the epoch has ended.
        if not self.monitor.startswith("val_"):
            _value(logs, self.monitor)
        loss = _value(logs, "loss")
        if self._ahead is not None:
            self._note_compiled(logs or {})
            return
        self._logs = _numbers(logs)
        assert self._state is not None
        # With steps_per_execution Keras calls once for several batches, and counts more than there are at the end.
        last = batch if self.params.get("steps") is None else min(batch, self.params["steps"] - 1)
        while self._batches_seen <= last:
            self._batches_seen += 1
            self._end_batch(loss)
        self.trace.publish()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Lets the policy judge the epoch, and writes it to the trace."""
        self._catch_up()
        self._ahead = None
        self._end_epoch(_value(logs, self.monitor), logs or {}, cut=self.model.stop_training)
        assert self._state is not None
        assert self._epoch_start is not None
        if self.polish_epochs is not None and self._state.sharp:
            self._polished += self._epoch_start.sharp
            if self._polished >= self.polish_epochs:
                self.model.stop_training = True

    def on_test_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Has the average of the weights validated, where a ``WhetstoneOptimizer`` keeps one."""
        self._swap_average()

    def on_test_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Lets training go on with the weights."""
        self._swap_average()

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Closes the trace."""
        if self._compiled:
            self._compiled.end(self.model)
        self._fitting = False
        self._agree()
        if self._thread is None:
            self.trace.set_status("finished")

    def step(self, loss: Any, **metrics: Any) -> None:
        """Takes note of a training step in a loop without ``fit``: ``train_on_batch``, or a loop of your own.

        So many steps as :meth:`attach` was told count as an epoch: the policy judges the mean of ``monitor`` over them,
        and the trace keeps the running means, as Keras does. A model saved at any step goes on from that step.

        Where several workers train together (``tf.distribute.MultiWorkerMirroredStrategy``, under which the ``fit`` and
        ``train_on_batch`` of Keras 3.15 do not run), each must give the loss of all of them, such as
        ``strategy.reduce`` makes, so that all decide alike.

        Args:
            loss: The loss of the step, a number.
            **metrics: Other values of the step that are to be in the trace, the same in every step, such as the reward.

        Raises:
            RuntimeError: :meth:`attach` was not called, or not told the number of steps.
            ValueError: ``monitor`` is neither the loss nor among the metrics.

        Example:
            >>> sharpener.attach(model, batches=500)
            >>> for x, y in stream:
            ...     sharpener.step(model.train_on_batch(x, y, return_dict=True)["loss"])
        """
        if self._state is None or self._state.batches is None:
            lacking = "no model" if self._state is None else "no number of steps"
            raise RuntimeError("Expected attach(model, batches=...) before the first step, with the number of steps "
                               f"that count as an epoch; got {lacking}.")
        values = {name: float(ops.convert_to_numpy(value)) for name, value in {"loss": loss, **metrics}.items()}
        _value(values, self.monitor)
        if self.trace.status != "running":
            self.trace.set_status("running")
        if self._state.batch == 0:
            self._agree()
            self._epoch_start, self._logs = self._state, {}
        self._recalled = False  # the loop is the caller's: nothing is trained again
        means = {name: self._logs.get(name, value) for name, value in values.items()}
        self._logs = {name: mean + (values[name] - mean) / (self._state.batch + 1) for name, mean in means.items()}
        self._end_batch(self._logs["loss"])
        if self._state.batch == self._state.batches:
            self._end_epoch(self._logs[self.monitor], self._logs)
            self._keep()
        self.trace.publish()

    def _lay_out(self) -> None:
        """Has the compiled step sharpen as the policy will in the rest of the epoch; no loss matters until its end."""
        assert self._compiled is not None
        assert self._state is not None
        state, ahead = self._state, []
        for _ in range(min(self.params["steps"] - self._batches_seen, ROWS)):
            state, decisions = self.policy.end_batch(state, math.nan)
            ahead.append((state, decisions))
        self._compiled.lay_out(np.array([state.sharpness for state, _ in ahead]))
        self._ahead = ahead[::-1]
        self._laid_out, self._times_set = self.policy, self._count_settings()
        self._noted_at = time.perf_counter()

    def _note_compiled(self, logs: Mapping[str, Any]) -> None:
        """Takes note of a batch in which the compiled step has sharpened."""
        assert self._ahead is not None
        self._trained.append(logs)
        left = len(self._ahead) - len(self._trained)
        # What is decided is heard at once.
        if not left or self._ahead[left][1] or self._trace.watched or time.perf_counter() - self._noted_at > _DELAY:
            self._catch_up()
        if not left:
            self._laid_out = None

    def _count_settings(self) -> int:
        return sum(layer._times_set for layer in self._layers)

    def _catch_up(self) -> None:
        """Writes the batches that were trained of late to the trace."""
        if not self._trained or self._ahead is None or threading.get_ident() != self._fitter:
            return
        trained, self._trained = self._trained, []
        for logs in trained:
            self._batches_seen += 1
            state, decisions = self._ahead.pop()
            self._move(state)
            self._note_batch(_value(logs, "loss"), decisions)
        self._logs = _numbers(trained[-1])
        self._noted_at = time.perf_counter()
        self._trace.publish()

    def _end_batch(self, loss: float) -> None:
        assert self._state is not None
        state, decisions = self.policy.end_batch(self._state, loss)
        self._sharpen(state)
        self._note_batch(loss, decisions)

    def _note_batch(self, loss: float, decisions: list[Decision]) -> None:
        """Writes a batch to the trace, after which things stand as they now do."""
        assert self._state is not None
        state = self._state
        lost = not math.isfinite(loss) and (not self._trace.batches or math.isfinite(self._trace.loss[-1]))
        self._trace.append_batch(state.epoch, loss, state.sharpness)
        if lost:
            decisions = [*decisions, Decision(
                "warning", f"The loss became {loss} in batch {state.batch} of the epoch. Weights that are no numbers "
                "do not recover: go back to an earlier model, and take a smaller learning rate.")]
        self._note(state.epoch, decisions)

    def _end_epoch(self, value: float, logs: Mapping[str, Any], cut: bool = False) -> None:
        assert self._state is not None
        known, epoch = self._state.batches, self._state.epoch
        if self._broke(value):
            state, decisions = self._rolled_back(value)
        else:
            self._good, self._steady = value, self._state.sharpness
            state, decisions = self.policy.end_epoch(self._state, value)
        if cut:
            state = state.but(batches=known)  # an epoch cut short does not tell their number
        self._sharpen(state)
        self.trace.append_epoch(logs, state.asdict(), sharpness=state.sharpness, **self._look())
        self._note(epoch, [*decisions, *self._died(), *self._stalled()])
        self.trace.publish(urgent=True)

    def _keep(self) -> None:
        """Keeps what a roll-back restores."""
        if self.roll_back is None:
            return
        sync_weights(self.model)
        optimizer = getattr(self.model, "optimizer", None)
        if optimizer and not optimizer.built:
            optimizer.build(self.model.trainable_variables)
        # The schedule of the learning rate goes on.
        moments = [variable for variable in (optimizer.variables if optimizer else ())
                   if variable.name not in ("iteration", "learning_rate")]
        # A copy: on PyTorch, the array may be the tensor's own memory.
        self._kept = [(variable, np.array(ops.convert_to_numpy(variable)))
                      for variable in (*self.model.weights, *moments)]

    def _broke(self, value: float) -> bool:
        assert self._state is not None
        if self.roll_back is None or self._epoch_start is None:
            return False
        if not math.isfinite(value):
            return True
        return (self._state.sharpness != self._steady and self._good is not None
                and value > self._good + self.roll_back * abs(self._good))

    def _rolled_back(self, value: float) -> tuple[State, list[Decision]]:
        """Restores what was before the epoch, and before the step that led to it."""
        assert self._state is not None
        assert self._epoch_start is not None
        sync_weights(self.model)
        for variable, kept in self._kept:
            variable.assign(kept)
        batches, epoch = self._state.batches or self._state.batch or None, self._state.epoch
        self._state = self._state.but(sharpness=self._epoch_start.sharpness)  # as restored
        self.steer(by="the roll-back", **self.policy.smaller_steps())
        # The policy stands where it stood when the epoch began, an epoch later.
        state = self._epoch_start.but(sharpness=self._steady, epoch=epoch + 1, batches=batches)
        good = "" if self._good is None else f" after {self._good:.4g}"
        return state, [Decision("warning", f"Rolled back: {self.monitor} was {value:.4g}{good}. Weights and sharpness "
                                "are those from before the epoch, and steps are half as large.",
                                values={"rolled_back": True, "value": value, "good": self._good})]

    def _sharpness(self) -> tuple[float, ...]:
        return tuple(float(ops.convert_to_numpy(layer.sharpness)) for layer in self._layers)

    def _agree(self) -> None:
        """Where somebody else has set the sharpness of the layers, that is where we are now."""
        if self._state is None:
            return
        sharpness = self._sharpness()
        if not np.allclose(sharpness, self._state.sharpness, rtol=0, atol=1e-6):
            self._state = self._state.but(sharpness=sharpness)

    def _remember(self) -> dict[str, np.ndarray]:
        """What a file of the weights must hold for :meth:`_recall`."""
        state = self.state
        if state is None:
            return {}
        header, arrays = self.trace.to_parts()
        facts = {"policy": self.policy.config(), "state": state.asdict(),
                 "epoch_start": self._epoch_start and self._epoch_start.asdict(), "epoch": self._epoch,
                 "polished": self._polished, "good": self._good, "steady": self._steady, "logs": self._logs,
                 "trace": header}
        text = json.dumps(facts, default=lambda value: value.tolist())
        seeds = {f"seed_{i}": ops.convert_to_numpy(seed) for i, seed in enumerate(self._seeds)}
        return {"facts": np.frombuffer(text.encode(), np.uint8), **seeds, **arrays}

    def _recall(self) -> None:
        """Goes on from what came from a file with the weights, if that was a run like this one."""
        arrays: dict[str, np.ndarray] = {}
        for layer in self._layers:
            if not callable(layer._memory):
                arrays = arrays or dict(layer._memory)
                layer._memory = {}
        self._layers[0]._memory = self._remember
        if not arrays or not self.resume:
            return
        facts = json.loads(arrays.pop("facts").tobytes().decode())
        trace = Trace.from_parts(facts["trace"], arrays, source="the sharpener's memory in the file of the weights")
        name, values = facts["policy"].pop("name"), facts["policy"]
        if name != self.policy.name or trace.curves != tuple(layer.curve for layer in self._layers):
            return
        trace.status, trace.message = self.trace.status, self.trace.message
        if self.trace.batches:
            self._trace = trace
        else:
            self.trace.adopt(trace)  # those who look at it already go on doing so
        self._state = self.policy.restored(facts["state"])
        self._epoch_start = facts["epoch_start"] and self.policy.restored(facts["epoch_start"])
        self._epoch, self._polished, self._logs = facts["epoch"], facts["polished"], facts["logs"]
        # The first files with a memory lack these two, which only a roll-back asks for.
        self._good, self._steady = facts.get("good"), tuple(facts.get("steady", facts["state"]["sharpness"]))
        self._recalled = True
        for i, seed in enumerate(self._seeds):
            if f"seed_{i}" in arrays:
                seed.assign(arrays[f"seed_{i}"])
        asked = json.loads(json.dumps(self.policy.config()))
        if asked == trace.policy:
            self.policy = self.policy.steered(**values)  # it may have been steered on the way
        else:
            for name, old in values.items():
                if asked[name] != old:
                    self._note_threshold(name, old, asked[name], by="the script that goes on")

    def _settle(self, epoch: int) -> None:
        """Makes ends meet with Keras, which goes on with a whole epoch, if what was recalled is from within one."""
        recalled, self._recalled = self._recalled, False
        if not recalled or epoch == 0:
            self._polished = 0  # a fit of its own, not the one that was ended
        if not recalled or self._state is None or not self._state.batch:
            return
        if epoch <= self._epoch:
            assert self._epoch_start is not None
            self.trace.rewind()
            self._sharpen(self._epoch_start)
            return
        # It was saved when the epoch had been trained, but before the sharpener was told of its end.
        if self.monitor not in self._logs:
            warnings.warn(f"The checkpoint was saved before the sharpener was told of {self.monitor!r}, so that epoch "
                          f"{self._state.epoch + 1} goes unjudged: list the sharpener before the callback that saves.",
                          stacklevel=3)
        self._end_epoch(self._logs.get(self.monitor, math.nan), self._logs)

    def _foresee(self, epoch: int) -> None:
        """A word, as a run starts, if the fit is too short to sharpen every layer whatever the loss does."""
        assert self._state is not None
        epochs, batches = self.params.get("epochs"), self._state.batches
        # Of later fits nothing is said, nor in the trace: whoever trains in several knows what comes.
        if not epochs or not batches or self.trace.batches or self._thread is not None:
            return
        left = epochs - epoch
        limit = min(left + _FORESIGHT, _FORESEEN // batches)
        fewest = self.policy.fewest_epochs(self._state.sharpness, batches, limit)
        if limit >= left if fewest is None else fewest > left:
            least = f"more than {limit}" if fewest is None else f"at least {fewest}"
            warnings.warn(f"This fit is too short to sharpen every layer: it has {left} epoch{'s' * (left != 1)}, and "
                          f"the {self.policy.name} policy takes {least} from here. Train for more, in this fit or in "
                          "later ones, or let the policy start sooner or sharpen faster.", stacklevel=3)

    def _sharpen(self, state: State) -> None:
        assert self._state is not None
        if state.sharpness != self._state.sharpness:
            sync_weights(self.model)
        for layer, old, new in zip(self._layers, self._state.sharpness, state.sharpness, strict=True):
            if new != old:
                layer.set_sharpness(new)
        self._move(state)

    def _move(self, state: State) -> None:
        """Goes over to a state whose sharpness the layers have."""
        assert self._state is not None
        turned = state.sharp != self._state.sharp
        self._state = state
        if turned:
            self._tell_optimizer()

    def _tell_optimizer(self) -> None:
        """Says to an optimizer that wants to know it whether the network is sharp."""
        assert self._state is not None
        optimizer = find_whetstone(getattr(self.model, "optimizer", None))
        if optimizer is not None:
            sync_weights(self.model)
            optimizer.average(self._layers)

    def _swap_average(self) -> None:
        optimizer = find_whetstone(getattr(self.model, "optimizer", None))
        if self._fitting and optimizer is not None:
            sync_weights(self.model)
            optimizer.swap()

    def _note(self, epoch: int, decisions: list[Decision]) -> None:
        for decision in decisions:
            self.trace.append_event(decision.kind, decision.reason, epoch=epoch, layer=decision.layer,
                                    **decision.values)
            if self._thread is not None:
                continue  # a thread must not print into another cell
            if decision.kind == "warning":
                warnings.warn(decision.reason, stacklevel=3)
            if self.verbose:
                print(f"Epoch {epoch + 1}: {decision.reason}")

    def _note_threshold(self, name: str, old: Any, new: Any, by: str) -> None:
        if self._state is not None:
            self.trace.append_event("threshold", f"{name} changed from {old} to {new} by {by}.",
                                    epoch=self._state.epoch, name=name, old=old, new=new, by=by)

    def _look(self) -> dict[str, Any]:
        """What the layers do on the probe: firing rates, histograms of the pre-activations, and layer metrics."""
        if self.probe is None:
            return {}
        with recorded_inputs(self._layers) as seen:
            self.model(self.probe, training=False)
        rates = np.full(len(self._layers), math.nan)
        counts = np.zeros((len(self._layers), len(HISTOGRAM_BINS) - 1))
        metrics = {name: np.full(len(self._layers), math.nan) for name in LAYER_METRICS}
        for i, (layer, inputs) in enumerate(zip(self._layers, seen, strict=True)):
            if not inputs:
                continue  # a layer that this input does not reach
            # Samples, positions and calls together, neurons apart.
            x = np.concatenate([_by_neuron(ops.convert_to_numpy(ops.cast(item, "float32"))) for item in inputs])
            assert self._state is not None
            sharpness = self._state.sharpness[i]
            y = curves.CURVES[layer.curve](x, sharpness)
            rates[i] = y.mean()
            counts[i] = np.histogram(np.clip(x, HISTOGRAM_BINS[0], HISTOGRAM_BINS[-1]), HISTOGRAM_BINS)[0] / x.size
            gradient, peak = (curves.gradient(layer.curve, at, sharpness, layer.surrogate_width, np.ones_like(at))
                              for at in (x, np.float32(layer.threshold)))
            metrics["never_firing"][i] = (y.max(axis=0) < _SATURATED).mean()
            metrics["always_firing"][i] = (y.min(axis=0) > 1 - _SATURATED).mean()
            metrics["gradient_flow"][i] = ((gradient > 0) & (gradient >= 0.1 * peak)).mean()
            metrics["saturation"][i] = ((y < _SATURATED) | (y > 1 - _SATURATED)).mean()
        return {"firing_rates": rates, "histograms": counts, "bins": HISTOGRAM_BINS, "layer_metrics": metrics}

    def _died(self) -> list[Decision]:
        """A word on each layer that has died since the epoch before: no neuron of it tells one input from another."""
        dead = self.trace.layer_metric("never_firing") + self.trace.layer_metric("always_firing") >= 1
        return [Decision(
            "warning", f"Layer {i + 1} of {len(self._layers)} is dead: on the whole probe "
            f"{self.trace.layer_metric('never_firing')[-1, i]:.0%} of its neurons never fire and the others always. "
            "What lies above it learns nothing from the input: sharpen more slowly, take a smaller learning rate, or "
            "normalise its input.", i) for i in np.flatnonzero(dead[-1]).tolist() if not dead[-2:-1, i].any()]

    def _stalled(self) -> list[Decision]:
        """A word when sharpening that has begun and not ended has let nothing change for long."""
        assert self._state is not None
        if self._state.sharp or not isinstance(self.policy, AdaptivePolicy):
            return []  # what a schedule does is known beforehand
        rows = self.trace.sharpness[np.maximum(self.trace.epoch_ends - 1, 0)]
        different = np.flatnonzero((rows != self._state.sharpness).any(axis=1))
        if not len(different) or len(rows) - 1 - different[-1] != _STALLED + 1:
            return []
        i = next(i for i, value in enumerate(self._state.sharpness) if value < 1)
        return [Decision(
            "warning", f"Sharpness stalls: nothing has changed for {_STALLED} epochs, and layer {i + 1} of "
            f"{len(self._layers)} stands at {self._state.sharpness[i]:.2f}. Sharpening waits until the loss falls by "
            f"less than sig_decrease = {self.policy.sig_decrease:.1%} for {self.policy.patience + 1} epochs: a larger "
            "sig_decrease or a smaller patience lets it go on sooner.", i)]


def _by_neuron(x: np.ndarray) -> np.ndarray:
    """Inputs of a layer as rows of neurons: those of a convolution are its feature maps."""
    if keras.config.image_data_format() == "channels_first" and x.ndim > 2:
        x = np.moveaxis(x, 1, -1)
    return x.reshape(-1, x.shape[-1])


def _numbers(logs: Mapping[str, Any] | None) -> dict[str, float]:
    return {name: float(value) for name, value in (logs or {}).items() if np.ndim(value) == 0}


def _value(logs: Mapping[str, Any] | None, name: str) -> float:
    if not logs or name not in logs:
        raise ValueError(f"Expected the monitored value {name!r} among Keras's logs; got {sorted(logs or {})}.")
    return float(logs[name])


class StepwiseSharpener(Sharpener):
    """Sharpens in equal steps from a given epoch on; see :class:`whetstone_lab.method.policies.StepwisePolicy`.

    Args:
        start_epoch: The first epoch after which (or in which, by batches) to step, from 0. Default: 5.
        steps: Steps for each layer (bottom-up) or for all (uniform), at least 1. Default: 5.
        by: ``"epoch"`` or ``"batch"``. Default: ``"epoch"``.
        bottom_up: One layer after the other, or all together. Default: True.
        **kwargs: As for :class:`Sharpener`.
    """

    def __init__(self, start_epoch: int = 5, steps: int = 5, by: str = "epoch", bottom_up: bool = True,
                 **kwargs: Any) -> None:
        super().__init__(StepwisePolicy(start_epoch, steps, by, bottom_up), **kwargs)


class ScheduledSharpener(Sharpener):
    """Sharpens each layer from its start to its stop; see :class:`whetstone_lab.method.policies.ScheduledPolicy`.

    Args:
        schedule: ``(start, stop)`` for each layer, bottom first, in epochs from 0. Default: made from the three below.
        start_epoch: The epoch in which the first layer starts. Default: 5.
        duration: Epochs to sharpen a layer. Default: 5.
        intermission: Epochs between one layer's stop and the next one's start. Default: 0.
        **kwargs: As for :class:`Sharpener`.
    """

    def __init__(self, schedule: Any = None, start_epoch: float = 5, duration: float = 5, intermission: float = 0,
                 **kwargs: Any) -> None:
        super().__init__(ScheduledPolicy(schedule, start_epoch, duration, intermission), **kwargs)


class AdaptiveSharpener(Sharpener):
    """Sharpens while the training loss allows it; see :class:`whetstone_lab.policies.AdaptivePolicy` for the rule.

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
        **kwargs: As for :class:`Sharpener`.
    """

    def __init__(self, min_init_epochs: int = 10, rate: float = 0.25, cz_rate: float = 0.126, critical: float = 0.75,
                 first_layer_relative_rate: float = 1.0, patience: int = 1, sig_increase: float = 0.15,
                 sig_decrease: float = 0.15, bottom_up: bool = True, **kwargs: Any) -> None:
        super().__init__(AdaptivePolicy(min_init_epochs, rate, cz_rate, critical, first_layer_relative_rate, patience,
                                        sig_increase, sig_decrease, bottom_up), **kwargs)

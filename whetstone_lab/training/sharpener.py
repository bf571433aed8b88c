"""``Sharpener``: Keras's hooks for a :class:`~whetstone_lab.training.session.SharpeningSession`.

A policy decides, the layers obey, a ``Trace`` remembers. What a sharpener must remember, its trace included, rides with
the weights of the bottom spiking layer: in every ``.keras`` and ``.weights.h5`` file that Keras writes while it is at
work, so that the two always agree.

Example:
    >>> sharpener = AdaptiveSharpener()
    >>> model.fit(x, y, epochs=30, callbacks=[sharpener])
    >>> sharpener.trace.save("run.npz")
"""

from __future__ import annotations

import math
import threading
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras import ops

from whetstone_lab.method.policies import Decision, Policy, State
from whetstone_lab.records.trace import Trace
from whetstone_lab.training import checkpoint, diagnostics
from whetstone_lab.training._internals import metric_direction, remember_state
from whetstone_lab.training.averaging import ValidateAverage, build_optimizer
from whetstone_lab.training.interrupts import undisturbed
from whetstone_lab.training.layers import spiking_layers
from whetstone_lab.training.probe import look
from whetstone_lab.training.rollback import RollBack, check_rise
from whetstone_lab.training.session import SharpeningSession, ended_by, value_of
from whetstone_lab.training.sharpness import LayerSharpness


class Sharpener(keras.callbacks.Callback):
    """Lets a policy sharpen the spiking layers of the model that is trained, and writes a trace.

    A second ``fit`` with the same sharpener carries on: layers keep their sharpness, epochs count on, and the trace
    grows. With another model it starts anew. With ``steps_per_execution`` the layers hear of a new sharpness between
    two executions. For loops without ``fit`` there is :meth:`step`. Where ``fit`` is broken off, by an interrupt or an
    error, the weights that were trained are in the model, and the trace says so.

    A run that was killed goes on when the same script runs again with Keras's ``BackupAndRestore``, or loads what
    ``ModelCheckpoint`` saved and fits with ``initial_epoch=sharpener.state.epoch`` after :meth:`attach`: policy, state
    and trace are those of the checkpoint, and so are the seeds of dropout, which Keras itself does not save (not on
    PyTorch, where dropout draws from a generator of the whole process). A run that goes on from the end of an epoch
    equals one that was never killed, weight for weight, as long as the samples come in the same order
    (``shuffle=False``, or data that know the epoch: Keras does not restore its own shuffling).

    If the checkpoint is from the midst of an epoch (an integer ``save_freq``), Keras trains that epoch again from its
    first batch, with the weights of the checkpoint. The sharpener then goes back to the start of the epoch as well.
    Keras 3.15 counts from epoch 0 again if a run with an integer ``save_freq`` is killed twice within one epoch, and
    cannot read a checkpoint that was half written without ``double_checkpoint``. List the sharpener before the
    callbacks that save: only then does it know the validation metrics of the epoch that was saved.

    Args:
        policy: When to sharpen.
        monitor: The name in Keras's logs that the policy judges at the end of an epoch. Default: ``"loss"``.
        mode: ``"min"`` if that gets better as it falls, ``"max"`` if as it rises, ``"auto"`` if its metric or else its
            name tells, as in Keras's own callbacks. Default: ``"auto"``.
        polish_epochs: Whole epochs to train on in a fit once every layer is sharp; then training stops. 0 stops at the
            end of the epoch in which the last layer became sharp, as published. Default: None, train all epochs asked
            for.
        probe: Inputs of the model (an array, or what ``model(...)`` takes) on which pre-activations, firing rates, dead
            neurons and the flow of the gradient are measured in every layer after each epoch; a layer that dies is then
            warned of. Some hundred samples are plenty. Default: None.
        verbose: 1 prints every decision with its reason, but not from the background. Default: 0.
        roll_back: The rise of ``monitor`` in an epoch (its fall, where it should rise), relative to the last good one,
            that counts as a break if sharpness has grown meanwhile; positive. What is no finite number always counts.
            After a break the weights, the optimizer's moments and the sharpness are again what they were before, and
            adaptive and step-wise policies take steps half as large. It costs a copy of the weights. What is set later
            holds from the next epoch on. Default: None, never.
        resume: Whether to go on where the sharpener stood whose model or weights were loaded from a file, if its policy
            was of the same kind. Default: True.
        norm_data: Training inputs from which :func:`whetstone_lab.estimate_norm_statistics` sees to batch norm when the
            network is validated, and as epochs end. Default: those of ``fit``, unless they can be read once only.

    Attributes:
        policy: The policy in force; :meth:`steer` exchanges it.

    Raises:
        ValueError: ``mode``, ``polish_epochs`` or ``roll_back`` cannot be. At the start of ``fit``, if the model has no
            spiking layer or the policy does not fit it; at the end of the first batch, if ``monitor`` is not among the
            logs, or of the first epoch if it starts with ``val_``.
        RuntimeError: At the start of ``fit``, if the sharpener is at work in the background.
    """

    def __init__(self, policy: Policy, *, monitor: str = "loss", mode: str = "auto", polish_epochs: int | None = None,
                 probe: Any = None, verbose: int = 0, roll_back: float | None = None, resume: bool = True,
                 norm_data: Any = None) -> None:
        super().__init__()
        self.params: Mapping[str, Any] = {}  # None of Keras's where nobody sets any
        check_rise(roll_back, policy)
        if polish_epochs is not None and (not isinstance(polish_epochs, int) or polish_epochs < 0):
            raise ValueError(f"Expected polish_epochs to be an integer of at least 0 or None; got {polish_epochs!r}.")
        self.session = SharpeningSession(policy, monitor, mode)
        self.polish_epochs, self.resume = polish_epochs, resume
        self.probe, self.norm_data, self.verbose = probe, norm_data, verbose
        #: The thread of the live run that drives this sharpener, which reports the status itself; None without one.
        self.driver: threading.Thread | None = None
        self._layers = LayerSharpness(None, [])
        self._undo, self._average = RollBack(roll_back), ValidateAverage(None)
        self._fitting = self._begun = False
        self._recalled = False  # the state came from a file, and Keras has not yet said where it goes on
        self._progress = checkpoint.Progress()
        self._batches_seen = 0  # in this epoch, as Keras counts

    def __getstate__(self) -> dict[str, Any]:
        """A copy has the policy, the state and the trace, but no model: it attaches anew, and nothing drives it."""
        return {**vars(self), "_model": None, "driver": None, "_layers": LayerSharpness(None, []),
                "_undo": RollBack(self.roll_back), "_average": ValidateAverage(None), "_fitting": False,
                "_progress": checkpoint.Progress()}

    # -- what there is to see and to change ---------------------------------------------------------------------------

    @property
    def monitor(self) -> str:
        """The name in Keras's logs that the policy judges."""
        return self.session.monitor

    @property
    def roll_back(self) -> float | None:
        """The change of ``monitor`` for the worse that is undone."""
        return self._undo.rise

    @roll_back.setter
    def roll_back(self, rise: float | None) -> None:
        check_rise(rise, self.policy)
        self._undo.rise = rise

    @property
    def policy(self) -> Policy:
        """The policy in force; :meth:`steer` exchanges it and notes it."""
        return self.session.policy

    @policy.setter
    def policy(self, policy: Policy) -> None:
        self.session.policy = policy

    @property
    def state(self) -> State | None:
        """Where the policy stands; None before the first ``fit``."""
        if not self._fitting:
            self._agree()  # as after early stopping, which may restore weights when all else has ended
        return self.session.state

    @state.setter
    def state(self, state: State | None) -> None:
        self.session.state = state

    @property
    def trace(self) -> Trace:
        """What has happened. It is there before the first ``fit``; a fit with another model starts another one."""
        return self.session.trace

    def steer(self, by: str = "hand", gesture: Hashable = None, **parameters: Any) -> tuple[int, int]:
        """Changes parameters of the policy, at once and from any thread; the trace notes who did it.

        Args:
            by: Who changes them, for the trace. Default: ``"hand"``.
            gesture: See :meth:`SharpeningSession.steer`. Default: None.
            **parameters: New values by name, such as ``sig_increase=0.2``.

        Returns:
            In which epoch and after how many batches, as :meth:`SharpeningSession.steer`.

        Raises:
            ValueError: A name that the policy does not have, or a value out of its range; then nothing is changed.
        """
        when = self.session.steer(by, gesture, **parameters)
        self.trace.publish(urgent=True)
        return when

    def steered(self, **parameters: Any) -> Policy:
        """The policy that :meth:`steer` would put in force; raises a ``ValueError`` as it does."""
        return self.session.steered(**parameters)

    def attach(self, model: keras.Model, batches: int | None = None) -> None:
        """Finds the spiking layers of a model, and starts or carries on; ``fit`` does this by itself.

        Args:
            model: The model that will be trained.
            batches: Batches in an epoch, if known; for :meth:`step`, how many steps count as one.

        Raises:
            ValueError: The model has no spiking layer, or the policy does not fit it.
            RuntimeError: The sharpener is at work in the background.
        """
        _check_driver(self.driver)
        layers = spiking_layers(model)
        self.set_model(model)
        if self.session.state is None or [*map(id, layers)] != [*map(id, self._layers.layers)]:
            sharpness = LayerSharpness(model, layers)
            self.session.begin([layer.name for layer in layers], [layer.curve.name for layer in layers],
                               sharpness.read(), batches, {"backend": keras.backend.backend()})
            self._progress = checkpoint.Progress.of(model)
            checkpoint.release(self._layers.layers, self._make_checkpoint)
            self._layers, self._recalled = sharpness, False
            self._undo.begin(self._here.sharpness)
        self._layers.model = model
        self._average = ValidateAverage(model, self.norm_data)
        self._average.begin()
        self._recall()
        if not self._recalled:
            self.session.state = self._here.replace(batch=0)
        self.session.expect(batches)
        self._agree()
        self._undo.keep(model)

    # -- Keras's hooks ------------------------------------------------------------------------------------------------

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Starts, or carries on."""
        self.attach(self.model, self.params.get("steps"))
        build_optimizer(self.model)
        self._fitting, self._begun = True, False
        if self.driver is None:
            self.trace.set_status("running")

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Starts to count batches."""
        if not self._begun:  # by now every callback has had its chance to load weights
            self._recall()
            self._settle(epoch)
            # Of later fits nothing is foretold: whoever trains in several knows what comes.
            if self.params.get("epochs") and not self.trace.batches and self.driver is None:
                diagnostics.foretell(self.policy, self._here, self.params["epochs"] - epoch)
            self._begun = True
        self._average.take_out()
        self._agree()
        self._progress.epoch, self._batches_seen = epoch, 0
        self.session.begin_epoch()
        self._average.tell(self._layers.layers)
        self._undo.keep(self.model)

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Goes on with the weights, where a loop has validated within the epoch."""
        if self._average.stands_in:
            self._average.take_out()
        remember_state(self._layers.model)  # not self.model, which on JAX takes the weights from the trainer

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Sharpens as the policy says, and writes the batch to the trace."""
        # What is measured on validation data is there only once the epoch has ended.
        if self.monitor != "loss" and not self.monitor.startswith("val_"):
            value_of(logs, self.monitor)
        loss = value_of(logs, "loss")
        self._progress.logs = dict(logs or {})
        # With steps_per_execution Keras calls once for several batches, and counts more than there are at the end.
        last = min(batch, (self.params.get("steps") or math.inf) - 1)
        while self._batches_seen <= last:
            self._batches_seen += 1
            self._end_batch(loss)
        self.trace.publish()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Lets the policy judge the epoch, and writes it to the trace."""
        self._average.put_in()
        start = self.session.epoch_start
        self._end_epoch(value_of(logs, self.monitor), logs or {}, whole=not getattr(self.model, "stop_training", False))
        if start is not None and self._progress.polish(start, self._here, self.polish_epochs):
            self.model.stop_training = True

    def on_test_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Has the average of the weights validated, where a ``WhetstoneOptimizer`` keeps one.

        Within ``fit`` it stays until training goes on, as it does at the end of every epoch, so that callbacks keep it.
        """
        self._average.put_in()

    def on_test_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Lets a loop of one's own go on with the weights."""
        if self._average.stands_in and not self._fitting:
            self._average.take_out()

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Closes the trace."""
        self._fitting = False
        self._average.end(self.trace.batches)
        self._agree()
        if self.driver is None:
            self.trace.set_status("finished")

    def on_train_break(self, error: BaseException) -> None:
        """Hears that an interrupt or an error has ended ``fit``: puts back the weights, and closes the trace."""
        if self._fitting and self.driver in (None, threading.current_thread()):
            with undisturbed():
                self._average.break_off()
                self._fitting = False
                if self.driver is None:
                    self.trace.set_status(*ended_by(error))

    @contextmanager
    def closing(self) -> Iterator[None]:
        """Sees to it that a loop within, also one without ``fit``, leaves weights and trace as :meth:`on_train_break`.

        A sharpener that is at work in the background is left alone.
        """
        try:
            yield
        except BaseException as error:
            self._fitting = True  # or was, and has heard of this already
            self.on_train_break(error)
            raise

    # -- a loop of one's own ------------------------------------------------------------------------------------------

    def step(self, loss: Any, **metrics: Any) -> None:
        """Takes note of a training step in a loop without ``fit``: ``train_on_batch``, or a loop of your own.

        As many steps as :meth:`attach` was told make an epoch: the policy judges the mean of ``monitor`` over them,
        and the trace keeps the running means, as Keras does. A model saved at any step goes on from that step.

        Where several workers train together (``tf.distribute.MultiWorkerMirroredStrategy``, under which the ``fit`` and
        ``train_on_batch`` of Keras 3.15 do not run), each must give the loss of all of them, such as
        ``strategy.reduce`` makes, so that all decide alike.

        Args:
            loss: The loss of the step, a number.
            **metrics: Other values of the step that are to be in the trace, the same in every step, such as the reward;
                what is no single number is left out.

        Raises:
            RuntimeError: :meth:`attach` was not called, or not told the number of steps.
            ValueError: ``monitor`` is neither the loss nor among the metrics.

        Example:
            >>> sharpener.attach(model, batches=500)
            >>> for x, y in stream:
            ...     sharpener.step(model.train_on_batch(x, y, return_dict=True)["loss"])
        """
        self.session.check_steps()
        arrays = {name: ops.convert_to_numpy(value) for name, value in {"loss": loss, **metrics}.items()}
        value_of(arrays, self.monitor)
        values = {name: float(value) for name, value in arrays.items() if np.size(value) == 1}
        if self.trace.status != "running":
            self.trace.set_status("running")
        if self._here.batch == 0:
            self._agree()
            self.session.begin_epoch()
            self._average.tell(self._layers.layers)
            self._progress.logs = {}
        self._recalled = False  # the loop is the caller's: nothing is trained again
        self._progress.average(values, self._here.batch + 1)
        self._end_batch(self._progress.logs["loss"])
        if self._here.batch == self._here.batches:
            self._end_epoch(self._progress.logs[self.monitor], self._progress.logs)
            self._undo.keep(self.model)
        self.trace.publish()

    # -- between the session and the layers ---------------------------------------------------------------------------

    @property
    def _here(self) -> State:
        assert self.session.state is not None
        return self.session.state

    def _agree(self) -> None:
        """Takes over the sharpness of the layers if somebody else has set it."""
        if self.session.state is not None and self._layers.layers:
            self.session.adopt(self._layers.read())

    def _end_batch(self, loss: float) -> None:
        if self._layers.set_elsewhere:
            self._agree()
        before = self._here
        try:
            step = self.session.batch(loss)
            self._obey(before)
        except BaseException:  # an interrupt, which must not leave the layers behind what the trace says
            self._obey(before)
            raise
        self._say(step.epoch, step.decisions)

    def _end_epoch(self, value: float, logs: Mapping[str, Any], whole: bool = True) -> None:
        with undisturbed():
            warned = self.session.heed(metric_direction(self.model, self.monitor.removeprefix("val_")))
            instead = self._undo.judge(self.model, self.session, value)
            before = self._here
            step = self.session.judge(value, whole=whole, instead=instead)
            self._obey(before)
            seen = look(self.model, self._layers.layers, self.probe, step.sharpness, self.trace.bins)
            self.session.record(step, logs, seen)
            warned += diagnostics.after_epoch(self.trace, self.policy, self._here, self.probe)
            self.session.note(step.epoch, warned)
        self._say(step.epoch, [*step.decisions, *warned])
        self.trace.publish(urgent=True)

    def _obey(self, before: State) -> None:
        if self._here.sharpness != before.sharpness:
            self._layers.write(before.sharpness, self._here.sharpness)
            if before.sharp != self._here.sharp:
                self._average.tell(self._layers.layers)

    def _say(self, epoch: int, decisions: Sequence[Decision]) -> None:
        if decisions and self.driver is None:  # a thread must not print into another cell
            diagnostics.say(epoch, decisions, self.verbose)

    # -- from file to file --------------------------------------------------------------------------------------------

    def _make_checkpoint(self) -> Mapping[str, np.ndarray]:
        """What a file of the weights must hold for :meth:`_recall`."""
        if not self._fitting:
            self._agree()
        return checkpoint.take(self.session, self._undo, self._progress)

    def _recall(self) -> None:
        """Goes on from what came from a file with the weights, if that was a run like this one."""
        layers = self._layers.layers
        arrays = checkpoint.loaded(layers)
        layers[0].make_checkpoint = self._make_checkpoint
        if arrays and self.resume and checkpoint.recall(arrays, self.session, self._undo, self._progress):
            self._recalled = True

    def _settle(self, epoch: int) -> None:
        """Brings a checkpoint from within an epoch in line with Keras, which trains that epoch again or goes on."""
        recalled, self._recalled = self._recalled, False
        if not recalled or epoch == 0:
            self._progress.polished = 0  # a fit of its own, not the one that was ended
        if not recalled or not self._here.batch:
            return
        if epoch <= self._progress.epoch:
            self._layers.write(self._here.sharpness, self.session.rewind())
            return
        # It was saved when the epoch had been trained, but before the sharpener was told of its end.
        self._end_epoch(self._progress.judged(self.monitor, self._here.epoch), self._progress.logs)


def _check_driver(driver: threading.Thread | None) -> None:
    if driver not in (None, threading.current_thread()):
        raise RuntimeError("The sharpener is at work in the background already; wait for that run, stop it, or make "
                           "another sharpener.")

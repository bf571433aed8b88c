"""``LiveRun``: a training run in a thread of its own."""

from __future__ import annotations

import atexit
import gc
import threading
import weakref
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from typing import Any

import keras

from whetstone_lab.records.trace import Trace
from whetstone_lab.training._internals import thread_state
from whetstone_lab.training.averaging import average_in_place
from whetstone_lab.training.background.control import Control
from whetstone_lab.training.background.guard import guarded
from whetstone_lab.training.background.mailbox import Mailbox
from whetstone_lab.training.background.pacing import Pacing
from whetstone_lab.training.copying import copy_of
from whetstone_lab.training.fit_hooks import listed
from whetstone_lab.training.session import ended_by
from whetstone_lab.training.sharpener import Sharpener

#: Seconds that a process which ends waits for the batches that its runs are at.
_GRACE = 30.0

_LAUNCHING = threading.Lock()
_TRAINING: list[keras.Model] = []  # the models that train in the background now
_RUNS: weakref.WeakSet[LiveRun] = weakref.WeakSet()


class LiveRun:
    """A training run in a background thread.

    Commands are queued and take effect between two batches (with ``steps_per_execution``, between two executions), in
    the order given. Steering is in force at once: what is decided next, at the end of a batch or of an epoch, goes by
    it. Whatever reads the run reads its ``trace``, which the training thread writes. A process that ends ends its runs.

    Args:
        model, x, y, callbacks, sharpener, **kwargs: As for :func:`fit`.

    Attributes:
        model: The model that trains. Until the run has ended, its ``fit``, ``evaluate``, ``predict`` and their like
            raise a ``RuntimeError`` in any other thread, for they would spoil the metrics of the run silently.
        sharpener: The sharpener.
        history: Keras's ``History`` of the last fit that ended, else None.
        exception: The exception that ended the run, else None.
    """

    def __init__(self, model: keras.Model, x: Any = None, y: Any = None, *,
                 callbacks: Sequence[keras.callbacks.Callback] | None = None, sharpener: Sharpener | None = None,
                 **kwargs: Any) -> None:
        callbacks = listed(callbacks)
        found = [callback for callback in callbacks if isinstance(callback, Sharpener)]
        if sharpener is not None and sharpener not in found:
            found.append(sharpener)
            callbacks.append(sharpener)
        if len(found) != 1:
            raise ValueError(f"Expected one sharpener, as an argument or among the callbacks; got {len(found)}.")
        if kwargs.pop("verbose", 0) not in (0, "auto"):
            raise ValueError("Expected no verbose: a background run shows itself through its trace, not in print.")
        self.model = model
        self.sharpener = found[0]
        self.history: keras.callbacks.History | None = None
        self.exception: BaseException | None = None
        self._pacing, self._mailbox = Pacing(), Mailbox()
        control = Control(self._pacing, self._between_batches)
        self._fit = {"x": x, "y": y, **kwargs, "callbacks": [*callbacks, control], "verbose": 0}
        self._thread: threading.Thread | None = None
        self._guard = ExitStack()
        if not _trains(model):  # a run to come is attached as it starts, and touches nothing until then
            self.sharpener.attach(model)
        self._goal = self._after(self.trace.epochs)

    # -- what to read -------------------------------------------------------------------------------------------------

    @property
    def trace(self) -> Trace:
        """What has happened so far; it grows while the run goes on."""
        return self.sharpener.trace

    @property
    def status(self) -> str:
        """``ready``, ``running``, ``paused``, ``stopped``, ``finished`` or ``failed``."""
        return self.trace.status

    @property
    def alive(self) -> bool:
        """Whether the training thread is at work or paused."""
        return self._mailbox.open

    def __repr__(self) -> str:
        return f"LiveRun({self.status}, {self.trace.epochs} of {self._goal} epochs, {self.trace.batches} batches)"

    # -- commands -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts training; after an end, trains for as many epochs again, carrying on from where things stand.

        Raises:
            RuntimeError: The model or the sharpener is at work in the background already.
        """
        self._launch({})

    def pause(self) -> None:
        """Halts after the present batch, until :meth:`resume`, :meth:`step` or :meth:`stop`."""
        self._command(self._pacing.pause)

    def resume(self) -> None:
        """Goes on after a pause."""
        self._command(self._pacing.resume)

    def step(self, n: int = 1, unit: str = "batch") -> None:
        """Trains ``n`` more batches or epochs and halts; starts the run if need be.

        Steps that are asked for before others are done add up.

        Args:
            n: How many, at least 1. Default: 1.
            unit: ``"batch"`` or ``"epoch"``. Default: ``"batch"``.
        """
        if not isinstance(n, int) or n < 1 or unit not in ("batch", "epoch"):
            raise ValueError(f"Expected n of at least 1 and a unit of 'batch' or 'epoch'; got {n!r} and {unit!r}.")
        if self.alive:
            self._command(self._pacing.step, unit, n)
        else:
            self._launch({unit: n})

    def stop(self) -> None:
        """Ends training after the present batch; what was learnt stays. Nothing happens if it has ended."""
        self._command(self._stop)

    def steer(self, *, gesture: Hashable = None, **parameters: Any) -> tuple[int, int]:
        """Changes parameters of the sharpening policy, at once; the trace notes it as done by hand.

        It need not wait for the training thread, which between two epochs may be busy for half a second with the ends
        and beginnings of TensorFlow's data iterators.

        Args:
            gesture: What tells one movement of a hand from another; the changes of one gesture are one decision in the
                trace, as in :meth:`SharpeningSession.steer`. Default: None, a decision of its own.
            **parameters: New values by name, such as ``sig_increase=0.2``.

        Returns:
            In which epoch, counted from 0, and after how many batches it came.

        Raises:
            ValueError: A name that the policy does not have, or a value out of its range; then nothing is changed.
        """
        return self.sharpener.steer(gesture=gesture, **parameters)

    def snapshot(self) -> keras.Model:
        """A copy of the model as it stands between two batches, safe to use while the run goes on.

        Where a ``WhetstoneOptimizer`` averages, its weights are the average, as those that are validated.
        """
        found: Future[keras.Model] = Future()

        def copy() -> None:
            # All of it between two batches: within one, JAX's trainer has the values of the optimizer's variables too.
            try:
                with average_in_place(self.model, self.sharpener.norm_data):
                    found.set_result(copy_of(self.model))
            except Exception as error:
                found.set_exception(error)

        if threading.current_thread() is self._thread:
            copy()
        else:
            self._command(copy)
        return found.result()

    def wait(self, timeout: float | None = None) -> keras.callbacks.History | None:
        """Waits until the run has ended.

        Interrupting the kernel while it waits stops the run, which an interrupt by itself would not.

        Args:
            timeout: Seconds to wait at the most. Default: no limit.

        Returns:
            Keras's history of the fit.

        Raises:
            TimeoutError: The run has not ended in time; it goes on.
            Exception: Whatever ended the training.
        """
        if self._thread is not None:
            try:
                self._thread.join(timeout)
            except KeyboardInterrupt:
                self.stop()
                raise
            if self._thread.is_alive():
                raise TimeoutError(f"The run has not ended within {timeout:g} s; it is {self.status}.")
        # On this thread, which is a cell's: now a widget can leave a picture of the end in the notebook.
        self.trace.publish(urgent=True)
        if self.exception is not None:
            raise self.exception
        return self.history

    # -- on whichever thread gives the command ------------------------------------------------------------------------

    def _launch(self, steps: dict[str, int]) -> None:
        with _LAUNCHING:
            if _trains(self.model):
                raise RuntimeError(
                    f"The model {self.model.name!r} is training in the background already, as when a cell is run a "
                    "second time. Wait for that run with run.wait(), end it with run.stop(), or build another model; "
                    "whetstone_lab.live.runs() has the run if no variable does.")
            self.sharpener.attach(self.model)
            self._goal = self._after(self.trace.epochs)
            self.exception = None
            self._pacing.start(steps)
            thread = threading.Thread(target=self._train, args=(thread_state(),), name="whetstone-fit", daemon=True)
            self._thread = self.sharpener.driver = thread
            _TRAINING.append(self.model)
            self._guard.enter_context(guarded(self.model, thread))
            _RUNS.add(self)
            self._mailbox.unlock()
            thread.start()

    def _after(self, epochs: int) -> int:
        """How many epochs there will have been after a fit that begins after some."""
        return epochs + int(self._fit.get("epochs", 1)) - int(self._fit.get("initial_epoch", 0))

    def _command(self, function: Callable[..., None], *args: Any) -> None:
        if not self._mailbox.put(lambda: function(*args)):
            function(*args)

    # -- on the training thread ---------------------------------------------------------------------------------------

    def _train(self, keras_state: dict[str, Any]) -> None:
        status, message = "finished", ""
        try:
            thread_state(keras_state)
            self.trace.set_status("running")
            self._between_batches()
            if not self._pacing.stopping:
                with self.sharpener.closing():
                    self.history = self.model.fit(**self._fit)
            if self._pacing.stopping:
                status = "stopped"
        except BaseException as error:
            self.exception = error
            status, message = ended_by(error)
        finally:
            while not self._close(status, message):
                try:
                    self._mailbox.take()()
                except BaseException as error:  # the run must end all the same, or its model stays locked
                    self.exception = error
                    status, message = ended_by(error)
            self.trace.publish(urgent=True)
            if status == "stopped":
                # A fit that is broken off leaves its data iterator to the garbage collector, and TensorFlow may take as
                # long to end one as it has lived, up to a minute, in which the whole process stands still.
                gc.collect()

    def _close(self, status: str, message: str) -> bool:
        """Ends the run all at once, so that whoever sees the end can start anew; False while commands are waiting."""
        def end() -> None:
            self.sharpener.driver = None
            _TRAINING[:] = [model for model in _TRAINING if model is not self.model]
            self._guard.close()
            self.trace.status, self.trace.message = status, message

        with _LAUNCHING:
            return self._mailbox.close(then=end)

    def _between_batches(self) -> None:
        """Carries out what was commanded, and holds the thread while the run is paused."""
        # What is commanded meanwhile waits for the next batch: else training could stand still under many commands.
        due = len(self._mailbox)
        while True:
            if self._pacing.paused != (self.status == "paused"):
                self.trace.set_status("paused" if self._pacing.paused else "running")
            if not due and not self._pacing.paused:
                return
            command = self._mailbox.take()
            due = due - 1 if due else len(self._mailbox)
            command()

    def _stop(self) -> None:
        self._pacing.stop()
        self.model.stop_training = True


def runs() -> list[LiveRun]:
    """The runs that train or pause in the background now, also those that no variable holds any longer."""
    return [run for run in _RUNS if run.alive]


def _trains(model: keras.Model) -> bool:
    return any(other is model for other in _TRAINING)


@atexit.register
def _end_runs() -> None:
    """Ends all runs: an interpreter that shuts down under a thread in TensorFlow's native code aborts the process."""
    def leave() -> None:
        raise SystemExit("The process ended.")

    alive = runs()
    for run in alive:
        run._mailbox.put(leave)
    for run in alive:
        assert run._thread is not None
        run._thread.join(_GRACE)

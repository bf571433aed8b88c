"""Training in the background: ``fit`` returns at once, and the run can be watched, paused, stepped, steered, stopped.

Example:
    >>> run = live.fit(model, x, y, epochs=45, callbacks=[AdaptiveSharpener()])
    >>> run.pause(); run.steer(sig_increase=0.3); run.resume()
    >>> history = run.wait()
"""

from __future__ import annotations

import atexit
import gc
import queue
import threading
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import keras

from whetstone_lab.records.trace import Trace
from whetstone_lab.training._internals import sync_weights
from whetstone_lab.training.sharpener import Sharpener

#: What must not be called on a model from elsewhere while it trains: it would spoil its metrics without a word.
_GUARDED = ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch", "compile")

#: Keras's thread-local state that the training thread takes over; scopes, such as those of names, it must not share.
_CARRIED = ("global_random_seed", "global_seed_generator", "dtype_policy", "distribution", "custom_objects_scope_dict",
            "torch_device", "flash_attention", "traceback_filtering")

#: Seconds that a process which ends waits for the batches that its runs are at.
_GRACE = 30.0

_LAUNCHING = threading.Lock()
_TRAINING: list[keras.Model] = []  # the models that train in the background now
_RUNS: weakref.WeakSet[LiveRun] = weakref.WeakSet()


def fit(model: keras.Model, x: Any = None, y: Any = None, *,
        callbacks: Sequence[keras.callbacks.Callback] | None = None, sharpener: Sharpener | None = None,
        start: bool = True, **kwargs: Any) -> LiveRun:
    """``model.fit`` in the background.

    Args:
        model: A compiled model with spiking layers.
        x: Inputs, as for ``model.fit``.
        y: Targets, as for ``model.fit``.
        callbacks: As for ``model.fit``; one of them may be the sharpener.
        sharpener: The sharpener. Default: the one among the callbacks.
        start: Whether to start at once. Default: True; else :meth:`LiveRun.start` or :meth:`LiveRun.step` do.
        **kwargs: As for ``model.fit``, without ``verbose``: a thread must not print into another cell.

    Returns:
        The run.

    Raises:
        ValueError: There is no sharpener, or there are several; the model has no spiking layers.
        RuntimeError: The model or the sharpener is at work in the background already.
    """
    run = LiveRun(model, x, y, callbacks=callbacks, sharpener=sharpener, **kwargs)
    if start:
        run.start()
    return run


class LiveRun:
    """A training run in a background thread.

    Commands are queued and take effect between two batches (with ``steps_per_execution``, between two executions), in
    the order given. Whatever reads the run reads its ``trace``, which the training thread writes. A process that ends
    ends its runs.

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
        callbacks = list(callbacks or ())
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
        # The control comes last: a pause then shows the batch that led to it.
        self._fit = {"x": x, "y": y, **kwargs, "callbacks": [*callbacks, _Control(self)], "verbose": 0}
        self._commands: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._listening = False  # whether the training thread will still look into the queue
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._paused = False
        self._stopping = False
        self._countdown: dict[str, int] = {}
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
        with self._lock:
            return self._listening

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
        self._command(self._set_paused, True)

    def resume(self) -> None:
        """Goes on after a pause."""
        self._command(self._set_paused, False)

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
            self._command(self._add_steps, unit, n)
        else:
            self._launch({unit: n})

    def stop(self) -> None:
        """Ends training after the present batch; what was learnt stays. Nothing happens if it has ended."""
        self._command(self._set_stopping)

    def steer(self, **parameters: Any) -> None:
        """Changes parameters of the sharpening policy from the next batch on; the trace notes it as done by hand.

        Args:
            **parameters: New values by name, such as ``sig_increase=0.2``.

        Raises:
            ValueError: A name that the policy does not have, or a value out of its range; then nothing is changed.
        """
        self.sharpener.steered(**parameters)  # complains here, not in the training thread
        self._command(self.sharpener.steer, **parameters)

    def snapshot(self) -> keras.Model:
        """A copy of the model as it stands between two batches, safe to use while the run goes on."""
        found: Future[keras.Model] = Future()

        def copy() -> None:
            # All of it between two batches: within one, JAX's trainer has the values of the optimizer's variables too.
            try:
                sync_weights(self.model)
                model = keras.models.clone_model(self.model)
                if not model.built:
                    model.build(self.model.input_shape)
                model.set_weights(self.model.get_weights())
                found.set_result(model)
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

    def _launch(self, countdown: dict[str, int]) -> None:
        with _LAUNCHING:
            if any(model is self.model for model in _TRAINING):
                raise RuntimeError(f"The model {self.model.name!r} is training in the background already.")
            self.sharpener.attach(self.model)
            self._goal = self._after(self.trace.epochs)
            self.exception = None
            self._paused, self._stopping, self._countdown = False, False, countdown
            thread = threading.Thread(target=self._train, args=(_keras_state(),), name="whetstone-fit", daemon=True)
            self._thread = self.sharpener._thread = thread
            _TRAINING.append(self.model)
            _guard(self.model, thread)
            _RUNS.add(self)
            self._listening = True
            thread.start()

    def _after(self, epochs: int) -> int:
        """How many epochs there will have been after a fit that begins after some."""
        return epochs + int(self._fit.get("epochs", 1)) - int(self._fit.get("initial_epoch", 0))

    def _command(self, function: Callable[..., None], *args: Any, **kwargs: Any) -> None:
        with self._lock:
            if self._listening:
                self._commands.put(lambda: function(*args, **kwargs))
                return
        function(*args, **kwargs)

    # -- on the training thread ---------------------------------------------------------------------------------------

    def _train(self, keras_state: dict[str, Any]) -> None:
        status, message = "finished", ""
        try:
            _keras_state(keras_state)
            self.trace.set_status("running")
            self._between_batches()
            if not self._stopping:
                self.history = self.model.fit(**self._fit)
            if self._stopping:
                status = "stopped"
        except BaseException as error:
            self.exception = error
            status, message = "failed", f"{type(error).__name__}: {error}"
        finally:
            self._end(status, message)
            if status == "stopped":
                # A fit that is broken off leaves its data iterator to the garbage collector, and TensorFlow may take as
                # long to end one as it has lived, up to a minute, in which the whole process stands still.
                gc.collect()

    def _end(self, status: str, message: str) -> None:
        while True:
            with _LAUNCHING, self._lock:
                if self._commands.empty():
                    # All at once, so that whoever sees the end can start anew.
                    self._listening = False
                    self.sharpener._thread = None
                    _TRAINING[:] = [model for model in _TRAINING if model is not self.model]
                    _unguard(self.model)
                    self.trace.status, self.trace.message = status, message
                    break
            self._commands.get()()
        self.trace.publish(urgent=True)

    def _between_batches(self) -> None:
        """Carries out what was commanded, and holds the thread while the run is paused."""
        # What is commanded meanwhile waits for the next batch: else training could stand still under many commands.
        due = self._commands.qsize()
        while True:
            if self._paused != (self.status == "paused"):
                self.trace.set_status("paused" if self._paused else "running")
            if not due and not self._paused:
                return
            command = self._commands.get()
            due = due - 1 if due else self._commands.qsize()
            command()

    def _count_down(self, unit: str, trained: int) -> None:
        if unit not in self._countdown:
            return
        self._countdown[unit] -= trained
        if self._countdown[unit] <= 0:
            del self._countdown[unit]
            self._paused = not self._countdown

    def _set_paused(self, paused: bool) -> None:
        self._paused, self._countdown = paused, {}

    def _add_steps(self, unit: str, n: int) -> None:
        self._paused = False
        self._countdown[unit] = self._countdown.get(unit, 0) + n

    def _set_stopping(self) -> None:
        self._paused, self._stopping, self.model.stop_training = False, True, True

    def _leave(self) -> None:
        raise SystemExit("The process ended.")


class _Control(keras.callbacks.Callback):
    """Lets a run take its commands where Keras stands between two batches."""

    def __init__(self, run: LiveRun) -> None:
        super().__init__()
        self.run = run
        self._seen = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._seen = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.run._count_down("batch", batch + 1 - self._seen)
        self._seen = batch + 1
        self.run._between_batches()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.run._count_down("epoch", 1)
        self.run._between_batches()


def _guard(model: keras.Model, owner: threading.Thread) -> None:
    """Lets only one thread train, evaluate or predict with a model."""

    def guard(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if threading.current_thread() is not owner:
                raise RuntimeError(f"The model {model.name!r} is training in the background, and {name}() would spoil "
                                   f"its metrics. Use run.snapshot(), a copy of it, or run.stop() or run.wait() first.")
            return method(*args, **kwargs)

        return guarded

    for name in _GUARDED:
        setattr(model, name, guard(name, getattr(model, name)))


def _unguard(model: keras.Model) -> None:
    for name in _GUARDED:
        delattr(model, name)


@atexit.register
def _end_runs() -> None:
    """Ends all runs: an interpreter that shuts down under a thread in TensorFlow's native code aborts the process."""
    runs = [run for run in _RUNS if run.alive]
    for run in runs:
        run._commands.put(run._leave)
    for run in runs:
        assert run._thread is not None
        run._thread.join(_GRACE)


def _keras_state(carry: dict[str, Any] | None = None) -> dict[str, Any]:
    """Keras's thread-local state (seed, dtype policy, distribution): reads it, or takes over that of another thread."""
    # Keras has no public way to do this; without it a seed set in a notebook would not reach the training thread.
    from keras.src.backend.common import global_state

    here: dict[str, Any] = global_state.GLOBAL_STATE_TRACKER.__dict__
    if carry is not None:
        here.update(carry)
    return {name: here[name] for name in _CARRIED if name in here}

"""``Bench``: an experiment that is set up, run, begun anew and kept. Keras is loaded by the first run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from whetstone_lab.laboratory.checkpoints import Checkpoints, Past
from whetstone_lab.laboratory.experiments import Experiment, Experiments, Origin
from whetstone_lab.laboratory.nudges import Nudges
from whetstone_lab.laboratory.script import script
from whetstone_lab.laboratory.settings import Settings, check_thresholds
from whetstone_lab.laboratory.snapshots import Snapshots
from whetstone_lab.records.archive import ArchiveError
from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.records.trace import Trace

if TYPE_CHECKING:
    from whetstone_lab.laboratory.assembly import Assembly
    from whetstone_lab.training.background import LiveRun

#: Seconds between two times that a run which goes on is kept.
_EVERY = 5.0


class Bench:
    """An experiment: its settings, its run, and where it is kept.

    It takes the commands of a live run and looks like one; its trace is another after :meth:`reset`. Whatever takes
    long, such as loading Keras, is done in a thread, and what fails there is said in the trace.

    Args:
        settings: What the experiment is made of. Default: those by default.
        experiments: Where experiments are kept, every few seconds and as they end. Default: the folder
            ``whetstone_runs``, here.

    Attributes:
        settings: The settings of the run, or of the next one as long as there is none.
        thresholds: Parameters of the sharpener with which it begins, where they are not those of the settings.
        nudges: What was changed by hand while it ran.
        trace: What has happened.
        experiments: Where experiments are kept.
        number: The number under which what is shown is kept; None as long as it is not.
        origin: What the run went on from; None if it was trained from the start.
        stopped: After how many batches the run was stopped by hand; None if it was not.
        unkept: Why the run could not be kept, in words; empty if it could.
        remark: What became of a run that was ended for this one, in words; empty if none was.
        snapshots: The spiking network after each epoch, and the test pictures that are shown to it, in front the first
            of each class; none before the run is made.
    """

    def __init__(self, settings: Settings | None = None, experiments: Experiments | None = None) -> None:
        self.experiments = Experiments() if experiments is None else experiments
        self._lock = threading.RLock()
        self._listeners: list[Callable[[], None]] = []
        self._run: LiveRun | None = None
        self._waiting: list[Callable[[LiveRun], None]] = []
        self._builder: threading.Thread | None = None
        #: The run before, as long as it may be at its last batch.
        self._before: LiveRun | None = None
        self._begin(settings or Settings(), {})
        # Whoever follows the trace of a bench follows those that come after it too.
        self.trace.subscribe(_at_each_end(self._tell))

    def _begin(self, settings: Settings, thresholds: Mapping[str, float], remark: str = "") -> None:
        self.settings, self.thresholds, self.nudges = settings, dict(thresholds), Nudges()
        self.origin: Origin | None = None
        #: What the run to come goes on from, and what will be changed in it as it was in the one before.
        self._past: Past | None = None
        self._ahead = Nudges()
        self.stopped: int | None = None
        self.unkept, self.remark = "", remark
        self.snapshots = Snapshots()
        self.trace = Trace()
        self._run, self._waiting = None, []
        self.number: int | None = None
        #: Where its weights are kept, when it was kept last, and after how many epochs it first ended.
        self._checkpoints: Checkpoints | None = None
        self._kept_at = 0.0
        self._ended: int | None = None

    # -- commands -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Trains: begins the run, goes on after a pause, or after the end trains as long again."""
        self._command(lambda run: run.resume() if run.alive else run.start(), begins=True)

    def pause(self) -> None:
        """Halts after the present batch."""
        self._command(lambda run: run.pause())

    def resume(self) -> None:
        """Goes on after a pause."""
        self._command(lambda run: run.resume())

    def step(self, n: int = 1, unit: str = "batch") -> None:
        """Trains ``n`` more batches or epochs and halts.

        Raises:
            ValueError: Less than one, or of something else.
        """
        if not isinstance(n, int) or n < 1 or unit not in ("batch", "epoch"):  # here, not on another thread, later
            raise ValueError(f"Expected n of at least 1 and a unit of 'batch' or 'epoch'; got {n!r} and {unit!r}.")
        self._command(lambda run: run.step(n, unit), begins=True)

    def stop(self) -> None:
        """Ends the run after the present batch; the experiment is kept."""
        def stop(run: LiveRun) -> None:
            if run.alive:
                run.stop()

        self._command(stop)

    def steer(self, *, gesture: Hashable = None, **parameters: Any) -> None:
        """Changes parameters of the sharpener, as ``LiveRun.steer`` does, and notes it for the script.

        Raises:
            ValueError: There is no run yet, or as ``LiveRun.steer`` has it.
        """
        run = self._run
        if run is None:
            raise ValueError("Expected a run: its thresholds can be moved as soon as it has begun.")
        self.nudges.steer(partial(run.steer, gesture=gesture), parameters)

    def reset(self, settings: Settings | None = None, thresholds: Mapping[str, float] | None = None) -> None:
        """Clears the bench for another run; one that has not ended ends and stays kept as far as it came.

        Args:
            settings: Those of the next run. Default: as they were, which gives the same weights at the start.
            thresholds: Parameters of the sharpener with which it begins. Default: those that fit the settings.

        Raises:
            ValueError: The sharpener has no such parameters, or they cannot be so.
        """
        settings = settings or self.settings
        check_thresholds(settings, thresholds or {})
        with self._lock:
            run, before = self._run, self.trace
            remark = self.remark if run is None else self._break_off(run) if run.alive or self.unkept else ""
            self._begin(settings, thresholds or {}, remark)
            if run is not None and run.alive:
                run.stop()
                self._before = run
            before.hand_over(self.trace)
        self.trace.publish(urgent=True)
        self._tell()

    def look(self, number: int) -> None:
        """Shows an experiment that was kept, in place of the run, which is ended; its settings are those of the next.

        A run that has not ended stays kept, as :meth:`reset` has it. That run itself is shown already.

        Raises:
            KeyError: There is no such experiment.
            FileNotFoundError: Its trace is not there.
            ArchiveError: Its trace is damaged.
        """
        if number == self.number and self._run is not None and self._run.alive:
            return
        kept, trace = self.experiments[number], self.experiments.trace(number)
        try:
            snapshots = self.experiments.snapshots(number)
        except ArchiveError:  # the curves can be looked at without the network
            snapshots = Snapshots()
        self.reset(kept.settings)
        with self._lock:
            self.trace.hand_over(trace)
            self.trace, self.thresholds, self.snapshots = trace, dict(kept.thresholds), snapshots
            self.nudges, self.stopped, self.origin, self.number = kept.nudges, kept.stopped, kept.origin, number
            self._ended = kept.epochs - kept.more
        trace.publish(urgent=True)
        self._tell()

    def again(self, epoch: int | None = None, **thresholds: float) -> None:
        """Trains the experiment that is shown again, with other parameters of its sharpener; the old one stays kept.

        The run goes on from the last weights that were kept of the experiment up to an epoch, or begins anew where
        there are none. What was changed by hand up to the end of the next epoch is changed again, but for these
        parameters.

        Args:
            epoch: After how many epochs the parameters must be others: before that they would have changed nothing.
                Default: None, from the start, and nothing is changed by hand.
            **thresholds: Parameters of the sharpener. Default: as they were; the run then goes on as it was.

        Raises:
            RuntimeError: The run has not ended.
            ValueError: The sharpener has no such parameters, or they cannot be so; the run had no such epoch before it
                ended for the first time.
            ArchiveError: The weights are damaged.
        """
        number, settings, before, trace = self.number, self.settings, self.nudges, self.trace
        if self._run is not None and self._run.alive:
            raise RuntimeError("Expected a run that has ended; stop it first.")
        if epoch is not None and not 0 <= epoch < settings.epochs:
            raise ValueError(f"Expected an epoch from 0 to {settings.epochs - 1}; got {epoch}. What was trained on "
                             "after the end of a run cannot be run again.")
        asked = {**self.thresholds, **thresholds}
        check_thresholds(settings, asked)
        past = None
        if number is not None and epoch is not None:
            past = self.experiments.checkpoints(number).past(trace, epoch, self.snapshots.networks)
        begins = past.epochs if past is not None else 0
        self.reset(settings, self.thresholds if begins else asked)
        with self._lock:
            if number is not None and past is not None:
                self.origin, self._past, self.nudges = Origin(number, begins), past, before.between(0, begins)
                if thresholds:
                    self._ahead.add(begins, int(trace.epoch_ends[begins - 1]), thresholds)
            for nudge in before.between(begins, 0 if epoch is None else epoch + 1, thresholds).made:
                self._ahead.add(nudge.epoch, nudge.batches, nudge.values)
        self.start()

    def go_on(self) -> None:
        """Trains the experiment that is shown, which was broken off, to its last epoch; the old one stays kept.

        The run goes on from the last weights that were kept of it, and what was changed by hand after them is changed
        again.

        Raises:
            RuntimeError: The run has not ended.
            ValueError: The experiment came to its last epoch, or none of its weights are kept.
            ArchiveError: The weights are damaged.
        """
        if self.number is None or not self.experiments.goes_on(self.experiments[self.number]):
            raise ValueError("Expected an experiment that was broken off before its last epoch, and weights of it to "
                             "go on from; a full folder lets those of the oldest go. Begin anew with its settings.")
        self.again(self.trace.epochs)

    def wait(self, timeout: float | None = None) -> None:
        """Waits until the run has ended.

        Raises:
            TimeoutError: It has not ended in time.
            RuntimeError: It could not be made.
            Exception: Whatever ended it.
        """
        builder = self._builder
        if builder is not None:
            builder.join(timeout)
            if builder.is_alive():
                raise TimeoutError(f"The run has not been made within {timeout:g} s.")
        run = self._run
        if run is not None:
            run.wait(timeout)
        elif self.trace.status == "failed":
            raise RuntimeError(self.trace.message)

    # -- what there is to see -----------------------------------------------------------------------------------------

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Calls ``listener()`` when the settings or the experiments that are kept are others.

        Returns:
            A function that ends it.
        """
        self._listeners.append(listener)

        def unsubscribe() -> None:
            with suppress(ValueError):
                self._listeners.remove(listener)

        return unsubscribe

    @property
    def bare(self) -> bool:
        """Whether there will be no network to look at: an experiment is shown that was kept without."""
        return self.trace.status == "recorded" and not self.snapshots.networks

    @property
    def resumable(self) -> list[int]:
        """The epochs after which the experiment that is shown can be trained on otherwise; see :meth:`again`."""
        return [] if self.number is None or self._ended is None else self.experiments.checkpoints(self.number).epochs

    def wave(self, epochs: float | None = None) -> tuple[int, SpikeRecord] | None:
        """What the neurons did, or would have done if all of them spiked, on the pictures shown.

        Args:
            epochs: After how many epochs; the nearest before is taken. Default: the newest.

        Returns:
            After how many epochs it was, and the spikes; None where there are none yet.
        """
        return self.snapshots.wave(epochs)

    def script(self) -> str:
        """The experiment as a Python script, with what was changed by hand so far."""
        return script(self.settings, self.thresholds, self.nudges, self.stopped, self._more())

    # -- on other threads ---------------------------------------------------------------------------------------------

    def _command(self, command: Callable[[LiveRun], None], begins: bool = False) -> None:
        """Has the run carry out a command; before there is one, none is made but for what begins it."""
        with self._lock:
            run = self._run
            if run is None and self.trace.status == "recorded":
                raise RuntimeError("This is an experiment that was kept. Begin anew to train.")
            if run is None and (begins or self._waiting):
                self._waiting.append(command)
                if len(self._waiting) == 1:
                    self.trace.set_status("running")
                    self._builder = threading.Thread(target=self._build, args=(self.trace, self._builder),
                                                     name="whetstone-build", daemon=True)
                    self._builder.start()
        if run is not None:
            command(run)

    def _build(self, placeholder: Trace, builder: threading.Thread | None) -> None:
        """Makes the run once those before have ended, and carries out what was commanded meanwhile."""
        if builder is not None:
            builder.join()
        before = self._before
        if before is not None:
            with suppress(Exception):
                before.wait()
            self._before = None
        self._make(placeholder)

    def _make(self, placeholder: Trace) -> None:
        with self._lock:
            if self.trace is not placeholder:
                return  # the bench was cleared meanwhile
            settings, thresholds, past, ahead = self.settings, dict(self.thresholds), self._past, self._ahead
        try:
            assembly = self._assemble(settings, thresholds, past, ahead)
        except Exception as error:
            with self._lock:
                if self.trace is placeholder:
                    self._waiting = []
            placeholder.set_status("failed", f"{type(error).__name__}: {error}")
            return
        with self._lock:
            if self.trace is not placeholder:
                return
            run = assembly.run
            self._run, self.trace, self.snapshots = run, run.trace, assembly.companion.snapshots
            placeholder.hand_over(run.trace)
            commands, self._waiting = self._waiting, []
            for command in commands:
                command(run)
        run.trace.publish(urgent=True)

    def _assemble(self, settings: Settings, thresholds: Mapping[str, float], past: Past | None,
                  ahead: Nudges) -> Assembly:
        from whetstone_lab.laboratory.assembly import assemble

        assembly: Assembly = assemble(settings, thresholds, past, ahead, self.nudges,
                                      keep=lambda ended: self._keep(assembly, ended))
        return assembly

    def _keep(self, assembly: Assembly, ended: bool) -> None:
        """Keeps the experiment, unless the bench was cleared: now and then, so that it outlives its process.

        The weights of each whole epoch are kept at once: what the others say of it can be told again from there.
        """
        run = assembly.run
        with self._lock:
            if run is not self._run or not run.trace.epochs:
                return
            due = ended or time.monotonic() - self._kept_at >= _EVERY
            if ended and self._ended is None:
                self.stopped = run.trace.batches if run.model.stop_training else None
                self._ended = run.trace.epochs
            try:
                if due:
                    self._write(run.trace, ended)
                if self.number is not None and self._checkpoints is None:
                    self._checkpoints = self.experiments.checkpoints(self.number)
                if self._checkpoints is not None and not ended and not run.model.stop_training and not self._more():
                    self._checkpoints.keep(run.trace.epochs, assembly.weights())
                self.unkept = ""
            except OSError as error:  # no place to write: the training is worth more than its file
                self.unkept = _unwritten(error)
        if due:
            self._tell()

    def _break_off(self, run: LiveRun) -> str:
        """Keeps a run that is ended for another one, as far as it has come, and says so."""
        trace = Trace.from_parts(*run.trace.to_parts())  # it may still be at a batch
        if trace.epochs and self._ended is None:
            self.stopped = trace.batches
        try:
            return _became(self.experiments, self._write(trace, whole=True) if trace.epochs else None)
        except OSError as error:
            return _unwritten(error)

    def _write(self, trace: Trace, whole: bool) -> Experiment:
        """Writes the experiment as its trace has it."""
        self._kept_at = time.monotonic()
        kept = self.experiments.keep(trace, self.settings, self.thresholds, self.nudges, self.stopped, self.number,
                                     self._more(), self.snapshots, whole, self.origin)
        self.number = kept.number
        return kept

    def _more(self) -> int:
        """Epochs that were trained after the run had ended once."""
        return 0 if self._ended is None else self.trace.epochs - self._ended

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener()


def _at_each_end(tell: Callable[[], None]) -> Callable[[Trace, bool], None]:
    """What tells of each run that has ended: until then nobody can go on with what was kept of it."""
    was = ""

    def heed(trace: Trace, urgent: bool) -> None:
        nonlocal was
        before, was = was, trace.status
        if was != before and was in ("stopped", "finished", "failed"):
            tell()

    return heed


def _became(experiments: Experiments, kept: Experiment | None) -> str:
    """What became of a run that was ended for another, in words."""
    if kept is None:
        return "The run that was training had not come to the end of its first epoch, so there was nothing to keep."
    can = "; Go on, under Runs, trains it on" if experiments.goes_on(kept) else ""
    return f"The run that was training is kept as experiment {kept.number}, up to epoch {kept.epochs}{can}."


def _unwritten(error: OSError) -> str:
    return (f"This run is not kept. Expected a folder that can be written to; got {error}. Name another with "
            "Laboratory(folder=...).")

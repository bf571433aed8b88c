"""``Trace``: what a sharpening run did, batch by batch and epoch by epoch.

Sharpeners write it; widgets, plots and pages only read it. A live run is a trace that still grows: readers subscribe
and are called by the thread that writes. It is plain NumPy, is saved without pickle and knows nothing of Keras.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from whetstone_lab.method.curves import CURVES
from whetstone_lab.method.layer_health import METRICS
from whetstone_lab.records import archive
from whetstone_lab.records.table import Spec, Table

_KIND, _VERSION = "whetstone_lab.trace", 1

#: What a run can be doing. ``recorded`` is a trace that came from a file.
STATUSES = ("ready", "running", "paused", "stopped", "finished", "failed", "recorded")

#: What is kept of every batch, and of every epoch. The names are those in files.
BATCH_COLUMNS = (
    Spec("epoch_of_batch", "int32"),
    Spec("loss", "float64"),
    Spec("sharpness", "float64", ("layers",)),
)
EPOCH_COLUMNS = (
    Spec("epoch_ends", "int64"),
    Spec("firing_rates", "float32", ("layers",), optional=True),
    *(Spec(name, "float32", ("layers",), optional=True, later=True) for name in METRICS),
    Spec("histograms", "float32", ("layers", "bins"), optional=True),
)


@dataclass(frozen=True)
class Event:
    """A decision of the sharpener, a change by hand or a warning, with its reason.

    Attributes:
        batch: Number of batches that had been trained when it happened.
        epoch: The epoch it happened in, counted from 0.
        kind: ``start``, ``stop``, ``improve``, ``wait`` (of the sharpening policy), ``sharp`` (a layer reached 1),
            ``done`` (every layer is sharp), ``threshold`` (a policy parameter changed), ``warning``.
        reason: One plain sentence.
        layer: Index of the layer it is about, or None.
        values: The numbers behind it.
    """

    batch: int
    epoch: int
    kind: str
    reason: str
    layer: int | None = None
    values: dict[str, Any] = field(default_factory=dict)


class _Listeners:
    """Who wants to hear that a trace has grown."""

    def __init__(self) -> None:
        self._all: dict[object, Callable[[Trace, bool], None]] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Callable[[Trace, bool], None]]:
        return iter(self._all.values())

    def __reduce__(self) -> tuple[type[_Listeners], tuple[()]]:
        return _Listeners, ()  # nobody listens to a copy

    def add(self, listener: Callable[[Trace, bool], None]) -> Callable[[], None]:
        subscription = object()
        # The dict is replaced, never changed: another thread may be going through it.
        with self._lock:
            self._all = {**self._all, subscription: listener}

        def unsubscribe() -> None:
            with self._lock:
                self._all = {key: other for key, other in self._all.items() if key is not subscription}

        return unsubscribe


class Trace:
    """The record of one sharpening run.

    Args:
        layers: Names of the spiking layers, bottom first. Default: none yet; :meth:`begin` tells them.
        curves: The curve of each layer, a name in ``curves.CURVES``. Default: bounded ReLU for all.
        policy: The sharpening policy's parameters at the start, JSON-able, with its ``name``.
        meta: Anything else worth keeping, JSON-able.

    Attributes:
        status: What the run is doing, one of ``STATUSES``.
        message: The error's text when the status is ``failed``, else empty.
        events: The :class:`Event` list, oldest first.
        epoch_logs: Per epoch, Keras's logs (loss, accuracy, val_accuracy, ...) as a dict.
        states: Per epoch, the policy's state after it (adaptive: ``reference``, ``waiting``, ``sharpening``, ...).
        rewritten: How often batches that were noted have ceased to hold, so that readers who have read them read anew.
    """

    rewritten = 0

    def __init__(self, layers: Sequence[str] = (), curves: Sequence[str] | None = None,
                 policy: Mapping[str, Any] | None = None, meta: Mapping[str, Any] | None = None) -> None:
        self._listeners = _Listeners()
        self.begin(layers, curves, policy, meta)

    def begin(self, layers: Sequence[str], curves: Sequence[str] | None = None,
              policy: Mapping[str, Any] | None = None, meta: Mapping[str, Any] | None = None) -> None:
        """Starts the record of a run in this trace; the arguments are those of the class, subscribers stay.

        Raises:
            ValueError: The curves are not one for each layer, or are unknown.
        """
        names = tuple(layers)
        kinds = tuple(curves) if curves is not None else ("bounded_relu",) * len(names)
        if len(kinds) != len(names):
            raise ValueError(f"Expected a curve for each of the {len(names)} layers; got {len(kinds)}.")
        unknown = sorted(set(kinds) - set(CURVES))
        if unknown:
            raise ValueError(f"Expected curves among {sorted(CURVES)}; got {unknown}.")
        # Epochs first: a copy that another thread makes of a trace that grows then has all the batches of its epochs.
        self._epochs = Table(EPOCH_COLUMNS, {"layers": len(names)})
        self._batches = Table(BATCH_COLUMNS, {"layers": len(names)})
        self._bins = np.zeros(0)
        self.layers, self.curves = names, kinds
        self.policy, self.meta = dict(policy or {}), dict(meta or {})
        self.status, self.message = "ready", ""
        self.events: list[Event] = []
        self.epoch_logs: list[dict[str, float]] = []
        self.states: list[dict[str, Any]] = []
        self.rewritten += 1

    def __setstate__(self, values: dict[str, Any]) -> None:
        """A copy of a run that goes on does not go on."""
        vars(self).update(values)
        if self.status in ("running", "paused"):
            self.status = "stopped"

    # -- reading ------------------------------------------------------------------------------------------------------

    @property
    def batches(self) -> int:
        """How many batches were trained."""
        return len(self._batches)

    @property
    def epochs(self) -> int:
        """How many epochs were finished."""
        return len(self._epochs)

    @property
    def loss(self) -> np.ndarray:
        """Loss after each batch, as Keras reports it (the running mean of its epoch), shape ``(batches,)``."""
        return self._batches["loss"]

    @property
    def epoch_of_batch(self) -> np.ndarray:
        """The epoch of each batch, counted from 0, shape ``(batches,)``."""
        return self._batches["epoch_of_batch"]

    @property
    def sharpness(self) -> np.ndarray:
        """Sharpness in [0, 1] of each layer after each batch, shape ``(batches, layers)``."""
        return self._batches["sharpness"]

    @property
    def epoch_ends(self) -> np.ndarray:
        """How many batches had been trained at the end of each epoch, shape ``(epochs,)``."""
        return self._epochs["epoch_ends"]

    @property
    def firing_rates(self) -> np.ndarray:
        """Mean activation of each layer after each epoch on the probe (NaN where none), shape ``(epochs, layers)``."""
        return self._epochs["firing_rates"]

    @property
    def histograms(self) -> np.ndarray:
        """Share of the probe's pre-activations in each bin, shape ``(epochs, layers, bins)``; no bins without a probe.

        What lies outside the outer edges is counted in the outer bins, so each row sums to 1.
        """
        return self._epochs["histograms"]

    @property
    def bins(self) -> np.ndarray:
        """Edges of the histograms' bins, in units of the pre-activation, shape ``(bins + 1,)`` or empty."""
        return self._bins

    def epoch_metric(self, name: str) -> np.ndarray:
        """One of Keras's epoch logs as an array, NaN where an epoch lacks it, shape ``(epochs,)``."""
        return np.array([logs.get(name, np.nan) for logs in self.epoch_logs[: self.epochs]])

    def layer_metric(self, name: str) -> np.ndarray:
        """What a probe told of every layer after each epoch, NaN where there was none, shape ``(epochs, layers)``.

        Each is a share in [0, 1]. A neuron of a convolution is a feature map.

        Args:
            name: ``"never_firing"``, ``"always_firing"``, ``"gradient_flow"`` or ``"saturation"``; see
                :class:`whetstone_lab.method.layer_health.LayerHealth`.

        Raises:
            ValueError: There is no such metric.
        """
        if name not in METRICS:
            raise ValueError(f"Expected a metric of layers among {list(METRICS)}; got {name!r}.")
        return self._epochs[name]

    def thresholds_at(self, batch: int) -> dict[str, Any]:
        """The policy's parameters in force once ``batch`` batches had been trained."""
        values = dict(self.policy)
        for event in list(self.events):
            if event.kind == "threshold" and event.batch <= batch:
                values[event.values["name"]] = event.values["new"]
        return values

    def __repr__(self) -> str:
        return f"Trace({len(self.layers)} layers, {self.epochs} epochs, {self.batches} batches, {self.status})"

    # -- writing ------------------------------------------------------------------------------------------------------

    def append_batch(self, epoch: int, loss: float, sharpness: Sequence[float] | np.ndarray) -> None:
        """Adds a trained batch: its epoch (from 0), the loss, and the sharpness of every layer after it."""
        self._batches.append(epoch_of_batch=epoch, loss=float(loss), sharpness=sharpness)

    def append_epoch(self, logs: Mapping[str, float], state: Mapping[str, Any] | None = None,
                     firing_rates: Sequence[float] | np.ndarray | None = None,
                     histograms: np.ndarray | None = None, bins: np.ndarray | None = None,
                     sharpness: Sequence[float] | np.ndarray | None = None,
                     layer_metrics: Mapping[str, Sequence[float] | np.ndarray] | None = None) -> None:
        """Adds a finished epoch.

        Args:
            logs: Keras's logs; those that are single numbers are kept.
            state: The policy's state after it, JSON-able.
            firing_rates: What a probe saw: the mean activation of each layer, shape ``(layers,)``. Default: no probe.
            histograms: The share of the probe's pre-activations in each bin, shape ``(layers, bins)``.
            bins: Edges of the bins, in units of the pre-activation, shape ``(bins + 1,)``; the same in every epoch.
            sharpness: The sharpness of every layer after it, in place of that noted after its last batch, where the end
                of the epoch changed it. Default: nothing changed.
            layer_metrics: What else the probe saw, by the names in :meth:`layer_metric`, each of shape ``(layers,)``.

        Raises:
            ValueError: Something is of another shape than this, or the histograms come without bins.
        """
        numbers = {name: float(value) for name, value in logs.items() if np.ndim(value) == 0}
        changed = None if sharpness is None else self._batches.check_value("sharpness", sharpness)
        unknown = sorted(set(layer_metrics or {}) - set(METRICS))
        if unknown:
            raise ValueError(f"Expected metrics of layers among {list(METRICS)}; got {unknown}.")
        row: dict[str, Any] = {"epoch_ends": self.batches, **(layer_metrics or {})}
        if firing_rates is not None:
            row["firing_rates"] = firing_rates
        self._epochs.check(row)
        if histograms is not None:
            row["histograms"] = self._in_bins(histograms, bins)
        if changed is not None and self.batches:
            self._batches.replace_last("sharpness", changed)
        self.epoch_logs.append(numbers)
        self.states.append(dict(state or {}))
        self._epochs.append(**row)  # last: readers go by its length

    def _in_bins(self, histograms: np.ndarray, bins: np.ndarray | None) -> np.ndarray:
        """Histograms in the bins of this trace, which those of the first one are."""
        if bins is None:
            raise ValueError("Expected histograms with the edges of their bins; got none.")
        bins, histograms = np.asarray(bins, float), np.asarray(histograms, float)
        if histograms.shape != (len(self.layers), len(bins) - 1):
            raise ValueError(f"Expected histograms of shape {(len(self.layers), len(bins) - 1)}; got shape "
                             f"{histograms.shape}.")
        if not len(self._bins):
            # Readers on other threads look at the histograms first: from here on both are whole.
            self._bins = bins
            self._epochs.open("bins", len(bins) - 1)
        elif not np.array_equal(bins, self._bins):
            raise ValueError(f"Expected the bins of the epochs before, from {self._bins[0]} to {self._bins[-1]} in "
                             f"{len(self._bins) - 1}; got {bins[0]} to {bins[-1]} in {len(bins) - 1}.")
        return histograms

    def append_event(self, kind: str, reason: str, *, epoch: int, layer: int | None = None, **values: Any) -> Event:
        """Adds a decision, a change or a warning at the current batch."""
        event = Event(self.batches, int(epoch), kind, reason, layer, values)
        self.events.append(event)
        return event

    def rewind(self) -> None:
        """Forgets the batches after the last finished epoch, and what was decided in them; changes by hand stay."""
        batches = int(self.epoch_ends[-1]) if self.epochs else 0
        self._batches.cut(batches)
        self.events = [replace(event, batch=min(event.batch, batches)) for event in self.events
                       if event.batch <= batches or event.kind == "threshold"]
        self.rewritten += 1  # last: who reads this before the batches reads too often rather than too seldom

    def adopt(self, other: Trace) -> None:
        """Becomes another trace, which must not be used further; the subscribers stay."""
        own = {"_listeners", "rewritten"}
        self.__dict__.update({name: value for name, value in vars(other).items() if name not in own})
        self.rewritten += 1

    def hand_over(self, other: Trace) -> None:
        """Moves all subscribers of this trace to another one, which has none yet."""
        other._listeners, self._listeners = self._listeners, _Listeners()

    def set_status(self, status: str, message: str = "") -> None:
        """Says what the run is doing now, and tells the readers at once."""
        if status not in STATUSES:
            raise ValueError(f"Expected a status among {STATUSES}; got {status!r}.")
        self.status, self.message = status, message
        self.publish(urgent=True)

    def subscribe(self, listener: Callable[[Trace, bool], None]) -> Callable[[], None]:
        """Calls ``listener(trace, urgent)`` whenever the trace has grown, on the thread that writes it.

        A listener must be quick and must not raise; one that draws does so at most some 10 times a second and looks at
        ``urgent`` (the status changed, a threshold changed, the run ended) to draw at once.

        Returns:
            A function that ends the subscription.
        """
        return self._listeners.add(listener)

    @property
    def watched(self) -> bool:
        """Whether somebody has subscribed."""
        return len(self._listeners) > 0

    def publish(self, urgent: bool = False) -> None:
        """Tells the subscribers that the trace has grown."""
        for listener in self._listeners:
            listener(self, urgent)

    # -- files --------------------------------------------------------------------------------------------------------

    def to_parts(self, epochs: int | None = None) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """The trace as plain facts and arrays, what a file holds; :meth:`from_parts` makes a trace of them again.

        Args:
            epochs: Only these first epochs of it, without what was decided or changed by hand after them. Default: all.
        """
        return _take_apart(self, epochs)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the trace to an ``.npz`` file without pickle, in one piece; returns the path."""
        return archive.write(path, _KIND, _VERSION, *self.to_parts())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Trace:
        """Reads a trace that :meth:`save` wrote; its status is then ``recorded``.

        Raises:
            FileNotFoundError: There is no such file.
            ArchiveError: The file is truncated, damaged, of another format, or of a newer version.
        """
        return cls.from_parts(*archive.read(path, _KIND, _VERSION), source=path)

    @classmethod
    def from_parts(cls, header: Mapping[str, Any], arrays: dict[str, np.ndarray],
                   source: str | os.PathLike[str] = "the trace") -> Trace:
        """The trace that :meth:`to_parts` took apart; its status is ``recorded``.

        Args:
            header: The plain facts.
            arrays: Arrays by name.
            source: Where they come from, for the words of errors.

        Raises:
            ArchiveError: A part is missing, or the parts do not fit each other.
        """
        return _put_together(header, arrays, source)


def _event(batch: int, epoch: int, kind: str, reason: str, layer: int | None, values: Mapping[str, Any]) -> Event:
    return Event(int(batch), int(epoch), str(kind), str(reason), None if layer is None else int(layer), dict(values))


def _take_apart(trace: Trace, first: int | None) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    # Epochs first: while a run goes on, the batches read after them hold at least those of the epochs.
    epochs, batches, bins, events = trace.epochs, trace.batches, trace.bins, list(trace.events)
    if first is not None:
        epochs = min(epochs, first)
        batches = int(trace.epoch_ends[epochs - 1]) if epochs else 0
        events = [event for event in events if event.epoch < epochs]
    header = {
        "layers": trace.layers, "curves": trace.curves, "policy": trace.policy, "meta": trace.meta,
        "status": trace.status, "message": trace.message, "events": [asdict(event) for event in events],
        "epoch_logs": trace.epoch_logs[:epochs], "states": trace.states[:epochs],
    }
    arrays = {name: trace._batches[name][:batches] for name in trace._batches.specs}
    arrays |= {name: trace._epochs[name][:epochs] for name in trace._epochs.specs}
    return header, {**arrays, "bins": bins if arrays["histograms"].shape[-1] else np.zeros(0)}


def _put_together(header: Mapping[str, Any], arrays: dict[str, np.ndarray], source: Any) -> Trace:
    try:
        trace = Trace(header["layers"], header["curves"], header["policy"], header["meta"])
        trace.events = [_event(**event) for event in header["events"]]
        trace.epoch_logs = [{str(k): float(v) for k, v in logs.items()} for logs in header["epoch_logs"]]
        trace.states = [dict(state) for state in header["states"]]
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise archive.ArchiveError(f"{source} has a damaged header: {error!r}.") from error
    epochs = len(trace.epoch_logs)
    if len(trace.states) != epochs:
        raise archive.ArchiveError(f"{source} has {len(trace.states)} states for {epochs} epochs: it is damaged.")
    trace._bins = archive.take(arrays, "bins", (None,), "f", source)
    trace._epochs.open("bins", max(len(trace._bins) - 1, 0))
    trace._batches.read(arrays, len(arrays.get("sharpness", ())), source)
    trace._epochs.read(arrays, epochs, source)
    if (np.diff(trace.epoch_ends, prepend=0, append=trace.batches) < 0).any():
        raise archive.ArchiveError(f"{source} has epochs that end outside its {trace.batches} batches: it is "
                                   "damaged.")
    trace.status = "recorded"
    return trace

"""``Trace``: what a sharpening run did, batch by batch and epoch by epoch.

Sharpeners write it; widgets, plots and pages only read it. A live run is a trace that still grows: readers subscribe
and are called by the thread that writes. It is plain NumPy, is saved without pickle and knows nothing of Keras.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from whetstone_lab.method.curves import CURVES
from whetstone_lab.records import archive

_KIND, _VERSION = "whetstone_lab.trace", 1

#: What a run can be doing. ``recorded`` is a trace that came from a file.
STATUSES = ("ready", "running", "paused", "stopped", "finished", "failed", "recorded")

#: What a probe tells of each layer besides its firing rate; see :meth:`Trace.layer_metric`.
LAYER_METRICS = ("never_firing", "always_firing", "gradient_flow", "saturation")


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


class Trace:
    """The record of one sharpening run.

    Args:
        layers: Names of the spiking layers, bottom first.
        curves: The curve of each layer, a name in ``curves.CURVES``. Default: bounded ReLU for all.
        policy: The sharpening policy's parameters at the start, JSON-able, with its ``name``.
        meta: Anything else worth keeping, JSON-able.

    Attributes:
        status: What the run is doing, one of ``STATUSES``.
        message: The error's text when the status is ``failed``, else empty.
        events: The :class:`Event` list, oldest first.
        epoch_logs: Per epoch, Keras's logs (loss, accuracy, val_accuracy, ...) as a dict.
        states: Per epoch, the policy's state after it (adaptive: ``reference``, ``waiting``, ``sharpening``, ...).
    """

    def __init__(self, layers: Sequence[str], curves: Sequence[str] | None = None,
                 policy: Mapping[str, Any] | None = None, meta: Mapping[str, Any] | None = None) -> None:
        self.layers = tuple(layers)
        self.curves = tuple(curves) if curves is not None else ("bounded_relu",) * len(self.layers)
        if len(self.curves) != len(self.layers):
            raise ValueError(f"Expected a curve for each of the {len(self.layers)} layers; got {len(self.curves)}.")
        unknown = sorted(set(self.curves) - set(CURVES))
        if unknown:
            raise ValueError(f"Expected curves among {sorted(CURVES)}; got {unknown}.")
        self.policy = dict(policy or {})
        self.meta = dict(meta or {})
        self.status = "ready"
        self.message = ""
        self.events: list[Event] = []
        self.epoch_logs: list[dict[str, float]] = []
        self.states: list[dict[str, Any]] = []
        self._epoch = _Column((), np.int32)
        self._loss = _Column((), np.float64)
        self._sharpness = _Column((len(self.layers),), np.float64)
        self._epoch_ends = _Column((), np.int64)
        self._rates = _Column((len(self.layers),), np.float32)
        self._layer_metrics = {name: _Column((len(self.layers),), np.float32) for name in LAYER_METRICS}
        self._histograms: _Column | None = None
        self._bins = np.zeros(0)
        self._listeners: dict[object, Callable[[Trace, bool], None]] = {}
        self._lock = threading.Lock()

    # -- reading ------------------------------------------------------------------------------------------------------

    @property
    def batches(self) -> int:
        """How many batches were trained."""
        return len(self._sharpness)

    @property
    def epochs(self) -> int:
        """How many epochs were finished."""
        return len(self._epoch_ends)

    @property
    def loss(self) -> np.ndarray:
        """Loss after each batch, as Keras reports it (the running mean of its epoch), shape ``(batches,)``."""
        return self._loss.values[: self.batches]

    @property
    def epoch_of_batch(self) -> np.ndarray:
        """The epoch of each batch, counted from 0, shape ``(batches,)``."""
        return self._epoch.values[: self.batches]

    @property
    def sharpness(self) -> np.ndarray:
        """Sharpness in [0, 1] of each layer after each batch, shape ``(batches, layers)``."""
        return self._sharpness.values

    @property
    def epoch_ends(self) -> np.ndarray:
        """How many batches had been trained at the end of each epoch, shape ``(epochs,)``."""
        return self._epoch_ends.values

    @property
    def firing_rates(self) -> np.ndarray:
        """Mean activation of each layer after each epoch on the probe (NaN where none), shape ``(epochs, layers)``."""
        return self._rates.values[: self.epochs]

    @property
    def histograms(self) -> np.ndarray:
        """Share of the probe's pre-activations in each bin, shape ``(epochs, layers, bins)``; no bins without a probe.

        What lies outside the outer edges is counted in the outer bins, so each row sums to 1.
        """
        if self._histograms is None:
            return np.zeros((self.epochs, len(self.layers), 0), np.float32)
        return self._histograms.values[: self.epochs]

    @property
    def bins(self) -> np.ndarray:
        """Edges of the histograms' bins, in units of the pre-activation, shape ``(bins + 1,)`` or empty."""
        return self._bins

    def epoch_metric(self, name: str) -> np.ndarray:
        """One of Keras's epoch logs as an array, NaN where an epoch lacks it, shape ``(epochs,)``."""
        return np.array([logs.get(name, np.nan) for logs in self.epoch_logs[: self.epochs]])

    def layer_metric(self, name: str) -> np.ndarray:
        """What a probe told of every layer after each epoch, NaN where there was none, shape ``(epochs, layers)``.

        Each is a share in [0, 1]. A neuron is an element of the last axis: in a convolution, a feature map.

        Args:
            name: ``"never_firing"`` or ``"always_firing"``, neurons whose activation stays below 0.01, or above 0.99,
                on the whole probe: dead ones; ``"gradient_flow"``, pre-activations at which the backward pass lets
                through at least a tenth of the gradient at the threshold; ``"saturation"``, activations below 0.01 or
                above 0.99, which in a sharp layer all are.

        Raises:
            ValueError: There is no such metric.
        """
        if name not in self._layer_metrics:
            raise ValueError(f"Expected a metric of layers among {list(LAYER_METRICS)}; got {name!r}.")
        return self._layer_metrics[name].values[: self.epochs]

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
        # All is checked before anything is written, so that a refused row leaves no column longer than the others.
        row = _row("sharpness", sharpness, self._sharpness.shape)
        loss = float(loss)
        self._epoch.append(epoch)
        self._loss.append(loss)
        self._sharpness.append(row)  # last: its length is the number of batches that readers see

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
        rates = np.nan if firing_rates is None else _row("firing_rates", firing_rates, self._rates.shape)
        numbers = {name: float(value) for name, value in logs.items() if np.ndim(value) == 0}
        row = None if sharpness is None else _row("sharpness", sharpness, self._sharpness.shape)
        metrics = {name: _row(name, values, self._rates.shape) for name, values in (layer_metrics or {}).items()}
        unknown = sorted(set(metrics) - set(LAYER_METRICS))
        if unknown:
            raise ValueError(f"Expected metrics of layers among {list(LAYER_METRICS)}; got {unknown}.")
        if histograms is not None:
            if bins is None:
                raise ValueError("Histograms need the edges of their bins; got none.")
            bins = np.asarray(bins, float)
            histograms = _row("histograms", histograms, (len(self.layers), len(bins) - 1))
            if self._histograms is None:
                column = _Column(histograms.shape, np.float32)
                column.extend(np.full((self.epochs, *histograms.shape), np.nan))
                # Readers on other threads look at the histograms first: from here on both are whole.
                self._bins, self._histograms = bins, column
            elif not np.array_equal(bins, self._bins):
                raise ValueError(f"Expected the bins of the epochs before, from {self._bins[0]} to {self._bins[-1]} in "
                                 f"{len(self._bins) - 1}; got {bins[0]} to {bins[-1]} in {len(bins) - 1}.")
        if self._histograms is not None:
            self._histograms.append(np.nan if histograms is None else histograms)
        if row is not None and self.batches:
            self._sharpness.values[-1] = row
        self._rates.append(rates)
        for name, column in self._layer_metrics.items():
            column.append(metrics.get(name, np.nan))
        self.epoch_logs.append(numbers)
        self.states.append(dict(state or {}))
        self._epoch_ends.append(self.batches)  # last: its length is the number of epochs that readers see

    def append_event(self, kind: str, reason: str, *, epoch: int, layer: int | None = None, **values: Any) -> Event:
        """Adds a decision, a change or a warning at the current batch."""
        event = Event(self.batches, int(epoch), kind, reason, layer, values)
        self.events.append(event)
        return event

    def rewind(self) -> None:
        """Forgets the batches after the last finished epoch, and what was decided in them; changes by hand stay."""
        batches = int(self.epoch_ends[-1]) if self.epochs else 0
        self._sharpness.cut(batches)  # first: its length is the number of batches that readers see
        self._loss.cut(batches)
        self._epoch.cut(batches)
        self.events = [replace(event, batch=min(event.batch, batches)) for event in self.events
                       if event.batch <= batches or event.kind == "threshold"]

    def adopt(self, other: Trace) -> None:
        """Becomes another trace, which must not be used further; the subscribers stay."""
        self.__dict__.update({name: value for name, value in vars(other).items()
                              if name not in ("_listeners", "_lock")})

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
        subscription = object()
        # The dict is replaced, never changed: ``publish`` may be going through it on another thread.
        with self._lock:
            self._listeners = {**self._listeners, subscription: listener}

        def unsubscribe() -> None:
            with self._lock:
                self._listeners = {key: other for key, other in self._listeners.items() if key is not subscription}

        return unsubscribe

    @property
    def watched(self) -> bool:
        """Whether somebody has subscribed."""
        return bool(self._listeners)

    def publish(self, urgent: bool = False) -> None:
        """Tells the subscribers that the trace has grown."""
        for listener in self._listeners.values():
            listener(self, urgent)

    # -- files --------------------------------------------------------------------------------------------------------

    def to_parts(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """The trace as plain facts and arrays, what a file holds; :meth:`from_parts` makes a trace of them again."""
        # Epochs first: while a run goes on, the batches read after them hold at least those of the epochs.
        epochs, batches = self.epochs, self.batches
        histograms = self.histograms[:epochs]
        header = {
            "layers": self.layers, "curves": self.curves, "policy": self.policy, "meta": self.meta,
            "status": self.status, "message": self.message, "events": [asdict(event) for event in self.events],
            "epoch_logs": self.epoch_logs[:epochs], "states": self.states[:epochs],
        }
        arrays = {
            "epoch_of_batch": self.epoch_of_batch[:batches], "loss": self.loss[:batches],
            "sharpness": self.sharpness[:batches], "epoch_ends": self.epoch_ends[:epochs],
            "firing_rates": self.firing_rates[:epochs], "histograms": histograms,
            "bins": self.bins if histograms.shape[-1] else np.zeros(0),
            **{name: self.layer_metric(name)[:epochs] for name in LAYER_METRICS},
        }
        return header, arrays

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
        path = source
        try:
            trace = cls(header["layers"], header["curves"], header["policy"], header["meta"])
            trace.events = [_event(**event) for event in header["events"]]
            trace.epoch_logs = [{str(k): float(v) for k, v in logs.items()} for logs in header["epoch_logs"]]
            trace.states = [dict(state) for state in header["states"]]
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise archive.ArchiveError(f"{path} has a damaged header: {error!r}.") from error
        layers, epochs = len(trace.layers), len(trace.epoch_logs)
        sharpness = archive.take(arrays, "sharpness", (None, layers), "f", path)
        batches = len(sharpness)
        bins = archive.take(arrays, "bins", (None,), "f", path)
        histograms = archive.take(arrays, "histograms", (epochs, layers, max(len(bins) - 1, 0)), "f", path)
        trace._sharpness.extend(sharpness)
        trace._loss.extend(archive.take(arrays, "loss", (batches,), "f", path))
        trace._epoch.extend(archive.take(arrays, "epoch_of_batch", (batches,), "iu", path))
        ends = archive.take(arrays, "epoch_ends", (epochs,), "iu", path)
        if (np.diff(ends, prepend=0, append=batches) < 0).any():
            raise archive.ArchiveError(f"{path} has epochs that end outside its {batches} batches: it is damaged.")
        trace._epoch_ends.extend(ends)
        trace._rates.extend(archive.take(arrays, "firing_rates", (epochs, layers), "f", path))
        for name, column in trace._layer_metrics.items():  # files of the first release lack them
            column.extend(archive.take(arrays, name, (epochs, layers), "f", path) if name in arrays
                          else np.full((epochs, layers), np.nan))
        if len(bins):
            trace._bins = bins
            trace._histograms = _Column(histograms.shape[1:], np.float32)
            trace._histograms.extend(histograms)
        if len(trace.states) != epochs:
            raise archive.ArchiveError(f"{path} has {len(trace.states)} states for {epochs} epochs: it is damaged.")
        trace.status = "recorded"
        return trace


def _event(batch: int, epoch: int, kind: str, reason: str, layer: int | None, values: Mapping[str, Any]) -> Event:
    return Event(int(batch), int(epoch), str(kind), str(reason), None if layer is None else int(layer), dict(values))


def _row(name: str, values: Any, shape: tuple[int, ...]) -> np.ndarray:
    row = np.asarray(values, float)
    if row.shape != shape:
        raise ValueError(f"Expected {name} of shape {shape}; got shape {row.shape}.")
    return row


class _Column:
    """An array that grows by rows at a constant cost a row; readers on other threads always see whole rows."""

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.shape = shape
        self._buffer = np.zeros((64, *shape), dtype)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def values(self) -> np.ndarray:
        # The length is read first: a buffer swapped in between holds at least as many rows.
        length = self._length
        return self._buffer[:length]

    def append(self, row: Any) -> None:
        if self._length == len(self._buffer):
            self._buffer = np.concatenate([self._buffer, np.zeros_like(self._buffer)])
        self._buffer[self._length] = row
        self._length += 1

    def cut(self, length: int) -> None:
        # Into a new buffer: readers may still hold views of rows that would be written over.
        self._buffer, self._length = self._buffer.copy(), min(length, self._length)

    def extend(self, rows: np.ndarray) -> None:
        self._buffer = np.concatenate([self._buffer[: self._length], np.asarray(rows, self._buffer.dtype),
                                       np.zeros((64, *self.shape), self._buffer.dtype)])
        self._length += len(rows)

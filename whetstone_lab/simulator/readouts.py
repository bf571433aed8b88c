"""``Readout``: how the output of a network is scored and what it decides. The one place for both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from whetstone_lab.method import class_keys
from whetstone_lab.simulator.operations import Shape

#: How an output can be read: ``key``, output spikes vote for the class whose n-hot key they match best; ``linear`` or
#: ``softmax``, an analog output of which the largest wins; ``logit`` or ``sigmoid``, an analog output of which each
#: value answers yes or no; ``values``, an analog output that stands for no classes, as in a regression; ``spikes``,
#: output spikes that stand for no classes.
READOUTS = ("key", "linear", "softmax", "logit", "sigmoid", "values", "spikes")

#: Those of analog outputs; the first is what one is unless told otherwise.
ANALOG = ("linear", "softmax", "logit", "sigmoid", "values")

#: Those whose scores decide for a class: that with the largest score, the lowest class on a tie.
_DECIDING = ("key", "linear", "softmax", "logit", "sigmoid")

#: Those of which each value decides by itself between class 0, no, and class 1, yes.
_BINARY = ("logit", "sigmoid")


@dataclass(frozen=True, eq=False)
class Readout:
    """Scores the output of a network and decides.

    The scores are called votes. With a key K they are ``(2 h - 1) @ (2 K - 1)^T`` for output spikes h, whole numbers;
    otherwise they are the analog output itself, before any softmax, which changes no winner. Whatever stands before the
    last axis of the output is a place, and each has a class of its own: a segmentation with an output of shape
    ``(rows, columns, classes)`` decides for every pixel. The votes of several time steps are added up.

    A logit y answers yes, class 1, where ``y > threshold``. Its votes for no and yes are ``threshold - y`` and
    ``y - threshold``, so that here too the most votes win, and no on a tie. A sigmoid is read before it is computed,
    since it is above 1/2 where its logit is above 0. (Only a logit so small that float32 cannot tell its sigmoid from
    1/2, below some 10^-7, makes Keras see a tie that is none.) An output of several logits has a place for each.

    Args:
        kind: One of :data:`READOUTS`.
        shape: Shape of the output of one sample, ``(..., outputs)``; a single value has shape ``(1,)``.
        key: Class key, shape ``(classes, outputs)``, if the kind is ``"key"``. Default: none.
        dtype: The floating point type of the output. Default: float32.
        threshold: What a ``"logit"`` or ``"sigmoid"`` must exceed to be a yes. Default: 0.

    Example:
        >>> readout = Readout("logit", (1,))
        >>> votes = readout.score(np.array([[2.0], [-0.5], [0.0]], np.float32))
        >>> votes.tolist(), readout.decide(votes).tolist()
        ([[-2.0, 2.0], [0.5, -0.5], [-0.0, 0.0]], [1, 0, 0])
        >>> readout = Readout("key", (4,), np.array([[1, 1, 0, 0], [0, 0, 1, 1]]))
        >>> votes = readout.score(np.array([[1, 1, 0, 1], [0, 0, 0, 1]], np.float32))
        >>> votes.tolist(), readout.decide(votes).tolist()
        ([[2.0, -2.0], [-2.0, 2.0]], [0, 1])
    """

    kind: str
    shape: Shape
    key: np.ndarray | None = None
    dtype: Any = np.float32
    threshold: float = 0.0

    @classmethod
    def of(cls, output: str, shape: Shape, spiking: bool, kind: str | None = None, key: Any = None,
           dtype: Any = np.float32, threshold: float = 0.0) -> Readout:
        """The readout that suits an output.

        Args:
            output: Name of the node that is read, for errors.
            shape: Shape of its output of one sample.
            spiking: Whether it puts out spikes.
            kind: How it is to be read. Default: ``"key"``, ``"spikes"`` or ``"linear"``, as the output demands.
            key: Class key. Default: none.
            dtype: The floating point type of the output. Default: float32.
            threshold: What a logit must exceed to be a yes. Default: 0.

        Raises:
            ValueError: There is no such kind, it does not suit the output, or the key or the threshold does not.
        """
        if kind is not None and kind not in READOUTS:
            raise ValueError(f"Expected a readout among {READOUTS}; got {kind!r}.")
        kinds = ("key",) if key is not None else ("spikes",) if spiking else ANALOG
        if key is not None and not spiking:
            raise ValueError(f"Expected a class key to read spikes; the output, node {output!r}, is analog.")
        if kind is not None and kind not in kinds:
            what = "spikes with a key" if key is not None else "spikes without a key" if spiking else "analog"
            raise ValueError(f"Expected a readout among {kinds}, as the output is {what}; got {kind!r}.")
        kind = kind or kinds[0]
        if not math.isfinite(threshold) or (threshold and kind not in _BINARY):
            raise ValueError(f"Expected a threshold for a readout among {_BINARY} only, a finite number; got "
                             f"{threshold!r} for {kind!r}.")
        shape = shape or (1,)
        if 0 in shape and kind != "spikes":
            raise ValueError(f"Expected an output with at least one value; node {output!r} has shape {shape}.")
        if key is not None:
            key = class_keys.check_key(key, width=shape[-1])
        return cls(kind, shape, key, dtype, float(threshold))

    @property
    def decides(self) -> bool:
        """Whether the output stands for classes."""
        return self.kind in _DECIDING

    @property
    def columns(self) -> int:
        """How many scores each place has: one for each class or analog value, none for spikes that are not scored."""
        if self.kind in _BINARY:
            return 2
        return 0 if self.kind == "spikes" else self.shape[-1] if self.key is None else len(self.key)

    @property
    def places(self) -> Shape:
        """Axes of the places that have a class each: ``()`` for a class a sample, ``(rows, columns)`` for an image."""
        if self.kind in _BINARY and self.shape[-1] > 1:
            return self.shape
        return self.shape[:-1] if self.decides else ()

    def empty(self, samples: int) -> np.ndarray:
        """Room for the votes of so many samples, shape ``(samples, ..., columns)``, zeros; integers with a key."""
        shape = self.shape[:-1] if self.kind == "values" else self.places
        return np.zeros((samples, *shape, self.columns), self.dtype if self.key is None else np.int64)

    def score(self, output: np.ndarray, steps: int = 1) -> np.ndarray:
        """The votes of outputs.

        Args:
            output: Shape ``(samples * steps, *shape)``, the steps of a sample one after the other.
            steps: How many there are of each sample; their votes are added up. Default: 1.

        Returns:
            Shape ``(samples, ..., columns)``, floating point.
        """
        if self.kind == "spikes":
            return np.zeros((len(output) // steps, 0), self.dtype)
        if output.ndim == 1:
            output = output[:, None]
        if self.key is not None:
            signs, offset = self._signs
            output = output.dot(signs) if output.ndim == 2 else output @ signs
            output -= offset
        elif self.kind in _BINARY:
            beyond = output.reshape(len(output), *self.places) - np.asarray(self.threshold, self.dtype)
            output = np.stack([-beyond, beyond], axis=-1)
        return output if steps == 1 else output.reshape(-1, steps, *output.shape[1:]).sum(axis=1)

    def decide(self, votes: np.ndarray) -> np.ndarray:
        """The class of each sample, or of each place: the most votes, the lowest class on a tie.

        Args:
            votes: Shape ``(samples, ..., columns)``, as :meth:`score` gives them.

        Returns:
            Integers, shape ``(samples, ...)``; shape ``(0,)`` where the output stands for no classes.
        """
        return votes.argmax(axis=-1) if self.decides else np.zeros(0, np.int64)

    def check_labels(self, labels: Any, samples: int) -> np.ndarray:
        """What is true of samples, as an array: a class for each decision, or the values of a ``"values"``.

        Args:
            labels: As Keras takes them. Integers of shape ``(samples,)`` or ``(samples, *places)``, perhaps with a
                last axis of 1; for yes or no, zeros and ones of any type; for classes also rows of ``columns`` zeros
                and a single 1. For ``"values"`` and ``"spikes"``, numbers of the output's shape. None where unknown.
            samples: How many samples there are.

        Returns:
            The labels; shape ``(0,)`` where they are unknown.

        Raises:
            ValueError: They are of another type or shape.
        """
        if labels is None:
            return np.zeros(0, np.int64)
        array = np.asarray(labels)
        numbers = array.dtype.kind in "biuf"
        if not self.decides and numbers and (
                array.shape == (samples, *self.shape) or
                (self.kind, array.shape, self.shape) == ("values", (samples,), (1,))):
            return array.reshape(samples, *self.shape)
        one_hot = self.decides and self.kind not in _BINARY and self.columns > 1 and (
            array.shape == (samples, *self.places, self.columns))
        if self.kind in _BINARY and numbers and np.isin(array, (0, 1)).all():
            array = array.astype(np.int64)
        elif self.kind in _BINARY:
            raise ValueError(f"Expected labels of 0 and 1, as the output decides between two; got dtype {array.dtype}"
                             f"{f' and {array.min()} to {array.max()}' if array.dtype.kind in 'iuf' else ''}.")
        elif one_hot and numbers and ((array == 0) | (array == 1)).all() and (array.sum(axis=-1) == 1).all():
            array = array.argmax(axis=-1)
        if self.decides and array.shape == (samples, *self.places, 1):
            array = array[..., 0]
        if array.shape not in ((samples,), (samples, *self.places)) or array.dtype.kind not in "iu":
            places = f" or {(samples, *self.places)}" if self.places else ""
            values = "" if self.decides else f", or numbers of shape {(samples, *self.shape)}"
            rows = f", or rows of {self.columns} with a single 1" if self.decides and self.kind not in _BINARY else ""
            raise ValueError(f"Expected integer labels of shape ({samples},){places}{values}{rows}; got shape "
                             f"{array.shape} and dtype {array.dtype}.")
        return array

    def measure(self, votes: np.ndarray, labels: Any) -> dict[str, float]:
        """How good votes are: a figure that suits the output, by the name that Keras has for it.

        Args:
            votes: As :meth:`score` gives them.
            labels: What is true, as :meth:`check_labels` takes it.

        Returns:
            ``"accuracy"`` where the output decides, ``"mean_absolute_error"`` and ``"mean_squared_error"`` of values;
            nothing of spikes that stand for no classes.

        Raises:
            ValueError: The labels do not suit the output, or there is no sample.

        Example:
            >>> Readout("values", (1,)).measure(np.array([[1.0], [2.0]]), [1.5, 2.0])
            {'mean_absolute_error': 0.25, 'mean_squared_error': 0.125}
        """
        true = self.check_labels(labels, len(votes))
        if self.decides:
            return {"accuracy": accuracy(self.decide(votes), true)}
        if self.kind == "spikes":
            return {}
        if true.shape != votes.shape or not votes.size:
            raise ValueError(f"Expected a true value for each value, shape {votes.shape}, and at least one; got shape "
                             f"{true.shape}.")
        error = votes.astype(np.float64) - true
        return {"mean_absolute_error": float(np.abs(error).mean()), "mean_squared_error": float((error**2).mean())}

    @cached_property
    def _signs(self) -> tuple[np.ndarray, np.ndarray]:
        """``(2 h - 1) @ (2 K - 1)^T``, multiplied out: whole numbers, so exact in any order, and a tie is a tie."""
        assert self.key is not None
        signs = 2 * self.key.T.astype(self.dtype) - 1
        return 2 * signs, signs.sum(axis=0)


def accuracy(classes: Any, labels: Any) -> float:
    """The share of right decisions, in [0, 1]; where each place has a class, the share of places.

    Args:
        classes: What was decided, shape ``(samples, ...)``.
        labels: The true classes, of the same shape.

    Raises:
        ValueError: The shapes differ, or there is nothing to compare.

    Example:
        >>> accuracy([0, 1, 2, 1], [0, 1, 2, 2])
        0.75
    """
    decided, true = np.asarray(classes), np.asarray(labels)
    if decided.shape != true.shape or not decided.size:
        raise ValueError(f"Expected a label for each decision, and at least one; got shape {true.shape} for decisions "
                         f"of shape {decided.shape}.")
    return float((decided == true).mean())

"""Data that do not fit a model, found before it is trained.

Keras finds some of it in the first batch, in words about tensors. Some it never finds: labels past the classes teach
nothing on JAX, and on a GPU turn the loss into NaN; labels that are decimals are cut off; one target for several values
is taken for all of them; the cross-entropy of targets beyond 0 and 1 falls without end; one NaN in the inputs makes all
weights NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from whetstone_lab.training.heads import BINARY, CATEGORICAL, NUMERIC, Head, input_names, loss_name
from whetstone_lab.training.objectives import for_each, heads_known, losses_of

_SPARSE = "sparse_categorical_crossentropy"

#: Losses whose targets are probabilities, 0 and 1 among them.
_PROBABILITIES = ("binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy",
                  "categorical_focal_crossentropy")


def check_data(model: keras.Model, loss: Any, x: Any, y: Any, what: str = "") -> None:
    """Refuses arrays that a model cannot be trained on, or would not learn from as they are meant.

    Looked at are the shapes of inputs and targets, whether they are numbers and, where the loss takes labels, what
    these are. Data that come in batches, such as a ``tf.data.Dataset``, are not looked into here: give a batch of them.
    Nor are targets of losses that are not Keras's.

    Args:
        model: A model. Where its layers cannot be followed, nothing is checked.
        loss: As ``model.compile`` takes it.
        x: Inputs, as for ``model.fit``.
        y: Targets, as for ``model.fit``.
        what: What the data are for, for messages, as ``" of validation_data"``. Default: to train on.

    Raises:
        ValueError: They do not fit. The message says which input or output, what was expected and what to do.
    """
    for name, expected, array in _inputs(model, x):
        shape = tuple(array.shape)[1:]
        if not _fits(shape, expected):
            raise ValueError(f"Expected input {name!r}{what} of shape {_said(expected)}; got {tuple(array.shape)}. "
                             "Bring each sample to the shape that the model's Input layer has, or give that the shape "
                             "of a sample.")
        _check_numbers(f"input {name!r}{what}", array)
    heads = heads_known(model, loss)
    for head, own, target in zip(heads, losses_of(heads, loss), for_each(heads, y), strict=True):
        called = loss_name(own)
        if not hasattr(target, "__array__") or None in head.shape[-1:]:
            continue
        array = np.asarray(target)
        if called == _SPARSE and head.shape:
            _check_labels(head, own, array, what)
        elif called in CATEGORICAL | BINARY | NUMERIC and not _fits(array.shape[1:], head.shape):
            raise ValueError(f"Expected targets{what} of output {head.name!r} of shape {_said(head.shape)}, as its "
                             f"values have; got {array.shape}. Bring the targets to the size of the output.")
        elif called in _PROBABILITIES:
            _check_probabilities(head, array, what)
        elif called in NUMERIC:
            _check_numbers(f"targets{what} of output {head.name!r}", array)


def _check_labels(head: Head, loss: Any, labels: np.ndarray, what: str) -> None:
    """Refuses labels that are no integers from 0 to the last class, or not one for each decision."""
    places, classes = head.shape[:-1], int(head.shape[-1] or 0)
    whose = f"labels{what} of output {head.name!r}"
    if not _fits(labels.shape[1:], places):
        size = ("Bring masks to the size of the output, without interpolating between the numbers of classes." if places
                else "Give one integer for each sample; for n-hot rows say loss=\"categorical_crossentropy\".")
        raise ValueError(f"Expected {whose} of shape {_said(places)}, one for each "
                         f"{'place' if places else 'sample'}; got {labels.shape}. {size}")
    whole = labels.dtype.kind in "biu" or (labels.dtype.kind == "f" and bool((labels == np.floor(labels)).all()))
    if not whole:
        raise ValueError(f"Expected {whose} to be integers from 0 to {classes - 1}; got dtype {labels.dtype}"
                         f"{' with fractions' if labels.dtype.kind == 'f' else ''}. Number the classes from 0; if the "
                         "targets are numbers and no classes, say loss=\"mean_squared_error\".")
    void = getattr(loss, "ignore_class", None)
    known = labels if void is None else labels[labels != void]
    if known.size and (known.min() < 0 or known.max() >= classes):
        besides = "" if void is None else f", or {void} for void"
        raise ValueError(f"Expected {whose} from 0 to {classes - 1}{besides}, as there are {classes} classes; got "
                         f"{known.min():g} to {known.max():g}. Give the model as many classes as there are, or number "
                         "them from 0. If a label stands for no class, name it: "
                         "loss=whetstone_lab.SegmentationCrossentropy(void=...).")
    weights = getattr(loss, "class_weights", None)
    if weights is not None and len(weights) != classes:
        raise ValueError(f"Expected a class weight for each of the {classes} classes of output {head.name!r}; got "
                         f"{len(weights)}.")


def _check_numbers(whose: str, array: Any) -> None:
    """Refuses NaN and infinity. Of a file that is mapped into memory not all is read for it."""
    if not isinstance(array, np.ndarray) or isinstance(array, np.memmap) or array.dtype.kind != "f" or not array.size:
        return
    if np.isfinite(array.min()) and np.isfinite(array.max()):  # a NaN is the least and the largest
        return
    at = np.unravel_index(int(np.argmin(np.isfinite(array))), array.shape)
    raise ValueError(f"Expected {whose} to be finite numbers; got {array[at]} in sample {at[0]}, in "
                     f"{np.count_nonzero(~np.isfinite(array).reshape(len(array), -1).all(axis=1))} of {len(array)} "
                     "samples. Leave these samples out, or put a number in place of what is missing.")


def _check_probabilities(head: Head, targets: np.ndarray, what: str) -> None:
    """Refuses targets beyond 0 and 1, from which a cross-entropy falls without end. Roundings are let pass."""
    if targets.dtype.kind in "iuf" and targets.size and (targets.min() < -1e-3 or targets.max() > 1.001):
        raise ValueError(f"Expected targets{what} of output {head.name!r} from 0 to 1, as its loss is a cross-entropy "
                         f"of probabilities; got {targets.min():g} to {targets.max():g}. Divide shades by 255, write "
                         "-1 and 1 as 0 and 1, and give a map of classes as one integer for each place.")


def _inputs(model: Any, x: Any) -> list[tuple[str, Sequence[int | None], Any]]:
    """Name, shape of a sample and array of each input that is an array; none where they cannot be told apart."""
    tensors = getattr(model, "inputs", None) or []
    if isinstance(x, Mapping):
        arrays = [x.get(name) for name in input_names(model)] if tensors else []
    else:
        arrays = [*x] if isinstance(x, (list, tuple)) else [x]
    if len(arrays) != len(tensors):
        return []
    return [(tensor.name, tuple(tensor.shape[1:]), array) for tensor, array in zip(tensors, arrays, strict=True)
            if hasattr(array, "shape")]


def _fits(shape: Sequence[int], expected: Sequence[int | None]) -> bool:
    """Whether a sample has a shape, but for a last axis of 1, which Keras adds and takes away as needed."""
    def alike(one: Sequence[int | None], other: Sequence[int | None]) -> bool:
        return len(one) == len(other) and all(a == b or None in (a, b) for a, b in zip(one, other, strict=True))

    return alike(shape, expected) or alike([*shape, 1], expected) or alike(shape, [*expected, 1])


def _said(shape: Sequence[int | None]) -> str:
    """The shape of samples, for messages."""
    return f"({', '.join(['samples', *('any' if length is None else str(length) for length in shape)])})"

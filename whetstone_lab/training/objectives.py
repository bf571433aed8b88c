"""Losses and metrics that fit what the outputs of a model stand for, for those who name none."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from whetstone_lab.training.heads import BINARY, NUMERIC, Head, heads_of, loss_name, output_names
from whetstone_lab.training.segmentation import SegmentationAccuracy, SegmentationCrossentropy

#: Heads that choose one class of several.
_CLASSES = ("key", "softmax", "linear")


def fitting_loss(model: keras.Model, y: Any = None, *, whole: bool = True) -> Any:
    """A loss for each output of a model, as ``model.compile`` takes them.

    ========================  ==================================================================================
    head                      loss
    ========================  ==================================================================================
    class key, softmax        categorical cross-entropy, sparse unless the targets are n-hot
    several linear values     the same, from logits; binary cross-entropy from logits where rows of 0 and 1 hold not
                              exactly one 1; the mean squared error for targets of other numbers
    sigmoid                   binary cross-entropy
    one linear value          the mean squared error; or binary cross-entropy from logits for targets of 0 and 1
    classes at the places     :class:`~whetstone_lab.SegmentationCrossentropy`, unless the targets are n-hot
    of a map
    spikes                    the mean squared error for targets of the output's shape; or else as for a softmax
    ========================  ==================================================================================

    Args:
        model: A model. Where its layers cannot be followed, the loss is that of a softmax.
        y: The targets, as for ``model.fit``. Default: unknown; those of classes are then taken for integers.
        whole: Whether these are all targets, and not a batch of them, which may hold 0 and 1 by chance. Default: True.

    Returns:
        The loss of a model with one output; a list, or a dict where the model gives one, of several.

    Warns:
        UserWarning: Of one linear value the targets are unknown, as they are in a data set or before ``fit``, so that a
            yes or no would be trained as a regression.
    """
    heads = heads_known(model, None)
    if not heads:
        return "sparse_categorical_crossentropy"
    targets = for_each(heads, y)
    if not whole:
        targets = [None if head.kind == "values" and _binary(target) else target
                   for head, target in zip(heads, targets, strict=True)]
    for head, target in zip(heads, targets, strict=True):
        if head.kind == "values" and target is None:
            warnings.warn(f"Output {head.name!r}, one linear value, is trained as the number of a regression, with the "
                          "mean squared error, since its targets are not known before the training. If it answers yes "
                          "or no, say loss=keras.losses.BinaryCrossentropy(from_logits=True); if not, "
                          "loss=\"mean_squared_error\".", stacklevel=4)
    return _together(model, [_loss(head, target) for head, target in zip(heads, targets, strict=True)])


def fitting_metrics(model: keras.Model, loss: Any) -> Any:
    """Metrics for each output of a model, as ``model.compile`` takes them: accuracy, or the mean absolute error.

    Where the loss leaves out a label that stands for no class, so does the accuracy.

    Args:
        model: A model. Where its layers cannot be followed, the metric is accuracy.
        loss: Its loss, as ``model.compile`` takes it.

    Returns:
        The list of a model with one output; a list or a dict of lists for several.
    """
    heads = heads_known(model, loss)
    if not heads:
        return ["accuracy"]
    return _together(model, [_metrics(head, own) if own is not None else None
                             for head, own in zip(heads, losses_of(heads, loss), strict=True)])


def losses_of(heads: Sequence[Head], loss: Any) -> list[Any]:
    """The loss of each head, where ``compile`` takes one for all, a list or a dict; None for one without."""
    return for_each(heads, loss) if isinstance(loss, (list, tuple, dict)) else [loss] * len(heads)


def heads_known(model: Any, loss: Any) -> list[Head]:
    """The heads of a model by its layers alone, or by its layers and a loss; none where they cannot be followed."""
    try:
        return heads_of(model, loss if loss is not None else [])
    except (TypeError, ValueError):
        return []


def _loss(head: Head, target: Any) -> Any:
    losses, array = keras.losses, None if target is None else np.asarray(target)
    whole = array is not None and array.dtype.kind in "biu"
    binary = array if array is not None and _binary(array) else None
    alike = array is not None and (*array.shape[1:],) == tuple(head.shape)
    if head.kind == "sigmoid":
        return "binary_crossentropy"
    # Keras takes a target of shape (samples,) for an output of shape (samples, 1), too.
    if head.kind == "spikes" and (alike or head.shape[-1:] == (1,)):
        return "mean_squared_error"
    if head.kind == "values":
        # Fractions may happen to be all 0, or all 1; whole numbers are meant so.
        yes_or_no = binary is not None and (whole or len(np.unique(binary)) == 2)
        return losses.BinaryCrossentropy(from_logits=True) if yes_or_no else "mean_squared_error"
    if head.kind == "linear" and alike:
        if binary is None:
            return "mean_squared_error"
        one_hot = (binary.sum(axis=-1) == 1).all()
        return (losses.CategoricalCrossentropy if one_hot else losses.BinaryCrossentropy)(from_logits=True)
    if len(head.shape) > 2 and not alike:
        return SegmentationCrossentropy(from_logits=head.kind == "linear")
    if head.kind == "linear":
        return losses.SparseCategoricalCrossentropy(from_logits=True)
    return "categorical_crossentropy" if alike else "sparse_categorical_crossentropy"


def _binary(targets: Any) -> bool:
    """Whether targets are zeros and ones."""
    array = np.asarray(targets)
    return array.dtype.kind in "biuf" and bool(np.isin(array, (0, 1)).all())


def _metrics(head: Head, loss: Any) -> list[Any]:
    called = loss_name(loss)
    if head.kind in ("sigmoid", "logit") and called in BINARY:
        if "hinge" in str(called):  # whose targets may be -1 and 1
            return []
        threshold = 0.5 if head.kind == "sigmoid" else head.threshold
        return [keras.metrics.BinaryAccuracy(name="accuracy", threshold=threshold)]
    if head.kind in _CLASSES and (void := getattr(loss, "ignore_class", None)) is not None:
        return [SegmentationAccuracy(void)]
    if called in NUMERIC and head.kind not in _CLASSES:
        return ["mean_absolute_error"]
    return ["accuracy"]


def for_each(heads: Sequence[Head], whole: Any) -> list[Any]:
    """What a list or a dict has for each of several outputs, or what there is for one; None where it has nothing."""
    if isinstance(whole, dict):
        return [whole.get(head.name) for head in heads]
    if len(heads) == 1:
        return [whole]
    return [*whole] if isinstance(whole, (list, tuple)) and len(whole) == len(heads) else [None] * len(heads)


def _together(model: Any, parts: list[Any]) -> Any:
    """One for each output as ``compile`` takes them: by place, or by name where the model gives a dict."""
    if len(parts) == 1:
        return parts[0]
    return dict(zip(output_names(model), parts, strict=True)) if isinstance(model.output, dict) else parts

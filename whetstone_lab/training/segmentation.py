"""The loss and the metric of networks that have a class for each place: void is left out, rare classes may count more.

Void marks places that belong to none of the classes, such as the border of an object that nobody labelled. What a
network says there is neither right nor wrong.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="whetstone_lab")
class SegmentationCrossentropy(keras.losses.SparseCategoricalCrossentropy):
    """The cross-entropy of a class at each place, without void, and with a weight for each class.

    ``sum(w[y] * -log p[y]) / sum(w[y])`` over all places of a batch whose label y is not void; 0 if there are none.
    Each place counts alike without class weights, so that a class that is rare, or small, is learnt last. With weights
    it counts as if it were more frequent.

    Args:
        void: The label that stands for no class. Default: None, each place has a class.
        class_weights: A positive weight for each class; only their ratios matter. Default: 1 each.
        from_logits: Whether the outputs are scores before a softmax. Default: False, probabilities.
        **kwargs: ``name`` and ``dtype``, as for every Keras loss, and the ``reduction`` over the samples.

    Raises:
        ValueError: ``void`` is no integer, or the weights are no positive numbers.

    Example:
        >>> loss = SegmentationCrossentropy(void=11)
        >>> probabilities = keras.ops.full((1, 1, 2, 4), 0.25)  # of four classes at two places; one of them is void
        >>> round(float(loss(keras.ops.array([[[2, 11]]]), probabilities)), 4)
        1.3863
    """

    def __init__(self, void: int | None = None, class_weights: Sequence[float] | None = None,
                 from_logits: bool = False, name: str = "segmentation_crossentropy", **kwargs: Any) -> None:
        if void is not None and (isinstance(void, bool) or not isinstance(void, numbers.Integral)):
            raise ValueError(f"Expected void to be an integer or None; got {void!r}.")
        weights = None if class_weights is None else tuple(float(weight) for weight in class_weights)
        if weights is not None and not (weights and all(math.isfinite(one) and one > 0 for one in weights)):
            raise ValueError(f"Expected class_weights to be positive numbers, one for each class; got {weights}.")
        super().__init__(from_logits=from_logits, ignore_class=None if void is None else int(void), name=name,
                         **kwargs)
        self.void = self.ignore_class
        self.class_weights = weights

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The loss of a batch; a weight may be for a whole sample or for each place."""
        return super().__call__(y_true, y_pred, _for_places(sample_weight, y_pred))

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss at each place, scaled so that its mean is the mean over the places that count."""
        labels = _labels(y_true, y_pred)
        counts = ops.ones_like(labels, dtype=y_pred.dtype)
        if self.void is not None:
            counts = ops.cast(ops.not_equal(labels, self.void), y_pred.dtype)
            labels = ops.where(ops.equal(labels, self.void), 0, labels)
        if self.class_weights is not None:
            counts = counts * ops.take(ops.convert_to_tensor(self.class_weights, dtype=y_pred.dtype), labels)
        # Place by place in one row: of maps, PyTorch's own loss cannot always be derived ("must be contiguous").
        losses = ops.sparse_categorical_crossentropy(
            ops.reshape(labels, (-1,)), ops.reshape(y_pred, (-1, y_pred.shape[-1])), from_logits=self.from_logits)
        return ops.divide_no_nan(ops.reshape(losses, ops.shape(counts)) * counts, ops.mean(counts))

    def get_config(self) -> dict[str, Any]:
        """The loss's arguments."""
        return {"name": self.name, "reduction": self.reduction, "void": self.void, "from_logits": self.from_logits,
                "class_weights": None if self.class_weights is None else list(self.class_weights)}


@keras.saving.register_keras_serializable(package="whetstone_lab")
class SegmentationAccuracy(keras.metrics.SparseCategoricalAccuracy):
    """The share of places whose class is right, without void.

    Args:
        void: The label that stands for no class.
        name: The metric's name. Default: ``"accuracy"``.
        dtype: As for every Keras metric.
    """

    def __init__(self, void: int, name: str = "accuracy", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.void = void

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts the places of a batch."""
        labels = _labels(y_true, y_pred)
        counts = ops.cast(ops.not_equal(labels, self.void), self.dtype)
        if sample_weight is not None:
            counts = counts * ops.cast(_for_places(sample_weight, y_pred), self.dtype)
        super().update_state(labels, y_pred, counts)

    def get_config(self) -> dict[str, Any]:
        """The metric's arguments."""
        return {"void": self.void, "name": self.name, "dtype": self.dtype}


def _for_places(weight: Any, y_pred: Any) -> Any:
    """Weights of samples with an axis of 1 for each axis of places, so that they go with their sample."""
    if weight is None:
        return None
    weight, axes = ops.convert_to_tensor(weight), len(y_pred.shape) - 1
    if len(weight.shape) > axes:
        return ops.squeeze(weight, -1)
    for _ in range(axes - len(weight.shape)):
        weight = ops.expand_dims(weight, -1)
    return weight


def _labels(y_true: Any, y_pred: Any) -> Any:
    """Integer labels of the shape of the places; Keras gives them as decimals, and perhaps with a last axis of 1."""
    labels = ops.cast(y_true, "int32")
    return ops.squeeze(labels, -1) if len(labels.shape) == len(y_pred.shape) else labels

"""The loss and the accuracy without void: against sums in NumPy, also with weights, logits and a last axis of 1."""

import keras
import numpy as np
import pytest
from backends import array

from whetstone_lab.training.heads import loss_name
from whetstone_lab.training.segmentation import SegmentationAccuracy, SegmentationCrossentropy

RNG = np.random.default_rng(0)
SCORES = RNG.normal(size=(3, 4, 5, 6)).astype(np.float32)
P = np.exp(SCORES) / np.exp(SCORES).sum(-1, keepdims=True)
TRUE = RNG.integers(0, 6, (3, 4, 5))
WEIGHTS = [1, 2, 3, 0.5, 1, 4]


@pytest.mark.every_backend
@pytest.mark.parametrize("void", [None, 255, -1, 6, 2])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("from_logits", [False, True])
def test_the_loss_is_the_mean_over_the_places_that_count(void, weights, from_logits):
    labels = TRUE if void is None else np.where(RNG.random(TRUE.shape) < 0.3, void, TRUE)
    loss = SegmentationCrossentropy(void, weights, from_logits)
    total = share = 0.0
    for place in np.ndindex(labels.shape):
        if labels[place] != void:
            weight = 1 if weights is None else weights[labels[place]]
            total -= weight * np.log(P[place][labels[place]])
            share += weight
    guess = SCORES if from_logits else P
    for true in (labels, labels[..., None], labels.astype(np.float32)):
        assert float(loss(true, guess)) == pytest.approx(total / share, rel=1e-5)


def test_without_void_and_weights_it_is_keras_s_own():
    own, theirs = SegmentationCrossentropy(), keras.losses.SparseCategoricalCrossentropy()
    assert float(own(TRUE, P)) == pytest.approx(float(theirs(TRUE, P)), rel=1e-6)
    ignoring = keras.losses.SparseCategoricalCrossentropy(ignore_class=3)
    assert float(SegmentationCrossentropy(3)(TRUE, P)) == pytest.approx(float(ignoring(TRUE, P)), rel=1e-5)
    assert loss_name(own) == "sparse_categorical_crossentropy"


def test_a_batch_of_void_alone_teaches_nothing():
    assert float(SegmentationCrossentropy(9)(np.full((2, 2), 9), np.full((2, 2, 3), 1 / 3))) == 0


def test_what_is_said_at_void_does_not_matter():
    labels, other = np.where(TRUE == 1, 9, TRUE), P.copy()
    other[TRUE == 1] = P[TRUE == 1][:, ::-1]
    loss = SegmentationCrossentropy(9)
    assert float(loss(labels, P)) == float(loss(labels, other))
    metric = SegmentationAccuracy(9)
    found = []
    for guess in (P, other):
        metric.reset_state()
        metric.update_state(labels, guess)
        found.append(float(metric.result()))
    assert found[0] == found[1] == pytest.approx((P.argmax(-1) == labels)[labels != 9].mean())


@pytest.mark.parametrize("weight", [np.float32([1, 0, 2]), np.arange(60, dtype=np.float32).reshape(3, 4, 5)])
def test_the_accuracy_takes_weights_of_samples_or_places(weight):
    labels = np.where(TRUE == 1, 9, TRUE)
    metric = SegmentationAccuracy(9)
    metric.update_state(labels[..., None], P, weight)
    counts = (labels != 9) * weight.reshape(3, *weight.shape[1:] or (1, 1))
    expected = ((P.argmax(-1) == labels) * counts).sum() / counts.sum()
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)


@pytest.mark.every_backend
def test_the_loss_takes_weights_of_samples_as_of_places():
    labels, weight = np.where(TRUE == 1, 9, TRUE), np.float32([1, 0, 2])
    loss = SegmentationCrossentropy(9)
    each = np.broadcast_to(weight[:, None, None], TRUE.shape)
    expected = float(loss(labels, P, each))
    assert float(loss(labels, P, weight)) == pytest.approx(expected) != pytest.approx(float(loss(labels, P)))
    assert float(loss(labels, P, each[..., None])) == pytest.approx(expected)


def test_loss_and_metric_are_kept_in_files():
    loss = SegmentationCrossentropy(11, WEIGHTS, True, reduction="sum")
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()
    assert (again.void, again.class_weights, again.from_logits) == (11, tuple(map(float, WEIGHTS)), True)
    metric = keras.metrics.deserialize(keras.metrics.serialize(SegmentationAccuracy(3)))
    assert (metric.void, metric.name) == (3, "accuracy")


@pytest.mark.parametrize(("options", "words"), [
    ({"void": 1.5}, "void to be an integer or None; got 1.5"), ({"void": True}, "void to be an integer"),
    ({"class_weights": [1, 0]}, "positive numbers"), ({"class_weights": [1, float("nan")]}, "positive numbers"),
    ({"class_weights": []}, "positive numbers"),
])
def test_what_is_no_label_and_no_weight_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        SegmentationCrossentropy(**options)


def test_values_are_arrays_of_the_backend():
    assert array(SegmentationCrossentropy(reduction="none")(TRUE, P)).shape == TRUE.shape

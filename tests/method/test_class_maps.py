"""Mean IoU and what flickers: against sums counted place by place, and what is refused."""

import numpy as np
import pytest

from whetstone_lab.method import class_maps

RNG = np.random.default_rng(0)
TRUE, DECIDED = RNG.integers(0, 4, (3, 5, 6)), RNG.integers(0, 3, (3, 5, 6))
VOID = np.where(RNG.random(TRUE.shape) < 0.2, 255, TRUE)


@pytest.mark.parametrize(("labels", "void"), [(TRUE, None), (VOID, 255), (np.where(VOID == 255, -1, VOID), -1)])
def test_mean_iou_is_what_it_says_counted_place_by_place(labels, void):
    ious = []
    for one in range(4):
        both = either = 0
        for decided, true in zip(DECIDED.ravel(), labels.ravel(), strict=True):
            if true != void:
                both += decided == one and true == one
                either += decided == one or true == one
        ious.append(both / either)
    np.testing.assert_allclose(class_maps.class_ious(DECIDED, labels, 4, void), ious)
    assert class_maps.mean_iou(DECIDED, labels, 4, void) == pytest.approx(np.mean(ious))
    table = class_maps.confusion(DECIDED, labels, 4, void)
    assert table.sum() == (labels != void).sum() if void is not None else table.sum() == labels.size
    assert table[2, 1] == ((labels == 2) & (DECIDED == 1)).sum()


def test_a_class_that_is_nowhere_does_not_count_and_one_that_is_only_decided_does():
    assert class_maps.mean_iou([0, 1, 1], [0, 1, 1], count=9) == 1
    np.testing.assert_array_equal(class_maps.class_ious([0, 1, 2], [0, 1, 1], 4), [1, 0.5, 0, np.nan])


def test_what_is_decided_at_void_changes_nothing():
    other = np.where(VOID == 255, (DECIDED + 1) % 3, DECIDED)
    assert class_maps.mean_iou(other, VOID, 4, 255) == class_maps.mean_iou(DECIDED, VOID, 4, 255)
    assert class_maps.unsteady(other, VOID, void=255) == class_maps.unsteady(DECIDED, VOID, void=255)


@pytest.mark.parametrize(("decided", "true", "count", "void", "words"), [
    (np.zeros((2, 4, 4), int), np.zeros((2, 5, 5), int), 3, None, r"a label for each place.*\(2, 5, 5\).*\(2, 4, 4\)"),
    ([], [], 3, None, "at least one place"), (1, 1, 3, None, "at least one place"),
    ([0, 1], [0, 3], 3, None, "labels from 0 to 2; got 0 to 3"),
    ([0, 1], [0, 3], 3, 4, "labels from 0 to 2, or 4 for void; got 0 to 3"),
    ([0, 1], [-1, 0], 3, None, "labels from 0 to 2; got -1 to 0"),
    ([0, 4], [0, 4], 3, 4, "decisions from 0 to 2; got 0 to 4"),
    ([0.0, 1.0], [0, 1], 3, None, "decisions to be integers; got dtype float64"),
    ([0, 1], [True, False], 3, None, "labels to be integers; got dtype bool"),
    ([0, 1], [9, 9], 3, 9, "all are void"), ([0, 1], [0, 1], 0, None, "count to be the number of classes"),
])
def test_masks_of_another_size_and_labels_past_the_classes_are_refused(decided, true, count, void, words):
    with pytest.raises(ValueError, match=words):
        class_maps.mean_iou(decided, true, count, void)


def test_only_what_changes_where_the_truth_stays_is_unsteady():
    true = np.array([[0, 0, 1, 9], [0, 1, 1, 9], [0, 1, 1, 9]])
    assert class_maps.unsteady(true, true) == 0
    decided = np.array([[0, 0, 1, 0], [0, 1, 2, 1], [0, 1, 2, 0]])
    assert class_maps.unsteady(decided, true, void=9) == pytest.approx(1 / 5)  # the first pair has 2, the second 3
    assert class_maps.unsteady(decided, true) == pytest.approx(3 / 7)
    # Between two scenes nothing is compared.
    assert class_maps.unsteady(decided, true, [0, 1, 1], void=9) == 0
    assert class_maps.unsteady(decided, true, [4, 4, 2], void=9) == pytest.approx(1 / 2)


@pytest.mark.parametrize(("scenes", "words"), [([0, 1, 2], "two frames of one scene"), ([0, 0], "each of 3 frames")])
def test_frames_that_cannot_be_compared_are_refused(scenes, words):
    with pytest.raises(ValueError, match=words):
        class_maps.unsteady(np.zeros((3, 2), int), np.zeros((3, 2), int), scenes)

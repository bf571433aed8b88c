"""Calibration inputs are checked before anything is done with them, and what layers give is put in columns."""

import keras
import numpy as np
import pytest
from keras import layers
from relu_nets import stack

from whetstone_lab.pretrained.calibration import checked_batches, columns

MODEL = stack((4, 2), layers.Flatten(), layers.Dense(2))
GOOD = np.zeros((5, 4, 2), "float32")


class Batches:
    """As a data set or a loader gives them, with targets."""

    def __iter__(self):
        return iter([(GOOD[:2], np.zeros(2)), (GOOD[2:], np.zeros(3))])


def two():
    inputs = [keras.Input((2,), name="a"), keras.Input((3,), name="b")]
    return keras.Model(inputs, layers.Dense(1)(layers.Concatenate()(inputs)))


@pytest.mark.parametrize(("x", "words"), [
    (np.zeros((5, 4)), r"in the shape \(samples, 4, 2\); got \(5, 4\)"),
    (np.zeros((4, 2)), r"a single sample: put it into a batch"),
    (np.zeros((5, 4, 3)), r"got \(5, 4, 3\)"),
    (np.zeros((0, 4, 2)), "at least one calibration input; got none"),
    ([], r"got \(0,\)"), ([[1.0], [1.0, 2.0]], "of one shape; got lists of several"),
    (np.where(np.arange(40).reshape(5, 4, 2) == 7, np.nan, 0), "finite; got 1 numbers of 40 .* NaN or infinite"),
    (np.full((5, 4, 2), np.inf, "float32"), "got 40 numbers of 40"),
    (np.full((5, 4, 2), "a"), "Expected numbers in the calibration inputs; got an array of type <U1"),
    (iter([GOOD]), "inputs that can be read.* got list_iterator"),
    ((GOOD, np.zeros(5)), r"one array .*; got 2 of the shapes \[\(5, 4, 2\), \(5,\)\]. Give the inputs alone"),
    ([GOOD, GOOD], r"got \(2, 5, 4, 2\)"), (None, "inputs that can be read.* got NoneType"),
])
def test_bad_inputs_are_refused_with_what_was_expected_and_what_came(x, words):
    with pytest.raises(ValueError, match=words):
        checked_batches(MODEL, x, 10)


@pytest.mark.parametrize(("x", "words"), [
    ([np.zeros((3, 2))], "for 2 inputs, .'a', 'b'.; got 1"), ({"a": np.zeros((3, 2))}, r"by the names .*; got \['a'\]"),
    ({"a": np.zeros((3, 2)), "b": np.zeros((3, 4))}, r"calibration input 'b' in the shape \(samples, 3\)"),
    ([np.zeros((3, 2)), np.zeros((4, 3))], r"as many samples for each input; got \[3, 4\]"),
])
def test_of_several_inputs_the_one_that_is_wrong_is_named(x, words):
    with pytest.raises(ValueError, match=words):
        checked_batches(two(), x, 10)


@pytest.mark.parametrize("samples", [0, True, 2.5])
def test_a_wrong_number_of_samples_is_refused(samples):
    with pytest.raises(ValueError, match="samples to be an integer of at least 1"):
        checked_batches(MODEL, GOOD, samples)


def test_arrays_lists_of_rows_and_data_sets_are_taken():
    assert [len(batch) for batch in checked_batches(MODEL, GOOD, 3)] == [3]
    assert [len(batch) for batch in checked_batches(MODEL, GOOD.astype("uint8").tolist(), 9)] == [5]
    assert [len(batch) for batch in checked_batches(MODEL, Batches(), 5)] == [2, 3]
    assert [len(batch) for batch in checked_batches(MODEL, Batches(), 1)] == [2]


def test_columns_are_what_differs_along_the_numbers():
    values = np.arange(24).reshape(2, 3, 4)
    assert (columns(values, np.arange(4)[None]) == values.reshape(6, 4)).all()
    assert (columns(values, np.arange(3)[:, None]) == values.transpose(0, 2, 1).reshape(8, 3)).all()
    assert (columns(values, np.arange(12).reshape(3, 4)) == values.reshape(2, 12)).all()
    assert (columns(values, np.zeros((1, 1))) == values.reshape(24, 1)).all()

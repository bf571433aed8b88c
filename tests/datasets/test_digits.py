"""The embedded digits: those of scikit-learn, split without loss, loaded without anything else."""

import hashlib

import numpy as np
import pytest
from fresh import run_fresh

from whetstone_lab import datasets
from whetstone_lab.records.recorded import DATA

#: SHA-256 of the images and of the labels that ``sklearn.datasets.load_digits`` gives, as bytes in C order.
THEIRS = {"images": "8f26b2bd9d135c256808f68f14fdabddde6d9c7f869ae419704b051f0f14b3b3",
          "labels": "8ba4f891220f5e4c9c819638d1602d74b83618f167043c6da52a2a247841ddf0"}


def test_the_embedded_digits_are_those_of_scikit_learn():
    # By their checksums: wherever scikit-learn is installed, Keras imports it and all of SciPy, which takes a second.
    file = np.load(DATA / "digits.npz", allow_pickle=False)
    assert file["images"].shape == (1797, 8, 8)
    assert file["images"].dtype == file["labels"].dtype == np.uint8
    assert {name: hashlib.sha256(file[name].tobytes()).hexdigest() for name in file.files} == THEIRS


def test_digits_are_split_without_loss():
    data = datasets.load_digits()
    assert (len(data.x_train), len(data.x_test)) == (1348, 449)
    file = np.load(DATA / "digits.npz", allow_pickle=False)
    rows = np.concatenate([data.x_train, data.x_test]) * 16
    labels = np.concatenate([data.y_train, data.y_test])
    whole = np.column_stack([file["images"].reshape(1797, 64), file["labels"]]).astype(float)
    assert sorted(map(tuple, np.column_stack([rows, labels]))) == sorted(map(tuple, whole))


def test_digits_are_numbers_to_learn_on():
    data = datasets.load_digits()
    assert (data.name, data.classes, data.image_shape) == ("digits", 10, (8, 8, 1))
    for x, y in ((data.x_train, data.y_train), (data.x_test, data.y_test)):
        assert x.dtype == np.float32
        assert x.shape == (len(y), 64)
        assert (x.min(), x.max()) == (0, 1)
        assert y.dtype == np.int64
        assert set(y.tolist()) == set(range(10))
    assert repr(data) == "Dataset(digits: 1348 to train on, 449 to test on, 8x8x1, 10 classes)"


def test_flat_rows_and_images_hold_the_same():
    flat, images = datasets.load_digits(), datasets.load_digits(flatten=False)
    assert images.x_test.shape == (449, 8, 8, 1)
    np.testing.assert_array_equal(images.x_test.reshape(449, 64), flat.x_test)


def test_the_seed_draws_the_split():
    one, same, other = datasets.load_digits(seed=3), datasets.load_digits(seed=3), datasets.load_digits(seed=4)
    np.testing.assert_array_equal(one.x_test, same.x_test)
    np.testing.assert_array_equal(one.y_train, same.y_train)
    assert not np.array_equal(one.y_test, other.y_test)


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, 1e-6, 0.99999, float("nan")])
def test_a_fraction_that_leaves_nothing_is_refused(fraction):
    with pytest.raises(ValueError, match="test_fraction to hold out some of 1797 digits"):
        datasets.load_digits(test_fraction=fraction)


def test_digits_need_neither_scikit_learn_nor_keras():
    program = """
import sys
from whetstone_lab import datasets
datasets.load("digits")
assert not {"sklearn", "keras", "tensorflow"} & set(sys.modules)
"""
    done = run_fresh(program, loaded="numpy")
    assert done.returncode == 0, done.stderr

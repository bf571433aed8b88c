"""Which pictures are in which part of a data set, kept and drawn again."""

import json

import numpy as np
import pytest

from whetstone_lab import datasets
from whetstone_lab.datasets import Split, split


@pytest.mark.parametrize("options", [{}, {"seed": 1}, {"seed": np.int64(7), "test_fraction": np.float32(0.5)}])
def test_what_a_file_keeps_of_a_split_draws_the_same_parts_again(options):
    drawn = datasets.load_digits(**options)
    meta = json.loads(json.dumps({"name": "net", **drawn.split.meta}))
    again = datasets.load(Split.of(meta).name, **Split.of(meta).options)
    for name in ("x_train", "y_train", "x_test", "y_test"):
        np.testing.assert_array_equal(getattr(again, name), getattr(drawn, name), name)
    assert again.split == drawn.split


def test_a_split_says_what_it_is():
    assert str(datasets.load_digits(test_fraction=0.1, seed=3).split) == "digits (test_fraction 0.1, seed 3)"
    assert str(Split("mnist")) == "mnist (as published)"


def test_a_split_that_cannot_be_drawn_again_is_none():
    assert datasets.load_digits(seed=None).split is None
    assert datasets.load_digits(seed=[1, 2]).split is None


def test_a_data_set_that_is_split_as_published_says_so(tmp_path):
    pictures, labels = np.zeros((3, 28, 28), np.uint8), np.arange(3)
    np.savez(tmp_path / "mnist.npz", x_train=pictures, y_train=labels, x_test=pictures, y_test=labels)
    assert datasets.load_mnist(tmp_path).split == Split("mnist")
    assert [datasets.is_drawn(name) for name in ("digits", "mnist", "cifar10", "my_own")] == [True, False, False, False]


@pytest.mark.parametrize("kept", [
    None, "digits", ["digits"], {}, {"name": 3}, {"name": "digits", "seed": 1},
    {"name": "digits", "test_fraction": 0.25}, {"name": "digits", "test_fraction": 0.25, "seed": -1},
    {"name": "digits", "test_fraction": 0.25, "seed": True}, {"name": "digits", "test_fraction": 0.25, "seed": 1.5},
    {"name": "digits", "test_fraction": 1.0, "seed": 1}, {"name": "digits", "test_fraction": "a quarter", "seed": 1},
    {"name": "digits", "test_fraction": float("nan"), "seed": 1},
])
def test_a_file_that_says_it_otherwise_says_nothing(kept):
    assert Split.of({split.TRAINED_ON: kept}) is None
    assert Split.of({}) is None

"""Inputs beside a training: which rows and batches are taken, which cannot be, and what fit tells its callbacks."""

import keras
import numpy as np
import pytest
from backends import array, only_on

from whetstone_lab.training.training_inputs import first_batch, inputs_in_batches, trained_on

X = np.arange(600, dtype=np.float32).reshape(300, 2)


class Batches(keras.utils.PyDataset):
    """Pairs of inputs and targets, ten rows a batch; without an end if told so."""

    def __init__(self, batches=30):
        super().__init__()
        self.batches = batches
        self.asked = []

    @property
    def num_batches(self):
        return self.batches

    def __getitem__(self, index):
        self.asked.append(index)
        return X[index * 10:index * 10 + 10], np.zeros(10)


def rows(x, samples=10**6):
    """The rows of the batches, all of them, and how many each batch has."""
    batches = [array(batch) for batch in inputs_in_batches(x, samples)]
    return np.concatenate(batches), [len(batch) for batch in batches]


def test_all_rows_of_an_array_come_once_in_batches_of_nearly_the_same_size():
    found, sizes = rows(X)
    np.testing.assert_array_equal(found[np.argsort(found[:, 0])], X)
    assert sizes == [300]
    assert rows(np.zeros((1025, 2), np.float32))[1] == [513, 512]


def test_large_inputs_come_in_smaller_batches():
    assert rows(np.zeros((130, 2**14), np.float32))[1] == [44, 43, 43]  # 64 at the most are a million numbers
    assert rows(np.broadcast_to(np.float32(0), (50, 2**20)))[1] == [25, 25]  # never fewer than 32, if there are


def test_where_there_are_enough_rows_all_batches_have_the_same_size():
    rows_of = np.zeros((132, 2**14), np.float32)
    assert [rows(rows_of, samples)[1] for samples in (130, 128, 60)] == [[44] * 3, [64] * 2, [60]]
    assert rows(rows_of[:131], 130)[1] == [44, 44, 43]


def test_fewer_rows_are_drawn_from_everywhere_and_are_always_the_same():
    found, sizes = rows(X, 40)
    assert sizes == [40]
    assert found[:, 0].min() < 100
    assert found[:, 0].max() > 500
    np.testing.assert_array_equal(found, rows(X, 40)[0])


@pytest.mark.every_backend
def test_arrays_of_several_inputs_keep_their_rows_together_whatever_they_are_made_of():
    for two in ([X, keras.ops.convert_to_tensor(X)], {"one": X, "two": X}):
        (batch,) = inputs_in_batches(two, 40)
        assert type(batch) is type(two)
        np.testing.assert_array_equal(*map(array, keras.tree.flatten(batch)))


def test_a_sparse_matrix_is_taken_by_rows():
    sparse = pytest.importorskip("scipy.sparse").csr_matrix(X)
    np.testing.assert_array_equal(rows(sparse, 40)[0], rows(X, 40)[0])


def test_batches_of_data_that_can_be_addressed_are_taken_at_equal_distances():
    data = Batches()
    assert rows(data, 50)[1] == [10] * 5
    assert data.asked == [0, 0, 6, 12, 18, 24]  # the first to see how large they are
    assert rows(Batches(), 295)[1] == [10] * 30
    assert rows(Batches(None), 25)[1] == [10] * 3
    assert not list(inputs_in_batches(Batches(0), 10))


@only_on("tensorflow", why="a tf.data.Dataset")
def test_the_first_batches_of_a_data_set_are_taken():
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((X, X[:, 0])).batch(16)
    np.testing.assert_array_equal(rows(data, 40)[0], X[:48])
    np.testing.assert_array_equal(rows(data.repeat(), 340)[0], np.concatenate([X, X])[:300 + 48])
    for found, expected in zip(first_batch(data), (X[:16], X[:16, 0]), strict=True):
        assert isinstance(found, np.ndarray)
        np.testing.assert_array_equal(found, expected)


@only_on("torch", why="a DataLoader")
@pytest.mark.every_backend
def test_the_first_batches_of_a_data_loader_are_taken():
    import torch

    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.tensor(X), torch.zeros(300)), 16)
    np.testing.assert_array_equal(rows(loader, 40)[0], X[:48])
    np.testing.assert_array_equal(first_batch(loader)[0], X[:16])


def test_the_first_batch_is_that_of_data_in_batches_only():
    np.testing.assert_array_equal(first_batch(Batches())[0], X[:10])
    for other in (X, [X], {"a": X}, Batches(0), iter([(X, X)]), None):
        assert first_batch(other) is None


def test_what_can_be_read_once_only_gives_none():
    for x in ((batch for batch in [(X, X)]), None, 3):
        assert inputs_in_batches(x, 10) is None
    assert trained_on(batch for batch in [(X, X)]) is None


def test_rows_that_only_validate_are_not_trained_on():
    np.testing.assert_array_equal(trained_on(X, 0.25), X[:225])
    assert trained_on({"a": X}, 0.5)["a"].shape == (150, 2)
    assert trained_on(X) is X
    data = Batches()
    assert trained_on(data, None) is data

"""Data that do not fit a model: each kind is refused before anything is trained, with its place and a remedy."""

import keras
import numpy as np
import pytest
from keras import layers

from whetstone_lab import recipes
from whetstone_lab.method.class_keys import make_key
from whetstone_lab.training.data_checks import check_data
from whetstone_lab.training.decode import SoftmaxDecode
from whetstone_lab.training.layers import SpikingBReLU
from whetstone_lab.training.segmentation import SegmentationCrossentropy

X, MAPS = np.zeros((8, 4), np.float32), np.zeros((8, 4, 6, 1), np.float32)
HOLES = np.where(np.arange(32).reshape(8, 4) % 16 == 12, np.nan, np.float32(0.5))
SCE = "sparse_categorical_crossentropy"


def vector():
    return keras.Sequential([keras.Input((4,), name="numbers"), layers.Dense(6), SpikingBReLU(),
                             SoftmaxDecode(make_key(3, 6), name="kind")])


def maps():
    return keras.Sequential([keras.Input((4, 6, 1)), SpikingBReLU(), layers.Conv2D(3, 1, activation="softmax",
                                                                                   name="map")])


def values():
    return keras.Sequential([keras.Input((4,)), layers.Dense(6), SpikingBReLU(), layers.Dense(3, name="values")])


class Batches(keras.utils.PyDataset):
    """All of some arrays in one batch."""

    def __init__(self, *arrays):
        super().__init__()
        self.arrays = arrays

    @property
    def num_batches(self):
        return 1

    def __getitem__(self, index):
        return self.arrays


REFUSED = [
    (vector, X[:, :3], np.zeros(8, int), SCE, r"Expected input 'numbers' of shape \(samples, 4\); got \(8, 3\)"),
    (maps, MAPS[:, :3], np.zeros((8, 4, 6), int), SCE, r"shape \(samples, 4, 6, 1\); got \(8, 3, 6, 1\).*Input layer"),
    (maps, MAPS.repeat(3, axis=-1), np.zeros((8, 4, 6), int), SCE, r"got \(8, 4, 6, 3\)"),
    (maps, MAPS.swapaxes(1, 2), np.zeros((8, 4, 6), int), SCE, r"got \(8, 6, 4, 1\)"),
    (vector, X, np.full(8, 3), SCE, "labels of output 'kind' from 0 to 2, as there are 3 classes; got 3 to 3"),
    (vector, X, np.full(8, -1), SCE, "got -1 to -1"), (vector, X, np.full((8, 1), 3.0), SCE, "got 3 to 3"),
    (vector, X, np.full(8, 0.5), SCE, "integers from 0 to 2; got dtype float64 with fractions"),
    (vector, X, np.full(8, np.nan), SCE, "with fractions"), (vector, X, np.array(list("abcabcab")), SCE, "dtype <U1"),
    (vector, X, np.eye(4)[[0, 1] * 4], SCE, r"shape \(samples\), one for each sample; got \(8, 4\)"),
    (vector, X, np.eye(4)[[0, 1] * 4], "categorical_crossentropy", r"shape \(samples, 3\).*got \(8, 4\)"),
    (maps, MAPS, np.full((8, 4, 6), 3), SCE, r"output 'map' from 0 to 2.*got 3 to 3.*SegmentationCrossentropy\(void"),
    (maps, MAPS, np.full((8, 4, 6), 3), SegmentationCrossentropy(void=9), "from 0 to 2, or 9 for void, .*got 3 to 3"),
    (maps, MAPS, np.zeros((8, 5, 6), int), SCE, r"one for each place; got \(8, 5, 6\). Bring masks to the size"),
    (maps, MAPS, np.zeros((8, 6, 4), int), SCE, r"got \(8, 6, 4\)"),
    (maps, MAPS, np.zeros(8, int), SCE, r"shape \(samples, 4, 6\), one for each place; got \(8,\)"),
    (maps, MAPS, np.zeros((8, 4, 6), int), SegmentationCrossentropy(class_weights=[1, 2]), "3 classes .*; got 2"),
    (values, X, np.zeros((8, 4)), "mse", r"targets of output 'values' of shape \(samples, 3\).*got \(8, 4\)"),
    (values, X, np.zeros((8, 1)), "mse", r"got \(8, 1\)"), (values, X, np.zeros(8), "mse", r"got \(8,\)"),
    (values, X, np.zeros((8, 1)), keras.losses.BinaryCrossentropy(from_logits=True), r"got \(8, 1\)"),
    (vector, HOLES, np.zeros(8, int), SCE, "'numbers' to be finite numbers; got nan in sample 3, in 2 of 8 samples"),
    (vector, X - np.inf, np.zeros(8, int), SCE, "got -inf in sample 0, in 8 of 8"),
    (values, X, HOLES[:, :3], "mse", "targets of output 'values' to be finite numbers; got nan in sample 3"),
    # From these a cross-entropy falls without end: -1 and 1 for no and yes, shades up to 255, a picture of the classes.
    (values, X, np.tile([-1, 0, 1], (8, 1)), keras.losses.BinaryCrossentropy(from_logits=True),
     "output 'values' from 0 to 1, .* got -1 to 1. Divide"),
    (values, X, np.full((8, 3), 255), keras.losses.BinaryCrossentropy(from_logits=True), "got 255 to 255"),
    (maps, MAPS, np.full((8, 4, 6, 3), 80), "categorical_crossentropy", "got 80 to 80.* one integer for each place"),
]


@pytest.mark.parametrize(("make", "x", "y", "loss", "words"), REFUSED)
def test_what_does_not_fit_is_refused(make, x, y, loss, words):
    with pytest.raises(ValueError, match=words):
        check_data(make(), loss, x, y)


TAKEN = [
    (vector, X, np.arange(8) % 3, SCE), (vector, X, (np.arange(8) % 3).astype(np.float32)[:, None], SCE),
    (vector, X, np.eye(3)[np.arange(8) % 3], "categorical_crossentropy"),
    (maps, MAPS, np.ones((8, 4, 6), np.uint8), SCE), (maps, MAPS[..., 0], np.ones((8, 4, 6, 1), bool), SCE),
    (maps, MAPS, np.full((8, 4, 6), 255), SegmentationCrossentropy(void=255)),
    (maps, MAPS, np.full((8, 4, 6), -1), keras.losses.SparseCategoricalCrossentropy(ignore_class=-1)),
    (values, X, np.zeros((8, 3)), "mse"), (values, X, np.zeros((8, 3, 1)), "mse"),
    # What cannot be looked into is left to Keras.
    (vector, iter([]), None, SCE), (vector, X, np.full(8, 77), lambda true, guess: guess), (vector, [X, X], None, SCE),
]


@pytest.mark.parametrize(("make", "x", "y", "loss"), TAKEN)
def test_what_fits_or_cannot_be_known_is_taken(make, x, y, loss):
    check_data(make(), loss, x, y)


def test_each_of_several_inputs_and_outputs_is_looked_at_by_its_name():
    inputs = [keras.Input((4,), name="a"), keras.Input((None, 2), name="b")]
    joined = SpikingBReLU()(layers.Concatenate()([inputs[0], layers.GlobalMaxPooling1D()(inputs[1])]))
    model = keras.Model(inputs, [layers.Dense(3, activation="softmax", name="kind")(joined),
                                 layers.Dense(1, name="size")(joined)])
    a, b, kind, size = X, np.zeros((8, 9, 2)), np.zeros(8, int), np.zeros(8)
    for x in ([a, b], {"a": a, "b": b}):
        for y in ([kind, size], {"kind": kind, "size": size}):
            check_data(model, [SCE, "mse"], x, y)
    with pytest.raises(ValueError, match=r"input 'b' of shape \(samples, any, 2\); got \(8, 9, 3\)"):
        check_data(model, [SCE, "mse"], {"a": a, "b": np.zeros((8, 9, 3))}, None)
    with pytest.raises(ValueError, match="labels of output 'kind' from 0 to 2"):
        check_data(model, [SCE, None], [a, b], [kind + 3, size])
    check_data(model, [None, "mse"], [a, b], [kind + 3, size])


@pytest.mark.parametrize("place", ["targets", "validation", "inputs", "batches", "validation in batches"])
def test_train_refuses_them_before_anything_is_compiled(place):
    model, y = maps(), np.zeros((8, 4, 6), int)
    before = [weight.copy() for weight in model.get_weights()]
    x, true, options = {"targets": (MAPS, y + 3, {}), "inputs": (MAPS[:, 1:], y, {}),
                        "validation": (MAPS, y, {"validation_data": (MAPS, y + 3)}),
                        "batches": (Batches(MAPS, y + 3), None, {}),
                        "validation in batches": (MAPS, y, {"validation_data": Batches(MAPS, y + 3)})}[place]
    words = "of validation_data of output 'map'" if place.startswith("validation") else "Expected"
    with pytest.raises(ValueError, match=words):
        recipes.train(model, x, true, epochs=2, verbose=0, **options)
    assert not model.compiled
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)

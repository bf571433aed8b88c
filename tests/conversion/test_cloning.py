"""Clones of Keras models: compiled alike whatever they are compiled with, and of the same class."""

import keras
import numpy as np
import pytest
from backends import array
from keras import layers

from whetstone_lab.conversion.folding import fold_batchnorm


def build(*stack):
    return keras.Sequential([keras.Input((6,)), *stack])


def functional(kind=keras.Model):
    inputs = keras.Input((6,), name="pictures")
    x = layers.Dense(4)(inputs)
    y = layers.BatchNormalization()(layers.Dense(4)(x), training=False)
    return kind(inputs, layers.Dense(1)(layers.Add()([x, y]) + x), name="whole")


def own_loss(y, p):
    return keras.ops.mean(keras.ops.abs(y - p) ** 3, axis=-1)


class OwnLoss(keras.losses.Loss):
    def call(self, y, p):
        return own_loss(y, p)


class OwnMetric(keras.metrics.Mean):
    def update_state(self, y, p, sample_weight=None):
        return super().update_state(keras.ops.max(keras.ops.abs(y - p)))


class Wants(OwnMetric):
    def __init__(self, more, **options):  # and no get_config that says so
        super().__init__(**options)


def sequential():
    return build(layers.Dense(4), layers.BatchNormalization(), layers.Dense(1))


@pytest.mark.parametrize(("make", "loss"), [
    (sequential, own_loss), (functional, OwnLoss()), (sequential, "mse"),
    (functional, lambda y, p: keras.ops.abs(y - p))], ids=["function", "object", "name", "lambda"])
def test_a_loss_and_metrics_of_ones_own_need_not_be_registered(make, loss):
    model = make()
    model.compile("sgd", loss, metrics=[OwnMetric(name="worst"), own_loss, "mae"], run_eagerly=True)
    x, y = np.random.default_rng(0).normal(size=(32, 6)), np.zeros((32, 1))
    folded = fold_batchnorm(model)
    folded.run_eagerly = True
    expected = model.evaluate(x, y, verbose=0, return_dict=True)
    found = folded.evaluate(x, y, verbose=0, return_dict=True)
    assert found == pytest.approx(expected, rel=1e-4)
    folded.fit(x, y, verbose=0)
    assert model.evaluate(x, y, verbose=0, return_dict=True) == pytest.approx(expected), "they share nothing"
    assert folded.optimizer is not model.optimizer


def test_a_model_whose_metric_cannot_be_made_twice_is_folded_and_not_compiled():
    model = build(layers.Dense(4), layers.BatchNormalization())
    model.compile("sgd", "mse", metrics=[Wants(1, name="w")])
    with pytest.warns(UserWarning, match="is not compiled, since what the model is compiled with cannot be made"):
        folded = fold_batchnorm(model)
    x = np.zeros((3, 6), np.float32)
    np.testing.assert_allclose(array(folded(x)), array(model(x)), rtol=1e-5)
    assert not folded.compiled


class Trained(keras.Model):
    def train_step(self, data):
        return {"own": keras.ops.zeros(())}


def test_a_functional_model_of_ones_own_class_stays_of_that_class():
    model = functional(Trained)
    folded = fold_batchnorm(model)
    assert type(folded) is Trained
    assert (folded.name, folded.inputs[0].name) == ("whole", "pictures")
    x = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)
    np.testing.assert_allclose(array(folded(x)), array(model(x)), rtol=1e-4, atol=1e-5)


class Odd(layers.Dense):
    """Not registered, so a config alone does not bring it back."""


def test_a_layer_that_is_not_registered_is_cloned_within_a_wrapper():
    model = keras.Sequential([keras.Input((3, 6)), layers.TimeDistributed(Odd(4), name="each")])
    folded = fold_batchnorm(model)
    x = np.random.default_rng(0).normal(size=(5, 3, 6)).astype(np.float32)
    np.testing.assert_array_equal(array(folded(x)), array(model(x)))
    assert type(folded.layers[0].layer) is Odd
    assert folded.layers[0].layer is not model.layers[0].layer


@pytest.mark.every_backend
def test_a_clone_that_is_used_leaves_the_model_its_weights():
    """On JAX a trainer gives away the arrays that it works with, and whoever else holds them has none."""
    model = keras.Sequential([keras.Input((4, 2)), layers.SeparableConv1D(3, 2), layers.BatchNormalization()])
    x = np.ones((2, 4, 2), np.float32)
    expected = array(model(x))
    fold_batchnorm(model).predict(x, verbose=0)
    np.testing.assert_array_equal(array(model(x)), expected)

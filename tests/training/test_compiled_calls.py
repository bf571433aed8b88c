"""A function that calls a model: compiled once on JAX, with the weights that are there, and eager where it must be."""

import keras
import numpy as np
import pytest
from backends import BACKEND, array

from whetstone_lab.training.compiled_calls import compiled_on_jax

pytestmark = pytest.mark.every_backend

X = np.arange(6, dtype=np.float32).reshape(3, 2)


class Doubles(keras.Model):
    """Multiplies by a weight, notes in it that it was called, and counts in Python how often."""

    def __init__(self, branches=False):
        super().__init__()
        self.branches, self.calls = branches, 0
        self.factor = self.add_weight(shape=(), initializer="ones", name="factor")
        self.called = self.add_weight(shape=(), initializer="zeros", trainable=False, name="called")

    def call(self, x):
        self.calls += 1
        self.called.assign_add(1.0)
        return x * self.factor if not self.branches or x[0, 0] < 99 else x


@pytest.mark.parametrize(("branches", "eagerly"), [(False, False), (True, False), (False, True)],
                         ids=["traced", "cannot be traced", "eager"])
def test_the_weights_are_those_of_the_call_and_one_trace_does_for_all(branches, eagerly):
    model = Doubles(branches)
    model(X)
    model.compile(run_eagerly=eagerly)
    before, called = model.calls, array(model.called)
    call = compiled_on_jax(model, lambda x: {"out": model(x)})
    for factor in (2.0, 3.0, 4.0):
        model.factor.assign(factor)
        np.testing.assert_array_equal(array(call(X)["out"]), factor * X)
    if BACKEND == "jax" and not branches and not eagerly:
        assert model.calls - before == 1
        assert array(model.called) == called  # what is assigned is dropped
    else:
        assert array(model.called) == called + 3


def test_what_is_wrong_is_said_as_in_an_eager_call():
    model = Doubles()
    model(X)
    with pytest.raises(ZeroDivisionError):
        compiled_on_jax(model, lambda x: model(x) / (1 // 0))(X)

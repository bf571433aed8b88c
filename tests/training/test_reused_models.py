"""A model that tests share trains for each of them as if it had just been made."""

import keras
import numpy as np
import pytest
from backends import array, reused
from keras import layers

from whetstone_lab.method.class_keys import make_key
from whetstone_lab.training.averaging import WhetstoneOptimizer
from whetstone_lab.training.decode import SoftmaxDecode
from whetstone_lab.training.layers import SpikingBReLU
from whetstone_lab.training.sharpeners import StepwiseSharpener

pytestmark = pytest.mark.every_backend

X, Y = np.random.default_rng(0).random((16, 4), np.float32), np.arange(16) % 2
OPTIMIZERS = {"sgd": "sgd", "averaged": WhetstoneOptimizer(keras.optimizers.Adam(0.05))}


@reused
def make(optimizer):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(6), layers.BatchNormalization(), layers.Dropout(0.3),
                              SpikingBReLU(), SoftmaxDecode(make_key(2, 6))])
    model.compile(OPTIMIZERS[optimizer], "sparse_categorical_crossentropy")
    return model


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_model_that_is_given_again_trains_as_it_did_at_first(optimizer, monkeypatch):
    ends, models = [], []
    for test in ("one", "two"):
        monkeypatch.setenv("PYTEST_CURRENT_TEST", f"{test} (call)")
        model, sharpener = make(optimizer), StepwiseSharpener(0, 1)
        model.fit(X, Y, batch_size=4, epochs=3, verbose=0, callbacks=[sharpener])
        ends.append([*sharpener.trace.loss, *map(array, model.variables)])
        models.append(model)
        assert make(optimizer) is not model, "within a test each has a model of its own"
    assert models[0] is models[1]
    for first, second in zip(*ends, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-6)

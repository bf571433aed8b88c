"""The register of layers: one file adds a layer, and everything that asks for it finds it."""

import keras
import numpy as np
import pytest
from keras import layers

from whetstone_lab.conversion.convert import convert
from whetstone_lab.conversion.makers import registry
from whetstone_lab.simulator import operations, run
from whetstone_lab.training.layers import SpikingBReLU


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch):
    monkeypatch.setattr(registry, "_KINDS", dict(registry._KINDS))


class Twice(layers.Layer):
    def call(self, inputs):
        return 2 * inputs


class Inverted(Twice):
    def call(self, inputs):
        return -2 * inputs


def model_with(layer):
    return keras.Sequential([keras.Input((4,)), layer, SpikingBReLU(1.0)])


def test_a_layer_that_is_registered_is_converted():
    with pytest.raises(ValueError, match="does not know layers of type Twice"):
        convert(model_with(Twice()))

    @registry.register(Twice)
    def twice(layer, site):
        assert site.shape == (4,)
        return [operations.Scale(2.0)]

    model, x = model_with(Twice()), np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    np.testing.assert_array_equal(run(convert(model), x).dense(0)[:, 0], model.predict(x, verbose=0).astype(bool))
    assert "Twice" in registry.known_layers()["test_registry"]
    with pytest.raises(ValueError, match="does not know layers of type Inverted"):  # it computes something else
        convert(model_with(Inverted()))


def test_a_layer_is_registered_once():
    with pytest.raises(ValueError, match="Dense is registered again"):
        registry.register(layers.Dense)(lambda layer, site: [])


def test_what_convert_knows_can_be_listed():
    known = registry.known_layers()
    assert known["dense"] == ["Dense"]
    assert known["pooling"] == sorted(known["pooling"])
    assert {"Dropout", "GaussianNoise"} <= set(known["train_only"])
    assert not any("Conv3D" in names for names in known.values()), "it is folded into, and not converted"

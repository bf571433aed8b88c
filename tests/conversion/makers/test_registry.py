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
    assert ["Twice"] in registry.kinds().values()
    with pytest.raises(ValueError, match="does not know layers of type Inverted"):  # it computes something else
        convert(model_with(Inverted()))


def test_a_layer_is_registered_once():
    with pytest.raises(ValueError, match="Dense is registered again"):
        registry.register(layers.Dense)(lambda layer, site: [])


def test_what_convert_knows_can_be_listed():
    known = {name: kind for kind, names in registry.kinds().items() for name in names}
    assert registry.kinds()[registry.kind_of(layers.MaxPooling2D())] == ["MaxPooling1D", "MaxPooling2D"]
    assert known["Dropout"] is known["GaussianNoise"] is registry.kind_of(layers.Dropout(0.5))
    assert known["Conv3D"].make is None, "it is folded into, and not converted"
    assert registry.operations_of(known["Add"]) == ["Add"]


def test_a_layer_that_this_keras_does_not_have_is_listed_all_the_same():
    kind = registry.Kind(idle=True)
    registry.declare("LayerOfTomorrow", "Masking", kind=kind)
    assert registry.kinds()[kind] == ["LayerOfTomorrow", "Masking"]
    assert registry.kind_of(layers.Masking()) is kind
    assert registry.layers_where(lambda other: other == kind) == ["Masking"]


def test_what_is_refused_is_so_with_its_subclasses():
    class Memory(layers.LSTM):
        def call(self, sequences, **kwargs):
            return sequences

    assert registry.kind_of(Memory(2)).refusal is registry.kind_of(layers.LSTM(2)).refusal is not None
    with pytest.raises(ValueError, match="LSTM is registered again"):
        registry.refuse(layers.LSTM, reason="", remedy="")

"""The reference perceptron and its ReLU twin: what they are made of, and what they refuse."""

import keras
import numpy as np
import pytest

from whetstone_lab import keys
from whetstone_lab.layers import spiking_layers
from whetstone_lab.models import mlp


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


def test_the_spiking_net_and_its_twin_differ_in_their_activations_and_their_end_alone():
    spiking, twin = mlp(64, 10), mlp(64, 10, spiking=False)
    hidden = ["Dense", "SpikingBReLU", "Dropout"] * 2
    assert kinds(spiking) == [*hidden, "Dense", "SpikingBReLU", "SoftmaxDecode"]
    assert kinds(twin) == [*(name.replace("SpikingBReLU", "ReLU") for name in hidden), "Dense"]
    assert [layer.units for layer in spiking.layers if isinstance(layer, keras.layers.Dense)] == [256, 64, 100]
    assert [layer.units for layer in twin.layers if isinstance(layer, keras.layers.Dense)] == [256, 64, 10]
    assert spiking.output_shape == twin.output_shape == (None, 10)
    assert (spiking.built, spiking.compiled) == (True, False)
    for model in (spiking, twin):
        y = model.predict(np.random.default_rng(0).random((5, 64)), verbose=0)
        np.testing.assert_allclose(y.sum(-1), 1, atol=1e-5)


def test_every_argument_reaches_its_layers():
    key = keys.make_key(3, 12, seed=4)
    model = mlp(6, 3, hidden=[7], dropout=0, key=key, temperature=2.5, surrogate_width=None)
    assert kinds(model) == ["Dense", "SpikingBReLU", "Dense", "SpikingBReLU", "SoftmaxDecode"]
    assert [layer.surrogate_width for layer in spiking_layers(model)] == [None, None]
    assert np.array_equal(model.layers[-1].key, key)
    assert model.layers[-1].temperature == 2.5
    assert mlp(6, 3, hidden=(), width=9).layers[-1].key.shape == (3, 9)
    assert mlp(6, 3, hidden=(4,), dropout=0.3).layers[2].rate == 0.3
    assert mlp(6, 3).layers[-1].temperature == pytest.approx(np.sqrt(30))


def test_a_key_of_another_width_is_refused():
    with pytest.raises(ValueError, match="Expected a key for 20 output neurons; got one of width 12"):
        mlp(6, 3, width=20, key=keys.make_key(3, 12))

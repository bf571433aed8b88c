"""The reference nets and their ReLU baselines: what they are made of, and what they refuse."""

import keras
import numpy as np
import pytest

from whetstone_lab import keys
from whetstone_lab.training.layers import spiking_layers
from whetstone_lab.training.models import convnet, mlp


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


def test_the_spiking_net_and_its_baseline_differ_in_their_activations_and_their_end_alone():
    spiking, baseline = mlp(64, 10), mlp(64, 10, spiking=False)
    hidden = ["Dense", "SpikingBReLU", "Dropout"] * 2
    assert kinds(spiking) == [*hidden, "Dense", "SpikingBReLU", "SoftmaxDecode"]
    assert kinds(baseline) == [*(name.replace("SpikingBReLU", "ReLU") for name in hidden), "Dense"]
    assert [layer.units for layer in spiking.layers if isinstance(layer, keras.layers.Dense)] == [256, 64, 100]
    assert [layer.units for layer in baseline.layers if isinstance(layer, keras.layers.Dense)] == [256, 64, 10]
    assert spiking.output_shape == baseline.output_shape == (None, 10)
    assert (spiking.built, spiking.compiled) == (True, False)
    for model in (spiking, baseline):
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
    assert mlp(6, 3).layers[-1].temperature == pytest.approx(np.sqrt(30) / 2)


def test_a_key_of_another_width_is_refused():
    with pytest.raises(ValueError, match="Expected a key for 20 output neurons; got one of width 12"):
        mlp(6, 3, width=20, key=keys.make_key(3, 12))


def test_batch_norm_stands_before_each_activation_of_both():
    block = ["Dense", "BatchNormalization"]
    assert kinds(mlp(6, 3, hidden=(4,), batchnorm=True)) == [
        *block, "SpikingBReLU", "Dropout", *block, "SpikingBReLU", "SoftmaxDecode"]
    assert kinds(mlp(6, 3, hidden=(4,), batchnorm=True, spiking=False)) == [*block, "ReLU", "Dropout", "Dense"]


@pytest.mark.every_backend
@pytest.mark.parametrize("batchnorm", [True, False])
def test_the_convnet_and_its_baseline(batchnorm):
    spiking, baseline = (convnet((28, 28, 1), 10, batchnorm=batchnorm, spiking=spiking) for spiking in (True, False))
    norm = ["BatchNormalization"] * batchnorm
    conv = ["Conv2D", *norm, "MaxPooling2D", "SpikingBReLU"]
    assert kinds(spiking) == [*conv, *conv, "Flatten", "Dense", *norm, "SpikingBReLU", "Dropout",
                              "Dense", *norm, "SpikingBReLU", "SoftmaxDecode"]
    assert kinds(baseline) == [name.replace("SpikingBReLU", "ReLU") for name in kinds(spiking)[:-2 - batchnorm - 1]] + [
        "Dense"]
    assert [layer.name for layer in spiking_layers(spiking)] == ["conv_1", "conv_2", "hidden_1", "output"]
    assert spiking.output_shape == baseline.output_shape == (None, 10)


@pytest.mark.every_backend
def test_the_convnet_converts_to_the_same_classes():
    from whetstone_lab import convert, simulator

    model = convnet((14, 14, 1), 3, filters=(2,), hidden=(8,), width=9)
    for layer in spiking_layers(model):
        layer.set_sharpness(1.0)
    x = np.random.default_rng(0).random((20, 14, 14, 1), np.float32)
    assert np.array_equal(simulator.predict(convert(model), x), model.predict(x, verbose=0).argmax(-1))

"""Autoencoders and segmenters, converted: the values, the classes and every spike that Keras has, at one step."""

import keras
import numpy as np
import pytest
from backends import array
from exact_norms import exact_batch_norm

from whetstone_lab import convert, make_key, simulator
from whetstone_lab.training.layers import spiking_layers
from whetstone_lab.training.models import autoencoder, conv_autoencoder, segmenter

RNG = np.random.default_rng(0)


def sharp(model):
    """The model, fully sharp, its weights and batch norms multiples of 1/16: sums of any order are the same."""
    for layer in spiking_layers(model):
        layer.set_sharpness(1.0)
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            ones = np.ones(layer.gamma.shape)
            layer.set_weights([ones * 2, ones / 4, ones * 0, ones - layer.epsilon])  # y = 2 x + 1/4
        elif hasattr(layer, "kernel"):
            layer.set_weights([rng.integers(-8, 9, weight.shape) / 16 for weight in layer.weights])
    return model


def pictures(count, *shape):
    return (RNG.integers(0, 17, (count, *shape)) / 16).astype(np.float32)


@pytest.mark.parametrize("make", [
    lambda: autoencoder(12, 6, hidden=(7, 5)), lambda: autoencoder(12, 6, hidden=(), batchnorm=False),
    lambda: conv_autoencoder((6, 5, 2), 8, filters=(3, 4)), lambda: conv_autoencoder((6, 6, 1), 5, filters=(3,)),
])
def test_a_converted_autoencoder_gives_the_values_that_keras_gives(make):
    model = sharp(make())
    model.compile("sgd", "mse")
    x = pictures(20, *model.input_shape[1:])
    network = convert(model)
    record = simulator.run(network, x)
    assert next(iter(network.heads.values())).kind == "values"
    bits = record.dense("code").sum(axis=1)
    with exact_batch_norm():
        values, code = keras.Model(model.inputs[0], [model.outputs[0], model.get_layer("code").output])(x)
    np.testing.assert_array_equal(record.votes, array(values))
    np.testing.assert_array_equal(bits, array(code))
    assert 0.02 < bits.mean() < 0.98


def test_of_a_sigmoid_the_network_gives_what_is_before_it():
    model = sharp(autoencoder(12, 6, hidden=(7,), sigmoid=True))
    x = pictures(20, 12)
    votes = simulator.run(convert(model), x).votes
    np.testing.assert_allclose(1 / (1 + np.exp(-votes[..., 1])), array(model(x)), rtol=1e-6)


@pytest.mark.every_backend
@pytest.mark.parametrize(("shape", "options"), [((8, 8, 1), {"skip": "spikes", "convolutions": 1}), ((7, 5, 2), {})])
def test_a_converted_segmenter_decides_for_every_place_as_keras_does(shape, options):
    model = sharp(segmenter(shape, 3, filters=(3, 4, 5), key=make_key(3, 9), **options))
    x = pictures(12, *shape)
    network = convert(model)
    record = simulator.run(network, x)
    names = [layer.name for layer in spiking_layers(model)]
    assert [*network.layers] == names  # neurons whose spikes two readers take, one of them pooled, are there once
    with exact_batch_norm():
        *fired, scores = keras.Model(model.input, [*(model.get_layer(name).output for name in names), model.output])(x)
    for name, spikes in zip(names, map(array, fired), strict=True):
        np.testing.assert_array_equal(record.dense(name).sum(axis=1), spikes, err_msg=name)
        assert 0.005 < spikes.mean() < 0.995, name
    classes = array(scores).argmax(-1)
    np.testing.assert_array_equal(record.classes, classes)
    assert len(np.unique(classes)) > 1

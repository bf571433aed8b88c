"""Autoencoders and segmenters: what they are made of, that train takes them, and what is refused."""

import keras
import numpy as np
import pytest
from backends import array, without_graphs

from whetstone_lab import convert, simulator, train
from whetstone_lab.training.layers import spiking_layers
from whetstone_lab.training.models import autoencoder, conv_autoencoder

RNG = np.random.default_rng(0)


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


# -- autoencoders -----------------------------------------------------------------------------------------------------


def test_the_autoencoder_and_its_baseline_have_codes_of_as_many_bits():
    spiking, baseline = autoencoder(64, 16), autoencoder(64, 16, spiking=False, bits_a_value=8)
    assert kinds(spiking) == ["Dense", "BatchNormalization", "SpikingBReLU"] * 3 + ["Dense"]
    block = ["Dense", "BatchNormalization"]
    assert kinds(baseline) == [*block, "ReLU", *block, "Quantised", *block, "ReLU", "Dense"]
    assert kinds(autoencoder(8, 4, hidden=(), batchnorm=False)) == ["Dense", "SpikingBReLU", "Dense"]
    dense = [[layer.units for layer in model.layers if isinstance(layer, keras.layers.Dense)]
             for model in (spiking, baseline)]
    assert dense == [[256, 16, 256, 64], [256, 2, 256, 64]]
    assert [layer.name for layer in spiking_layers(spiking)] == ["encoder_1", "code", "decoder_1"]
    assert spiking.output_shape == baseline.output_shape == (None, 64)
    # What the decoder sees of a picture is one of 2^bits codes.
    code = keras.Model(baseline.inputs[0], baseline.get_layer("code").output)
    values = array(code(RNG.normal(size=(200, 64)) * 9)) * 255
    np.testing.assert_allclose(values, np.round(values), atol=1e-4)
    assert (values.min(), values.max()) == (0, 255)


@pytest.mark.parametrize(("shape", "filters", "crops"), [((28, 28, 1), (16, 32), 0), ((12, 9, 3), (4, 6, 8), 1)])
def test_the_convolutional_autoencoder_gives_a_picture_of_the_same_size(shape, filters, crops):
    spiking, baseline = (conv_autoencoder(shape, 24, filters=filters, spiking=each) for each in (True, False))
    assert spiking.output_shape == baseline.output_shape == (None, *shape)
    assert kinds(spiking).count("Cropping2D") == crops
    assert [name.replace("SpikingBReLU", "ReLU") for name in kinds(spiking)] == [
        name.replace("Quantised", "ReLU") for name in kinds(baseline)]
    assert kinds(spiking).count("Conv2DTranspose") == kinds(spiking).count("Conv2D") == len(filters)
    assert spiking.get_layer("code").output.shape == (None, 24)
    assert spiking.layers[kinds(spiking).index("BatchNormalization")].momentum == 0.9


@pytest.mark.parametrize("bits", [0, -8, 1.5, True])
def test_a_code_without_bits_is_refused(bits):
    for make in (lambda: autoencoder(8, bits), lambda: conv_autoencoder((8, 8, 1), bits)):
        with pytest.raises(ValueError, match="bits to be an integer of at least 1"):
            make()


@pytest.mark.parametrize(("options", "words"), [
    ({"bits_a_value": 8}, "for a ReLU baseline alone, as a neuron of a spiking code has one bit; got 8"),
    ({"bits_a_value": 5, "spiking": False}, "bits_a_value to divide the 16 bits of the code; got 5"),
    ({"bits_a_value": 0, "spiking": False}, "bits to be an integer from 1 to 16; got 0"),
])
def test_values_that_do_not_make_up_the_bits_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        autoencoder(8, 16, **options)
    with pytest.raises(ValueError, match="at least one convolution"):
        conv_autoencoder((8, 8, 1), 16, filters=())


def test_a_cropped_picture_may_end_in_a_sigmoid_too():
    x = RNG.random((8, 7, 5, 1), np.float32)
    model = conv_autoencoder((7, 5, 1), 4, filters=(2,), sigmoid=True)
    with without_graphs():
        train(model, x, x, epochs=3, verbose=0, check=True)
    assert (model.loss, model.output_shape) == ("binary_crossentropy", (None, 7, 5, 1))
    shades = array(model(x)).ravel()
    light = np.asarray(simulator.run(convert(model), x).classes).ravel()
    clear = abs(shades - 0.5) > 1e-4
    np.testing.assert_array_equal(light[clear], shades[clear] > 0.5)


def test_train_takes_the_inputs_for_targets():
    keras.utils.set_random_seed(0)
    x = np.repeat(RNG.random((4, 8), np.float32), 40, axis=0)
    model = autoencoder(8, 8, hidden=(16,))
    trace = train(model, x, x, epochs=12, batch_size=8, verbose=0, optimizer=keras.optimizers.Adam(0.02))
    assert model.loss == "mean_squared_error"
    after = float(np.mean((array(model(x)) - x) ** 2))
    assert after < x.var(axis=0).mean() / 3  # of a code that tells nothing
    assert trace.epochs == 12
    np.testing.assert_allclose(simulator.run(convert(model), x).votes, array(model(x)), atol=1e-6)

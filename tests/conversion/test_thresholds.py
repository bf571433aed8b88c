"""Batch norm right before neurons becomes a threshold for each channel, whatever stands before it."""

import keras
import numpy as np
import pytest
from backends import array
from exact_norms import exact_batch_norm
from keras import layers

from whetstone_lab.conversion.convert import convert
from whetstone_lab.conversion.folding import fold_batchnorm
from whetstone_lab.simulator import operations, run
from whetstone_lab.training.layers import SpikingBReLU, SpikingSigmoid


def build(shape, *stack):
    return keras.Sequential([keras.Input(shape), *stack])


def norm(**options):
    return layers.BatchNormalization(epsilon=2**-3, name="bn", **options)


def summed():
    inputs = keras.Input((6, 6, 2))
    x = layers.Add()([layers.Conv2D(4, 3, padding="same")(inputs), layers.Conv2D(4, 1)(inputs)])
    return keras.Model(inputs, SpikingBReLU(1.0)(norm()(x)))


MODELS = {
    "a max-pool": lambda: build((8, 8, 2), layers.Conv2D(4, 3), layers.MaxPooling2D(2), norm(), SpikingBReLU(1.0)),
    "an average pool": lambda: build((8, 8, 2), layers.Conv2D(4, 3), layers.AveragePooling2D(2), norm(),
                                     layers.Dropout(0.5), SpikingSigmoid(1.0)),
    "a sum": summed,
    "a reshape": lambda: build((8,), layers.Dense(16), layers.Reshape((2, 2, 4)), norm(), SpikingBReLU(1.0)),
    "the input": lambda: build((8,), norm(), SpikingBReLU(1.0)),
    "spikes": lambda: build((8,), layers.Dense(4), SpikingBReLU(1.0), norm(), SpikingBReLU(1.0)),
    "a pool, and one behind it": lambda: build((8, 8, 2), layers.Conv2D(4, 3), layers.MaxPooling2D(2), norm(),
                                               layers.MaxPooling2D(2, strides=1), SpikingBReLU(1.0)),
    "a pool, channels first": lambda: build((2, 8, 8), layers.AveragePooling2D(2, data_format="channels_first"),
                                            norm(axis=1), SpikingBReLU(1.0)),
    "a padded convolution of rows": lambda: build((9, 2), layers.ZeroPadding1D(1), norm(), SpikingSigmoid(1.0)),
}


def prepare(name, signs, exact, seed=0):
    model, rng = MODELS[name](), np.random.default_rng(seed)
    for variable in model.trainable_variables:
        variable.assign(rng.integers(-3, 4, variable.shape) / 4 if exact else rng.normal(0.02, 0.5, variable.shape))
    layer = model.get_layer("bn")
    shape = layer.moving_mean.shape
    scale = rng.choice([0.5, 1, 2], shape) if exact else rng.uniform(0.3, 2, shape)
    if signs == "mixed":
        scale *= np.resize([1, -1, -1, 1], shape)
    if signs == "none":
        scale = np.zeros(shape)
    variance = 4.0 ** rng.integers(-1, 2, shape) - layer.epsilon if exact else rng.uniform(0.2, 2, shape)
    beta = np.resize([0.5, -0.5, 0.25, 0.75], shape)
    if "one behind it" in name:
        beta = beta - 3 * scale  # the largest of many is large
    layer.set_weights([scale, beta, rng.integers(-2, 3, shape) / 4, variance])
    shape = (60, *model.input_shape[1:])
    x = rng.integers(-4, 5, shape) / 4 if exact else rng.normal(size=shape)
    return model, x.astype(np.float32)


def spikes(network, x):
    """The network's last spikes behind all pools, in Keras's shape."""
    last = network.layers[-1]
    values = run(network, x).dense(last)[:, network.steps[last]].reshape(len(x), *network.shapes[last]).astype("f")
    for node in network.nodes[[node.name for node in network.nodes].index(last) + 1:]:
        values = node.operation.apply(values)
    return values


@pytest.mark.parametrize("signs", ["positive", "mixed", "none"])
@pytest.mark.parametrize("name", MODELS)
def test_spikes_equal_keras_where_every_number_is_exact(name, signs):
    model, x = prepare(name, signs, exact=True)
    with exact_batch_norm():
        expected = array(model(x))
    found = spikes(convert(model), x)
    np.testing.assert_array_equal(found, expected)
    assert 0.001 < found.mean() < 0.999
    assert name == "spikes" or signs == "none" or len(np.unique(found.reshape(60, -1), axis=0)) > 5


@pytest.mark.parametrize("name", MODELS)
def test_elsewhere_a_spike_differs_within_rounding_of_its_threshold_only(name):
    model, x = prepare(name, "mixed", exact=False)
    layer = next(layer for layer in reversed(model.layers) if isinstance(layer, (SpikingBReLU, SpikingSigmoid)))
    potentials = array(keras.Model(model.inputs[0], layer.input)(x))
    near = np.abs(potentials - layer.threshold) < 2e-6 * (1 + np.abs(potentials).max())
    assert near.mean() < 0.01
    np.testing.assert_array_equal(spikes(convert(model), x)[~near], array(model(x))[~near])


def test_with_positive_scales_the_neurons_go_before_the_pool_and_with_negative_ones_they_stay():
    def kinds(signs):
        network = convert(prepare("a max-pool", signs, exact=True)[0])
        return [type(node.operation) for node in network.nodes]

    assert kinds("positive") == [operations.Conv2D, operations.Neurons, operations.MaxPool2D]
    assert kinds("mixed") == [operations.Conv2D, operations.MaxPool2D, operations.Scale, operations.Neurons]


def test_a_keras_model_has_no_thresholds_to_fold_into():
    with pytest.raises(ValueError, match=r"'bn'.* cannot be folded exactly: .*MaxPooling2D\), before it, is none of"):
        fold_batchnorm(MODELS["a max-pool"]())


def test_neurons_that_are_shared_take_nothing_in():
    inputs = keras.Input((4,))
    shared = SpikingBReLU(1.0)
    model = keras.Model(inputs, layers.Add()([shared(norm()(inputs)), shared(inputs)]))
    with pytest.raises(ValueError, match=r"one of the two, it or .*SpikingBReLU\), after it, is called more than once"):
        convert(model)

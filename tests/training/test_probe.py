"""Probes: what layers are fed is seen wherever they are called, and neurons lie along the axis that the layers use."""

import keras
import numpy as np
import pytest
from backends import BACKEND, only_on
from keras import layers

from whetstone_lab.method.layer_health import HISTOGRAM_BINS
from whetstone_lab.records.trace import Trace
from whetstone_lab.training import probe
from whetstone_lab.training.layers import SpikingBReLU, SpikingSigmoid, all_layers, spiking_layers
from whetstone_lab.training.sharpeners import StepwiseSharpener

pytestmark = pytest.mark.every_backend

RNG = np.random.default_rng(0)
SEQUENCES, ROWS = RNG.normal(0.5, 1, (4, 3, 2)).astype(np.float32), RNG.normal(0.5, 1, (4, 2)).astype(np.float32)


@pytest.fixture(params=["channels_first", "channels_last"])
def global_format(request):
    """Keras's global setting, which is not that of the layers."""
    before = keras.config.image_data_format()
    keras.config.set_image_data_format(request.param)
    yield request.param
    keras.config.set_image_data_format(before)


def named(model):
    """The axis of each spiking layer, by its name."""
    axes = probe.channel_axes(model)
    return {layer.name: axes.get(id(layer)) for layer in spiking_layers(model)}


def test_without_a_probe_nothing_is_looked_at():
    assert probe.look(None, [], None, []) == {}


def test_a_run_goes_on_with_the_bins_that_it_began_with():
    layer = SpikingBReLU(name="spiking")
    model = keras.Sequential([keras.Input((3,)), layer])
    x = np.array([[0.5, -9.0, 9.0]], np.float32)
    old = np.linspace(-2.0, 3.0, 51)  # those of the first releases
    for bins, expected in ((None, HISTOGRAM_BINS), (np.zeros(0), HISTOGRAM_BINS), (old, old)):
        found = probe.look(model, [layer], x, [0.0], bins)
        np.testing.assert_array_equal(found["bins"], expected)
        assert found["histograms"].shape == (1, len(expected) - 1)
        trace = Trace(["spiking"])
        for _ in range(2):
            trace.append_epoch({"loss": 1.0}, **found)
    assert found["histograms"][0, [0, -1]].tolist() == pytest.approx([1 / 3, 1 / 3])


# -- where the neurons are --------------------------------------------------------------------------------------------


def test_neurons_lie_where_the_layers_before_them_say(global_format):
    first, last = {"data_format": "channels_first"}, {"data_format": "channels_last"}
    model = keras.Sequential([
        layers.Conv2D(2, 1, activation=SpikingBReLU(name="within"), **first), layers.BatchNormalization(axis=1),
        SpikingBReLU(name="behind"), layers.MaxPooling2D(**first), SpikingBReLU(name="pooled"),
        layers.Permute((2, 3, 1)), SpikingBReLU(name="permuted"), layers.Conv2D(2, 1, **last),
        SpikingSigmoid(name="last"), layers.Permute((3, 1, 2)), SpikingBReLU(name="back"),
        layers.TimeDistributed(layers.Conv1D(2, 1, **first)), SpikingBReLU(name="in time"), layers.Flatten(),
        layers.Dense(2), SpikingBReLU(name="top")])
    assert named(model) == {"within": -3, "behind": -3, "pooled": -3, "permuted": -1, "last": -1, "back": -3,
                            "in time": -2, "top": -1}
    recurrent = layers.ConvLSTM2D(2, 1, return_sequences=True, **first)
    assert named(keras.Sequential([recurrent, SpikingBReLU(name="a")])) == {"a": -3}
    assert named(keras.Sequential([layers.SimpleRNN(2, activation=SpikingBReLU(name="a"), return_sequences=True),
                                   SpikingBReLU(name="b")])) == {"a": -1, "b": -1}


class ActivationsFirst(keras.Model):
    """A model that got its activation before its convolution."""

    def __init__(self):
        super().__init__()
        self.activation, self.conv = SpikingBReLU(name="a"), layers.Conv1D(2, 1, data_format="channels_first")

    def call(self, inputs):
        return self.activation(self.conv(inputs))


def test_a_model_that_got_its_activations_first_tells_it_too(global_format):
    assert named(ActivationsFirst()) == {"a": -2}
    assert named(keras.Sequential([SpikingBReLU(name="a")])) == {"a": None}


def test_rows_of_neurons_are_those_of_the_axis():
    images = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    assert probe.by_neuron([images], -1).tolist() == images.reshape(-1, 5).tolist()
    assert probe.by_neuron([images], -3).tolist() == np.moveaxis(images, 1, -1).reshape(-1, 3).tolist()
    assert probe.by_neuron([images[:, 0, 0], images[:, 0, 1]], -3).shape == (4, 5)  # they have been flattened


def test_where_no_layer_tells_images_are_as_keras_has_it(global_format):
    axis = 3 if global_format == "channels_first" else 5
    assert probe.by_neuron([np.zeros((2, 3, 4, 5))]).shape[1] == axis
    assert probe.by_neuron([np.zeros((2, 3, 5))]).shape[1] == 5  # steps and features


@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
def test_a_dead_feature_map_is_one_neuron_whatever_the_global_setting(data_format, global_format):
    axis = 1 if data_format == "channels_first" else -1
    image = np.abs(np.moveaxis(RNG.normal(1, 0.1, (3, 4, 5, 1)), -1, axis)).astype(np.float32)
    conv = layers.Conv2D(2, 1, data_format=data_format)
    model = keras.Sequential([keras.Input(image.shape[1:]), conv, SpikingBReLU(1.0)])
    conv.set_weights([np.array([[[[9.0, -9.0]]]]), np.zeros(2)])
    seen = probe.look(model, spiking_layers(model), image, [1.0])
    assert [seen["layer_metrics"][name].tolist() for name in ("never_firing", "always_firing")] == [[0.5], [0.5]]


# -- layers that a backend traces -------------------------------------------------------------------------------------


def recurrent():
    return keras.Sequential([keras.Input((3, 2)), layers.SimpleRNN(3, activation=SpikingBReLU()), layers.Dense(2),
                             SpikingBReLU()])


def rematerialised():
    with keras.RematScope(mode="full"):
        model = keras.Sequential([keras.Input((2,)), layers.Dense(3), SpikingBReLU(), layers.Dense(2), SpikingBReLU()])
    # In a graph of TensorFlow's, Keras 3.15 rematerialises no layer that knows a phase of training, not even Dense.
    model.compile("sgd", "mse", run_eagerly=BACKEND == "tensorflow")
    return model


class Compiled(layers.Layer):
    """A layer whose call is a ``tf.function``."""

    def __init__(self):
        super().__init__()
        import tensorflow as tf

        self.spike = SpikingBReLU()
        self.function = tf.function(self.spike)

    def call(self, inputs):
        return self.function(inputs)


def with_a_function():
    return keras.Sequential([keras.Input((2,)), layers.Dense(3), Compiled(), layers.Dense(2), SpikingBReLU()])


def expected_rates(model, x):
    """The mean activations, from the inputs as the layers' own numbers have them."""
    weights = [keras.ops.convert_to_numpy(weight) for weight in model.trainable_weights]
    if x.ndim == 2:
        hidden = np.clip((x @ weights[0] + weights[1] - 0.5) / 1.001 + 0.5, 0, 1)
        all_hidden = hidden
    else:
        hidden, all_hidden = np.zeros((len(x), 3)), []
        for step in range(x.shape[1]):
            hidden = np.clip((x[:, step] @ weights[0] + hidden @ weights[1] + weights[2] - 0.5) / 1.001 + 0.5, 0, 1)
            all_hidden += [hidden] * (2 if step == 0 and BACKEND != "jax" else 1)  # see inputs_on
    top = np.clip((hidden @ weights[-2] + weights[-1] - 0.5) / 1.001 + 0.5, 0, 1)
    return [np.mean(all_hidden), top.mean()]


@pytest.mark.parametrize(("make", "x"), [
    (recurrent, SEQUENCES), (rematerialised, ROWS),
    pytest.param(with_a_function, ROWS, marks=only_on("tensorflow", why="it has no tf.function"))])
def test_layers_that_are_traced_are_measured_and_training_goes_on(make, x):
    model = make()
    if not model.compiled:
        model.compile("sgd", "mse")
    sharpener = StepwiseSharpener(9, probe=x)
    model.fit(x, np.zeros((4, 2)), epochs=2, batch_size=4, verbose=0, callbacks=[sharpener])
    trace = sharpener.trace
    assert len(trace.epoch_ends) == 2
    np.testing.assert_allclose(trace.firing_rates[-1], expected_rates(model, x), atol=1e-3)
    assert np.isfinite(trace.layer_metric("never_firing")).all()
    assert not [event for event in trace.events if "cannot be measured" in event.reason]


def test_switches_are_as_they_were_after_a_look():
    model = rematerialised()
    modes = [layer._remat_mode for layer in all_layers(model)]
    probe.inputs_on(model, [SpikingBReLU()], ROWS)  # one that is not reached, so that it looks twice
    assert [layer._remat_mode for layer in all_layers(model)] == modes
    assert all(modes)
    if BACKEND == "tensorflow":
        import tensorflow as tf

        assert not tf.config.functions_run_eagerly()
    if BACKEND == "jax":
        import jax

        assert not jax.config.jax_disable_jit


class Beside(keras.Model):
    """A model that calls one of its spiking layers never, or where nobody can look: for each sample by itself."""

    def __init__(self, mapped):
        super().__init__()
        self.mapped, self.dense, self.spike, self.other = mapped, layers.Dense(2), SpikingBReLU(), SpikingSigmoid()

    def call(self, inputs):
        x = self.spike(self.dense(inputs))
        return keras.ops.vectorized_map(self.other, x) if self.mapped else x


@pytest.mark.parametrize("mapped", [
    False, pytest.param(True, marks=only_on("tensorflow", "jax", why="Keras's gradients cannot be mapped there"))])
def test_of_a_layer_that_cannot_be_measured_it_is_said_once_and_training_goes_on(mapped):
    model = Beside(mapped)
    model.compile("sgd", "mse")
    sharpener = StepwiseSharpener(9, probe=ROWS)
    with pytest.warns(UserWarning, match=r"Layer 2 of 2 \('spiking_sigmoid.*'\) cannot be measured: the probe does no"):
        model.fit(ROWS, np.zeros((4, 2)), epochs=2, batch_size=4, verbose=0, callbacks=[sharpener])
    said = [event for event in sharpener.trace.events if event.kind == "warning"]
    assert [(event.layer, event.epoch) for event in said] == [(1, 0)]
    assert np.isfinite(sharpener.trace.firing_rates[:, 0]).all()
    assert np.isnan(sharpener.trace.firing_rates[:, 1]).all()

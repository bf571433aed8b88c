"""Any model, on any backend: what a sharpener sets is what the next step computes with, whatever stands around it."""

import keras
import numpy as np
import pytest
from backends import array, ready

from whetstone_lab import compat, keys
from whetstone_lab.method.curves import bounded_relu
from whetstone_lab.training.decode import SoftmaxDecode
from whetstone_lab.training.layers import SpikingBReLU, SpikingSigmoid, spiking_layers
from whetstone_lab.training.sharpeners import AdaptiveSharpener, StepwiseSharpener

pytestmark = pytest.mark.every_backend

SAMPLES, BATCH = 16, 4
RNG = np.random.default_rng(0)
X = RNG.normal(0.5, 1, (SAMPLES, 6)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 1).astype(np.int64)
KEY = keys.make_key(2, 8)


class Recorder(keras.layers.Layer):
    """Passes its inputs on and keeps the mean of what it was last fed, as a weight, so in compiled steps too."""

    def __init__(self):
        super().__init__()
        self.mean = self.add_weight(name="mean", shape=(), trainable=False, initializer="zeros")

    def call(self, inputs):
        self.mean.assign(keras.ops.mean(inputs))
        return inputs


def block(name):
    return keras.Sequential([keras.layers.Input((5,)), keras.layers.Dense(5), SpikingBReLU(name=name)])


def sequential():
    return keras.Sequential([keras.layers.Input((6,)), keras.layers.Dense(5), SpikingBReLU(name="one"),
                             keras.layers.Dense(8), SpikingSigmoid(name="two"), SoftmaxDecode(KEY)])


def functional():
    entry = keras.Input((6,))
    x = SpikingBReLU(name="one")(keras.layers.Dense(5)(entry))
    x = keras.layers.Concatenate()([x, SpikingBReLU(name="two")(keras.layers.Dense(5)(x))])
    return keras.Model(entry, SoftmaxDecode(KEY)(SpikingSigmoid(name="three")(keras.layers.Dense(8)(x))))


def nested():
    return keras.Sequential([keras.layers.Input((6,)), keras.layers.Dense(5), block("one"),
                             keras.Sequential([keras.layers.Input((5,)), block("two")]),
                             keras.layers.Dense(8), SpikingBReLU(name="three"), SoftmaxDecode(KEY)])


def shared():
    entry = keras.Input((6,))
    dense, spike = keras.layers.Dense(6), SpikingBReLU(name="one")
    x = spike(dense(spike(dense(entry))))
    return keras.Model(entry, SoftmaxDecode(KEY)(SpikingBReLU(name="two")(keras.layers.Dense(8)(x))))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.stem, self.block, self.top = keras.layers.Dense(5), block("one"), keras.layers.Dense(8)
        self.spike, self.decode = SpikingSigmoid(name="two"), SoftmaxDecode(KEY)

    def call(self, x):
        return self.decode(self.spike(self.top(self.block(self.stem(x)))))


def two_outputs():
    entry = keras.Input((6,))
    x = SpikingBReLU(name="one")(keras.layers.Dense(5)(entry))
    left = SoftmaxDecode(KEY, name="left")(SpikingBReLU(name="two")(keras.layers.Dense(8)(x)))
    return keras.Model(entry, [left, keras.layers.Dense(1, name="right")(x)])


MODELS = {"sequential": sequential, "functional": functional, "nested": nested, "shared": shared,
          "subclassed": Subclassed, "two outputs": two_outputs}


def train(model, *callbacks, epochs=5):
    losses = ["sparse_categorical_crossentropy", "mse"][:len(getattr(model, "outputs", None) or [0])]
    targets = [Y, X[:, :1]][:len(losses)]
    single = len(losses) == 1
    model.compile("sgd", losses[0] if single else losses)
    if model.built:
        ready(model)
    model.fit(X, targets[0] if single else targets, batch_size=BATCH, epochs=epochs, shuffle=False, verbose=0,
              callbacks=list(callbacks))


@pytest.mark.parametrize("kind", MODELS)
def test_a_sharpener_brings_any_model_to_full_sharpness(kind, tmp_path):
    keras.utils.set_random_seed(1)
    # Through with a layer an epoch from the third on, whatever the loss.
    model, sharpener = MODELS[kind](), AdaptiveSharpener(min_init_epochs=1, patience=0, rate=1.0, cz_rate=1.0,
                                                         sig_increase=1e9, sig_decrease=1e9, probe=X)
    train(model, sharpener)
    trace, layers = sharpener.trace, spiking_layers(model)
    assert trace.layers == tuple(layer.name for layer in layers) == ("one", "two", "three")[:len(layers)]
    assert [float(array(layer.sharpness)) for layer in layers] == [1] * len(layers)
    assert (np.diff(trace.sharpness, axis=0) >= 0).all()
    assert len(np.unique(trace.sharpness)) > 3
    assert np.isfinite(trace.firing_rates).all()
    model.save_weights(tmp_path / "it.weights.h5")
    other = MODELS[kind]()
    other(X)
    other.load_weights(tmp_path / "it.weights.h5")
    assert [float(array(layer.sharpness)) for layer in spiking_layers(other)] == [1] * len(layers)


class Heard(keras.callbacks.Callback):
    """Notes after each batch what the recorder saw in it."""

    def __init__(self, recorder):
        super().__init__()
        self.recorder, self.values = recorder, []

    def on_train_batch_end(self, batch, logs=None):
        assert self.model is not None  # on JAX this brings the weights up to date
        self.values.append(float(array(self.recorder.mean)))


def heard(*others, probe=None, epochs=4):
    """Trains with a learning rate of 0 on the same batch again and again; what the layer put out at every step."""
    recorder, spike = Recorder(), SpikingBReLU(name="one")
    model = keras.Sequential([keras.layers.Input((6,)), spike, recorder, keras.layers.Dense(2, "softmax")])
    sharpener, ears = StepwiseSharpener(0, 6, "batch", probe=probe), Heard(recorder)
    model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    ready(model)
    x, y = np.tile(X[:BATCH], (2, 1)), np.tile(Y[:BATCH], 2)
    model.fit(x, y, batch_size=BATCH, epochs=epochs, shuffle=False, verbose=0, validation_data=(x, y),
              callbacks=[sharpener, ears, *others])
    return sharpener.trace.sharpness[:, 0], ears.values


def expected(sharpness):
    return [bounded_relu(X[:BATCH], float(value)).mean() for value in sharpness]


@pytest.mark.parametrize("around", ["nothing", "a probe", "early stopping", "a backup", "the logger", "evaluation"])
def test_the_next_step_computes_with_the_sharpness_that_was_set(around, tmp_path):
    class Evaluate(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.evaluate(X[:BATCH], Y[:BATCH], verbose=0)

    beside = {"nothing": [], "a probe": [],
              "early stopping": [keras.callbacks.EarlyStopping("val_loss", patience=99, restore_best_weights=True)],
              "a backup": [keras.callbacks.BackupAndRestore(tmp_path, save_freq=1)],
              "the logger": [compat.WhetstoneLogger(tmp_path, test_set=(X[:BATCH], Y[:BATCH]), log_weights=True)],
              "evaluation": [Evaluate()]}[around]
    sharpness, found = heard(*beside, probe=X if around == "a probe" else None)
    used = [0.0, *sharpness[:-1]]
    assert len(np.unique(used)) == 7
    np.testing.assert_allclose(found, expected(used), atol=1e-6)


def test_sharpness_set_by_hand_in_a_callback_is_used_too():
    class Hand(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            compat.set_layer_sharpness(model, [0.25 + batch / 2])

    recorder = Recorder()
    model = keras.Sequential([keras.layers.Input((6,)), SpikingBReLU(), recorder, keras.layers.Dense(2, "softmax")])
    model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    ears = Heard(recorder)
    model.fit(np.tile(X[:BATCH], (2, 1)), np.tile(Y[:BATCH], 2), batch_size=BATCH, epochs=2, shuffle=False, verbose=0,
              callbacks=[Hand(), ears])
    np.testing.assert_allclose(ears.values, expected([0.0, 0.25, 0.75, 0.25]), atol=1e-6)

"""``spiking`` turns ReLU networks of every structure, and what comes out computes the same in other units."""

import keras
import numpy as np
import pytest
from backends import EAGERLY, array, without_graphs
from keras import layers
from relu_nets import NETS, made, outputs, plain, residual, shared, stack, unbounded, units_kept

import whetstone_lab as wl
from whetstone_lab.conversion.refusals import ConversionError
from whetstone_lab.pretrained.scaling import scaled_linear, write_linear
from whetstone_lab.training.layers import all_layers, recorded_inputs


@pytest.fixture(scope="module", params=NETS, ids=lambda net: net.__name__)
def turned(request):
    """A model, inputs, its weights as they were, and what becomes of it."""
    model, x = made(request.param)
    weights = model.get_weights()
    return model, x, weights, wl.spiking(model, x)


def test_only_the_units_are_new(turned, monkeypatch):
    model, x, _, spiking = turned
    unbounded(monkeypatch)
    for want, got in zip(outputs(model, x), outputs(spiking, x), strict=True):
        assert np.allclose(want, got, rtol=1e-4, atol=1e-5 * np.abs(want).max())


def test_the_given_model_stays_as_it_is(turned):
    model, _, weights, spiking = turned
    assert all((one == two).all() for one, two in zip(model.get_weights(), weights, strict=True))
    assert not {id(layer) for layer in all_layers(model)} & {id(layer) for layer in all_layers(spiking)}
    assert all("call" not in vars(layer) for layer in all_layers(model))


def test_once_sharp_it_converts_neuron_for_neuron_and_comes_back_from_a_file(turned, tmp_path):
    _, x, _, spiking = turned
    wl.check(spiking)
    sharpened = wl.spiking_layers(spiking)
    for layer in sharpened:
        layer.set_sharpness(1.0)
    spiking.save(tmp_path / "turned.keras")
    back = keras.saving.load_model(tmp_path / "turned.keras")
    assert all((one == two).all() for one, two in zip(outputs(spiking, x), outputs(back, x), strict=True))
    network = wl.convert(back, readout={"score": "values"} if len(back.outputs) > 1 else None)
    record = wl.run(network, x)
    with recorded_inputs(sharpened) as fed:
        spiking(x, training=False)
    wanted = {layer.name + (f"_call{call + 1}" if call else ""): array(item)
              for layer, items in zip(sharpened, fed, strict=True) for call, item in enumerate(items)}
    assert {name.split("/")[-1] for name in record.layers} == set(wanted)
    rates = []
    for name in record.layers:
        potential = wanted[name.split("/")[-1]]
        fires = record.dense(name)[:, network.steps[name]].reshape(potential.shape)
        assert (fires == (potential >= 0.5))[abs(potential - 0.5) > 1e-4].all()  # nearer than that, rounding decides
        rates.append(fires.mean())
    assert any(0.01 < rate < 0.99 for rate in rates)


def test_each_neuron_of_a_layer_and_each_channel_has_a_level_of_its_own():
    model = stack((2,), layers.Dense(2, activation="relu", name="hidden"), layers.Dense(1))
    model.layers[0].set_weights([np.diag([1.0, 10.0]), np.zeros(2)])
    x = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    spiking = wl.spiking(model, x)
    hidden, neurons, last = spiking.layers
    assert (hidden.name, neurons.name) == ("hidden", "hidden_spikes")
    assert np.allclose(array(hidden.kernel), np.eye(2))
    assert np.allclose(array(last.kernel), array(model.layers[1].kernel) * [[1], [10]])
    for layer in wl.spiking_layers(spiking):
        layer.set_sharpness(1.0)
    assert np.allclose(outputs(spiking, x)[0], outputs(model, x)[0], atol=1e-6)


def test_units_are_kept_at_the_ends_and_rescaled_in_between_only_where_they_must_be():
    model, x = made(units_kept)
    names = [layer.name for layer in all_layers(wl.spiking(model, x)) if isinstance(layer, layers.Rescaling)]
    assert names == ["of_a_sum_in", "given_spikes_out"]
    model, x = made(residual)
    assert not [layer for layer in all_layers(wl.spiking(model, x)) if isinstance(layer, layers.Rescaling)]


def test_layers_that_are_shared_stay_shared():
    model, x = made(shared)
    spiking = wl.spiking(model, x)
    assert len(spiking.trainable_weights) == len(model.trainable_weights)
    assert len(wl.spiking_layers(spiking)) == 2


def test_layers_that_spike_already_stay_as_they_are(monkeypatch):
    model = stack((3,), layers.Dense(4, activation=wl.SpikingBReLU()), layers.Dense(4), wl.SpikingBReLU(),
                  layers.Dense(4, activation="relu"), layers.Dense(2))
    x = np.random.default_rng(0).normal(size=(20, 3))
    for layer, sharpness in zip(wl.spiking_layers(model), (0.25, 1.0), strict=True):
        layer.set_sharpness(sharpness)
    spiking = wl.spiking(model, x)
    assert [float(layer.sharpness) for layer in wl.spiking_layers(spiking)] == [0.25, 1.0, 0.0]
    monkeypatch.setattr(type(wl.spiking_layers(spiking)[-1]), "call",
                        lambda self, inputs, training=None: keras.ops.relu(inputs))
    assert np.allclose(outputs(model, x)[0], outputs(spiking, x)[0], rtol=1e-4, atol=1e-5)


def test_a_key_takes_the_place_of_the_read_out_and_begins_with_its_decisions():
    keras.utils.set_random_seed(0)
    model, x = made(plain)
    want = outputs(model, x)[0].argmax(-1)
    spiking = wl.spiking(model, x, key=wl.make_key(3, 60))
    assert isinstance(spiking.layers[-1], wl.SoftmaxDecode)
    got = outputs(spiking, x)[0].argmax(-1)
    assert (want == got).mean() >= 0.8
    wl.check(spiking)


def test_train_finishes_it_and_it_converts():
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    x = rng.normal(size=(200, 6)).astype("float32") + 2 * np.where(y, 1, -1)[:, None]
    keras.utils.set_random_seed(0)
    model = stack((6,), layers.Dense(8, activation="relu"), layers.Dense(2, activation="softmax"))
    sign = np.tile([1.0, -1.0], 4)  # as training leaves them
    model.set_weights([np.tile(sign, (6, 1)), np.zeros(8), np.stack([-sign, sign], 1), np.zeros(2)])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=EAGERLY)
    spiking = wl.spiking(model, x, samples=50)
    assert spiking.compiled
    with without_graphs():
        trace = wl.train(spiking, x, y, epochs=2, verbose=0)
    assert (trace.sharpness[-1] == 1).all()
    assert (wl.run(wl.convert(spiking), x).classes == outputs(spiking, x)[0].argmax(-1)).all()
    assert (outputs(spiking, x)[0].argmax(-1) == y).mean() > 0.9


def attention():
    inputs = keras.Input((6, 4))
    x = layers.MultiHeadAttention(1, 2, name="mixed")(inputs, inputs)
    return keras.Model(inputs, layers.Dense(2, activation="softmax")(layers.Dense(3, "relu")(layers.Flatten()(x))))


def others():
    block = stack((6, 4), layers.Dense(3, activation="gelu", name="low"), layers.LeakyReLU(name="leaky"), name="block")
    return stack((6, 4), block, layers.Dense(3, activation="relu"), layers.ELU(name="elu"),
                 layers.ReLU(negative_slope=0.1, name="bent"), layers.Activation("tanh", name="tanh"),
                 layers.Flatten(), layers.Dense(2, activation="silu", name="high"))


def operations():
    inputs = keras.Input((4,))
    return keras.Model(inputs, layers.Dense(2)(keras.ops.silu(keras.activations.relu(inputs, max_value=3.0))))


class Own(keras.Model):
    def call(self, inputs):
        return inputs


@pytest.mark.parametrize(("make", "found"), [
    (attention, {"mixed": "attention multiplies.*fixed weights"}),
    (others, {"block/low": r"layers\[0\]\.layers\[0\] \('low', Dense\): expected the activation 'relu'; got 'gelu'",
              "block/leaky": "got LeakyReLU.*Put a ReLU in its place and train", "elu": "got ELU",
              "bent": r"negative_slope 0\.1", "tanh": "got 'tanh'", "high": "got 'silu'"}),
    (operations, {"silu": "got Silu"}),
    (lambda: stack((6, 4), layers.LSTM(3, name="memory"), layers.Dense(2, "relu")), {"memory": "from step to step"}),
    (lambda: stack((6,), layers.Dense(2), name="net"), {"net": "at least one ReLU; 'net' has none"}),
    (lambda: stack((None, 4), layers.Dense(2, "relu"), name="net"), {"net": r"a fixed shape; got \(None, 4\)"}),
    (lambda: Own(name="own"), {"own": "expected a Sequential or functional"}),
    (lambda: keras.Sequential([layers.Dense(2, "relu")], name="unbuilt"), {"unbuilt": "is not built.*Input layer"}),
    (lambda: stack((4, 4, 1), layers.Conv2D(2, 3, activation="relu"), layers.BatchNormalization(name="bn"),
                   layers.Conv2D(2, 3, padding="same")), {"bn": "cannot be folded"}),
])
def test_all_that_cannot_be_turned_is_refused_with_place_and_remedy(make, found):
    model = make()
    with pytest.raises(ConversionError, match="Nothing was built") as caught:
        wl.spiking(model, np.zeros((0,)))  # the calibration inputs come second
    assert [finding.layer for finding in caught.value.findings] == list(found)
    for finding, words in zip(caught.value.findings, found.values(), strict=True):
        assert finding.remedy
        with pytest.raises(AssertionError, match=words):
            raise AssertionError(str(finding).replace("\n", " "))


@pytest.mark.parametrize(("key", "words"), [
    (np.eye(2), "the 3 classes of output .*; got one for 2"), ([[1, 2]], "only 0 and 1"),
    ({"nowhere": np.eye(3)}, "got some for .'nowhere'"),
])
def test_a_key_that_does_not_fit_is_refused(key, words):
    model, x = made(plain)
    with pytest.raises(ValueError, match=words):
        wl.spiking(model, x, key=key)


def test_a_key_wants_scores_of_a_layer_with_weights():
    model, x = made(units_kept)
    with pytest.raises(ValueError, match="a dict of class keys by name"):
        wl.spiking(model, x, key=np.eye(3))
    with pytest.raises(ValueError, match=r"with a softmax or none; got .*'given'"):
        wl.spiking(model, x, key={"features": np.eye(4)})


def test_what_is_no_model_is_a_type_error():
    with pytest.raises(TypeError, match="a Keras model; got 3"):
        wl.spiking(3, np.zeros((1, 2)))


def test_silent_layers_are_told_and_keep_their_scale():
    model = stack((2,), layers.Dense(3, activation="relu", kernel_initializer="zeros", name="mute"), layers.Dense(2))
    with pytest.warns(UserWarning, match=r"gave 0 alone .*'mute'"):
        spiking = wl.spiking(model, np.ones((4, 2)))
    assert np.isfinite(array(spiking.layers[0].kernel)).all()


@pytest.mark.every_backend
def test_a_new_layer_shares_no_array_with_the_one_that_it_replaces():
    old, new = (layers.SeparableConv1D(3, 2) for _ in range(2))
    for layer in (old, new):
        layer.build((None, 4, 2))
    write_linear(new, old, scaled_linear(old, np.ones(2), np.ones(3)))
    for one, other in zip(old.weights, new.weights, strict=True):
        assert one.value is not other.value
        np.testing.assert_array_equal(array(one), array(other))

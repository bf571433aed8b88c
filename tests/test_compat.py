"""The original package's names do what scripts written against it expect, less its defects."""

import dataclasses
import json

import keras
import numpy as np
import pytest
from backends import array
from keras import layers
from keras.layers import BatchNormalization, Conv2D, Dense
from keras.models import Sequential

from whetstone_lab import compat, datasets
from whetstone_lab.compat import (
    AdaptiveSharpener,
    ScheduledSharpener,
    SimpleSharpener,
    Softmax_Decode,
    Spiking_BRelu,
    Spiking_Sigmoid,
    WhetstoneLogger,
    copy_remove_batchnorm,
    decode_from_key,
    encode_with_key,
    get_spiking_layer_indices,
    key_generator,
    load_model,
    merge_batchnorm,
    set_layer_sharpness,
    set_model_sharpness,
)
from whetstone_lab.records.trace import Trace


@pytest.fixture(scope="module")
def digits():
    return datasets.load_digits()


@pytest.fixture(scope="module")
def few(digits):
    """Ten batches to train on, and four to test on."""
    return dataclasses.replace(digits, x_train=digits.x_train[:320], y_train=digits.y_train[:320],
                               x_test=digits.x_test[:128], y_test=digits.y_test[:128])


def small_model(units=(8, 10)):
    stack = [keras.layers.Input((64,))]
    for n in units:
        stack += [Dense(n), Spiking_BRelu()]
    model = Sequential([*stack, Softmax_Decode(key_generator(10, units[-1]))])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_the_example_of_the_slides_runs_as_printed(few):
    model, key = Sequential(), key_generator(num_classes=10, width=10)
    x, y = few.x_train, keras.utils.to_categorical(few.y_train)

    model.add(Dense(256)); model.add(Spiking_BRelu())  # noqa: E702
    model.add(Dense(10));  model.add(Spiking_BRelu())  # noqa: E702
    model.add(Softmax_Decode(key))
    model.compile(loss="categorical_crossentropy", optimizer="adadelta")
    sharpener = AdaptiveSharpener()
    model.fit(x, y, callbacks=[sharpener])

    assert sharpener.trace.epochs == 1
    assert model.predict(x[:3], verbose=0).shape == (3, 10)


def test_the_published_recipe_learns_digits_to_full_sharpness(digits):
    keras.utils.set_random_seed(0)
    model = small_model((64, 100))
    model.compile(keras.optimizers.Adadelta(4.0), "sparse_categorical_crossentropy", metrics=["accuracy"])
    simple = SimpleSharpener(start_epoch=5, steps=4)
    history = model.fit(digits.x_train, digits.y_train, batch_size=64, epochs=40, verbose=0, callbacks=[simple])
    assert simple.state.sharp
    assert len(history.epoch) == 5 + 2 * 4, "training ends in the epoch in which the last layer becomes sharp"
    assert model.evaluate(digits.x_test, digits.y_test, verbose=0)[1] > 0.85


def test_layers_have_the_published_gradient_and_temperature():
    assert Spiking_BRelu().surrogate_width is None
    assert Spiking_Sigmoid().surrogate_width is None
    assert Softmax_Decode(size=(4, 8)).temperature == 1.0
    with pytest.raises(ValueError, match="Expected a key, or the size"):
        Softmax_Decode()


def test_a_model_is_loaded_with_its_sharpness(tmp_path):
    model = small_model()
    set_layer_sharpness(model, [1.0, 0.25])
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    x = np.random.default_rng(0).random((5, 64), np.float32)
    np.testing.assert_array_equal(array(loaded(x)), array(model(x)))
    assert [float(loaded.layers[i].sharpness) for i in get_spiking_layer_indices(loaded)] == [1.0, 0.25]


def test_key_generator_is_seeded_and_heeds_its_arguments():
    np.testing.assert_array_equal(key_generator(10, 40), key_generator(10, 40))
    assert (key_generator(10, 100, overlapping=False).sum(axis=0) == 1).all()
    assert (key_generator(2, 10).sum(axis=1) == 5).all()
    assert (key_generator(4, 40, sparsity=0.5).sum(axis=1) == 20).all()
    assert key_generator(10, 100).any(axis=0).all(), "no output is wasted"


def test_keys_encode_and_decode_one_hot_vectors():
    key, one_hot = key_generator(5, 20), np.eye(5)
    np.testing.assert_array_equal(encode_with_key(key, one_hot), key)
    np.testing.assert_array_equal(decode_from_key(key, key), one_hot)
    np.testing.assert_array_equal(decode_from_key(key, key[3]), one_hot[3])


def test_sharpness_is_set_by_layer_and_for_the_whole_model():
    model = small_model((4, 6, 10))
    assert get_spiking_layer_indices(model) == [1, 3, 5]
    assert set_model_sharpness(model, 0.5, bottom_up=True) == [1.0, 0.5, 0.0]
    assert set_model_sharpness(model, 0.5, bottom_up=False) == [0.5, 0.5, 0.5]
    with pytest.raises(ValueError, match=r"in \[0, 1\]; got 1.5"):
        set_layer_sharpness(model, [0.0, 1.5, 0.0])
    with pytest.raises(ValueError, match="each of the 3 spiking layers; got 2"):
        set_layer_sharpness(model, [0.0, 1.0])
    assert [float(model.layers[i].sharpness) for i in (1, 3, 5)] == [0.5, 0.5, 0.5], "a refused call sets nothing"


@pytest.mark.parametrize("layer", [Dense(6, use_bias=False), Dense(6), Conv2D(6, 3)])
def test_merge_batchnorm_uses_the_layers_own_epsilon(layer):
    rng = np.random.default_rng(1)
    shape = (5,) if isinstance(layer, Dense) else (6, 6, 2)
    norm = BatchNormalization(epsilon=0.1)
    model = Sequential([keras.layers.Input(shape), layer, norm])
    # A small variance is where a wrong epsilon shows most.
    norm.set_weights([rng.normal(size=6), rng.normal(size=6), rng.normal(size=6), rng.random(6) * 0.01])
    merged, weights = merge_batchnorm(layer, norm)
    merged.build((None, *shape))
    merged.set_weights(weights)
    x = rng.normal(size=(4, *shape)).astype("float32")
    np.testing.assert_allclose(array(merged(x)), array(model(x, training=False)), rtol=1e-4, atol=1e-4)


MERGED = {
    "Conv1D": (lambda: layers.Conv1D(4, 3, padding="causal"), (8, 3)),
    "transposed, as many channels out as in": (lambda: layers.Conv2DTranspose(3, 3, strides=2), (5, 5, 3)),
    "transposed": (lambda: layers.Conv2DTranspose(4, 3, use_bias=False), (5, 5, 3)),
    "transposed rows": (lambda: layers.Conv1DTranspose(4, 3), (8, 3)),
    "transposed, three axes": (lambda: layers.Conv3DTranspose(4, 2), (3, 3, 3, 2)),
    "depthwise": (lambda: layers.DepthwiseConv2D(3, depth_multiplier=2), (6, 6, 2)),
    "separable": (lambda: layers.SeparableConv2D(4, 3, depth_multiplier=2, padding="same", dilation_rate=2), (6, 6, 2)),
    "separable rows with an activation": (lambda: layers.SeparableConv1D(4, 3, activation="relu"), (8, 3)),
    "an activation": (lambda: Dense(4, activation="relu", use_bias=False), (5,)),
    "an activation that is a layer": (lambda: Dense(4, activation=Spiking_BRelu(0.5)), (5,)),
    "an activation, channels first": (lambda: Conv2D(4, 3, activation="tanh", data_format="channels_first"), (2, 6, 6)),
    "a low-rank update": (lambda: Dense(4, lora_rank=2), (5,)),
    "a low-rank update of a convolution": (lambda: Conv2D(4, 3, lora_rank=2), (6, 6, 2)),
}


@pytest.mark.parametrize("name", MERGED)
def test_merge_batchnorm_is_right_for_every_layer_that_it_takes(name, tmp_path):
    make, shape = MERGED[name]
    rng = np.random.default_rng(1)
    layer = make()
    first = getattr(layer, "data_format", None) == "channels_first"
    norm = BatchNormalization(axis=1 if first else -1)
    model = Sequential([keras.layers.Input(shape), layer, norm])
    for variable in model.weights:
        if variable.shape and "seed" not in variable.name:
            value = rng.uniform(0.2, 2, variable.shape) if "variance" in variable.path else rng.normal(
                size=variable.shape)
            variable.assign(value)
    merged, weights = merge_batchnorm(layer, norm)
    alone = Sequential([keras.layers.Input(shape), merged])
    merged.set_weights([*weights, *merged.get_weights()[2:]])  # an activation may have some of its own
    x = rng.normal(size=(4, *shape)).astype("float32")
    np.testing.assert_allclose(array(alone(x)), array(model(x, training=False)), rtol=1e-3, atol=1e-4)
    alone.save(tmp_path / "merged.keras")
    np.testing.assert_array_equal(array(load_model(tmp_path / "merged.keras")(x)), array(alone(x)))


@pytest.mark.parametrize(("layer", "words"), [
    (layers.LayerNormalization(name="odd"), "The layer 'odd' is none of Conv1D, .*Dense"),
    (Dense(4, name="wide"), "over the 4 channels of 'wide'; got one over 3"),
])
def test_merge_batchnorm_refuses_what_it_cannot_merge(layer, words):
    norm = BatchNormalization()
    norm.build((None, 3))
    layer.build((None, 5))
    with pytest.raises(ValueError, match=words):
        merge_batchnorm(layer, norm)


def test_copy_remove_batchnorm_gives_an_equal_model_without():
    rng = np.random.default_rng(2)
    model = Sequential([keras.layers.Input((5,)), Dense(6), BatchNormalization(), Spiking_BRelu()])
    model.layers[1].set_weights([rng.normal(size=6), rng.normal(size=6), rng.normal(size=6), rng.random(6)])
    copy = copy_remove_batchnorm(model)
    assert not any(isinstance(layer, BatchNormalization) for layer in copy.layers)
    x = rng.normal(size=(4, 5)).astype("float32")
    np.testing.assert_allclose(array(copy(x)), array(model(x, training=False)), rtol=1e-4, atol=1e-5)


def test_simple_sharpener_steps_by_batches_too(few):
    model = small_model()
    simple = SimpleSharpener(start_epoch=0, steps=5, epochs=False)
    model.fit(few.x_train, few.y_train, epochs=3, verbose=0, callbacks=[simple])
    np.testing.assert_allclose(simple.trace.sharpness[:10].mean(axis=1), np.arange(1, 11) / 10)
    assert simple.trace.epochs == 1


def test_scheduled_sharpener_takes_a_schedule_or_makes_one():
    assert ScheduledSharpener(num_layers=2, start=1, duration=2, intermission=1).policy.schedule == ((1, 3), (4, 6))
    assert ScheduledSharpener([(1, 2)]).policy.schedule == ((1, 2),)
    with pytest.raises(ValueError, match="Expected a schedule, or num_layers, start, duration and intermission"):
        ScheduledSharpener(num_layers=2)


def test_the_logger_writes_json_and_no_pickle(tmp_path, few):
    model = small_model()
    sharpener = AdaptiveSharpener()
    logger = WhetstoneLogger(tmp_path / "logs", sharpener, (few.x_test, few.y_test), log_weights=True)
    model.fit(few.x_train, few.y_train, epochs=2, verbose=0, callbacks=[sharpener, logger])
    facts = json.loads((tmp_path / "logs" / "epoch_1" / "log.json").read_text())
    assert facts["sharpness"] == [0.0, 0.0]
    assert facts["test"] == pytest.approx(model.evaluate(few.x_test, few.y_test, verbose=0, return_dict=True))
    set_model_sharpness(model, 1.0, bottom_up=False)
    assert facts["test_sharp"] == pytest.approx(
        model.evaluate(few.x_test, few.y_test, verbose=0, return_dict=True))
    with np.load(tmp_path / "logs" / "epoch_1" / "weights.npz", allow_pickle=False) as weights:
        assert len(weights.files) == len(model.weights)
    assert Trace.load(tmp_path / "logs" / "trace.npz").epochs == 2


def test_the_logger_writes_a_metric_that_has_a_number_for_each_class(tmp_path, few):
    model = Sequential([keras.layers.Input((64,)), Dense(10), Spiking_BRelu(), Softmax_Decode(key_generator(10, 10))])
    model.compile("adam", "categorical_crossentropy", metrics=[keras.metrics.F1Score(average=None)])
    y = keras.utils.to_categorical(few.y_test)
    logger = WhetstoneLogger(tmp_path, test_set=(few.x_test, y))
    model.fit(few.x_test, y, epochs=1, verbose=0, callbacks=[logger])
    facts = json.loads((tmp_path / "epoch_0" / "log.json").read_text())
    assert len(facts["logs"]["f1_score"]) == len(facts["test_sharp"]["f1_score"]) == 10


def test_every_name_of_the_original_is_there():
    assert set(compat.__all__) <= set(dir(compat))

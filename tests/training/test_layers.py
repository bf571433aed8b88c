"""Layers: closed forms, exact spikes, gradients, precision, masks, saving, loading elsewhere, and who is first."""

import json

import keras
import numpy as np
import pytest
from backends import NEEDS_DOUBLES, array, compiled, gradient, only_on
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from whetstone_lab import curves, keys
from whetstone_lab.training.decode import SoftmaxDecode
from whetstone_lab.training.layers import SpikingBReLU, SpikingLayer, SpikingSigmoid, recorded_inputs, spiking_layers

pytestmark = pytest.mark.every_backend

SPIKING = [SpikingBReLU, SpikingSigmoid]
SHARPNESS = [0.0, 0.25, 0.5, 0.9, 0.999, 1.0]
WIDTHS = [None, 0.1, 0.5, 1.0, 3.0]
# TensorFlow takes subnormal numbers for zeros. What is drawn is of few shapes, for each of which JAX compiles anew.
FLOATS = st.floats(width=32, allow_nan=False, allow_subnormal=False)
KEY = keys.make_key(3, 12, seed=1)


def inputs_near(threshold, count=401, dtype=np.float32):
    """Numbers around a threshold, with the threshold itself and its neighbours among them."""
    threshold, tiny = dtype(threshold), np.finfo(dtype).tiny
    near = [np.nextafter(threshold, side * dtype(9)) if threshold else side * tiny for side in (-1, 1)]
    return np.array([*np.linspace(threshold - 2, threshold + 2, count), threshold, *near], dtype)


class SeesMask(keras.layers.Layer):
    """Keeps the mask that comes with its inputs."""

    supports_masking = True

    def call(self, inputs, mask=None):
        self.seen = mask
        return inputs


def check_layer(make, inputs, folder, sharpness=0.625):
    """Everything that any layer of ours must do: config, shapes, masks, and saving with weights, sharpness and key.

    Args:
        make: Makes the layer, which may take a name.
        inputs: A batch for it.
        folder: Where to write.
        sharpness: What a spiking layer is set to before it is saved.
    """
    layer = make()
    config = json.loads(json.dumps(layer.get_config()))
    again = type(layer).from_config(config)
    assert again.get_config() == layer.get_config()
    for name in ("surrogate_width", "temperature", "name"):
        assert getattr(again, name, None) == getattr(layer, name, None)
    assert keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer)).get_config() == config

    outputs = layer(inputs)
    shape, some = inputs.shape, (None, *inputs.shape[1:])
    assert layer.compute_output_shape(shape) == outputs.shape
    symbolic = layer(keras.Input(some[1:], dtype=str(inputs.dtype)))
    assert symbolic.shape == layer.compute_output_shape(some) == (None, *outputs.shape[1:])
    assert keras.backend.standardize_dtype(symbolic.dtype) == keras.backend.standardize_dtype(outputs.dtype)

    # Steps that are masked out stay so for whatever comes next.
    if inputs.ndim == 2:
        after = SeesMask()
        after(make()(keras.layers.Masking(-7.0)(np.stack([inputs, np.full_like(inputs, -7)], axis=1))))
        assert array(after.seen).tolist() == [[True, False]] * len(inputs)

    model = keras.Sequential([keras.layers.Input(inputs.shape[1:]), make(name="ours")])
    if isinstance(layer, SpikingLayer):
        model.get_layer("ours").set_sharpness(sharpness)
    expected = array(model(inputs))
    model.save(folder / "model.keras")
    model.save_weights(folder / "model.weights.h5")
    loaded = keras.models.load_model(folder / "model.keras")
    fresh = keras.Sequential([keras.layers.Input(inputs.shape[1:]), make(name="ours")])
    fresh.load_weights(folder / "model.weights.h5")
    for other in (loaded, fresh):
        assert np.array_equal(array(other(inputs)), expected)
        if isinstance(layer, SpikingLayer):
            assert float(other.get_layer("ours").sharpness) == sharpness
        else:
            assert np.array_equal(other.get_layer("ours").key, layer.key)
    return layer


# -- what every layer must do -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(4,), (3, 5), (4, 4, 2)])
@pytest.mark.parametrize("make", [
    SpikingBReLU, SpikingSigmoid, lambda **k: SpikingBReLU(0.5, None, **k), lambda **k: SpikingSigmoid(1, 0.25, **k)])
def test_spiking_layers_keep_the_rules_of_keras(make, shape, tmp_path):
    check_layer(make, np.random.default_rng(0).normal(0.4, 1, (2, *shape)).astype(np.float32), tmp_path)


@pytest.mark.parametrize("make", [lambda **k: SoftmaxDecode(KEY, **k), lambda **k: SoftmaxDecode(KEY.tolist(), 2, **k)])
@pytest.mark.parametrize("shape", [(12,), (5, 12)])
def test_the_decode_layer_keeps_the_rules_of_keras(make, shape, tmp_path):
    check_layer(make, np.random.default_rng(0).integers(0, 2, (2, *shape)).astype(np.float32), tmp_path)


def test_saved_models_load_with_their_sharpness_and_their_key(tmp_path):
    x = np.random.default_rng(0).normal(0.4, 0.5, (6, 4)).astype(np.float32)
    shared = SpikingBReLU(0.5, name="shared")
    entry = keras.Input((4,))
    first = shared(keras.layers.Dense(4)(entry))
    block = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(12), SpikingSigmoid(name="inner")])
    decoded = SoftmaxDecode(KEY, 1.5, name="decode")(block(shared(keras.layers.Dense(4)(first))))
    model = keras.Model(entry, decoded)
    for layer, sharpness in zip(spiking_layers(model), (0.3, 1.0), strict=True):
        layer.set_sharpness(sharpness)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    facts = [(layer.name, float(array(layer.sharpness))) for layer in spiking_layers(loaded)]
    assert facts == [("shared", pytest.approx(0.3)), ("inner", 1.0)]
    decode = loaded.get_layer("decode")
    assert (decode.key.tolist(), decode.temperature) == (KEY.tolist(), 1.5)
    np.testing.assert_allclose(loaded.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)


# -- forward ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("layer_type", SPIKING)
def test_outputs_are_the_closed_form_whatever_the_surrogate_and_the_phase(layer_type, width):
    layer = layer_type(surrogate_width=width)
    x = inputs_near(layer.threshold)
    for sharpness in SHARPNESS:
        layer.set_sharpness(sharpness)
        expected = layer.curve.value(x, np.float32(sharpness))
        np.testing.assert_allclose(array(layer(x)), expected, rtol=0, atol=3e-5)
        np.testing.assert_allclose(array(layer(x, training=True)), expected, rtol=0, atol=3e-5)


@pytest.mark.parametrize("layer_type", SPIKING)
@given(x=st.lists(FLOATS, min_size=20, max_size=20), width=st.sampled_from([None, 1e-6, 0.7, 1e3]))
@settings(deadline=None)
def test_at_full_sharpness_outputs_are_exactly_0_or_1_in_training_too(layer_type, x, width):
    layer = layer_type(1.0, width)
    x = np.array([*x, layer.threshold], np.float32)
    expected = (x >= layer.threshold).astype(np.float32)
    assert np.array_equal(array(layer(x)), expected)
    assert np.array_equal(array(layer(x, training=True)), expected)


@only_on("tensorflow", "jax", why="it makes no graphs here")
@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("layer_type", SPIKING)
def test_compiled_graphs_give_exact_spikes_too(layer_type, jit_compile):
    layer = layer_type(1.0, 0.7)
    x = np.concatenate([inputs_near(layer.threshold), np.random.default_rng(0).normal(0.3, 1, 9999).astype(np.float32)])
    for training in (True, False):
        y = compiled(lambda x, training=training: layer(x, training=training), jit_compile)(ops.convert_to_tensor(x))
        assert np.array_equal(array(y), x >= layer.threshold)


def test_integer_inputs_give_activations_not_integers():
    y = SpikingBReLU()(np.array([-1, 0, 1, 2]))
    assert keras.backend.standardize_dtype(y.dtype) == "float32"
    np.testing.assert_allclose(array(y), curves.bounded_relu(np.array([-1.0, 0, 1, 2]), 0.0), atol=1e-6)
    assert array(SoftmaxDecode(np.eye(2))(np.array([[1, 0]]))).argmax() == 0


# -- backward ---------------------------------------------------------------------------------------------------------


def slope(curve, x, sharpness):
    """The derivative of a curve, worked out by hand: a rectangle, or k y (1 - y)."""
    width = 1 - sharpness + 1e-3
    if curve == "bounded_relu":
        return (np.abs(x - 0.5) < width / 2) / width
    gain = 4 * np.log(2 + np.sqrt(3)) / width
    with np.errstate(over="ignore"):
        y = 1 / (1 + np.exp(-gain * x))
    return gain * y * (1 - y)


@pytest.mark.parametrize("sharpness", [0.0, 0.3, 0.8, 0.99])
@pytest.mark.parametrize("layer_type", SPIKING)
def test_without_a_surrogate_the_gradient_is_that_of_the_curve(layer_type, sharpness):
    layer = layer_type(sharpness, None)
    x = np.linspace(-1.0123, 2.0123, 2000).astype(np.float32)
    found, expected = gradient(layer, x), slope(layer.curve.name, x.astype(float), float(layer.sharpness))
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=1e-3)
    # The closed form itself, against differences of the curve in double precision.
    step = 1e-7
    rise = [layer.curve.value(x.astype(float) + side * step, float(layer.sharpness)) for side in (-1, 1)]
    np.testing.assert_allclose((rise[1] - rise[0]) / (2 * step), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("layer_type", SPIKING)
def test_a_fully_sharp_layer_passes_no_gradient_without_a_surrogate(layer_type):
    layer = layer_type(1.0, None)
    assert not gradient(layer, inputs_near(layer.threshold)).any()


@pytest.mark.parametrize("width", [0.1, 0.5, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("sharpness", [0.0, 0.6, 0.95, 1.0])
@pytest.mark.parametrize("layer_type", SPIKING)
def test_with_a_surrogate_the_gradient_is_that_of_a_blurred_step_whatever_the_sharpness(layer_type, sharpness, width):
    layer = layer_type(sharpness, width)
    x = np.linspace(-2.0123, 3.0123, 2000).astype(np.float32)
    expected = 1 / (1 + (np.pi * (x.astype(float) - layer.threshold) / width) ** 2)
    np.testing.assert_allclose(gradient(layer, x), expected, rtol=2e-4, atol=1e-6)


@pytest.mark.parametrize("width", [None, 2.0])
@pytest.mark.parametrize("layer_type", SPIKING)
def test_values_and_gradients_are_the_same_in_and_outside_of_training(layer_type, width):
    x = inputs_near(layer_type().threshold)
    for sharpness in SHARPNESS:
        layer = layer_type(sharpness, width)
        assert np.array_equal(array(layer(x, training=True)), array(layer(x)))
        assert np.array_equal(gradient(lambda x, layer=layer: layer(x, training=True), x), gradient(layer, x))


@pytest.mark.parametrize("layer_type", SPIKING)
def test_gradients_are_finite_wherever_the_inputs_are(layer_type):
    x = np.array([-3e38, -1e10, 0, 0.5, 1e-40, 1e10, 3e38], np.float32)
    for sharpness in SHARPNESS:
        for width in WIDTHS:
            assert np.isfinite(gradient(layer_type(sharpness, width), x)).all()


# -- precision --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("policy", "compute", "atol"), [
    ("mixed_float16", "float16", 1e-3), ("mixed_bfloat16", "bfloat16", 8e-3), ("float16", "float16", 1e-3),
    pytest.param("float64", "float64", 1e-7, marks=NEEDS_DOUBLES)])
@pytest.mark.parametrize("layer_type", SPIKING)
def test_any_precision(layer_type, policy, compute, atol):
    layer = layer_type(0.97, dtype=policy)
    assert keras.backend.standardize_dtype(layer.sharpness.dtype) == "float32"
    x = array(ops.cast(inputs_near(layer.threshold), compute))
    y = layer(x, training=True)
    assert keras.backend.standardize_dtype(y.dtype) == compute
    # The inputs are what half precision made of them, but the curve is reckoned in float32.
    expected = layer.curve.value(x.astype(np.float64), float(layer.sharpness))
    np.testing.assert_allclose(array(y), expected, rtol=0, atol=atol)
    layer.set_sharpness(1.0)
    for training in (False, True):
        assert np.array_equal(array(layer(x, training=training)), x >= layer.threshold)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_the_decode_layer_counts_wide_keys_in_float32_under_any_policy(policy):
    key = keys.make_key(4, 4000, hot=400, overlap=True, seed=0)
    rng = np.random.default_rng(0)
    h = (rng.random((400, 4000)) < 0.02).astype(np.float32)  # scores near 3000 that differ by little
    layer = SoftmaxDecode(key, dtype=policy)
    y = layer(ops.cast(h, layer.compute_dtype))
    assert keras.backend.standardize_dtype(y.dtype) == "float32"
    assert np.array_equal(array(y).argmax(-1), keys.decode(h.astype(int), key))
    assert SoftmaxDecode(key, dtype="float64").compute_dtype == "float64"
    assert SoftmaxDecode.from_config(layer.get_config()).compute_dtype == "float32"


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
def test_a_model_trains_under_any_policy(policy):
    model = keras.Sequential([
        keras.layers.Input((4,)), keras.layers.Dense(12, dtype=policy), SpikingBReLU(0.5, dtype=policy),
        SoftmaxDecode(KEY, dtype=policy)])
    model.compile("sgd", "sparse_categorical_crossentropy")
    x = np.random.default_rng(0).normal(size=(32, 4))
    before = model.get_weights()[0]
    assert np.isfinite(model.fit(x, np.arange(32) % 3, epochs=2, verbose=0).history["loss"]).all()
    assert not np.array_equal(before, model.get_weights()[0])


# -- sharpness --------------------------------------------------------------------------------------------------------


@only_on("tensorflow", why="tests of sharpeners look at its own trainer instead")
def test_sharpness_changes_without_retracing():
    import tensorflow as tf

    layer, traces = SpikingBReLU(), []

    @tf.function
    def call(x):
        traces.append(1)
        return layer(x, training=True)

    x = tf.constant(inputs_near(0.5))
    for sharpness in SHARPNESS:
        layer.set_sharpness(sharpness)
        np.testing.assert_allclose(call(x), curves.bounded_relu(x.numpy(), np.float32(sharpness)), atol=3e-5)
    assert len(traces) == 1


@pytest.mark.parametrize("layer_type", SPIKING)
def test_sharpness_is_a_weight_that_no_optimizer_touches(layer_type):
    layer = layer_type(0.25)
    assert layer.non_trainable_weights == [layer.sharpness]
    assert layer.trainable_weights == []
    assert layer.sharpness.shape == ()
    layer.set_sharpness(np.float32(0.5))
    assert float(layer.sharpness) == 0.5
    assert layer.get_config()["sharpness"] == 0.25  # what it starts with; the present one is a weight


@pytest.mark.parametrize("value", [-0.01, 1.01, float("nan"), float("inf"), "a lot", None, [0.1, 0.2]])
def test_a_sharpness_outside_0_to_1_is_refused_and_changes_nothing(value):
    with pytest.raises(ValueError, match=r"Expected a sharpness in \[0, 1\]; got"):
        SpikingBReLU(value)
    layer = SpikingBReLU(0.5)
    with pytest.raises(ValueError, match=r"Expected a sharpness in \[0, 1\]; got"):
        layer.set_sharpness(value)
    assert float(layer.sharpness) == 0.5


@pytest.mark.parametrize("width", [0, -1.0, float("nan"), float("inf")])
def test_a_surrogate_width_must_be_positive(width):
    with pytest.raises(ValueError, match="Expected surrogate_width to be a positive number or None; got"):
        SpikingSigmoid(surrogate_width=width)


# -- decode -----------------------------------------------------------------------------------------------------------


def softmax_decode(h, key, temperature):
    """Agreements minus disagreements, counted one by one, and the softmax from its definition."""
    scores = [[sum((1 if bit else -1) * (2 * value - 1) for bit, value in zip(row, sample, strict=True)) for row in key]
              for sample in np.asarray(h, float)]
    powers = np.exp(np.array(scores) / temperature - np.max(scores, axis=1, keepdims=True) / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("temperature", [None, 0.5, 1.0, 20.0])
@pytest.mark.parametrize("key", [np.eye(4), KEY, keys.make_key(5, 20, hot=6, overlap=True, seed=3)])
def test_decoding_is_a_softmax_over_agreements(key, temperature):
    h = np.random.default_rng(0).random((7, key.shape[1])).astype(np.float32)
    y = array(SoftmaxDecode(key, temperature)(h))
    expected = softmax_decode(h, key, temperature or np.sqrt(key.shape[1]) / 2)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(y.sum(-1), 1, atol=1e-6)


@given(seed=st.integers(0, 10**6), shape=st.sampled_from([(2, 8), (5, 21), (7, 39)]), temperature=st.floats(1e-2, 1e4))
@settings(deadline=None)
def test_no_temperature_changes_the_winner_of_spikes_not_even_of_ties(seed, shape, temperature):
    key = keys.make_key(*shape, seed=seed)
    h = np.random.default_rng(seed).integers(0, 2, (16, key.shape[1]))
    winners = array(SoftmaxDecode(key, temperature)(h.astype(np.float32))).argmax(-1)
    assert np.array_equal(winners, keys.decode(h, key))


@pytest.mark.parametrize(("key", "words"), [
    ([[1, 0], [0, 0]], r"every class to name at least one neuron; classes \[1\] name none"),
    ([[1, 0], [1, 0]], "different key for each class; classes 0 and 1"),
    ([[1, 2], [0, 1]], r"only 0 and 1; got \[2\]"),
    ([1, 0], r"shape \(classes, width\) holding 0 and 1; got shape \(2,\)"),
])
def test_keys_that_cannot_be_are_refused(key, words):
    with pytest.raises(ValueError, match=words):
        SoftmaxDecode(key)


def test_a_key_of_the_wrong_width_is_refused_when_the_layer_is_built():
    with pytest.raises(ValueError, match="Expected a key for 10 output neurons; got one of width 12"):
        keras.Sequential([keras.layers.Input((10,)), SoftmaxDecode(KEY)])


@pytest.mark.parametrize("temperature", [0, -1, float("nan"), float("inf")])
def test_a_temperature_must_be_positive(temperature):
    with pytest.raises(ValueError, match="Expected temperature to be a positive number or None; got"):
        SoftmaxDecode(KEY, temperature)


# -- which layers a model has -----------------------------------------------------------------------------------------


def block(*names):
    """A nested model of spiking layers."""
    layers = [part for name in names for part in (keras.layers.Dense(4), SpikingBReLU(name=name))]
    return keras.Sequential([keras.layers.Input((4,)), *layers])


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.stem = SpikingBReLU(name="stem")
        self.blocks = [block("a1", "a2"), block("b1", "b2")]
        self.head = SpikingSigmoid(name="head")

    def call(self, x):
        x = self.stem(x)
        for inner in self.blocks:
            x = inner(x)
        return self.head(x)


def names(model):
    return [layer.name for layer in spiking_layers(model)]


def test_spiking_layers_are_found_bottom_first_however_deeply_nested():
    deep = keras.Sequential([keras.layers.Input((4,)), block("deep1", "deep2"), SpikingBReLU(name="deep3")])
    model = keras.Sequential([keras.layers.Input((4,)), SpikingBReLU(name="in"), block("a1", "a2"), deep, block("b1")])
    assert names(model) == ["in", "a1", "a2", "deep1", "deep2", "deep3", "b1"]
    assert names(Subclassed()) == ["stem", "a1", "a2", "b1", "b2", "head"]


def test_functional_models_are_read_along_their_graph_not_in_order_of_making():
    top, bottom, left, right = (SpikingBReLU(name=name) for name in ("top", "bottom", "left", "right"))
    x = keras.Input((4,))
    y = bottom(keras.layers.Dense(4)(x))
    merged = keras.layers.add([left(keras.layers.Dense(4)(y)), right(keras.layers.Dense(4)(y))])
    assert names(keras.Model(x, [top(merged), y])) == ["bottom", "left", "right", "top"]


def test_a_shared_layer_is_found_once_and_unbuilt_models_and_wrappers_are_seen_through():
    shared = SpikingBReLU(name="shared")
    x = keras.Input((4,))
    assert names(keras.Model(x, shared(keras.layers.Dense(4)(shared(x))))) == ["shared"]
    unbuilt = keras.Sequential([keras.layers.Dense(4, activation=SpikingBReLU(name="activation")),
                                keras.layers.TimeDistributed(SpikingSigmoid(name="wrapped"))])
    assert names(unbuilt) == ["activation", "wrapped"]

    class Sharper(SpikingBReLU):
        pass

    class Sharpest(Sharper):
        pass

    assert names(keras.Sequential([Sharpest(name="grandchild")])) == ["grandchild"]


def test_a_model_without_spiking_layers_is_named_with_what_it_has():
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2, name="only")], name="plain")
    with pytest.raises(ValueError, match=r"one spiking layer.*'plain' has none among its 1 layers: \['only'\]"):
        spiking_layers(model)


def test_recorded_inputs_are_what_each_call_was_fed_and_end_with_the_context():
    shared, last = SpikingBReLU(name="shared"), SpikingSigmoid(name="last")
    entry = keras.Input((4,))
    dense = keras.layers.Dense(4)
    model = keras.Model(entry, last(dense(shared(dense(shared(entry))))))
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    with recorded_inputs([shared, last]) as seen:
        model(x)
    model(x)
    kernel, bias = (array(weight) for weight in dense.weights)
    second = curves.bounded_relu(x, 0.0) @ kernel + bias
    third = curves.bounded_relu(second, 0.0) @ kernel + bias
    assert [len(items) for items in seen] == [2, 1]
    for found, expected in zip([*seen[0], *seen[1]], (x, second, third), strict=True):
        np.testing.assert_allclose(array(found), expected, atol=1e-5)

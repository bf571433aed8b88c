"""Batch norm folded into weights: equal to Keras's own, exactly where the numbers are, and refused where it is not."""

import keras
import numpy as np
import pytest
from backends import array
from exact_norms import exact_batch_norm
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from whetstone_lab import keys
from whetstone_lab.conversion.calls import layers_within
from whetstone_lab.conversion.folding import fold_after, fold_batchnorm, fold_before, scale_and_shift
from whetstone_lab.conversion.makers.train_only import TRAIN_ONLY
from whetstone_lab.training.decode import SoftmaxDecode
from whetstone_lab.training.layers import SpikingBReLU, SpikingSigmoid


def settle(model, seed=0, exact=False):
    """Gives every batch norm statistics of a trained one, far from 0 and 1; powers of two where ``exact``."""
    rng = np.random.default_rng(seed)
    for layer in layers_within(model):
        if isinstance(layer, layers.BatchNormalization):
            for variable in (layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance):
                if variable is None:
                    continue
                if exact and variable is layer.moving_variance:
                    # sqrt(variance + epsilon) is a power of two
                    value = 4.0 ** rng.integers(-1, 2, variable.shape) - layer.epsilon
                elif exact:
                    value = rng.choice([-2, -1, 0.5, 1, 2], variable.shape)
                else:
                    value = rng.uniform(0.05, 3, variable.shape) * (1 if variable is layer.moving_variance
                                                                    else rng.choice([-1, 1], variable.shape))
                variable.assign(value)
    return model


def norms(model):
    return [layer for layer in layers_within(model) if isinstance(layer, layers.BatchNormalization)]


def build(*stack, shape=(6,)):
    return keras.Sequential([keras.Input(shape), *stack])


def each(layer):
    return layers.TimeDistributed(layer)


def lora(model):
    rng = np.random.default_rng(3)
    for layer in model.layers:
        if isinstance(layer, layers.Dense):
            layer.enable_lora(2)
            for variable in (layer.lora_kernel_a, layer.lora_kernel_b):
                variable.assign(rng.integers(-2, 3, variable.shape) / 2)
    return model


STACKS = {
    "after Dense, each step by itself": lambda: build(each(layers.Dense(5)), each(layers.BatchNormalization()),
                                                      shape=(3, 6)),
    "after Dense, each step by itself, and plain": lambda: build(
        each(layers.Dense(5)), each(layers.Dropout(0.5)), layers.BatchNormalization(), layers.Dense(4),
        each(layers.BatchNormalization()), shape=(3, 6)),
    "after Conv2D, each picture by itself": lambda: build(
        each(layers.Conv2D(4, 3, data_format="channels_first")), each(layers.BatchNormalization(axis=1)),
        shape=(2, 2, 8, 8)),
    "before Flatten and Dense, each picture by itself": lambda: build(
        each(layers.BatchNormalization()), each(layers.Flatten()), each(layers.Dense(5)), shape=(2, 4, 3, 2)),
    "a model after each step": lambda: build(
        each(build(layers.Dense(5), layers.BatchNormalization(), layers.Dense(3))), layers.Dense(2), shape=(3, 6)),
    "after Dense with a low-rank update": lambda: lora(build(layers.Dense(5), layers.BatchNormalization(),
                                                              layers.Dense(4))),
    "after Dense": lambda: build(layers.Dense(5), layers.BatchNormalization()),
    "after Dense without bias": lambda: build(layers.Dense(5, use_bias=False), layers.BatchNormalization(epsilon=0.1)),
    "unscaled, uncentred": lambda: build(layers.Dense(5), layers.BatchNormalization(scale=False, center=False)),
    "after Dense and Dropout": lambda: build(layers.Dense(5), layers.Dropout(0.5), layers.BatchNormalization()),
    "after Conv1D": lambda: build(layers.Conv1D(4, 3), layers.BatchNormalization(), shape=(9, 2)),
    "after Conv2D": lambda: build(layers.Conv2D(4, 3, padding="same", strides=2), layers.BatchNormalization(axis=3),
                                  shape=(8, 8, 2)),
    "after Conv2D of groups": lambda: build(layers.Conv2D(4, 3, groups=2), layers.BatchNormalization(),
                                            shape=(8, 8, 2)),
    "after DepthwiseConv2D": lambda: build(layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False),
                                           layers.BatchNormalization(), shape=(8, 8, 2)),
    "after SeparableConv2D": lambda: build(layers.SeparableConv2D(4, 3), layers.BatchNormalization(), shape=(8, 8, 2)),
    "after Conv2DTranspose": lambda: build(layers.Conv2DTranspose(4, 3, strides=2), layers.BatchNormalization(),
                                           shape=(5, 5, 2)),
    "after DepthwiseConv1D and SeparableConv1D": lambda: build(
        layers.DepthwiseConv1D(3, depth_multiplier=2), layers.BatchNormalization(), layers.SeparableConv1D(3, 2),
        layers.BatchNormalization(), shape=(9, 2)),
    "after channels": lambda: build(layers.Conv2D(4, 3, data_format="channels_first"),
                                    layers.BatchNormalization(axis=1), shape=(2, 8, 8)),
    "before Conv1D": lambda: build(layers.BatchNormalization(), layers.Conv1D(4, 3, dilation_rate=2), shape=(9, 2)),
    "before channels": lambda: build(layers.BatchNormalization(axis=1),
                                     layers.Conv2D(4, 3, data_format="channels_first"), shape=(2, 8, 8)),
    "before Dense": lambda: build(layers.BatchNormalization(), layers.Dense(5)),
    "before Dense on rows": lambda: build(layers.BatchNormalization(), layers.Dense(5), shape=(3, 6)),
    "before Conv2D": lambda: build(layers.BatchNormalization(), layers.Conv2D(4, 3, strides=2), shape=(8, 8, 2)),
    "before Flatten and Dense": lambda: build(layers.BatchNormalization(), layers.Flatten(),
                                              layers.Dense(5, use_bias=False), shape=(4, 3, 2)),
    "before and after": lambda: build(layers.BatchNormalization(), layers.Dense(5), layers.BatchNormalization(),
                                      layers.Dropout(0.1), layers.BatchNormalization(), layers.Dense(4)),
    "spiking": lambda: build(layers.Conv2D(4, 3), layers.BatchNormalization(), SpikingBReLU(0.3), layers.MaxPooling2D(),
                             layers.BatchNormalization(), layers.Flatten(), layers.Dense(20), SpikingSigmoid(0.7),
                             SoftmaxDecode(keys.make_key(4, 20)), shape=(8, 8, 2)),
}


def functional():
    inputs = keras.Input((8, 8, 2), name="image")
    block = keras.Sequential([keras.Input((8, 8, 2)), layers.Conv2D(4, 3, padding="same"), layers.BatchNormalization(),
                              SpikingBReLU(0.2)], name="block")
    x = block(inputs)
    y = layers.BatchNormalization()(layers.Conv2D(4, 1, use_bias=False)(x))
    y = SpikingBReLU(0.4)(layers.Add()([x, y]))
    y = layers.BatchNormalization(axis=-1)(layers.GlobalAveragePooling2D()(y))
    return keras.Model(inputs, layers.Dense(3, activation="softmax")(y), name="residual")


STACKS["functional, residual and nested"] = functional


def inputs_for(model, seed=1):
    return np.random.default_rng(seed).normal(size=(16, *model.input_shape[1:])).astype(np.float32)


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=[pytest.mark.every_backend] * (name in ("spiking", "functional, residual and nested")))
    for name in STACKS])
def test_the_folded_model_computes_the_same(name):
    model = settle(STACKS[name]())
    before = [weight.copy() for weight in model.get_weights()]
    folded = fold_batchnorm(model)
    assert norms(model)
    assert not norms(folded)
    x = inputs_for(model)
    np.testing.assert_allclose(array(folded(x)), array(model(x)), rtol=2e-4, atol=2e-5)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert folded.name == model.name


@pytest.mark.parametrize("name", [name for name in STACKS if "after" in name or "before" in name])
def test_where_every_number_is_exact_so_is_the_fold(name):
    """Weights in quarters, scales in powers of two: nothing is rounded, so not a bit may differ."""
    model = STACKS[name]()
    rng = np.random.default_rng(0)
    model.set_weights([rng.integers(-3, 4, weight.shape) / 4 for weight in model.get_weights()])
    settle(model, exact=True)
    x = rng.integers(-2, 3, (16, *model.input_shape[1:])) / 2
    with exact_batch_norm():
        expected = array(model(x))
    np.testing.assert_array_equal(array(fold_batchnorm(model)(x)), expected)


def test_each_layer_folds_with_its_own_epsilon():
    """At a small variance the wrong epsilon is off by a factor: 1e-3 in place of 1e-5 at variance 1e-4 by 3.2."""
    model = build(layers.Dense(5), layers.BatchNormalization(epsilon=1e-5), layers.Dense(4),
                  layers.BatchNormalization(epsilon=1e-2))
    for layer in norms(model):
        layer.moving_variance.assign(np.full(layer.moving_variance.shape, 1e-4))
    x = inputs_for(model)
    np.testing.assert_allclose(array(fold_batchnorm(model)(x)), array(model(x)), rtol=1e-4, atol=1e-3)
    for layer in norms(model):
        scale, shift = scale_and_shift(layer)
        np.testing.assert_allclose(scale, 1 / np.sqrt(np.float32(1e-4) + layer.epsilon), rtol=1e-7)
        np.testing.assert_array_equal(shift, 0)


@pytest.mark.every_backend
def test_sharpness_and_the_rest_are_carried_over(tmp_path):
    model = settle(STACKS["spiking"]())
    model.layers[2].set_sharpness(1.0)
    folded = fold_batchnorm(model)
    kept = [layer for layer in model.layers if not isinstance(layer, layers.BatchNormalization)]
    assert [layer.name for layer in folded.layers] == [layer.name for layer in kept]
    spiking = [layer for layer in folded.layers if isinstance(layer, (SpikingBReLU, SpikingSigmoid))]
    np.testing.assert_allclose([float(layer.sharpness) for layer in spiking], [1.0, 0.7])
    again = keras.models.load_model(folded.save(tmp_path / "folded.keras") or tmp_path / "folded.keras")
    x = inputs_for(model)
    np.testing.assert_array_equal(array(again(x)), array(folded(x)))


HERE = [getattr(keras.layers, kind, None) if isinstance(kind, str) else kind for kind in TRAIN_ONLY]


@pytest.mark.parametrize("kind", [kind for kind in HERE if kind is not None], ids=lambda kind: kind.__name__)
def test_layers_said_to_act_in_training_only_do_nothing_else(kind):
    """Asked of Keras, whatever arguments a layer of the kind wants."""
    for options in ({}, {"rate": 0.5}, {"stddev": 0.5}, {"factor": 0.5}, {"factor": 4}, {"height_factor": 0.1},
                    {"height_factor": 0.1, "width_factor": 0.1}):
        try:
            layer = kind(**options)
        except (TypeError, ValueError):
            continue
        break
    shape = {"1D": (8, 3), "3D": (4, 4, 4, 3)}.get(kind.__name__[-2:], (8, 8, 3))
    x = np.random.default_rng(0).uniform(-2, 3, (2, *shape)).astype(np.float32)
    np.testing.assert_array_equal(build(layer, shape=shape).predict(x, verbose=0), x)


def test_a_model_without_batch_norm_is_copied():
    model = build(layers.Dense(3), SpikingBReLU(0.5))
    copy = fold_batchnorm(model)
    x = inputs_for(model)
    np.testing.assert_array_equal(array(copy(x)), array(model(x)))
    copy.layers[0].kernel.assign(np.zeros((6, 3)))
    assert array(model.layers[0].kernel).any()


@pytest.mark.every_backend
def test_a_compiled_model_can_be_evaluated_when_folded():
    for make in (STACKS["after Dense"], functional):
        model = settle(make())
        model.compile(loss="mse")
        x = inputs_for(model)
        target = np.zeros((16, *model.output_shape[1:]))
        found = fold_batchnorm(model).evaluate(x, target, verbose=0)
        np.testing.assert_allclose(found, model.evaluate(x, target, verbose=0), rtol=1e-3)


def used_twice():
    inputs = keras.Input((6,))
    x = layers.Dense(6, name="both")(inputs)
    return keras.Model(inputs, layers.Add()([layers.BatchNormalization()(x), x]))


def shared():
    inputs = keras.Input((6,))
    dense = layers.Dense(6, name="twice")
    return keras.Model(inputs, layers.BatchNormalization()(dense(dense(inputs))))


class Doubled(layers.Dense):
    def call(self, inputs, training=None):
        return 2 * super().call(inputs)


class Noisy(layers.Dropout):
    def call(self, inputs, training=False):
        return 2 * inputs


class Renormalised(layers.BatchNormalization):
    def call(self, inputs, training=None, mask=None):
        return 2 * super().call(inputs, training=training, mask=mask)


class Composite(layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.dense, self.norm = layers.Dense(3), layers.BatchNormalization(name="hidden")

    def build(self, input_shape):
        self.dense.build(input_shape)
        self.norm.build((*input_shape[:-1], 3))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 3)

    def call(self, inputs):
        return self.norm(self.dense(inputs))


def not_finite():
    model = build(layers.Dense(3), layers.BatchNormalization(name="bn"))
    model.layers[1].moving_variance.assign([1, -1, 1])
    return model


@pytest.mark.parametrize(("make", "words"), [
    (lambda: build(Doubled(3, name="d"), layers.BatchNormalization()),
     r"\('d', Doubled\), before it, is none of .*Dense"),
    (lambda: build(layers.Dense(3), Noisy(0.5, name="n"), layers.BatchNormalization()),
     r"\('n', Noisy\), before it, is none of .*Dense"),
    (lambda: build(layers.Dense(3), Renormalised(name="bn")),
     r"The batch norm at layers\[1\] \('bn', Renormalised\) cannot be folded exactly: it has a call of its own"),
    (lambda: build(Composite(name="own")),
     r"The batch norm 'hidden' inside layers\[0\] \('own', Composite\) cannot be folded: what a Composite does"),
    (lambda: build(each(Composite(name="own")), shape=(3, 6)),
     r"The batch norm 'hidden' inside layers\[0\] .*TimeDistributed\) cannot be folded: what a Composite does"),
    (not_finite, r"layers\[1\] \('bn', BatchNormalization\) has a scale or a shift that is not finite"),
    (lambda: build(SpikingBReLU(), layers.BatchNormalization(name="bn"), SpikingBReLU()),
     r"The batch norm at layers\[1\] \('bn', BatchNormalization\) cannot be folded exactly: layers\[0\] .*, before it, "
     r"is none of Conv1D, .*; layers\[2\] .*, after it, is none of Conv1D, Conv2D, Conv3D, Dense\."),
    (lambda: build(layers.BatchNormalization()), "the model's input; 0 layers listen to it"),
    (lambda: build(layers.Dense(5, activation="relu", name="d"), layers.BatchNormalization()),
     r"layers\[0\] \('d', Dense\), before it, has an activation"),
    (lambda: build(layers.BatchNormalization(), layers.Conv2D(4, 3, padding="same"), shape=(8, 8, 2)),
     "after it, pads with zeros"),
    (lambda: build(layers.Conv2D(4, 3), layers.BatchNormalization(axis=1), shape=(8, 8, 2)),
     "before it, has its channels on axis 3, while axis 1 is normalised"),
    (used_twice, r"the output of .*'both'.*, before it, is used elsewhere too"),
    (shared, "is called more than once"),
])
def test_where_no_fold_is_exact_it_is_refused_with_reasons(make, words):
    with pytest.raises(ValueError, match=words):
        fold_batchnorm(make())


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), biased=st.booleans())
def test_folded_weights_do_what_the_formula_says(seed, biased):
    rng = np.random.default_rng(seed)
    kernel, bias = rng.normal(size=(4, 3)), rng.normal(size=3) if biased else None
    x, added = rng.normal(size=(5, 4)), bias if biased else 0
    scale, shift = rng.normal(size=3), rng.normal(size=3)
    folded, moved = fold_after(kernel, bias, scale, shift)
    np.testing.assert_allclose(x @ folded + moved, (x @ kernel + added) * scale + shift, rtol=1e-9, atol=1e-9)
    scale, shift = rng.normal(size=4), rng.normal(size=4)
    folded, moved = fold_before(kernel, bias, scale, shift)
    np.testing.assert_allclose(x @ folded + moved, (x * scale + shift) @ kernel + added, rtol=1e-9, atol=1e-9)


def test_folded_weights_keep_their_type():
    for real in (np.float32, np.float64):
        for fold in (fold_after, fold_before):
            kernel, bias = fold(np.ones((3, 3), real), None, np.full(3, 1 / 3), np.ones(3))
            assert kernel.dtype == bias.dtype == real

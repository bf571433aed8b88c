"""The Whetstone-aware optimizer: nothing but the wrapped one until all is sharp, then a rate that settles."""

import math

import keras
import numpy as np
import pytest
from backends import array
from keras import optimizers

from whetstone_lab import keys
from whetstone_lab.layers import SoftmaxDecode, SpikingBReLU
from whetstone_lab.optimizers import WhetstoneOptimizer, find_whetstone
from whetstone_lab.sharpeners import ScheduledSharpener, StepwiseSharpener

X = np.random.default_rng(0).random((48, 6), np.float32)
Y = np.arange(48) % 3

KINDS = {
    "sgd": lambda: optimizers.SGD(0.1, momentum=0.9),
    "adam": lambda: optimizers.Adam(0.01),
    "adamw": lambda: optimizers.AdamW(0.01, weight_decay=0.1),
    "nadam": lambda: optimizers.Nadam(0.01),
    "rmsprop": lambda: optimizers.RMSprop(0.01),
    "adadelta": lambda: optimizers.Adadelta(1.0),
    "schedule": lambda: optimizers.Adam(optimizers.schedules.ExponentialDecay(0.01, 5, 0.5)),
    "clipped": lambda: optimizers.SGD(0.1, global_clipnorm=0.01),
    "averaged": lambda: optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=3),
    "accumulated": lambda: optimizers.Adam(0.01, gradient_accumulation_steps=2),
}


def make(optimizer, **kwargs):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(5), SpikingBReLU(), keras.layers.Dense(6),
                              SpikingBReLU(), SoftmaxDecode(keys.make_key(3, 6))])
    model.compile(optimizer, "sparse_categorical_crossentropy", **kwargs)
    return model


def fit(model, *callbacks, epochs=3, **kwargs):
    return model.fit(X, Y, **{"batch_size": 8, "shuffle": False, "verbose": 0, **kwargs}, epochs=epochs,
                     callbacks=list(callbacks))


class Rates(keras.callbacks.Callback):
    """The rate that each step was made with."""

    def __init__(self):
        super().__init__()
        self.rates = []

    def on_train_batch_begin(self, batch, logs=None):
        if hasattr(self.model, "jax_state_sync"):
            self.model.jax_state_sync()
        self.rates.append(float(array(find_whetstone(self.model.optimizer).inner_optimizer.learning_rate)))


def cosine(rate, steps):
    return [rate * (1 + math.cos(math.pi * step / steps)) / 2 for step in range(steps)]


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_sharpener_it_is_the_wrapped_optimizer(kind):
    plain, wrapped = make(KINDS[kind]()), make(WhetstoneOptimizer(KINDS[kind]()))
    fit(plain)
    fit(wrapped)
    for one, other in zip(plain.get_weights(), wrapped.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_the_rate_falls_from_the_step_in_which_the_last_layer_became_sharp_to_the_end():
    model, rates = make(WhetstoneOptimizer(KINDS["sgd"]())), Rates()
    # Six batches an epoch: sharp after the third batch of the second epoch.
    fit(model, ScheduledSharpener([(0, 0.5), (1, 1.5)]), rates, epochs=4)
    assert rates.rates == pytest.approx([0.1] * 9 + cosine(0.1, 15), rel=1e-4)


@pytest.mark.parametrize("kind", ["adam", "adamw", "nadam", "rmsprop", "adadelta", "schedule"])
def test_every_optimizer_stands_still_when_the_rate_has_fallen(kind):
    model = make(WhetstoneOptimizer(KINDS[kind]()))
    fit(model, epochs=1)
    model.optimizer.polish(6)
    fit(model, epochs=1)
    settled = model.get_weights()
    fit(model, epochs=1)  # without a sharpener nobody says that more steps follow
    for one, other in zip(settled, model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-7)


def test_polish_epochs_are_the_steps_that_are_left():
    model, rates = make(WhetstoneOptimizer(KINDS["sgd"]())), Rates()
    fit(model, ScheduledSharpener([(0, 0.5), (0, 0.5)], polish_epochs=2), rates, epochs=30)
    assert rates.rates == pytest.approx([0.1] * 3 + cosine(0.1, 15), rel=1e-4)


def test_a_second_fit_starts_at_the_full_rate_again():
    model, rates = make(WhetstoneOptimizer(KINDS["sgd"]())), Rates()
    sharpener = StepwiseSharpener(0, 1, bottom_up=False)
    fit(model, sharpener, rates, epochs=2)
    fit(model, sharpener, rates, epochs=2)
    assert rates.rates == pytest.approx([0.1] * 6 + cosine(0.1, 6) + cosine(0.1, 12), rel=1e-4)


def test_a_network_that_is_soft_again_has_the_full_rate():
    model, rates = make(WhetstoneOptimizer(KINDS["sgd"]())), Rates()
    sharpener = StepwiseSharpener(0, 1, bottom_up=False)
    fit(model, sharpener, epochs=2)
    model.layers[1].set_sharpness(0.2)
    fit(model, StepwiseSharpener(9, 1), rates, epochs=1)
    assert rates.rates == pytest.approx([0.1] * 6)


def test_where_the_number_of_steps_is_not_known_the_rate_falls_from_the_epoch_on_in_which_it_is():
    def stream():
        for start in range(0, 48, 8):
            yield X[start : start + 8], Y[start : start + 8]

    model, rates = make(WhetstoneOptimizer(KINDS["sgd"]())), Rates()
    sharpener = StepwiseSharpener(0, 1, bottom_up=False)
    for _ in range(3):
        model.fit(stream(), verbose=0, callbacks=[sharpener, rates])
    # Keras begins a seventh batch before it sees that the stream has ended.
    assert rates.rates == pytest.approx([0.1] * 7 + 2 * [*cosine(0.1, 6), 0.0], rel=1e-4, abs=1e-7)


def test_in_a_loop_without_fit_attach_says_how_long_it_will_be():
    model, rates, sharpener = make(WhetstoneOptimizer(KINDS["sgd"]())), [], StepwiseSharpener(0, 1, bottom_up=False)
    sharpener.attach(model, batches=4, epochs=3)
    for _ in range(12):
        rates.append(float(array(model.optimizer.inner_optimizer.learning_rate)))
        sharpener.step(model.train_on_batch(X[:8], Y[:8]))
    assert rates == pytest.approx([0.1] * 4 + cosine(0.1, 8), rel=1e-4)


def test_it_is_saved_with_what_it_knows(tmp_path):
    model, rates = make(WhetstoneOptimizer(KINDS["adamw"]())), Rates()
    fit(model, StepwiseSharpener(0, 1, bottom_up=False), keras.callbacks.ModelCheckpoint(
        tmp_path / "{epoch}.keras"), rates, epochs=4)
    again = keras.models.load_model(tmp_path / "2.keras")
    assert isinstance(again.optimizer, WhetstoneOptimizer)
    assert again.optimizer.inner_optimizer.weight_decay == 0.1
    sharpener, after = StepwiseSharpener(0, 1, bottom_up=False), Rates()
    sharpener.attach(again)
    fit(again, sharpener, after, epochs=4, initial_epoch=2)
    assert after.rates == pytest.approx(rates.rates[12:], rel=1e-4)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_it_is_found_in_the_optimizer_that_mixed_precision_wraps_around_it():
    inner = WhetstoneOptimizer("sgd")
    assert find_whetstone(optimizers.LossScaleOptimizer(inner)) is inner
    assert find_whetstone(inner) is inner
    assert find_whetstone(optimizers.SGD()) is None
    assert find_whetstone(None) is None


def test_the_rate_can_be_set_as_ever():
    optimizer = WhetstoneOptimizer(KINDS["sgd"]())
    optimizer.learning_rate = 0.25
    assert float(array(optimizer.learning_rate)) == float(array(optimizer.inner_optimizer.learning_rate)) == 0.25


@pytest.mark.parametrize("steps", [0, -1, 1.5, True, "all"])
def test_impossible_numbers_of_steps_are_refused(steps):
    with pytest.raises(ValueError, match="Expected the number of steps that are left, at least 1, or None; got"):
        WhetstoneOptimizer("adam").polish(steps)


def test_what_is_no_optimizer_is_refused():
    with pytest.raises(ValueError, match="nonsense"):
        WhetstoneOptimizer("nonsense")

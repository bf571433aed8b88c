"""Whoever drives the loop: after every batch the layers hold what the trace says, and the model keeps its methods."""

import keras
import numpy as np
import pytest
from backends import only_on
from keras import ops

from whetstone_lab import keys
from whetstone_lab.training import background
from whetstone_lab.training._internals import sync_weights
from whetstone_lab.training.decode import SoftmaxDecode
from whetstone_lab.training.layers import SpikingBReLU, spiking_layers
from whetstone_lab.training.sharpeners import AdaptiveSharpener, ScheduledSharpener, StepwiseSharpener

pytestmark = pytest.mark.every_backend

BATCHES, BATCH, EPOCHS = 5, 4, 3
RNG = np.random.default_rng(0)
X = RNG.normal(0.5, 1, (BATCHES * BATCH, 6)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 1).astype(np.int64)
PARTS = [(X[i:i + BATCH], Y[i:i + BATCH]) for i in range(0, len(X), BATCH)]
FIT = {"x": X, "y": Y, "batch_size": BATCH, "shuffle": False, "verbose": 0}


#: What a loop calls, and what Keras never puts on an instance.
REPLACEABLE = ("fit", "train_step", "train_on_batch", "make_train_function", "evaluate", "predict", "call", "compile")


class OwnStep(keras.Sequential):
    """Trains by a step of its own, as many models of researchers do."""

    def train_step(self, *args):
        return super().train_step(*args)


def make_model(kind=keras.Sequential, **options):
    keras.utils.set_random_seed(1)
    model = kind([keras.layers.Input((6,)), keras.layers.Dense(8), SpikingBReLU(), keras.layers.Dense(8),
                  SpikingBReLU(), SoftmaxDecode(keys.make_key(2, 8))])
    model.compile("sgd", "sparse_categorical_crossentropy", **options)
    return model


def sharpness_of(model):
    sync_weights(model)
    return [float(ops.convert_to_numpy(layer.sharpness)) for layer in spiking_layers(model)]


class Watch(keras.callbacks.Callback):
    """Holds the layers against the trace after every batch; listed after the sharpener."""

    def __init__(self, sharpener):
        super().__init__()
        self.sharpener, self.seen, self.own = sharpener, [], None

    def on_train_batch_begin(self, batch, logs=None):
        self.own = {name for name in vars(self.model) if name in REPLACEABLE}

    def on_train_batch_end(self, batch, logs=None):
        held, said = sharpness_of(self.model), self.sharpener.trace.sharpness[-1]
        np.testing.assert_allclose(held, said, atol=1e-6)
        self.seen.append(held)


def by_fit(model, sharpener, watch):
    model.fit(**FIT, epochs=EPOCHS, callbacks=[sharpener, watch])


def by_fit_with_validation(model, sharpener, watch):
    model.fit(**FIT, epochs=EPOCHS, callbacks=[sharpener, watch], validation_data=(X, Y))


def by_two_fits(model, sharpener, watch):
    model.fit(**FIT, epochs=1, callbacks=[sharpener, watch])
    model.fit(**FIT, epochs=EPOCHS - 1, callbacks=[sharpener, watch])


def by_callback_list(model, sharpener, watch):
    callbacks = keras.callbacks.CallbackList([sharpener, watch], model=model, epochs=EPOCHS, steps=BATCHES, verbose=0)
    callbacks.on_train_begin()
    for epoch in range(EPOCHS):
        callbacks.on_epoch_begin(epoch)
        for batch, (x, y) in enumerate(PARTS):
            callbacks.on_train_batch_begin(batch)
            callbacks.on_train_batch_end(batch, {"loss": model.train_on_batch(x, y)})
        callbacks.on_epoch_end(epoch, {"loss": 1.0})
    callbacks.on_train_end()


def by_hooks_alone(model, sharpener, watch):
    for callback in (sharpener, watch):
        callback.set_params({"steps": BATCHES, "epochs": EPOCHS, "verbose": 0})
        callback.set_model(model)
    sharpener.on_train_begin({})
    for epoch in range(EPOCHS):
        sharpener.on_epoch_begin(epoch, {})
        for batch in range(BATCHES):
            sharpener.on_train_batch_begin(batch, {})
            sharpener.on_train_batch_end(batch, {"loss": 1.0})
            watch.on_train_batch_end(batch)
        sharpener.on_epoch_end(epoch, {"loss": 1.0})
    sharpener.on_train_end({})


def by_train_on_batch(model, sharpener, watch):
    watch.set_model(model)
    sharpener.attach(model, batches=BATCHES)
    for _ in range(EPOCHS):
        for batch, (x, y) in enumerate(PARTS):
            sharpener.step(model.train_on_batch(x, y, return_dict=True)["loss"])
            watch.on_train_batch_end(batch)


def by_a_live_run(model, sharpener, watch):
    # Both are listed by hand, so that the watch comes after the sharpener.
    background.fit(model, **FIT, epochs=EPOCHS, callbacks=[sharpener, watch]).wait(120)


DRIVERS = [by_fit, by_fit_with_validation, by_two_fits, by_callback_list, by_hooks_alone, by_train_on_batch,
           by_a_live_run]
MEETS_THE_MODEL = [by_fit, by_callback_list, by_train_on_batch, by_a_live_run]
KINDS = {"as Keras makes it": {}, "a train_step of its own": {"kind": OwnStep}, "eager": {"run_eagerly": True}}


# By two fits and with validation differ from fit in nothing that the kind of model or a former fit could touch, and
# hooks alone call no step of the model's.
@pytest.mark.parametrize(("driver", "kind", "fitted_before"), [
    *((driver, "as Keras makes it", False) for driver in DRIVERS),
    *((driver, kind, kind == "as Keras makes it") for driver in MEETS_THE_MODEL for kind in KINDS)])
def test_the_layers_hold_what_the_trace_says(driver, kind, fitted_before):
    model = make_model(**KINDS[kind])
    if fitted_before:
        model.fit(**FIT)
    sharpener = StepwiseSharpener(0, BATCHES, by="batch")
    trace, watch = sharpener.trace, Watch(sharpener)
    driver(model, sharpener, watch)
    expected = np.minimum(np.arange(1, EPOCHS * BATCHES + 1)[:, None] / BATCHES - [0, 1], 1).clip(0)
    assert sharpener.trace is trace
    np.testing.assert_allclose(trace.sharpness, expected, atol=1e-6)
    np.testing.assert_allclose(watch.seen, expected, atol=1e-6)
    assert sharpness_of(model) == [1, 1]
    assert driver is by_a_live_run or not watch.own  # which guards the model against other threads


@pytest.mark.parametrize("sharpener", [
    AdaptiveSharpener(1, 0.6, 0.3, patience=0, sig_increase=0.01, sig_decrease=0.9),
    ScheduledSharpener(((0.35, 1.5), (1.0, 2.25))), StepwiseSharpener(0, 3)], ids=lambda one: one.policy.name)
def test_each_policy_drives_the_layers_batch_by_batch_in_fit(sharpener):
    model, watch = make_model(), Watch(sharpener)
    by_fit(model, sharpener, watch)
    assert len(watch.seen) == EPOCHS * BATCHES
    assert np.ptp(sharpener.trace.sharpness) > 0


def test_a_fit_that_breaks_off_leaves_layers_and_trace_agreed_and_the_next_goes_on():
    model, sharpener = make_model(), StepwiseSharpener(0, BATCHES, by="batch")

    def burst(batch, logs):
        if batch == 2:
            raise OSError("The disk is full.")

    with pytest.raises(OSError, match="disk is full"):
        model.fit(**FIT, callbacks=[sharpener, keras.callbacks.LambdaCallback(on_train_batch_end=burst)])
    np.testing.assert_allclose(sharpness_of(model), sharpener.trace.sharpness[-1], atol=1e-6)
    assert sharpener.trace.batches == 3
    watch = Watch(sharpener)
    model.fit(**FIT, epochs=2, callbacks=[sharpener, watch])
    assert sharpener.trace.batches == 13
    np.testing.assert_allclose(watch.seen[0], [4 / BATCHES, 0], atol=1e-6)


def test_sharpness_that_another_callback_sets_is_where_the_next_batch_goes_on():
    model, sharpener = make_model(), StepwiseSharpener(0, BATCHES, by="batch")

    class Hand(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                spiking_layers(self.model)[0].set_sharpness(0.8)

    model.fit(**FIT, callbacks=[sharpener, Hand()])
    np.testing.assert_allclose(sharpener.trace.sharpness[:, 0], [0.2, 0.4, 1, 1, 1], atol=1e-6)
    np.testing.assert_allclose(sharpness_of(model), sharpener.trace.sharpness[-1], atol=1e-6)


@only_on("tensorflow", why="GradientTape is TensorFlow's")
def test_a_gradient_tape_loop_with_step():
    import tensorflow as tf

    model, sharpener = make_model(), StepwiseSharpener(0, BATCHES, by="batch")
    watch, loss_of = Watch(sharpener), keras.losses.SparseCategoricalCrossentropy()
    watch.set_model(model)
    sharpener.attach(model, batches=BATCHES)

    @tf.function
    def train(x, y):
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True))
        model.optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    for _ in range(EPOCHS):
        for batch, (x, y) in enumerate(PARTS):
            sharpener.step(train(x, y))
            watch.on_train_batch_end(batch)
    assert sharpness_of(model) == [1, 1]
    assert len(watch.seen) == EPOCHS * BATCHES


@only_on("torch", why="the loop is PyTorch's")
def test_a_pytorch_loop_over_a_keras_model_with_step():
    import torch

    model, sharpener = make_model(), StepwiseSharpener(0, BATCHES, by="batch")
    watch, optimizer = Watch(sharpener), torch.optim.SGD(model.parameters(), 0.1)
    watch.set_model(model)
    sharpener.attach(model, batches=BATCHES)
    for _ in range(EPOCHS):
        for batch, (x, y) in enumerate(PARTS):
            optimizer.zero_grad()
            loss = -torch.log(model(x, training=True)[np.arange(BATCH), y]).mean()
            loss.backward()
            optimizer.step()
            sharpener.step(loss)
            watch.on_train_batch_end(batch)
    assert sharpness_of(model) == [1, 1]
    assert len(watch.seen) == EPOCHS * BATCHES


def test_a_live_run_puts_back_what_the_user_had_put_on_the_model():
    model = make_model()

    def mine(*args, **kwargs):
        return "mine"

    model.evaluate = mine
    run = background.fit(model, **FIT, epochs=1, sharpener=StepwiseSharpener(0, 1), start=False)
    run.step()
    with pytest.raises(RuntimeError, match=r"training in the background, and evaluate\(\) would spoil"):
        model.evaluate(X, Y)
    run.stop()
    run.wait(120)
    assert model.evaluate is mine
    assert "fit" not in vars(model)

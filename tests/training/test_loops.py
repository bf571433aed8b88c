"""Sharpeners in every way to train: compiled, in half precision, weighted, accumulated, in loops without ``fit``."""

import itertools

import keras
import numpy as np
import pytest
from backends import ready
from keras import ops

from whetstone_lab import keys
from whetstone_lab.training._internals import sync_weights
from whetstone_lab.training.decode import SoftmaxDecode
from whetstone_lab.training.layers import SpikingBReLU, spiking_layers
from whetstone_lab.training.sharpeners import AdaptiveSharpener, StepwiseSharpener

pytestmark = pytest.mark.every_backend

EAGER = keras.backend.backend() == "torch"  # neither compiled nor several steps an execution
BATCHES, BATCH = 10, 4
RNG = np.random.default_rng(0)
X = RNG.normal(0.5, 1, (BATCHES * BATCH, 6)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 1).astype(np.int64)


class Counting(keras.layers.Layer):
    """Counts how often it is traced."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.calls = [0]

    def call(self, inputs):
        self.calls[0] += 1
        return inputs


def make_model(optimizer="sgd", **compile_options):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.layers.Input((6,)), Counting(), keras.layers.Dense(8), SpikingBReLU(),
                              SoftmaxDecode(keys.make_key(2, 8))])
    model.compile(optimizer, "sparse_categorical_crossentropy", **compile_options)
    return ready(model)


def sharpness_of(model):
    sync_weights(model)
    return [float(ops.convert_to_numpy(layer.sharpness)) for layer in spiking_layers(model)]


@pytest.fixture
def half_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if EAGER else "mixed_float16")
    yield
    keras.config.set_dtype_policy(before)


def fit_and_check(model, **options):
    """Fits with a step after every batch but the last of each epoch; the trace is what Keras and the layers say."""
    sharpener, losses, rows, traced = StepwiseSharpener(0, 25, "batch"), [], [], []
    watch = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: (
        losses.append(logs["loss"]), rows.append(sharpness_of(model)), traced.append(model.layers[0].calls[0])))
    options = {"x": X, "y": Y, "batch_size": BATCH, **options}
    history = model.fit(**options, epochs=3, callbacks=[sharpener, watch], verbose=0, shuffle=False)
    trace = sharpener.trace
    assert trace.epoch_ends.tolist() == [BATCHES, 2 * BATCHES, 3 * BATCHES]
    np.testing.assert_allclose(trace.sharpness[:, 0], np.minimum(np.arange(1, 31) / 25, 1))
    executions = np.linspace(0, trace.batches, len(rows) + 1)[1:].astype(int) - 1
    np.testing.assert_allclose(trace.sharpness[executions], rows, atol=1e-6)
    np.testing.assert_allclose(trace.loss[executions], losses)
    np.testing.assert_allclose(trace.epoch_metric("loss"), history.history["loss"])
    if keras.backend.backend() == "tensorflow" or (model.jit_compile and not EAGER):
        assert len(set(traced)) == 1  # sharpness changed in every batch, and nothing was traced again
    assert sharpness_of(model) == [1]
    return trace


# -- with fit ---------------------------------------------------------------------------------------------------------


def test_compiled_to_the_last_it_does_the_same_without_retracing():
    compiled = fit_and_check(make_model(jit_compile=not EAGER))
    plain = fit_and_check(make_model(jit_compile=False))
    np.testing.assert_allclose(compiled.loss, plain.loss, rtol=1e-4)


@pytest.mark.skipif(EAGER, reason="Keras has it for compiled backends only.")
@pytest.mark.parametrize("together", [2, 5])
def test_several_steps_an_execution(together):
    fit_and_check(make_model(steps_per_execution=together))


@pytest.mark.usefixtures("half_precision")
def test_in_half_precision_sharpness_stays_a_float32():
    model = make_model()
    fit_and_check(model)
    (layer,) = spiking_layers(model)
    assert layer.compute_dtype != "float32"
    assert keras.backend.standardize_dtype(layer.sharpness.dtype) == "float32"


def test_with_gradient_accumulation_every_batch_sharpens_and_every_third_learns():
    model, weights = make_model(keras.optimizers.SGD(gradient_accumulation_steps=3)), []
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: (sync_weights(model), weights.append(model.get_weights()[0])))
    sharpener = StepwiseSharpener(0, 25, "batch")
    model.fit(X, Y, batch_size=BATCH, epochs=1, callbacks=[sharpener, watch], verbose=0)
    learnt = [not np.array_equal(old, new) for old, new in itertools.pairwise(weights)]
    assert learnt == [i % 3 == 1 for i in range(BATCHES - 1)]
    np.testing.assert_allclose(sharpener.trace.sharpness[:, 0], np.arange(1, 11) / 25)


def test_class_and_sample_weights_are_in_the_loss_that_is_judged():
    unweighted = fit_and_check(make_model())
    by_class = fit_and_check(make_model(), class_weight={0: 1.0, 1: 5.0})
    by_sample = fit_and_check(make_model(), sample_weight=np.where(Y == 1, 5.0, 1.0))
    np.testing.assert_allclose(by_class.loss, by_sample.loss, rtol=1e-5)
    assert not np.allclose(by_class.loss, unweighted.loss)


# -- without ----------------------------------------------------------------------------------------------------------


def batches(epochs):
    for _ in range(epochs):
        yield from ((X[i:i + BATCH], Y[i:i + BATCH]) for i in range(0, len(X), BATCH))


def adaptive(**kwargs):
    return AdaptiveSharpener(1, 0.6, 0.3, patience=0, sig_increase=0.01, sig_decrease=0.9, **kwargs)


def train(model, sharpener, data):
    for x, y in data:
        logs = model.train_on_batch(x, y, return_dict=True)
        sharpener.step(**logs)


def test_a_loop_of_single_batches_does_what_fit_does():
    fitted, looped = make_model(metrics=["accuracy"]), make_model(metrics=["accuracy"])
    one, other = adaptive(probe=X), adaptive(probe=X)
    fitted.fit(X, Y, batch_size=BATCH, epochs=6, shuffle=False, callbacks=[one], verbose=0)
    other.attach(looped, batches=BATCHES)
    train(looped, other, batches(6))
    assert "start" in {event.kind for event in one.trace.events}
    assert [(event.batch, event.kind) for event in other.trace.events] == [
        (event.batch, event.kind) for event in one.trace.events]
    np.testing.assert_array_equal(other.trace.sharpness, one.trace.sharpness)
    np.testing.assert_allclose(other.trace.loss, one.trace.loss, rtol=1e-4)
    np.testing.assert_allclose(other.trace.firing_rates, one.trace.firing_rates, atol=1e-4)
    np.testing.assert_allclose(other.trace.epoch_metric("accuracy"), one.trace.epoch_metric("accuracy"), rtol=1e-4)
    np.testing.assert_array_equal(other.trace.epoch_ends, one.trace.epoch_ends)
    np.testing.assert_allclose(sharpness_of(looped), sharpness_of(fitted), atol=1e-6)


def test_a_loop_goes_on_at_the_very_step_at_which_its_model_was_saved(tmp_path):
    whole, model, sharpener = adaptive(), make_model(), adaptive()
    whole_model = make_model()
    whole.attach(whole_model, batches=BATCHES)
    train(whole_model, whole, batches(5))
    data = batches(5)
    sharpener.attach(model, batches=BATCHES)
    train(model, sharpener, (next(data) for _ in range(27)))
    model.save(tmp_path / "step.keras")
    model = keras.models.load_model(tmp_path / "step.keras", custom_objects={"Counting": Counting})
    again = adaptive()
    again.attach(model, batches=BATCHES)
    assert (again.trace.batches, again.state.batch) == (27, 7)
    train(model, again, data)
    np.testing.assert_array_equal(again.trace.sharpness, whole.trace.sharpness)
    np.testing.assert_allclose(again.trace.loss, whole.trace.loss, rtol=1e-5)
    assert [event.kind for event in again.trace.events] == [event.kind for event in whole.trace.events]


def test_what_is_judged_is_the_mean_of_the_steps():
    sharpener = AdaptiveSharpener(min_init_epochs=2, monitor="reward")
    sharpener.attach(make_model(), batches=4)
    for reward in (1, 2, 3, 4):
        sharpener.step(0.5, reward=np.float32(reward))
    assert sharpener.trace.epoch_logs == [{"loss": 0.5, "reward": 2.5}]
    assert sharpener.state.reference == 2.5
    with pytest.raises(ValueError, match=r"monitored value 'reward' among Keras's logs; got \['loss'\]"):
        sharpener.step(0.5)
    assert sharpener.trace.batches == 4


def test_a_loop_must_say_how_many_steps_count_as_an_epoch():
    sharpener = AdaptiveSharpener()
    with pytest.raises(RuntimeError, match=r"attach\(model, batches=...\) before the first step.*; got no model"):
        sharpener.step(0.5)
    sharpener.attach(make_model())
    with pytest.raises(RuntimeError, match="got no number of steps"):
        sharpener.step(0.5)

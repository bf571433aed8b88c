"""Sharpening within TensorFlow's compiled step: what it does is what Python would do after each batch."""

import keras
import numpy as np
import pytest

from whetstone_lab import keys
from whetstone_lab.method.policies import AdaptivePolicy, ScheduledPolicy, StepwisePolicy
from whetstone_lab.training import compiled
from whetstone_lab.training.compiled import compiled_sharpening
from whetstone_lab.training.layers import SoftmaxDecode, SpikingBReLU, spiking_layers
from whetstone_lab.training.sharpener import ScheduledSharpener, Sharpener, StepwiseSharpener

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="Other backends do without.")

BATCHES, BATCH = 10, 4
RNG = np.random.default_rng(0)
X = RNG.normal(0.5, 1, (BATCHES * BATCH, 6)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 1).astype(np.int64)


class Custom(keras.Sequential):
    """Trains in a loop of its own, as far as anybody can tell."""

    def make_train_function(self, force=False):
        super().make_train_function(force)


def make_model(kind=keras.Sequential, **options):
    keras.utils.set_random_seed(1)
    model = kind([keras.layers.Input((6,)), keras.layers.Dense(8), SpikingBReLU(), keras.layers.Dense(8),
                  SpikingBReLU(), SoftmaxDecode(keys.make_key(2, 8))])
    model.compile("sgd", "sparse_categorical_crossentropy", **options)
    return model


def sharpness_of(model):
    return [float(layer.sharpness) for layer in spiking_layers(model)]


def fit(model, *callbacks, epochs=1, x=X, y=Y):
    return model.fit(x, y, batch_size=BATCH, epochs=epochs, shuffle=False, verbose=0, callbacks=list(callbacks))


def after_batch(function):
    return keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: function(batch))


@pytest.mark.parametrize("policy", [
    AdaptivePolicy(1, 0.6, 0.3, patience=0, sig_increase=0.01, sig_decrease=0.9), StepwisePolicy(1, 13, by="batch"),
    StepwisePolicy(0, 3), ScheduledPolicy(((0.35, 1.5), (1.0, 2.25)))], ids=lambda policy: policy.name)
def test_it_is_what_python_does(policy):
    one, other, rows = make_model(), make_model(Custom), []
    inside, outside = Sharpener(policy), Sharpener(policy)
    fit(one, inside, after_batch(lambda batch: rows.append(sharpness_of(one))), epochs=4)
    fit(other, outside, epochs=4)
    assert inside._compiled is not None
    assert outside._compiled is None
    assert inside.trace.sharpness.max() > 0
    np.testing.assert_array_equal(inside.trace.sharpness, outside.trace.sharpness)
    # What is decided at the end of an epoch is not yet known to the layers at the end of its last batch.
    np.testing.assert_array_equal(inside.trace.sharpness[:-1].astype(np.float32)[:9], np.float32(rows)[:9])
    np.testing.assert_allclose(inside.trace.loss, outside.trace.loss, rtol=1e-6)
    assert inside.trace.events == outside.trace.events
    assert inside.trace.states == outside.trace.states
    assert inside.state == outside.state
    assert sharpness_of(one) == sharpness_of(other)


def test_what_is_read_in_the_midst_of_an_epoch_is_up_to_date():
    sharpener, seen = StepwiseSharpener(0, 10, "batch"), []
    model = make_model()
    fit(model, sharpener, after_batch(lambda batch: seen.append(
        (sharpener.trace.batches, sharpener.state.batch, sharpener.state.sharpness[0], sharpness_of(model)[0]))))
    assert [row[:2] for row in seen] == [(i, i) for i in range(1, BATCHES + 1)]
    np.testing.assert_allclose([row[2:] for row in seen], np.repeat(np.arange(1, 11) / 10, 2).reshape(-1, 2), rtol=1e-6)


@pytest.mark.parametrize("change", [
    lambda sharpener: sharpener.steer(steps=10),
    lambda sharpener: setattr(sharpener, "policy", StepwisePolicy(0, 10, "batch", bottom_up=False))],
    ids=["steered", "another policy"])
@pytest.mark.parametrize("first", [True, False], ids=["heard first", "heard last"])
def test_changed_in_the_midst_of_an_epoch_it_is_so_from_the_next_batch_on(first, change):
    model, sharpener = make_model(), StepwiseSharpener(0, 100, "batch", bottom_up=False)
    steer = after_batch(lambda batch: batch == 3 and change(sharpener))
    fit(model, *((steer, sharpener) if first else (sharpener, steer)))
    gains = np.diff(sharpener.trace.sharpness[:, 0])
    np.testing.assert_allclose(gains[:3], 0.01)
    np.testing.assert_allclose(gains[4:], 0.1)
    assert sharpness_of(model) == pytest.approx(sharpener.trace.sharpness[-1])


def test_a_sharpness_set_by_hand_is_where_it_goes_on_from():
    model, sharpener = make_model(), StepwiseSharpener(0, 100, "batch", bottom_up=False)
    fit(model, sharpener, after_batch(lambda batch: batch == 3 and [
        layer.set_sharpness(0.5) for layer in spiking_layers(model)]))
    np.testing.assert_allclose(sharpener.trace.sharpness[4:, 0], 0.5 + np.arange(1, 7) / 100, rtol=1e-6)
    assert sharpness_of(model) == pytest.approx(sharpener.trace.sharpness[-1])


def test_long_epochs_are_laid_out_in_parts(monkeypatch):
    monkeypatch.setattr(compiled, "ROWS", 4)
    monkeypatch.setattr("whetstone_lab.training.sharpener.ROWS", 4)
    model, sharpener, rows = make_model(), StepwiseSharpener(0, 20, "batch", bottom_up=False), []
    fit(model, sharpener, after_batch(lambda batch: rows.append(sharpness_of(model)[0])), epochs=2)
    np.testing.assert_allclose(rows, np.arange(1, 21) / 20, rtol=1e-6)
    np.testing.assert_allclose(sharpener.trace.sharpness[:, 0], np.arange(1, 21) / 20)


def test_after_a_fit_the_model_is_as_it_was():
    model, sharpener = make_model(), StepwiseSharpener(0, 20, "batch")
    model.make_train_function()
    plain = model.train_function
    fit(model, sharpener)
    assert model.train_function is plain
    assert "train_step" not in vars(model)
    before = sharpness_of(model)
    assert before[0] == pytest.approx(0.5)
    fit(model)
    assert sharpness_of(model) == before
    step = sharpener._compiled
    fit(model, sharpener)
    assert sharpener._compiled is step  # compiled once
    assert sharpness_of(model) == [1, 0]


def test_a_fit_that_breaks_off_leaves_nothing_behind():
    class BrokenOffError(Exception):
        pass

    def break_off(batch):
        if batch == 4:
            raise BrokenOffError

    model, sharpener = make_model(), StepwiseSharpener(0, 20, "batch")
    with pytest.raises(BrokenOffError):
        fit(model, sharpener, after_batch(break_off))
    assert sharpener.trace.batches == 5
    before = sharpness_of(model)
    assert before[0] == pytest.approx(0.25)
    fit(model)
    assert sharpness_of(model) == before
    fit(model, sharpener)
    assert sharpener.trace.batches == 15
    assert sharpness_of(model)[0] == pytest.approx(0.75)
    with pytest.raises(BrokenOffError):
        fit(model, sharpener, after_batch(break_off))
    fit(model, StepwiseSharpener(100))
    assert sharpness_of(model) == [1, 0]


def test_a_single_batch_trained_in_the_midst_of_a_fit_is_none_of_it():
    model, sharpener = make_model(), StepwiseSharpener(0, 20, "batch")
    fit(model, sharpener, after_batch(lambda batch: model.train_on_batch(X[:4], Y[:4])))
    assert sharpener.trace.batches == BATCHES
    assert sharpness_of(model)[0] == pytest.approx(0.5)


def test_a_training_step_of_ones_own_is_taken():
    model, calls = make_model(), []
    step = model.train_step
    model.train_step = lambda data: (calls.append(1), step(data))[1]
    own = model.train_step
    fit(model, StepwiseSharpener(0, 20, "batch"))
    assert calls
    assert model.train_step is own
    assert sharpness_of(model)[0] == pytest.approx(0.5)


def test_data_of_unknown_length_are_sharpened_from_outside():
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(BATCH).filter(lambda x, y: True)
    model, sharpener = make_model(), ScheduledSharpener(start_epoch=1, duration=1)
    model.fit(data, epochs=3, callbacks=[sharpener], verbose=0)
    assert sharpener._compiled is None
    assert sharpness_of(model) == [1, 1]


@pytest.mark.parametrize("options", [{"run_eagerly": True}, {"steps_per_execution": 2}, {"kind": Custom}],
                         ids=["eager", "several steps", "own train function"])
def test_where_it_cannot_be_there_is_none(options):
    model = make_model(**options)
    assert compiled_sharpening(model, spiking_layers(model)) is None


def test_under_a_strategy_it_is_sharpened_from_outside():
    tf = pytest.importorskip("tensorflow")
    with tf.distribute.OneDeviceStrategy("/cpu:0").scope():
        model = make_model()
    sharpener = StepwiseSharpener(0, 20, "batch")
    fit(model, sharpener)
    assert sharpener._compiled is None
    assert sharpness_of(model)[0] == pytest.approx(0.5)

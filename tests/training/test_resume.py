"""Runs that are killed go on from Keras's checkpoints as if nothing had happened: weights, optimizer, trace."""

import os
import random
import signal
import sys

import keras
import numpy as np
import pytest
from backends import ready
from fresh import run_fresh
from keras import ops
from rehearsal import rehearse

from whetstone_lab import keys
from whetstone_lab.training.decode import SoftmaxDecode
from whetstone_lab.training.layers import SpikingBReLU, SpikingSigmoid, spiking_layers
from whetstone_lab.training.sharpeners import AdaptiveSharpener, ScheduledSharpener, StepwiseSharpener

#: PyTorch's dropout draws from a generator of the whole process, which a checkpoint does not hold.
DROPOUT = 0.0 if keras.backend.backend() == "torch" else 0.2
EPOCHS, BATCHES, BATCH = 7, 4, 4
RNG = np.random.default_rng(0)
X = RNG.normal(0.5, 1, (BATCHES * BATCH, 6)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 1).astype(np.int64)

SHARPENERS = {
    # Judged so closely that it starts and stops with the ups and downs of the loss.
    "adaptive": lambda **kwargs: AdaptiveSharpener(1, 0.6, 0.3, patience=0, sig_increase=0.01, sig_decrease=0.02,
                                                   probe=X[:9], **kwargs),
    "stepwise": lambda **kwargs: StepwiseSharpener(1, 2, **kwargs),
    "by batches": lambda **kwargs: StepwiseSharpener(1, 9, "batch", **kwargs),
    "scheduled": lambda **kwargs: ScheduledSharpener([(0.5, 3), (2.2, 5.7)], **kwargs),
}


def make_model():
    keras.utils.set_random_seed(1)
    model = keras.Sequential([
        keras.layers.Input((6,)), keras.layers.Dense(5), SpikingBReLU(), keras.layers.Dropout(DROPOUT),
        keras.layers.Dense(8), SpikingSigmoid(), SoftmaxDecode(keys.make_key(2, 8))])
    model.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy")
    return ready(model)


class Interrupt(keras.callbacks.Callback):
    """Does something after a number of batches."""

    def __init__(self, batches, action):
        super().__init__()
        self.left, self.action = batches, action

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            self.action()


def fit(model, callbacks, **options):
    return model.fit(X, Y, callbacks=callbacks, **{
        "batch_size": BATCH, "epochs": EPOCHS, "shuffle": False, "verbose": 0, **options})


def script(folder, kind, save_freq, breaks_off=0, how=None):
    """What a user runs again after a crash; it crashes after some batches, with 0 it does not."""
    model, sharpener = make_model(), SHARPENERS[kind]()
    backup = keras.callbacks.BackupAndRestore(folder / "backup", save_freq=save_freq)
    fit(model, [sharpener, backup, Interrupt(breaks_off, how or killed)])
    return model, sharpener


def everything(model):
    return [ops.convert_to_numpy(weight) for weight in (*model.weights, *model.optimizer.variables)]


def assert_same(one, other, where):
    """Equal, but for the last digits of floats: where an array lies in memory may change the order of its sums."""
    if isinstance(one, float) or isinstance(other, float):
        assert one == pytest.approx(other, rel=1e-4, abs=1e-6, nan_ok=True), where
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key, value in one.items():
            assert_same(value, other[key], f"{where}, {key}")
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other), where
        for i, (value, twin) in enumerate(zip(one, other, strict=True)):
            assert_same(value, twin, f"{where}, {i}")
    else:
        assert one == other, where


def assert_same_trace(one, other):
    # A reason is the numbers beside it in words.
    events = [[(event.batch, event.epoch, event.kind, event.layer, event.values) for event in trace.events]
              for trace in (one, other)]
    assert_same(*events, "events")
    for name in ("layers", "curves", "policy", "meta", "epoch_logs", "states"):
        assert_same(getattr(one, name), getattr(other, name), name)
    for name in ("sharpness", "epoch_of_batch", "epoch_ends", "bins"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)
    for name in ("loss", "firing_rates", "histograms"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-4, atol=1e-6, err_msg=name)


def assert_same_weights(ones, others):
    for one, other in zip(ones, others, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


class OutageError(Exception):
    pass


def outage():
    raise OutageError


@pytest.fixture(scope="module")
def whole():
    """Runs never interrupted: kind -> model, sharpener."""
    runs = {}

    def run(kind):
        if kind not in runs:
            keras.utils.clear_session()
            runs[kind] = make_model(), SHARPENERS[kind]()
            fit(runs[kind][0], [runs[kind][1]])
        return runs[kind]

    return run


def run_until_it_ends(folder, kind, save_freq, outages):
    """Runs the script here, broken off after so many batches, until it comes to its end."""
    for batches in outages:
        with pytest.raises(OutageError):
            script(folder, kind, save_freq, batches, outage)
    keras.utils.clear_session()  # so that it names its layers as a new process does
    return script(folder, kind, save_freq)


# -- killed -----------------------------------------------------------------------------------------------------------


def killed():
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_run_killed_at_any_batch_ends_as_the_one_never_killed(tmp_path, whole):
    kill_after = random.Random().randint(BATCHES + 1, 4 * BATCHES)
    program = f"import pathlib, sys; sys.path = {sys.path}; import test_resume\n" \
              f"test_resume.script(pathlib.Path.cwd(), 'adaptive', 'epoch', {kill_after})"
    done = run_fresh(program, cwd=tmp_path)
    assert done.returncode == -signal.SIGKILL, done
    # What breaks it off once more may come before there is anything new to go on from.
    model, sharpener = run_until_it_ends(tmp_path, "adaptive", "epoch", [random.Random().randint(1, 2 * BATCHES)])
    expected, reference = whole("adaptive")
    assert {event.kind for event in reference.trace.events} >= {"start", "sharp"}
    assert_same_trace(sharpener.trace, reference.trace)
    assert_same_weights(everything(model), everything(expected))


def test_a_run_broken_off_within_an_epoch_that_was_saved_within_it_trains_the_epoch_again(tmp_path, whole):
    _, sharpener = run_until_it_ends(tmp_path, "by batches", 3, [random.Random().randint(2 * BATCHES, 5 * BATCHES)])
    trace, expected = sharpener.trace, whole("by batches")[1].trace
    np.testing.assert_array_equal(trace.sharpness, expected.sharpness)
    np.testing.assert_array_equal(trace.epoch_of_batch, expected.epoch_of_batch)
    np.testing.assert_array_equal(trace.epoch_ends, expected.epoch_ends)
    assert trace.events == expected.events


# -- interrupted ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "sharpener_first"), [
    pytest.param("adaptive", True, marks=pytest.mark.every_backend), ("adaptive", False),
    ("scheduled", True)])
def test_whichever_is_listed_first_the_sharpener_or_the_backup(kind, sharpener_first, tmp_path, whole):
    expected, reference = whole(kind)
    for batches in (3 * BATCHES + 2, 0):
        model, sharpener = make_model(), SHARPENERS[kind]()
        callbacks = [sharpener, keras.callbacks.BackupAndRestore(tmp_path / "backup")]
        callbacks = [*callbacks[:: 1 if sharpener_first else -1], Interrupt(batches, outage)]
        if batches:
            with pytest.raises(OutageError):
                fit(model, callbacks)
        else:
            fit(model, callbacks)
    sharpener.trace.layers = reference.trace.layers  # Keras numbers the names of layers that have none
    assert_same_trace(sharpener.trace, reference.trace)
    assert_same_weights(everything(model), everything(expected))


@pytest.mark.every_backend
def test_a_model_file_goes_on_where_it_was_saved(tmp_path, whole):
    expected, reference = whole("adaptive")
    path = tmp_path / "last.keras"
    with pytest.raises(OutageError):
        fit(make_model(), [SHARPENERS["adaptive"](), keras.callbacks.ModelCheckpoint(path),
                           Interrupt(4 * BATCHES + 3, outage)])
    model, sharpener = keras.models.load_model(path), SHARPENERS["adaptive"]()
    sharpener.attach(model)
    assert sharpener.state.epoch == sharpener.trace.epochs == 4
    fit(model, [sharpener], initial_epoch=sharpener.state.epoch)
    sharpener.trace.layers = reference.trace.layers
    assert_same_trace(sharpener.trace, reference.trace)
    assert_same_weights(everything(model), everything(expected))


def test_what_was_steered_stays_and_what_the_script_changes_is_noted(tmp_path):
    model, sharpener = make_model(), SHARPENERS["adaptive"]()
    rehearse(model, [sharpener], 1, batches=BATCHES)
    sharpener.steer(rate=0.7)
    model.save(tmp_path / "steered.keras")
    again = SHARPENERS["adaptive"]()
    again.attach(keras.models.load_model(tmp_path / "steered.keras"))
    assert again.policy == sharpener.policy
    assert again.trace.thresholds_at(BATCHES)["rate"] == 0.7
    other = AdaptiveSharpener(min_init_epochs=1, rate=0.9)
    other.attach(keras.models.load_model(tmp_path / "steered.keras"))
    assert other.policy.rate == 0.9
    assert other.trace.thresholds_at(BATCHES) == other.policy.config()
    assert other.trace.events[-1].values["by"] == "the script that goes on"


@pytest.mark.parametrize("make", [lambda: StepwiseSharpener(), lambda: AdaptiveSharpener(resume=False)])
def test_a_sharpener_of_another_kind_or_told_so_starts_anew_on_layers_as_sharp_as_they_are(make, tmp_path):
    model = make_model()
    rehearse(model, [SHARPENERS["adaptive"]()], 2, batches=BATCHES)
    spiking_layers(model)[0].set_sharpness(0.75)
    model.save(tmp_path / "model.keras")
    loaded, sharpener = keras.models.load_model(tmp_path / "model.keras"), make()
    sharpener.attach(loaded)
    assert (sharpener.trace.batches, sharpener.state.epoch) == (0, 0)
    assert sharpener.state.sharpness == (0.75, 0)


def test_a_file_is_as_good_after_it_was_loaded_and_saved_once_more(tmp_path):
    model, sharpener = make_model(), SHARPENERS["adaptive"]()
    rehearse(model, [sharpener], 3, [1.0, 0.8, 0.9], batches=BATCHES)
    model.save_weights(tmp_path / "one.weights.h5")
    other = make_model()
    other.load_weights(tmp_path / "one.weights.h5")
    other.save(tmp_path / "two.keras")
    again = SHARPENERS["adaptive"]()
    again.attach(keras.models.load_model(tmp_path / "two.keras"))
    assert_same_trace(again.trace, sharpener.trace)
    assert again.state == sharpener.state


def test_an_epoch_saved_before_its_validation_was_heard_of_goes_unjudged_and_is_warned_of(tmp_path):
    path = tmp_path / "last.keras"
    monitored = {"monitor": "val_loss"}
    model = make_model()
    fit(model, [keras.callbacks.ModelCheckpoint(path), SHARPENERS["adaptive"](**monitored)], epochs=2,
        validation_data=(X, Y))
    sharpener = SHARPENERS["adaptive"](**monitored)
    with pytest.warns(UserWarning, match="'val_loss', so that epoch 2 goes unjudged: list the sharpener before"):
        fit(keras.models.load_model(path), [sharpener], epochs=3, initial_epoch=2, validation_data=(X, Y))
    assert sharpener.trace.epoch_ends.tolist() == [BATCHES, 2 * BATCHES, 3 * BATCHES]
    assert np.isnan(sharpener.trace.epoch_metric("val_loss")).tolist() == [False, True, False]


def test_those_who_watch_an_empty_trace_see_the_one_that_goes_on(tmp_path):
    with pytest.raises(OutageError):
        fit(make_model(), [SHARPENERS["stepwise"](), keras.callbacks.BackupAndRestore(tmp_path / "backup"),
                           Interrupt(2 * BATCHES + 1, outage)])
    model, sharpener, heard = make_model(), SHARPENERS["stepwise"](), []
    sharpener.attach(model)
    sharpener.trace.subscribe(lambda trace, urgent: heard.append((trace.batches, trace.status)))
    fit(model, [sharpener, keras.callbacks.BackupAndRestore(tmp_path / "backup")], epochs=3)
    assert heard == [(0, "running"), *((2 * BATCHES + i, "running") for i in range(1, BATCHES + 1)),
                     (3 * BATCHES, "running"), (3 * BATCHES, "finished")]


# -- polishing and early stopping -------------------------------------------------------------------------------------


def test_polishing_counts_on_in_the_fit_that_was_ended(tmp_path):
    polished = {"polish_epochs": 2}
    whole = SHARPENERS["stepwise"](**polished)  # sharp after epoch 4, then two more
    rehearse(make_model(), [whole], 12, batches=BATCHES)
    for batches in (6 * BATCHES + 1, 0):
        sharpener = SHARPENERS["stepwise"](**polished)
        callbacks = [sharpener, keras.callbacks.BackupAndRestore(tmp_path / "backup"), Interrupt(batches, outage)]
        if batches:
            with pytest.raises(OutageError):
                fit(make_model(), callbacks, epochs=12)
        else:
            fit(make_model(), callbacks, epochs=12)
    assert sharpener.trace.epochs == whole.trace.epochs == 7


@pytest.mark.every_backend
@pytest.mark.parametrize("sharpener_first", [True, False])
def test_early_stopping_that_restores_weights_leaves_model_and_sharpener_in_agreement(sharpener_first, tmp_path):
    model, sharpener = make_model(), StepwiseSharpener(0, 3)
    # Worse from epoch to epoch: the first is the best.
    stopping = keras.callbacks.EarlyStopping("epoch", mode="min", patience=2, restore_best_weights=True)
    count = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(epoch=epoch))
    fit(model, [count, *[sharpener, stopping][:: 1 if sharpener_first else -1]])
    assert sharpener.trace.epochs == 3
    # Keras takes the weights of an epoch before the callbacks listed after it.
    held = [float(ops.convert_to_numpy(layer.sharpness)) for layer in spiking_layers(model)]
    assert held == pytest.approx([1 / 3 if sharpener_first else 0, 0])
    assert sharpener.state.sharpness == pytest.approx(held, abs=1e-6)
    model.save(tmp_path / "best.keras")
    again = StepwiseSharpener(0, 3)
    again.attach(keras.models.load_model(tmp_path / "best.keras"))
    assert again.state.sharpness == pytest.approx(held, abs=1e-6)
    fit(model, [sharpener], epochs=1)
    assert sharpener.trace.sharpness[3 * BATCHES].tolist() == pytest.approx(held)


@pytest.mark.every_backend
def test_weights_restored_in_a_fit_are_where_the_sharpener_goes_on():
    model, sharpener, kept = make_model(), StepwiseSharpener(0, 4, bottom_up=False), []

    def restore(epoch, logs):
        kept.append(model.get_weights())
        if epoch == 2:
            model.set_weights(kept[0])

    fit(model, [sharpener, keras.callbacks.LambdaCallback(on_epoch_end=restore)], epochs=5)
    assert sharpener.trace.sharpness[:: BATCHES, 0].tolist() == [0, 0.25, 0.5, 0.25, 0.5]

"""Live runs: commands between batches, failures that are shown, a guarded model, and the same numbers as in front."""

import copy
import gc
import threading
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from backends import only_on, ready
from fresh import run_fresh
from keras import ops

from whetstone_lab import keys, live
from whetstone_lab.recipes import train
from whetstone_lab.training.background import run as run_module
from whetstone_lab.training.background.guard import GUARDED
from whetstone_lab.training.decode import SoftmaxDecode
from whetstone_lab.training.layers import SpikingBReLU, spiking_layers
from whetstone_lab.training.sharpeners import AdaptiveSharpener, ScheduledSharpener, StepwiseSharpener

SAMPLES, BATCH = 24, 4
BATCHES = SAMPLES // BATCH
RNG = np.random.default_rng(0)
X = RNG.normal(0.5, 1, (SAMPLES, 6)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 1).astype(np.int64)
FOREVER = 10**6


def make_model(name="net", seed=1, dropout=(), **compile_options):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([
        keras.layers.Input((6,)), keras.layers.Dense(5), SpikingBReLU(), *map(keras.layers.Dropout, dropout),
        keras.layers.Dense(8), SpikingBReLU(), SoftmaxDecode(keys.make_key(2, 8))], name=name)
    model.compile("sgd", "sparse_categorical_crossentropy", **compile_options)
    return ready(model)


def begin(model=None, sharpener=None, epochs=3, **options):
    sharpener = sharpener or AdaptiveSharpener()
    return live.fit(model or make_model(), X, Y, batch_size=BATCH, epochs=epochs, sharpener=sharpener, **options)


def until(condition, limit=120):
    """Waits for something that must come about."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "It did not come about."
        time.sleep(0.002)


def paused(run):
    """Waits until a run stands still, and says after how many batches."""
    until(lambda: run.status == "paused")
    return run.trace.batches


@pytest.fixture(autouse=True)
def no_run_outlives_its_test():
    yield
    for run in list(run_module._RUNS):
        run.stop()
        run._thread.join(120)
        assert not run.alive


class At(keras.callbacks.Callback):
    """Does something on the training thread after one batch."""

    def __init__(self, batch, action):
        super().__init__()
        self.left, self.action = batch, action

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            self.action()


# -- commands ---------------------------------------------------------------------------------------------------------


@pytest.mark.every_backend
def test_a_run_goes_from_ready_to_finished():
    run = begin(start=False)
    assert (run.status, run.alive, run.trace.batches, run.history) == ("ready", False, 0, None)
    assert run.wait() is None
    assert repr(run) == "LiveRun(ready, 0 of 3 epochs, 0 batches)"
    seen = []
    run.trace.subscribe(lambda trace, urgent: seen.append(trace.status) if urgent else None)
    run.start()
    history = run.wait()
    assert (run.status, run.alive, run.exception) == ("finished", False, None)
    assert history is run.history
    assert history.history["loss"] == pytest.approx(run.trace.epoch_metric("loss").tolist())
    assert (run.trace.epochs, run.trace.batches) == (3, 3 * BATCHES)
    assert (seen[0], seen[-1]) == ("running", "finished")
    assert repr(run) == f"LiveRun(finished, 3 of 3 epochs, {3 * BATCHES} batches)"


def test_fit_starts_at_once_with_the_sharpener_among_the_callbacks():
    sharpener = StepwiseSharpener(0, 1)
    run = live.fit(make_model(), X, Y, batch_size=BATCH, epochs=2, callbacks=[sharpener])
    assert run.sharpener is sharpener
    assert run.wait() is not None
    assert sharpener.trace is run.trace


@pytest.mark.every_backend
def test_pause_halts_between_batches_and_resume_goes_on():
    run = begin(epochs=FOREVER)
    until(lambda: run.trace.batches > 3)
    run.pause()
    batches = paused(run)
    run.steer(sig_increase=0.3)  # taken by the waiting thread, which so is known to have stood still till then
    until(lambda: run.trace.events)
    assert (run.trace.batches, run.status, run.alive) == (batches, "paused", True)
    run.resume()
    until(lambda: run.trace.batches > batches + 3)
    assert run.status == "running"


@pytest.mark.every_backend
def test_step_trains_as_many_batches_or_epochs_as_asked_and_halts():
    run = begin(start=False, epochs=FOREVER)
    run.step()
    assert paused(run) == 1
    run.step(3)
    until(lambda: run.trace.batches == 4)
    assert paused(run) == 4
    run.step(2, unit="epoch")
    until(lambda: run.trace.epochs == 2)
    assert paused(run) == 2 * BATCHES
    run.step(1, "epoch")
    until(lambda: run.trace.epochs == 3)
    assert paused(run) == 3 * BATCHES


def test_steps_add_up_until_they_are_done_and_a_pause_forgets_them():
    run = begin(start=False, epochs=FOREVER)
    run.step()
    assert paused(run) == 1
    hold = threading.Event()
    run._command(hold.wait)  # so that what follows is sure to be queued together
    run.step()
    run.step(2)
    hold.set()
    until(lambda: run.trace.batches == 4)
    assert paused(run) == 4
    hold.clear()
    run._command(hold.wait)
    run.step(1)
    run.step(1, "epoch")  # the batch is over first, so the epoch decides
    hold.set()
    until(lambda: run.trace.epochs == 1)
    assert paused(run) == BATCHES
    hold.clear()
    run._command(hold.wait)
    run.step(100)
    run.pause()
    run.step(1)
    hold.set()
    until(lambda: run.trace.batches == BATCHES + 1)
    assert paused(run) == BATCHES + 1


@pytest.mark.every_backend
@only_on("tensorflow", "jax", why="Keras refuses several steps per execution")
def test_a_step_counts_the_batches_that_are_trained_together():
    run = begin(make_model(steps_per_execution=3), start=False, epochs=FOREVER)
    run.step(2)  # three are the least
    assert paused(run) == 3
    run.step(6)
    until(lambda: run.trace.batches == 9)
    assert paused(run) == 9


@pytest.mark.every_backend
def test_stop_ends_after_the_batch_and_a_start_carries_on():
    run = begin(epochs=FOREVER, sharpener=ScheduledSharpener([(0, 3), (0, 3)]))
    until(lambda: run.trace.batches > 2)
    run.stop()
    run.wait()
    assert (run.status, run.alive) == ("stopped", False)
    batches, sharpness = run.trace.batches, run.trace.sharpness[-1].tolist()
    run.stop()
    assert run.status == "stopped"
    run._fit["epochs"] = 2
    run.start()
    run.wait()
    assert run.status == "finished"
    assert run.trace.batches == batches + 2 * BATCHES
    assert (run.trace.sharpness[batches] >= sharpness).all()
    # The epoch that was cut short counts as one.
    assert repr(run) == f"LiveRun(finished, 3 of 3 epochs, {run.trace.batches} batches)"


def test_a_paused_run_can_be_stopped():
    run = begin(start=False, epochs=FOREVER)
    run.step(2)
    paused(run)
    run.stop()
    run.wait()
    assert (run.status, run.trace.batches) == ("stopped", 2)


def test_a_run_that_is_stopped_before_its_first_batch_trains_none():
    weights = (model := make_model()).get_weights()
    run = begin(model, start=False)
    run.trace.subscribe(lambda trace, urgent: run.stop() if trace.status == "running" else None)
    run.start()
    assert run.wait() is None
    assert (run.status, run.trace.batches) == ("stopped", 0)
    assert all(np.array_equal(*pair) for pair in zip(weights, model.get_weights(), strict=True))


def test_commands_take_effect_in_the_order_given_after_the_batch_at_hand():
    run = begin(epochs=FOREVER)
    until(lambda: run.trace.batches > 2)
    given = []
    for i in range(20):
        given.append((run.trace.batches, round(0.2 + i / 100, 2)))
        run.steer(sig_increase=given[-1][1])
    until(lambda: len(run.trace.events) >= 20)
    events = [event for event in run.trace.events if event.kind == "threshold"]
    assert [event.values["new"] for event in events] == [value for _, value in given]
    assert [event.values["old"] for event in events] == [0.15] + [value for _, value in given[:-1]]
    assert all(event.batch >= batches for event, (batches, _) in zip(events, given, strict=True))
    assert run.sharpener.policy.sig_increase == 0.39


def test_commands_that_lead_to_commands_do_not_hold_up_training():
    run = begin(epochs=FOREVER)
    done = threading.Event()

    def again():
        if not done.is_set():
            run._command(again)

    again()
    until(lambda: run.trace.batches > 3)
    done.set()


def test_steering_works_before_the_run_while_it_pauses_and_after_its_end():
    run = begin(start=False, epochs=2)
    run.steer(patience=2)
    assert run.sharpener.policy.patience == 2
    run.step(3)
    assert paused(run) == 3
    heard = []
    run.trace.subscribe(lambda trace, urgent: heard.append(urgent))
    run.steer(patience=3)
    until(lambda: heard)
    assert heard == [True]
    run.resume()
    run.wait()
    run.steer(patience=4)
    events = [event for event in run.trace.events if event.kind == "threshold"]
    assert [(event.batch, event.values["new"], event.values["by"]) for event in events] == [
        (0, 2, "hand"), (3, 3, "hand"), (2 * BATCHES, 4, "hand")]


@pytest.mark.every_backend
def test_steering_does_not_wait_for_the_training_thread_and_holds_when_the_epoch_is_judged():
    steered, reached, at = threading.Event(), threading.Event(), []

    class Busy(keras.callbacks.Callback):
        """The training thread is long at something else, as with the end of a data iterator."""

        def on_test_end(self, logs=None):
            reached.set()
            assert steered.wait(60)

    run = begin(epochs=1, start=False, callbacks=[Busy()], validation_data=(X, Y))
    run.start()
    assert reached.wait(60)
    at.append(run.steer(sig_increase=0.33, gesture=1))
    assert run.sharpener.policy.sig_increase == 0.33
    steered.set()
    run.wait()
    assert at == [(0, BATCHES)]
    (change,) = [event for event in run.trace.events if event.kind == "threshold"]
    assert (change.epoch, change.batch, change.values["new"]) == (0, BATCHES, 0.33), "in force when epoch 0 was judged"


@pytest.mark.parametrize(("parameters", "words"), [
    ({"pace": 3}, r"parameters of the adaptive policy among .* got \['pace'\]"),
    ({"rate": 7}, r"rate to be a number in \(0, 1\]; got 7")])
def test_steering_that_cannot_be_is_told_to_whoever_does_it(parameters, words):
    run = begin(epochs=FOREVER)
    with pytest.raises(ValueError, match=words):
        run.steer(**parameters)
    run.stop()
    run.wait()
    assert [event for event in run.trace.events if event.kind == "threshold"] == []


@pytest.mark.parametrize("arguments", [(0,), (-1,), (1.5,), (1, "hour")])
def test_steps_that_cannot_be_are_refused(arguments):
    run = begin(start=False)
    with pytest.raises(ValueError, match="Expected n of at least 1 and a unit of 'batch' or 'epoch'; got"):
        run.step(*arguments)
    assert not run.alive


def test_commands_before_the_start_and_after_the_end_do_no_harm():
    run = begin(start=False, epochs=1)
    run.pause()
    run.resume()
    run.stop()
    assert run.status == "ready"
    run.start()
    run.wait()
    run.pause()
    run.resume()
    run.stop()
    assert run.status == "finished"


# -- the end ----------------------------------------------------------------------------------------------------------


def test_an_exception_in_training_is_shown_and_raised_again():
    error = RuntimeError("The disk is full.")

    def fail():
        raise error

    at = At(4, fail)
    run = begin(epochs=2, callbacks=[at])
    for _ in range(2):
        with pytest.raises(RuntimeError) as caught:
            run.wait()
        assert caught.value is error is run.exception
    assert (run.status, run.trace.message) == ("failed", "RuntimeError: The disk is full.")
    assert run.model.evaluate(X, Y, verbose=0)  # its own again
    run.start()
    run.wait()
    assert (run.status, run.trace.message, run.exception) == ("finished", "", None)


def test_a_run_ends_whatever_the_last_commands_do():
    def fail():
        raise OSError("Nobody expects this.")

    late = keras.callbacks.LambdaCallback(on_train_end=lambda logs: run._mailbox.put(fail))
    run = begin(epochs=1, callbacks=[late], start=False)
    run.start()
    with pytest.raises(OSError, match="Nobody"):
        run.wait()
    assert (run.alive, run.status) == (False, "failed")
    assert run.model.evaluate(X, Y, verbose=0)  # its own again


@pytest.mark.every_backend
def test_data_that_do_not_fit_fail_the_run_not_the_caller():
    run = live.fit(make_model(), X[:, :3], Y, epochs=1, sharpener=AdaptiveSharpener())
    with pytest.raises(ValueError, match="shape"):
        run.wait()
    assert run.status == "failed"
    assert "shape" in run.trace.message


def test_wait_gives_up_after_its_timeout_and_the_run_goes_on():
    run = begin(epochs=FOREVER)
    with pytest.raises(TimeoutError, match=r"has not ended within 0.01 s; it is running"):
        run.wait(0.01)
    batches = run.trace.batches
    until(lambda: run.trace.batches > batches)


def test_an_interrupt_while_waiting_stops_the_run(monkeypatch):
    run = begin(epochs=FOREVER)
    join = run._thread.join

    def interrupted(timeout=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(run._thread, "join", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.wait()
    join(120)
    assert run.status == "stopped"


def test_whoever_sees_the_end_can_start_again_at_once():
    run = begin(epochs=1)
    for i in range(4):
        until(lambda: run.status == "finished")
        assert run.trace.epochs == i + 1
        run.start()
    run.wait()
    assert run.trace.epochs == 5


def test_the_end_can_start_the_next_run_from_the_training_thread():
    run = begin(start=False, epochs=1)

    def again(trace, urgent):
        if trace.status == "finished" and trace.epochs < 3:
            run.start()

    run.trace.subscribe(again)
    run.start()
    until(lambda: run.trace.epochs == 3)
    until(lambda: not run.alive)
    assert run.status == "finished"


def test_a_process_that_ends_while_runs_go_on_ends_cleanly():
    program = f"""
import atexit, sys
sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(Path(__file__).parents[2])!r}]
# What is registered first comes last: by then no thread may be left.
atexit.register(lambda: print(running._thread.is_alive(), resting._thread.is_alive()))
from test_run import FOREVER, begin, make_model, paused, until
running, resting = begin(make_model("one"), epochs=FOREVER), begin(make_model("two"), epochs=FOREVER, start=False)
resting.step()
paused(resting)
until(lambda: running.trace.batches > 20)
print("The end.")
"""
    done = run_fresh(program)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "The end.\nFalse False\n"
    for word in ("terminate", "Fatal", "FATAL", "Traceback", "Aborted"):
        assert word not in done.stderr


# -- the guard --------------------------------------------------------------------------------------------------------


@pytest.mark.every_backend
def test_nobody_else_trains_or_tests_a_model_while_it_trains():
    def train(disturb):
        run = begin(make_model(dropout=[0.2]), StepwiseSharpener(1, 1), epochs=4, start=False, shuffle=False,
                    validation_data=(X, Y))
        for epoch in range(4):
            run.step(1, "epoch")
            until(lambda e=epoch: run.trace.epochs > e)
            paused(run)
            if disturb:
                for call in (lambda: run.model.fit(X, Y, verbose=0), lambda: run.model.evaluate(X, Y, verbose=0),
                             lambda: run.model.predict(X, verbose=0), lambda: run.model.train_on_batch(X, Y),
                             lambda: run.model.test_on_batch(X, Y), lambda: run.model.predict_on_batch(X),
                             lambda: run.model.compile("sgd")):
                    with pytest.raises(RuntimeError, match=r"'net' is training in the background, and \w+\(\) would"):
                        call()
        run.resume()
        run.wait()
        return run

    calm, disturbed = train(False), train(True)
    assert disturbed.trace.loss.tolist() == calm.trace.loss.tolist()
    assert disturbed.trace.epoch_logs == calm.trace.epoch_logs
    assert set(calm.trace.epoch_logs[0]) == {"loss", "val_loss"}


def test_after_the_end_the_methods_are_the_models_own_again():
    model = make_model()
    run = begin(model, epochs=1)
    run.wait()
    assert not set(GUARDED) & set(vars(model))
    assert model.evaluate(X, Y, verbose=0, return_dict=True)["loss"] > 0
    model.fit(X, Y, verbose=0)


@pytest.mark.every_backend
def test_callbacks_of_the_run_may_use_the_model():
    found = []
    # Through the callback, which on JAX gives the model back its weights.
    look = At(3, lambda: found.append(look.model.predict(X, verbose=0)))
    begin(epochs=1, callbacks=[look]).wait()
    assert found[0].shape == (SAMPLES, 2)


# -- several runs -----------------------------------------------------------------------------------------------------


def test_a_model_trains_in_one_run_at_a_time():
    model = make_model()
    first = begin(model, epochs=FOREVER)
    second = begin(model, StepwiseSharpener(0, 1), epochs=3, start=False)
    for start in (first.start, second.start, second.step, lambda: begin(model)):
        with pytest.raises(RuntimeError, match="The model 'net' is training in the background already"):
            start()
    until(lambda: first.trace.batches > 2)
    assert second.trace.batches == 0
    first.stop()
    first.wait()
    second.start()
    second.wait()
    assert second.trace.epochs == 3
    assert [float(ops.convert_to_numpy(layer.sharpness)) for layer in spiking_layers(model)] == [1, 1]


def test_a_sharpener_serves_one_run_at_a_time():
    run = begin(make_model("one"), epochs=FOREVER)
    other = make_model("two")
    words = "The sharpener is at work in the background already"
    with pytest.raises(RuntimeError, match=words):
        begin(other, run.sharpener)
    with pytest.raises(RuntimeError, match=words):
        other.fit(X, Y, callbacks=[run.sharpener], verbose=0)
    with pytest.raises(RuntimeError, match=words):
        train(other, X, Y, epochs=1, callbacks=[run.sharpener], verbose=0)
    assert run.status == "running"
    batches = run.trace.batches
    until(lambda: run.trace.batches > batches)
    run.stop()
    run.wait()
    other.fit(X, Y, batch_size=BATCH, callbacks=[run.sharpener], verbose=0)
    assert (run.sharpener.trace.batches, run.sharpener.trace.status) == (BATCHES, "finished")


@pytest.mark.every_backend
def test_a_run_and_a_fit_in_front_follow_each_other_on_one_trace():
    model = make_model()
    run = begin(model, epochs=1)
    run.wait()
    states = []
    model.fit(X, Y, batch_size=BATCH, verbose=0, callbacks=[run.sharpener, At(1, lambda: states.append(run.status))])
    assert states == ["running"]
    assert (run.status, run.trace.epochs) == ("finished", 2)


@only_on("tensorflow", why="others have no iterators that take long to end")
def test_a_run_that_was_stopped_leaves_no_iterator_to_the_garbage_collector():
    from tensorflow.python.data.ops.iterator_ops import OwnedIterator

    gc.collect()
    gc.disable()
    try:
        run = begin(epochs=FOREVER)
        until(lambda: run.trace.batches)
        run.stop()
        run.wait()
        assert not [item for item in gc.get_objects() if isinstance(item, OwnedIterator)]
    finally:
        gc.enable()


# -- the same as in front ---------------------------------------------------------------------------------------------


def weights_after(fit):
    model = make_model(dropout=[0.2])
    keras.utils.set_random_seed(7)
    sharpener = AdaptiveSharpener(min_init_epochs=1, patience=0, rate=1.0, cz_rate=1.0, sig_increase=9,
                                  sig_decrease=9)
    fit(model, [sharpener, keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1))])
    return model.get_weights(), sharpener.trace, keras.random.normal((3,))


@pytest.mark.every_backend
def test_a_seeded_run_learns_what_the_same_fit_in_front_does():
    front, behind = (weights_after(fit) for fit in (
        lambda model, callbacks: model.fit(X, Y, batch_size=BATCH, epochs=5, callbacks=callbacks, verbose=0),
        lambda model, callbacks: live.fit(model, X, Y, batch_size=BATCH, epochs=5, callbacks=callbacks).wait()))
    # Another seed gives quite another net; but where an array lies in memory may change the last digit of a sum.
    for one, other in zip(front[0], behind[0], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(front[1].loss, behind[1].loss, rtol=1e-4)
    assert front[1].sharpness.tolist() == behind[1].sharpness.tolist()
    events = [[(event.batch, event.kind, event.layer) for event in result[1].events] for result in (front, behind)]
    assert events[0] == events[1]
    assert np.array_equal(*(ops.convert_to_numpy(result[2]) for result in (front, behind)))


@pytest.mark.every_backend
def test_the_training_thread_takes_over_seed_and_precision_but_no_scope():
    found = {}

    def look():
        found["policy"] = keras.config.dtype_policy().name
        found["random"] = ops.convert_to_numpy(keras.random.normal((3,)))
        found["name"] = keras.Variable(0.0, name="v").path

    model = make_model()
    before = keras.config.dtype_policy()
    try:
        keras.utils.set_random_seed(3)
        expected = ops.convert_to_numpy(keras.random.normal((3,)))
        keras.utils.set_random_seed(3)
        keras.config.set_dtype_policy("mixed_bfloat16")
        with keras.name_scope("outside"):
            begin(model, epochs=1, callbacks=[At(1, look)]).wait()
    finally:
        keras.config.set_dtype_policy(before)
    assert found["policy"] == "mixed_bfloat16"
    assert np.array_equal(found["random"], expected)
    assert found["name"] == "v"


@pytest.mark.every_backend
def test_models_can_be_built_in_front_while_one_trains():
    # Keras keeps a stack of name scopes for each thread; were it shared, these two would pull from under each other.
    run = begin(make_model("behind"), epochs=FOREVER)
    for i in range(3):
        with keras.name_scope(f"front_{i}"):
            model = make_model(f"front_{i}", seed=i)
        model.predict_on_batch(X)
    assert run.alive
    run.stop()
    run.wait()


@pytest.mark.every_backend
def test_a_thread_prints_nothing(capfd):
    sharpener = AdaptiveSharpener(min_init_epochs=1, patience=0, verbose=1)
    model = make_model()
    model.optimizer.learning_rate = np.nan  # a warning for each epoch
    run = begin(model, sharpener, epochs=2)
    run.wait()
    assert {event.kind for event in run.trace.events} == {"warning"}
    printed = capfd.readouterr()
    assert printed.out == ""
    assert "loss of the epoch" not in printed.err


# -- snapshots --------------------------------------------------------------------------------------------------------


@pytest.mark.every_backend
def test_a_snapshot_is_a_copy_as_of_between_two_batches():
    run = begin(epochs=FOREVER, sharpener=ScheduledSharpener([(0, 1), (0, 1)]))
    until(lambda: run.trace.batches > 2)
    moving = run.snapshot()
    run.pause()
    paused(run)
    still = run.snapshot()
    for one, other in zip(still.get_weights(), run.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert [float(ops.convert_to_numpy(layer.sharpness)) for layer in spiking_layers(still)] == pytest.approx(
        run.trace.sharpness[-1].tolist())
    # A whole row of the trace, not something in between.
    sharpness = [float(ops.convert_to_numpy(layer.sharpness)) for layer in spiking_layers(moving)]
    assert np.isclose(run.trace.sharpness, sharpness).all(axis=1).any()
    assert still.predict(X, verbose=0).shape == (SAMPLES, 2)
    run.resume()
    batches = run.trace.batches
    until(lambda: run.trace.batches > batches + 3)
    moved = run.snapshot().get_weights()
    assert any(not np.array_equal(*pair) for pair in zip(still.get_weights(), moved, strict=True))
    run.stop()
    run.wait()
    after = run.snapshot()
    assert all(np.array_equal(*pair) for pair in zip(after.get_weights(), run.model.get_weights(), strict=True))


def test_a_callback_may_take_a_snapshot_of_its_own_run():
    taken = []
    run = begin(start=False, epochs=1, callbacks=[At(2, lambda: taken.append(run.snapshot()))])
    run.start()
    run.wait()
    assert len(taken) == 1


@pytest.mark.every_backend
def test_a_model_that_was_not_built_can_be_run_and_copied():
    model = keras.Sequential([keras.layers.Dense(8), SpikingBReLU(), SoftmaxDecode(keys.make_key(2, 8))])
    model.compile("sgd", "sparse_categorical_crossentropy")
    run = begin(model, epochs=1)
    run.wait()
    np.testing.assert_allclose(run.snapshot().predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-6)


# -- errors -----------------------------------------------------------------------------------------------------------


def test_a_run_needs_one_sharpener_a_spiking_model_and_no_verbose():
    model = make_model()
    words = "Expected one sharpener, as an argument or among the callbacks; got"
    with pytest.raises(ValueError, match=f"{words} 0"):
        live.fit(model, X, Y)
    with pytest.raises(ValueError, match=f"{words} 2"):
        live.fit(model, X, Y, callbacks=[AdaptiveSharpener()], sharpener=AdaptiveSharpener())
    with pytest.raises(ValueError, match="Expected no verbose"):
        begin(model, verbose=1)
    plain = keras.Sequential([keras.layers.Input((6,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="at least one spiking layer"):
        begin(plain)
    with pytest.raises(ValueError, match="each of the 2 spiking layers; got one for 1"):
        begin(model, ScheduledSharpener([(0, 1)]))
    assert not [name for name in GUARDED if name in vars(model)]


def test_the_sharpener_may_be_named_twice():
    sharpener = AdaptiveSharpener()
    run = begin(sharpener=sharpener, callbacks=[sharpener], epochs=1)
    run.wait()
    assert run.trace.batches == BATCHES


def test_a_cell_that_is_run_twice_is_told_the_remedy_and_the_run_goes_on_and_can_be_found():
    model = make_model()
    run = begin(model, epochs=FOREVER)
    until(lambda: run.trace.batches > 0)
    with pytest.raises(RuntimeError, match=r"run a second time. Wait .* run.stop\(\).* whetstone_lab.live.runs\(\)"):
        begin(model, epochs=FOREVER)
    checkpoint = spiking_layers(model)[0].make_checkpoint
    assert checkpoint.__self__ is run.sharpener, "the sharpener that was refused has touched nothing"
    assert live.runs() == [run]
    run.stop()
    run.wait()
    assert live.runs() == []


@only_on("jax", why="only its trainer takes the weights out of the model")
def test_whoever_reads_the_weights_meanwhile_is_told_that_the_model_trains():
    run = begin(epochs=FOREVER)
    until(lambda: run.trace.batches > 3)

    def often(read):
        end = time.monotonic() + 30
        while time.monotonic() < end:  # between two batches the weights may be there
            read()

    for read in (run.model.get_weights, lambda: run.model(X), lambda: run.model.optimizer.iterations.numpy()):
        with pytest.raises(RuntimeError, match="training in the background, and the trainer has the values"):
            often(read)
    run.stop()
    run.wait()
    assert run.model.get_weights()
    assert all(variable._initializer is None for variable in run.model.variables)


def test_a_sharpener_that_a_run_drives_can_be_copied():
    run = begin(epochs=FOREVER)
    until(lambda: run.trace.batches > 0)
    other = copy.deepcopy(run.sharpener)
    assert (other.driver, other.trace.status) == (None, "stopped")
    assert run.alive

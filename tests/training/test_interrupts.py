"""Fits that are broken off at any point: the status is true, the model has its weights, nothing is half done."""

import os
import signal
import sys
import threading

import keras
import numpy as np
import pytest

from whetstone_lab import keys
from whetstone_lab.training.averaging import WhetstoneOptimizer
from whetstone_lab.training.decode import SoftmaxDecode
from whetstone_lab.training.interrupts import undisturbed
from whetstone_lab.training.layers import SpikingBReLU, spiking_layers
from whetstone_lab.training.sharpeners import StepwiseSharpener

X = np.random.default_rng(0).random((8, 3)).astype("float32")
Y = (X[:, 0] > 0.5).astype(int)

#: Lines at which an interrupt comes: in hooks, in the exchange of weights, in the judgement of an epoch.
POINTS = (20, 90, 210, 300, 350, 420)


@pytest.fixture(autouse=True)
def ctrl_c_interrupts():
    """Also where a shell has started the tests in the background, and so with interrupts ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def make_model(sharpness=1.0):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), SpikingBReLU(sharpness=sharpness),
                              SoftmaxDecode(keys.make_key(2, 4))])
    model.compile(WhetstoneOptimizer(keras.optimizers.SGD(0.5)), "sparse_categorical_crossentropy",
                  run_eagerly=keras.backend.backend() != "jax")
    return model


def fit(model, *callbacks, epochs=2):
    return model.fit(X, Y, epochs=epochs, batch_size=4, verbose=0, shuffle=False, validation_data=(X, Y),
                     callbacks=list(callbacks))


class Breaks(keras.callbacks.Callback):
    """Keeps the weights that were trained last, and breaks the fit off when a hook is called for the n-th time."""

    def __init__(self, hook, times, error=KeyboardInterrupt):
        super().__init__()
        self.trained, self.times, self.error = None, times, error
        if hook != "on_train_batch_end":
            setattr(self, hook, self.count)
        self.counts_batches = hook == "on_train_batch_end"

    def count(self, *args, **kwargs):
        self.times -= 1
        if self.times == 0:
            raise self.error()

    def on_train_batch_end(self, batch, logs=None):
        self.trained = self.model.get_weights()
        if self.counts_batches:
            self.count()


def same(some, others):
    for one, other in zip(some, others, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.every_backend
@pytest.mark.parametrize(("hook", "times"), [
    ("on_train_begin", 1), ("on_epoch_begin", 2), ("on_train_batch_begin", 4), ("on_train_batch_end", 3),
    ("on_test_begin", 2), ("on_test_batch_end", 3), ("on_test_end", 2), ("on_epoch_end", 2)])
def test_a_fit_that_is_interrupted_leaves_a_true_status_and_the_weights_that_were_trained(hook, times):
    model, sharpener, breaks = make_model(), StepwiseSharpener(0, 1), Breaks(hook, times)
    seen, start = [], model.get_weights()
    sharpener.trace.subscribe(lambda trace, urgent: seen.append(trace.status))
    with pytest.raises(KeyboardInterrupt):
        fit(model, sharpener, breaks)
    same(model.get_weights(), breaks.trained or start)  # first of all: nobody has asked the sharpener yet
    assert (sharpener.trace.status, seen[-1]) == ("stopped", "stopped")
    assert not model.optimizer.swapped
    spiking_layers(model)[0].set_sharpness(0.5)
    assert sharpener.state.sharpness == (0.5,)


def test_an_error_is_told_by_its_words_and_the_average_goes_on_in_the_next_fit():
    model, sharpener = make_model(), StepwiseSharpener(0, 1)
    with pytest.raises(OSError, match="disk is full"):
        fit(model, sharpener, Breaks("on_epoch_end", 1, lambda: OSError("The disk is full.")))
    assert (sharpener.trace.status, sharpener.trace.message) == ("failed", "OSError: The disk is full.")
    steps = model.optimizer.averaged
    assert steps > 0
    seen = []
    fit(model, sharpener, keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(model.optimizer.averaged)), epochs=1)
    assert (sharpener.trace.status, seen) == ("finished", [steps + 2])


def test_a_fit_that_came_to_its_end_stays_ended_whatever_comes_after():
    model, sharpener = make_model(), StepwiseSharpener(0, 1)
    with pytest.raises(KeyboardInterrupt):
        fit(model, sharpener, Breaks("on_train_end", 1))
    assert sharpener.trace.status == "finished"
    average = model.get_weights()
    with pytest.raises(ValueError, match="cardinality"):
        model.fit(X, Y[:3], verbose=0, callbacks=[sharpener])  # refused before it begins
    with pytest.raises(ZeroDivisionError), sharpener.closing():
        1 / 0  # noqa: B018
    same(model.get_weights(), average)


@pytest.mark.parametrize("at", POINTS)
def test_an_interrupt_from_the_keyboard_at_any_line_leaves_all_as_one(at):
    """The signal comes while the given line of this package runs, counted from the start of training."""
    model, sharpener, breaks = make_model(0.25), StepwiseSharpener(0, 4, by="batch"), Breaks("on_train_begin", -1)
    lines, came = [0], []

    def trace_line(frame, event, arg):
        lines[0] += event == "line"
        if lines[0] == at and not came:
            came.append(f"{frame.f_code.co_name}, line {frame.f_lineno}")
            os.kill(os.getpid(), signal.SIGINT)
        return trace_line

    def trace_call(frame, event, arg):
        ours = f"whetstone_lab{os.sep}training" in frame.f_code.co_filename
        # A step that is itself half done has no weights to compare with.
        within_a_step = {"apply", "call"} & {frame.f_code.co_name, frame.f_back.f_code.co_name}
        return trace_line if ours and not within_a_step else None

    begin = keras.callbacks.LambdaCallback(on_train_begin=lambda logs: sys.settrace(trace_call),
                                           on_train_end=lambda logs: sys.settrace(None))
    try:
        with pytest.raises(KeyboardInterrupt):
            fit(model, breaks, sharpener, begin, epochs=3)
    finally:
        sys.settrace(None)
    trace = sharpener.trace
    assert trace.status == "stopped", came
    assert not model.optimizer.swapped, came
    if breaks.trained is not None:
        same(model.get_weights()[:2], breaks.trained[:2])
    assert sharpener.state.sharpness == tuple(float(layer.sharpness) for layer in spiking_layers(model)), came
    assert len(trace.epoch_logs) == len(trace.states) == trace.epochs, came


def test_a_swap_that_is_broken_off_half_way_is_done_to_its_end_first(monkeypatch):
    model, sharpener, breaks = make_model(), StepwiseSharpener(0, 1), Breaks("on_train_begin", 2)
    optimizer, finish, left = model.optimizer, WhetstoneOptimizer.finish_swap, [1]

    def half(self):
        if self._swap is not None and left[0]:
            left[0] -= 1
            self._trainable_variables[0].assign(self._swap.averages[0])
            raise KeyboardInterrupt
        finish(self)

    monkeypatch.setattr(WhetstoneOptimizer, "finish_swap", half)
    with pytest.raises(KeyboardInterrupt):
        fit(model, sharpener, breaks)
    same(model.get_weights(), breaks.trained)
    assert (left, optimizer.swapped, sharpener.trace.status) == ([0], False, "stopped")


@pytest.mark.every_backend
def test_an_interrupt_within_the_very_first_step_loses_no_weights():
    class Fails(keras.layers.Layer):
        armed = False

        def call(self, x):
            if Fails.armed:
                raise KeyboardInterrupt
            return x

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), Fails(), SpikingBReLU(),
                              SoftmaxDecode(keys.make_key(2, 4))])
    model.compile("sgd", "sparse_categorical_crossentropy")
    start, sharpener = model.get_weights(), StepwiseSharpener(0, 1)
    arm = keras.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: setattr(Fails, "armed", True))
    with pytest.raises(KeyboardInterrupt):
        fit(model, sharpener, arm)
    same(model.get_weights(), start)
    assert sharpener.trace.status == "stopped"


def test_what_is_undisturbed_is_done_to_its_end_and_then_interrupted():
    done, handler = [], signal.getsignal(signal.SIGINT)

    def work():
        with undisturbed():
            os.kill(os.getpid(), signal.SIGINT)
            done.append(sum(range(1000)))

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == [499500]
    assert signal.getsignal(signal.SIGINT) is handler


def test_in_another_thread_there_is_nothing_to_hold_back():
    found = []

    def work():
        with undisturbed():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGINT)]

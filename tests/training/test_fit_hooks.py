"""What fit tells those callbacks that ask for it, and that others notice nothing."""

import pickle

import keras
import numpy as np
import pytest

from whetstone_lab.training.fit_hooks import hook_fit, listed

X = np.random.default_rng(0).normal(size=(300, 2)).astype("float32")

hook_fit()


class Seen(keras.callbacks.Callback):
    """Keeps what it is told."""

    def __init__(self, norm_data=None):
        super().__init__()
        self.norm_data = norm_data
        self.seen = []

    def on_epoch_begin(self, epoch, logs=None):
        self.seen.append(self.norm_data)


@pytest.mark.every_backend
def test_fit_tells_its_callbacks_what_it_trains_on_while_it_does():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    told, knows, other = Seen(), Seen("mine"), keras.callbacks.Callback()
    options = {"verbose": 0, "batch_size": 150}
    model.fit(X, X[:, :1], callbacks=[told, knows, other], **options)
    model.fit(X, X[:, :1], callbacks=told, validation_split=0.5, **options)
    with pytest.raises(ValueError, match="cardinality"):
        model.fit(X, X[:7], callbacks=told, **options)
    model.fit((batch for batch in [(X, X[:, :1])]), callbacks=told, steps_per_epoch=1, verbose=0)
    model.fit(X, X[:, :1], **options)
    assert told.seen[0] is X
    np.testing.assert_array_equal(told.seen[1], X[:150])
    assert told.seen[2] is None
    assert told.norm_data is None
    assert knows.seen == ["mine"]
    assert knows.norm_data == "mine"
    assert not hasattr(other, "norm_data")


class Breaks(keras.callbacks.Callback):
    """Ends the fit with an error, and may hear of it."""

    def __init__(self):
        super().__init__()
        self.heard = []

    def on_epoch_end(self, epoch, logs=None):
        raise ZeroDivisionError("at an epoch's end")


class Hears(Breaks):
    def on_train_break(self, error):
        self.heard.append(error)


def test_a_fit_that_is_broken_off_tells_those_that_ask():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    breaks = Hears()
    with pytest.raises(ZeroDivisionError) as error:
        model.fit(X, X[:, :1], verbose=0, callbacks=[[keras.callbacks.Callback()], breaks])
    assert breaks.heard == [error.value]


def test_callbacks_that_do_not_care_and_models_without_a_sharpener_notice_nothing():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    with pytest.raises(ZeroDivisionError):
        model.fit(X, X[:, :1], verbose=0, callbacks=Breaks())
    assert model.fit(X, X[:, :1], verbose=0).history["loss"]
    wrapped = keras.Model.fit
    hook_fit()
    assert keras.Model.fit is wrapped
    assert wrapped.__doc__ == wrapped.__wrapped__.__doc__
    assert pickle.loads(pickle.dumps(wrapped)) is wrapped
    with pytest.raises(TypeError, match=r"fit\(\) got an unexpected keyword argument 'epoch'"):
        model.fit(X, X[:, :1], epoch=1)


def test_callbacks_are_found_however_they_are_given():
    one, other = keras.callbacks.Callback(), keras.callbacks.Callback()
    assert listed(None) == []
    assert listed(one) == [one]
    assert listed([one, None, [other]]) == [one, other]
    assert listed(keras.callbacks.CallbackList([one, other])) == [one, other]

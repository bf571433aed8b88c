"""What Keras's ``fit`` does not tell its callbacks: the inputs that it trains on, and that it was broken off."""

from __future__ import annotations

import functools
import inspect
from typing import Any

import keras

from whetstone_lab.training.training_inputs import trained_on


def listed(callbacks: Any) -> list[Any]:
    """Callbacks as a flat list: Keras takes none, one, a list, lists within it, or a ``CallbackList``."""
    callbacks = getattr(callbacks, "callbacks", callbacks)
    return [callback for callback in keras.tree.flatten(callbacks) if callback is not None]


def hook_fit() -> None:
    """Has ``fit`` of all Keras models tell those of its callbacks that ask for it what Keras does not.

    - ``norm_data``: where a callback has this attribute and it is None, it is set to the inputs of the fit, for its
      time. Data that can be read once only stay unknown.
    - ``on_train_break(error)`` is called when an interrupt or an error passes through ``fit``.

    There is no way to know either from within a callback, so ``keras.Model.fit`` is wrapped, once. Callbacks that ask
    for neither notice nothing.
    """
    fit = keras.Model.fit
    if hasattr(fit, "is_hooked"):
        return
    signature = inspect.signature(fit)

    @functools.wraps(fit)
    def hooked(*args: Any, **kwargs: Any) -> Any:
        try:
            given = signature.bind_partial(*args, **kwargs).arguments
        except TypeError:
            return fit(*args, **kwargs)  # says itself what it does not take
        callbacks = listed(given.get("callbacks"))
        told = [callback for callback in callbacks if getattr(callback, "norm_data", False) is None]
        for callback in told:
            callback.norm_data = trained_on(given.get("x"), given.get("validation_split"))
        try:
            return fit(*args, **kwargs)
        except BaseException as error:
            for callback in callbacks:
                if hasattr(callback, "on_train_break"):
                    callback.on_train_break(error)
            raise
        finally:
            for callback in told:
                callback.norm_data = None

    hooked.__module__, hooked.__qualname__ = keras.Model.__module__, "Model.fit"  # where pickle finds it
    hooked.is_hooked = True  # type: ignore[attr-defined]
    keras.Model.fit = hooked

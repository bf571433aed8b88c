"""What happens when ``fit`` is broken off: callbacks hear of it, and nothing is left half done."""

from __future__ import annotations

import functools
import inspect
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras


def listed(callbacks: Any) -> list[Any]:
    """Callbacks as a flat list: Keras takes none, one, a list, lists within it, or a ``CallbackList``."""
    callbacks = getattr(callbacks, "callbacks", callbacks)
    return [callback for callback in keras.tree.flatten(callbacks) if callback is not None]


def tell_of_breaks() -> None:
    """Has ``fit`` of all Keras models call ``on_train_break(error)`` of its callbacks when it is broken off.

    Keras has no such hook: an interrupt or an error passes through ``fit`` without a word to its callbacks. There is no
    way to hear of it from within, so ``keras.Model.fit`` is wrapped, once. Callbacks without the method, and fits that
    come to their end, notice nothing.
    """
    fit = keras.Model.fit
    if hasattr(fit, "tells_of_breaks"):
        return
    signature = inspect.signature(fit)

    @functools.wraps(fit)
    def fit_that_tells(*args: Any, **kwargs: Any) -> Any:
        try:
            return fit(*args, **kwargs)
        except BaseException as error:
            for callback in listed(signature.bind_partial(*args, **kwargs).arguments.get("callbacks")):
                if hasattr(callback, "on_train_break"):
                    callback.on_train_break(error)
            raise

    fit_that_tells.tells_of_breaks = True  # type: ignore[attr-defined]
    keras.Model.fit = fit_that_tells


@contextmanager
def undisturbed() -> Iterator[None]:
    """Holds an interrupt (Ctrl-C) back until what is within has been done to its end."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is None or threading.current_thread() is not threading.main_thread():
        yield  # an interrupt reaches the main thread only, and only where Python handles it
        return
    came: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if came:
            signal.raise_signal(signal.SIGINT)

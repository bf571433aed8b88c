"""``guarded``: a model that only one thread may train, evaluate or predict with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras

from whetstone_lab.training._internals import say_when_absent

#: What must not be called on a model from elsewhere while it trains: it would spoil its metrics without a word.
GUARDED = ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch", "compile")


@contextmanager
def guarded(model: keras.Model, owner: threading.Thread) -> Iterator[None]:
    """Lets only one thread use a model, for as long as the context lasts.

    Keras itself says nothing when two threads use a model, and its metrics are then wrong. If the user
    has replaced one of these methods on the instance, the replacement is what is guarded, and it stays afterwards.
    Whatever else reads its weights, such as a call or ``get_weights``, does so as ever; on JAX, where its trainer has
    them, a ``RuntimeError`` says so.

    Args:
        model: The model.
        owner: The thread that may use it; in others, what is guarded raises a ``RuntimeError``.
    """
    def refuse(what: str) -> None:
        if threading.current_thread() is not owner:
            raise RuntimeError(f"The model {model.name!r} is training in the background, and {what}. Use "
                               "run.snapshot(), a copy of it, or run.stop() or run.wait() first; "
                               "whetstone_lab.live.runs() has the run.")

    def guard(method: Callable[..., Any], why: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            refuse(why)
            return method(*args, **kwargs)

        return call

    away = "the trainer has the values of its variables"
    why = {name: f"{name}() would spoil its metrics" for name in GUARDED}
    if keras.backend.backend() == "jax":  # which between two batches takes them from whoever still computes with them
        why["call"] = away
    own = {name: vars(model)[name] for name in why if name in vars(model)}
    for name, words in why.items():
        setattr(model, name, guard(getattr(model, name), words))
    variables = [*model.variables, *(model.optimizer.variables if getattr(model, "optimizer", None) else [])]
    end = say_when_absent(variables, lambda: refuse(away))
    try:
        yield
    finally:
        end()
        for name in why:
            delattr(model, name)
        for name, method in own.items():
            setattr(model, name, method)

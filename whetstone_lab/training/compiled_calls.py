"""Calls of a model beside its training, which JAX compiles as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras


def compiled_on_jax(model: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """Has JAX compile a function that calls a model, as one; other backends go through it line by line.

    In an eager call JAX compiles each operation by itself, and again for every shape: of a deep model, hundreds. What
    cannot be traced is called eagerly on JAX, too, and a model that is compiled with ``run_eagerly=True``.

    Args:
        model: A model that is built. Its variables are read in each call; what the function assigns to them is dropped
            where it is compiled.
        function: Takes and gives arrays, or lists, tuples and dicts of them, and asks for no values on the way.

    Returns:
        What is called instead.
    """
    if keras.backend.backend() != "jax" or getattr(model, "run_eagerly", False):
        return function
    import jax

    def traced(values: list[Any], *args: Any) -> Any:
        with keras.StatelessScope(state_mapping=list(zip(model.variables, values, strict=True))):
            return function(*args)

    compiled = jax.jit(traced)

    def call(*args: Any) -> Any:
        values = [variable.value for variable in model.variables]
        try:
            compiled.eval_shape(values, *args)  # JAX keeps the trace for the call
        except Exception:  # in a call without a trace it may work, or else say what is wrong
            return function(*args)
        return compiled(values, *args)

    return call

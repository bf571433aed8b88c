"""Copies of models that share nothing with them, compiled alike even where a loss is the user's own."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from typing import Any

import keras

from whetstone_lab.training import _internals


def copy_of(model: keras.Model) -> keras.Model:
    """A copy of a model, with its weights, compiled as it is.

    Args:
        model: A built model: Sequential, functional, or a subclass that can be made from its config, as one can whose
            constructor takes no arguments.

    Raises:
        ValueError: The subclass cannot be made from its config; the message says what Keras says.

    Warns:
        UserWarning: The model is compiled with something of which there is no second; the copy is then not compiled.
    """
    _internals.sync_weights(model)
    copy = _clone(model) if isinstance(model, (keras.Sequential, keras.Function)) else _from_config(model)
    copy.set_weights(model.get_weights())
    compile_alike(model, copy)
    return copy


def _clone(model: Any) -> Any:
    # Keras would compile the clone from a serialised config, which ends with a loss that is not registered.
    compiled, model.compiled = model.compiled, False
    try:
        copy = keras.models.clone_model(model)
    finally:
        model.compiled = compiled
    if not copy.built:
        copy.build(model.input_shape)
    return copy


def _from_config(model: Any) -> Any:
    kind = type(model)
    try:
        # Keras's own get_config gives what a constructor without arguments does not take.
        plain = kind.get_config is keras.Model.get_config and not inspect.signature(kind).parameters
        copy = kind() if plain else kind.from_config(model.get_config())
        copy.build_from_config(model.get_build_config())
    except Exception as error:
        raise ValueError(f"Expected a model that can be made from its config; {kind.__name__} cannot: {error} "
                         "Give it get_config and from_config, as for saving it.") from error
    return copy


def compile_alike(model: Any, new: Any) -> None:
    """Compiles a model as another is. A user's own losses and metrics need not be registered for that."""
    if not model.compiled:
        return
    if type(model).compile is not keras.Model.compile:
        new.compile_from_config(model.get_compile_config())
        return
    try:
        arguments = {name: _again(value) for name, value in _internals.compile_arguments(model).items()}
        new.compile(**arguments)
    except Exception as error:
        warnings.warn(f"The copy of {model.name!r} is not compiled, since what the model is compiled with cannot be "
                      f"made a second time: {error}. Compile the copy to train or evaluate it.", stacklevel=5)
        return
    if new.optimizer is not None:
        new.optimizer.build(new.trainable_variables)


def _again(value: Any) -> Any:
    """A compile argument for a second model: optimizers and metrics hold variables and are made anew."""
    if isinstance(value, Mapping):
        return {name: _again(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_again(item) for item in value]
    if isinstance(value, (keras.optimizers.Optimizer, keras.metrics.Metric)):
        return type(value).from_config(value.get_config())
    return value

"""What the tests need from Keras's backends that Keras itself does not offer alike on all of them."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from whetstone_lab.training.layers import spiking_layers

BACKEND = keras.backend.backend()

#: For ``compile(run_eagerly=...)`` of models that train a few steps: on TensorFlow these cost less than their graph
#: does, on JAX more.
EAGERLY = BACKEND == "tensorflow"


def only_on(*backends, why):
    """Skips a test on the other backends."""
    return pytest.mark.skipif(BACKEND not in backends, reason=f"Not on {BACKEND}: {why}.")


NEEDS_DOUBLES = only_on("tensorflow", "torch", why="float64 is float32 unless JAX is told otherwise")


def array(tensor):
    """A tensor or variable as a NumPy array; bfloat16, which NumPy does not have, as float64."""
    return ops.convert_to_numpy(ops.cast(tensor, "float64") if "bfloat16" in str(tensor.dtype) else tensor)


def ready(model):
    """A compiled model whose optimizer has its variables: TensorFlow traces a step that makes some twice."""
    model.optimizer.build(model.trainable_variables)
    return model


class _Kept:
    """A compiled model with all that it was made with, and the test that has it."""

    def __init__(self, model: keras.Model) -> None:
        self.model, self.optimizer, self.test = ready(model), model.optimizer, None
        self.owners = [one for one in (model.optimizer, getattr(model.optimizer, "inner_optimizer", None)) if one]
        self.states = [dict(vars(one)) for one in self.owners]
        self.values = [(variable, array(variable).copy())
                       for variable in (*model.variables, *model.optimizer.variables)]

    def rewind(self) -> None:
        for owner, state in zip(self.owners, self.states, strict=True):
            vars(owner).clear()
            vars(owner).update(state)
        for variable, value in self.values:
            variable.assign(value)
        for layer in spiking_layers(self.model):
            layer.make_checkpoint, layer.loaded_checkpoint = None, {}


def reused(make: Callable[..., keras.Model]) -> Callable[..., keras.Model]:
    """Has a function give those models again that it made for earlier tests, with all the values they were made with.

    To compile a step takes many times as long as to train some: what a model has compiled, it keeps. Within one test
    each call gives another model. Calls are alike if their arguments are, or the configurations of optimizers; a model
    that a test has compiled anew is not given again. ``make.anew`` makes one that no test has had, also for fixtures
    that outlive a test. Either way the random numbers begin alike afterwards.
    """
    made: dict[str, list[_Kept]] = {}

    @functools.wraps(make)
    def give(*args: Any, **kwargs: Any) -> keras.Model:
        call = repr([keras.optimizers.serialize(value) if isinstance(value, keras.optimizers.Optimizer) else value
                     for value in (*args, *sorted(kwargs.items()))])
        test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]  # without the phase behind it
        kept = made.setdefault(call, [])
        kept[:] = [one for one in kept if one.model.optimizer is one.optimizer]
        free = next((one for one in kept if one.test != test), None)
        if free is None:
            kept.append(free := _Kept(make(*args, **kwargs)))
        else:
            free.rewind()
        free.test = test
        keras.utils.set_random_seed(1)
        return free.model

    give.anew = make
    return give


@contextmanager
def without_graphs() -> Iterator[None]:
    """Within it TensorFlow makes no graphs, for fits of a few steps that compile their model themselves."""
    if BACKEND != "tensorflow":
        yield
        return
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


def gradient(function, x):
    """The gradient by ``x`` of the sum of ``function(x)``, as a NumPy array."""
    x = ops.convert_to_tensor(x)
    if BACKEND == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(function(x))
        return tape.gradient(y, x).numpy()
    if BACKEND == "jax":
        import jax

        return np.asarray(jax.grad(lambda x: ops.sum(function(x)))(x))
    x = x.detach().requires_grad_()
    function(x).sum().backward()
    return array(x.grad)


def compiled(function, jit_compile):
    """The function as a graph of TensorFlow's or as JAX compiles it."""
    if BACKEND == "jax":
        import jax

        return jax.jit(function) if jit_compile else function
    import tensorflow as tf

    return tf.function(function, jit_compile=jit_compile)

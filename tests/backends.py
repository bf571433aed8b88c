"""What the tests need from Keras's backends that Keras itself does not offer alike on all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np
import pytest
from keras import ops

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

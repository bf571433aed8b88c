"""Every private name of Keras and TensorFlow that the package leans on, called on the real thing.

A failure here says what has changed outside, and what to do about it in ``training/_internals.py``.
"""

import threading

import keras
import numpy as np
import pytest
from backends import only_on
from keras import ops

from whetstone_lab.training import _internals

pytestmark = pytest.mark.every_backend

BACKEND = keras.backend.backend()


def model():
    made = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.Sequential([keras.layers.Dense(1)])])
    made.compile("sgd", "mse")
    return made


def test_inner_layers_lists_what_a_layer_holds():
    wrapped = keras.layers.Bidirectional(keras.layers.LSTM(2))
    wrapped.build((None, 4, 3))
    assert {layer.name for layer in _internals.inner_layers(wrapped)} >= {
        wrapped.forward_layer.name, wrapped.backward_layer.name}, (
        "Layer._flatten_layers no longer lists the layers right inside a layer: find another way to walk through "
        "nested layers, for spiking_layers.")
    nested = model()
    assert [type(layer).__name__ for layer in _internals.inner_layers(nested)][-2:] == ["Dense", "Sequential"], (
        "Layer._flatten_layers(recursive=False) no longer stops at the first level, or lists layers in another order.")


def test_nodes_by_depth_tells_what_each_layer_is_called_on():
    x = keras.Input((3,))
    y = keras.layers.Dense(2, name="lower")(x)
    both = keras.Model(x, keras.layers.Dense(1, name="upper")(y))
    nodes = [node for depth in sorted(_internals.nodes_by_depth(both), reverse=True)
             for node in _internals.nodes_by_depth(both)[depth] if not node.is_input]
    assert [node.operation.name for node in nodes] == ["lower", "upper"], (
        "Function._nodes_by_depth no longer holds the calls of a functional model from its inputs up: mend "
        "conversion/calls.py, which follows them.")
    assert nodes[1].input_tensors[0] is nodes[0].outputs[0]
    assert nodes[1].arguments.kwargs.get("training") is None


def test_a_scalar_is_assigned_as_keras_would():
    variable = keras.Variable(0.0, dtype="float32", trainable=False)
    for number in (0.25, 1.0, 1 / 3):
        _internals.scalar_setter(variable)(number)
        assert float(ops.convert_to_numpy(variable)) == float(np.float32(number)), (
            "tf.__internal__.EagerTensor or AssignVariableOp no longer sets a variable: let scalar_setter give "
            "variable.assign, which is slower.")


@pytest.mark.skipif(BACKEND != "tensorflow", reason="Only TensorFlow is assigned to past Keras.")
def test_tensorflow_still_has_the_quick_way():
    variable = keras.Variable(0.0, dtype="float32", trainable=False)
    assert type(variable.value).__name__ == "ResourceVariable", (
        "Keras's variables on TensorFlow are no ResourceVariable any more: scalar_setter takes the slow way, which is "
        "right but shows in benchmarks/overhead.py. Look for the new type.")
    import tensorflow as tf

    assert hasattr(tf.__internal__, "EagerTensor"), "Let scalar_setter make its tensor by tf.constant."


def test_a_weight_assigned_in_the_midst_of_fit_is_what_the_next_batch_trains_with():
    trained, seen = model(), []
    layer = trained.layers[0]

    def mark(batch, logs):
        _internals.sync_weights(trained)
        seen.append(float(ops.convert_to_numpy(layer.bias)[0]))
        layer.bias.assign([100.0 * (batch + 1)] * 2)

    callback = keras.callbacks.LambdaCallback(on_train_batch_end=mark)
    trained.optimizer.learning_rate = 0.0
    trained.fit(np.zeros((12, 3)), np.zeros((12, 1)), batch_size=4, verbose=0, callbacks=[callback])
    assert seen == [0.0, 100.0, 200.0], (
        "A weight that a callback assigns in mid-fit does not reach the next batch: JAX's trainer keeps its state "
        "elsewhere than jax_state_sync goes. See keras/src/backend/jax/trainer.py, and mend sync_weights.")


def test_thread_state_carries_what_belongs_to_a_thread():
    before = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        keras.utils.set_random_seed(3)
        state, found = _internals.thread_state(), []

        def other(carry):
            if carry:
                _internals.thread_state(state)
            found.append((keras.config.dtype_policy().name,
                          ops.convert_to_numpy(keras.random.normal((3,), dtype="float32")).tolist()))

        for carry in (False, True):
            thread = threading.Thread(target=other, args=(carry,))
            thread.start()
            thread.join()
        here = ops.convert_to_numpy(keras.random.normal((3,), dtype="float32")).tolist()
    finally:
        keras.config.set_dtype_policy(before)
    assert found[0][0] == "float32", (
        "Keras's dtype policy is no longer local to a thread: thread_state may no longer be needed for it.")
    assert found[1][0] == "mixed_bfloat16", (
        "global_state.GLOBAL_STATE_TRACKER no longer holds the dtype policy: find where it went, for thread_state.")
    assert found[1][1] != found[0][1] or BACKEND == "torch"
    assert len(here) == 3


def test_without_remat_layers_are_called_as_if_made_outside_of_its_scope():
    with keras.RematScope(mode="full"):
        layer = keras.layers.Dense(2)
    outside = keras.layers.Dense(2)
    assert layer._remat_mode.mode == "full", (
        "Operation._remat_mode no longer says that a layer is rematerialised: find where it went, for without_remat.")
    before = layer._remat_mode
    with _internals.without_remat([layer, outside]):
        assert layer._remat_mode is outside._remat_mode is None
    assert layer._remat_mode == before

    class Sees(keras.layers.Layer):
        def call(self, inputs):
            seen.append(inputs)
            return inputs

    seen = []
    with keras.RematScope(mode="full"):
        layer = Sees()
    with _internals.without_remat([layer]):
        layer(np.ones((1, 2), "float32"))
    assert ops.convert_to_numpy(seen[-1]).tolist() == [[1, 1]], (
        "Without its _remat_mode a layer is still traced: see Operation.__call__, and mend without_remat.")


def test_raw_iterations_counts_every_step():
    optimizer = keras.optimizers.SGD(0.1, gradient_accumulation_steps=2)
    weight = keras.Variable(np.ones(2, np.float32))
    optimizer.build([weight])
    for _ in range(3):
        optimizer.apply([ops.ones(2)])
    assert int(ops.convert_to_numpy(_internals.raw_iterations(optimizer))) == 3, (
        "Optimizer._iterations no longer counts every step: count them in WhetstoneOptimizer itself, in a variable of "
        "its own, and see that old files still load.")


def test_layout_of_a_plain_variable_is_none():
    assert _internals.layout_of(keras.Variable(1.0)) is None, "Variable._layout has another meaning now."


def test_trained_variables_are_those_that_the_optimizer_was_built_on():
    optimizer, weights = keras.optimizers.Adam(), [keras.Variable(1.0), keras.Variable([2.0, 3.0])]
    optimizer.build(weights)
    assert [*map(id, _internals.trained_variables(optimizer))] == [*map(id, weights)], (
        "Optimizer._trainable_variables no longer lists what an optimizer trains: WhetstoneOptimizer must keep the "
        "list itself, in a way that Keras does not track.")


def own_metric(truth, found):
    return ops.mean(found, axis=-1)


def test_a_compiled_metric_says_how_it_gets_better():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "mse", metrics=[keras.metrics.AUC(name="area"), "mae", own_metric])
    assert _internals.metric_direction(model, "area") is None, "Keras has not made the metrics yet"
    model.train_on_batch(np.zeros((2, 2)), np.ones((2, 1)))
    found = [_internals.metric_direction(model, name) for name in ("area", "mae", "own_metric", "no such metric")]
    assert found == ["max", "min", None, None]


def test_whoever_reads_a_variable_that_the_trainer_has_is_told():
    variable, seen = keras.Variable([1.0]), []
    end = _internals.say_when_absent([variable], lambda: seen.append("absent"))
    assert variable.numpy().tolist() == [1.0]
    value, variable._value = variable._value, None
    with pytest.raises(TypeError, match="with the trainer"):
        variable.numpy()
    assert seen
    end()
    variable._value = value
    assert variable._initializer is None
    assert variable.numpy().tolist() == [1.0]


@only_on("jax", why="only its trainer takes the values out of the variables")
def test_the_trainer_puts_back_what_it_was_to_remember():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    weights = model.get_weights()
    model._jax_state_synced = True
    _internals.remember_state(model)
    for variable in model.variables:
        variable._value = None
    model._jax_state_synced = False
    model.jax_state_sync()
    np.testing.assert_array_equal(model.get_weights()[0], weights[0])

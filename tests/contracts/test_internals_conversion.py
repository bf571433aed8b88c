"""The private names of Keras that conversion leans on still do what ``training/_internals.py`` says of them."""

import keras
import pytest
from keras import layers

from whetstone_lab.conversion.calls import layers_within
from whetstone_lab.training import _internals

pytestmark = pytest.mark.every_backend

WHERE = "whetstone_lab/training/_internals.py"


def functional():
    inputs = keras.Input((4,))
    dense = layers.Dense(4, name="dense")
    x = dense(inputs)
    y = layers.Dropout(0.5, name="drop")(x, training=False)
    z = layers.Add(name="sum")([dense(y), x])
    return keras.Model(inputs, keras.ops.concatenate([z + x, x], axis=1))


def test_the_nodes_of_a_functional_model_say_who_is_called_on_what():
    model = functional()
    try:
        nodes = [*_internals.graph_nodes(model)]
    except AttributeError as error:
        pytest.fail(f"Keras {keras.__version__} has moved a graph's nodes ({error}). Look into "
                    "keras/src/ops/function.py for what Function._run_through_graph goes through, and put that into "
                    f"graph_nodes in {WHERE}.")
    known = {id(model.inputs[0])}
    for node in nodes:
        assert {id(tensor) for tensor in node.inputs} <= known, (
            f"A node comes before one that it depends on. Order them anew in graph_nodes in {WHERE}.")
        known.update(id(tensor) for tensor in node.outputs)
    assert id(model.outputs[0]) in known
    names = [getattr(node.operation, "name", None) for node in nodes]
    assert names.count("dense") == 2, (
        f"Every call of a layer is a node, also the second; got {names}. See Node in keras/src/ops/node.py, and "
        f"graph_nodes in {WHERE}.")
    drop = next(node for node in nodes if node.operation.name == "drop")
    assert (len(drop.args), drop.kwargs.get("training")) == (1, False), (
        f"The arguments of a call are told otherwise: {drop.args}, {drop.kwargs}. See SymbolicArguments in "
        f"keras/src/ops/symbolic_arguments.py, and graph_nodes in {WHERE}.")
    add = next(node for node in nodes if node.operation.name == "sum")
    assert len(keras.tree.flatten(add.args)) == len(add.inputs) == 2


def test_operations_are_known_by_the_names_of_their_classes():
    found = {_internals.operation_name(node.operation) for node in _internals.graph_nodes(functional())}
    assert found == {None, "Add", "Concatenate"}, (
        f"x + y and keras.ops.concatenate are now operations called {found - {None}}. Give the new names as "
        "operation=... in whetstone_lab/conversion/makers/arithmetic.py.")
    joined = next(node.operation for node in _internals.graph_nodes(functional())
                  if _internals.operation_name(node.operation) == "Concatenate")
    assert joined.axis == 1, "concatenate keeps its axis elsewhere; see makers/arithmetic.py."


class Composite(layers.Layer):
    def __init__(self):
        super().__init__()
        self.inner = {"norm": [layers.BatchNormalization(name="hidden")]}


def test_layers_within_a_layer_are_found_however_they_are_kept():
    wrapped = layers.TimeDistributed(keras.Sequential([keras.Input((4,)), layers.Dense(3, name="deep")]))
    try:
        found = [[layer.name for layer in layers_within(outer)] for outer in (wrapped, Composite())]
    except AttributeError as error:
        pytest.fail(f"Keras {keras.__version__} walks through nested layers otherwise ({error}). Look into "
                    f"keras/src/layers/layer.py for what Layer.weights goes through; put it into "
                    f"inner_layers in {WHERE}.")
    assert "deep" in found[0], f"inner_layers in {WHERE} no longer goes into models: {found[0]}."
    assert found[1] == ["hidden"], f"inner_layers in {WHERE} no longer finds what lies in dicts and lists: {found[1]}."


def own_loss(y, p):
    return keras.ops.mean(keras.ops.abs(y - p), axis=-1)


def test_what_a_model_was_compiled_with_comes_back_as_the_objects_themselves():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1)])
    assert not _internals.compile_arguments(model)
    optimizer = keras.optimizers.SGD(0.5)
    model.compile(optimizer, own_loss, metrics=["mae"], steps_per_execution=3)
    found = _internals.compile_arguments(model)
    assert found, (f"Keras {keras.__version__} keeps the arguments of compile elsewhere. Look for what "
                   f"Trainer.get_compile_config serialises, and put it into compile_arguments in {WHERE}.")
    assert found["loss"] is own_loss
    assert found["optimizer"] is optimizer
    assert (found["metrics"], found["steps_per_execution"]) == (["mae"], 3)
    keras.Sequential([keras.Input((4,)), layers.Dense(1)]).compile(**found)  # they are arguments, and no others

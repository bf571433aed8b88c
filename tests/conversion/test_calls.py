"""A Keras model as a list of layer calls: order, names, places, and what cannot be followed."""

import keras
import pytest
from keras import layers

from whetstone_lab.conversion.calls import layer_calls


def shape_of(model):
    return [(call.name, call.inputs) for call in layer_calls(model)]


def test_a_chain():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="a"), layers.Dropout(0.1, name="b")])
    assert shape_of(model) == [("a", (-1,)), ("b", (0,))]
    assert layer_calls(model)[0].place == "layers[0] ('a', Dense)"
    assert layer_calls(model)[0].layer is model.layers[0]


def test_a_model_built_by_its_first_call_is_followed_too():
    model = keras.Sequential([layers.Dense(3, name="a")])
    model(keras.ops.zeros((2, 4)))
    assert shape_of(model) == [("a", (-1,))]


def test_branches_and_models_within_models():
    inputs = keras.Input((4,))
    block = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="d"), layers.ReLU(name="r")], name="block")
    outer_input = keras.Input((4,))
    outer = keras.Model(outer_input, layers.Add(name="plus")([block(outer_input), outer_input]), name="outer")
    model = keras.Model(inputs, layers.Dense(2, name="end")(outer(inputs)))
    assert shape_of(model) == [("outer/block/d", (-1,)), ("outer/block/r", (0,)), ("outer/plus", (1, -1)),
                               ("end", (2,))]
    assert layer_calls(model)[0].place == "layers[1].layers[1].layers[0] ('d', Dense)"
    assert [call.name for call in layer_calls(outer)] == ["block/d", "block/r", "plus"]


def test_a_shared_layer_is_called_again_under_another_name():
    inputs = keras.Input((4,))
    shared = layers.Dense(4, name="d")
    model = keras.Model(inputs, shared(shared(inputs)))
    assert shape_of(model) == [("d", (-1,)), ("d_call2", (0,))]


def test_a_part_of_a_larger_graph_and_dead_ends():
    inputs = keras.Input((4,))
    first = layers.Dense(3, name="a")(inputs)
    middle = layers.Dense(3, name="b")(first)
    layers.Dense(3, name="dead")(first)
    end = layers.Dense(3, name="c")(middle)
    assert shape_of(keras.Model(inputs, end)) == [("a", (-1,)), ("b", (0,)), ("c", (1,))]
    assert shape_of(keras.Model(first, middle)) == [("b", (-1,))]


def test_inputs_count_down_and_outputs_have_their_names():
    one, two = keras.Input((4,), name="one"), keras.Input((4,), name="two")
    both = layers.Add(name="both")([two, one])
    first, second = layers.Dense(2, name="first")(both), layers.Dense(3, name="second")(both)
    model = keras.Model([one, two], {"z": first, "a": second, "sum": both})
    calls = layer_calls(model)
    assert calls[0].inputs == (-2, -1)
    assert {call.name: call.outputs for call in calls} == {"both": ("sum",), "first": ("z",), "second": ("a",)}
    assert [call.outputs for call in layer_calls(keras.Model([one, two], first))] == [(), ("first",)]
    outer = keras.Model([one, two], layers.Add(name="end")([model([two, one])["sum"], one]))
    assert shape_of(outer) == [("functional/both".replace("functional", model.name), (-1, -2)), ("end", (0, -1))]


def test_one_call_may_give_several_outputs():
    inputs = keras.Input((4,))
    end = layers.Dense(2, name="end")(inputs)
    assert layer_calls(keras.Model(inputs, [end, end]))[0].outputs == ("end", "end_2")


class Subclassed(keras.Model):
    def call(self, inputs):
        return inputs


class Rewired(keras.Sequential):
    def call(self, inputs, training=None, mask=None):
        return inputs


def straight_through():
    one, two = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    return keras.Model([one, two], [layers.Dense(2)(one), two])


def with_training():
    inputs = keras.Input((4,))
    return keras.Model(inputs, layers.Dropout(0.5)(inputs, training=True))


def within(model):
    inputs = keras.Input((4,))
    return keras.Model(inputs, model(inputs))


@pytest.mark.parametrize(("make", "error", "words"), [
    (lambda: "model", TypeError, "The model is a str; expected a Sequential or functional Keras model"),
    (Subclassed, TypeError, "The model is a Subclassed"),
    (lambda: Rewired([keras.Input((4,)), layers.Dense(2)]), TypeError, "The model is a Rewired"),
    (lambda: within(Subclassed()), TypeError, r"The model at layers\[1\] is a Subclassed"),
    (lambda: keras.Sequential([layers.Dense(2)]), ValueError, "not built"),
    (straight_through, ValueError, "output 'b' of .* with none"),
    (with_training, ValueError, r"layers\[1\] .* on tensors of the model alone, as its inputs; got training=True"),
    (lambda: keras.Sequential([keras.Input((4,))]), ValueError, "with none|not built"),
])
def test_what_cannot_be_followed_is_refused(make, error, words):
    with pytest.raises(error, match=words):
        layer_calls(make())


def test_a_layer_that_trains_unless_told_otherwise_is_followed():
    inputs = keras.Input((4, 4, 1))
    for layer in (layers.RandomFlip(), layers.GaussianNoise(1.0)):
        assert layer_calls(keras.Model(inputs, layer(inputs)))[0].odd == ""


def test_calls_on_other_things_than_tensors_are_listed_where_that_is_asked_for():
    inputs = keras.Input((4, 4))
    mixed = layers.MultiHeadAttention(2, 2)(query=inputs, value=layers.Dense(4)(inputs))
    calls = layer_calls(keras.Model(inputs, layers.Dense(2)(mixed * 2.0)), odd=True)
    assert [call.odd.rpartition("got ")[2] for call in calls] == [
        "", "query=a tensor, value=a tensor", "2.0", ""]
    assert [call.inputs for call in calls] == [(-1,), (-1, 0), (1,), (2,)]

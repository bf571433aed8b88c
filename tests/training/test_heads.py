"""What each kind of head is told from: its last layer, and the loss where the layer is linear."""

import keras
import numpy as np
import pytest

from whetstone_lab.method.class_keys import make_key
from whetstone_lab.training.decode import SoftmaxDecode
from whetstone_lab.training.heads import heads_of, input_names, loss_name, output_names
from whetstone_lab.training.layers import SpikingBReLU

LAYERS, LOSSES = keras.layers, keras.losses


def model_of(*layers, inputs=4):
    return keras.Sequential([keras.Input((inputs,)), *layers])


def kind(layer, loss=None):
    return heads_of(model_of(layer), loss)[0].kind


def test_the_last_layer_tells_a_key_a_softmax_a_sigmoid_and_spikes():
    assert kind(SoftmaxDecode(make_key(2, 4))) == "key"
    assert kind(LAYERS.Dense(3, activation="softmax")) == kind(LAYERS.Softmax()) == "softmax"
    assert kind(LAYERS.Dense(1, activation="sigmoid")) == kind(LAYERS.Activation("sigmoid")) == "sigmoid"
    assert kind(SpikingBReLU()) == kind(LAYERS.Dense(2, activation=SpikingBReLU())) == "spikes"


@pytest.mark.parametrize(("loss", "one", "several"), [
    ("mse", "values", "values"), (LOSSES.Huber(), "values", "values"), (LOSSES.poisson, "values", "values"),
    (LOSSES.BinaryCrossentropy(from_logits=True), "logit", "logit"), ("hinge", "logit", "logit"),
    ("sparse_categorical_crossentropy", "values", "linear"),
    (LOSSES.CategoricalCrossentropy(from_logits=True), "values", "linear"), (None, "values", "linear"),
    (lambda true, guess: guess, "values", "linear"),
])
def test_the_loss_tells_what_linear_values_stand_for(loss, one, several):
    assert [kind(LAYERS.Dense(1), loss), kind(LAYERS.Dense(3), loss)] == [one, several]


def test_what_nothing_tells_is_assumed_and_said():
    one, = heads_of(model_of(LAYERS.Dense(1, name="score")))
    assert "'score'" in one.assumed
    assert "logit" in one.assumed
    assert "values" in heads_of(model_of(LAYERS.Dense(3)))[0].assumed
    assert heads_of(model_of(LAYERS.Dense(1)), "mse")[0].assumed is None


def test_values_that_a_loss_takes_for_probabilities_decide_at_a_half():
    assert heads_of(model_of(LAYERS.Dense(1)), "binary_crossentropy")[0].threshold == 0.5
    assert heads_of(model_of(LAYERS.Dense(1)), "squared_hinge")[0].threshold == 0
    assert heads_of(model_of(LAYERS.Dense(1, activation="sigmoid")), "binary_crossentropy")[0].threshold == 0


def test_sigmoids_that_compete_are_one_class_of_several():
    assert kind(LAYERS.Dense(3, activation="sigmoid"), "categorical_crossentropy") == "linear"
    assert kind(LAYERS.Dense(3, activation="sigmoid"), "binary_crossentropy") == "sigmoid"


def test_the_loss_of_compile_counts_unless_another_is_given():
    model = model_of(LAYERS.Dense(1))
    model.compile(loss=LOSSES.BinaryCrossentropy(from_logits=True))
    assert heads_of(model)[0].kind == "logit"
    assert heads_of(model, "mae")[0].kind == "values"


def test_nested_and_wrapped_layers_are_seen_and_layers_that_change_nothing_are_passed():
    inner = model_of(LAYERS.Dense(3), LAYERS.Softmax())
    assert kind(inner) == "softmax"
    functional = keras.Model(inner.inputs, LAYERS.Dropout(0.5)(inner(inner.inputs[0])))
    assert heads_of(functional)[0].kind == "softmax"
    places = keras.Sequential([keras.Input((5, 4)), LAYERS.TimeDistributed(LAYERS.Dense(3, activation="softmax")),
                               LAYERS.Identity()])
    assert heads_of(places)[0].kind == "softmax"


def two_outputs(as_dict=False):
    i = keras.Input((4,), name="picture")
    digit, size = LAYERS.Dense(3, activation="softmax", name="digit")(i), LAYERS.Dense(1, name="size")(i)
    return keras.Model(i, {"z": digit, "a": size} if as_dict else [digit, size])


@pytest.mark.parametrize("loss", [["sparse_categorical_crossentropy", "mse"],
                                  {"size": "mse", "digit": "sparse_categorical_crossentropy"}])
def test_each_output_has_a_head_of_its_own(loss):
    assert [(head.name, head.kind, head.assumed) for head in heads_of(two_outputs(), loss)] == [
        ("digit", "softmax", None), ("size", "values", None)]


def test_names_are_those_that_keras_takes():
    model = two_outputs(as_dict=True)
    assert input_names(model) == ["picture"]
    assert output_names(model) == ["a", "z"]
    assert [head.kind for head in heads_of(model, {"a": "mse", "z": "mse"})] == ["values", "softmax"]
    given = model.predict(np.ones((1, 4)), verbose=0)
    assert {name: values.shape for name, values in given.items()} == {"a": (1, 1), "z": (1, 3)}
    same = keras.Model(model.inputs, [model.outputs[0]] * 2)
    assert output_names(same) == ["size", "size_2"]


def test_how_many_classes_a_decision_chooses_from():
    assert heads_of(model_of(SoftmaxDecode(make_key(2, 4))))[0].classes == 2
    assert heads_of(model_of(LAYERS.Dense(3, activation="softmax")))[0].classes == 3
    assert heads_of(model_of(LAYERS.Dense(5, activation="sigmoid")))[0].classes == 2
    assert heads_of(model_of(LAYERS.Dense(5)), "mse")[0].classes is None


def test_losses_by_any_name():
    class Mine(LOSSES.MeanSquaredError):
        pass

    assert loss_name("mse") == loss_name(LOSSES.mean_squared_error) == loss_name(Mine()) == "mean_squared_error"
    assert loss_name(LOSSES.LogCosh()) == "log_cosh"
    assert loss_name("no_such_loss") is loss_name(None) is loss_name(len) is None


def test_every_loss_named_here_is_one_of_keras():
    from whetstone_lab.training.heads import BINARY, CATEGORICAL, NUMERIC

    newer = {"categorical_generalized_cross_entropy"}
    for name in (CATEGORICAL | BINARY | NUMERIC) - newer:
        assert loss_name(name) == name


def test_a_model_that_cannot_be_followed_is_refused():
    class Own(keras.Model):
        pass

    with pytest.raises(TypeError, match="Own"):
        heads_of(Own())
    with pytest.raises(ValueError, match="not built"):
        heads_of(keras.Sequential())


def test_a_sequential_model_that_is_not_built_tells_its_head_by_its_last_layer():
    model = keras.Sequential([LAYERS.Dense(4), LAYERS.Dense(3, name="end"), LAYERS.Dropout(0.5, name="off")])
    head, = heads_of(model, "mse")
    assert (head.name, head.kind, head.shape, head.layer.name) == ("off", "values", (3,), "end")
    assert heads_of(keras.Sequential([LAYERS.Dense(1, activation="sigmoid")]))[0].kind == "sigmoid"
    assert heads_of(keras.Sequential([LAYERS.Softmax()]))[0].kind == "softmax"

"""Losses and metrics by default: what fits the head, and what Keras takes."""

import warnings

import keras
import numpy as np
import pytest
from backends import array
from keras import layers

from whetstone_lab.method.class_keys import make_key
from whetstone_lab.training.decode import SoftmaxDecode
from whetstone_lab.training.layers import SpikingBReLU
from whetstone_lab.training.objectives import fitting_loss, fitting_metrics

SPARSE, HOT = [0, 2, 1], [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
MSE, MAE = "mean_squared_error", "mean_absolute_error"


def model_of(*stack, shape=(4,)):
    return keras.Sequential([keras.Input(shape), *stack])


def ends():
    return {"key": model_of(layers.Dense(6), SpikingBReLU(), SoftmaxDecode(make_key(3, 6))),
            "softmax": model_of(layers.Dense(3, activation="softmax")),
            "linear": model_of(layers.Dense(3)), "one": model_of(layers.Dense(1)),
            "yes or no": model_of(layers.Dense(1, activation="sigmoid")),
            "several": model_of(layers.Dense(3, activation="sigmoid")),
            "spikes": model_of(layers.Dense(3), SpikingBReLU()),
            "spike": model_of(layers.Dense(1), SpikingBReLU()),
            "places": model_of(layers.Dense(3, activation="softmax"), shape=(5, 4)),
            "map": model_of(layers.Dense(3, activation="softmax"), shape=(2, 5, 4)),
            "scores on a map": model_of(layers.Dense(3), shape=(2, 5, 4))}


def said(thing):
    """A loss or a metric as a name, with what it takes values for."""
    if isinstance(thing, str):
        return thing
    logits = " of logits" if getattr(thing, "from_logits", False) else ""
    return thing.name + logits + (f" at {thing.threshold}" if hasattr(thing, "threshold") else "")


SCE, CCE, BCE = "sparse_categorical_crossentropy", "categorical_crossentropy", "binary_crossentropy"
CASES = [
    ("key", SPARSE, SCE, "accuracy"), ("key", HOT, CCE, "accuracy"), ("key", None, SCE, "accuracy"),
    ("softmax", SPARSE, SCE, "accuracy"), ("softmax", HOT, CCE, "accuracy"),
    ("softmax", [[0], [2], [1]], SCE, "accuracy"),
    ("linear", SPARSE, f"{SCE} of logits", "accuracy"), ("linear", HOT, f"{CCE} of logits", "accuracy"),
    ("linear", [[0.5, 2, 1]] * 3, MSE, MAE), ("linear", None, f"{SCE} of logits", "accuracy"),
    ("one", [0, 1, 1], f"{BCE} of logits", "accuracy at 0.0"), ("one", [[0], [3], [1]], MSE, MAE),
    ("one", [0.0, 1.0, 1.0], f"{BCE} of logits", "accuracy at 0.0"), ("one", None, MSE, MAE),
    ("one", [0.0, 0.0, 0.0], MSE, MAE), ("one", [-1, 1, 1], MSE, MAE),
    ("linear", [[1, 1, 0], [0, 0, 0], [0, 1, 0]], f"{BCE} of logits", "accuracy at 0.0"),
    ("yes or no", [0, 1, 1], BCE, "accuracy at 0.5"), ("yes or no", None, BCE, "accuracy at 0.5"),
    ("several", HOT, BCE, "accuracy at 0.5"),
    ("spikes", HOT, MSE, MAE), ("spike", [0, 1, 1], MSE, MAE),
    ("spikes", SPARSE, SCE, "accuracy"), ("spikes", None, SCE, "accuracy"),
    ("places", [[0, 1, 2, 0, 1]] * 3, SCE, "accuracy"),
    ("map", [[[0, 1, 2, 0, 1]] * 2] * 3, "segmentation_crossentropy", "accuracy"),
    ("map", [[HOT[:1] * 5] * 2] * 3, CCE, "accuracy"),
    ("scores on a map", [[[0, 1, 2, 0, 1]] * 2] * 3, "segmentation_crossentropy of logits", "accuracy"),
]


@pytest.mark.parametrize(("end", "y", "loss", "metric"), CASES)
def test_loss_and_metric_follow_the_head_and_the_targets(end, y, loss, metric):
    model = ends()[end]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # where the targets are unknown; see below
        found = fitting_loss(model, None if y is None else np.array(y))
    assert said(found) == loss
    assert [said(one) for one in fitting_metrics(model, found)] == [metric]
    if y is not None:
        guess = model(np.random.default_rng(0).normal(size=(3, *model.input_shape[1:])))
        true = np.array(y) if "sparse" in loss or "segmentation" in loss else np.array(y).reshape(guess.shape)
        assert np.isfinite(array(keras.losses.get(found)(true, guess))).all()


def test_one_linear_value_whose_targets_are_unknown_is_told_of():
    with pytest.warns(UserWarning, match="'size', one linear value, .*BinaryCrossentropy"):
        assert fitting_loss(two_heads(True), {"kind": np.array(SPARSE)}) == {"kind": SCE, "size": MSE}
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        fitting_loss(two_heads(True), {"kind": np.array(SPARSE), "size": np.ones(3)})
        for end in ("linear", "yes or no", "key", "spikes"):
            fitting_loss(ends()[end])


def test_a_batch_of_the_targets_says_what_it_can_and_no_more():
    assert said(fitting_loss(ends()["softmax"], np.array(HOT), whole=False)) == CCE
    assert said(fitting_loss(ends()["one"], np.array([0, 3, 1]), whole=False)) == MSE
    with pytest.warns(UserWarning, match="one linear value"):  # the next batch may hold other numbers
        assert said(fitting_loss(ends()["one"], np.array([0, 1, 1]), whole=False)) == MSE


@pytest.mark.parametrize(("end", "threshold"), [("linear", None), ("one", 0), ("several", 0.5)])
def test_accuracy_is_the_share_of_what_is_right(end, threshold):
    model, x = ends()[end], np.random.default_rng(1).normal(size=(4, 4))
    guess = array(model(x))
    y = guess.argmax(-1) if threshold is None else (guess > threshold).astype(int)
    y[0] = (y[0] + 1) % 3 if threshold is None else 1 - y[0]  # one of four is wrong
    loss = fitting_loss(model, y)
    model.compile("sgd", loss, metrics=fitting_metrics(model, loss), run_eagerly=True)
    assert model.evaluate(x, y, verbose=0, return_dict=True)["accuracy"] == 0.75


@pytest.mark.parametrize(("end", "loss", "metrics"), [
    ("softmax", "mse", ["accuracy"]), ("one", "hinge", []), ("one", BCE, ["accuracy at 0.5"]),
    ("one", "huber", [MAE]), ("one", lambda true, guess: guess, ["accuracy"]), ("linear", "mse", [MAE]),
    ("linear", keras.losses.SparseCategoricalCrossentropy(from_logits=True), ["accuracy"]),
])
def test_metrics_follow_a_loss_that_is_named(end, loss, metrics):
    assert [said(metric) for metric in fitting_metrics(ends()[end], loss)] == metrics


def two_heads(as_dict):
    inputs = keras.Input((4,))
    kind = layers.Dense(3, activation="softmax", name="kind")(inputs)
    size = layers.Dense(1, name="size")(inputs)
    return keras.Model(inputs, {"size": size, "kind": kind} if as_dict else [kind, size])


@pytest.mark.parametrize("as_dict", [False, True])
def test_each_of_several_outputs_has_its_own(as_dict):
    model, x = two_heads(as_dict), np.ones((3, 4))
    targets = {"kind": np.array(SPARSE), "size": np.array([0.5, 2, 1])}
    for y in [targets] if as_dict else [[targets["kind"], targets["size"]], targets]:
        loss = fitting_loss(model, y)
        assert loss == ({"kind": SCE, "size": MSE} if as_dict else [SCE, MSE])
        metrics = fitting_metrics(model, loss)
        assert metrics == ({"kind": ["accuracy"], "size": [MAE]} if as_dict else [["accuracy"], [MAE]])
        model.compile("sgd", loss, metrics=metrics, run_eagerly=True)
        assert {"kind_accuracy", f"size_{MAE}"} <= set(model.evaluate(x, y, verbose=0, return_dict=True))
    assert fitting_metrics(two_heads(False), [SCE, None]) == [["accuracy"], None]
    assert fitting_metrics(two_heads(False), MSE) == [["accuracy"], [MAE]]


def test_where_layers_cannot_be_followed_it_is_as_for_classes():
    class Own(keras.Model):
        def call(self, x):
            return x

    assert (fitting_loss(Own(), [0, 1]), fitting_metrics(Own(), "mse")) == (SCE, ["accuracy"])

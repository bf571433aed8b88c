"""Every kind of head, and models with several inputs and outputs: decided as Keras decides, spike for spike.

Weights and inputs are multiples of 1/4, so that every sum is exact and ties are ties.
"""

import warnings

import keras
import numpy as np
import pytest
from keras import layers

from whetstone_lab.conversion.checking import check
from whetstone_lab.conversion.convert import convert
from whetstone_lab.conversion.folding import fold_batchnorm
from whetstone_lab.method.class_keys import make_key
from whetstone_lab.simulator import evaluate, predict, run
from whetstone_lab.simulator.operations import Neurons
from whetstone_lab.training.decode import SoftmaxDecode
from whetstone_lab.training.layers import SpikingBReLU

LOGITS = keras.losses.BinaryCrossentropy(from_logits=True)


def quarters(*shape, seed=0):
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(np.float32) / 4


def exact(model, seed=0):
    """The model with weights of which every sum is exact."""
    model.set_weights([quarters(*weights.shape, seed=seed + place) if weights.ndim else weights  # not the sharpness
                       for place, weights in enumerate(model.get_weights())])
    return model


def brelu(**options):
    return SpikingBReLU(sharpness=1.0, **options)


def binary(*end, loss=None):
    model = exact(keras.Sequential([keras.Input((6,)), layers.Dense(8), brelu(), *end]))
    if loss is not None:
        model.compile(loss=loss)
    return model


def functional(*after):
    """As ``binary``, with operations or layers after a Dense layer of three."""
    inputs = keras.Input((6,))
    values = layers.Dense(3)(brelu()(layers.Dense(8)(inputs)))
    for each in after:
        values = each(values)
    return exact(keras.Model(inputs, values))


def outputs_of(model, x):
    return keras.tree.map_structure(lambda tensor: np.asarray(keras.ops.convert_to_numpy(tensor)), model(x))


X = quarters(300, 6, seed=9)


@pytest.mark.parametrize(("end", "loss", "readout", "beyond"), [
    (layers.Dense(1), LOGITS, "logit", 0.0),
    (layers.Dense(1), "hinge", "logit", 0.0),
    (layers.Dense(1), "binary_crossentropy", "logit", 0.5),
    (layers.Dense(1, activation="sigmoid"), "binary_crossentropy", "sigmoid", 0.5),
    (layers.Dense(1, activation="sigmoid"), None, "sigmoid", 0.5),
    (layers.Dense(3, activation="sigmoid"), "binary_crossentropy", "sigmoid", 0.5),
    (layers.Dense(3), LOGITS, "logit", 0.0),
])
def test_yes_or_no_is_decided_and_scored_as_binary_accuracy_does(end, loss, readout, beyond):
    model = binary(type(end).from_config(end.get_config()), loss=loss)
    network = convert(model)
    found = outputs_of(model, X)
    want = (found > beyond).astype(int)
    assert 0.1 < want.mean() < 0.9
    assert network.readout == readout
    if beyond == 0 or loss == "binary_crossentropy":
        assert (found == beyond).any(), "a value right on the threshold is a no"
    record = run(network, X)
    got = record.classes if want.shape[1] > 1 else record.classes[:, None]
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(predict(network, X), record.classes)
    labels = np.random.default_rng(1).integers(0, 2, want.shape)
    metric = keras.metrics.BinaryAccuracy(threshold=beyond)
    metric.update_state(labels, found)
    assert evaluate(network, X, labels) == {"accuracy": pytest.approx(float(metric.result()), abs=1e-6)}
    assert record.votes.shape == (*record.classes.shape, 2)


@pytest.mark.parametrize("end", [layers.Activation("sigmoid"), layers.Dense(1, activation="sigmoid")])
def test_a_sigmoid_that_more_layers_follow_is_refused(end):
    with pytest.raises(ValueError, match="activation 'sigmoid', which no spiking neuron computes"):
        convert(binary(type(end).from_config(end.get_config()), brelu()))


@pytest.mark.parametrize("units", [1, 3])
def test_a_regression_has_values_and_no_classes(units):
    model = binary(layers.Dense(units), loss="mse")
    network = convert(model)
    record = run(network, X)
    found = outputs_of(model, X)
    assert (network.readout, record.classes.shape) == ("values", (0,))
    np.testing.assert_array_equal(record.votes, found)
    true = quarters(300, units, seed=4)
    scored = evaluate(network, X, true)
    assert scored == {"mean_absolute_error": pytest.approx(np.abs(found - true).mean()),
                      "mean_squared_error": pytest.approx(((found - true) ** 2).mean())}
    np.testing.assert_array_equal(run(network, X, labels=true).labels, true)
    with pytest.raises(ValueError, match="stand for no classes"):
        predict(network, X)


def test_one_linear_value_without_a_loss_is_taken_for_a_value_and_this_is_said():
    model = binary(layers.Dense(1, name="score"))
    with pytest.warns(UserWarning, match="'score' is read as a plain value.*readout=\"logit\""):
        assert convert(model).readout == "values"
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        network = convert(model, readout="logit")
        assert convert(model, readout={"score": "values"}).readout == "values"
        assert convert(binary(layers.Dense(3))).readout == "linear"
    np.testing.assert_array_equal(predict(network, X), outputs_of(model, X)[:, 0] > 0)


@pytest.mark.parametrize(("end", "readout", "words"), [
    (lambda: layers.Dense(3, activation="softmax"), "values", "ends in a softmax, which is read and not computed"),
    (lambda: layers.Dense(3, activation="sigmoid"), "values", "ends in a sigmoid"),
    (lambda: SoftmaxDecode(make_key(2, 8)), "linear", "ends in a class key"),
    (lambda: layers.Dense(3), "loudest", "readout among .*'loudest'"),
    (lambda: layers.Dense(3), {"other": "values"}, "got some of \\['other'\\]"),
])
def test_a_readout_that_does_not_suit_the_head_is_refused(end, readout, words):
    with pytest.raises(ValueError, match=words):
        convert(binary(end()), readout=readout)


def test_sigmoids_that_compete_are_read_as_keras_reads_them():
    model = binary(layers.Dense(3, activation="sigmoid"), loss="categorical_crossentropy")
    np.testing.assert_array_equal(predict(convert(model), X), outputs_of(model, X).argmax(-1))


def two_of_each(as_dict=False):
    left, right = keras.Input((6,), name="left"), keras.Input((4, 4, 1), name="right")
    pictured = layers.Flatten()(brelu(name="seen")(layers.Conv2D(2, 3)(right)))
    hidden = brelu(name="hidden")(layers.Dense(8)(layers.Concatenate()([left, pictured])))
    key = SoftmaxDecode(make_key(3, 6), name="kind")(brelu(name="spoken")(layers.Dense(6)(hidden)))
    sure, size = layers.Dense(1, name="sure")(hidden), layers.Dense(2, name="size")(pictured)
    ends = {"z": key, "a": sure, "size": size} if as_dict else [key, sure, size]
    model = exact(keras.Model([left, right], ends, name="both"))
    names = ["z", "a", "size"] if as_dict else ["kind", "sure", "size"]
    model.compile(loss=dict(zip(names, ["sparse_categorical_crossentropy", LOGITS, "mse"], strict=True)))
    return model, names


SHOWN = [X, quarters(300, 4, 4, 1, seed=5)]


@pytest.mark.parametrize("as_dict", [False, True])
def test_several_inputs_and_outputs(as_dict, tmp_path):
    model, (kind, sure, size) = two_of_each(as_dict)
    found = outputs_of(model, SHOWN)
    found = found if as_dict else dict(zip((kind, sure, size), found, strict=True))
    network = convert(model)
    assert network.inputs == {"left": (6,), "right": (4, 4, 1)}
    assert {name: head.kind for name, head in network.heads.items()} == {kind: "key", sure: "logit", size: "values"}
    labels = {kind: found[kind].argmax(-1), sure: (found[sure] > 0)[:, 0].astype(int), size: found[size] + 0.5}
    for shown in (SHOWN, dict(zip(("left", "right"), SHOWN, strict=True))):
        record = run(network, shown, labels=labels)
        assert list(record.inputs) == ["left", "right"]
        for name in (kind, sure):
            np.testing.assert_array_equal(record.classes[name], labels[name])
        np.testing.assert_array_equal(record.votes[size], found[size])
        assert record.meta["readout"] == {kind: "key", sure: "logit", size: "values"}
    for layer in ("seen", "hidden", "spoken"):
        spikes = keras.Model(model.inputs, model.get_layer(layer).output)(SHOWN)
        got = record.dense(layer)[:, network.steps[layer]]
        np.testing.assert_array_equal(got, keras.ops.convert_to_numpy(spikes))
    assert set(predict(network, SHOWN)) == {kind, sure}
    assert evaluate(network, SHOWN, labels) == {
        kind: {"accuracy": 1.0}, sure: {"accuracy": 1.0},
        size: {"mean_absolute_error": 0.5, "mean_squared_error": 0.25}}
    again = type(network).load(network.save(tmp_path / "both.npz"))
    np.testing.assert_array_equal(run(again, SHOWN).votes[kind], record.votes[kind])
    assert {name: head.kind for name, head in again.heads.items()} == record.meta["readout"]


def test_a_readout_for_all_of_several_outputs_is_refused():
    with pytest.raises(ValueError, match="readouts by name, as the model has the outputs"):
        convert(two_of_each()[0], readout="logit")


def test_two_outputs_of_one_layer_before_and_after_a_softmax():
    inputs = keras.Input((6,))
    logits = layers.Dense(3, name="logits")(inputs)
    model = exact(keras.Model(inputs, [logits, layers.Softmax(name="shares")(logits)]))
    model.compile(loss=["mse", "sparse_categorical_crossentropy"])
    network = convert(model)
    assert network.read == {"logits": "logits", "shares": "logits"}
    record = run(network, X)
    np.testing.assert_array_equal(record.votes["logits"], outputs_of(model, X)[0])
    np.testing.assert_array_equal(record.classes["shares"], outputs_of(model, X)[1].argmax(-1))


def test_what_an_output_reads_is_neither_folded_nor_moved():
    inputs = keras.Input((4, 4, 1))
    pooled = layers.MaxPooling2D(2, name="pooled")(inputs)
    fired = brelu(name="fired")(pooled)
    model = keras.Model(inputs, [pooled, fired])
    x = quarters(20, 4, 4, 1)
    record = run(convert(model, readout={"pooled": "values"}), x, labels=None)
    np.testing.assert_array_equal(record.votes["pooled"], outputs_of(model, x)[0])
    np.testing.assert_array_equal(record.dense("fired")[:, 0], outputs_of(model, x)[1])
    flat = keras.Input((6,))
    dense = layers.Dense(5, name="raw")(flat)
    normed = layers.Dense(3, name="end", activation="softmax")(layers.BatchNormalization(name="norm")(dense))
    both = keras.Model(flat, [dense, normed])
    both.get_layer("raw").set_weights([quarters(6, 5), quarters(5)])
    folded = convert(both, readout={"raw": "values"})
    np.testing.assert_array_equal(run(folded, X).votes["raw"], outputs_of(keras.Model(flat, dense), X))
    norm = layers.BatchNormalization(name="norm")(flat)
    both = keras.Model(flat, [norm, layers.Dense(3)(norm)])
    with pytest.raises(ValueError, match="is an output of the model too, 'norm'"):
        convert(both)


def test_folding_keeps_the_names_of_inputs_and_outputs():
    model, _ = two_of_each(as_dict=True)
    folded = fold_batchnorm(model)
    for name, values in outputs_of(folded, dict(zip(("left", "right"), SHOWN, strict=True))).items():
        np.testing.assert_array_equal(values, outputs_of(model, SHOWN)[name])


def test_biases_that_an_output_reads_stay():
    inputs = keras.Input((6,))
    raw = layers.Dense(4, name="raw")(inputs)
    network = convert(exact(keras.Model(inputs, [raw, brelu(name="fired")(raw)])), readout={"raw": "values"})
    absorbed = network.absorb_biases()
    np.testing.assert_array_equal(run(absorbed, X).votes["raw"], run(network, X).votes["raw"])
    assert [node.operation.threshold.ndim for node in absorbed.nodes if isinstance(node.operation, Neurons)] == [0]


SIGMOID = layers.Activation("sigmoid")


@pytest.mark.parametrize(("after", "readout"), [
    ((keras.ops.sigmoid,), "sigmoid"), ((keras.activations.sigmoid, layers.Flatten()), "sigmoid"),
    ((SIGMOID, layers.Reshape((3, 1)), layers.Dropout(0.5)), "sigmoid"),
    ((SIGMOID, layers.Reshape((3, 1)), layers.Permute((2, 1))), "sigmoid"),
    ((keras.ops.softmax,), "softmax"), ((layers.Softmax(), layers.Dropout(0.5), layers.Identity()), "softmax"),
])
def test_what_only_passes_values_on_may_stand_behind_the_end(after, readout):
    model = functional(*after)
    check(model)
    network, found = convert(model), outputs_of(model, X)
    assert network.readout == readout
    want = found > 0.5 if readout == "sigmoid" else found.argmax(-1)
    np.testing.assert_array_equal(predict(network, X), want[..., 0] if want.shape[-1:] == (1,) else want)


@pytest.mark.parametrize(("after", "words"), [
    ((keras.ops.sigmoid, layers.Dense(2)), "expected a sigmoid at the end of the model only"),
    ((keras.ops.softmax, layers.Dense(2)), "expected a softmax at the end of the model only"),
    ((SIGMOID, layers.Reshape((3, 1)), layers.Conv1D(1, 2)), "got activation 'sigmoid'"),
    ((SIGMOID, layers.GaussianNoise(0.1)), "got activation 'sigmoid'"),
    # The largest of all values is not that of each place.
    ((layers.Reshape((1, 3)), layers.Softmax(), layers.Flatten()), "expected a softmax at the end of the model only"),
    ((lambda values: keras.ops.softmax(values, axis=1),), "expected a softmax over the last axis; got axis 1"),
])
def test_what_computes_behind_an_end_is_refused(after, words):
    with pytest.raises(ValueError, match=words):
        convert(functional(*after))

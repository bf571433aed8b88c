"""``check`` finds before training all that ``convert`` would refuse after it, and nothing else."""

import re

import keras
import numpy as np
import pytest
from keras import layers
from spiking_models import MODELS

from whetstone_lab.conversion.checking import check, findings
from whetstone_lab.conversion.convert import convert
from whetstone_lab.method.class_keys import make_key
from whetstone_lab.training.decode import SoftmaxDecode
from whetstone_lab.training.layers import SpikingBReLU, spiking_layers


def sequence(*stack, shape=(6, 4)):
    return keras.Sequential([keras.Input(shape), *stack])


def head():
    return [layers.Flatten(), layers.Dense(4), SpikingBReLU(), layers.Dense(2, activation="softmax")]


def attention():
    inputs = keras.Input((6, 4))
    mixed = layers.MultiHeadAttention(2, 3, name="mixed")(inputs, inputs)
    return keras.Model(inputs, layers.Dense(2)(SpikingBReLU()(keras.ops.relu(layers.Flatten()(mixed)))))


def by_name():
    inputs = keras.Input((6, 4))
    mixed = layers.MultiHeadAttention(2, 3, name="mixed")(query=inputs / 255.0, value=inputs)
    return keras.Model(inputs, layers.Dense(2)(SpikingBReLU()(layers.Dense(3, activation="relu", name="low")(mixed))))


def nested():
    block = sequence(layers.Dense(3, activation="relu", name="low"), layers.LayerNormalization(name="norm"))
    block.name = "block"
    return sequence(block, layers.Reshape((9, 2)), layers.UpSampling1D(), layers.PReLU(name="bent"),
                    layers.Dense(2, activation="tanh", name="high"), *head())


@pytest.mark.parametrize(("make", "found"), [
    (lambda: sequence(layers.LSTM(3, name="memory"), *head()), {"memory": "a state from step to step.* Conv1D"}),
    (lambda: sequence(layers.Bidirectional(layers.GRU(2), name="both"), *head()), {"both": "type Bidirectional: "}),
    (lambda: sequence(layers.LSTM(3, activation=SpikingBReLU(), name="gates"), *head()), {"gates": "type LSTM: "}),
    (attention, {"mixed": "attention multiplies", "relu": r"operations \('relu.* never sharpens\. Put .*SpikingBReLU"}),
    (by_name, {"true_divide": r"; got 255\.0\. Use keras.layers.Rescaling", "mixed": "attention multiplies",
               "low": "'relu'"}),
    (nested, {"block/low": r"layers\[0\]\.layers\[0\] \('low', Dense\).*'relu'.* behind the layer\.",
              "block/norm": "Use BatchNormalization", "bent": "Put .*SpikingBReLU.* in its place",
              "high": "got activation 'tanh'"}),
    (lambda: sequence(layers.Activation("gelu", name="soft"), *head()), {"soft": "'gelu'.* in its place"}),
    (lambda: sequence(layers.Dense(3, activation="softmax", name="mid"), *head()), {"mid": "at the end .* only"}),
    (lambda: sequence(layers.Dense(4), SoftmaxDecode(make_key(2, 4), name="end")),
     {"end": "a class key to read spikes", "sequential": "at least one spiking layer"}),
    (lambda: sequence(layers.ReLU(name="relu"), layers.Dense(2)),
     {"relu": "such as SpikingBReLU; got a ReLU", "sequential": "at least one spiking layer"}),
    (lambda: sequence(SpikingBReLU(), layers.BatchNormalization(name="bn"), layers.Reshape((24,)), layers.ELU(name="e"),
                      layers.Dense(2)), {"bn": "cannot be folded .* behind a linear layer", "e": "never sharpens"}),
    (lambda: sequence(layers.Conv1D(3, 2, activation="relu", name="c"), SpikingBReLU(), shape=(None, 4)),
     {"sequential": r"a fixed shape; got \(None, 4\)", "c": "'relu'"}),
    (lambda: sequence(layers.TimeDistributed(layers.Conv1D(3, 2), name="td"), SpikingBReLU(), shape=(5, 6, 4)),
     {"td": "got a Conv1D"}),
])
def test_all_that_is_in_the_way_is_found_in_order_and_convert_says_the_same(make, found):
    model = make()
    with pytest.raises(ValueError, match=next(iter(found.values()))) as caught:
        check(model)
    assert [finding.layer.rstrip("_0123456789") for finding in caught.value.findings] == [*found]
    for finding, words in zip(caught.value.findings, found.values(), strict=True):
        assert re.search(words, str(finding))
        assert finding.place
        assert not finding.sharpens
    with pytest.raises(ValueError, match=r".") as refused:
        convert(model, require_sharp=False)
    assert refused.value.findings == tuple(finding for finding in caught.value.findings if "at least one spiking"
                                           not in finding.problem)


@pytest.mark.parametrize("name", ["residual", "same", "activations that are layers"])
def test_nothing_is_found_in_what_converts_whether_it_is_sharp_or_not(name):
    model = MODELS[name]()
    for layer in spiking_layers(model):
        layer.set_sharpness(0.25)
    before = [np.array(value) for value in model.get_weights()]
    check(model)
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


def test_of_a_model_that_is_not_built_the_layers_are_looked_at_and_it_stays_as_it_is():
    good = keras.Sequential([layers.Dense(3), layers.BatchNormalization(), SpikingBReLU(), layers.Dense(2)])
    bad = keras.Sequential([layers.Dense(3, activation="relu", name="low"), layers.TimeDistributed(layers.Conv1D(2, 2)),
                            keras.Sequential([SpikingBReLU(), layers.LSTM(2, name="memory")], name="block")])
    assert findings(good) == []
    assert [finding.layer for finding in findings(bad)][::2] == ["low", "block/memory"]
    assert not good.built
    assert not bad.built


class Block(layers.Layer):
    """Layers of a user's own, which cannot be followed."""

    def __init__(self, *parts, **kwargs):
        super().__init__(**kwargs)
        self.parts = list(parts)

    def call(self, x):
        for part in self.parts:
            x = part(x)
        return x


class Own(keras.Model):
    def __init__(self, *parts):
        super().__init__()
        self.parts = parts or [layers.Dense(3), SpikingBReLU()]

    def call(self, x):
        for part in self.parts:
            x = part(x)
        return x


@pytest.mark.parametrize(("make", "sharpens"), [
    (Own, True),
    (lambda: Own(layers.Dense(3), SpikingBReLU(), layers.Dense(2, activation="softmax")), True),
    (lambda: sequence(layers.SimpleRNN(2, activation=SpikingBReLU()), *head()), True),
    (lambda: sequence(Block(layers.Dense(3), layers.BatchNormalization(), SpikingBReLU()), *head()), True),
    (lambda: sequence(Block(layers.Dense(3, activation="relu"), SpikingBReLU()), *head()), False),
    (lambda: sequence(Block(layers.Dense(3), layers.ReLU(), SpikingBReLU()), *head()), False),
    (lambda: sequence(Block(layers.Dense(3)), *head()), False),
    (lambda: sequence(layers.SimpleRNN(2), *head()), False),
])
def test_what_becomes_spikes_in_keras_though_convert_cannot_follow_it_is_told_apart(make, sharpens):
    found, = findings(make())
    assert found.sharpens is sharpens


def test_a_model_that_cannot_be_followed_still_shows_what_never_sharpens_in_it():
    model = Own(layers.Dense(3, activation="relu", name="low"), SpikingBReLU(), Block(layers.LeakyReLU(name="bent")))
    whole, *inside = findings(model)
    assert whole.sharpens
    assert [(finding.layer, finding.sharpens) for finding in inside] == [("low", False), ("bent", False)]


def test_what_is_no_model_is_refused():
    with pytest.raises(TypeError, match="Expected a Keras model; got 'model'"):
        check("model")

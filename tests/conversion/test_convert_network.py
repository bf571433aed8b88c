"""What ``convert`` gives besides spikes: readout, names, order and copies of weights; and what it refuses."""

import keras
import numpy as np
import pytest
from backends import array
from exact_norms import exact_batch_norm
from keras import layers
from spiking_models import (
    KEY,
    brelu,
    build,
    prepare,
    settle,
    sigmoid,
)

from whetstone_lab import keys
from whetstone_lab.conversion.calls import layer_calls, unwrapped
from whetstone_lab.conversion.convert import convert
from whetstone_lab.simulator import Network, Node, operations, predict, run
from whetstone_lab.training.decode import SoftmaxDecode
from whetstone_lab.training.layers import SpikingBReLU, SpikingSigmoid, spiking_layers

# -- reading the output -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [1.0, None, 30.0])
@pytest.mark.parametrize("classes", [2, 7, 8, 9, 16, 17, *(
    pytest.param(classes, marks=pytest.mark.every_backend) for classes in (3, 10, 37))])
def test_classes_that_tie_are_decoded_as_keras_does(classes, temperature):
    """Equal scores have equal probabilities after Keras's softmax, so argmax takes the lowest class there too."""
    key = keys.make_key(classes, 3 * classes, overlap=classes % 2 == 0, seed=classes)
    model = build((3 * classes,), brelu(), SoftmaxDecode(key, temperature=temperature))
    x = np.random.default_rng(classes).integers(0, 2, (500, 3 * classes)).astype(np.float32)
    record = run(convert(model), x)
    best = record.votes.max(-1, keepdims=True)
    assert ((record.votes == best).sum(-1) > 1).sum() > 20
    np.testing.assert_array_equal(record.classes, array(model(x)).argmax(-1))
    np.testing.assert_array_equal(record.classes, model.predict(x, verbose=0).argmax(-1))


@pytest.mark.parametrize(("end", "readout"), [
    ([layers.Dense(5)], "linear"),
    ([layers.Dense(5, activation="softmax")], "softmax"),
    ([layers.Dense(5), layers.Activation("softmax")], "softmax"),
    ([layers.Dense(5), layers.Softmax()], "softmax"),
])
def test_an_analog_output_is_kept_and_named(end, readout):
    keras.utils.set_random_seed(0)
    model = build((8,), layers.Dense(20), brelu(), *[type(layer).from_config(layer.get_config()) for layer in end])
    x = np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32)
    network = convert(model)
    assert network.readout == readout
    record = run(network, x)
    logits = record.votes if readout == "linear" else np.exp(record.votes) / np.exp(record.votes).sum(-1, keepdims=True)
    np.testing.assert_allclose(logits, array(model(x)), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(predict(network, x), array(model(x)).argmax(-1))


def relu_baseline():
    return build((8, 8, 1), layers.Conv2D(4, 3, activation="relu"), layers.Dense(5), layers.ReLU(), layers.Flatten(),
                 layers.Dense(12), layers.Activation("relu"), layers.Dense(3, activation="softmax"))


def test_relus_are_kept_where_a_relu_baseline_is_asked_for():
    keras.utils.set_random_seed(0)
    model = relu_baseline()
    x = np.random.default_rng(0).normal(size=(50, 8, 8, 1)).astype(np.float32)
    network = convert(model, keep_relu=True)
    assert [type(node.operation).__name__ for node in network.nodes].count("ReLU") == 3
    assert network.layers == ()
    logits = run(network, x).votes
    shares = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(shares, model.predict(x, verbose=0), rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="got activation 'relu'"):
        convert(model)
    with pytest.raises(ValueError, match=r"expected a plain ReLU, as the baseline has it; got .*'max_value': 6"):
        convert(build((4,), layers.Dense(3), layers.ReLU(max_value=6)), keep_relu=True)


def test_output_spikes_without_a_key_stand_for_no_classes():
    network = convert(build((8,), layers.Dense(20), brelu()))
    assert network.readout == "spikes"
    assert network.key is None
    np.testing.assert_array_equal(convert(build((50,), brelu(), SoftmaxDecode(KEY))).key, KEY)


# -- shape of the network ---------------------------------------------------------------------------------------------


def test_names_come_from_the_model():
    network = convert(prepare("residual", "ties")[0])
    assert network.layers[0].startswith("stem/spiking_b_re_lu")
    assert network.meta == {"name": "residual"}
    assert network.latency == 4
    assert network.input_shape == (8, 8, 2)
    assert convert(prepare("activations that are layers", "ties")[0]).layers[0].endswith("/inner")


def test_a_name_that_is_taken_is_numbered():
    """The network's own input is called ``input``, and what a layer becomes may be called as another layer is."""
    model = build((8,), layers.Dense(12, name="input"), brelu(name="input_2"),
                  layers.Dense(5, activation=brelu(name="s"), name="d"))
    network = convert(model)
    assert [node.name for node in network.nodes] == ["input_2", "input_2_2", "d", "d/s"]
    x = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    np.testing.assert_array_equal(run(network, x).dense(1)[:, 1], array(model(x)).astype(bool))


def test_neurons_behind_max_pools_are_put_before_them():
    inputs = keras.Input((12, 12, 1))
    x = layers.Conv2D(4, 3, name="conv")(inputs)
    x = brelu(name="neurons")(layers.MaxPooling2D(2, name="pool_2")(layers.MaxPooling2D(2, name="pool_1")(x)))
    pooled = layers.MaxPooling2D(2, name="read_twice")(x)
    model = keras.Model(inputs, layers.Add(name="add")([brelu(name="one")(pooled), brelu(name="other")(pooled)]))
    network = convert(model)
    assert [node.name for node in network.nodes] == [
        "conv", "neurons", "pool_1", "pool_2", "read_twice", "one", "other", "add"]
    assert network.shapes["neurons"] == (10, 10, 4)
    baseline = build((12, 12, 1), layers.Conv2D(4, 3, name="conv"), layers.MaxPooling2D(name="pool"),
                     layers.ReLU(name="relu"), layers.GlobalMaxPooling2D(name="all"), layers.ReLU(name="again"))
    assert [node.name for node in convert(baseline, keep_relu=True).nodes] == ["conv", "relu", "again", "pool", "all"]


def test_a_pool_before_the_neurons_is_one_of_spikes_in_nir():
    pytest.importorskip("nir")
    from whetstone_lab.exchange.nir import from_nir, to_nir

    rng = np.random.default_rng(0)
    model = build((9, 9, 1), layers.Conv2D(4, 2), layers.MaxPooling2D(2), brelu(), layers.Flatten(), layers.Dense(50),
                  brelu(), SoftmaxDecode(KEY))
    model.set_weights([w if w.shape == () else rng.integers(-3, 4, w.shape) / 4 for w in model.get_weights()])
    x, network = rng.integers(0, 3, (20, 9, 9, 1)) / 2, convert(model)
    votes = run(network, x).votes
    assert len(np.unique(votes, axis=0)) > 3
    np.testing.assert_array_equal(run(from_nir(to_nir(network)), x).votes, votes)


def test_weights_are_copied():
    model = build((4,), layers.Dense(3), brelu())
    network = convert(model)
    before = network.nodes[0].operation.weights.copy()
    model.layers[0].kernel.assign(np.zeros((4, 3)))
    np.testing.assert_array_equal(network.nodes[0].operation.weights, before)


def test_a_converted_network_survives_a_file(tmp_path):
    model, x = prepare("residual", "random")
    network = convert(model)
    again = Network.load(network.save(tmp_path / "net.npz"))
    np.testing.assert_array_equal(run(again, x).neuron, run(network, x).neuron)
    assert again.summary() == network.summary()


def test_biases_moved_into_thresholds_change_no_spike():
    model, x = prepare("valid", "random")
    network = convert(model)
    moved = network.absorb_biases()
    assert all(getattr(node.operation, "bias", None) is None for node in moved.nodes)
    np.testing.assert_array_equal(run(moved, x).neuron, run(network, x).neuron)


def test_a_loaded_model_converts_to_the_same_network(tmp_path):
    model, x = prepare("same", "random")
    model.save(tmp_path / "model.keras")
    again = convert(keras.models.load_model(tmp_path / "model.keras"))
    np.testing.assert_array_equal(run(again, x).neuron, run(convert(model), x).neuron)


def test_subclasses_that_compute_the_same_are_known():
    class Named(layers.Dense):
        pass

    assert isinstance(convert(build((4,), Named(3), brelu())).nodes[0].operation, operations.Dense)
    assert isinstance(convert(build((4,), Named(3), brelu())).nodes[0], Node)


def test_layers_that_treat_each_place_by_itself_may_be_applied_to_every_step():
    """Each spike equals Keras's. Batch norm goes over the wrapper's border into the weights, and into thresholds."""
    every, (steps, inputs) = layers.TimeDistributed, (4, 9)
    model = build((steps, inputs), every(layers.Dense(12)), every(layers.BatchNormalization(epsilon=2**-3)),
                  every(brelu(name="low"), name="each"),
                  every(build((12,), layers.Dense(10), layers.Dropout(0.5), sigmoid(name="mid"),
                              layers.BatchNormalization(epsilon=2**-10), layers.Dense(8), name="block"), name="blocks"),
                  every(layers.Activation(brelu(name="high"), name="act"), name="top"), layers.Flatten(),
                  layers.Dense(50), brelu(name="end"), SoftmaxDecode(KEY))
    rng = np.random.default_rng(0)
    for call in layer_calls(model):
        layer = unwrapped(call.layer)
        if isinstance(layer, layers.BatchNormalization):
            settle(layer, "ties", rng)
        elif layer.trainable_variables:
            layer.set_weights([rng.integers(-3, 4, value.shape) / 4 for value in layer.get_weights()])
    x = rng.integers(-2, 3, (100, steps, inputs)).astype(np.float32) / 2
    network = convert(model)
    assert network.layers == ("each/low", "blocks/mid", "top/act/high", "end")
    record = run(network, x)
    with exact_batch_norm():
        for index, layer in enumerate(("each", None, "top", "end")):
            if layer is not None:
                want = array(keras.Model(model.inputs, model.get_layer(layer).output)(x)).astype(bool)
                np.testing.assert_array_equal(record.dense(index)[:, index].reshape(want.shape), want)
                assert 0.05 < want.mean() < 0.95
        np.testing.assert_array_equal(record.classes, array(model(x)).argmax(-1))
    with pytest.raises(ValueError, match=r"\('frames', TimeDistributed\): expected TimeDistributed around .*, Dense, .*"
                                         r"; got a Conv1D\. Apply the layer to all steps at once"):
        convert(build((3, 5, 2), every(layers.Conv1D(2, 2), name="frames"), brelu()))
    with pytest.raises(ValueError, match=r"layers\[0\]\.layers\[0\] \('flat', Flatten\): .*; got a Flatten"):
        convert(build((3, 5, 2), every(build((5, 2), layers.Flatten(name="flat"), layers.Dense(2))), brelu()))


# -- refusals ---------------------------------------------------------------------------------------------------------


def test_layers_that_are_not_sharp_are_named_with_how_sharp():
    model = build((4,), layers.Dense(3), SpikingBReLU(0.25, name="low"), layers.Dense(3), brelu(),
                  layers.Dense(3, activation=SpikingSigmoid(0.999), name="d"))
    with pytest.raises(ValueError, match=r"layers\[1\] \('low', SpikingBReLU\) at 0\.25; layers\[4\] \('d', Dense\) at "
                                         r"0\.999\. Sharpen on, or pass require_sharp=False"):
        convert(model)
    network = convert(model, require_sharp=False)
    for layer in spiking_layers(model):
        layer.set_sharpness(1.0)
    x = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    np.testing.assert_array_equal(run(network, x).neuron, run(convert(model), x).neuron)


class Doubled(layers.Dense):
    def call(self, inputs, training=None):
        return 2 * super().call(inputs)


def on_tensors(operation):
    inputs = keras.Input((4,))
    return lambda: keras.Model(inputs, brelu()(operation(layers.Dense(3)(inputs))))


def poisoned():
    model = build((4,), layers.Dense(3, name="d"), brelu())
    model.layers[0].kernel.assign(np.full((4, 3), np.nan))
    return model


@pytest.mark.parametrize(("make", "words"), [
    (lambda: build((4, 3), layers.LSTM(3, name="memory"), brelu()),
     r"layers\[0\] \('memory', LSTM\): convert does not know layers of type LSTM: it carries a state .*\. Take all "),
    (lambda: build((4,), layers.RepeatVector(3, name="again"), brelu()),
     r"layers\[0\] \('again', RepeatVector\): convert does not know layers of type RepeatVector\. It knows .*Dense.*"
     "SoftmaxDecode, "),
    (lambda: build((4,), build((4,), layers.Dense(4), layers.UnitNormalization(name="odd"), name="block"), brelu()),
     r"layers\[0\]\.layers\[1\] \('odd', UnitNormalization\)"),
    (lambda: build((4,), Doubled(3), brelu()), "does not know layers of type Doubled"),
    (on_tensors(keras.ops.relu), r"operations \('relu\w*', Relu\): convert does not know layers of type Relu"),
    (on_tensors(lambda x: x + 1.0), r"\('add\w*', Add\): expected .* on tensors .*; got 1\.0\. Use .*Rescaling"),
    (on_tensors(lambda x: keras.ops.concatenate([x, x], axis=0)), r"Concatenate\): .* got axis 0, the batch"),
    (on_tensors(lambda x: layers.BatchNormalization(name="bn")(x, training=True)), "'bn'.* folded.*got training=True"),
    (lambda: build((4,), layers.Dense(3, activation="relu", name="d"), layers.Dense(3), brelu()),
     r"layers\[0\] \('d', Dense\): expected no activation, and a spiking layer .* got activation 'relu'"),
    (lambda: build((4,), layers.Dense(3), layers.Activation("tanh")), "got activation 'tanh'"),
    (lambda: build((4,), layers.Dense(3), layers.ReLU()),
     r"expected a spiking layer such as SpikingBReLU; got a ReLU, .* pass keep_relu=True"),
    (lambda: build((4,), layers.Dense(3, activation="softmax", name="d"), layers.Dense(3), brelu()),
     r"\('d', Dense\): expected a softmax at the end of the model only"),
    (lambda: build((50,), brelu(), SoftmaxDecode(KEY), layers.Dense(3)), "a softmax at the end of the model only"),
    (lambda: build((50,), layers.Dense(50), SoftmaxDecode(KEY)), "class key to read spikes; the output, node 'dense"),
    (lambda: build((4, 4, 3), layers.Dense(3), layers.Softmax(axis=1)), "softmax over the last axis; got axis 1"),
    (lambda: build((6, 6, 2), layers.UpSampling2D(2, interpolation="bilinear", name="up"), brelu()),
     r"\('up', UpSampling2D\): expected interpolation 'nearest'; got 'bilinear'"),
    (lambda: build((None, None, 2), layers.Conv2D(4, 3), brelu()), r"fixed shape; got \(None, None, 2\)"),
    (lambda: keras.Sequential([layers.Dense(3), brelu()]), "not built"),
    (poisoned, r"layers\[0\] \('d', Dense\): Expected weights to be finite; 12 of 12"),
    (lambda: build((4,), brelu(), layers.BatchNormalization(name="bn"), layers.Reshape((2, 2)), brelu()),
     r"The batch norm at .*'bn'.* Reshape\), after it, is no spiking layer"),
    (lambda: build((4,), layers.Dropout(0.5)), "at least one node"),
])
def test_what_cannot_be_converted_is_refused_with_its_place(make, words):
    with pytest.raises(ValueError, match=words):
        convert(make())


def test_what_is_no_model_is_refused():
    with pytest.raises(TypeError, match="expected a Sequential or functional Keras model"):
        convert(layers.Dense(3))

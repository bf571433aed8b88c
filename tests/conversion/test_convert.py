"""``convert``: the network's spikes against the Keras model's activations at full sharpness, neuron for neuron.

Two kinds of weights. ``ties``: multiples of 1/4, so that every sum is exact in float32 and many lie right on a
threshold; nothing may differ, ever. ``random``: sums are rounded, and two libraries may round differently; a neuron may
then differ only where its potential lies within the bound of float32 summation around its threshold. That bound is
checked for both libraries, and no neuron of these seeded models differs.
"""

import keras
import numpy as np
import pytest
from backends import BACKEND, NEEDS_DOUBLES, array
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers
from rounding import true_potentials

from whetstone_lab import keys
from whetstone_lab.conversion.convert import convert
from whetstone_lab.conversion.folding import fold_batchnorm
from whetstone_lab.simulator import Network, Node, operations, predict, run
from whetstone_lab.training.decode import SoftmaxDecode
from whetstone_lab.training.layers import SpikingBReLU, SpikingSigmoid, recorded_inputs, spiking_layers

KEY = keys.make_key(10, 50)


def brelu(**options):
    return SpikingBReLU(1.0, **options)


def sigmoid(**options):
    return SpikingSigmoid(1.0, **options)


def build(shape, *stack, **options):
    return keras.Sequential([keras.Input(shape), *stack], **options)


def residual():
    """Two blocks, an identity skip and a projection skip, a model within the model, spikes joined at the end."""
    inputs = keras.Input((8, 8, 2))
    x = build((8, 8, 2), layers.Conv2D(6, 3, padding="same"), brelu(), name="stem")(inputs)
    y = layers.Conv2D(6, 3, padding="same")(x)
    x = brelu()(layers.Add()([y, x]))
    y = layers.Conv2D(8, 3, strides=2, padding="same")(x)
    z = layers.Conv2D(8, 1, strides=2)(x)
    y = brelu()(layers.add([y, z]))
    pooled = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(layers.Concatenate()([y, pooled]))
    return keras.Model(inputs, SoftmaxDecode(KEY)(sigmoid()(layers.Dense(50)(x))), name="residual")


def shared():
    """One layer of weights, called twice."""
    inputs = keras.Input((20,))
    dense = layers.Dense(20)
    x = brelu()(dense(inputs))
    return keras.Model(inputs, SoftmaxDecode(KEY)(brelu()(layers.Dense(50)(sigmoid()(dense(x))))))


def operators():
    """A residual sum and a join written as operations on tensors."""
    inputs = keras.Input((5, 20))
    x = brelu()(layers.Dense(20)(inputs))
    y = sigmoid()(layers.Dense(20)(x) + x)
    z = layers.Flatten()(keras.ops.concatenate([y, x], axis=1))
    return keras.Model(inputs, SoftmaxDecode(KEY)(brelu()(layers.Dense(50)(z))))


def twice():
    """A model called twice within another, and spikes joined along every axis."""
    inputs = keras.Input((6, 6, 2))
    block = build((6, 6, 2), layers.Conv2D(2, 3, padding="same"), brelu(), name="block")
    x = block(block(inputs))
    x = layers.Concatenate(axis=1)([x, inputs])
    x = layers.Concatenate(axis=2)([x, x])
    x = sigmoid()(layers.Conv2D(3, 2, strides=3)(layers.Concatenate()([x, x])))
    return keras.Model(inputs, SoftmaxDecode(KEY)(brelu()(layers.Dense(50)(layers.Flatten()(x)))))


MODELS = {
    "mlp": lambda: build((64,), layers.Dense(128), brelu(), layers.Dropout(0.5), layers.Dense(64), sigmoid(),
                         layers.Dense(50, use_bias=False), brelu(), SoftmaxDecode(KEY)),
    "valid": lambda: build((12, 10, 1), layers.Conv2D(8, 5), brelu(), layers.MaxPooling2D(2), layers.Conv2D(6, (2, 1)),
                           sigmoid(), layers.Flatten(), layers.Dense(50), brelu(), SoftmaxDecode(KEY)),
    "same": lambda: build((9, 11, 3), layers.Conv2D(8, 3, padding="same"), brelu(),
                          layers.MaxPooling2D(3, padding="same"), layers.Conv2D(6, 4, padding="same"), brelu(),
                          layers.Flatten(), layers.Dense(50), brelu(), SoftmaxDecode(KEY)),
    "strides": lambda: build((13, 12, 2), layers.Conv2D(8, 3, strides=2), brelu(),
                             layers.Conv2D(6, (3, 2), strides=(2, 3), padding="same"), brelu(), layers.Flatten(),
                             layers.Dense(50), sigmoid(), SoftmaxDecode(KEY)),
    "dilation": lambda: build((12, 12, 2), layers.Conv2D(8, 3, dilation_rate=2), brelu(),
                              layers.Conv2D(6, 3, dilation_rate=(1, 2), padding="same"), brelu(), layers.Flatten(),
                              layers.Dense(50), brelu(), SoftmaxDecode(KEY)),
    "average": lambda: build((10, 8, 1), layers.Conv2D(8, 3, padding="same"), brelu(), layers.AveragePooling2D(2),
                             layers.Conv2D(6, 3, padding="same"), layers.AveragePooling2D((2, 1), strides=1), brelu(),
                             layers.GlobalAveragePooling2D(keepdims=True), layers.Reshape((6,)),
                             layers.Dense(50), brelu(), SoftmaxDecode(KEY)),
    "pool before the neurons": lambda: build((12, 12, 1), layers.Rescaling(0.5, -1.0), layers.Conv2D(8, 3),
                                             layers.MaxPooling2D(2), brelu(), layers.Flatten(), layers.Dense(50),
                                             layers.Activation("linear"), brelu(), SoftmaxDecode(KEY)),
    "activations that are layers": lambda: build((20,), layers.Dense(30, activation=brelu(name="inner")),
                                                 layers.Reshape((5, 6)), layers.Dense(10), sigmoid(), layers.Flatten(),
                                                 layers.Dense(50), brelu(), SoftmaxDecode(KEY)),
    "residual": residual,
    "shared": shared,
    "groups": lambda: build((9, 8, 4), layers.Conv2D(8, (3, 2), groups=2, strides=2, padding="same"), brelu(),
                            layers.Conv2D(8, 2, groups=4, dilation_rate=2), sigmoid(), layers.Flatten(),
                            layers.Dense(50), brelu(), SoftmaxDecode(KEY)),
    "depthwise and separable": lambda: build(
        (10, 9, 3), layers.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2), brelu(),
        layers.SeparableConv2D(8, 3, padding="same", dilation_rate=(1, 2), depth_multiplier=2), sigmoid(),
        layers.DepthwiseConv2D(2, use_bias=False), brelu(), layers.SeparableConv2D(6, 2, strides=2), brelu(),
        layers.Flatten(), layers.Dense(50), brelu(), SoftmaxDecode(KEY)),
    "transposed": lambda: build(
        (3, 4, 2), layers.Conv2DTranspose(6, 3, strides=2, padding="same"), brelu(),
        layers.Conv2DTranspose(6, 2, strides=3), sigmoid(),
        layers.Conv2DTranspose(4, (4, 3), strides=(2, 1), padding="same", output_padding=(1, 0)), brelu(),
        layers.Conv2DTranspose(2, (5, 2)), brelu(), layers.AveragePooling2D(4), layers.Flatten(), layers.Dense(50),
        brelu(), SoftmaxDecode(KEY)),
    "one axis": lambda: build(
        (20, 3), layers.ZeroPadding1D((2, 1)), layers.Conv1D(8, 3, padding="causal", dilation_rate=2), brelu(),
        layers.MaxPooling1D(2), layers.SeparableConv1D(8, 3, padding="same"), sigmoid(), layers.Cropping1D((1, 0)),
        layers.DepthwiseConv1D(2, strides=2), brelu(), layers.AveragePooling1D(2, padding="same", strides=1),
        layers.UpSampling1D(2), layers.Conv1DTranspose(6, 3, strides=2, padding="same"), brelu(),
        layers.Conv1D(12, 3, strides=2, groups=2), brelu(), layers.Flatten(), layers.Dense(50), brelu(),
        SoftmaxDecode(KEY)),
    "one axis, pooled": lambda: build((16, 3), layers.Conv1D(20, 5, padding="same"), layers.GlobalMaxPooling1D(),
                                      sigmoid(), layers.Reshape((4, 5)), layers.Conv1D(20, 3, padding="same"),
                                      layers.GlobalAveragePooling1D(keepdims=True), brelu(), layers.Flatten(),
                                      layers.Dense(50), brelu(), SoftmaxDecode(KEY)),
    "dilated and transposed": lambda: build(
        (4, 5, 3), layers.Conv2DTranspose(6, 3, dilation_rate=2), brelu(),
        layers.Conv2DTranspose(4, (2, 3), dilation_rate=(3, 2), padding="same"), sigmoid(),
        layers.MaxPooling2D(3), layers.Flatten(), layers.Dense(50), brelu(), SoftmaxDecode(KEY)),
    "batch norm after": lambda: build(
        (8, 7, 2), layers.Conv2D(8, 3, padding="same", use_bias=False), layers.BatchNormalization(epsilon=2**-3),
        brelu(), layers.DepthwiseConv2D(2), layers.Dropout(0.5), layers.BatchNormalization(epsilon=2**-10), sigmoid(),
        layers.AveragePooling2D(2), layers.Flatten(), layers.Dense(50), layers.BatchNormalization(epsilon=2**-16),
        brelu(),
        SoftmaxDecode(KEY)),
    "batch norm before": lambda: build(
        (8, 7, 2), layers.BatchNormalization(epsilon=2**-3), layers.Conv2D(8, 3), brelu(), layers.MaxPooling2D(2),
        layers.BatchNormalization(epsilon=2**-10), layers.Conv2D(6, 2, use_bias=False), sigmoid(),
        layers.BatchNormalization(epsilon=2**-16), layers.Flatten(), layers.Dense(50), brelu(), SoftmaxDecode(KEY)),
    "train-only": lambda: build(
        (8, 8, 3), layers.RandomFlip(), layers.GaussianNoise(0.5), layers.Conv2D(6, 3), layers.SpatialDropout2D(0.5),
        brelu(), layers.GaussianDropout(0.5), layers.Identity(), layers.Flatten(), layers.AlphaDropout(0.5),
        layers.Dense(50), layers.ActivityRegularization(), brelu(), SoftmaxDecode(KEY)),
    "operators": operators,
    "twice": twice,
    "shapes": lambda: build((5, 6, 3), layers.Permute((2, 3, 1)), layers.ZeroPadding2D(((1, 0), (2, 3))),
                            layers.Conv2D(6, 3), brelu(), layers.UpSampling2D((2, 1)),
                            layers.Cropping2D(((1, 2), (0, 1))), layers.Conv2D(6, 3, padding="same"), sigmoid(),
                            layers.ZeroPadding2D(1), layers.MaxPooling2D(2), layers.Flatten(), layers.Dense(50),
                            brelu(), SoftmaxDecode(KEY)),
    "channels first": lambda: build(
        (3, 9, 8), layers.ZeroPadding2D(((1, 0), (0, 2)), data_format="channels_first"),
        layers.Conv2D(6, 3, padding="same", strides=2, data_format="channels_first"), brelu(),
        layers.MaxPooling2D(2, strides=1, data_format="channels_first"),
        layers.Conv2D(6, 2, data_format="channels_first"), brelu(),
        layers.UpSampling2D(2, data_format="channels_first"),
        layers.Conv2DTranspose(5, 2, data_format="channels_first"), sigmoid(),
        layers.AveragePooling2D(2, data_format="channels_first"), layers.Flatten(data_format="channels_first"),
        layers.Dense(50), brelu(), SoftmaxDecode(KEY)),
    "channels first, depthwise, groups, pools": lambda: build(
        (4, 9, 8), layers.Cropping2D(((1, 0), (0, 1)), data_format="channels_first"),
        layers.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2, data_format="channels_first"), brelu(),
        layers.SeparableConv2D(6, 3, padding="same", data_format="channels_first"), sigmoid(),
        layers.Conv2D(20, 2, groups=2, dilation_rate=2, data_format="channels_first"), brelu(),
        layers.GlobalAveragePooling2D(keepdims=True, data_format="channels_first"), brelu(),
        layers.GlobalMaxPooling2D(data_format="channels_first"), layers.Dense(50), brelu(), SoftmaxDecode(KEY)),
    "channels first, one axis": lambda: build(
        (3, 12), layers.Conv1D(20, 3, data_format="channels_first"), brelu(),
        layers.MaxPooling1D(2, data_format="channels_first"), layers.Flatten(), layers.Dense(50), brelu(),
        SoftmaxDecode(KEY)),
}


def prepare(name, kind, seed=0):
    """A model with weights of a kind, and 100 samples that suit it."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    model = MODELS[name]()
    for layer in model._flatten_layers():
        if isinstance(layer, keras.Model) or not layer.trainable_variables:
            continue
        if isinstance(layer, layers.BatchNormalization):
            settle(layer, kind, rng)
            continue
        for variable in layer.trainable_variables:  # kernels before the bias
            shape = variable.shape
            if len(shape) > 1:
                places = shape[:-2] if "Depthwise" in type(layer).__name__ or "depth" in variable.name else shape[:-1]
                fan = np.prod(places)
            if kind == "ties":
                variable.assign(rng.integers(-3, 4, shape) / 4)
            else:
                variable.assign(rng.normal(0.02, 1.5 / np.sqrt(fan), shape))
    shape = (100, *model.input_shape[1:])
    gain = rng.integers(-2, 3, (100, *[1] * (len(shape) - 1)))  # so that samples differ in more than noise
    return model, (gain * (rng.integers(0, 3, shape) / 2 if kind == "ties" else rng.uniform(size=shape))).astype("f")


def settle(norm, kind, rng):
    """Statistics of a trained batch norm; for ``ties`` such that it scales by powers of two and nothing is rounded."""
    shape = norm.moving_mean.shape
    if kind == "ties":
        norm.set_weights([rng.choice([-1, 0.5, 1, 2], shape), *rng.integers(-2, 3, (2, *shape)) / 4,
                          4.0 ** rng.integers(-1, 2, shape) - norm.epsilon])
    else:
        norm.set_weights([rng.normal(1, 0.3, shape), *rng.normal(0, 0.3, (2, *shape)), rng.uniform(0.2, 2, shape)])


def spikes_of(model, x):
    """Pre-activations and activations of each spiking layer by name, and the model's output, from Keras."""
    found = spiking_layers(model)
    with recorded_inputs(found) as seen:
        outputs = array(model(x, training=False))  # Keras's layers that change images take None for True
    potentials = {layer.name + ("" if call == 0 else f"_call{call + 1}"): array(item)
                  for layer, items in zip(found, seen, strict=True) for call, item in enumerate(items)}
    by_name = {layer.name: layer for layer in found}
    return potentials, {name: array(by_name[name.partition("_call")[0]](value))
                        for name, value in potentials.items()}, outputs


def own_name(layer):
    """The Keras layer's own name, without the models around it."""
    return layer.rsplit("/", 1)[-1]


def as_keras_pools(network, layer, values, shape):
    """Values of a layer's neurons as its Keras layer sees them, which may stand behind max-pools."""
    values = values.reshape(len(values), *network.shapes[layer]).astype("f")
    while values.shape != shape:
        layer, operation = next((node.name, node.operation) for node in network.nodes if node.inputs == (layer,))
        values = operation.apply(values)
    return values


def neurons_of(network):
    return {node.name: node.operation for node in network.nodes if isinstance(node.operation, operations.Neurons)}


@pytest.mark.parametrize("kind", ["ties", "random"])
@pytest.mark.parametrize("name", MODELS)
def test_every_spike_and_every_class_equals_keras(name, kind):
    model, x = prepare(name, kind)
    potentials, activations, outputs = spikes_of(model, x)
    network = convert(model)
    record = run(network, x, membranes=True)
    assert len(network.layers) == len(activations)
    varied = on_threshold = 0
    for index, (layer, neurons) in enumerate(neurons_of(network).items()):
        potential, activation = potentials[own_name(layer)], activations[own_name(layer)]
        assert set(np.unique(activation)) <= {0.0, 1.0}
        step = network.steps[layer]
        differing = np.flatnonzero(as_keras_pools(network, layer, record.dense(layer)[:, step], activation.shape)
                                   != activation)
        assert differing.size == 0, f"{layer}: {differing[:5]} at potentials {potential.flat[differing[:5]]}"
        varied += 0.01 < activation.mean() < 0.99
        on_threshold += int((potential == neurons.threshold).sum())
        if kind == "ties":
            membrane = as_keras_pools(network, layer, record.membranes[index][:, step], potential.shape)
            np.testing.assert_array_equal(membrane, potential)
    assert varied == len(network.layers), "a layer that always or never fires proves nothing"
    assert kind == "random" or on_threshold > 50
    np.testing.assert_array_equal(record.classes, outputs.argmax(-1))
    np.testing.assert_array_equal(predict(network, x), outputs.argmax(-1))
    assert len(np.unique(record.votes, axis=0)) > 3


@pytest.mark.parametrize("name", MODELS)
def test_rounding_stays_within_its_bound_in_both_libraries(name):
    model, x = prepare(name, "random")
    model = fold_batchnorm(model)  # what folding rounds is another matter, below
    potentials, _, _ = spikes_of(model, x)
    network = convert(model)
    record = run(network, x, membranes=True)
    for layer, true, slack in true_potentials(network, record):
        index, step = network.layers.index(layer), network.steps[layer]
        ours = record.membranes[index][:, step].reshape(true.shape)
        assert (np.abs(ours - true) <= slack).all()
        potential = potentials[own_name(layer)]
        # A largest value is no farther off than that which is farthest.
        true, slack = (as_keras_pools(network, layer, values, potential.shape) for values in (true, slack))
        assert (np.abs(potential - true) <= slack).all()
        assert slack.max() < 1e-3  # a bound that says something


def test_neurons_put_within_rounding_of_their_threshold_differ_there_only():
    """The worst case, made on purpose: biases that bring a thousand neurons to within a few units of 0.5."""
    rng = np.random.default_rng(0)
    model = build((500,), layers.Dense(1000), brelu())
    x = rng.uniform(size=(1, 500)).astype(np.float32)
    kernel = rng.normal(size=(500, 1000)).astype(np.float32)
    model.layers[0].set_weights([kernel, 0.5 - x[0].astype(np.float64) @ kernel.astype(np.float64)])
    network = convert(model)
    record = run(network, x)
    (_, true, slack), = true_potentials(network, record)
    assert (np.abs(true - 0.5) <= slack).all()
    differs = record.dense(0)[:, 0] != array(model(x)).astype(bool)
    assert (np.abs(true - 0.5)[differs] <= slack[differs]).all()
    # Away from the threshold nothing differs: the same network, the biases moved by twice the bound.
    model.layers[0].bias.assign_add(2.1 * np.where(rng.random(1000) < 0.5, slack[0], -slack[0]))
    far = run(convert(model), x)
    np.testing.assert_array_equal(far.dense(0)[:, 0], array(model(x)).astype(bool))


def with_batch_norm(seed=0):
    keras.utils.set_random_seed(seed)
    model = build((10, 10, 2), layers.Conv2D(8, 3, padding="same", use_bias=False),
                  layers.BatchNormalization(epsilon=0.1), brelu(name="first"), layers.MaxPooling2D(2),
                  layers.BatchNormalization(), layers.Conv2D(8, 3), sigmoid(name="second"), layers.Flatten(),
                  layers.Dense(50), layers.Dropout(0.2), layers.BatchNormalization(), brelu(name="third"),
                  SoftmaxDecode(KEY))
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.2, 1.5, w.shape) for w in layer.get_weights()])
    return model, rng.uniform(-1, 1, size=(200, 10, 10, 2)).astype(np.float32)


def test_batch_norm_is_folded_and_spikes_equal_those_of_the_folded_model():
    model, x = with_batch_norm()
    network = convert(model)
    folded = fold_batchnorm(model)
    record = run(network, x)
    for source in (folded, model):  # the second rounds otherwise, but no neuron of this model is that near
        _, activations, outputs = spikes_of(source, x)
        for layer in network.layers:
            found = record.dense(layer)[:, network.steps[layer]]
            np.testing.assert_array_equal(found, activations[layer].astype(bool))
            assert 0.01 < found.mean() < 0.99
        np.testing.assert_array_equal(record.classes, outputs.argmax(-1))
    weights = {node.name: node.operation.arrays() for node in convert(folded).nodes}
    for node in network.nodes:
        for name, values in node.operation.arrays().items():
            np.testing.assert_array_equal(values, weights[node.name][name])
    assert not [node for node in network.nodes if "batch" in node.name]


def test_what_folding_rounds_is_within_its_bound():
    """The unfolded model multiplies after the sum, the network before: both near the truth, in float64."""
    model, x = with_batch_norm()
    conv, norm = model.layers[0], model.layers[1]
    potentials, _, _ = spikes_of(model, x)
    record = run(convert(model), x, membranes=["first"])
    kernel = array(conv.kernel).astype(np.float64)
    gamma, beta, mean, variance = (weight.astype(np.float64) for weight in norm.get_weights())
    scale = gamma / np.sqrt(variance + norm.epsilon)
    true = operations.Conv2D(kernel * scale, beta - mean * scale, padding="same").apply(x.astype(np.float64))
    size = operations.Conv2D(np.abs(kernel * scale), np.abs(beta) + np.abs(mean * scale),
                             padding="same").apply(np.abs(x).astype(np.float64))
    slack = (18 + 8) * 2.0**-24 * size  # 18 products, and a few roundings in the scale and the shift
    assert (np.abs(potentials["first"] - true) <= slack).all()
    assert (np.abs(record.membranes[0][:, 0].reshape(true.shape) - true) <= slack).all()


@NEEDS_DOUBLES
def test_a_double_precision_model_gives_a_double_precision_network():
    keras.utils.set_random_seed(0)
    model = build((20,), layers.Dense(40, dtype="float64"), brelu(dtype="float64"), layers.Dense(50, dtype="float64"),
                  brelu(dtype="float64"))
    network = convert(model)
    assert network.dtype == np.float64
    x = np.random.default_rng(0).normal(size=(50, 20))
    np.testing.assert_array_equal(run(network, x).dense(1)[:, 1], array(model(x)).astype(bool))


def test_half_precision_is_said_and_converted_in_float32():
    model = build((4,), layers.Dense(3, dtype="mixed_float16", name="half"), brelu(dtype="mixed_float16"))
    with pytest.warns(UserWarning, match=r"half precision.*layers\[0\] \('half', Dense\) in float16"):
        assert convert(model).dtype == np.float32


# -- reading the output -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [1.0, None, 30.0])
@pytest.mark.parametrize("classes", [2, 3, 7, 8, 9, 10, 16, 17, 37])
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


def relu_twin():
    return build((8, 8, 1), layers.Conv2D(4, 3, activation="relu"), layers.Dense(5), layers.ReLU(), layers.Flatten(),
                 layers.Dense(12), layers.Activation("relu"), layers.Dense(3, activation="softmax"))


def test_relus_are_kept_where_a_relu_twin_is_asked_for():
    keras.utils.set_random_seed(0)
    model = relu_twin()
    x = np.random.default_rng(0).normal(size=(50, 8, 8, 1)).astype(np.float32)
    network = convert(model, rectify=True)
    assert [type(node.operation).__name__ for node in network.nodes].count("ReLU") == 3
    assert network.layers == ()
    logits = run(network, x).votes
    shares = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(shares, model.predict(x, verbose=0), rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="got activation 'relu'"):
        convert(model)
    with pytest.raises(ValueError, match="does not know layers of type ReLU"):
        convert(build((4,), layers.Dense(3), layers.ReLU(max_value=6)), rectify=True)


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
    twin = build((12, 12, 1), layers.Conv2D(4, 3, name="conv"), layers.MaxPooling2D(name="pool"),
                 layers.ReLU(name="relu"), layers.GlobalMaxPooling2D(name="all"), layers.ReLU(name="again"))
    assert [node.name for node in convert(twin, rectify=True).nodes] == ["conv", "relu", "again", "pool", "all"]


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
     r"layers\[0\] \('memory', LSTM\): convert does not know layers of type LSTM\. It knows .*Dense.*SoftmaxDecode, "),
    (lambda: build((4,), build((4,), layers.Dense(4), layers.UnitNormalization(name="odd"), name="block"), brelu()),
     r"layers\[0\]\.layers\[1\] \('odd', UnitNormalization\)"),
    (lambda: build((4,), Doubled(3), brelu()), "does not know layers of type Doubled"),
    (on_tensors(keras.ops.relu), r"operations \('relu', Relu\): convert does not know layers of type Relu"),
    (on_tensors(lambda x: x + 1.0), r"The model calls 'add\w*' with something other than tensors of the model"),
    (on_tensors(lambda x: keras.ops.concatenate([x, x], axis=0)), r"Concatenate\): .* got axis 0, the batch"),
    (lambda: build((4,), layers.Dense(3, activation="relu", name="d"), layers.Dense(3), brelu()),
     r"layers\[0\] \('d', Dense\): expected no activation, and a spiking layer .* got activation 'relu'"),
    (lambda: build((4,), layers.Dense(3), layers.Activation("tanh")), "got activation 'tanh'"),
    (lambda: build((4,), layers.Dense(3), layers.ReLU()), "does not know layers of type ReLU"),
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
    (lambda: build((4,), brelu(), layers.BatchNormalization(name="bn"), brelu()), "The batch norm at .*'bn'"),
    (lambda: build((4,), layers.Dropout(0.5)), "at least one node"),
])
def test_what_cannot_be_converted_is_refused_with_its_place(make, words):
    with pytest.raises(ValueError, match=words):
        convert(make())


def test_what_is_no_model_is_refused():
    with pytest.raises(TypeError, match="expected a Sequential or functional Keras model"):
        convert(layers.Dense(3))


@settings(max_examples=5 if BACKEND == "jax" else 15, deadline=None)  # JAX compiles every operation of each anew
@given(data=st.data())
def test_any_small_convnet_with_ties_spikes_as_keras_does(data):
    pick = data.draw
    # Not one channel: there TensorFlow 2.21 with oneDNN is wrong by far where strides differ and one column comes out.
    shape = (pick(st.integers(4, 9)), pick(st.integers(4, 9)), pick(st.integers(2, 3)))
    padding = st.sampled_from(["same", "valid"])
    small = st.integers(1, 3)
    stack = [layers.Conv2D(pick(st.integers(1, 4)), (pick(small), pick(small)), strides=(pick(small), pick(small)),
                           padding=pick(padding))]
    kind = pick(st.sampled_from([layers.MaxPooling2D, layers.AveragePooling2D]))
    pool = kind(pick(st.sampled_from([1, 2])), strides=pick(small), padding="same")
    neurons = pick(st.sampled_from([brelu, sigmoid]))()
    stack += [neurons, pool] if pick(st.booleans()) else [pool, neurons]
    stack += [layers.Conv2D(3, pick(small), padding="same"), brelu()]
    model = build(shape, *stack)
    rng = np.random.default_rng(pick(st.integers(0, 2**32 - 1)))
    model.set_weights([w if w.shape == () else rng.integers(-3, 4, w.shape) / 4 for w in model.get_weights()])
    x = (rng.integers(0, 3, (8, *shape)) / 2).astype(np.float32)
    found = run(convert(model), x).dense(1)[:, 1]
    np.testing.assert_array_equal(found, array(model(x)).astype(bool))

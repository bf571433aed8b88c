"""Small sharp models of every kind of layer, weights and samples for them, and what Keras makes of these."""

from unittest import mock

import keras
import numpy as np
from backends import BACKEND, array, compiled
from keras import layers

from whetstone_lab import keys
from whetstone_lab.conversion.calls import layer_calls
from whetstone_lab.simulator import operations
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
    # What a kernel begins with is replaced below; drawn on JAX, it would be compiled for each shape.
    with mock.patch.object(keras.initializers.GlorotUniform, "__call__",
                           lambda _, shape, dtype=None: np.zeros(shape, dtype)):
        model = MODELS[name]()
    for layer in {id(call.layer): call.layer for call in layer_calls(model)}.values():
        if not getattr(layer, "trainable_variables", ()):
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

    def forward(x):
        with recorded_inputs(found) as seen:
            outputs = model(x, training=False)  # Keras's layers that change images take None for True
        return [(item, layer(item)) for layer, items in zip(found, seen, strict=True) for item in items], [
            len(items) for items in seen], outputs

    # Else JAX would compile each operation by itself, for the shapes of each model.
    pairs, calls, outputs = compiled(forward, jit_compile=True)(x) if BACKEND == "jax" else forward(x)
    names = [layer.name + ("" if call == 0 else f"_call{call + 1}")
             for layer, count in zip(found, calls, strict=True) for call in range(int(count))]
    return {name: array(item) for name, (item, _) in zip(names, pairs, strict=True)}, {
        name: array(item) for name, (_, item) in zip(names, pairs, strict=True)}, array(outputs)


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

"""Small ReLU networks of every structure that can be turned, with calibration inputs."""

import keras
import numpy as np
from keras import layers, ops

from whetstone_lab.training.layers import SpikingLayer, all_layers


def stack(shape, *parts, **options):
    return keras.Sequential([keras.Input(shape), *parts], **options)


def plain():
    return stack((8, 8, 2), layers.Conv2D(6, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten(),
                 layers.BatchNormalization(), layers.Dense(7, use_bias=False), layers.BatchNormalization(scale=False),
                 layers.ReLU(6.0, name="six"), layers.Dropout(0.5), layers.Dense(3, activation="softmax"), name="plain")


def convolutions():
    """Grouped, depthwise and separable; ReLU6 as a name, an operation and a layer within a layer; a padded image."""
    inputs = keras.Input((6, 6, 4))
    x = layers.Conv2D(8, 3, padding="same", groups=2, activation="relu")(inputs)
    x = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, activation="relu6")(x)
    x = ops.relu6(layers.SeparableConv2D(5, 3, padding="same", depth_multiplier=2)(layers.ZeroPadding2D()(x)))
    x = layers.Conv2D(4, 1, activation=layers.ReLU(6.0))(layers.AveragePooling2D(2)(x))
    return keras.Model(inputs, layers.Dense(3)(layers.GlobalMaxPooling2D()(x)))


def residual():
    """Identity and projection skips, spikes and potentials joined, batch norm of a sum and of spikes."""
    inputs = keras.Input((6, 6, 2))
    x = layers.Activation("relu")(layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(inputs)))
    x = ops.relu(layers.Add()([layers.Conv2D(4, 3, padding="same")(x), x]))
    y = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(x)
    z = layers.ReLU()(layers.Concatenate()([y, layers.Conv2D(3, 1, strides=2)(x)]))
    z = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(7, 1)(z) + z))
    return keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(z)))


def shared():
    """A model within the model called twice, one ReLU everywhere, and behind the input."""
    relu, inner = layers.ReLU(name="same"), stack((6,), layers.Dense(6, activation="relu"), layers.Dense(6))
    inputs = keras.Input((6,))
    return keras.Model(inputs, layers.Dense(2)(relu(inner(relu(inner(inputs))))))


def units_kept():
    """A sum with the input, and an output that is a ReLU and read elsewhere too."""
    inputs = keras.Input((5,))
    x = layers.ReLU(name="of_a_sum")(layers.Dense(5)(inputs) + inputs)
    x = layers.Dense(4, activation="relu", name="given")(x)
    return keras.Model(inputs, {"features": x, "score": layers.Dense(1, name="score")(x)})


def shapes():
    """Steps, causal, permuted, reshaped, channels that come from dense neurons, transposed, enlarged."""
    return stack((5, 4), layers.TimeDistributed(layers.Dense(6, activation="relu")),
                 layers.Conv1D(3, 2, padding="causal", activation="relu"), layers.Permute((2, 1)), layers.Flatten(),
                 layers.Dense(12, activation="relu"), layers.Reshape((2, 2, 3)),
                 layers.Conv2DTranspose(3, 2, activation="relu"), layers.UpSampling2D(), layers.Conv2D(2, 1))


NETS = [plain, convolutions, residual, shared, units_kept, shapes]


def made(net):
    """A net whose biases and norms are not what they begin with, and 40 inputs."""
    keras.utils.set_random_seed(3)
    model, rng = net(), np.random.default_rng(3)
    for layer in all_layers(model):
        for name, low, high in (("bias", -0.2, 0.2), ("moving_mean", -0.2, 0.2), ("moving_variance", 0.5, 2.0),
                                ("gamma", 0.5, 1.5), ("beta", -0.2, 0.2)):
            if (variable := getattr(layer, name, None)) is not None:
                variable.assign(rng.uniform(low, high, variable.shape))
    return model, rng.normal(size=(40, *model.inputs[0].shape[1:])).astype("float32")


def outputs(model, x):
    return [ops.convert_to_numpy(leaf) for leaf in keras.tree.flatten(model(x, training=False))]


def unbounded(monkeypatch):
    """Spiking layers compute a ReLU: what is left of a turned model is its units."""
    monkeypatch.setattr(SpikingLayer, "call", lambda self, inputs, training=None: ops.relu(inputs))

"""A program that the tests of distribution start: trains under a strategy and prints what every replica then has.

Arguments: ``mirrored`` or ``data_parallel``, each after a training on one device to compare with, or ``workers`` with
this worker's number and two ports.
"""

import json
import os
import sys

kind, *rest = sys.argv[1:]
if kind == "workers":
    worker, *ports = map(int, rest)
    os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": [f"127.0.0.1:{port}" for port in ports]},
                                          "task": {"type": "worker", "index": worker}})
elif kind == "data_parallel":
    os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"

import contextlib  # noqa: E402

import keras  # noqa: E402
import numpy as np  # noqa: E402

from whetstone_lab import keys  # noqa: E402
from whetstone_lab.training.averaging import WhetstoneOptimizer  # noqa: E402
from whetstone_lab.training.decode import SoftmaxDecode  # noqa: E402
from whetstone_lab.training.layers import SpikingBReLU, SpikingSigmoid, spiking_layers  # noqa: E402
from whetstone_lab.training.sharpeners import AdaptiveSharpener  # noqa: E402

SAMPLES, BATCH, EPOCHS = 32, 8, 5
X = np.random.default_rng(0).normal(0.5, 1, (SAMPLES, 6)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 1).astype(np.int64)


def make_model(scope):
    keras.utils.set_random_seed(1)
    with scope:
        model = keras.Sequential([
            keras.layers.Input((6,)), keras.layers.Dense(5), SpikingBReLU(), keras.layers.Dense(8), SpikingSigmoid(),
            SoftmaxDecode(keys.make_key(2, 8))])
        model.compile(WhetstoneOptimizer(keras.optimizers.SGD(0.01)), "sparse_categorical_crossentropy")
    return model


def make_sharpener():
    return AdaptiveSharpener(min_init_epochs=1, patience=0, rate=1.0, cz_rate=1.0, sig_increase=9,
                             sig_decrease=9)  # whatever the loss does


def alone(value):
    return [float(np.asarray(value))]


def shards(value):
    return [float(np.asarray(shard.data)) for shard in value.addressable_shards]


def parts(value):
    return [float(part) for part in strategy.experimental_local_results(value)]


class Watch(keras.callbacks.Callback):
    """Notes the sharpness of each layer on each replica after every batch."""

    def __init__(self, replicas):
        super().__init__()
        self.replicas, self.rows = replicas, []

    def on_train_batch_end(self, batch, logs=None):
        # To ask for the model has Keras bring its weights up to date.
        self.rows.append([self.replicas(layer.sharpness.value) for layer in spiking_layers(self.model)])


def train(scope, replicas):
    model, sharpener, watch = make_model(scope), make_sharpener(), Watch(replicas)
    model.fit(X, Y, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0, callbacks=[sharpener, watch])
    return facts(model, sharpener, watch)


def train_workers():
    """A loop of its own: each worker trains on its half of every batch."""
    model, sharpener, watch = make_model(strategy.scope()), make_sharpener(), Watch(parts)
    watch.set_model(model)
    optimizer = model.optimizer
    with strategy.scope():
        optimizer.build(model.trainable_variables)

    @tf.function
    def step(x, y):
        def train(x, y):
            with tf.GradientTape() as tape:
                losses = keras.losses.sparse_categorical_crossentropy(y, model(x, training=True))
                loss = tf.reduce_sum(losses) / BATCH
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            return loss

        return strategy.reduce("SUM", strategy.run(train, args=(x, y)), axis=None)

    sharpener.attach(model, batches=SAMPLES // BATCH)
    for start in np.tile(np.arange(0, SAMPLES, BATCH), EPOCHS):
        mine = slice(start + worker * BATCH // 2, start + (worker + 1) * BATCH // 2)
        sharpener.step(step(tf.constant(X[mine]), tf.constant(Y[mine])))
        watch.on_train_batch_end(start)
    optimizer.finalize_variable_values(model.trainable_variables)
    return facts(model, sharpener, watch)


def facts(model, sharpener, watch):
    return {"replicas": watch.rows, "sharpness": sharpener.trace.sharpness.tolist(),
            "loss": sharpener.trace.loss.tolist(), "weights": [weight.tolist() for weight in model.get_weights()]}


if kind == "data_parallel":
    found = {"alone": train(contextlib.nullcontext(), alone)}
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=["cpu:0", "cpu:1"]))
    found["on two devices"] = train(contextlib.nullcontext(), shards)
else:
    import tensorflow as tf

    if kind == "mirrored":
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0],
                                                   [tf.config.LogicalDeviceConfiguration()] * 2)
        found = {"alone": train(contextlib.nullcontext(), alone)}
        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
        found["on two devices"] = train(strategy.scope(), parts)
    else:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
        found = train_workers()
print(json.dumps(found))

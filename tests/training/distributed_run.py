"""A program that the tests of distribution start: trains under a strategy and prints what every replica then has.

Arguments: ``alone``, ``mirrored``, ``data_parallel`` or ``workers``; for the last this worker's number and two ports.
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

strategy, scope = None, contextlib.nullcontext()
if kind == "data_parallel":
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=["cpu:0", "cpu:1"]))
elif kind != "alone":
    import tensorflow as tf

    if kind == "mirrored":
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0],
                                                   [tf.config.LogicalDeviceConfiguration()] * 2)
        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    else:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    scope = strategy.scope()


def make_model():
    keras.utils.set_random_seed(1)
    return keras.Sequential([
        keras.layers.Input((6,)), keras.layers.Dense(5), SpikingBReLU(), keras.layers.Dense(8), SpikingSigmoid(),
        SoftmaxDecode(keys.make_key(2, 8))])


def look():
    """Notes the sharpness of each layer on each replica."""
    values = [layer.sharpness.value for layer in spiking_layers(model)]
    if kind == "data_parallel":
        rows.append([[float(np.asarray(shard.data)) for shard in value.addressable_shards] for value in values])
    elif kind == "alone":
        rows.append([[float(value)] for value in values])
    else:
        rows.append([[float(part) for part in strategy.experimental_local_results(value)] for value in values])


class Watch(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        assert self.model is model  # and Keras brings its weights up to date
        look()


def train_workers():
    """A loop of its own: each worker trains on its half of every batch."""
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
        look()
    optimizer.finalize_variable_values(model.trainable_variables)


rows = []
sharpener = AdaptiveSharpener(min_init_epochs=1, patience=0, rate=1.0, cz_rate=1.0, sig_increase=9,
                              sig_decrease=9)  # whatever the loss does
with scope:
    model = make_model()
    model.compile(WhetstoneOptimizer(keras.optimizers.SGD(0.01)), "sparse_categorical_crossentropy")
if kind == "workers":
    train_workers()
else:
    model.fit(X, Y, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0, callbacks=[sharpener, Watch()])
print(json.dumps({"replicas": rows, "sharpness": sharpener.trace.sharpness.tolist(),
                  "loss": sharpener.trace.loss.tolist(), "weights": [w.tolist() for w in model.get_weights()]}))

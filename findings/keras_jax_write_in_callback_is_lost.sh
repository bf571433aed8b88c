#!/usr/bin/env bash
# Tool: Keras 3.15.1 on JAX 0.10.2
# Guess: What a callback assigns to a weight between two batches holds from then on.
# Seen: While `fit` runs on JAX, the trainer holds the weights, not their variables. Only reading the callback's
#   attribute `model` brings the two together. A callback that was given its layer directly assigns to a variable that
#   is overwritten at the end of the epoch. It reads back what it assigned, and no error tells it. Reading a weight
#   that nobody assigned raises a TypeError instead, whose words say nothing of the cause.
# Output:
#   self.model read False: the callback sees [1.0, 2.0, 3.0, 4.0], after fit the weight is 0.0
#   self.model read True: the callback sees [1.0, 2.0, 3.0, 4.0], after fit the weight is 4.0
#   get_weights() of a layer in on_train_batch_end: TypeError: 'NoneType' object is not callable
# Why it matters: A callback that raises a layer's sharpness seems to work and leaves the network as it was. Touch
#   `self.model` before each read or write.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export KERAS_BACKEND=jax KERAS_HOME="$work" OMP_NUM_THREADS=1 TF_CPP_MIN_LOG_LEVEL=3
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --no-compile keras==3.15.1 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6 || exit 2

cat >check.py <<'EOF'
import sys

import keras
import numpy as np


class Gain(keras.layers.Layer):
    def build(self, shape):
        self.gain = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, x):
        return x + self.gain


class Raise(keras.callbacks.Callback):
    """Assigns 1, 2, 3, 4 to the gain; reads the attribute `model` first, or does not."""

    def __init__(self, layer, read_model):
        super().__init__()
        self.layer, self.read_model, self.seen = layer, read_model, []

    def on_train_batch_end(self, batch, logs=None):
        if self.read_model:
            _ = self.model
        self.layer.gain.assign(batch + 1.0)
        self.seen.append(float(self.layer.gain.numpy()))


class Read(keras.callbacks.Callback):
    """Reads the kernel of a layer that it was given, without the attribute `model`."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.error = layer, "none"

    def on_train_batch_end(self, batch, logs=None):
        try:
            self.layer.get_weights()
        except TypeError as error:
            self.error = f"TypeError: {error}"


x, y = np.ones((64, 4), "float32"), np.ones((64, 1), "float32")
end = {}
for read_model in (False, True):
    layer = Gain()
    model = keras.Sequential([keras.Input((4,)), layer, keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    callback = Raise(layer, read_model)
    model.fit(x, y, batch_size=16, verbose=0, callbacks=[callback])
    end[read_model] = float(layer.gain.numpy())
    print(f"self.model read {read_model}: the callback sees {callback.seen}, after fit the weight is {end[read_model]}")
reader = Read(model.layers[1])
model.fit(x, y, batch_size=16, verbose=0, callbacks=[reader])
print(f"get_weights() of a layer in on_train_batch_end: {reader.error}")
sys.exit(0 if end == {False: 0.0, True: 4.0} and "NoneType" in reader.error else 10)
EOF

status=0
venv/bin/python -I check.py || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

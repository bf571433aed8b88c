#!/usr/bin/env bash
# Tool: TensorFlow 2.21.0, Keras 3.15.1
# Guess: A model says the same when it is called and when it predicts.
# Seen: In a `tf.function`, XLA or not, a division by a constant becomes a multiplication by its reciprocal, which
#   rounds otherwise; eager TensorFlow divides. `predict`, `evaluate` and `fit` run such functions, `model(x)` does
#   not.
# Output:
#   x / 25 >= 0.2 at [4. 5. 6.]: model(x) [0 1 1], model.predict(x) [0 0 1]
#   of 100000 quotients v / 3.0, other than NumPy's: 0 eagerly, 33529 in tf.function
# Why it matters: A neuron whose input lies on its threshold fires in `model(x)` and not in `predict`. Scale by powers
#   of two, or multiply in the first place.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export KERAS_BACKEND=tensorflow KERAS_HOME="$work" OMP_NUM_THREADS=1 TF_CPP_MIN_LOG_LEVEL=3
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --no-compile keras==3.15.1 tensorflow-cpu==2.21.0 numpy==2.4.6 || exit 2

cat >check.py <<'EOF'
import sys

import keras
import numpy as np
import tensorflow as tf


class Scaled(keras.layers.Layer):
    """Fires where a 25th of the input is at least a fifth."""

    def call(self, x):
        return keras.ops.cast(x / 25.0 >= 0.2, "int32")


model = keras.Sequential([keras.Input((1,)), Scaled()])
x = np.array([[4.0], [5.0], [6.0]], "float32")
called, predicted = model(x).numpy().ravel(), model.predict(x, verbose=0).ravel()
print(f"x / 25 >= 0.2 at {x.ravel()}: model(x) {called}, model.predict(x) {predicted}")


@tf.function
def third(v):
    return v / 3.0


values = np.random.default_rng(0).random(100_000).astype("float32")
tensor = tf.constant(values)
differ = [int((quotient.numpy() != values / np.float32(3)).sum()) for quotient in (tensor / 3.0, third(tensor))]
print(f"of {values.size} quotients v / 3.0, other than NumPy's: {differ[0]} eagerly, {differ[1]} in tf.function")
sys.exit(0 if called[1] == 1 and predicted[1] == 0 and differ[0] == 0 and differ[1] > 20_000 else 10)
EOF

status=0
venv/bin/python -I check.py || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

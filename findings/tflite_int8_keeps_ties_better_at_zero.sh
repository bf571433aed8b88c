#!/usr/bin/env bash
# Tool: TensorFlow 2.21.0's converter with int8 quantisation, and its interpreter (Keras 3.15.1)
# Guess: `x >= 0.5` and `x - 0.5 >= 0` are one step, so int8 makes the same of both.
# Seen: Of the sums of a convolution that equal 0.5, the first loses about half, and with some weights all; the second
#   keeps them. The sum and the constant 0.5 are brought to int8 by two roundings that may differ, but 0 is a number
#   that int8 has exactly, whatever the scale.
# Output:
#   AtHalf: of the sums that equal 0.5 fire in int8 0.028 0.000 0.000 0.372 0.649 0.945
#   AtZero: of the sums that equal 0.5 fire in int8 1.000 1.000 1.000 1.000 1.000 1.000
# Why it matters: A sharpened network has many ties. Written as a comparison with 0 it keeps them in int8.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export KERAS_BACKEND=tensorflow KERAS_HOME="$work" OMP_NUM_THREADS=1 TF_CPP_MIN_LOG_LEVEL=3
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --no-compile keras==3.15.1 tensorflow-cpu==2.21.0 numpy==2.4.6 || exit 2

cat >check.py <<'EOF'
import contextlib
import io
import sys
import warnings

import keras
import numpy as np
import tensorflow as tf

warnings.simplefilter("ignore")
rng = np.random.default_rng(0)


class AtHalf(keras.layers.Layer):
    """A step at 0.5, compared with 0.5."""

    def call(self, x):
        return keras.ops.cast(x >= 0.5, "float32")


class AtZero(keras.layers.Layer):
    """The same step, compared with 0."""

    def call(self, x):
        return keras.ops.cast(x - 0.5 >= 0.0, "float32")


fire = {AtHalf: [], AtZero: []}
for _ in range(6):
    images = rng.integers(0, 2, (100, 8, 8, 2)).astype("float32")
    kernel, bias = ((rng.integers(-4, 5, shape) / 4).astype("float32") for shape in ((3, 3, 2, 6), (6,)))
    for step, shares in fire.items():
        model = keras.Sequential([keras.Input((8, 8, 2)), keras.layers.Conv2D(6, 3), step()])
        model.layers[0].set_weights([kernel, bias])
        at_threshold = model.layers[0](images).numpy() == 0.5
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda images=images: ([image[None]] for image in images)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        with contextlib.redirect_stdout(io.StringIO()):
            interpreter = tf.lite.Interpreter(model_content=converter.convert())
        given = interpreter.get_input_details()[0]["index"]
        interpreter.resize_tensor_input(given, images.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(given, images)
        interpreter.invoke()
        spikes = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        shares.append(spikes[at_threshold].mean())
for step, shares in fire.items():
    print(f"{step.__name__}: of the sums that equal 0.5 fire in int8", *(f"{share:.3f}" for share in shares))
sys.exit(0 if min(fire[AtHalf]) < 0.5 and min(fire[AtZero]) > 0.95 else 10)
EOF

status=0
venv/bin/python -I check.py || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

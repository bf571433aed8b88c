#!/usr/bin/env bash
# Tool: TensorFlow 2.21.0's converter and interpreter, Keras 3.15.1's `export(format="litert")`
# Guess: A step at 0.5 exports as it computes, whether it is written as a comparison or as a steep ramp that is
#   clipped.
# Seen: The ramp's factor is multiplied into the convolution before it, and its offset into the bias, where float32
#   rounds the 1 away: all sums that equal 0.5 give 0 in place of 1. The comparison is right.
# Output:
#   Steep: 72 of 2160 sums are 0.5 exactly; the export differs from Keras in 72 outputs, 72 of them there
#   Compare: 72 of 2160 sums are 0.5 exactly; the export differs from Keras in 0 outputs, 0 of them there
# Why it matters: A sharpened network has many ties. A device that is given it as a steep ramp gets another network;
#   export comparisons.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export KERAS_BACKEND=tensorflow KERAS_HOME="$work" OMP_NUM_THREADS=1 TF_CPP_MIN_LOG_LEVEL=3
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --no-compile keras==3.15.1 tensorflow-cpu==2.21.0 numpy==2.4.6 || exit 2

cat >check.py <<'EOF'
import sys
import warnings

import keras
import numpy as np
import tensorflow as tf

warnings.simplefilter("ignore")
rng = np.random.default_rng(0)


class Steep(keras.layers.Layer):
    """A step at 0.5, written as a ramp that is 2^-60 wide and clipped."""

    def call(self, x):
        return keras.ops.clip((x - 0.5) * 2.0**60 + 1.0, 0.0, 1.0)


class Compare(keras.layers.Layer):
    """The same step, written as a comparison."""

    def call(self, x):
        return keras.ops.cast(x >= 0.5, "float32")


images = rng.integers(0, 2, (20, 8, 8, 2)).astype("float32")
kernel = (rng.integers(-4, 5, (3, 3, 2, 3)) / 4).astype("float32")
bias = (rng.integers(-4, 5, 3) / 4).astype("float32")
wrong = {}
for step in (Steep, Compare):
    model = keras.Sequential([keras.Input((8, 8, 2)), keras.layers.Conv2D(3, 3), step()])
    model.layers[0].set_weights([kernel, bias])
    expected = model.predict(images, verbose=0)
    at_threshold = model.layers[0](images).numpy() == 0.5
    model.export("model.tflite", format="litert", verbose=False)
    interpreter = tf.lite.Interpreter(model_path="model.tflite")
    given = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(given, images.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given, images)
    interpreter.invoke()
    differs = interpreter.get_tensor(interpreter.get_output_details()[0]["index"]) != expected
    wrong[step] = int(differs.sum())
    print(
        f"{step.__name__}: {int(at_threshold.sum())} of {at_threshold.size} sums are 0.5 exactly; "
        f"the export differs from Keras in {wrong[step]} outputs, {int(differs[at_threshold].sum())} of them there"
    )
    ties = int(at_threshold.sum())
sys.exit(0 if wrong[Steep] == ties > 0 == wrong[Compare] else 10)
EOF

status=0
venv/bin/python -I check.py || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

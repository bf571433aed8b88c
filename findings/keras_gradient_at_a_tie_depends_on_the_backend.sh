#!/usr/bin/env bash
# Tool: Keras 3.15.1 on TensorFlow 2.21.0 and on JAX 0.10.2
# Guess: `keras.ops` has one gradient for each operation, and `maximum(x, 0)` has that of `maximum(0, x)`.
# Seen: Just at a corner, TensorFlow passes the whole gradient through `clip`, JAX half of it. `maximum` depends on
#   the order of its arguments in TensorFlow. `abs` has 0 there or 1.
# Output:
#   tensorflow clip(x, 0, 1) at 0: 1.0, clip(x, 0, 1) at 1: 1.0, maximum(x, 0) at 0: 1.0, maximum(0, x) at 0: 0.0, relu(x) at 0: 0.0, abs(x) at 0: 0.0
#   jax        clip(x, 0, 1) at 0: 0.5, clip(x, 0, 1) at 1: 0.5, maximum(x, 0) at 0: 0.5, maximum(0, x) at 0: 0.5, relu(x) at 0: 0.0, abs(x) at 0: 1.0
# Why it matters: With binary inputs and weights in quarters, many sums lie on a corner exactly: a bounded ReLU
#   written with `clip` trains differently on each backend.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export KERAS_HOME="$work" OMP_NUM_THREADS=1 TF_CPP_MIN_LOG_LEVEL=3

cat >check.py <<'EOF'
import sys

import keras
import numpy as np
from keras import ops

CASES = {
    "clip(x, 0, 1) at 0": (lambda x: ops.clip(x, 0.0, 1.0), 0.0, {"tensorflow": 1.0, "jax": 0.5}),
    "clip(x, 0, 1) at 1": (lambda x: ops.clip(x, 0.0, 1.0), 1.0, {"tensorflow": 1.0, "jax": 0.5}),
    "maximum(x, 0) at 0": (lambda x: ops.maximum(x, 0.0), 0.0, {"tensorflow": 1.0, "jax": 0.5}),
    "maximum(0, x) at 0": (lambda x: ops.maximum(0.0, x), 0.0, {"tensorflow": 0.0, "jax": 0.5}),
    "relu(x) at 0": (ops.relu, 0.0, {"tensorflow": 0.0, "jax": 0.0}),
    "abs(x) at 0": (ops.abs, 0.0, {"tensorflow": 0.0, "jax": 1.0}),
}


def gradient(function, value):
    value = np.float32(value)
    if keras.backend.backend() == "jax":
        import jax

        return float(jax.grad(function)(value))
    import tensorflow as tf

    x = tf.Variable(value)
    with tf.GradientTape() as tape:
        y = function(x.value())
    return float(tape.gradient(y, x))


seen = {name: gradient(function, value) for name, (function, value, _) in CASES.items()}
print(f"{keras.backend.backend():10}", ", ".join(f"{name}: {value}" for name, value in seen.items()))
sys.exit(0 if seen == {name: case[2][keras.backend.backend()] for name, case in CASES.items()} else 10)
EOF

# One backend after the other, so that only one of them is on the disk at a time.
status=0
for backend in tensorflow jax; do
    packages=(keras==3.15.1 numpy==2.4.6)
    [ $backend = tensorflow ] && packages+=(tensorflow-cpu==2.21.0)
    [ $backend = jax ] && packages+=(jax==0.10.2 jaxlib==0.10.2)
    python3 -m venv venv || exit 2
    venv/bin/pip install --quiet --no-compile "${packages[@]}" || exit 2
    KERAS_BACKEND=$backend venv/bin/python -I check.py || { status=$?; break; }
    rm -r venv
done
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

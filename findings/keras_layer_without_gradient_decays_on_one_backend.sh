#!/usr/bin/env bash
# Tool: Keras 3.15.1 on TensorFlow 2.21.0 and on JAX 0.10.2
# Guess: The same Keras model trains alike on both backends. A layer that no gradient reaches stands still on both.
# Seen: Below a comparison, TensorFlow has no gradient: the optimizer leaves the layer out, with a warning. JAX has a
#   gradient of zero: the optimizer goes on, and AdamW's weight decay shrinks the layer without a word. Below `sign`,
#   both have zeros, and both shrink it.
# Output:
#   tensorflow below Compare: the kernel's norm after 200 steps of AdamW, over the norm before: 1.000
#   tensorflow below Sign: the kernel's norm after 200 steps of AdamW, over the norm before: 0.367
#   jax        below Compare: the kernel's norm after 200 steps of AdamW, over the norm before: 0.367
#   jax        below Sign: the kernel's norm after 200 steps of AdamW, over the norm before: 0.367
# Why it matters: Once a network is sharp, all that lies below its last step gets no gradient. Which layers then stand
#   still and which wither depends on the backend and on how the step is written.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export KERAS_HOME="$work" OMP_NUM_THREADS=1 TF_CPP_MIN_LOG_LEVEL=3

cat >check.py <<'EOF'
import sys
import warnings

import keras
import numpy as np

warnings.simplefilter("ignore")
x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
y = x.sum(axis=1, keepdims=True)


class Compare(keras.layers.Layer):
    def call(self, v):
        return keras.ops.cast(v >= 0.0, "float32")


class Sign(keras.layers.Layer):
    def call(self, v):
        return (keras.ops.sign(v) + 1.0) / 2.0


kept = {}
for step in (Compare, Sign):
    below = keras.layers.Dense(4)
    model = keras.Sequential([keras.Input((4,)), below, step(), keras.layers.Dense(1)])
    model.compile(keras.optimizers.AdamW(0.01, weight_decay=0.5), "mse")
    before = np.linalg.norm(below.get_weights()[0])
    model.fit(x, y, batch_size=16, epochs=50, verbose=0)
    kept[step] = float(np.linalg.norm(below.get_weights()[0]) / before)
    print(
        f"{keras.backend.backend():10} below {step.__name__}: the kernel's norm after 200 steps of AdamW, "
        f"over the norm before: {kept[step]:.3f}"
    )
expected = {"tensorflow": 1.0, "jax": 0.367}[keras.backend.backend()]
sys.exit(0 if abs(kept[Compare] - expected) < 1e-3 and abs(kept[Sign] - 0.367) < 1e-3 else 10)
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

#!/usr/bin/env bash
# Tool: Keras 3.15.1 (torch 2.13.0, numpy 2.4.6)
# Guess: Batch norm in training gives every channel mean 0 and variance 1 on each backend, and `keras.ops.moments` the
#   variance that `keras.ops.var` gives.
# Seen: On PyTorch the variance is mean(x^2) - mean(x)^2 in float32. Far from 0 that is rounding: of 9999 and 10001 it is
#   0 and not 1, so that batch norm divides by the root of its epsilon alone and gives 32 times what it should. Other
#   values give negative variances.
# Output:
#   x                   ops.var   ops.moments   batch norm in training
#   -1, 1                     1             1   -0.9995, 0.9995
#   99, 101                   1             1   -0.9995, 0.9995
#   9999, 10001               1             0   -31.62, 31.62
# Why it matters: A network whose first layer is batch norm, on inputs such as pressures in pascal, learns and measures
#   its statistics from noise there. Bring the inputs near 0 before.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --no-compile keras==3.15.1 torch==2.13.0 numpy==2.4.6 || exit 2

cat >check.py <<'EOF'
import os
import sys

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np

print("x                   ops.var   ops.moments   batch norm in training")
seen = []
for pair in ((-1, 1), (99, 101), (9999, 10001)):
    x = np.array(pair, "float32")[:, None]
    true = float(keras.ops.var(x, axis=0)[0])
    moments = float(keras.ops.moments(x, axes=[0])[1][0])
    normed = keras.ops.convert_to_numpy(keras.layers.BatchNormalization()(x, training=True))[:, 0]
    print(f"{pair[0]}, {pair[1]}".ljust(18), f"{true:8g} {moments:13g}   {normed[0]:.4g}, {normed[1]:.4g}")
    seen.append((true, moments, bool(abs(normed[1] - 1) < 0.01)))
sys.exit(0 if seen == [(1, 1, True), (1, 1, True), (1, 0, False)] else 10)
EOF

status=0
venv/bin/python -I check.py || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

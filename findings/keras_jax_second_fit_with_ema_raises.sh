#!/usr/bin/env bash
# Tool: Keras 3.15.1 on JAX 0.10.2
# Guess: A model that was fitted with `use_ema=True` can be fitted again. One weight can be assigned to another.
# Seen: On JAX an assignment between two variables makes them share one buffer. The next compiled training step gives
#   both of them up to the compiler and is refused. `fit` with `use_ema` does so itself at its end: the second fit
#   raises, and what the user sees is a later TypeError without the cause.
# Output:
#   use_ema=False, fit 1: fine
#   use_ema=False, fit 2: fine
#   use_ema=True, fit 1: fine
#   use_ema=True, fit 2: TypeError: 'NoneType' object is not callable
#   one kernel assigned to another, then train_on_batch: JaxRuntimeError: INVALID_ARGUMENT: Attempt to donate the same buffer twice in
# Why it matters: Averages and target networks are made by assigning weights to weights. Copy through NumPy on JAX.
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

x, y = np.ones((32, 4), "float32"), np.ones((32, 1), "float32")


def outcome(call):
    try:
        call()
    except Exception as error:  # Which class it is, is what this script asks.
        return f"{type(error).__name__}: {str(error)[:60]}"
    return "fine"


seen = {}
for use_ema in (False, True):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.01, use_ema=use_ema), "mse")
    for fit in (1, 2):
        seen[use_ema, fit] = outcome(lambda: model.fit(x, y, verbose=0))
        print(f"use_ema={use_ema}, fit {fit}: {seen[use_ema, fit]}")
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4), keras.layers.Dense(4), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.layers[1].kernel.assign(model.layers[0].kernel)
seen["assigned"] = outcome(lambda: model.train_on_batch(x, y))
print(f"one kernel assigned to another, then train_on_batch: {seen['assigned']}")
still = [name for name, value in seen.items() if value != "fine"] == [(True, 2), "assigned"]
sys.exit(0 if still else 10)
EOF

status=0
venv/bin/python -I check.py || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

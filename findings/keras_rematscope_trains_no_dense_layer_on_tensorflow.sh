#!/usr/bin/env bash
# Tool: Keras 3.15.1 on TensorFlow 2.21.0, and on JAX 0.10.2
# Guess: A model whose layers were made under `keras.RematScope(mode="full")` trains as any other, with less memory.
# Seen: The scope hands the phase of training to the function that it wraps as an argument. TensorFlow takes no keyword
#   arguments there in a graph: not even a Dense layer trains, unless eagerly. JAX makes a traced value of it: a Dense
#   layer trains, and Dropout, which asks whether it is true, does not.
# Output:
#   tensorflow, compiled: Dense raises an error
#   tensorflow, eagerly: Dense trains
#   tensorflow, compiled: Dropout raises an error
#   tensorflow, eagerly: Dropout trains
#   jax, compiled: Dense trains
#   jax, eagerly: Dense trains
#   jax, compiled: Dropout raises an error
#   jax, eagerly: Dropout raises an error
# Why it matters: Deep networks are where memory is short while they are sharpened. A layer of one's own must not ask
#   for the truth of `training`, only whether it is `True`.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export KERAS_HOME="$work" OMP_NUM_THREADS=1 TF_CPP_MIN_LOG_LEVEL=3
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --no-compile keras==3.15.1 tensorflow-cpu==2.21.0 jax==0.10.2 numpy==2.4.6 || exit 2

cat >check.py <<'EOF'
import sys
import warnings

import keras
import numpy as np

warnings.simplefilter("ignore")
trains = {}
for name in ("Dense", "Dropout"):
    with keras.RematScope(mode="full"):
        layer = keras.layers.Dense(3) if name == "Dense" else keras.layers.Dropout(0.5)
    for eagerly in (False, True):
        model = keras.Sequential([keras.Input((2,)), layer, keras.layers.Dense(1)])
        model.compile("sgd", "mse", run_eagerly=eagerly)
        try:
            model.fit(np.zeros((4, 2), "float32"), np.zeros((4, 1)), verbose=0)
            trains[name, eagerly] = True
        except (ValueError, RuntimeError):
            trains[name, eagerly] = False
        how = "eagerly" if eagerly else "compiled"
        print(f"{keras.backend.backend()}, {how}: {name} {'trains' if trains[name, eagerly] else 'raises an error'}")
expected = {"tensorflow": [False, True, False, True], "jax": [True, True, False, False]}[keras.backend.backend()]
sys.exit(0 if [*trains.values()] == expected else 10)
EOF

status=0
for backend in tensorflow jax; do
    KERAS_BACKEND=$backend venv/bin/python -I check.py || status=$?
done
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

#!/usr/bin/env bash
# Tool: Keras 3.15.1 (run on JAX 0.10.2)
# Guess: `load_weights` finds a layer's weights by the layer's name, or raises an error if names have moved.
# Seen: The file goes by class and order. A model that names its layers in another order takes each layer's weights
#   into another layer, without a word, where shapes allow it.
# Output:
#   layer "first" after loading holds what was saved from "first": False
#   layer "first" after loading holds what was saved from "second": True
#   layer "second" after loading holds what was saved from "first": True
#   layer "second" after loading holds what was saved from "second": False
# Why it matters: A network that was rebuilt for export, or whose layers were sorted anew, holds the wrong weights.
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


def chain(*names):
    return keras.Sequential([keras.Input((4,)), *(keras.layers.Dense(4, name=name) for name in names)])


saved, loaded = chain("first", "second"), chain("second", "first")
saved.save_weights("saved.weights.h5")
loaded.load_weights("saved.weights.h5")
same = {}
for into in ("first", "second"):
    for origin in ("first", "second"):
        kernels = loaded.get_layer(into).get_weights()[0], saved.get_layer(origin).get_weights()[0]
        same[into, origin] = bool(np.array_equal(*kernels))
for (into, origin), equal in same.items():
    print(f'layer "{into}" after loading holds what was saved from "{origin}": {equal}')
sys.exit(0 if [key for key, equal in same.items() if equal] == [("first", "second"), ("second", "first")] else 10)
EOF

status=0
venv/bin/python -I check.py || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

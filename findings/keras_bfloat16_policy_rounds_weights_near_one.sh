#!/usr/bin/env bash
# Tool: Keras 3.15.1 (run on JAX 0.10.2)
# Guess: Under a mixed policy a weight that is stored in float32 is read in float32; only the products are in half
#   precision.
# Seen: Within `call` every floating-point weight of the layer is read through a cast to the compute dtype. A scalar
#   of 0.999 is 1 in bfloat16. `add_weight(autocast=False)` leaves it alone.
# Output:
#   float32        autocast=True  stored 0.999000 as float32, 1 - weight in call: 0.001000
#   float32        autocast=False stored 0.999000 as float32, 1 - weight in call: 0.001000
#   mixed_float16  autocast=True  stored 0.999000 as float32, 1 - weight in call: 0.000977
#   mixed_float16  autocast=False stored 0.999000 as float32, 1 - weight in call: 0.001000
#   mixed_bfloat16 autocast=True  stored 0.999000 as float32, 1 - weight in call: 0.000000
#   mixed_bfloat16 autocast=False stored 0.999000 as float32, 1 - weight in call: 0.001000
# Why it matters: A layer with a sharpness of 0.999 computes as a fully sharp one, or divides by a width of 0, while
#   `get_weights` says 0.999.
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


class Width(keras.layers.Layer):
    """Gives back 1 - sharpness, with a weight that is cast as the dtype policy says, or is not."""

    def __init__(self, autocast, **options):
        super().__init__(**options)
        self.sharpness = self.add_weight(
            shape=(), initializer=keras.initializers.Constant(0.999), trainable=False, autocast=autocast
        )

    def call(self, x):
        return keras.ops.cast(1.0 - self.sharpness, "float32") + 0.0 * keras.ops.sum(keras.ops.cast(x, "float32"))


seen = {}
for policy in ("float32", "mixed_float16", "mixed_bfloat16"):
    for autocast in (True, False):
        layer = Width(autocast, dtype=policy)
        seen[policy, autocast] = float(layer(np.zeros(1, "float32")))
        print(
            f"{policy:14} autocast={autocast!s:5} stored {float(layer.sharpness.numpy()):.6f} "
            f"as {layer.sharpness.dtype}, 1 - weight in call: {seen[policy, autocast]:.6f}"
        )
still = seen["mixed_bfloat16", True] == 0.0 and min(seen["mixed_bfloat16", False], seen["float32", True]) > 0.0009
sys.exit(0 if still else 10)
EOF

status=0
venv/bin/python -I check.py || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

#!/usr/bin/env bash
# Tool: JAX 0.10.2 (CPU)
# Guess: `x > nextafter(0, -1)` is `x >= 0`, as in NumPy.
# Seen: The float just below 0 is subnormal. On JAX subnormals count as 0 in a comparison, so a neuron with this
#   threshold does not fire at 0. The same trick at 0.5 is right.
# Output:
#   threshold -1.401298464324817e-45, inputs [-1.  0.  1.]
#   input > threshold, NumPy: [False  True  True]
#   input > threshold, JAX, an operation at a time: [False False  True]
#   input > threshold, JAX, jit: [False False  True]
#   at 0.5 instead: True
# Why it matters: Where a chip fires at > and a network at >=, the threshold is lowered by one float in export. At a
#   threshold of 0, that of a sigmoid, it must be lowered to the smallest normal number.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --no-compile jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6 || exit 2

cat >check.py <<'EOF'
import sys

import jax
import jax.numpy as jnp
import numpy as np

threshold = np.nextafter(np.float32(0), np.float32(-1))
inputs = np.array([-1.0, 0.0, 1.0], "float32")
seen = {
    "NumPy": inputs > threshold,
    "JAX, an operation at a time": np.asarray(jnp.asarray(inputs) > jnp.asarray(threshold)),
    "JAX, jit": np.asarray(jax.jit(lambda v, t: v > t)(inputs, threshold)),
}
print(f"threshold {threshold}, inputs {inputs}")
for name, fires in seen.items():
    print(f"input > threshold, {name}: {fires}")
around_half = np.nextafter(np.float32(0.5), np.float32(0))
print("at 0.5 instead:", np.asarray(jnp.float32(0.5) > jnp.asarray(around_half)))
still = [bool(fires[1]) for fires in seen.values()] == [True, False, False]
sys.exit(0 if still else 10)
EOF

status=0
venv/bin/python -I check.py || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

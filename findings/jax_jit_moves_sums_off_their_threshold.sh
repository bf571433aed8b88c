#!/usr/bin/env bash
# Tool: JAX 0.10.2 (CPU)
# Guess: In float32, jit compiles to the same numbers as an operation at a time.
# Seen: The compiler fuses the product and the sum into one rounding. A sum that equals its threshold falls below it
#   in some seven of a hundred neurons. With numbers that float32 holds exactly, quarters here, nothing is rounded and
#   nothing moves.
# Output:
#   x * weight + bias >= threshold, where NumPy's float32 sum is the threshold: 100000 neurons
#   fire in NumPy 100000, in JAX an operation at a time 100000, in jax.jit 93049
#   with weights and inputs in quarters, jax.jit: 100000
# Why it matters: Spikes at a tie depend on how the step was compiled. Compare networks on weights without rounding,
#   or keep thresholds off the sums.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# The rounding in question is that of fused multiply-add: without it there is nothing to see.
grep -qw fma /proc/cpuinfo || exit 2
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --no-compile jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6 || exit 2

cat >check.py <<'EOF'
import sys

import jax
import jax.numpy as jnp
import numpy as np

rng = np.random.default_rng(0)
x, weight, bias = (rng.random(100_000).astype("float32") for _ in range(3))
threshold = x * weight + bias


def fires(x, weight, bias, threshold):
    return x * weight + bias >= threshold


step = int(fires(*(jnp.asarray(v) for v in (x, weight, bias, threshold))).sum())
compiled = int(jax.jit(fires)(x, weight, bias, threshold).sum())
print(f"x * weight + bias >= threshold, where NumPy's float32 sum is the threshold: {x.size} neurons")
print(
    f"fire in NumPy {int(fires(x, weight, bias, threshold).sum())}, "
    f"in JAX an operation at a time {step}, in jax.jit {compiled}"
)
quarters = [np.round(4 * v) / 4 for v in (x, weight, bias)]
print(
    "with weights and inputs in quarters, jax.jit:",
    int(jax.jit(fires)(*quarters, quarters[0] * quarters[1] + quarters[2]).sum()),
)
sys.exit(0 if step == x.size and compiled < 0.99 * x.size else 10)
EOF

status=0
venv/bin/python -I check.py || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

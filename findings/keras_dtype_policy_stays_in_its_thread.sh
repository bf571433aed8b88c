#!/usr/bin/env bash
# Tool: Keras 3.15.1 (run on JAX 0.10.2)
# Guess: `keras.config` is the program's: what the main thread sets holds in every thread.
# Seen: The dtype policy and the counters behind the names of layers are each thread's own, while epsilon is the
#   program's. A worker builds float32 layers under the main thread's bfloat16 policy, and gives them names that the
#   main thread has used.
# Output:
#   main thread:   policy mixed_bfloat16, a Dense computes in bfloat16, is called dense, epsilon 0.001
#   worker thread: policy float32, a Dense computes in float32, is called dense, epsilon 0.001
# Why it matters: Live training runs in a background thread. What it builds there has another dtype than what the
#   notebook says.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export KERAS_BACKEND=jax KERAS_HOME="$work" OMP_NUM_THREADS=1 TF_CPP_MIN_LOG_LEVEL=3
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --no-compile keras==3.15.1 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6 || exit 2

cat >check.py <<'EOF'
import sys
import threading

import keras

keras.config.set_dtype_policy("mixed_bfloat16")
keras.config.set_epsilon(1e-3)
main = keras.layers.Dense(1)
built = {}


def work():
    layer = keras.layers.Dense(1)
    built.update(
        policy=keras.config.dtype_policy().name,
        dtype=layer.compute_dtype,
        name=layer.name,
        epsilon=keras.config.epsilon(),
    )


thread = threading.Thread(target=work)
thread.start()
thread.join()
print(
    f"main thread:   policy {keras.config.dtype_policy().name}, a Dense computes in {main.compute_dtype}, "
    f"is called {main.name}, epsilon {keras.config.epsilon()}"
)
print(
    f"worker thread: policy {built['policy']}, a Dense computes in {built['dtype']}, "
    f"is called {built['name']}, epsilon {built['epsilon']}"
)
still = built == {"policy": "float32", "dtype": "float32", "name": main.name, "epsilon": 1e-3}
sys.exit(0 if still else 10)
EOF

status=0
venv/bin/python -I check.py || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

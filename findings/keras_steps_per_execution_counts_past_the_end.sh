#!/usr/bin/env bash
# Tool: Keras 3.15.1 (run on JAX 0.10.2)
# Guess: `on_train_batch_end` gets the number of the last batch that was trained, at most steps - 1.
# Seen: With 8 steps an epoch and `steps_per_execution=5` it gets 4 and 9: the second call stands for three batches,
#   and its number is past the end.
# Output:
#   steps of an epoch as the callback is told: 8
#   on_train_batch_end(batch=4), optimizer steps so far 5
#   on_train_batch_end(batch=9), optimizer steps so far 8
#   on_train_batch_end(batch=4), optimizer steps so far 13
#   on_train_batch_end(batch=9), optimizer steps so far 16
# Why it matters: A schedule that counts batches by this argument runs ahead of training in every epoch. Count by
#   `optimizer.iterations`.
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


class Count(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.ends = []

    def on_train_batch_end(self, batch, logs=None):
        self.ends.append((batch, int(self.model.optimizer.iterations)))


model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
model.compile("sgd", "mse", steps_per_execution=5)
count = Count()
model.fit(np.ones((64, 4)), np.ones((64, 1)), batch_size=8, epochs=2, verbose=0, callbacks=[count])
print(f"steps of an epoch as the callback is told: {count.params['steps']}")
for batch, iterations in count.ends:
    print(f"on_train_batch_end(batch={batch}), optimizer steps so far {iterations}")
sys.exit(0 if count.ends == [(4, 5), (9, 8), (4, 13), (9, 16)] else 10)
EOF

status=0
venv/bin/python -I check.py || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

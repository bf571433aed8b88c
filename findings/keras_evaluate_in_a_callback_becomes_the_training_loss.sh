#!/usr/bin/env bash
# Tool: Keras 3.15.1 (run on JAX 0.10.2)
# Guess: `evaluate` within a callback reports on its own data and leaves the epoch's training loss alone.
# Seen: A model has one running loss (and one of each metric) for training and testing. `evaluate` resets it and
#   leaves its own sums in it, and the rest of the epoch is added to those. The model here always answers 0, so that
#   its training loss is 0.
# Output:
#   loss of the epoch: 0.0; with an evaluate, of 10000.0, after its third batch: 8000.0
# Why it matters: A live view that evaluates between batches, or another cell that does, changes the curve that is
#   drawn and the loss that an adaptive rule goes by. Evaluate a copy, or with metrics of one's own.
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

x = np.ones((64, 4), "float32")
near, far = np.zeros((64, 1), "float32"), np.full((64, 1), 100.0, "float32")


def constant():
    """A model whose loss never moves: it answers 0, at a learning rate of 0."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    return model


class Look(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 2:
            self.evaluated = self.model.evaluate(x, far, verbose=0)


model = constant()
plain = model.fit(x, near, batch_size=16, verbose=0).history["loss"][0]
look = Look()
looked = model.fit(x, near, batch_size=16, verbose=0, callbacks=[look]).history["loss"][0]
print(f"loss of the epoch: {plain:.1f}; with an evaluate, of {look.evaluated:.1f}, after its third batch: {looked:.1f}")
sys.exit(0 if plain == 0 and 7999 < looked < 8001 else 10)
EOF

status=0
venv/bin/python -I check.py || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

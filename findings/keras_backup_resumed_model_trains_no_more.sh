#!/usr/bin/env bash
# Tool: Keras 3.15.1 (run on JAX 0.10.2)
# Guess: After a run that `BackupAndRestore` resumed has ended, `fit(epochs=3)` trains three epochs.
# Seen: The epoch at which the callback resumed stays with the model, and every later `fit` starts there, without the
#   callback too and after `compile`. Fewer epochs than that train nothing: no error, an empty history.
# Output:
#   broken off as epoch 3 began
#   resumed and finished, iterations: 8
#   then fit(epochs=3), without the callback: {} []
#   then fit(epochs=5): epochs trained [3, 4]
# Why it matters: Who resumes a run in a notebook and trains on has a network that did not move. Load the weights into
#   a new model, or check `history.epoch`.
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

x, y = np.ones((64, 4), "float32"), np.ones((64, 1), "float32")


class BreakOff(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 3:
            raise KeyboardInterrupt


def resumable(*callbacks):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    try:
        model.fit(x, y, epochs=4, verbose=0, callbacks=[keras.callbacks.BackupAndRestore("backup"), *callbacks])
    except KeyboardInterrupt:
        print("broken off as epoch 3 began")
    return model


resumable(BreakOff())
model = resumable()
print("resumed and finished, iterations:", int(model.optimizer.iterations))
model.compile("sgd", "mse")
short = model.fit(x, y, epochs=3, verbose=0)
print("then fit(epochs=3), without the callback:", short.history, short.epoch)
longer = model.fit(x, y, epochs=5, verbose=0)
print("then fit(epochs=5): epochs trained", longer.epoch)
sys.exit(0 if short.epoch == [] and longer.epoch == [3, 4] else 10)
EOF

status=0
venv/bin/python -I check.py || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

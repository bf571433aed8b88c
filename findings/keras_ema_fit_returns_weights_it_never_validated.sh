#!/usr/bin/env bash
# Tool: Keras 3.15.1 on TensorFlow 2.21.0
# Guess: With `use_ema=True` the model is validated as what `fit` returns: the moving average. Two fits of 4 and 1
#   epochs are one of 5.
# Seen: Every validation within `fit` is of the raw weights. At its end `fit` overwrites them with the average, which
#   was never validated. `EarlyStopping` with `restore_best_weights` restores after that, so that the average is gone
#   again. And a second fit trains on from the average.
# Output:
#   one fit of 5 epochs:     last val_loss 0.0352, the model after fit 0.4525
#   the same, EarlyStopping: last val_loss 0.0352, the model after fit 0.0352
#   4 epochs, then 1:        last val_loss 0.2941, the model after fit 0.6987
# Why it matters: The curve that is watched live is not that of the network that is kept. An average needs validating
#   as such, and whoever trains in pieces trains another network.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export KERAS_BACKEND=tensorflow KERAS_HOME="$work" OMP_NUM_THREADS=1 TF_CPP_MIN_LOG_LEVEL=3
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --no-compile keras==3.15.1 tensorflow-cpu==2.21.0 numpy==2.4.6 || exit 2

cat >check.py <<'EOF'
import sys

import keras
import numpy as np

x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
y = x.sum(axis=1, keepdims=True)


def linear():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(0.05, use_ema=True, ema_momentum=0.9), "mse")
    return model


def fit(model, epochs, callbacks=()):
    history = model.fit(
        x, y, batch_size=16, epochs=epochs, shuffle=False, verbose=0, validation_data=(x, y), callbacks=list(callbacks)
    )
    return history.history["val_loss"][-1]


model = linear()
last = fit(model, 5)
after = model.evaluate(x, y, verbose=0)
print(f"one fit of 5 epochs:     last val_loss {last:.4f}, the model after fit {after:.4f}")

model = linear()
last_stopped = fit(model, 5, [keras.callbacks.EarlyStopping("val_loss", patience=9, restore_best_weights=True)])
stopped = model.evaluate(x, y, verbose=0)
print(f"the same, EarlyStopping: last val_loss {last_stopped:.4f}, the model after fit {stopped:.4f}")

model = linear()
fit(model, 4)
last_split = fit(model, 1)
split = model.evaluate(x, y, verbose=0)
print(f"4 epochs, then 1:        last val_loss {last_split:.4f}, the model after fit {split:.4f}")
still = after > 3 * last and abs(stopped - last_stopped) < 1e-4 and last_split > 2 * last
sys.exit(0 if still else 10)
EOF

status=0
venv/bin/python -I check.py || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

#!/usr/bin/env bash
# Tool: Keras 3.15.1 (run on JAX 0.10.2)
# Guess: `BackupAndRestore(save_freq=2)` resumes at the batch of its last backup, however often a run is broken off.
# Seen: The first resumption starts the epoch anew from its first batch, with the weights of its middle. The callback
#   does not take over which epoch that is: its backups in the rest of that epoch say epoch 0. Broken off once more
#   before the epoch ends, training begins at epoch 0 again, with weights and optimizer as far as they were.
# Output:
#   (epoch, batch) (0, 0) to (2, 3), optimizer steps 20, backup {'epoch': 2, 'batch': 3}
#   (epoch, batch) (2, 0) to (2, 5), optimizer steps 26, backup {'epoch': 0, 'batch': 5}
#   (epoch, batch) (0, 0) to (0, 5), optimizer steps 32, backup {'epoch': 0, 'batch': 5}
# Why it matters: A sharpening plan that goes by epochs is carried out twice, on a network that is half sharp already.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export KERAS_BACKEND=jax KERAS_HOME="$work" OMP_NUM_THREADS=1 TF_CPP_MIN_LOG_LEVEL=3
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --no-compile keras==3.15.1 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6 || exit 2

cat >check.py <<'EOF'
import json
import sys

import keras
import numpy as np

x, y = np.ones((64, 4), "float32"), np.ones((64, 1), "float32")


class BreakOff(keras.callbacks.Callback):
    """Breaks training off at the end of its `limit`-th batch and notes which were trained."""

    def __init__(self, limit):
        super().__init__()
        self.limit, self.trained = limit, []

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self.trained.append((self.epoch, batch))
        if len(self.trained) == self.limit:
            raise KeyboardInterrupt


first, backups = [], []
for limit in (20, 6, 6):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    callback = BreakOff(limit)
    backup = keras.callbacks.BackupAndRestore("backup", save_freq=2)
    try:
        model.fit(x, y, batch_size=8, epochs=4, verbose=0, callbacks=[backup, callback])
    except KeyboardInterrupt:
        pass
    first.append(callback.trained[0])
    with open("backup/training_metadata.json") as file:
        backups.append(json.load(file))
    print(
        f"(epoch, batch) {callback.trained[0]} to {callback.trained[-1]}, "
        f"optimizer steps {int(model.optimizer.iterations)}, backup {backups[-1]}"
    )
sys.exit(0 if first == [(0, 0), (2, 0), (0, 0)] and backups[1]["epoch"] == 0 else 10)
EOF

status=0
venv/bin/python -I check.py || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

#!/usr/bin/env bash
# Tool: Keras 3.15.1 (torch 2.13.0, numpy 2.4.6)
# Guess: `sparse_categorical_crossentropy` takes a class for each pixel on every backend, as its documentation says.
# Seen: On PyTorch the loss of a map of probabilities has a value, and training ends in "grad_input must be contiguous".
#   The same model trains with logits, with one-hot targets, and with its pixels in one row.
# Output:
#   map of probabilities               RuntimeError: grad_input must be contiguous
#   map of logits                      trains
#   map of probabilities, one-hot      trains
#   pixels in one row, probabilities   trains
# Why it matters: A segmentation net that ends in a softmax cannot be trained there, unless its pixels are put in one
#   row before the loss.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --no-compile keras==3.15.1 torch==2.13.0 numpy==2.4.6 || exit 2

cat >check.py <<'EOF'
import os
import sys

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np
from keras import layers, losses

pictures = np.random.default_rng(0).random((4, 8, 8, 1)).astype("float32")
classes = (pictures[..., 0] > 0.5).astype("int64")
probabilities, logits = losses.SparseCategoricalCrossentropy(), losses.SparseCategoricalCrossentropy(from_logits=True)
cases = {
    "map of probabilities": ([layers.Softmax()], classes, probabilities),
    "map of logits": ([], classes, logits),
    "map of probabilities, one-hot": ([layers.Softmax()], np.eye(2)[classes], losses.CategoricalCrossentropy()),
    "pixels in one row, probabilities": ([layers.Reshape((64, 2)), layers.Softmax()], classes.reshape(4, 64),
                                         probabilities),
}
seen = {}
for name, (last, targets, loss) in cases.items():
    model = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(2, 3, padding="same"), *last])
    model.compile("sgd", loss)
    try:
        model.train_on_batch(pictures, targets)
        seen[name] = "trains"
    except RuntimeError as error:
        seen[name] = f"RuntimeError: {str(error).splitlines()[0]}"
    print(f"{name:34} {seen[name]}")
sys.exit(0 if list(seen.values()) == ["RuntimeError: grad_input must be contiguous", *["trains"] * 3] else 10)
EOF

status=0
venv/bin/python -I check.py || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

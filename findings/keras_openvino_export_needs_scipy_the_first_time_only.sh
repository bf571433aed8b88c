#!/usr/bin/env bash
# Tool: Keras 3.15.1 (TensorFlow 2.21.0, OpenVINO 2026.4.1)
# Guess: An export that lacks a package fails each time it is tried.
# Seen: `model.export(..., format="openvino")` raises ModuleNotFoundError for SciPy the first time in a process and
#   works the second time. For a table of types Keras imports its OpenVINO backend, whose `math` imports SciPy; the
#   module with the table is loaded by then and stays loaded, so the second import finds it.
# Output:
#   SciPy is installed: False
#   export 1: No module named 'scipy'
#   export 2: written
# Why it matters: A loop that exports several sharp models loses the first one alone, and a retry hides that a package
#   is missing. Neither Keras nor OpenVINO installs SciPy.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --no-compile tensorflow-cpu==2.21.0 keras==3.15.1 openvino==2026.4.1 || exit 2

cat >check.py <<'EOF'
import importlib.util
import sys

import keras

found = importlib.util.find_spec("scipy") is not None
print(f"SciPy is installed: {found}")
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
seen = []
for attempt in (1, 2):
    try:
        model.export(f"model{attempt}.xml", format="openvino", verbose=False)
        seen.append("written")
    except ModuleNotFoundError as error:
        seen.append(str(error))
    print(f"export {attempt}: {seen[-1]}")
sys.exit(0 if not found and seen == ["No module named 'scipy'", "written"] else 10)
EOF

status=0
TF_CPP_MIN_LOG_LEVEL=3 KERAS_BACKEND=tensorflow venv/bin/python -I check.py 2>errors.txt || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) tail -n 3 errors.txt && echo "Could not run." && exit 2 ;;
esac

#!/usr/bin/env bash
# Tool: sinabs 3.1.3 (NIR 1.0.4, nirtorch 2.0.2, torch 2.13.0)
# Guess: A neuron of a kind that the importer does not know is refused.
# Seen: `from_nir` leaves it out: what comes in goes on as an analog value. Nothing is raised, and no warning names
#   the node. LIF becomes spikes.
# Output:
#   one step, input 0.75 and 0.25, threshold 0.5
#   LIF        out [1.0, 0.0], warnings about it: 0
#   Threshold  out [0.75, 0.25], warnings about it: 0
#   CubaLIF    out [0.75, 0.25], warnings about it: 0
# Why it matters: An export that loads without an error may have lost its neurons. Check that what comes out is 0 or
#   1.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --no-compile torch==2.13.0 sinabs==3.1.3 nir==1.0.4 nirtorch==2.0.2 numpy==2.4.6 || exit 2

cat >check.py <<'EOF'
import sys
import warnings

import nir
import numpy as np
import torch
from sinabs.nir import from_nir


def two(value):
    return np.full(2, value, "float32")


NODES = {
    "LIF": nir.LIF(tau=two(1e-4), r=two(1), v_leak=two(0), v_threshold=two(0.5)),
    "Threshold": nir.Threshold(threshold=two(0.5)),
    "CubaLIF": nir.CubaLIF(
        tau_syn=two(1e-4), tau_mem=two(1e-4), r=two(1), w_in=two(1), v_leak=two(0), v_threshold=two(0.5)
    ),
}
seen, said = {}, {}
print("one step, input 0.75 and 0.25, threshold 0.5")
for name, node in NODES.items():
    nodes = {
        "input": nir.Input({"input": np.array([2])}),
        "matrix": nir.Affine(np.eye(2, dtype="float32"), two(0)),
        "neurons": node,
        "output": nir.Output({"output": np.array([2])}),
    }
    graph = nir.NIRGraph(nodes, [("input", "matrix"), ("matrix", "neurons"), ("neurons", "output")])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        out = from_nir(graph, batch_size=1)(torch.tensor([[[0.75, 0.25]]]))
    said[name] = [str(w.message) for w in caught if name in str(w.message) or "neurons" in str(w.message)]
    out = out[0] if isinstance(out, tuple) else out
    seen[name] = [round(float(v), 4) for v in out.detach().ravel()]
    print(f"{name:10} out {seen[name]}, warnings about it: {len(said[name])}")
analog = [0.75, 0.25]
still = seen["Threshold"] == seen["CubaLIF"] == analog != seen["LIF"] and not any(said.values())
sys.exit(0 if still else 10)
EOF

status=0
venv/bin/python -I check.py || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

#!/usr/bin/env bash
# Tool: Norse 1.1.0 (NIR 1.0.8, snnTorch 1.0.0, torch 2.13.0)
# Guess: A NIR file means the same neurons in every tool that reads it.
# Seen: NIR gives time constants and no step; each tool has its own. Norse's default of 1 ms on neurons of 0.1 ms
#   makes both neurons spike, one of them below its threshold, in every second step, without a warning. At the step
#   that snnTorch takes, it is right.
# Output:
#   replace rnn subgraph with nirgraph
#   spikes of two neurons in four steps, input 1.0 and 0.4 held, threshold 0.5
#   snnTorch, as it comes  [[1, 0], [1, 0], [1, 0], [1, 0]]
#   Norse, dt=1e-4         [[1, 0], [1, 0], [1, 0], [1, 0]]
#   Norse, as it comes     [[1, 1], [0, 0], [1, 1], [0, 0]]
# Why it matters: An exported network must come with the step it was meant for: `from_nir(graph, dt=1e-4)`.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --no-compile \
    torch==2.13.0 norse==1.1.0 snntorch==1.0.0 nir==1.0.8 nirtorch==2.6 numpy==2.4.6 || exit 2

cat >check.py <<'EOF'
import sys

import nir
import norse
import numpy as np
import torch
from snntorch.import_nir import import_from_nir


def two(value):
    return np.full(2, value, "float32")


def threshold_gates():
    """Two neurons behind a unit matrix; time constants of 0.1 ms, the threshold at 0.5."""
    neurons = nir.CubaLIF(
        tau_syn=two(1e-4), tau_mem=two(1e-4), r=two(1), w_in=two(1), v_leak=two(0), v_reset=two(0), v_threshold=two(0.5)
    )
    nodes = {
        "input": nir.Input({"input": np.array([2])}),
        "matrix": nir.Affine(np.eye(2, dtype="float32"), two(0)),
        "neurons": neurons,
        "output": nir.Output({"output": np.array([2])}),
    }
    return nir.NIRGraph(nodes, [("input", "matrix"), ("matrix", "neurons"), ("neurons", "output")])


def spikes(network):
    state, seen = None, []
    for _ in range(4):
        out, state = network(torch.tensor([[1.0, 0.4]]), state)
        seen.append([int(v) for v in out.detach().ravel()])
    return seen


nir.write("gates.nir", threshold_gates())
seen = {
    "snnTorch, as it comes": spikes(import_from_nir(nir.read("gates.nir"))),
    "Norse, dt=1e-4": spikes(norse.torch.from_nir(nir.read("gates.nir"), dt=1e-4)),
    "Norse, as it comes": spikes(norse.torch.from_nir(nir.read("gates.nir"))),
}
print("spikes of two neurons in four steps, input 1.0 and 0.4 held, threshold 0.5")
for name, steps in seen.items():
    print(f"{name:22} {steps}")
sys.exit(0 if list(seen.values()) == [[[1, 0]] * 4, [[1, 0]] * 4, [[1, 1], [0, 0]] * 2] else 10)
EOF

status=0
venv/bin/python -I check.py || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

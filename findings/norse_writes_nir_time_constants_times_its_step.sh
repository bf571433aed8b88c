#!/usr/bin/env bash
# Tool: Norse 1.1.0 (NIR 1.0.8, torch 2.13.0)
# Guess: `to_nir(module, sample, dt=...)` writes a time constant in seconds, as NIR has it, and `from_nir` gives the
#   module back.
# Seen: It writes `dt / tau_mem_inv`, which is the time constant times the step: of 10 ms, at its default step of 1 ms,
#   0.01 ms remain. (Its reader takes 1 / tau, as NIR means it.) Through a file of its own a neuron that needs three
#   inputs to fire has its fill at once, and fires in every step.
# Output:
#   a neuron with a time constant of 10 ms, an input of 1 held, threshold 0.25, steps of 1 ms
#   tau in the file: 0.01 ms
#   as it was          [0, 0, 1, 0, 0, 1, 0, 0]
#   through the file   [1, 1, 1, 1, 1, 1, 1, 1]
# Why it matters: Such a file, read elsewhere, has a time constant shorter than the step. Multiply `tau` by 1 / dt, or
#   read it with a step of dt * dt.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --no-compile torch==2.13.0 norse==1.1.0 nir==1.0.8 nirtorch==2.6 numpy==2.4.6 || exit 2

cat >check.py <<'EOF'
import sys

import nir
import norse.torch as norse
import torch
from norse.torch.utils.export_nir import to_nir

STEP = 0.001


def spikes(network):
    state, seen = None, []
    for _ in range(8):
        out, state = network(torch.ones(1, 1), state)
        seen.append(int(out.item()))
    return seen


cell = norse.LIFBoxCell(
    norse.LIFBoxParameters(tau_mem_inv=torch.tensor([100.0]), v_th=torch.tensor([0.25]), v_leak=torch.tensor([0.0])),
    dt=STEP,
)
linear = torch.nn.Linear(1, 1)
torch.nn.init.ones_(linear.weight)
torch.nn.init.zeros_(linear.bias)
network = norse.SequentialState(linear, cell)
nir.write("cell.nir", to_nir(network, torch.ones(1), dt=STEP))
graph = nir.read("cell.nir")
(tau,) = [node.tau.item() for node in graph.nodes.values() if isinstance(node, nir.LIF)]
print("a neuron with a time constant of 10 ms, an input of 1 held, threshold 0.25, steps of 1 ms")
print(f"tau in the file: {1000 * tau:.3g} ms")
before, after = spikes(network), spikes(norse.from_nir(graph, dt=STEP))
print(f"as it was          {before}")
print(f"through the file   {after}")
sys.exit(0 if abs(tau - 1e-5) < 1e-9 and before != after else 10)
EOF

status=0
venv/bin/python -I check.py || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

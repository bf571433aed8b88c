#!/usr/bin/env bash
# Tool: SpikingJelly 2.0.0 (NIR 1.0.8, snnTorch 1.0.0, torch 2.13.0)
# Guess: A NIR file says when a neuron fires: NIR's equations have it above `v_threshold`. Its readers do as it says.
# Seen: SpikingJelly's neurons fire at their threshold (its step is 1 at 0), and its reader and its writer pass the
#   number on as it is. So one file gives a spike there and none in snnTorch, wherever a sum comes out right on the
#   threshold; and a file that SpikingJelly wrote says less than its network did. No one warns.
# Output:
#   replace rnn subgraph with nirgraph
#   a neuron of threshold 0.5 that forgets each step, from one NIR file; inputs 0.25, 0.5, 0.75
#   snnTorch      [0, 0, 1]
#   SpikingJelly  [0, 1, 1]
#   its own, of threshold 0.5       [0, 1, 1]
#   what it writes as v_threshold   0.5
# Why it matters: Weights of few bits put many sums right on a threshold. Write the float below it as `v_threshold`:
#   then "at" and "above" are the same. Of a file that SpikingJelly wrote, read the float below as well.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --no-compile \
    torch==2.13.0 spikingjelly==2.0.0 snntorch==1.0.0 nir==1.0.8 nirtorch==2.6 numpy==2.4.6 || exit 2

cat >check.py <<'EOF'
import sys

import nir
import numpy as np
import torch
from snntorch.import_nir import import_from_nir as in_snntorch
from spikingjelly.activation_based import neuron
from spikingjelly.activation_based.nir_exchange import export_to_nir
from spikingjelly.activation_based.nir_exchange import import_from_nir as in_spikingjelly

INPUTS = 0.25, 0.5, 0.75


def one(value):
    return np.full(1, value, "float32")


def written():
    """A neuron behind a weight of 1; its time constants are the step that both tools take, so that it forgets."""
    step = np.array([1e-4])  # in float32 it would be below the step
    cell = nir.CubaLIF(
        tau_syn=step, tau_mem=step, r=one(1), w_in=one(1), v_leak=one(0), v_reset=one(0), v_threshold=one(0.5)
    )
    nodes = {
        "input": nir.Input({"input": np.array([1])}),
        "weight": nir.Affine(np.ones((1, 1), "float32"), one(0)),
        "cell": cell,
        "output": nir.Output({"output": np.array([1])}),
    }
    nir.write("cell.nir", nir.NIRGraph(nodes, [("input", "weight"), ("weight", "cell"), ("cell", "output")]))
    return nir.read("cell.nir")


def spikes(reader):
    found = []
    for value in INPUTS:
        out = reader(torch.tensor([[value]]))
        found.append(int((out[0] if isinstance(out, tuple) else out).item()))
    return found


def own():
    return neuron.IFNode(v_threshold=0.5, v_reset=0.0)


seen = {"snnTorch": spikes(in_snntorch(written())), "SpikingJelly": spikes(in_spikingjelly(written()))}
print("a neuron of threshold 0.5 that forgets each step, from one NIR file; inputs 0.25, 0.5, 0.75")
for name, found in seen.items():
    print(f"{name:13} {found}")
seen["own"] = [int(own()(torch.tensor([[value]])).item()) for value in INPUTS]
print(f"its own, of threshold 0.5       {seen['own']}")
net = torch.nn.Sequential(torch.nn.Linear(1, 1), own())
(threshold,) = [node.v_threshold.item() for node in export_to_nir(net, torch.zeros(1, 1)).nodes.values()
                if hasattr(node, "v_threshold")]
print(f"what it writes as v_threshold   {threshold}")
same = seen == {"snnTorch": [0, 0, 1], "SpikingJelly": [0, 1, 1], "own": [0, 1, 1]} and threshold == 0.5
sys.exit(0 if same else 10)
EOF

status=0
venv/bin/python -I check.py || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

#!/usr/bin/env bash
# Tool: nirtorch 2.6 (NIR 1.0.8, torch 2.13.0)
# Guess: A graph in which two layers lead to a third is run in an order in which both come first.
# Seen: `nirtorch.load` goes depth first: it runs the third layer and the output behind the first of the two, then the
#   other one, and returns what that gave. Nothing is raised; its deprecation names another function, which is right.
# Output:
#   1 -> first (times 1) -> branch (times 2) and skip (times 3) -> sum -> output; expected 5
#   load          3, order input first branch sum output skip
#   nir_to_torch  5
# Why it matters: A residual network whose skip has weights of its own loses the skip, and its answer is the skip alone,
#   numbers in place of spikes. sinabs 3.1.3 and Rockpool 3.1.0 read NIR by `load`.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --no-compile torch==2.13.0 nirtorch==2.6 nir==1.0.8 numpy==2.4.6 || exit 2

cat >check.py <<'EOF'
import sys
import warnings

import nir
import nirtorch
import numpy as np
import torch

warnings.simplefilter("ignore")
LAYERS = {"first": 1, "branch": 2, "skip": 3, "sum": 1}
EDGES = [("input", "first"), ("first", "branch"), ("first", "skip"), ("branch", "sum"), ("skip", "sum"),
         ("sum", "output")]


def graph():
    one = np.array([1])
    nodes = {name: nir.Affine(np.full((1, 1), weight, "float32"), np.zeros(1, "float32"))
             for name, weight in LAYERS.items()}
    return nir.NIRGraph({"input": nir.Input({"input": one}), **nodes, "output": nir.Output({"output": one})}, EDGES)


def linear(node):
    layer = torch.nn.Linear(1, 1)
    layer.weight.data, layer.bias.data = torch.tensor(node.weight), torch.tensor(node.bias)
    return layer


x = torch.ones(1, 1)
loaded = nirtorch.load(graph(), lambda node: linear(node) if isinstance(node, nir.Affine) else None, return_state=False)
found, right = loaded(x).item(), nirtorch.nir_to_torch(graph(), {nir.Affine: linear})(x)[0].item()
print("1 -> first (times 1) -> branch (times 2) and skip (times 3) -> sum -> output; expected 5")
print(f"load          {found:g}, order {' '.join(node.name for node in loaded.execution_order)}")
print(f"nir_to_torch  {right:g}")
sys.exit(0 if (found, right) == (3, 5) else 10)
EOF

status=0
venv/bin/python -I check.py || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

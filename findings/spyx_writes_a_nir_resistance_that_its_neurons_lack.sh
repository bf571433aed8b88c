#!/usr/bin/env bash
# Tool: spyx 1.0.0 (NIR 1.0.8, jax 0.10.2)
# Guess: `spyx.nir.to_nir` writes neurons whose equations, as NIR has them, are those of spyx.
# Seen: A LIF of spyx adds its whole input: V = beta V + x. It is written as tau = dt / (1 - beta), r = beta, and with
#   NIR's dt / tau (r x - v) an input then adds (1 - beta) beta x, a quarter of it at most. r must be 1 / (1 - beta).
#   (spyx itself never reads r, so its own round trip is silent about it.)
# Output:
#   a neuron with beta = 0.5 at rest, and an input of 1
#   spyx: its potential is then      1
#   the file: tau = 2, r = 0.5
#   by NIR's equation it would be    0.25
# Why it matters: Any other tool that reads the file has neurons that hardly fire. Set `node.r = 1 / (1 - beta)` in the
#   graph before it is written.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --no-compile spyx==1.0.0 nir==1.0.8 jax==0.10.2 numpy==2.4.6 h5py || exit 2

cat >check.py <<'EOF'
import sys

import jax.numpy as jnp
import nir
import numpy as np
import spyx.nn as snn
from flax import nnx
from spyx.nir import to_nir

BETA = 0.5
cell = snn.LIF((1,), beta=BETA, threshold=100.0, rngs=nnx.Rngs(0))  # so high that it never fires
_, after = cell(jnp.ones((1, 1)), cell.initial_state(1))
network = snn.Sequential(nnx.Linear(1, 1, rngs=nnx.Rngs(0)), cell)
graph = to_nir(network, {"input": np.array([1])}, {"output": np.array([1])}, dt=1)
(lif,) = [node for node in graph.nodes.values() if isinstance(node, nir.LIF)]
by_nir = 1 / lif.tau * (lif.r * 1.0 - 0.0)
print(f"a neuron with beta = {BETA} at rest, and an input of 1")
print(f"spyx: its potential is then      {float(after[0, 0]):.3g}")
print(f"the file: tau = {lif.tau.item():.3g}, r = {lif.r.item():.3g}")
print(f"by NIR's equation it would be    {by_nir.item():.3g}")
sys.exit(0 if float(after[0, 0]) == 1 and abs(by_nir.item() - 0.25) < 1e-6 else 10)
EOF

status=0
venv/bin/python -I check.py || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

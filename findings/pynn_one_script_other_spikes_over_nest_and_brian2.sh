#!/usr/bin/env bash
# Tool: PyNN 0.13.0 over NEST 3.10.0 and over Brian2 2.9.0
# Guess: One script fires the same spikes at the same times over either simulator: that is what PyNN is for.
# Seen: A cell IF_curr_delta whose membrane has a time constant of one step gets one spike. NEST compares the potential
#   with the threshold when the spike comes. Brian2 lets it leak for a whole step first, so that a spike of twice the
#   threshold is not enough (2 / e is 0.74); and where it is enough, the cell fires a step later.
# Output:
#   a threshold of 1, rest at 0, a spike that arrives at 6 ms in steps of 1 ms
#   nest    weight 2: fires at [6.0]
#   nest    weight 3: fires at [6.0]
#   brian2  weight 2: fires at []
#   brian2  weight 3: fires at [7.0]
# Why it matters: A sharpened neuron compares what a step brings and forgets it, which is such a cell. No one script has
#   the same spikes over both. Write for NEST or for Brian2 itself.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --no-compile pynn==0.13.0 nest-simulator==3.10.0 brian2==2.9.0 numpy==2.3.5 || exit 2

cat >fires.py <<'EOF'
import importlib
import sys

if sys.argv[1] == "brian2":
    import brian2

    brian2.prefs.codegen.target = "numpy"
sim = importlib.import_module(f"pyNN.{sys.argv[1]}")
sim.setup(timestep=1.0, min_delay=1.0)
source = sim.Population(1, sim.SpikeSourceArray(spike_times=[5.0]))
cell = sim.Population(1, sim.IF_curr_delta(v_rest=0.0, v_reset=-1.0, v_thresh=1.0, tau_m=1.0, tau_refrac=1.0, cm=1.0,
                                           i_offset=0.0), initial_values={"v": 0.0})
cell.record("spikes")
sim.Projection(source, cell, sim.AllToAllConnector(),
               synapse_type=sim.StaticSynapse(weight=float(sys.argv[2]), delay=1.0))
sim.run(12.0)
print("fires at", [float(time) for time in cell.get_data().segments[0].spiketrains[0]])
EOF

cat >check.py <<'EOF'
import subprocess
import sys

WANT = {("nest", 2): "[6.0]", ("nest", 3): "[6.0]", ("brian2", 2): "[]", ("brian2", 3): "[7.0]"}
found = {}
print("a threshold of 1, rest at 0, a spike that arrives at 6 ms in steps of 1 ms")
for tool, weight in WANT:
    said = subprocess.run([sys.executable, "-I", "fires.py", tool, str(weight)], capture_output=True, text=True,
                          check=True)
    found[tool, weight] = said.stdout.split("fires at ")[-1].strip()
    print(f"{tool:7} weight {weight}: fires at {found[tool, weight]}")
sys.exit(0 if found == WANT else 10)
EOF

status=0
venv/bin/python -I check.py || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

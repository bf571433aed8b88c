#!/usr/bin/env bash
# Tool: SANA-FE 2.2.9
# Guess: A neuron fires above its threshold, so with the double just below 1 as its threshold a spike of weight 1 makes
#   it fire.
# Seen: It does not: they are compared in single precision, where that double is 1 again. With the single just below 1
#   it fires.
# Output:
#   threshold 1.0                 fires: False
#   threshold 0.9999999999999999  fires: False
#   threshold 0.9999999403953552  fires: True
# Why it matters: A sharpened neuron fires at its threshold. An exporter that writes the next float below for a
#   simulator that fires above has to take the next one of the simulator's own precision, or each tie is lost.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --no-compile sanafe==2.2.9 numpy==2.3.5 || exit 2

cat >check.py <<'EOF'
import sys

import numpy as np
import sanafe


def fires(threshold):
    chip, net = sanafe.load_loihi(), sanafe.Network()
    first, second = chip.cores()[:2]
    (sender,) = net.create_neuron_group("sender", 1).neurons
    (listener,) = net.create_neuron_group("listener", 1).neurons
    sender.map_to_core(first)
    sender.set_attributes(soma_hw_name="loihi_inputs[0]", model_attributes={"spikes": [True, False, False]})
    listener.map_to_core(second)
    listener.set_attributes(soma_hw_name="loihi_lif", log_spikes=True,
                            model_attributes={"threshold": threshold, "leak_decay": 0.0, "reset": 0.0})
    sender.connect_to_neuron(listener, {"weight": 1.0})
    made = sanafe.SpikingChip(chip)
    made.load(net)
    return any(made.sim(3, spike_trace=True)["spike_trace"])


seen = []
for threshold in (1.0, float(np.nextafter(1.0, 0.0)), float(np.nextafter(np.float32(1), np.float32(0)))):
    seen.append(fires(threshold))
    print(f"threshold {threshold:<19} fires: {seen[-1]}")
sys.exit(0 if seen == [False, False, True] else 10)
EOF

status=0
venv/bin/python -I check.py | grep -v '^Executed steps' || status=${PIPESTATUS[0]}
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

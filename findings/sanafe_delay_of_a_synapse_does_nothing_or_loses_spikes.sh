#!/usr/bin/env bash
# Tool: SANA-FE 2.2.9
# Guess: A synapse's attribute `delay`, "time-steps that a spike is delayed", makes its spike arrive so many steps later
#   on the Loihi that comes with the package.
# Seen: With the usual dendrite of that chip, which a neuron has unless told otherwise, the attribute is accepted and
#   nothing happens. With its `loihi_dendrites_delay` a lone spike never arrives, whatever the delay; of two spikes in
#   a row one does, and only without a delay.
# Output:
#   a neuron fires at 1 spike of weight 1; spikes sent in steps 0, or 0 and 1, of 12
#   usual dendrite    no delay: [1] [1, 2]
#   usual dendrite    delay 1:  [1] [1, 2]
#   usual dendrite    delay 3:  [1] [1, 2]
#   delaying dendrite no delay: [] [2]
#   delaying dendrite delay 1:  [] []
#   delaying dendrite delay 3:  [] []
# Why it matters: A skip over layers has to wait for the deep branch. With a delay it comes too early or never, without
#   a word. Neurons that repeat the spikes of a skip a step later do what a delay would.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --no-compile sanafe==2.2.9 || exit 2

cat >check.py <<'EOF'
import sys

import sanafe


def fired(train, delay, dendrite):
    """Steps in which a neuron fires that a train of spikes reaches by one synapse."""
    chip, net = sanafe.load_loihi(), sanafe.Network()
    first, second = chip.cores()[:2]
    (sender,) = net.create_neuron_group("sender", 1).neurons
    (listener,) = net.create_neuron_group("listener", 1).neurons
    sender.map_to_core(first)
    sender.set_attributes(soma_hw_name="loihi_inputs[0]",
                          model_attributes={"spikes": train + [False] * (12 - len(train))})
    listener.map_to_core(second)
    listener.set_attributes(
        soma_hw_name="loihi_lif", log_spikes=True, dendrite_hw_name=dendrite,
        model_attributes={"threshold": 0.5, "leak_decay": 0.0, "reset": 0.0, "force_update": True})
    sender.connect_to_neuron(listener, {"weight": 1.0} | ({} if delay is None else {"delay": delay}))
    made = sanafe.SpikingChip(chip)
    made.load(net)
    trace = made.sim(12, spike_trace=True)["spike_trace"]
    return [step for step, names in enumerate(trace) if names]


seen = {}
for name, dendrite in (("usual dendrite   ", "loihi_dendrites"), ("delaying dendrite", "loihi_dendrites_delay")):
    for delay in (None, 1, 3):
        seen[name.strip(), delay] = [fired(train, delay, dendrite) for train in ([True], [True, True])]
print("a neuron fires at 1 spike of weight 1; spikes sent in steps 0, or 0 and 1, of 12")
for (name, delay), (one, two) in seen.items():
    print(f"{name:17} {'no delay:' if delay is None else f'delay {delay}: '} {one} {two}")
early, lost = [[1], [1, 2]], [[], []]
still = all(seen["usual dendrite", delay] == early for delay in (None, 1, 3)) and (
    seen["delaying dendrite", 1] == seen["delaying dendrite", 3] == lost)
sys.exit(0 if still else 10)
EOF

status=0
venv/bin/python -I check.py | grep -v '^Executed steps' || status=${PIPESTATUS[0]}
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

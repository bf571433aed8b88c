"""A network as a SANA-FE program: its neurons on a chip like Intel's Loihi, with the energy and the time it takes.

Source: Boyle, Plagge, Cardwell, Chance, Gerstlauer, "SANA-FE: simulating advanced neuromorphic architectures for fast
exploration", IEEE Transactions on Computer-Aided Design of Integrated Circuits and Systems 44(8), 2025.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from whetstone_lab.exchange.script import Simulator
from whetstone_lab.simulator.network import Network

_BODY = '''
def simulate(pictures):
    """The spikes of each population, shape (pictures, neurons): one picture enters in each time step."""
    return run(pictures)[0]


def run(pictures):
    """The spikes of each population, and what SANA-FE says of the run: energy in joules, time in seconds."""
    pictures = by_input(pictures)
    count, last = len(next(iter(pictures.values()))), max(step for _, step in POPULATIONS.values())
    architecture, network, groups = sanafe.load_loihi(), sanafe.Network(), {}
    cores = iter(architecture.cores())

    def place(name, size):
        """The neurons of a new group, which begins on a core of its own."""
        groups[name] = network.create_neuron_group(name, size)
        neurons = list(groups[name].neurons)
        for number, neuron in enumerate(neurons):
            if number % NEURONS_OF_A_CORE == 0:
                core = next(cores, None)
                if core is None:
                    raise ValueError(f"Expected at most {len(architecture.cores())} cores of neurons; the chip has no "
                                     f"more for {name!r}.")
            neuron.map_to_core(core)
        return neurons

    def fire_above(neurons, thresholds):
        for neuron, threshold in zip(neurons, thresholds):
            # Updated in every step, since one whose threshold is below 0 fires without any spike.
            neuron.set_attributes(soma_hw_name="loihi_lif", log_spikes=True, model_attributes={
                "threshold": float(threshold), "leak_decay": 0.0, "reset": 0.0, "force_update": True})

    def later(name, steps):
        """The group that repeats the spikes of another so many steps later."""
        if not steps:
            return groups[name]
        relay, before = f"{name}, {steps} later", later(name, steps - 1)
        if relay not in groups:
            size = len(before.neurons)
            fire_above(place(relay, size), np.full(size, 0.5))
            before.connect_neurons_sparse(groups[relay], {"weight": [1.0] * size}, list(zip(range(size), range(size))))
        return groups[relay]

    for name, shown in pictures.items():
        if not np.isin(shown, (0, 1)).all():
            raise ValueError("Expected pictures of zeros and ones, as SANA-FE's inputs are spikes; got other values.")
        for number, neuron in enumerate(place(name, shown.shape[1])):
            spikes = [*(shown[:, number] > 0).tolist(), *[False] * last]
            neuron.set_attributes(soma_hw_name=f"loihi_inputs[{number % NEURONS_OF_A_CORE}]",
                                  model_attributes={"spikes": spikes})
    for number, (name, (size, _)) in enumerate(POPULATIONS.items()):
        fire_above(place(name, size), DATA[f"threshold_{number}"])
    for number, (source, target) in enumerate(CONNECTIONS):
        pre, post, weight = (DATA[f"{part}_{number}"].tolist() for part in ("pre", "post", "weight"))
        steps = POPULATIONS[target][1] - POPULATIONS.get(source, (0, 0))[1]
        later(source, steps - 1).connect_neurons_sparse(groups[target], {"weight": weight}, list(zip(pre, post)))
    chip = sanafe.SpikingChip(architecture)
    chip.load(network)
    found = chip.sim(count + last, spike_trace=True)
    spikes = {name: np.zeros((count, size), bool) for name, (size, _) in POPULATIONS.items()}
    for now, fired in enumerate(found["spike_trace"]):
        for neuron in fired:
            name = neuron.group_name
            picture = now - POPULATIONS[name][1] if name in POPULATIONS else -1
            if 0 <= picture < count:
                spikes[name][picture, neuron.neuron_offset] = True
    return spikes, found
'''

_IMPORTS = "import sanafe"

_CONSTANTS = """\
NEURONS_OF_A_CORE = 1024
"""

_FIRES = """\
fired, found = run(shown)
    count = len(next(iter(by_input(shown).values())))
    energy, time = found["energy"]["total"] / count, found["sim_time"] / count
    print(f"{energy:.3g} J and {time:.3g} s for each of {count} pictures")\
"""

_SIMULATOR = Simulator(
    "SANA-FE 2.2", ".sanafe.py", "sanafe", _IMPORTS, _CONSTANTS, _BODY, fires=_FIRES, strict=np.float32,
    timing="One picture enters in each time step, and each synapse takes a step.")


def to_sanafe(network: Network, path: str | Path) -> tuple[Path, Path]:
    """Writes a network as a script for SANA-FE, which tells its energy and latency, and its numbers in an ``.npz``.

    Every spike was the same in SANA-FE 2.2.9, with several pictures on their way at once. Its neurons fire above their
    threshold, which is in single precision: written is the float below. Pictures must be zeros and ones, as the
    chip's inputs are spikes. A skip over populations goes through neurons that repeat its spikes a step later, since
    a delay of a synapse is left out by the chip's usual dendrites.

    Args:
        network: A network with one output whose neurons forget from one wave to the next.
        path: The script, such as ``net.sanafe.py``. Its function ``run(pictures)`` gives the spikes and what SANA-FE
            says of the run, for Intel's Loihi as SANA-FE describes it: joules, seconds, messages. As a program it
            prints the joules and seconds of a picture.

    Returns:
        The paths of the script and of its numbers.

    Raises:
        ValueError: The network has several outputs, or a part of it is no sum of what spikes send; or the name does
            not end in ``.sanafe.py``.
    """
    return _SIMULATOR.write(network, path)


TARGET = _SIMULATOR.target(to_sanafe, "sanafe is installed; pictures of zeros and ones")

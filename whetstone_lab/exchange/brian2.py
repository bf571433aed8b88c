"""A network as a Brian2 program: groups of neurons, and synapses that send a picture a time step through them.

Source: Stimberg, Brette, Goodman, "Brian 2, an intuitive and efficient neural simulator", eLife 8, 2019.
"""

from __future__ import annotations

from pathlib import Path

from whetstone_lab.exchange.script import Simulator
from whetstone_lab.simulator.network import Network

_BODY = '''
def simulate(pictures):
    """The spikes of each population, shape (pictures, neurons): one picture enters in each time step."""
    pictures = by_input(pictures)
    count, last = len(next(iter(pictures.values()))), max(step for _, step in POPULATIONS.values())
    b2.defaultclock.dt = DT
    network, groups, monitors = b2.Network(), {}, {}
    for name, shown in pictures.items():
        values = b2.TimedArray(np.concatenate([shown, np.zeros((last + 1, shown.shape[1]))]), dt=DT)
        groups[name] = b2.NeuronGroup(shown.shape[1], "", threshold="picture(t, i) != 0", reset="",
                                      namespace={"picture": values})
    for number, (name, (size, step)) in enumerate(POPULATIONS.items()):
        group = groups[name] = b2.NeuronGroup(size, "v : 1\\ntheta : 1 (constant)", threshold="v >= theta", reset="")
        group.theta = DATA[f"threshold_{number}"]
        # Whoever fired or not forgets. As a reset this would come after the synapses and wipe out what just arrived.
        group.run_regularly("v = 0", when="after_thresholds")
        monitors[name] = b2.SpikeMonitor(group)
    for number, (source, target) in enumerate(CONNECTIONS):
        # A value of a picture that is not 0 arrives as a spike of that size.
        size, namespace = ("weight", {})
        if source in INPUTS:
            size, namespace = "weight * picture(t - delay, i)", groups[source].namespace
        synapses = b2.Synapses(groups[source], groups[target], "weight : 1", on_pre=f"v_post += {size}",
                               namespace=namespace)
        synapses.connect(i=DATA[f"pre_{number}"], j=DATA[f"post_{number}"])
        synapses.weight = DATA[f"weight_{number}"]
        # A spike arrives after the thresholds of its own step, and so counts in the next: that is a step by itself.
        synapses.delay = (POPULATIONS[target][1] - POPULATIONS.get(source, (0, 0))[1] - 1) * DT
        network.add(synapses)
    network.add(*groups.values(), *monitors.values())
    network.run((count + last) * DT)
    spikes = {}
    for name, monitor in monitors.items():
        size, step = POPULATIONS[name]
        picture = np.rint(np.asarray(monitor.t / DT)).astype(int) - step
        shown = (picture >= 0) & (picture < count)
        spikes[name] = np.zeros((count, size), bool)
        spikes[name][picture[shown], np.asarray(monitor.i)[shown]] = True
    return spikes
'''

_IMPORTS = "import brian2 as b2"

_CONSTANTS = """\
b2.prefs.codegen.target = "numpy"  # starts at once; without this line Brian2 compiles, which pays for large networks
DT = 1 * b2.ms
"""

_SIMULATOR = Simulator(
    "Brian2 2.9", ".brian2.py", "brian2", _IMPORTS, _CONSTANTS, _BODY,
    timing="One picture enters in each time step, and each synapse takes a step.")


def to_brian2(network: Network, path: str | Path) -> tuple[Path, Path]:
    """Writes a network as a script for Brian2, and its numbers in an ``.npz`` beside it.

    Every spike was the same in Brian2 2.9 (which needs NumPy below 2.4), with several pictures on their way at once.
    Its groups fire at ``v >= theta`` and have no reset: ``v`` is set to 0 right after the thresholds, since a reset
    comes after the synapses and would wipe out what arrived in its step. A value of a picture arrives as a spike of
    that size.

    Args:
        network: A network with one output whose neurons forget from one wave to the next.
        path: The script, such as ``net.brian2.py``.

    Returns:
        The paths of the script and of its numbers.

    Raises:
        ValueError: The network has several outputs, or a part of it is no sum of what spikes send; or the name does
            not end in ``.brian2.py``.
    """
    return _SIMULATOR.write(network, path)


TARGET = _SIMULATOR.target(to_brian2, "brian2 is installed; in Python 3.11 with a NumPy below 2.4")

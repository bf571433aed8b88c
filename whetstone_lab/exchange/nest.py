"""A network as a NEST program: neurons of the model ``iaf_psc_delta``, and a picture a time step through them.

Source: Gewaltig, Diesmann, "NEST (NEural Simulation Tool)", Scholarpedia 2(4), 2007.
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
    nest.ResetKernel()
    nest.resolution = DT
    nodes, recorders = {}, {}
    for name, shown in pictures.items():
        # A value that is not 0 is a spike of that size. Time begins behind 0.
        nodes[name] = nest.Create("spike_generator", shown.shape[1])
        for generator, values in zip(nodes[name], shown.T):
            at = values.nonzero()[0]
            generator.set(spike_times=(at + 1) * DT, spike_weights=values[at])
    for number, (name, (size, step)) in enumerate(POPULATIONS.items()):
        threshold = DATA[f"threshold_{number}"]
        # So short a time constant leaves nothing of a step to the next, whatever the voltage after a spike.
        nodes[name] = nest.Create("iaf_psc_delta", size, params={
            "tau_m": 1e-6 * DT, "t_ref": 0.0, "E_L": 0.0, "V_m": 0.0, "V_th": threshold, "V_reset": threshold - 1})
        recorders[name] = nest.Create("spike_recorder")
        nest.Connect(nodes[name], recorders[name])
    numbers = {name: np.array(nodes[name].tolist()) for name in nodes}
    for number, (source, target) in enumerate(CONNECTIONS):
        pre, post, weight = (DATA[f"{part}_{number}"] for part in ("pre", "post", "weight"))
        steps = POPULATIONS[target][1] - POPULATIONS.get(source, (0, 0))[1]
        nest.Connect(numbers[source][pre], numbers[target][post], "one_to_one",
                     {"weight": weight.astype(float), "delay": np.full(len(pre), steps * DT)})
    nest.Simulate((1 + count + last) * DT)
    spikes = {}
    for name, recorder in recorders.items():
        size, step = POPULATIONS[name]
        picture = np.rint(np.asarray(recorder.events["times"]) / DT).astype(int) - 1 - step
        shown = (picture >= 0) & (picture < count)
        spikes[name] = np.zeros((count, size), bool)
        spikes[name][picture[shown], np.asarray(recorder.events["senders"])[shown] - numbers[name][0]] = True
    return spikes
'''

_IMPORTS = "import nest"

_CONSTANTS = """\
nest.verbosity = nest.VerbosityLevel.WARNING
DT = 1.0  # milliseconds of a step
"""

_SIMULATOR = Simulator(
    "NEST 3.10", ".nest.py", "nest-simulator", _IMPORTS, _CONSTANTS, _BODY,
    timing="One picture enters in each time step, and each synapse takes a step.")


def to_nest(network: Network, path: str | Path) -> tuple[Path, Path]:
    """Writes a network as a script for NEST, and its numbers in an ``.npz`` beside it.

    Every spike was the same in NEST 3.10, with several pictures on their way at once. ``iaf_psc_delta`` fires at its
    threshold, as Whetstone's neurons do; a time constant of a millionth of a step makes it forget. A bias is taken off
    the threshold, which may so be below 0. A value of a picture is a spike of that weight.

    Args:
        network: A network with one output whose neurons forget from one wave to the next.
        path: The script, such as ``net.nest.py``.

    Returns:
        The paths of the script and of its numbers.

    Raises:
        ValueError: The network has several outputs, or a part of it is no sum of what spikes send; or the name does
            not end in ``.nest.py``.
    """
    return _SIMULATOR.write(network, path)


TARGET = _SIMULATOR.target(to_nest, "nest is installed (PyPI: nest-simulator)")

"""A network as a Nengo model: ensembles of neurons, and connections without a synapse between them.

Source: Bekolay et al., "Nengo: a Python tool for building large-scale functional brain models", Frontiers in
Neuroinformatics 7, 2014.
"""

from __future__ import annotations

from pathlib import Path

from whetstone_lab.exchange.script import Simulator
from whetstone_lab.simulator.network import Network

_BODY = '''
class IntegrateAndFire(nengo.neurons.NeuronType):
    """Fires where its current reaches 0, once at most, and keeps nothing."""

    spiking = True
    negative = False

    def gain_bias(self, max_rates, intercepts):
        return np.ones_like(max_rates), np.zeros_like(max_rates)

    def max_rates_intercepts(self, gain, bias):
        return np.ones_like(gain), -bias / gain

    def step(self, dt, J, output):
        output[...] = (J >= 0) / dt


def simulate(pictures):
    """The spikes of each population, shape (pictures, neurons): one picture in each time step."""
    pictures = by_input(pictures)
    count, spikes = len(next(iter(pictures.values()))), {}
    with nengo.Network(seed=0) as model:
        sources, probes = {}, {}
        for name, shown in pictures.items():
            sources[name] = nengo.Node(nengo.processes.PresentInput(shown, presentation_time=DT))
        for number, (name, (size, _)) in enumerate(POPULATIONS.items()):
            ensemble = nengo.Ensemble(size, dimensions=1, neuron_type=IntegrateAndFire(), gain=np.ones(size),
                                      bias=-DATA[f"threshold_{number}"])
            sources[name] = ensemble.neurons
            probes[name] = nengo.Probe(ensemble.neurons)
        for number, (source, target) in enumerate(CONNECTIONS):
            pre, post, weight = (DATA[f"{part}_{number}"] for part in ("pre", "post", "weight"))
            shape = sources[target].size_in, sources[source].size_out
            weights = np.zeros(shape)
            weights[post, pre] = weight
            # Without a synapse a spike arrives in its own step; synapse=0 would be a step of delay.
            nengo.Connection(sources[source], sources[target], transform=weights, synapse=None)
    with nengo.Simulator(model, dt=DT, progress_bar=False, optimize=False) as simulator:
        simulator.run_steps(count)
        return {name: simulator.data[probe] > 0 for name, probe in probes.items()}
'''

_IMPORTS = "import nengo"

_CONSTANTS = """\
DT = 1.0  # seconds of a step; a spike is 1 / DT high
"""

_SIMULATOR = Simulator(
    "Nengo 4.1", ".nengo.py", "nengo", _IMPORTS, _CONSTANTS, _BODY,
    timing="Each time step is one picture, from the first population to the last.")


def to_nengo(network: Network, path: str | Path) -> tuple[Path, Path]:
    """Writes a network as a script for Nengo, and its numbers in an ``.npz`` beside it.

    Every spike was the same in Nengo 4.1. Nengo's own neurons begin at a random voltage, keep what is left of it and
    may fire several times in a step; the script brings neurons of its own, three lines as Nengo's documentation has
    them, which its reference simulator runs. Backends for chips have only their own neurons.

    Args:
        network: A network with one output whose neurons forget from one wave to the next.
        path: The script, such as ``net.nengo.py``.

    Returns:
        The paths of the script and of its numbers.

    Raises:
        ValueError: The network has several outputs, or a part of it is no sum of what spikes send; or the name does
            not end in ``.nengo.py``.
    """
    return _SIMULATOR.write(network, path)


TARGET = _SIMULATOR.target(to_nengo, "nengo is installed")

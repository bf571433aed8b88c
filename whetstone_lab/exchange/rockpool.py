"""A network as a Rockpool program: layers of leaky integrate-and-fire neurons and the weights between them.

Source: Rockpool, a Python library for spiking neural networks and their chips, SynSense, 2019 to 2026.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from whetstone_lab.exchange.script import Simulator
from whetstone_lab.simulator.network import Network

_BODY = '''
def simulate(pictures):
    """The spikes of each population, shape (pictures, neurons): each picture is a trial of one time step."""
    signals = {name: shown[:, None] for name, shown in by_input(pictures).items()}
    for number, (name, (size, _)) in enumerate(POPULATIONS.items()):
        # Neurons of Rockpool fire where vmem / threshold is 1 or more, which a threshold of 0 or below cannot say. So
        # all have a tiny one, and each neuron its own, or the next number below it, as a bias.
        bias = -DATA[f"threshold_{number}"]
        bias[(bias > 0) & (bias < TINY)] = TINY
        neurons = LIF(size, tau_mem=STEP, tau_syn=FOREVER, bias=bias, threshold=np.full(size, TINY), dt=STEP,
                      max_spikes_per_dt=1)
        arrived = np.zeros((len(next(iter(signals.values()))), 1, size))
        for row, (source, target) in enumerate(CONNECTIONS):
            if target == name:
                weights = np.zeros((signals[source].shape[2], size))
                weights[DATA[f"pre_{row}"], DATA[f"post_{row}"]] = DATA[f"weight_{row}"]
                arrived += Linear(weights.shape, weight=weights)(signals[source])[0]
        signals[name], _, _ = neurons(arrived)
    return {name: signals[name][:, 0] > 0 for name in POPULATIONS}
'''

_IMPORTS = "from rockpool.nn.modules import LIF, Linear"

_CONSTANTS = """\
STEP = 1e-3  # seconds
FOREVER = 1e30  # seconds; of an input nothing is lost on its way through the synapse
TINY = 2.0**-890  # what divided by it is no infinity: membrane potentials up to 1e40
"""

_SIMULATOR = Simulator(
    "Rockpool 3.1", ".rockpool.py", "rockpool", _IMPORTS, _CONSTANTS, _BODY, strict=np.float64,
    timing="Each picture is a trial of one time step, from the first population to the last.")


def to_rockpool(network: Network, path: str | Path) -> tuple[Path, Path]:
    """Writes a network as a script for Rockpool, and its numbers in an ``.npz`` beside it.

    Every spike was the same in Rockpool 3.1.0, in its ``LIF`` and ``Linear`` modules that compute with NumPy in double
    precision. Its neurons let an input decay in the synapse before it arrives, keep what is left of their potential,
    and may fire several times in a step. So the synapse has a time constant without end, a neuron one spike a step at
    most, and each picture is a trial of its own that begins at rest. Through NIR none of these can be said, which is
    why ``.rockpool.nir`` is refused. Chips of Rockpool's, and its modules on PyTorch and JAX, were not tried.

    Args:
        network: A network with one output whose neurons forget from one wave to the next.
        path: The script, such as ``net.rockpool.py``.

    Returns:
        The paths of the script and of its numbers.

    Raises:
        ValueError: The network has several outputs, or a part of it is no sum of what spikes send; or the name does
            not end in ``.rockpool.py``.
    """
    return _SIMULATOR.write(network, path)


TARGET = _SIMULATOR.target(to_rockpool, "rockpool is installed")

"""A network as a Lava program: processes of neurons and of synapses, as Intel's Lava has them for its Loihi chips.

Source: Lava, a software framework for neuromorphic computing, Intel, 2021 to 2024.
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
    sent, sinks = {}, {}  # (name, steps later) -> the port that its spikes leave from; name -> where they are kept

    def synapses(weights):
        # Messages of 24 bits are values; of none they would be spikes, and a picture's greys be lost.
        return Sparse(weights=weights, num_message_bits=24)

    def later(name, steps):
        """Where the spikes of a population, or the values of an input, leave so many steps later."""
        if (name, steps) not in sent:
            before = later(name, steps - 1)
            relay = synapses(identity(before.shape[0], format="csr"))
            before.connect(relay.s_in)
            sent[name, steps] = relay.a_out
        return sent[name, steps]

    for name, shown in pictures.items():
        padded = np.concatenate([shown, np.zeros((last, shown.shape[1]))])
        sent[name, 0] = Source(data=padded.T).s_out
    neurons = {}
    for number, (name, (size, _)) in enumerate(POPULATIONS.items()):
        # Neurons fire above a threshold that all have in common: the least number below 0. Their own is a bias.
        neurons[name] = LIF(shape=(size,), du=1, dv=1, bias_mant=-DATA[f"threshold_{number}"], vth=BELOW_ZERO)
        sent[name, 0] = neurons[name].s_out
        sinks[name] = Sink(shape=(size,), buffer=count + last)
        neurons[name].s_out.connect(sinks[name].a_in)
    for number, (source, target) in enumerate(CONNECTIONS):
        pre, post, weight = (DATA[f"{part}_{number}"] for part in ("pre", "post", "weight"))
        steps = POPULATIONS[target][1] - POPULATIONS.get(source, (0, 0))[1]
        sender = later(source, steps - 1)
        layer = synapses(csr_matrix((weight.astype(float), (post, pre)), (POPULATIONS[target][0], sender.shape[0])))
        sender.connect(layer.s_in)
        layer.a_out.connect(neurons[target].a_in)
    first = next(iter(sinks.values()))
    try:
        first.run(condition=RunSteps(num_steps=count + last), run_cfg=Loihi1SimCfg(select_tag="floating_pt"))
        found = {name: sink.data.get().T for name, sink in sinks.items()}
    finally:
        first.stop()
    return {name: found[name][step : step + count] > 0 for name, (_, step) in POPULATIONS.items()}
'''

_IMPORTS = """\
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi1SimCfg
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF
from lava.proc.sparse.process import Sparse
from scipy.sparse import csr_matrix, identity"""

_CONSTANTS = """\
BELOW_ZERO = np.nextafter(0.0, -1.0)
"""

_SIMULATOR = Simulator(
    "Lava 0.10", ".lava.py", "lava-nc", _IMPORTS, _CONSTANTS, _BODY,
    timing="One picture enters in each time step, and each synapse takes a step.")


def to_lava(network: Network, path: str | Path) -> tuple[Path, Path]:
    """Writes a network as a script for Lava, and its numbers in an ``.npz`` beside it.

    Every spike was the same in Lava 0.10.0 (``lava-nc``, which needs Python 3.10 or older; the script does not need
    this package), with several pictures on their way at once. Its ``LIF`` fires *above* a threshold that all neurons of
    a process share. So all have the largest float below 0, and each neuron its own threshold as a bias, which is
    added with a minus: floats never lose the sign of a difference. ``du`` and ``dv`` of 1 make them forget. A
    ``Sparse`` process hands on in a step what came in the step before; a skip goes through more of them.

    The script runs Lava's floating point models. Its fixed point models, which compute as Loihi does, fire above their
    threshold too, but scale weights and thresholds by powers of two of their own; they are not written.

    Args:
        network: A network with one output whose neurons forget from one wave to the next.
        path: The script, such as ``net.lava.py``.

    Returns:
        The paths of the script and of its numbers.

    Raises:
        ValueError: The network has several outputs, or a part of it is no sum of what spikes send; or the name does
            not end in ``.lava.py``.
    """
    return _SIMULATOR.write(network, path)


TARGET = _SIMULATOR.target(to_lava, "lava-nc is installed, which needs Python 3.10 or older")

"""Integrate-and-fire networks that run in NumPy: no Keras, no build step.

``run(network, inputs)`` gives a ``SpikeRecord``; what networks are made of is in ``operations``.
"""

from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.simulator import encoding
from whetstone_lab.simulator.faults import Faults, sweep
from whetstone_lab.simulator.network import Network, Node
from whetstone_lab.simulator.operation_counts import Costs, costs
from whetstone_lab.simulator.runner import predict, run

__all__ = ["Costs", "Faults", "Network", "Node", "SpikeRecord", "costs", "encoding", "predict", "run", "sweep"]

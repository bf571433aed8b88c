"""Integrate-and-fire networks that run in NumPy: no Keras, no build step.

``run(network, inputs)`` gives a ``SpikeRecord``; what networks are made of is in ``operations``.
"""

from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.simulator import encoding, operations
from whetstone_lab.simulator.faults import Faults
from whetstone_lab.simulator.network import Network, Node, Output
from whetstone_lab.simulator.neurobench_metrics import NeuroBenchMetrics, neurobench
from whetstone_lab.simulator.operation_counts import OperationCounts, count_operations
from whetstone_lab.simulator.rate_coding import rate_coded
from whetstone_lab.simulator.readouts import Readout, accuracy
from whetstone_lab.simulator.runner import evaluate, predict, run
from whetstone_lab.simulator.sweeps import sweep

__all__ = [
    "Faults", "Network", "NeuroBenchMetrics", "Node", "OperationCounts", "Output", "Readout", "SpikeRecord", "accuracy",
    "count_operations", "encoding", "evaluate", "neurobench", "operations", "predict", "rate_coded", "run", "sweep",
]

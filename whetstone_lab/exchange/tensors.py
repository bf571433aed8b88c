"""The lowering to tensors: what formats share that say a network in operators on whole arrays, as runtimes run them.

A runtime may add, fuse and fold as it likes. So a layer of neurons is written as a comparison with its thresholds, and
what stands between sums and thresholds is worked into the thresholds here, before the runtime can work it into weights.
"""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np

from whetstone_lab.simulator import operations as ops
from whetstone_lab.simulator.network import Network, Node
from whetstone_lab.simulator.operations import without_scale

#: Bytes of numbers that a file may hold: protobuf, which packs ONNX, and flatbuffers, which packs LiteRT, end at 2 GiB.
#: What is left of these is for names and operators.
MAX_MODEL_BYTES = (2 << 30) - (16 << 20)


def for_tensors(network: Network, model: str) -> Network:
    """The same network as operators on tensors can say it: scales are worked into the thresholds of neurons.

    Where a scale leads to neurons and to nothing else, runtimes would multiply it into the weights before it, which
    rounds otherwise. What is left of it are signs.

    Args:
        network: A network whose neurons forget from one wave to the next, of the simulator's own operations.
        model: What is written, for errors, such as ``"an ONNX model"``.

    Raises:
        ValueError: A node cannot be written so; the message names it. Or its numbers are more than a file of such a
            format can hold.
    """
    size = sum(array.nbytes for node in network.nodes for array in node.operation.arrays().values())
    if size > MAX_MODEL_BYTES:
        raise ValueError(f"Expected a network whose weights and thresholds fill at most {MAX_MODEL_BYTES:,} bytes, as "
                         f"{model} ends at 2 GiB; these fill {size:,}. A .npz file, which has no such end, keeps the "
                         "network whole.")
    for node in network.nodes:
        if type(node.operation) not in ops.KINDS.values():
            raise ValueError(f"Node {node.name!r}, {type(node.operation).__name__}: {model} is written of the "
                             f"operations {', '.join(ops.KINDS)}. Write it as some of these.")
        if isinstance(node.operation, ops.Neurons) and node.operation.remembers:
            raise ValueError(f"Node {node.name!r}, Neurons: expected neurons that forget each step, as {model} has no "
                             "memory: a leak of 1, no refractory time, no delay. Run others in the simulator.")
    heard = network.heard
    nodes: dict[str, Node] = {}
    for node in network.nodes:
        neurons, (source, *_) = node.operation, node.inputs
        if isinstance(neurons, ops.Neurons):
            threshold, signs = neurons.threshold, np.ones((), network.dtype)
            while heard[source] == 1 and source in nodes and isinstance(scale := nodes[source].operation, ops.Scale):
                signs, threshold = without_scale(threshold, signs * scale.factor, signs * scale.offset)
                name, source = source, nodes.pop(source).inputs[0]
            if threshold is not neurons.threshold:
                nodes[name] = Node(name, ops.Scale(signs), (source,))
                node = Node(node.name, replace(neurons, threshold=threshold), (name,))
        nodes[node.name] = node
    return network.with_nodes(nodes.values())


def least_thresholds(threshold: np.ndarray) -> np.ndarray:
    """Which thresholds are the least float above 0.

    To reach it is to be above 0, and that is how a runtime has to be asked: some take a float that small for 0.
    """
    return threshold == np.finfo(threshold.dtype).smallest_subnormal


def said_of(network: Network) -> dict[str, str]:
    """What a model keeps of a network beside its numbers, each in JSON: how outputs are read, and its metadata."""
    heads = {name: {"readout": head.kind, "threshold": head.threshold,
                    "key": None if head.key is None else head.key.tolist()} for name, head in network.heads.items()}
    return {"heads": json.dumps(heads), "meta": json.dumps(network.meta)}

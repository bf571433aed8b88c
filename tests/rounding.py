"""How far float32 sums may be from the truth: where two libraries may differ in a spike, and where they must not."""

from __future__ import annotations

import numpy as np

from whetstone_lab.simulator import operations


def terms_of(operation, shapes):
    """Roundings on the way from inputs to an output: one a product and one a sum, at most."""
    if isinstance(operation, (operations.Dense, operations.Conv2D, operations.Conv2DTranspose)):
        return int(np.prod(operation.weights.shape[:-1])) + 1
    if isinstance(operation, operations.AveragePool2D):
        return int(np.prod(operation.size)) + 1
    if isinstance(operation, operations.GlobalAveragePool2D):
        return shapes[0][0] * shapes[0][1] + 1
    return {operations.Scale: 2, operations.Add: len(shapes)}.get(type(operation), 0)


def true_potentials(network, record):
    """Each layer's potentials for the spikes that arrived, in float64, and how far float32 sums may be off.

    Any order of summation of n rounded products is within gamma(n) * sum |x w| of the true sum, with gamma(n) =
    n u / (1 - n u) and u = 2^-24 (Higham 2002, section 3.1); operations in a row add their n.
    """
    x = np.asarray(record.inputs, np.float64)
    values = {"input": (x, np.abs(x), 0)}
    for node in network.nodes:
        true, size, terms = zip(*(values[name] for name in node.inputs), strict=True)
        if isinstance(node.operation, operations.Neurons):
            slack = terms[0] * 2.0**-24 / (1 - terms[0] * 2.0**-24) * size[0]
            yield node.name, true[0], slack
            spikes = record.dense(node.name)[:, network.steps[node.name]].astype(np.float64)
            values[node.name] = (spikes, spikes, 0)
        else:
            wide = node.operation.astype(np.float64)
            positive = type(wide)(**wide.options() | {name: np.abs(array) for name, array in wide.arrays().items()})
            more = terms_of(wide, [network.shapes[name] for name in node.inputs])
            values[node.name] = (wide.apply(*true), positive.apply(*size), max(terms) + more)


def beyond_doubt(network, record):
    """Samples of which no potential anywhere is so near its threshold that rounding could turn its neuron."""
    found = np.ones(record.samples, bool)
    thresholds = {node.name: node.operation.threshold for node in network.nodes
                  if isinstance(node.operation, operations.Neurons)}
    for layer, true, slack in true_potentials(network, record):
        found &= (np.abs(true - thresholds[layer]) > slack).reshape(record.samples, -1).all(axis=1)
    return found

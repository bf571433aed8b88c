"""``sweep``: what a network still gets right with more and more of a fault."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from whetstone_lab.simulator.faults import Faults
from whetstone_lab.simulator.network import Network
from whetstone_lab.simulator.runner import evaluate


def sweep(network: Network, inputs: Any, labels: Any, fault: str, values: Iterable[float], *, seeds: int = 3,
          faults: Faults | None = None) -> np.ndarray:
    """How accurate a network stays with more and more of a fault.

    Args:
        network: A network with one output, which stands for classes.
        inputs: Samples, shape ``(samples, *network.input_shape)``.
        labels: Their true classes, integers of shape ``(samples,)``, or ``(samples, ...)`` where every place of the
            output has a class of its own.
        fault: The name of one of the arguments of :class:`Faults`.
        values: What it is set to, one after the other.
        seeds: How many draws of each, with seeds from that of ``faults`` on. Default: 3.
        faults: What is wrong besides. Default: nothing.

    Returns:
        Accuracies in [0, 1], shape ``(values, seeds)``.

    Raises:
        ValueError: There is no such fault, there are several outputs or one that stands for no classes, or no labels of
            the shape of the decisions; or as in :class:`Faults` and ``predict``.

    Example:
        >>> from whetstone_lab.simulator import operations
        >>> network = Network((4,), [operations.Neurons(0.5)], key=[[1, 1, 0, 0], [0, 0, 1, 1]])
        >>> sweep(network, [[0, 0, 1, 1]], [1], "dead", [0.0, 1.0], seeds=2).tolist()
        [[1.0, 1.0], [0.0, 0.0]]
    """
    faults = faults or Faults()
    names = [name for name in faults.__dataclass_fields__ if name != "seed"]
    if fault not in names:
        raise ValueError(f"Expected a fault among {names}; got {fault!r}.")
    if not network.head.decides:
        raise ValueError(f"Expected a network whose output stands for classes; this one is read as "
                         f"{network.readout!r}.")
    found = []
    for value in values:
        options: list[Any] = [{fault: value, "seed": faults.seed + seed} for seed in range(seeds)]
        found.append([evaluate(network, inputs, labels, faults=replace(faults, **option))["accuracy"]
                      for option in options])
    return np.array(found)

"""From a NIR graph to a network."""

from __future__ import annotations

import math
import os
import warnings
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import numpy as np

from whetstone_lab.exchange.layout import channels_last
from whetstone_lab.exchange.nir.names import read_name
from whetstone_lab.exchange.nir.nesting import opened
from whetstone_lab.exchange.nir.neurons import STEP, is_slow
from whetstone_lab.exchange.nir.nodes import passes_on, read_node
from whetstone_lab.exchange.nir.package import load_nir, read_graph
from whetstone_lab.simulator.network import INPUT, Network, Node, Output, check_size
from whetstone_lab.simulator.operations import Add, Neurons, Operation, Shape
from whetstone_lab.simulator.readouts import ANALOG


def from_nir(source: Any, *, step: float = STEP, at_threshold: bool = False) -> Network:
    """Makes a network from a NIR graph or file.

    Known are ``Affine``, ``Linear``, ``Conv1d``, ``Conv2d``, ``AvgPool2d`` and ``SumPool2d`` without padding,
    ``Flatten`` of all axes, ``Scale``, ``Identity``, ``Threshold``, ``IF``, ``LIF``, and ``CubaLIF`` whose synapse
    forgets within a time step; leak and reset are at 0. Their equations are taken in Euler steps: ``v += step / tau *
    (r I - v)``. Of nodes that give values, ``LI`` and ``CubaLI`` are known where nothing is left of a step in the next,
    and ``I`` where it is what is read, as votes add up over the steps. A ``Delay`` is known where it is 0. Graphs
    within the graph are opened: node ``n`` of ``inner`` becomes ``inner.n``. Images are channels last in the network:
    ``(channels, rows, columns)`` in NIR is ``(rows, columns, channels)`` here. An axis of one sample, which some tools
    leave in the shape of an input, is taken off.

    What tools write says of their neurons what NIR has words for, and not always all. Read so, the spikes were those of
    the tool itself, step by step, with what neurons keep from step to step:

    - snnTorch 1.0.0, ``Leaky`` with ``reset_mechanism="zero"``: as it is. (By itself it subtracts, which no file says.)
    - SpikingJelly 2.0.0, ``IFNode``, ``LIFNode`` and ``CUBALIFNode`` that reset to 0: with ``at_threshold=True``.
    - Norse 1.1.0, ``IAFCell``: with ``step=1``. ``LIFBoxCell``: with ``step=dt * dt``, as it writes time constants
      times ``dt``.
    - sinabs 3.1.3, ``IAFSqueeze`` with ``SingleSpike``, ``MembraneReset()`` and no ``min_v_mem``: with ``step=1`` and
      ``at_threshold=True``.

    Files of spyx 1.0.0 have another gain than its neurons, and its spikes come a step late.

    Args:
        source: A ``nir.NIRGraph``, or the path of a file. Nothing in a file is ever run.
        step: The time step in seconds, no longer than any time constant. Default: 1e-4, which snnTorch 1.0.0 and
            SpikingJelly 2.0.0 assume too. Some tools write times in steps; their graphs want a step of 1.
        at_threshold: Whether neurons fire at their threshold, too, as those of SpikingJelly and sinabs do, whose files
            do not say so. Default: False; NIR's neurons fire above it.

    Returns:
        The network. The class key and the read-out are those that
        :func:`to_nir` put into the metadata; what others keep there is left alone. Several ``Input`` and ``Output``
        nodes become several inputs and outputs.

    Raises:
        ImportError: The package ``nir`` is not installed.
        FileNotFoundError: There is no such file.
        ArchiveError: The file is damaged, is no NIR file, or claims more than it holds.
        ValueError: The graph holds what the simulator cannot run; the message names the node.

    Warns:
        UserWarning: In a time step an input of 1 adds so little to a membrane potential that the neurons will hardly
            ever fire, as when the graph counts time in steps.
    """
    if isinstance(source, (str, os.PathLike)):
        source = read_graph(Path(source))
    reader = _GraphReader(source, step, at_threshold)
    network = reader.network()
    if reader.slow:
        warnings.warn(f"In a step of {step:g} s an input of 1 brings the neurons of {', '.join(map(repr, reader.slow))}"
                      " less than a thousandth of the way to their threshold, so that they hardly ever fire. If the "
                      "graph counts time in steps, as Norse and sinabs do in IF nodes with r = 1, pass step=1.",
                      stacklevel=2)
    return network


class _GraphReader:
    """Turns the nodes of a NIR graph into operations, in an order in which they can run.

    Attributes:
        slow: Names of the NIR nodes whose neurons hardly ever fire at this time step.
    """

    def __init__(self, graph: Any, step: float, at_threshold: bool) -> None:
        nir = load_nir()
        if not isinstance(graph, nir.NIRGraph):
            raise ValueError(f"Expected a NIR graph; got {type(graph).__name__}.")
        if not 0 < step < math.inf:
            raise ValueError(f"Expected step to be a positive time in seconds; got {step!r}.")
        self.graph, self.step, self.at_threshold = opened(graph), step, at_threshold
        self.nodes: list[Node] = []
        self.shapes: dict[str, Shape] = {}
        self.names: dict[str, str] = {}  # NIR node -> the node of ours that gives its output
        self.slow: list[str] = []

    def network(self) -> Network:
        """The network that does what the graph does."""
        before = self._predecessors()
        sources, ends = self._ends("Input"), self._ends("Output")
        for name in [*sources, *(name for name in _in_order(before, ends) if name not in sources)]:
            node = self.graph.nodes[name]
            try:
                if name in sources:
                    if before[name]:
                        raise ValueError(f"expected an input that nothing leads to; got {before[name]} before it.")
                    ours = self.names[name] = INPUT if len(sources) == 1 else name
                    self.shapes[ours] = channels_last(self._input_shape(name, node))
                    check_size("the input", self.shapes[ours])
                else:
                    self._add(name, node, before[name])
            except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
                raise ValueError(f"NIR node {name!r}, {type(node).__name__}: {error}") from error
        read = {end: self.names[end] for end in ends}
        inputs = {self.names[name]: self.shapes[self.names[name]] for name in sources}
        if not self.nodes or set(read.values()) & set(inputs):
            raise ValueError("Expected a NIR graph with nodes between its input and its output.")
        network = Network(inputs, self.nodes)
        if len(ends) == 1:
            spiking = network.spiking[read[ends[0]]]
            return Network(inputs, self.nodes, **_read_out(self.graph.metadata, spiking))
        outputs = {}
        for end in ends:
            said = self.graph.nodes[end].metadata
            called = _text(said.get("name"))
            outputs[end if called is None or called in outputs else called] = Output(
                read[end], **_read_out(said, network.spiking[read[end]]))
        return Network(inputs, self.nodes, outputs=outputs)

    def _predecessors(self) -> dict[str, list[str]]:
        before: dict[str, list[str]] = {name: [] for name in self.graph.nodes}
        for source, target in self.graph.edges:
            if source not in before or target not in before or source in before[target]:
                raise ValueError(f"Expected edges between the nodes {sorted(before)}, each once; got {source!r} to "
                                 f"{target!r}.")
            before[target].append(source)
        return before

    def _ends(self, kind: str) -> list[str]:
        """The graph's inputs, or its outputs."""
        found = [name for name, node in self.graph.nodes.items() if type(node).__name__ == kind]
        if not found:
            raise ValueError(f"Expected a NIR graph with an {kind.lower()} at least; got the nodes "
                             f"{sorted(self.graph.nodes)}.")
        return found

    def _input_shape(self, name: str, node: Any) -> Shape:
        """The shape of an input, channels first, without an axis of one sample."""
        shape = _shape(node.input_type["input"])
        heard_by = {type(self.graph.nodes[target]).__name__ for source, target in self.graph.edges if source == name}
        a_row = len(shape) == 2 and heard_by <= {"Affine", "Linear"}
        return shape[1:] if shape[0] == 1 and (a_row or len(shape) == 4) else shape

    def _add(self, name: str, node: Any, before: list[str]) -> None:
        if not before:
            raise ValueError("nothing leads to it.")
        inputs = [self.names[other] for other in before]
        if len(inputs) > 1:
            inputs = [self._put(self._free(f"{name}_sum"), Add(), inputs)]
        if type(node).__name__ == "I" and (others := self._others(name)):
            raise ValueError(f"expected an integrator to be read, as values here remember nothing; it leads to "
                             f"{others}. Neurons integrate themselves: IF in place of I and a threshold.")
        operations = list(read_node(node, self.shapes[inputs[0]], self.step, self.at_threshold))
        for operation in operations[:-1]:
            inputs = [self._put(self._free(f"{name}_{type(operation).__name__.lower()}"), operation, inputs)]
        for operation in operations[-1:]:  # the last has the node's own name
            inputs = [self._put(self._free(name) if name == INPUT else name, operation, inputs)]
            if isinstance(operation, Neurons) and is_slow(node, self.step):
                self.slow.append(name)
        self.names[name] = inputs[0]

    def _others(self, name: str) -> list[str]:
        """The nodes that hear what one gives, but for outputs and for what passes it on as it is."""
        found, ways = [], [name]
        for source in ways:  # it grows meanwhile; there are no loops
            for target in (target for before, target in self.graph.edges if before == source):
                node = self.graph.nodes[target]
                if passes_on(node):
                    ways.append(target)
                elif type(node).__name__ != "Output":
                    found.append(target)
        return found

    def _free(self, name: str) -> str:
        """A name that neither a node here nor one of NIR's has."""
        return read_name(name, {*self.graph.nodes, *self.shapes})

    def _put(self, name: str, operation: Operation, inputs: list[str]) -> str:
        self.shapes[name] = operation.output_shape(*(self.shapes[other] for other in inputs))
        check_size("its output", self.shapes[name])  # before anything is made for what follows it
        self.nodes.append(Node(name, operation, tuple(inputs)))
        return name


def _in_order(before: dict[str, list[str]], outputs: list[str]) -> list[str]:
    """The nodes that the outputs depend on, each behind those before it."""
    needed, left = set(outputs), list(outputs)
    while left:
        new = set(before[left.pop()]) - needed
        needed |= new
        left += new
    try:
        return list(TopologicalSorter({name: before[name] for name in needed}).static_order())
    except CycleError as error:
        raise ValueError(f"Expected a NIR graph without loops; got one through {error.args[1]}, and a wave of "
                         "spikes ends only where it climbs.") from error


def _read_out(metadata: dict[str, Any], spiking: bool) -> dict[str, Any]:
    """Read-out, key and threshold as metadata say them, where :func:`to_nir` wrote them.

    It writes a read-out always, and a key with the read-out ``"key"`` only. Metadata are free, so a ``key`` alone, or a
    read-out that does not fit the output, is somebody else's.
    """
    readout = _text(metadata.get("readout"))
    if readout == "key" and "key" in metadata:
        return {"key": np.asarray(metadata["key"])}
    if readout not in ANALOG or spiking:
        return {}  # what a network has unless told otherwise
    threshold = np.asarray(metadata.get("threshold", 0.0))
    beyond = readout in ("logit", "sigmoid") and threshold.ndim == 0 and threshold.dtype.kind in "iuf"
    return {"readout": readout, "threshold": float(threshold) if beyond else 0.0}


def _text(value: Any) -> str | None:
    value = value.decode(errors="replace") if isinstance(value, bytes) else value
    return value if isinstance(value, str) else None


def _shape(value: Any) -> Shape:
    if value is None:
        raise ValueError("expected a known shape; got none.")
    lengths = np.atleast_1d(value)
    if lengths.ndim > 1:  # which older NumPy takes for a number where it holds but one
        raise ValueError(f"expected a shape as a list of lengths; got {lengths.ndim} axes of them.")
    if not ((lengths == np.floor(lengths)) & (lengths >= 1)).all() or not lengths.size:
        raise ValueError(f"expected a shape of positive lengths in whole numbers; got {lengths.tolist()}.")
    return tuple(int(length) for length in lengths)

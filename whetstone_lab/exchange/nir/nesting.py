"""Graphs within NIR graphs, opened: their nodes stand beside those of the graph that they were a node of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from whetstone_lab.exchange.nir.names import read_name

#: Graphs within graphs within graphs, at most so many.
DEPTH = 20


class Identity:
    """Stands for the input or the output of an inner graph: what comes in goes out."""


@dataclass(frozen=True)
class Opened:
    """A graph without graphs in it.

    Attributes:
        nodes: Name -> node. One of an inner graph is called ``outer.inner``.
        edges: From where to where.
        metadata: Those of the outermost graph.
    """

    nodes: dict[str, Any]
    edges: list[tuple[str, str]]
    metadata: dict[str, Any] = field(default_factory=dict)


def opened(graph: Any, depth: int = 0) -> Opened:
    """A NIR graph with its inner graphs opened.

    Raises:
        ValueError: An inner graph has several inputs or outputs, of which an edge cannot say which it means; or they
            lie too deep.
    """
    nodes: dict[str, Any] = {}
    edges: list[tuple[str, str]] = []
    enter: dict[str, str] = {}
    leave: dict[str, str] = {}
    for name, node in graph.nodes.items():
        if type(node).__name__ != "NIRGraph":
            nodes[name] = node
            continue
        if depth == DEPTH:
            raise ValueError(f"NIR node {name!r}, NIRGraph: expected graphs at most {DEPTH} deep in each other.")
        inner = opened(node, depth + 1)
        called = {each: read_name(f"{name}.{each}", {*graph.nodes, *nodes}) for each in inner.nodes}
        for kind, ends in (("Input", enter), ("Output", leave)):
            found = [each for each, part in inner.nodes.items() if type(part).__name__ == kind]
            if len(found) != 1:
                raise ValueError(f"NIR node {name!r}, NIRGraph: expected one {kind.lower()}, as an edge to or from a "
                                 f"graph cannot say which of several it means; got {found}.")
            ends[name] = called[found[0]]
        nodes |= {called[each]: Identity() if called[each] in (enter[name], leave[name]) else part
                  for each, part in inner.nodes.items()}
        edges += [(called[source], called[target]) for source, target in inner.edges]
    edges += [(leave.get(source, source), enter.get(target, target)) for source, target in graph.edges]
    return Opened(nodes, edges, graph.metadata)

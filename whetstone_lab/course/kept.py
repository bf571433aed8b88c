"""Networks, runs and spikes kept in the package, for chapters whose training would take longer than a class waits.

``benchmarks/kept.py`` made them, and makes them anew; ``data/README.md`` says from what.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.records.trace import Trace
from whetstone_lab.simulator.network import Network

#: The folder of what is kept. Its files are called ``NAME.network.npz``, ``NAME.trace.npz`` and ``NAME.spikes.npz``.
DATA = Path(__file__).with_name("data")

Kept = TypeVar("Kept")


def names(kind: str = "network") -> list[str]:
    """What is kept of a kind: ``"network"`` (the default), ``"trace"`` or ``"spikes"``."""
    return sorted(path.name.removesuffix(f".{kind}.npz") for path in DATA.glob(f"*.{kind}.npz"))


def network(name: str) -> Network:
    """A trained network, fully sharp.

    Args:
        name: One of ``names("network")``, such as ``"digits"``.

    Raises:
        ValueError: No network of that name is kept.
    """
    return _load(Network.load, name, "network")


def trace(name: str) -> Trace:
    """The recorded run of a training. ``name`` is one of ``names("trace")``; any other is a ValueError."""
    return _load(Trace.load, name, "trace")


def record(name: str) -> SpikeRecord:
    """The spikes of a network. ``name`` is one of ``names("spikes")``; any other is a ValueError."""
    return _load(SpikeRecord.load, name, "spikes")


def _load(load: Callable[[Path], Kept], name: str, kind: str) -> Kept:
    if name not in names(kind):
        raise ValueError(f"Expected the name of a kept {kind}, one of {names(kind)}; got {name!r}.")
    return load(DATA / f"{name}.{kind}.npz")

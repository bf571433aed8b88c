"""PyNN, which is refused: one of its scripts gives other spikes in each simulator beneath it.

Seen in PyNN 0.13: over Brian2 a cell leaks for a whole step before it is compared with its threshold, over NEST it does
not; NEST starts at -70 mV whatever the initial voltage; and the same spike is stamped a step apart.
"""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from whetstone_lab.exchange.targets import Target
from whetstone_lab.simulator.network import Network


def to_pynn(network: Network, path: str | Path) -> NoReturn:
    """Refuses, and says what to write.

    Raises:
        ValueError: Always.
    """
    raise ValueError(f"Expected a simulator to write for; got {path}, and one script for PyNN gives other spikes over "
                     "NEST than over Brian2. Write for the simulator itself: a name that ends in .nest.py or "
                     ".brian2.py.")


TARGET = Target(
    ".pynn.py", write=to_pynn, read=None, package=None, writes=False,
    keeps="Nothing, it is refused: one script gives other spikes over NEST than over Brian2. Write .nest.py or "
          ".brian2.py.",
    about="PyNN, one script for several simulators")

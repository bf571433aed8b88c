"""The network's own format: an ``.npz`` archive, described in :meth:`whetstone_lab.Network.save`."""

from __future__ import annotations

from whetstone_lab.exchange.targets import Target
from whetstone_lab.simulator.network import Network

TARGET = Target(
    ".npz", write=Network.save, read=Network.load, package=None, metadata=True,
    keeps="All of the network, to the last bit; any language that reads NumPy's format reads it.",
    about="the simulator's own format, NumPy arrays in a zip archive",
    use="whetstone-lab simulate FILE, or network = whetstone_lab.Network.load('FILE').")

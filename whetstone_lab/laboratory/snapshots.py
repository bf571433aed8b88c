"""What the network of a run was after some of its epochs, and the samples that are shown to it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from whetstone_lab.datasets.dataset import Dataset
from whetstone_lab.records import archive
from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.simulator import Network
from whetstone_lab.simulator.network import Node
from whetstone_lab.simulator.runner import run
from whetstone_lab.view import scenes
from whetstone_lab.view.scenes.network import MOST_SAMPLES

KIND, VERSION = "whetstone_lab.epochs", 1

#: Epochs whose network is remembered, and their bytes, at the most. Of more, every second one is let go.
_REMEMBERED, _BYTES = 256, 64 << 20

#: Bytes of earlier networks that are kept in a file at the most.
_KEPT = 2 << 20

#: Samples that are looked at, at the most.
_SHOWN = 24


class Snapshots:
    """The network of a run as it was after some of its epochs, and samples to show to it.

    Args:
        x: The samples, shape ``(samples, ...)``; the first 500 are used. Default: none.
        y: Their true classes or values, shape ``(samples, ...)``. Default: unknown.
        shown: How many of them, from the first on, are looked at one by one. Default: ten.

    Attributes:
        networks: Epochs trained -> the network, in rising order. It is replaced and never changed, so that another
            thread may read it meanwhile.
    """

    def __init__(self, x: Any = None, y: Any = None, shown: int = 10) -> None:
        self.x = np.zeros((0, 1), np.float32) if x is None else np.asarray(x)[:MOST_SAMPLES]
        self.y = None if y is None else np.asarray(y)[:len(self.x)]
        self.shown = min(shown, len(self.x))
        self.networks: Mapping[int, Network] = {}
        #: Epochs trained -> the network, and what it did. Replaced as ``networks`` is.
        self._waves: Mapping[int, tuple[Network, SpikeRecord]] = {}

    @classmethod
    def of_data(cls, data: Dataset) -> Snapshots:
        """The test pictures of a data set, the first of each class in front: those are the ones that are looked at."""
        return cls.of_samples(data.x_test, data.y_test)

    @classmethod
    def of_samples(cls, x: Any, y: Any = None) -> Snapshots:
        """Samples of which the first of each class, at most 24, stand in front and are looked at; without classes ten.

        Args:
            x: The samples, shape ``(samples, ...)``.
            y: Their true classes or values. Default: unknown.

        Raises:
            ValueError: There is an ``y`` for each of several outputs.
        """
        if isinstance(y, Mapping):
            raise ValueError(f"Expected one y; got one for each output: {', '.join(map(str, y))}. Leave it out.")
        x, y = np.asarray(x), None if y is None else np.asarray(y)[:len(x)]
        if y is None or y.ndim != 1 or y.dtype.kind not in "iu":
            return cls(x, y)
        firsts = np.unique(y, return_index=True)[1][:_SHOWN]
        order = np.concatenate([firsts, np.setdiff1d(np.arange(len(y)), firsts)])[:MOST_SAMPLES]
        return cls(x[order], y[order], len(firsts))

    def add(self, epochs: int, network: Network) -> None:
        """Notes what the network is after so many epochs; what was noted of later ones is forgotten."""
        known = [(at, kept) for at, kept in self.networks.items() if at < epochs]
        if len(known) >= min(_REMEMBERED, max(_BYTES // max(size(network), 1), 1)):
            known = known[1::2]
        self.networks = dict([*known, (epochs, network)])
        self._waves = {at: kept for at, kept in self._waves.items() if at < epochs}

    def at(self, epochs: float | None = None) -> tuple[int, Network] | None:
        """The network after so many epochs.

        Args:
            epochs: After how many; the nearest before is taken. Default: the newest.

        Returns:
            After how many epochs it was, and the network; None where there is none yet.
        """
        networks = self.networks
        known = [at for at in networks if epochs is None or at <= epochs + 1e-6]
        return (known[-1], networks[known[-1]]) if known else None

    def wave(self, epochs: float | None = None) -> tuple[int, SpikeRecord] | None:
        """What the neurons did on the samples that are looked at, or would have done if all of them spiked.

        Args:
            epochs: As for :meth:`at`.

        Returns:
            After how many epochs it was, and the spikes; None where there are no spikes.
        """
        found = self.at(epochs)
        if found is None or not self.shown:
            return None
        at, network = found
        whose, record = self._waves.get(at, (None, None))
        if record is None or whose is not network:  # what trains may have noted another network meanwhile
            shown = slice(self.shown)
            x = scenes.Samples.of(network, self.x[shown]).values
            record = run(network, x, labels=None if self.y is None else self.y[shown])
            self._waves = dict([*self._waves.items(), (at, (network, record))][-_REMEMBERED:])
        return at, record

    def pictures(self) -> np.ndarray:
        """The samples that are looked at as pictures, ``(pictures, rows, columns)`` or with 3 channels behind.

        None of them where they look like no pictures: shape ``(0, 1, 1)``.
        """
        seen = [scenes.as_picture(each) for each in self.x[:self.shown]]
        known = [each for each in seen if each is not None]
        return np.array(known) if known and len(known) == len(seen) else np.zeros((0, 1, 1), np.float32)

    # -- files --------------------------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str], whole: bool = True) -> None:
        """Writes the networks to two files: the newest to ``path``, as ``Network.save`` does, and some of those before
        to one beside it. The samples are not written.

        Args:
            path: Where the newest goes, a name that ends in ``.network.npz``.
            whole: Whether those before are written too. Default: yes.
        """
        if not self.networks:
            return
        newest = max(self.networks)
        network = self.networks[newest]
        network.meta["epochs"] = newest
        network.save(path)
        if whole:
            before = {at: kept for at, kept in thinned(self.networks, _KEPT).items() if at != newest}
            arrays = {f"{at}_{number}_{name}": values for at, kept in before.items()
                      for number, node in enumerate(kept.nodes) for name, values in node.operation.arrays().items()}
            archive.write(_beside(path), KIND, VERSION, {"epochs": list(before)}, arrays)

    def load(self, path: str | os.PathLike[str]) -> None:
        """Reads the networks that :meth:`save` wrote.

        Raises:
            FileNotFoundError: There is no such file.
            ArchiveError: A file is damaged.
        """
        newest = Network.load(path)
        networks: dict[int, Network] = {}
        try:
            if _beside(path).is_file():
                header, arrays = archive.read(_beside(path), KIND, VERSION)
                networks = {int(at): _with_arrays(newest, at, arrays) for at in header["epochs"]}
            networks[int(newest.meta["epochs"])] = newest
        except (KeyError, TypeError, ValueError) as error:
            raise archive.ArchiveError(f"{path} holds no networks that belong together: {error}") from error
        self.networks = dict(sorted(networks.items()))
        self._waves = {}


def thinned(networks: Mapping[int, Network], most: int) -> dict[int, Network]:
    """As many networks as take so many bytes, as evenly over the epochs as can be; the newest is always among them.

    Args:
        networks: Epochs trained -> the network, in rising order, all of one size.
        most: How many bytes they may take.
    """
    known = list(networks.items())
    count = max(min(len(known), most // max(size(known[-1][1]), 1)), 1) if known else 0
    return dict(known[len(known) - 1 - (len(known) - 1) * each // max(count - 1, 1)] for each in reversed(range(count)))


def size(network: Network) -> int:
    """How many bytes the weights and thresholds of a network take."""
    return sum(np.asarray(values).nbytes for node in network.nodes for values in node.operation.arrays().values())


def _beside(path: str | os.PathLike[str]) -> Path:
    path = Path(path)
    return path.with_name(path.name.replace(".network.npz", ".epochs.npz"))


def _with_arrays(network: Network, at: int, arrays: Mapping[str, np.ndarray]) -> Network:
    nodes: list[Node] = []
    for number, node in enumerate(network.nodes):
        mine = {name: arrays[f"{at}_{number}_{name}"] for name in node.operation.arrays()}
        nodes.append(Node(node.name, replace(node.operation, **mine), node.inputs))
    return network.with_nodes(nodes)

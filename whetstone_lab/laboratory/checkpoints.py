"""The weights of a run after some of its epochs, in a folder that stays small: from there a run can go on otherwise."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from whetstone_lab.records import archive
from whetstone_lab.records.trace import Trace
from whetstone_lab.simulator.network import Network

_KIND, _VERSION = "whetstone_lab.weights", 1

#: The most that the weights of one run take, and those of all the runs of a folder, in bytes.
RUN_LIMIT, FOLDER_LIMIT = 64 << 20, 512 << 20


@dataclass(frozen=True)
class Past:
    """What a run goes on from.

    Attributes:
        trace: The trace of the run before.
        epochs: How many of its epochs count.
        weights: What was kept after them.
        networks: Epochs trained -> the spiking network, as far as it is known of the run before.
    """

    trace: Trace
    epochs: int
    weights: Mapping[str, np.ndarray]
    networks: Mapping[int, Network] = field(default_factory=dict)


class Checkpoints:
    """The weights of one run after some of its epochs, one file each.

    At first those of every epoch are kept. Whenever they take more than the limit, every second one goes, and from then
    on only every second of the epochs to come is kept.

    Args:
        folder: The folder; it is made with the first file.
        limit: The most that the files take together, in bytes. Default: 64 MiB.
    """

    def __init__(self, folder: Path, limit: int = RUN_LIMIT) -> None:
        self.folder, self.limit = folder, limit
        self._every = 1

    @property
    def epochs(self) -> list[int]:
        """After how many epochs there are weights, in ascending order."""
        return sorted(int(path.stem) for path in _files(self.folder))

    def before(self, epoch: int) -> int:
        """The last of :attr:`epochs` up to this one, from which the run can go on; where there is none 0, its start."""
        return max((known for known in self.epochs if known <= epoch), default=0)

    def keep(self, epoch: int, weights: Mapping[str, np.ndarray]) -> None:
        """Keeps weights, if it is their epoch's turn.

        Args:
            epoch: After how many epochs they are what they are, at least 1.
            weights: Name -> array.

        Raises:
            OSError: They cannot be written.
        """
        if epoch % self._every:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        # Weights hardly shrink, and the training waits for this.
        archive.write(self._path(epoch), _KIND, _VERSION, {"epoch": epoch}, weights, compress=False)
        while _size(self.folder) > self.limit:
            self._every *= 2
            for known in self.epochs:
                if known % self._every:
                    self._path(known).unlink(missing_ok=True)

    def read(self, epoch: int) -> dict[str, np.ndarray]:
        """The weights after an epoch.

        Raises:
            FileNotFoundError: There are none.
            ArchiveError: Their file is damaged.
        """
        return archive.read(self._path(epoch), _KIND, _VERSION)[1]

    def past(self, trace: Trace, epoch: int, networks: Mapping[int, Network]) -> Past | None:
        """What the run can go on from: the last weights up to an epoch; None where there are none.

        Args:
            trace: The trace of the run.
            epoch: The epoch.
            networks: As for :class:`Past`.

        Raises:
            ArchiveError: The file of the weights is damaged.
        """
        begins = self.before(min(epoch, trace.epochs))
        return Past(trace, begins, self.read(begins), networks) if begins else None

    def clear(self) -> None:
        """Removes them all."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, epoch: int) -> Path:
        return self.folder / f"{epoch:05}.npz"


def trim(runs: Iterable[Checkpoints], limit: int = FOLDER_LIMIT) -> None:
    """Removes weights, of the first runs first, until the others take no more than the limit.

    Args:
        runs: The weights of runs, oldest first.
        limit: In bytes. Default: 512 MiB.
    """
    every = [(run, _size(run.folder)) for run in runs]
    total = sum(size for _, size in every)
    for run, size in every:
        if total <= limit:
            return
        run.clear()
        total -= size


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*.npz") if re.fullmatch("[0-9]{5,}", path.stem)]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in _files(folder))

"""The networks of kept experiments that pages compare with the run at hand."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from whetstone_lab.laboratory.experiments import Experiments
from whetstone_lab.laboratory.snapshots import Snapshots
from whetstone_lab.records.archive import ArchiveError


class _Known(NamedTuple):
    written: int
    snapshots: Snapshots


class Compared:
    """The networks of the experiments that were asked for last. Each page of a view may compare another experiment, so
    several are held, or the pages would have each other's read from disk again and again.

    Args:
        most: How many experiments are held, at least 1. Default: 6.
    """

    def __init__(self, most: int = 6) -> None:
        self.most = most
        #: By the number of the experiment, the one that was asked for last at the end.
        self._known: dict[int, _Known] = {}

    def __call__(self, experiments: Experiments, number: int, fresh: bool = False) -> Snapshots:
        """The networks of an experiment, and its pictures; none where they were not kept or are damaged.

        Args:
            experiments: Where it is kept.
            number: Its number.
            fresh: Whether they are read again in any case, since somebody may have put a file back. Default: only where
                the experiment was kept again meanwhile, as one that goes on is.

        Raises:
            KeyError: There is no such experiment.
        """
        written = experiments.written(number)
        known = self._known.pop(number, None)
        if known is None or fresh or known.written != written:
            known = _Known(written, Snapshots())
            with suppress(ArchiveError):  # its curves are compared all the same
                known = _Known(written, experiments.snapshots(number))
        self._known[number] = known
        for oldest in list(self._known)[:-self.most]:
            self._known.pop(oldest, None)  # another thread may have been as fast
        return known.snapshots

"""Experiments that are kept: each is a trace and, beside it, its settings in JSON and weights of it, in one folder."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from whetstone_lab import datasets
from whetstone_lab.laboratory.checkpoints import Checkpoints, trim
from whetstone_lab.laboratory.nudges import Nudges
from whetstone_lab.laboratory.presets import Preset
from whetstone_lab.laboratory.script import script
from whetstone_lab.laboratory.settings import Settings, at_hand
from whetstone_lab.laboratory.snapshots import Snapshots
from whetstone_lab.records.archive import ArchiveError, in_one_piece, turn
from whetstone_lab.records.trace import Trace

#: Where experiments are kept by default, below the working directory.
FOLDER = "whetstone_runs"

#: What is said of an experiment in a list, from the logs of its last epoch.
_TOLD = ("val_accuracy", "spiking_accuracy", "relu_accuracy", "loss")


@dataclass(frozen=True)
class Origin:
    """What a run went on from.

    Attributes:
        number: The number of an experiment.
        epochs: After how many epochs of it, from 1.
    """

    number: int
    epochs: int


@dataclass(frozen=True)
class Experiment:
    """One experiment that was kept.

    Attributes:
        number: Its number in the folder, from 1.
        settings: Its settings.
        thresholds: Parameters of the sharpener with which it began, where they are not those of the settings.
        nudges: What was changed by hand while it ran.
        stopped: After how many batches it was stopped by hand; None if it was not.
        epochs: How many epochs were trained.
        logs: What was told of its last epoch, by name.
        kept: When it was kept, as ISO 8601 has it.
        more: How many of the epochs were trained after it had ended once. Default: 0.
        origin: What it went on from. Default: nothing, it was trained from the start.
    """

    number: int
    settings: Settings
    thresholds: Mapping[str, float]
    nudges: Nudges
    stopped: int | None
    epochs: int
    logs: Mapping[str, float]
    kept: str
    more: int = 0
    origin: Origin | None = None

    @property
    def preset(self) -> str:
        """Its settings as a line."""
        return str(Preset(self.settings))

    def script(self) -> str:
        """It as a Python script."""
        return script(self.settings, self.thresholds, self.nudges, self.stopped, self.more)


class Experiments:
    """The experiments in a folder.

    Args:
        folder: The folder; it is made when the first experiment is kept. Default: ``whetstone_runs``, here.
    """

    def __init__(self, folder: str | os.PathLike[str] = FOLDER) -> None:
        self.folder = Path(folder)

    def keep(self, trace: Trace, settings: Settings, thresholds: Mapping[str, float] | None = None,
             nudges: Nudges | None = None, stopped: int | None = None, number: int | None = None,
             more: int = 0, snapshots: Snapshots | None = None, whole: bool = True,
             origin: Origin | None = None) -> Experiment:
        """Keeps an experiment.

        Args:
            trace: What happened.
            settings: Its settings.
            thresholds: As for :class:`Experiment`. Default: none.
            nudges: As for :class:`Experiment`. Default: none.
            stopped: As for :class:`Experiment`. Default: it was not.
            number: The number under which it was kept before, when less had happened. Default: the next one.
            more: As for :class:`Experiment`. Default: 0.
            snapshots: What the network was. Default: it is not kept.
            whole: Whether the networks of earlier epochs are kept too, which takes longer. Default: yes.
            origin: As for :class:`Experiment`. Default: nothing.
        """
        logs = trace.epoch_logs[trace.epochs - 1] if trace.epochs else {}
        facts = {"settings": settings.asdict(), "thresholds": dict(thresholds or {}),
                 "nudges": (nudges or Nudges()).asdict(), "stopped": stopped, "epochs": trace.epochs, "more": more,
                 "origin": None if origin is None else [origin.number, origin.epochs],
                 "logs": {name: logs[name] for name in _TOLD if name in logs},
                 "kept": datetime.now().astimezone().isoformat(timespec="seconds")}
        self.folder.mkdir(parents=True, exist_ok=True)
        with turn(self.folder):  # or two laboratories would keep theirs under one number
            if number is None:
                numbers = self._numbers()
                number = max(numbers, default=0) + 1
                trim(map(self.checkpoints, sorted(numbers)))
            trace.save(self.folder / f"{number:03}.npz")
            if snapshots is not None:
                snapshots.save(self.folder / f"{number:03}.network.npz", whole)
            # Last: what is listed is whole.
            with in_one_piece(self.folder / f"{number:03}.json") as part:
                part.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        return _experiment(number, facts)

    def checkpoints(self, number: int) -> Checkpoints:
        """Where the weights of an experiment are kept, those after some of its epochs."""
        return Checkpoints(self.folder / f"{number:03}.weights")

    def goes_on(self, kept: Experiment) -> int:
        """After how many epochs an experiment that was broken off before its last can go on; 0 where it cannot."""
        return 0 if kept.epochs >= kept.settings.epochs else self.checkpoints(kept.number).before(kept.epochs)

    def all(self, most: int | None = None) -> list[Experiment]:
        """All that can be read, the newest first, or the newest ``most``; what cannot be read is left out."""
        found: list[Experiment] = []
        for number in sorted(self._numbers(), reverse=True):
            if len(found) == most:
                break
            try:
                found.append(self[number])
            except (ValueError, KeyError, OSError):
                continue  # somebody has written into the folder
        return found

    def __getitem__(self, number: int) -> Experiment:
        """The experiment of a number.

        Raises:
            KeyError: There is none.
            ValueError: Its file is not one of an experiment.
        """
        path = self.folder / f"{number:03}.json"
        if not path.is_file():
            raise KeyError(f"Expected an experiment among {sorted(self._numbers())} in {self.folder}; got {number}.")
        text = path.read_text(encoding="utf-8")
        try:
            return _experiment(number, json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise ValueError(f"Expected the facts of an experiment in {path}; got {error!r}.") from error

    def written(self, number: int) -> int:
        """When an experiment was kept last, in nanoseconds; 0 if there is no such experiment."""
        path = self.folder / f"{number:03}.json"
        return path.stat().st_mtime_ns if path.is_file() else 0

    def trace(self, number: int) -> Trace:
        """The trace of an experiment.

        Raises:
            FileNotFoundError: There is none.
            ArchiveError: Its file is damaged.
        """
        path = self.folder / f"{number:03}.npz"
        expected = f"Expected the trace of experiment {number} in {path}"
        if not path.is_file():
            raise FileNotFoundError(f"{expected}; there is no such file. {_without_trace(number)}")
        try:
            return Trace.load(path)
        except ArchiveError as error:
            raise ArchiveError(f"{expected}; the file is damaged: {error} {_without_trace(number)}") from error

    def snapshots(self, number: int) -> Snapshots:
        """What the network of an experiment was, and test pictures to show to it.

        There is no network where none was kept, and no pictures where those of the experiment are not at hand.

        Raises:
            KeyError: There is no such experiment.
            ArchiveError: The file of its network is damaged.
        """
        settings, path = self[number].settings, self.folder / f"{number:03}.network.npz"
        if not path.is_file():
            return Snapshots()
        found = Snapshots()
        if settings.data in at_hand():
            found = Snapshots.of_data(datasets.load(settings.data, flatten=not settings.topology.filters))
        found.load(path)
        return found

    def _numbers(self) -> list[int]:
        if not self.folder.is_dir():
            return []
        return [int(path.stem) for path in self.folder.glob("*.json") if re.fullmatch("[0-9]{3,}", path.stem)]


def _without_trace(number: int) -> str:
    """What can be done about an experiment that has no trace."""
    return ("Without it there is nothing to look at, to compare with or to go on from. Put the file back from a copy, "
            "or train the experiment again: its settings are kept, and Code gives its script. Remove "
            f"{number:03}.json to take it off the list.")


def _experiment(number: int, facts: Mapping[str, Any]) -> Experiment:
    settings, epochs, stopped = Settings.of(facts["settings"]), int(facts["epochs"]), facts["stopped"]
    thresholds, nudges = _values(facts["thresholds"]), Nudges.of(facts["nudges"])
    for nudge in nudges.made:
        _values(nudge.values)
    # Files from before "more" was noted say as much by how many epochs there were to be.
    more = int(facts.get("more", max(epochs - settings.epochs, 0)))
    origin = facts.get("origin")
    return Experiment(number, settings, thresholds, nudges, None if stopped is None else int(stopped), epochs,
                      {str(name): float(value) for name, value in facts["logs"].items()}, str(facts["kept"]), more,
                      None if origin is None else Origin(*map(int, origin)))


def _values(found: Mapping[str, Any]) -> dict[str, float]:
    """Parameters by name; their names become part of a script, so that nothing else may be among them."""
    for name, value in found.items():
        if not name.isidentifier() or not isinstance(value, int | float):
            raise ValueError(f"Expected numbers by the names of parameters; got {name!r}: {value!r}.")
    return dict(found)

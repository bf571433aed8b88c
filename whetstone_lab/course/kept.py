"""Networks, runs and spikes kept in the package, for chapters whose training would take longer than a class waits.

``benchmarks/kept.py`` made them, and makes them anew; ``data/README.md`` says from what.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from whetstone_lab.records import archive
from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.records.trace import Trace
from whetstone_lab.simulator.network import Network

#: The folder of what is kept. Its files are called ``NAME.KIND.npz``, where the kind is ``network``, ``trace``,
#: ``spikes`` or ``pictures``, and ``NAME.study.json``.
DATA = Path(__file__).with_name("data")

#: The format of a file of pictures, and its version.
PICTURES = "whetstone_lab.pictures", 1

Kept = TypeVar("Kept")


def names(kind: str = "network") -> list[str]:
    """What is kept of a kind: ``"network"`` (the default), ``"trace"``, ``"spikes"``, ``"pictures"`` or ``"study"``."""
    return sorted(path.name.split(f".{kind}.")[0] for path in DATA.glob(f"*.{kind}.*"))


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


def pictures(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of a data set that no kept network was trained on, and their classes.

    Grey values are multiples of 1/256: small networks then add exactly, and give the same spikes on every machine.

    Args:
        name: One of ``names("pictures")``, such as ``"fashion"``, the first test pictures of Fashion-MNIST.

    Returns:
        float32 in [0, 1), shape ``(samples, rows, columns, 1)``, and the classes, int64 of shape ``(samples,)``.

    Raises:
        ValueError: No pictures of that name are kept.
    """
    _, arrays = _load(lambda path: archive.read(path, *PICTURES), name, "pictures")
    return arrays["pictures"][..., None] / np.float32(256), arrays["classes"].astype(np.int64)


def study(name: str) -> list[dict[str, Any]]:
    """What was measured in the trainings behind a chapter, one entry a training, as ``benchmarks/kept.py`` noted it.

    Args:
        name: One of ``names("study")``, which are names of chapters.

    Returns:
        Of each training its ``name``, its ``seed``, and the figures.

    Raises:
        ValueError: No study of that name is kept.
    """
    return _load(lambda path: json.loads(path.read_text(encoding="utf-8")), name, "study")


def _load(load: Callable[[Path], Kept], name: str, kind: str) -> Kept:
    if name not in names(kind):
        raise ValueError(f"Expected the name of a kept {kind}, one of {names(kind)}; got {name!r}.")
    return load(next(DATA.glob(f"{name}.{kind}.*")))

"""``Split``: which pictures of a data set are to train on and which to test on, as a network can remember it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: Under which name a network or a trace keeps, in its ``meta``, the split that it was trained on.
TRAINED_ON = "trained_on"


@dataclass(frozen=True)
class Split:
    """Which part of a data set is to train on and which to test on.

    Whoever knows it can load the same parts again, and so test a network on pictures that it was not trained on:
    ``datasets.load(split.name, **split.options)``.

    Attributes:
        name: Of the data set.
        test_fraction: Share of the pictures that is held out, in (0, 1). Default: None, the parts are as published.
        seed: Seed of the draw of the pictures held out. Default: None, the parts are as published.

    Example:
        >>> from whetstone_lab import datasets
        >>> split = datasets.load_digits(seed=1).split
        >>> print(split)
        digits (test_fraction 0.25, seed 1)
        >>> split == datasets.Split.of(split.meta)
        True
    """

    name: str
    test_fraction: float | None = None
    seed: int | None = None

    def __str__(self) -> str:
        drawn = ", ".join(f"{name} {value:g}" for name, value in self.options.items())
        return f"{self.name} ({drawn or 'as published'})"

    @property
    def options(self) -> dict[str, Any]:
        """What the data set's own function takes to draw the same parts: ``test_fraction`` and ``seed``, or nothing."""
        drawn = {"test_fraction": self.test_fraction, "seed": self.seed}
        return {name: value for name, value in drawn.items() if value is not None}

    @property
    def meta(self) -> dict[str, Any]:
        """What belongs into the ``meta`` of a network or a trace: ``network.meta |= dataset.split.meta``."""
        return {TRAINED_ON: {"name": self.name, **self.options}}

    @classmethod
    def of(cls, meta: Mapping[str, Any]) -> Split | None:
        """The split that a ``meta`` names, or None where it names none; a file may hold anything."""
        kept = meta.get(TRAINED_ON)
        if not isinstance(kept, Mapping) or not isinstance(kept.get("name"), str):
            return None
        fraction, seed = kept.get("test_fraction"), kept.get("seed")
        if fraction is None and seed is None:
            return cls(kept["name"])
        if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
            return None
        return cls(kept["name"], fraction, seed) if isinstance(fraction, float) and 0 < fraction < 1 else None

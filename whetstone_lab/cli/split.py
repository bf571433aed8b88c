"""Which pictures a network was trained on: what the commands ask, what files say, and what follows for a test."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from whetstone_lab.cli.arguments import integer

if TYPE_CHECKING:
    from whetstone_lab.datasets import Dataset, Split


def add_split(parser: argparse.ArgumentParser) -> None:
    """Declares ``--seed`` and ``--test-fraction``, which draw the pictures held out, where a file does not say."""
    parser.add_argument("--seed", metavar="N", type=integer(0), default=None,
                        help="seed that drew the pictures held out, where the file does not say (default: 0)")
    parser.add_argument("--test-fraction", metavar="F", type=float, default=None,
                        help="share of the pictures held out, where the file does not say (default: 0.25)")


def asked(name: str, seed: int | None, test_fraction: float | None) -> dict[str, Any]:
    """The options of a data set's function that were asked for.

    Raises:
        ValueError: They were, but they do not draw the test part of this data set.
    """
    from whetstone_lab import datasets

    options = {option: value for option, value in (("seed", seed), ("test_fraction", test_fraction))
               if value is not None}
    if options and not datasets.is_drawn(name):
        raise ValueError(f"Expected neither --seed nor --test-fraction, by which the test part of {name} is not drawn.")
    return options


def named(data: str | None, seed: int | None = None, test_fraction: float | None = None) -> Split | None:
    """The split that was asked for, or None if nothing was; what is not said has the default of the digits' function.

    Args:
        data: Any name, also of a data set that is not among those here.
        seed: The seed asked for.
        test_fraction: The share asked for.

    Raises:
        ValueError: As :func:`asked`, or as the data set's function.
    """
    from whetstone_lab import datasets

    if data is None and seed is None and test_fraction is None:
        return None
    data = data or "digits"
    options = asked(data, seed, test_fraction)
    if not datasets.is_drawn(data):
        return datasets.Split(data)
    return datasets.load(data, **options).split


def load(trained_on: Split | None, data: str | None, seed: int | None = None,
         test_fraction: float | None = None) -> Dataset:
    """Loads the pictures to test a network on: of the data set and the split that it was trained on, if that is known.

    Args:
        trained_on: What the network's file says, or None if it says nothing.
        data: The data set asked for. Default: the one it was trained on, or else the digits.
        seed: The seed asked for.
        test_fraction: The share asked for.

    Raises:
        ValueError: Another split is asked for than the network was trained on, which would test it on pictures that it
            knows; or what :func:`asked` and ``datasets.load`` refuse.
    """
    from whetstone_lab import datasets

    if data is None:
        data = trained_on.name if trained_on is not None and trained_on.name in datasets.LOADERS else "digits"
    options = asked(data, seed, test_fraction)
    if trained_on is not None and trained_on.name == data and datasets.is_drawn(data):
        if any(trained_on.options.get(name) != value for name, value in options.items()):
            given = ", ".join(f"{name} {value}" for name, value in options.items())
            raise ValueError(f"Expected the split on which the network was trained, {trained_on}, as its file says; "
                             f"got {given}. The test part of another holds pictures that it has learnt.")
        options = trained_on.options
    return datasets.load(data, **options)


def told(trained_on: Split | None, dataset: Dataset) -> str:
    """Which pictures are tested on, and whether the network can have been trained on some of them."""
    from whetstone_lab import datasets

    if trained_on is None:
        other = "; give --seed and --test-fraction if it was trained on another split"
        return (f"The samples are the test part of {dataset.split}. Whether the network was trained on some of them is "
                f"not known, since its file does not say{other if datasets.is_drawn(dataset.name) else ''}.")
    if trained_on.name != dataset.name:
        return (f"The samples are the test part of {dataset.split}, another data set than the network was trained on, "
                f"{trained_on}.")
    if trained_on != dataset.split:
        return (f"The samples are the test part of {dataset.split}, but the network was trained on {trained_on}: some "
                "of them may be known to it.")
    return f"The samples are the test part of {dataset.split}; the network was trained on the rest."

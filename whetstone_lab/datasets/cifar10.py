"""CIFAR-10, small photographs in colour."""

from __future__ import annotations

import os

from whetstone_lab.datasets.dataset import Dataset
from whetstone_lab.datasets.search import find
from whetstone_lab.datasets.spec import Spec

SPEC = Spec("cifar10", (32, 32, 3), classes=10, white=255,
            source='A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009',
            licence="none is stated")


def load_cifar10(path: str | os.PathLike[str] | None = None, flatten: bool = True) -> Dataset:
    """CIFAR-10: small colour photographs, 50,000 to train on and 10,000 to test on, 32x32 pixels.

    Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.

    Args:
        path: An ``.npz`` file, or the folder with ``cifar10.npz``. Default: looked for as
            :mod:`whetstone_lab.datasets` says.
        flatten: Whether a picture is a row of 3072 values or a 32x32x3 image. Default: a row.

    Returns:
        The photographs, ten classes.

    Raises:
        FileNotFoundError: It is in none of the places and cannot be downloaded; the message lists them all.
        ArchiveError: The file found is damaged, or does not hold CIFAR-10's arrays.
    """
    return find(SPEC, path, flatten)

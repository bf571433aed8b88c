"""Where a data set may come from: an ``.npz`` file, a folder of IDX files, or Keras, which downloads.

A source has ``read``, which gives arrays or says by :class:`NotHere` why there are none, and a ``str`` for messages.
What is there but damaged is an ``ArchiveError``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from whetstone_lab.datasets import idx
from whetstone_lab.datasets.dataset import ARRAYS
from whetstone_lab.records import archive

#: Array -> the name under which MNIST and Fashion-MNIST were published, packed as ``.gz`` or not.
IDX_FILES = {"x_train": "train-images-idx3-ubyte", "y_train": "train-labels-idx1-ubyte",
             "x_test": "t10k-images-idx3-ubyte", "y_test": "t10k-labels-idx1-ubyte"}


class NotHere(Exception):  # noqa: N818 - it is an answer and no error: there may be other places
    """The data set does not lie in this place; the message says what was missing."""


class Source(Protocol):
    """One place where a data set may lie."""

    def read(self) -> dict[str, np.ndarray]:
        """The arrays ``x_train``, ``y_train``, ``x_test`` and ``y_test``, perhaps more; raises :class:`NotHere`."""
        ...


@dataclass(frozen=True)
class NpzFile:
    """An ``.npz`` file with the arrays ``x_train``, ``y_train``, ``x_test`` and ``y_test``."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def read(self) -> dict[str, np.ndarray]:
        """The arrays of the file, and the names in it."""
        if not self.path.is_file():
            raise NotHere("no such file")
        return archive.read_arrays(self.path, kinds="biufU")


@dataclass(frozen=True)
class IdxFolder:
    """A folder with the four files of :data:`IDX_FILES`."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def read(self) -> dict[str, np.ndarray]:
        """The arrays of the four files."""
        if not self.path.is_dir():
            raise NotHere("no such folder")
        files = {name: self._file(stem) for name, stem in IDX_FILES.items()}
        return {name: idx.read(files[name]) for name in ARRAYS}

    def _file(self, stem: str) -> Path:
        for name in (f"{stem}.gz", stem):
            if (self.path / name).is_file():
                return self.path / name
        raise NotHere(f"the folder has no {stem}, packed as .gz or not")


@dataclass(frozen=True)
class KerasDownload:
    """``keras.datasets``, which downloads what it has not cached."""

    name: str

    def __str__(self) -> str:
        return f"keras.datasets.{self.name}"

    def read(self) -> dict[str, np.ndarray]:
        """The arrays that Keras gives."""
        # Keras wraps what goes wrong on the net into a bare Exception.
        try:
            return download(self.name)
        except Exception as error:
            raise NotHere(str(error)) from error


def download(name: str) -> dict[str, np.ndarray]:
    """Has Keras read a data set from its cache, or download it first."""
    import keras  # where it is used: with a local file, Keras is never loaded

    (x_train, y_train), (x_test, y_test) = getattr(keras.datasets, name).load_data()
    return dict(zip(ARRAYS, (x_train, y_train, x_test, y_test), strict=True))

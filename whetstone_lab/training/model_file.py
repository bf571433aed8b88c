"""The file of a saved Keras model: whether it is whole, and notes that travel in it, unseen by Keras.

A ``.keras`` file is a ZIP archive, and such an archive has room for a comment. Notes are kept there as JSON, so that
the file stays one that every Keras reads as before. What Keras writes anew has no notes.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from whetstone_lab.records.archive import ArchiveError

#: What Keras puts into every file; the weights have other names in other releases.
_MEMBERS = ("config.json", "metadata.json")


def check(path: Path) -> None:
    """Checks that a model's file is there and whole, of which Keras says less: a damaged one counts as missing there.

    Args:
        path: A ``.keras`` file.

    Raises:
        FileNotFoundError: There is no such file.
        ArchiveError: The file is truncated or damaged, or is no saved model.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    try:
        with zipfile.ZipFile(path) as file:
            names, bad = file.namelist(), file.testzip()
    # zipfile raises these on damaged bytes.
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, OSError, RuntimeError,
            ValueError, zlib.error) as error:
        raise ArchiveError(f"{path} is not a readable .keras file: it is truncated or damaged "
                           f"({type(error).__name__}: {error}).") from error
    if bad is not None:
        raise ArchiveError(f"{path} is damaged: the checksum of {bad} in it does not match. Save the model again.")
    missing = [name for name in _MEMBERS if name not in names]
    if missing:
        raise ArchiveError(f"{path} is no saved Keras model: expected {' and '.join(_MEMBERS)} in it; got "
                           f"{', '.join(names) or 'nothing'}.")


def write_notes(path: Path, notes: Mapping[str, Any]) -> None:
    """Puts notes into a model's file, in place of those there; ``model.save`` must have written it.

    Args:
        path: A ``.keras`` file.
        notes: Anything JSON-able, some 60 kB at the most.
    """
    with zipfile.ZipFile(path, "a") as file:
        file.comment = json.dumps({"whetstone_lab": notes}).encode()


def read_notes(path: Path) -> dict[str, Any]:
    """The notes in a model's file; empty where there are none, or where the comment is another's."""
    with zipfile.ZipFile(path) as file:
        comment = file.comment
    try:
        notes = json.loads(comment)["whetstone_lab"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return {}
    return notes if isinstance(notes, dict) else {}

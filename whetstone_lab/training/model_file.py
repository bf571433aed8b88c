"""The file of a saved Keras model: whether it is whole, its loss, and notes that travel in it, unseen by Keras.

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


def read_loss(path: Path) -> Any:
    """The loss that a model was compiled with, as far as it is made of Keras's own losses; nothing else is run.

    Args:
        path: A ``.keras`` file.

    Returns:
        As ``model.compile`` takes it: a name or a loss of Keras, or a list or a dict of those, with None in place of a
        user's own; None where the model was not compiled.
    """
    with zipfile.ZipFile(path) as file:
        config = json.loads(file.read("config.json"))
    return _loss(((config if isinstance(config, dict) else {}).get("compile_config") or {}).get("loss"))


def _loss(kept: Any) -> Any:
    import keras

    if isinstance(kept, list):
        return [_loss(entry) for entry in kept]
    if not isinstance(kept, dict):
        return kept if isinstance(kept, str) else None
    if "class_name" not in kept:
        return {name: _loss(entry) for name, entry in kept.items()}
    if kept.get("module") == "builtins":  # a function, by its name
        return kept.get("config") if isinstance(kept.get("config"), str) else None
    known = kept.get("module") == "keras.losses"
    kind: Any = getattr(keras.losses, str(kept["class_name"]), None) if known else None
    try:
        return None if kind is None else kind.from_config(kept["config"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return None

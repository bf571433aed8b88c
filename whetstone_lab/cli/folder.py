"""A folder that holds the files of one run, never those of two, and nothing of anybody else's overwritten."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

#: Lists the files of the run and what they held, by which a later run knows them for its to replace.
LIST = "files.json"


@contextmanager
def replaced(folder: Path, names: Sequence[str], overwrite: bool = False) -> Iterator[Path]:
    """Gives a folder to write to, whose files take the place of the last run's at the end, and only then.

    Until the end, and if an error or an interruption ends it, everything stays as it was. The last run's files go
    before the new ones come, so that at no moment files of both lie there.

    Args:
        folder: Where the files are to lie; made if it is not there. Other files in it stay.
        names: What may be written.
        overwrite: Whether files of these names go that no run wrote, or that were changed since. Default: they are
            refused.

    Yields:
        An empty folder beside those files, which is removed in the end.

    Raises:
        FileExistsError: There are such files; at the beginning, or at the end if they came since.
    """
    _refuse_others(folder, names, overwrite)
    made = _make(folder)
    try:
        with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=folder) as name:
            temporary = Path(name)
            yield temporary
            _refuse_others(folder, names, overwrite)
            _exchange(temporary, folder, names)
    finally:
        for path in reversed(made):
            if not any(path.iterdir()):
                path.rmdir()


def _make(folder: Path) -> list[Path]:
    """Makes a folder, and gives those that had to be made for it, the outermost first."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()][::-1]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _refuse_others(folder: Path, names: Sequence[str], overwrite: bool) -> None:
    for name in (*names, LIST):
        if (folder / name).is_dir():
            raise FileExistsError(f"Expected to write the file {folder / name}; there is a folder of that name.")
    if overwrite:
        return
    written = _listed(folder)
    others = [name for name in names if (folder / name).exists() and _sum(folder / name) != written.get(name)]
    if (folder / LIST).exists() and not written:
        others.append(LIST)
    if others:
        raise FileExistsError(f"Expected {folder} to hold nothing in the way; {', '.join(others)} there would be "
                              "overwritten, and no run of this command left them so. Name another folder by --out, or "
                              "give --overwrite.")


def _exchange(source: Path, folder: Path, names: Sequence[str]) -> None:
    """Removes the old files, their list last, then moves in the new ones, their list first: none is unlisted."""
    new = [name for name in names if (source / name).is_file()]
    (source / LIST).write_text(json.dumps({name: _sum(source / name) for name in new}, indent=1) + "\n",
                               encoding="utf-8")
    for name in (*names, LIST):
        (folder / name).unlink(missing_ok=True)
    for name in (LIST, *new):
        os.replace(source / name, folder / name)


def _listed(folder: Path) -> dict[str, str]:
    """File -> checksum, as the last run listed them; empty where there is no list, or none of ours."""
    try:
        written = json.loads((folder / LIST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return written if isinstance(written, dict) else {}


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

"""Where the files of a data set are looked for, and what is said when they are in none of the places."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from whetstone_lab.datasets.dataset import ARRAYS, Dataset, from_arrays
from whetstone_lab.datasets.sources import IDX_FILES, IdxFolder, KerasDownload, NotHere, NpzFile, Source
from whetstone_lab.datasets.spec import Spec

#: Where packages of the system put data sets, Debian's ``dataset-fashion-mnist`` for one.
SYSTEM = Path("/usr/share/datasets")

#: What there is without any file, for data sets with a label for each picture and for each pixel.
_NO_FILE = {False: "The dataset 'digits' needs no file.", True: "The dataset 'scenes' needs no file."}


def find(spec: Spec, path: str | os.PathLike[str] | None = None, flatten: bool = True) -> Dataset:
    """Reads a data set from the first place that has it.

    Args:
        spec: Which data set.
        path: A file or folder; then it is looked for nowhere else. Default: the places of :func:`places`.
        flatten: Whether a picture is a row of pixels. Default: it is.

    Raises:
        FileNotFoundError: It is in none of the places; the message lists them all.
        ArchiveError: A place has it, but damaged, or has something else under its name.
    """
    tried = []
    for source in places(spec) if path is None else _named(spec, Path(path)):
        try:
            arrays = source.read()
        except NotHere as reason:
            tried.append((source, reason))
        else:
            return from_arrays(spec, arrays, source, flatten)
    raise _not_found(spec, tried, path is not None) from tried[-1][1]


def places(spec: Spec) -> list[Source]:
    """Where a data set is looked for by itself, in this order.

    In each folder of :func:`folders`: its ``.npz`` file, and the folder of its IDX files where it has any. Then
    ``keras.datasets``, where it is among those.
    """
    local: list[Source] = [source for folder in folders() for source in _in(spec, folder)]
    return [*local, *([KerasDownload(spec.name)] if spec.in_keras else [])]


def folders() -> list[Path]:
    """The folder that ``WHETSTONE_DATA`` names, if any; Keras's cache; the system's folder of data sets."""
    own = os.environ.get("WHETSTONE_DATA")
    keras = Path(os.environ.get("KERAS_HOME") or "~/.keras") / "datasets"
    return [Path(folder).expanduser() for folder in ([own] if own else []) + [keras, SYSTEM]]


def _in(spec: Spec, folder: Path) -> Iterator[Source]:
    yield NpzFile(folder / spec.npz)
    if spec.idx_folder is not None:
        yield IdxFolder(folder / spec.idx_folder)


def _named(spec: Spec, path: Path) -> Iterator[Source]:
    if not path.is_dir():
        yield NpzFile(path)
        return
    yield NpzFile(path / spec.npz)
    if spec.idx_folder is not None:
        yield IdxFolder(path)


def _not_found(spec: Spec, tried: list[tuple[Source, NotHere]], named: bool) -> FileNotFoundError:
    arrays = f"the arrays {', '.join(ARRAYS)}"
    if named:
        idx = f", or one with the IDX files {', '.join(IDX_FILES.values())}, packed as .gz or not"
        return FileNotFoundError(
            f"There is no {spec.name} at {tried[0][0]}. Expected an .npz file with {arrays}, or a folder that holds it "
            f"as {spec.npz}{idx if spec.idx_folder is not None else ''}.")
    unset = "" if os.environ.get("WHETSTONE_DATA") else " (the environment variable WHETSTONE_DATA is not set)"
    package = f"install Debian's package {spec.package}, or " if spec.package else ""
    download = " and could not be downloaded" if spec.in_keras else ""
    return FileNotFoundError(
        "\n  ".join([f"{spec.name} is not on this machine{download}. Tried{unset}:",
                     *(f"{source}: {reason}" for source, reason in tried)])
        + f"\nPut {spec.npz} with {arrays} at {tried[0][0]}, or name its folder in WHETSTONE_DATA, or {package}pass "
        "path=...; how to make it stands at the top of whetstone_lab.datasets. " + _NO_FILE[spec.each_pixel])

"""Files of arrays and plain facts: ``.npz`` archives with a JSON header, a format name and a version; never pickle.

``Trace``, ``SpikeRecord`` and ``Network`` are all kept this way, and any language that reads NumPy's format reads them.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

#: The largest array that is read, in bytes: a file that claims more is refused before memory is taken.
MAX_ARRAY_BYTES = 8 << 30
_HEADER = "header"


class ArchiveError(ValueError):
    """A file that is not what it should be: truncated, of another format or version, or with arrays that do not fit."""


def write(path: str | os.PathLike[str], kind: str, version: int, header: Mapping[str, Any],
          arrays: Mapping[str, np.ndarray]) -> Path:
    """Writes an archive in one piece: a reader sees the old file or the new one, never a half.

    Args:
        path: Where to write; kept as given, no suffix is added.
        kind: Format name, such as ``"whetstone_lab.trace"``.
        version: Format version, an integer from 1.
        header: JSON-able facts. NaN and infinity are kept.
        arrays: Name -> numeric or boolean array.

    Returns:
        The path written.
    """
    path = Path(path)
    text = json.dumps({"format": kind, "version": version, **header})
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            raise TypeError(f"Array {name!r} has dtype {array.dtype}; an archive takes booleans, integers and floats.")
    everything: dict[str, Any] = {_HEADER: np.frombuffer(text.encode(), np.uint8), **arrays}
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            np.savez_compressed(file, **everything)
        os.replace(part, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
    return path


def read(path: str | os.PathLike[str], kind: str, version: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Reads an archive written by :func:`write`.

    Args:
        path: The file.
        kind: The format name expected.
        version: The newest version this release reads.

    Returns:
        The header (without format and version) and the arrays by name.

    Raises:
        FileNotFoundError: There is no such file.
        ArchiveError: The file is truncated or damaged, or its format or version is another.
    """
    path = Path(path)
    try:
        arrays = _read_arrays(path.read_bytes(), path)
        header = json.loads(arrays.pop(_HEADER).tobytes().decode())
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, OSError, NotImplementedError, RuntimeError,
            ValueError) as error:
        if isinstance(error, (ArchiveError, FileNotFoundError, IsADirectoryError, PermissionError)):
            raise
        raise ArchiveError(f"{path} is not a readable {kind} file: it is truncated, damaged, or something else "
                           f"({type(error).__name__}: {error}).") from error
    found = header.pop("format", None) if isinstance(header, dict) else None
    if found != kind:
        raise ArchiveError(f"{path} holds {found!r}; expected {kind!r}.")
    found_version = header.pop("version", None)
    if not isinstance(found_version, int) or not 1 <= found_version <= version:
        raise ArchiveError(f"{path} is a {kind} file of version {found_version!r}; this release reads 1 to {version}.")
    return header, arrays


def take(arrays: dict[str, np.ndarray], name: str, shape: tuple[int | None, ...], kinds: str, path: Any) -> np.ndarray:
    """Takes an array that a file must hold, with the shape (``None``: any length) and dtype kinds it must have."""
    if name not in arrays:
        raise ArchiveError(f"{path} lacks the array {name!r}: it is truncated or damaged.")
    array = arrays[name]
    fits = array.ndim == len(shape) and all(want in (None, got) for want, got in zip(shape, array.shape, strict=False))
    if not fits or array.dtype.kind not in kinds:
        wanted = tuple("any" if n is None else n for n in shape)
        raise ArchiveError(f"{path}: array {name!r} has shape {array.shape} and dtype {array.dtype}; "
                           f"expected shape {wanted} and a dtype of kind {kinds!r}.")
    return array


def _read_arrays(data: bytes, path: Path) -> dict[str, np.ndarray]:
    arrays = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            name = info.filename.removesuffix(".npy")
            with archive.open(info) as member:
                _check_size(member, name, path)
            # The size is known to be sane from the array's own header, so a zip that inflates to more is cut there.
            with archive.open(info) as member:
                arrays[name] = np.lib.format.read_array(member, allow_pickle=False)
    return arrays


def _check_size(member: Any, name: str, path: Path) -> None:
    major = np.lib.format.read_magic(member)[0]
    read_header = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(member)
    if dtype.kind not in "biuf":
        raise ArchiveError(f"{path}: array {name!r} has dtype {dtype}; only booleans, integers and floats are read.")
    if math.prod(shape) * dtype.itemsize > MAX_ARRAY_BYTES:
        raise ArchiveError(f"{path}: array {name!r} claims shape {shape}, more than {MAX_ARRAY_BYTES >> 30} GiB.")

"""Files of arrays and plain facts: ``.npz`` archives with a JSON header, a format name and a version; never pickle.

``Trace``, ``SpikeRecord`` and ``Network`` are all kept this way, and any language that reads NumPy's format reads them.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import threading
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import zipfile

#: The most that is read from a file, all its arrays together, in bytes: one that claims more is refused before memory
#: is taken.
MAX_BYTES = 8 << 30
#: Deflate cannot shrink anything by more than this: a zip that claims more is lying about its size.
MAX_RATIO = 1032
#: The most values that one layer may hold for a sample, a gigabyte in float32: files may claim what they like.
MAX_VALUES = 1 << 28
_HEADER = "header"


class ArchiveError(ValueError):
    """A file that is not what it should be: truncated, of another format or version, or with arrays that do not fit."""


def write(path: str | os.PathLike[str], kind: str, version: int, header: Mapping[str, Any],
          arrays: Mapping[str, np.ndarray], *, compress: bool = True) -> Path:
    """Writes an archive in one piece: a reader sees the old file or the new one, never a half.

    Args:
        path: Where to write; kept as given, no suffix is added.
        kind: Format name, such as ``"whetstone_lab.trace"``.
        version: Format version, an integer from 1.
        header: JSON-able facts; NumPy's numbers and arrays are taken as plain ones. NaN and infinity are kept.
        arrays: Name -> numeric or boolean array.
        compress: Whether to deflate the arrays, which makes traces and spikes small, and weights hardly. Default: True.

    Returns:
        The path written.
    """
    path = Path(path)
    text = json.dumps({"format": kind, "version": version, **header}, default=_plain)
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            raise TypeError(f"Array {name!r} has dtype {array.dtype}; an archive takes booleans, integers and floats.")
    everything: dict[str, Any] = {_HEADER: np.frombuffer(text.encode(), np.uint8), **arrays}
    with in_one_piece(path) as part, part.open("wb") as file:
        (np.savez_compressed if compress else np.savez)(file, **everything)
    return path


@contextlib.contextmanager
def in_one_piece(path: Path) -> Iterator[Path]:
    """Another path to write a file to, which takes the place of ``path`` at the end; after an error nothing changes.

    The path is nobody else's: two that write the same file at once do not write into each other's, and what comes last
    counts.

    Raises:
        FileNotFoundError: There is no folder to write it in.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(f"Expected a folder to write {path.name} in; there is no {path.parent}.")
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex[:12]}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def turn(folder: Path) -> Iterator[None]:
    """Lets one thread or process at a time change the files of a folder, where they are read and then replaced.

    Windows and some network drives have no such lock for a folder. There it holds among threads alone.
    """
    with _TURN, contextlib.ExitStack() as stack:
        with contextlib.suppress(ImportError, OSError):
            import fcntl

            handle = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, handle)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


_TURN = threading.Lock()


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
    arrays = read_arrays(path)
    header, found = _header(arrays, kind, path)
    if found != kind:
        raise ArchiveError(f"{path} holds {found!r}; expected {kind!r}.")
    found_version = header.pop("version", None)
    if not isinstance(found_version, int) or not 1 <= found_version <= version:
        read = "version 1" if version == 1 else f"versions 1 to {version}"
        raise ArchiveError(f"{path} is a {kind} file of version {found_version!r}; this release reads {read}.")
    return header, arrays


def kind_of(path: str | os.PathLike[str]) -> str:
    """The format that a file's header names, such as ``"whetstone_lab.trace"``.

    Raises:
        FileNotFoundError: There is no such file.
        ArchiveError: The file is truncated or damaged, or names no format.
    """
    path = Path(path)
    _, found = _header(read_arrays(path), "whetstone_lab", path)
    if not isinstance(found, str):
        raise ArchiveError(f"{path} names no format: it is no file of whetstone_lab.")
    return found


def _header(arrays: dict[str, np.ndarray], kind: str, path: Path) -> tuple[dict[str, Any], Any]:
    """Takes the header out of the arrays, and the format out of the header."""
    try:
        header = json.loads(arrays.pop(_HEADER).tobytes().decode())
    except (KeyError, ValueError, RecursionError) as error:
        raise ArchiveError(f"{path} is not a readable {kind} file: it has no header in JSON "
                           f"({type(error).__name__}: {error}).") from error
    return (header, header.pop("format", None)) if isinstance(header, dict) else ({}, None)


def read_arrays(path: str | os.PathLike[str], kinds: str = "biuf") -> dict[str, np.ndarray]:
    """Reads every array of an ``.npz`` file, never unpickling and never taking more memory than the file can fill.

    Args:
        path: The file, as NumPy's ``savez`` or ``savez_compressed`` writes it.
        kinds: Kinds of dtype that it may hold, some of ``"biufU"``. Default: booleans, integers and floats.

    Returns:
        The arrays by name.

    Raises:
        FileNotFoundError: There is no such file.
        ArchiveError: The file is truncated or damaged, is no ``.npz``, or holds an array of another kind.
    """
    import zipfile  # here, since not every process that simulates reads a file

    path = Path(path)
    data = path.read_bytes()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            # What a member claims here is also the most that zipfile unpacks of it.
            claimed = sum(info.file_size for info in archive.infolist())
            if claimed > MAX_BYTES:
                raise ArchiveError(f"{path} claims to hold {claimed} bytes, more than {MAX_BYTES >> 30} GiB.")
            return {info.filename.removesuffix(".npy"): _read_array(archive, info, path, kinds)
                    for info in archive.infolist()}
    except ArchiveError:
        raise
    # zipfile, zlib, struct, tokenize and NumPy each raise an error of their own on damaged bytes.
    except Exception as error:
        raise ArchiveError(f"{path} is not a readable .npz file: it is truncated, damaged, or something else "
                           f"({type(error).__name__}: {error}).") from error


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


def _read_array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, kinds: str) -> np.ndarray:
    name = info.filename.removesuffix(".npy")
    with archive.open(info) as member:
        major = np.lib.format.read_magic(member)[0]
        read_header = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(member)
        if dtype.kind not in kinds:
            read = "booleans, integers, floats and text" if "U" in kinds else "booleans, integers and floats"
            raise ArchiveError(f"{path}: array {name!r} has dtype {dtype}; only {read} are read.")
        size = math.prod(shape) * dtype.itemsize
        held = info.file_size - member.tell()
        if size != held or info.file_size > MAX_RATIO * max(info.compress_size, 1):
            raise ArchiveError(f"{path}: array {name!r} claims shape {shape} and dtype {dtype}, {size} bytes, which "
                               "the file does not hold: it is truncated or damaged.")
    with archive.open(info) as member:
        return np.lib.format.read_array(member, allow_pickle=False)


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"Expected JSON-able facts for the header; got {value!r} of type {type(value).__name__}.")

"""IDX files, the format in which MNIST and Fashion-MNIST were published: bytes with their sizes before them.

A file holds two zero bytes, a byte for the type of the values (8: unsigned bytes, the only one read here), a byte for
the number of axes, the size of each axis as a big-endian integer of 32 bits, and then the values, the last axis
fastest. It may be packed by gzip.

Source: Y. LeCun, C. Cortes and C. J. C. Burges, "The MNIST database of handwritten digits", 1998.
"""

from __future__ import annotations

import contextlib
import gzip
import math
import os
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from whetstone_lab.records.archive import MAX_BYTES, MAX_RATIO, ArchiveError

_UNSIGNED_BYTES = 8
_MAX_AXES = 4
_GZIP = b"\x1f\x8b"


def read(path: str | os.PathLike[str]) -> np.ndarray:
    """Reads an IDX file of unsigned bytes, never taking more memory than the file can fill.

    Args:
        path: The file; whether gzip packed it is seen from its first bytes.

    Returns:
        uint8, of the shape that the file says, one to four axes.

    Raises:
        FileNotFoundError: There is no such file.
        ArchiveError: The file is no IDX file of unsigned bytes, is truncated or damaged, or holds more than it says.
    """
    path = Path(path)
    with contextlib.ExitStack() as stack:
        raw = stack.enter_context(path.open("rb"))
        held = os.fstat(raw.fileno()).st_size
        packed = raw.read(len(_GZIP)) == _GZIP
        raw.seek(0)
        file = cast(BinaryIO, stack.enter_context(gzip.GzipFile(fileobj=raw))) if packed else raw
        try:
            return _read(file, held * MAX_RATIO if packed else held, path)
        # gzip raises these on damaged bytes.
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ArchiveError(f"{path} is not a readable gzip file: it is truncated or damaged "
                               f"({type(error).__name__}: {error}).") from error


def _read(file: BinaryIO, most: int, path: Path) -> np.ndarray:
    magic = file.read(4)
    if len(magic) < 4 or magic[:3] != bytes([0, 0, _UNSIGNED_BYTES]) or not 1 <= magic[3] <= _MAX_AXES:
        raise ArchiveError(f"{path} is no IDX file of unsigned bytes: expected it to begin with 00 00 08 and how many "
                           f"axes, 1 to {_MAX_AXES}; got {magic.hex(' ') or 'nothing'}.")
    axes = magic[3]
    sizes = file.read(4 * axes)
    if len(sizes) < 4 * axes:
        raise ArchiveError(f"{path} ends before the sizes of its {axes} axes: it is truncated.")
    shape = tuple(np.frombuffer(sizes, ">u4").tolist())
    size = math.prod(shape)
    # Asked before anything is unpacked, so that a few bytes cannot claim gigabytes.
    if size + 4 + 4 * axes > min(most, MAX_BYTES):
        raise ArchiveError(f"{path} claims shape {shape}, {size} bytes, which the file does not hold: it is truncated "
                           "or damaged.")
    values = file.read(size)
    if len(values) < size:
        raise ArchiveError(f"{path} claims shape {shape}, {size} bytes, but holds {len(values)}: it is truncated.")
    if file.read(1):  # which also has gzip compare its checksum
        raise ArchiveError(f"{path} claims shape {shape}, {size} bytes, but holds more: it is damaged.")
    return np.frombuffer(values, np.uint8).reshape(shape)

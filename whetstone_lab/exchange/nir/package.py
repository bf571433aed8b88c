"""The package ``nir``, which is imported when it is first needed, and its files: what they claim is checked first."""

from __future__ import annotations

from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import Any

from whetstone_lab.records.archive import MAX_BYTES, MAX_RATIO, ArchiveError, in_one_piece


def load_nir() -> ModuleType:
    """The package ``nir``.

    Raises:
        ImportError: It is not installed; the message says how to install it.
    """
    try:
        import nir
    except ImportError as error:
        raise ImportError("NIR files need the package nir: pip install 'whetstone-lab[nir]'") from error
    return nir


def write_graph(path: Path, graph: Any, old: bool = False) -> None:
    """Writes a graph to a file in one piece: a reader sees the old file or the new one, never a half.

    Args:
        path: The file.
        graph: The graph.
        old: Whether NIR 1.0.4 is to read it, which refuses ``v_reset``.
    """
    with in_one_piece(path) as part:
        load_nir().write(part, graph)
        if old:
            import h5py

            with h5py.File(part, "r+") as file:
                for node in file["node/nodes"].values():
                    if "v_reset" in node:
                        del node["v_reset"]


def read_graph(path: Path) -> Any:
    """Reads a graph from a file once the file is sure to hold what it claims, and to point at no other.

    Raises:
        FileNotFoundError: There is no such file.
        ArchiveError: The file is damaged, is no NIR file, claims more than it holds, or points at another.
    """
    nir = load_nir()
    import h5py

    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    limit = min(MAX_BYTES, MAX_RATIO * path.stat().st_size)
    claimed, seen = 0, set()

    def check(group: Any) -> None:
        nonlocal claimed
        for name in group:
            item = group[name] if isinstance(group.get(name, getlink=True), h5py.HardLink) else None
            if item is None or item.id in seen:
                raise ArchiveError(f"{path}: {name!r} points to another place or file, which is not followed.")
            seen.add(item.id)
            if isinstance(item, h5py.Group):
                check(item)
                continue
            if item.is_virtual or item.external:
                raise ArchiveError(f"{path}: {name!r} keeps its values in another file, which is not read.")
            claimed += (item.size or 0) * item.dtype.itemsize
            if claimed > limit:
                raise ArchiveError(f"{path}: {name!r} claims shape {item.shape}, more than the file can hold.")

    try:
        with h5py.File(path, "r") as file:
            check(file)
        # NIR 1.0.4, which sinabs and Rockpool demand, checks nothing by itself.
        unchecked = {"type_check": False} if "type_check" in signature(nir.read).parameters else {}
        return nir.read(path, **unchecked)
    except ArchiveError:
        raise
    except Exception as error:  # h5py and nir raise what they like on damaged files
        raise ArchiveError(f"{path} is not a readable NIR file: it is truncated, damaged, or something else "
                           f"({type(error).__name__}: {error}).") from error

"""The table of targets: which module of this folder writes and reads a file, by the file's suffix.

A target is a module or a package of this folder that has a :class:`Target` by the name ``TARGET``. To add one, add its
file: the table is made of what lies in the folder. Importing a target must not import the package that it needs.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Any, TypeVar

from whetstone_lab import exchange
from whetstone_lab.simulator.network import Network

T = TypeVar("T")


@dataclass(frozen=True)
class Target:
    """A format that a network is written to, and perhaps read from.

    Attributes:
        suffix: How its files' names end, such as ``".nir"`` or ``".brian2.py"``.
        write: Writes a network to a path, in one piece. It raises ValueError where the format cannot say what the
            network does, and ImportError where a package is missing.
        read: Makes a network from a path, or None where the format is for writing only.
        package: The package that it needs, by the name under which Python imports it, or None.
        keeps: One sentence: what of a network a file keeps.
        about: What the format is, in a few words.
        extra: The extra of ours that installs the package. Default: the one of the same name.
        metadata: Whether a file keeps the network's metadata, such as what it was trained on. Default: False.
        use: What to do with a file there, called ``FILE``, as a command or a call. Default: nothing is said.
        writes: Whether any network can be written; False where all are refused. Default: True.
    """

    suffix: str
    write: Callable[[Network, Path], Any]
    read: Callable[[Path], Network] | None
    package: str | None
    keeps: str
    about: str
    extra: str | None = None
    metadata: bool = False
    use: str = ""
    writes: bool = True

    def used(self, path: Path) -> str:
        """What to do with the file at a path: ``use``, with the path as a shell or as Python wants it."""
        return self.use.replace("'FILE'", repr(str(path))).replace("FILE", shlex.quote(str(path)))

    @property
    def installed(self) -> bool:
        """Whether the package that it needs is installed; it is not imported."""
        return self.package is None or find_spec(self.package) is not None


@cache
def targets() -> Mapping[str, Target]:
    """Suffix -> target, of all modules in this folder; those that need no package come first, then by suffix.

    Raises:
        RuntimeError: Two modules claim the same suffix.
    """
    found: dict[str, Target] = {}
    for module in iter_modules(exchange.__path__):
        target = getattr(import_module(f"{exchange.__name__}.{module.name}"), "TARGET", None)
        if target is not None and found.setdefault(target.suffix, target) is not target:
            raise RuntimeError(f"Expected one target for each suffix; two have {target.suffix}, one in {module.name}.")
    return MappingProxyType(dict(sorted(found.items(), key=lambda item: (item[1].package is not None, item[0]))))


def export(network: Network, path: str | os.PathLike[str]) -> Path:
    """Writes a network in the format that the path's suffix names: ``.npz``, ``.nir``, ``.onnx``, ``.c``, ``.v``, or as
    a script for a simulator, such as ``net.brian2.py``.

    ``whetstone-lab targets`` prints what there is, what each format needs and what it keeps.

    Args:
        network: The network; a Keras model becomes one by :func:`whetstone_lab.convert`.
        path: Where to write.

    Returns:
        The path.

    Raises:
        TypeError: It is no network.
        ValueError: There is no target of that suffix, or the format cannot say what the network does.
        ImportError: The package that the target needs is not installed; the message says how to install it.
    """
    if not isinstance(network, Network):
        raise TypeError(f"Expected a Network, such as whetstone_lab.convert(model) makes of a Keras model; got "
                        f"{type(network).__name__}.")
    return write(network, Path(path))


def write(network: Network, path: Path) -> Path:
    """Writes a network in the format that the path's suffix names; returns the path.

    Raises:
        ValueError: There is no target of that suffix, or the format cannot say what the network does.
        ImportError: The package that the target needs is not installed.
    """
    target_of(path).write(network, path)
    return path


def target_of(path: Path) -> Target:
    """The target that a path's suffix names.

    Raises:
        ValueError: There is none.
    """
    target = _named(path, targets())
    if target is None:
        raise ValueError(f"Expected to write a file whose name ends in {_either(targets())}; got {path}.")
    return target


def read(path: Path) -> Network:
    """Reads a network from a file in the format that the path's suffix names.

    Raises:
        ValueError: There is no target of that suffix that can be read, or the file holds what the simulator cannot run.
        ImportError: The package that the target needs is not installed.
        FileNotFoundError: There is no such file.
        ArchiveError: The file is damaged or something else.
    """
    readers = {suffix: target.read for suffix, target in targets().items() if target.read is not None}
    reader = _named(path, readers)
    if reader is None:
        raise ValueError(f"Expected a network, a file whose name ends in {_either(readers)}; got {path}.")
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    return reader(path)


def _named(path: Path, suffixes: Mapping[str, T]) -> T | None:
    """What the longest of the suffixes stands for that a path's name ends in: ``.brian2.py`` is one."""
    fitting = [suffix for suffix in suffixes if path.suffix and path.name.endswith(suffix) and path.name != suffix]
    return suffixes[max(fitting, key=len)] if fitting else None


def identifier(path: Path) -> str:
    """The name of a file as one that programming languages take: letters, digits and _, no digit first.

    Raises:
        ValueError: It has signs that cannot stand between quotes there.
    """
    if set(path.name) & set('"\\\n\r'):
        raise ValueError("Expected a name without quotes, backslashes and line breaks, as it stands in the file; got "
                         f"{path.name!r}.")
    name = re.sub(r"\W", "_", path.stem, flags=re.ASCII)
    return f"n{name}" if name[:1].isdigit() or not name else name


def _either(suffixes: Mapping[str, Any]) -> str:
    """The suffixes as a sentence lists them, such as ``.c, .npz or .nir``."""
    *most, last = suffixes
    return f"{', '.join(most)} or {last}" if most else last

"""Files of results that a study adds to, line by line, and goes on from."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


def read(path: Path) -> Iterator[dict[str, Any]]:
    """What was noted in a file, which need not be there; a line that was cut off is left out, with a word."""
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if isinstance(entry, dict):
            yield entry
        else:
            print(f"{path}: a line that is no result is left out: {line[:60]!r}", file=sys.stderr)


def note(path: Path, entry: Mapping[str, Any]) -> None:
    """Adds a line to a file, on a line of its own even where the last was cut off as the study was killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(end - 1, 0))
        cut = b"" if file.read(1) in (b"", b"\n") else b"\n"
        file.write(cut + json.dumps(entry).encode() + b"\n")

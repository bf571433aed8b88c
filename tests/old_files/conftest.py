import gzip
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture
def old_file(tmp_path):
    """A file that an earlier version wrote: ``old_file("0.1.0/sharp.keras")``, unpacked if it is kept gzipped."""

    def find(name: str) -> Path:
        path = HERE / name
        if path.exists():
            return path
        unpacked = tmp_path / path.name
        unpacked.write_bytes(gzip.decompress(path.with_name(path.name + ".gz").read_bytes()))
        return unpacked

    return find

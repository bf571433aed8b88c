"""IDX files: read as they are, and refused where anything in them does not fit."""

import gzip
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whetstone_lab.datasets import idx
from whetstone_lab.records.archive import ArchiveError

#: Six values in two rows, byte by byte as the format has it.
GOOD = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 253, 254, 255])


def written(tmp_path, data, packed=False):
    path = tmp_path / "values"
    path.write_bytes(gzip.compress(data) if packed else data)
    return path


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_is_read_as_the_format_says(tmp_path, packed):
    values = idx.read(written(tmp_path, GOOD, packed))
    assert values.dtype == np.uint8
    assert values.tolist() == [[1, 2, 3], [253, 254, 255]]


def test_no_values_are_none(tmp_path):
    assert idx.read(written(tmp_path, bytes([0, 0, 8, 1, 0, 0, 0, 0]))).shape == (0,)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("data", "words"), [
    (b"", "begin with 00 00 08 and how many axes, 1 to 4; got nothing"),
    (b"\0\0", "got 00 00"),
    (b"\1" + GOOD[1:], "got 01 00 08 02"),
    (GOOD[:2] + b"\x0d" + GOOD[3:], "got 00 00 0d 02"),
    (GOOD[:3] + b"\0" + GOOD[4:], "got 00 00 08 00"),
    (GOOD[:3] + b"\5" + GOOD[4:], "got 00 00 08 05"),
    (GOOD[:9], "ends before the sizes of its 2 axes"),
    (GOOD + b"\0", r"claims shape \(2, 3\), 6 bytes, but holds more"),
    (GOOD[:4] + b"\xff" * 8 + GOOD[12:], r"claims shape \(4294967295, 4294967295\), .* which the file does not hold"),
])
def test_what_does_not_fit_is_refused(tmp_path, data, words, packed):
    with pytest.raises(ArchiveError, match=words):
        idx.read(written(tmp_path, data, packed))


def test_values_that_are_missing_are_refused(tmp_path):
    with pytest.raises(ArchiveError, match=r"claims shape \(2, 3\), 6 bytes, which the file does not hold"):
        idx.read(written(tmp_path, GOOD[:-1]))
    with pytest.raises(ArchiveError, match=r"claims shape \(2, 3\), 6 bytes, but holds 5"):
        idx.read(written(tmp_path, GOOD[:-1], packed=True))


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: data[:12], lambda data: data[:-6] + b"\0" * 6,
                                    lambda data: data[:10] + bytes([data[10] ^ 255]) + data[11:]])
def test_gzip_that_is_damaged_is_refused(tmp_path, damage):
    path = tmp_path / "values.gz"
    path.write_bytes(damage(gzip.compress(GOOD)))
    with pytest.raises(ArchiveError):
        idx.read(path)


def test_a_small_file_cannot_claim_gigabytes(tmp_path):
    path = written(tmp_path, GOOD[:4] + (40_000).to_bytes(4, "big") * 2 + b"\0" * 1000, packed=True)
    tracemalloc.start()
    try:
        with pytest.raises(ArchiveError, match=r"claims shape \(40000, 40000\)"):
            idx.read(path)
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()


def test_a_file_that_is_not_there_is_an_error_of_its_own(tmp_path):
    with pytest.raises(FileNotFoundError):
        idx.read(tmp_path / "none")


@given(data=st.binary(max_size=60), packed=st.booleans())
def test_any_bytes_are_values_or_a_clear_error(tmp_path_factory, data, packed):
    path = written(tmp_path_factory.mktemp("any"), data, packed)
    try:
        values = idx.read(path)
    except ArchiveError:
        return
    assert data[:4] == bytes([0, 0, 8, values.ndim])
    assert values.tobytes() == data[4 + 4 * values.ndim :]

"""Archives: what is written comes back, and no damaged or hostile file is read as if it were whole."""

import io
import json
import pickle
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from whetstone_lab.records import archive
from whetstone_lab.records.archive import ArchiveError

KIND = "whetstone_lab.test"
# Every example may overwrite the files of the one before; and no example fails for a busy machine.
SHARED_FOLDER = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture,
                                                               HealthCheck.too_slow])
DTYPES = st.one_of(stn.boolean_dtypes(), stn.integer_dtypes(), stn.unsigned_integer_dtypes(),
                   stn.floating_dtypes(sizes=(16, 32, 64)))
JSON = st.recursive(st.none() | st.booleans() | st.integers(-2**53, 2**53) | st.floats(allow_nan=False) | st.text(),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))


@pytest.fixture
def sample(tmp_path):
    arrays = {"x": np.arange(12.0).reshape(3, 4), "mask": np.array([True, False]), "n": np.array(7, np.uint8)}
    return archive.write(tmp_path / "sample.npz", KIND, 3, {"name": "Müller", "values": [1, None, "two"]}, arrays)


def npz(path, members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def npy(text, data=b"", version=(1, 0)):
    """An ``.npy`` member with the header given word for word."""
    text = text.encode() + b"\n"
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H" if version[0] == 1 else "<I", len(text)) + text + data


def header(**facts):
    buffer = io.BytesIO()
    np.save(buffer, np.frombuffer(json.dumps({"format": KIND, "version": 1, **facts}).encode(), np.uint8))
    return buffer.getvalue()


def described(shape, descr="<f8"):
    return f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape!r}, }}"


# -- round trips ------------------------------------------------------------------------------------------------------


@SHARED_FOLDER
@given(facts=st.dictionaries(st.sampled_from(["a", "b", "events", "ü"]), JSON),
       arrays=st.dictionaries(st.sampled_from(["x", "y", "a/b"]), stn.arrays(DTYPES, stn.array_shapes(min_dims=0,
                                                                                                     min_side=0))))
def test_what_is_written_comes_back(tmp_path, facts, arrays):
    path = archive.write(tmp_path / "file", KIND, 1, facts, arrays)
    got_facts, got_arrays = archive.read(path, KIND, 1)
    assert got_facts == facts
    assert set(got_arrays) == set(arrays)
    for name, array in arrays.items():
        assert got_arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(got_arrays[name], array)


def test_numbers_of_numpy_in_the_header_become_plain_ones(tmp_path):
    facts = {"a": np.float32(0.5), "b": np.int64(3), "c": np.bool_(True), "d": np.arange(3), "e": float("inf")}
    got, _ = archive.read(archive.write(tmp_path / "f", KIND, 1, facts, {}), KIND, 1)
    assert got == {"a": 0.5, "b": 3, "c": True, "d": [0, 1, 2], "e": float("inf")}


def test_numpy_alone_can_read_it(sample):
    with np.load(sample, allow_pickle=False) as arrays:
        assert json.loads(arrays["header"].tobytes())["format"] == KIND
        assert arrays["x"].shape == (3, 4)


def test_arrays_in_any_byte_and_memory_order_are_read(tmp_path):
    arrays = {"big": np.arange(5, dtype=">f4"), "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
              "strided": np.arange(10)[::3]}
    _, got = archive.read(archive.write(tmp_path / "f", KIND, 1, {}, arrays), KIND, 1)
    for name, array in arrays.items():
        np.testing.assert_array_equal(got[name], array)


# -- writing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("array", [np.array([object()]), np.array(["text"]), np.array([1j]),
                                   np.array(["2020-01-01"], "M8[D]"), np.zeros(2, [("a", "f4")])])
def test_only_plain_numbers_are_written(tmp_path, array):
    with pytest.raises(TypeError, match=r"'x' has dtype .* booleans, integers and floats"):
        archive.write(tmp_path / "f", KIND, 1, {}, {"x": array})
    assert not list(tmp_path.iterdir())


def test_a_header_that_is_not_json_is_refused(tmp_path):
    with pytest.raises(TypeError, match=r"JSON-able facts for the header; got .* of type set"):
        archive.write(tmp_path / "f", KIND, 1, {"x": {1, 2}}, {})
    assert not list(tmp_path.iterdir())


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(sample, monkeypatch):
    before = sample.read_bytes()

    def fail(file, **arrays):
        file.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez_compressed", fail)
    with pytest.raises(OSError, match="No space"):
        archive.write(sample, KIND, 1, {}, {"x": np.zeros(3)})
    assert sample.read_bytes() == before
    assert list(sample.parent.iterdir()) == [sample]


# -- reading what is not right ----------------------------------------------------------------------------------------


def test_two_that_write_one_file_at_once_do_not_write_into_each_other(tmp_path):
    path, theirs = tmp_path / "page.html", tmp_path / "page.html.part"
    theirs.write_text("a file of the user's")
    with archive.in_one_piece(path) as one, archive.in_one_piece(path) as other:
        one.write_text("one")
        other.write_text("other")
    assert path.read_text() == "one"
    assert theirs.read_text() == "a file of the user's"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["page.html", "page.html.part"]


def test_a_folder_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"Expected a folder to write run\.npz in; there is no .*elsewhere"):
        archive.write(tmp_path / "elsewhere" / "run.npz", KIND, 1, {}, {})


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(FileNotFoundError):
        archive.read(tmp_path / "none.npz", KIND, 1)


def test_truncated_anywhere_it_is_refused(sample):
    whole = sample.read_bytes()
    for length in range(0, len(whole), 3):
        sample.write_bytes(whole[:length])
        with pytest.raises(ArchiveError, match="truncated"):
            archive.read(sample, KIND, 3)


@pytest.mark.parametrize("text", [b"", b"hello", b"PK\x03\x04", b"\x93NUMPY\x01\x00", bytes(1000)])
def test_another_kind_of_file_is_refused(tmp_path, text):
    path = tmp_path / "f.npz"
    path.write_bytes(text)
    with pytest.raises(ArchiveError, match=r"f\.npz is not a readable"):
        archive.read(path, KIND, 1)


def test_another_format_is_named(sample):
    with pytest.raises(ArchiveError, match=r"holds 'whetstone_lab\.test'; expected 'whetstone_lab\.other'"):
        archive.read(sample, "whetstone_lab.other", 3)


@pytest.mark.parametrize(("version", "read"), [(2, "versions 1 to 2"), (1, "version 1")])
def test_a_newer_version_is_named_with_those_that_are_read(sample, version, read):
    assert archive.read(sample, KIND, 3)
    with pytest.raises(ArchiveError, match=rf"of version 3; this release reads {read}\."):
        archive.read(sample, KIND, version)


@pytest.mark.parametrize("version", [0, -1, 1.0, "1", None])
def test_a_version_that_is_none_is_refused(tmp_path, version):
    with pytest.raises(ArchiveError, match=r"this release reads version 1\."):
        archive.read(npz(tmp_path / "f", {"header.npy": header(version=version)}), KIND, 1)


@pytest.mark.parametrize("text", [b"{", b"\xff\xfe", b"[" * 100_000, b""])
def test_a_header_that_is_not_json_is_refused_on_reading(tmp_path, text):
    np.savez(tmp_path / "f.npz", header=np.frombuffer(text, np.uint8))
    with pytest.raises(ArchiveError, match="no header in JSON"):
        archive.read(tmp_path / "f.npz", KIND, 1)


@pytest.mark.parametrize("text", [b"[]", b"3", b"null"])
def test_a_header_that_is_no_object_is_refused(tmp_path, text):
    np.savez(tmp_path / "f.npz", header=np.frombuffer(text, np.uint8))
    with pytest.raises(ArchiveError, match="holds None; expected"):
        archive.read(tmp_path / "f.npz", KIND, 1)


def test_an_archive_without_a_header_is_refused(tmp_path):
    np.savez(tmp_path / "f.npz", x=np.zeros(3))
    with pytest.raises(ArchiveError, match="no header"):
        archive.read(tmp_path / "f.npz", KIND, 1)


class Explosive:
    """Says so when it is unpickled, which must never happen."""

    exploded = False

    def __reduce__(self):
        return setattr, (Explosive, "exploded", True)


def test_pickles_are_refused_unopened(tmp_path):
    path = tmp_path / "f.npz"
    np.savez(path, header=np.zeros(1), x=np.array([Explosive()], dtype=object))
    with pytest.raises(ArchiveError, match="'x' has dtype object; only booleans, integers and floats"):
        archive.read(path, KIND, 1)
    npz(path, {"x.npy": pickle.dumps(Explosive())})
    with pytest.raises(ArchiveError, match="not a readable"):
        archive.read(path, KIND, 1)
    assert not Explosive.exploded
    # The trap itself works: read by pickle, it goes off.
    np.load(io.BytesIO(pickle.dumps(Explosive())), allow_pickle=True)
    assert Explosive.exploded


@pytest.mark.parametrize("shape", [(2**60,), (2**31, 2**31), (10**9,), (10**6,), (4,), (2,), (-3,), ()])
def test_an_array_that_claims_other_than_it_holds_is_refused_before_memory_is_taken(tmp_path, shape):
    path = npz(tmp_path / "f", {"header.npy": header(), "x.npy": npy(described(shape), bytes(24))})
    tracemalloc.start()
    try:
        with pytest.raises(ArchiveError, match="'x' claims shape"):
            archive.read(path, KIND, 1)
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()


def test_a_zip_that_lies_about_its_size_is_refused(tmp_path):
    path = npz(tmp_path / "f", {"x.npy": npy(described((2**27,)), bytes(24))})
    data = path.read_bytes()
    true, claimed = (struct.pack("<I", size) for size in (len(npy(described((2**27,)), bytes(24))),
                                                          len(npy(described((2**27,)))) + 2**30))
    assert data.count(true) == 2
    path.write_bytes(data.replace(true, claimed))
    with pytest.raises(ArchiveError, match="which the file does not hold"):
        archive.read_arrays(path)


def test_the_arrays_of_a_file_are_limited_together(tmp_path, monkeypatch):
    path = npz(tmp_path / "f", {f"{n}.npy": npy(described((100,)), bytes(800)) for n in range(3)})
    assert len(archive.read_arrays(path)) == 3
    monkeypatch.setattr(archive, "MAX_BYTES", 2000)  # more than any of them alone
    with pytest.raises(ArchiveError, match=r"claims to hold \d+ bytes, more than"):
        archive.read_arrays(path)


@pytest.mark.parametrize("text", [
    "{'descr': '<f8'", "{" * 5000, "-" * 9000 + "1", "{1: 2, 'a': 3}", "  {}", "'''", "[", "\\", "",
    "__import__('os').abort()", described((1,), "|O"), described((1,), "no such type"), described("x"),
    described((1.5,)), described((-1, -1)),
])
def test_a_malformed_array_header_is_refused(tmp_path, text):
    with pytest.raises(ArchiveError):
        archive.read_arrays(npz(tmp_path / "f", {"x.npy": npy(text, bytes(8))}))


@SHARED_FOLDER
@given(data=st.data())
def test_a_flipped_byte_is_noticed_or_harmless(sample, tmp_path, data):
    whole = bytearray(sample.read_bytes())
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "flipped.npz"
    path.write_bytes(whole)
    facts, arrays = archive.read(sample, KIND, 3)
    try:
        got_facts, got = archive.read(path, KIND, 3)
    except ArchiveError:
        return
    # What no checksum covers is the zip's own bookkeeping, such as dates: what is read then is still what was stored,
    # save that an array may be missing or called by another name, which ``take`` finds out.
    assert got_facts == facts
    assert {array.tobytes() for array in got.values()} <= {array.tobytes() for array in arrays.values()}


@SHARED_FOLDER
@given(text=st.binary(max_size=300), start=st.sampled_from([b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00"]))
def test_no_bytes_raise_anything_else(tmp_path, text, start):
    path = tmp_path / "noise"
    path.write_bytes(start + text)
    with pytest.raises(ArchiveError):
        archive.read(path, KIND, 1)
    npz(path, {"header.npy": start + text})
    with pytest.raises(ArchiveError):
        archive.read(path, KIND, 1)


# -- take -------------------------------------------------------------------------------------------------------------


def test_take_gives_an_array_that_fits():
    array = np.zeros((3, 2), np.int16)
    assert archive.take({"x": array}, "x", (None, 2), "iu", "file") is array


@pytest.mark.parametrize(("name", "shape", "kinds", "words"), [
    ("y", (3,), "f", "file lacks the array 'y'"),
    ("x", (3,), "i", r"'x' has shape \(3, 2\) and dtype int16; expected shape \(3,\)"),
    ("x", (None, 3), "i", r"expected shape \('any', 3\)"),
    ("x", (3, 2, 1), "i", r"expected shape \(3, 2, 1\)"),
    ("x", (3, 2), "f", "dtype int16; .* a dtype of kind 'f'"),
])
def test_take_says_what_does_not_fit(name, shape, kinds, words):
    with pytest.raises(ArchiveError, match=words):
        archive.take({"x": np.zeros((3, 2), np.int16)}, name, shape, kinds, "file")


def test_text_is_read_where_it_is_asked_for_and_refused_elsewhere(tmp_path):
    names = np.array(["sky", "road", ""])
    np.savez(tmp_path / "names.npz", names=names, numbers=np.arange(3))
    found = archive.read_arrays(tmp_path / "names.npz", kinds="biufU")
    assert found["names"].tolist() == names.tolist()
    assert found["numbers"].tolist() == [0, 1, 2]
    with pytest.raises(ArchiveError, match="'names' has dtype <U4; only booleans, integers and floats are read"):
        archive.read_arrays(tmp_path / "names.npz")
    np.savez(tmp_path / "objects.npz", names=np.array(["sky", None], object))
    with pytest.raises(ArchiveError, match="dtype object; only booleans, integers, floats and text are read"):
        archive.read_arrays(tmp_path / "objects.npz", kinds="biufU")


def test_the_format_of_a_file_is_told_without_reading_it_as_one(tmp_path):
    assert archive.kind_of(archive.write(tmp_path / "a.npz", "some.kind", 7, {}, {"x": np.zeros(2)})) == "some.kind"
    for number, header in enumerate([b"[1]", b"{}", b'{"format": 3}']):
        path = tmp_path / f"{number}.npz"
        np.savez(path, header=np.frombuffer(header, np.uint8))
        with pytest.raises(archive.ArchiveError, match="names no format"):
            archive.kind_of(path)
    np.savez(tmp_path / "none.npz", x=np.zeros(2))
    with pytest.raises(archive.ArchiveError, match="has no header in JSON"):
        archive.kind_of(tmp_path / "none.npz")

"""NIR files: bad ones are refused, and without the package ``nir`` it is said what to install."""

import sys

import h5py
import numpy as np
import pytest
from nir_graphs import convnet, mlp

from whetstone_lab.exchange.nir import from_nir, to_nir
from whetstone_lab.records.archive import ArchiveError


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("nir") / "network.nir"
    to_nir(convnet(), path)
    return path


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no file"):
        from_nir(tmp_path / "missing.nir")


@pytest.mark.parametrize("keep", [0, 100, 0.5, 0.9])
def test_a_truncated_file_is_refused(keep, whole, tmp_path):
    data, path = whole.read_bytes(), tmp_path / "cut.nir"
    path.write_bytes(data[: int(keep * len(data)) if isinstance(keep, float) else keep])
    with pytest.raises(ArchiveError, match="not a readable NIR file"):
        from_nir(path)


def huge(node):
    del node["weight"]
    node.create_dataset("weight", (10**6, 10**6), "f4", chunks=(1000, 1000), compression="gzip")


def elsewhere(node):
    del node["weight"]
    node["weight"] = h5py.ExternalLink("other.h5", "/weight")


def soft(node):
    node["again"] = h5py.SoftLink("/node")


def loop(node):
    node["again"] = node


def outside(node):
    del node["weight"]
    node.create_dataset("weight", (3, 2), "f4", external=[("other.bin", 0, 24)])


def virtual(node):
    del node["weight"]
    layout = h5py.VirtualLayout((3, 2), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "weight", (3, 2))
    node.create_virtual_dataset("weight", layout)


def stranger(node):
    del node["type"]
    node["type"] = "Exec"


@pytest.mark.parametrize(("change", "words"), [
    (huge, "claims shape"), (elsewhere, "points to another"), (soft, "points to another"), (loop, "points to another"),
    (outside, "in another file"), (virtual, "in another file"), (stranger, "not a readable NIR file"),
])
def test_hostile_files_are_refused(change, words, whole, tmp_path):
    path = tmp_path / "hostile.nir"
    path.write_bytes(whole.read_bytes())
    with h5py.File(path, "r+") as file:
        change(file["node/nodes/dense"])
    with pytest.raises(ArchiveError, match=words):
        from_nir(path)


def test_files_of_something_else_are_refused(tmp_path):
    path = tmp_path / "other.nir"
    with h5py.File(path, "w") as file:
        file["data"] = np.arange(3)
    with pytest.raises(ArchiveError, match="not a readable NIR file"):
        from_nir(path)
    path.write_bytes(b"no HDF5 at all")
    with pytest.raises(ArchiveError, match="not a readable NIR file"):
        from_nir(path)


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "nir", None)
    for call in (lambda: to_nir(mlp()), lambda: from_nir("network.nir")):
        with pytest.raises(ImportError, match=r"pip install 'whetstone-lab\[nir\]'"):
            call()

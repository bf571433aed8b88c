"""The table of targets: it is what lies in the folder, and every target keeps what it says."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
from fresh import run_fresh
from nir_graphs import NETWORKS, images

from whetstone_lab import exchange
from whetstone_lab.exchange import targets as table
from whetstone_lab.exchange.targets import export, read, targets, write
from whetstone_lab.simulator import run

NEW = """
from whetstone_lab.exchange.targets import Target
TARGET = Target({suffix!r}, lambda network, path: path.write_text(repr(network)), None, None, "Its summary.", "text")
"""


@pytest.fixture
def add(monkeypatch, tmp_path):
    """Puts a module with a target into the folder, for the length of a test."""
    def put(name, suffix):
        (tmp_path / f"{name}.py").write_text(NEW.format(suffix=suffix))
        monkeypatch.delitem(sys.modules, f"{exchange.__name__}.{name}", raising=False)
        targets.cache_clear()

    monkeypatch.setattr(exchange, "__path__", [*exchange.__path__, str(tmp_path)])
    yield put
    targets.cache_clear()


def test_the_table():
    assert list(targets()) == [
        ".brian2.py", ".c", ".lava.py", ".nengo.py", ".nest.py", ".npz", ".pynn.py", ".rockpool.py",
        ".sanafe.py", ".v",
        ".nir", ".onnx", ".rockpool.nir", ".sinabs.nir", ".spyx.nir", ".tflite"]
    assert {suffix: target.package for suffix, target in targets().items() if target.package} == {
        ".nir": "nir", ".onnx": "onnx", ".rockpool.nir": "nir", ".sinabs.nir": "nir", ".spyx.nir": "nir",
        ".tflite": "ai_edge_litert"}
    for suffix, target in targets().items():
        assert target.suffix == suffix
        assert target.keeps.endswith(".")
        assert target.about
        assert ("FILE" in target.use) == target.writes == (suffix not in (".pynn.py", ".rockpool.nir"))
        assert target.metadata == ("metadata as JSON" in target.keeps or suffix == ".npz")


def test_what_to_do_with_a_file_can_be_pasted_whatever_its_name():
    paths = [Path("my nets/it's.nir"), Path("net.nir")]
    assert [targets()[".nir"].used(path).split(";")[0] for path in paths] == [
        """graph = nir.read("my nets/it's.nir")""", "graph = nir.read('net.nir')"]
    assert [targets()[".c"].used(path).split(",")[0].split("main.c ")[1] for path in paths] == [
        """'my nets/it'"'"'s.nir'""", "net.nir"]


def test_export_takes_a_network_and_any_kind_of_path(tmp_path):
    network = NETWORKS["mlp"]()
    for path in (tmp_path / "net.npz", str(tmp_path / "net.npz")):
        assert export(network, path) == tmp_path / "net.npz"
    np.testing.assert_array_equal(run(read(tmp_path / "net.npz"), images(network)).votes,
                                  run(network, images(network)).votes)
    with pytest.raises(TypeError, match=r"Expected a Network, such as whetstone_lab.convert.* got str"):
        export("net.npz", tmp_path / "net.nir")


def test_whether_a_package_is_there_is_known_without_importing_it():
    assert targets()[".npz"].installed
    assert targets()[".nir"].installed
    assert not dataclasses.replace(targets()[".nir"], package="no_such_package").installed


@pytest.mark.parametrize("suffix", [suffix for suffix, target in targets().items() if target.read])
@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_written_comes_back_and_spikes_the_same(suffix, name, tmp_path):
    network = NETWORKS[name]()
    path = write(network, tmp_path / f"network{suffix}")
    assert list(tmp_path.iterdir()) == [path]
    again, x = read(path), images(network)
    np.testing.assert_array_equal(run(again, x).votes, run(network, x).votes)
    assert again.readout == network.readout


def test_a_new_file_in_the_folder_is_a_new_target(add, tmp_path):
    add("made_up_target", ".made_up")
    network, path = NETWORKS["mlp"](), tmp_path / "network.made_up"
    assert [suffix for suffix in targets() if suffix in (".c", ".made_up", ".npz")] == [".c", ".made_up", ".npz"]
    write(network, path)
    assert path.read_text() == repr(network)
    with pytest.raises(ValueError, match=r"Expected a network, a file whose name ends in .npz or .nir; got .*made_up"):
        read(path)  # it is for writing only


def test_one_suffix_for_two_is_an_error(add):
    add("made_up_rival", ".nir")
    with pytest.raises(RuntimeError, match=r"one target for each suffix; two have .nir"):
        targets()


def test_a_file_for_one_reader_is_a_file_of_its_format(tmp_path):
    path = write(NETWORKS["mlp"](), tmp_path / "network.sinabs.nir")
    assert read(path).layers == NETWORKS["mlp"]().layers


def test_the_longest_suffix_counts(add, tmp_path):
    add("made_up_script", ".c.py")
    write(NETWORKS["mlp"](), tmp_path / "network.c.py")
    assert (tmp_path / "network.c.py").read_text() == repr(NETWORKS["mlp"]())


def test_what_pynn_would_do_is_said_and_nothing_is_written(tmp_path):
    with pytest.raises(ValueError, match=r"other spikes over NEST than over Brian2.* \.nest\.py or \.brian2\.py"):
        write(NETWORKS["mlp"](), tmp_path / "network.pynn.py")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["network.txt", "network", "network.NPZ", "network.py", ".npz"])
def test_another_suffix_is_refused_with_those_there_are(name, tmp_path):
    with pytest.raises(ValueError, match=rf"file whose name ends in .brian2.py, .c, .* or .tflite; got .*{name}"):
        write(NETWORKS["mlp"](), tmp_path / name)
    with pytest.raises(ValueError, match=rf"a file whose name ends in .npz or .nir; got .*{name}"):
        read(tmp_path / name)


def test_the_table_loads_no_package_of_a_target():
    program = (f"import sys; from {table.__name__} import targets; targets(); "
               "print({'nir', 'onnx', 'ai_edge_litert', 'h5py', 'keras', 'torch'} & set(sys.modules))")
    assert run_fresh(program, loaded="numpy").stdout == "set()\n"

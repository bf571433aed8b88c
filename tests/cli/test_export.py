"""The commands ``export`` and ``targets``: one file into another, and what there is."""

import sys

import numpy as np
import pytest

from whetstone_lab import exchange
from whetstone_lab.cli import main as cli
from whetstone_lab.exchange import targets as table
from whetstone_lab.exchange.integers import as_integers
from whetstone_lab.simulator import Network, run
from whetstone_lab.simulator.operations import Dense, Neurons


@pytest.fixture
def saved(tmp_path):
    weights = np.random.default_rng(0).integers(-3, 4, (6, 5)) / 4
    return Network((6,), [Dense(weights), Neurons()], key=np.eye(5)).save(tmp_path / "net.npz")


def test_a_network_goes_to_nir_and_back(saved, tmp_path, capsys):
    nir, back = tmp_path / "new" / "net.nir", tmp_path / "back.npz"
    assert cli.main(["export", str(saved), "-o", str(nir)]) == 0
    target = table.targets()[".nir"]
    assert capsys.readouterr().out.splitlines() == [
        repr(Network.load(saved)), f"Wrote {nir}, {target.about}.", f"It keeps: {target.keeps}",
        f"To use it: {target.used(nir)}"]
    assert cli.main(["export", str(nir), "-o", str(back)]) == 0
    x = np.random.default_rng(1).integers(0, 3, (20, 6)).astype(np.float32)
    np.testing.assert_array_equal(run(Network.load(back), x).votes, run(Network.load(saved), x).votes)


def test_every_target_is_a_name_away(saved, tmp_path):
    whole = as_integers(Network.load(saved), bits=4, step=1.0, largest=2).save(tmp_path / "whole.npz")
    for suffix, target in table.targets().items():
        if target.installed and target.writes:
            assert cli.main(["export", str(whole), "-o", str(tmp_path / f"other{suffix}")]) == 0
            assert (tmp_path / f"other{suffix}").stat().st_size > 100


def test_whole_numbers_are_made_on_the_way_and_the_costs_are_said(saved, tmp_path, capsys):
    arguments = ["--bits", "4", "--step", "1", "--largest", "2"]
    assert cli.main(["export", str(saved), "-o", str(tmp_path / "net.c"), *arguments]) == 0
    assert "It takes 75 bytes of flash" in capsys.readouterr().out  # 30 weights, 5 thresholds of 4 bytes, a key of 25
    assert "const int8_t" in (tmp_path / "net.c").read_text()
    assert cli.main(["export", str(saved), "-o", str(tmp_path / "net.v"), *arguments]) == 0
    assert "cycles for an input" in capsys.readouterr().out
    assert cli.main(["export", str(saved), "-o", str(tmp_path / "whole.npz"), *arguments]) == 0
    assert Network.load(tmp_path / "whole.npz").meta["integers"] == {"bits": 4, "step": 1.0, "largest": 2}
    assert cli.main(["export", str(saved), "-o", str(tmp_path / "no.c"), "--bits", "17"]) == 1
    assert "from 2 to 16" in capsys.readouterr().err
    assert cli.main(["export", str(saved), "-o", str(tmp_path / "no.c"), "--step", "1"]) == 1
    assert "together with --bits" in capsys.readouterr().err


@pytest.mark.parametrize(("given", "out", "said"), [
    ("net.npz", "net.txt", "Expected to write a file whose name ends in .brian2.py, .c,"),
    ("net.npz", "net.npz", "Expected another file to write than the one that is read"),
    ("net.keras", "net.onnx", "Convert it: whetstone-lab convert"),
    ("net.onnx", "net.nir", "Expected a network, a file whose name ends in .npz or .nir; got"),
    ("none.npz", "net.nir", "There is no file"),
    ("net.npz", "folder.nir", "folder.nir is a folder"),
])
def test_what_cannot_be_is_a_sentence(given, out, said, saved, capsys):
    saved.with_name("folder.nir").mkdir()
    assert cli.main(["export", str(saved.with_name(given)), "-o", str(saved.with_name(out))]) == 1
    assert said in capsys.readouterr().err
    assert sorted(path.name for path in saved.parent.iterdir()) == ["folder.nir", "net.npz"]


def test_a_missing_package_is_named_with_its_extra(saved, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert cli.main(["export", str(saved), "-o", str(saved.with_name("net.onnx"))]) == 1
    assert "need the package onnx: pip install 'whetstone-lab[onnx]'" in capsys.readouterr().err


def test_targets_says_what_there_is_and_what_is_missing(monkeypatch, tmp_path, capsys):
    (tmp_path / "made_up_listing.py").write_text(
        "from whetstone_lab.exchange.targets import Target\n"
        "TARGET = Target('.made_up', print, None, 'no_such_package', 'Nothing at all.', 'a format of no use')\n")
    monkeypatch.setattr(exchange, "__path__", [*exchange.__path__, str(tmp_path)])
    table.targets.cache_clear()
    try:
        assert cli.main(["targets"]) == 0
        found = dict(table.targets())
    finally:
        table.targets.cache_clear()
    told = capsys.readouterr().out
    for suffix, target in found.items():
        assert f"{suffix:13} {target.about}\n" in told
        assert f"keeps: {target.keeps}\n" in told
        assert f"use: {target.use}\n" in told or not target.use
    assert "reads and writes; needs nothing else" in told
    assert told.count("is refused; needs") == 2
    assert "needs the package nir, which is installed" in told
    assert ("writes; needs the package no_such_package, which is not installed: "
            "python -m pip install 'whetstone-lab[no_such_package]'") in told

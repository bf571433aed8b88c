"""What is said without the package. ``test_onnx_runtime`` runs what is written, ``test_tensors`` has what is not."""

import sys

import pytest
from nir_graphs import mlp

from whetstone_lab.exchange.targets import export


def test_without_the_package_it_is_said_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"need the package onnx: pip install 'whetstone-lab\[onnx\]'"):
        export(mlp(), tmp_path / "net.onnx")
    assert list(tmp_path.iterdir()) == []

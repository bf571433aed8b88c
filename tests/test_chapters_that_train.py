"""Cells that train only when a student has answered: nbval runs the chapters as they are shipped, without answers."""

import json
from pathlib import Path

import numpy as np
import pytest

from whetstone_lab import datasets

pytest.importorskip("keras")

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def cell(chapter, text):
    """The only code cell of a chapter that holds a text."""
    (found,) = ("".join(cell["source"]) for cell in json.loads((NOTEBOOKS / chapter).read_text())["cells"]
                if cell["cell_type"] == "code" and text in "".join(cell["source"]))
    return found


def test_an_autoencoder_of_as_many_bits_as_a_student_chose(capsys):
    shown = []
    names = {"display": shown.append}
    exec(cell("10_autoencoders.ipynb", "def rows("), names)
    names["blank"] = float(np.mean((names["digits"].x_train.mean(axis=0) - names["x"]) ** 2))
    exec("my_code = 6", names)
    exec(cell("10_autoencoders.ipynb", "if my_code is None"), names)
    assert "6 bits after 8 epochs: error 0.0" in capsys.readouterr().out
    assert names["mine"].dense("code").shape[-1] == 6
    assert len(shown) == 1


def test_momentum_in_keras_with_a_surrogate_and_an_average(capsys):
    names = {"digits": datasets.load_digits(), "my_guess": 0.5}
    exec(cell("06_optimizers.ipynb", "if my_guess is None"), names)
    assert "you said 50%" in capsys.readouterr().out
    assert names["accuracy"] > 0.93

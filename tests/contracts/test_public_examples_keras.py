"""The examples that train run as they are printed: those in docstrings, on a tiny net, and those of the README."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from doc_examples import ROOT, blocks, files_with_examples, run_docstrings, sections, try_in_copy
from worlds import Corridor

import whetstone_lab as wl


def make_names():
    """What examples take for granted: the public names, a compiled model, pictures with labels, a stream of batches."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    x, y = rng.random((16, 6), np.float32), rng.integers(0, 3, 16)
    model = keras.Sequential([
        keras.Input((6,)), keras.layers.Dense(8), wl.SpikingBReLU(), keras.layers.Dense(6), wl.SpikingBReLU(),
        wl.SoftmaxDecode(wl.make_key(classes=3, width=6))])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=True)
    public = {name: getattr(wl, name) for name in wl.__all__}
    return {**public, "whetstone_lab": wl, "keras": keras, "model": model, "x": x, "y": y, "x_train": x, "y_train": y,
            "sharpener": wl.StepwiseSharpener(), "stream": [(x[:8], y[:8]), (x[8:], y[8:])], "env": Corridor()}


@pytest.mark.parametrize("file", files_with_examples(keras=True), ids=lambda file: file.as_posix())
def test_the_examples_of_a_file_run(file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_docstrings(file, make_names).attempted


def test_the_readme_does_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x, y = rng.random((10, 64), np.float32), np.arange(10)
    names = {"x": x, "y": y, "x_test": x[:7]}
    first, second, third, fourth = blocks((ROOT / "README.md").read_text(encoding="utf-8"), "python")
    exec(compile(first, "README.md", "exec"), names)
    assert (names["trace"].sharpness[-1] == 1).all()
    decided = names["model"].predict(names["x_test"], verbose=0).argmax(-1)
    assert (names["record"].classes == decided).all()
    assert wl.Trace.load("run.npz").epochs == names["trace"].epochs == 20
    exec(compile(second, "README.md", "exec"), names)
    assert names["sharpener"].trace.epochs == 60
    relu = keras.Sequential([keras.Input((64,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(10, "softmax")])
    names |= {"relu_model": relu, "x_train": x, "y_train": y}
    exec(compile(third, "README.md", "exec"), names)
    assert (names["trace"].sharpness[-1] == 1).all()
    names |= {"gymnasium": SimpleNamespace(make=lambda name: Corridor())}
    assert "steps=50_000" in fourth
    exec(compile(fourth.replace("steps=50_000", "steps=1_200"), "README.md", "exec"), names)
    assert (names["agent"].trace.sharpness[-1] == 1).all()
    assert names["record"].classes.tolist() == names["episodes"][0].actions.tolist()


def test_what_adding_a_curve_or_a_layer_shows_is_true(tmp_path):
    texts = sections(ROOT / "docs" / "adding.md")
    try_in_copy({title: text for title, text in texts.items() if ">>> import keras" in text}, tmp_path,
                keras=True)

"""What is kept of a chapter that has been run: what it printed and drew, and nothing that only a kernel understands."""

import base64
import io
import runpy
from pathlib import Path

import numpy as np
import pytest

from whetstone_lab import plots

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("playwright")
Image = pytest.importorskip("PIL.Image")

v4 = nbformat.v4


@pytest.fixture(scope="module")
def pictures():
    return runpy.run_path(str(Path(__file__).parents[1] / "docs" / "pictures.py"))


def png():
    """A figure as a notebook has it, in base64."""
    lines = {f"layer {layer}": np.sin(np.arange(40) / (layer + 3)) for layer in range(4)}
    return base64.b64encode(plots.lines(np.arange(40), lines, "Four lines", across="x", up="y").png()).decode()


def on(ground, picture):
    """A picture as it is seen on a ground, red, green and blue."""
    seen = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGBA")
    return np.asarray(Image.alpha_composite(Image.new("RGBA", seen.size, ground), seen), int)[..., :3]


def test_what_is_kept_of_outputs(pictures):
    drawn = png()
    cells = [
        v4.new_markdown_cell("# Words"),
        v4.new_code_cell("1", execution_count=17, metadata={"tags": ["quiz"], "execution": {"iopub.status.busy": "x"}},
                         outputs=[v4.new_output("stream", name="stdout", text="one, "),
                                  v4.new_output("stream", name="stderr", text="a warning"),
                                  v4.new_output("stream", name="stdout", text="two"),
                                  v4.new_output("display_data", {"application/vnd.jupyter.widget-view+json": {}}),
                                  v4.new_output("display_data", {"text/html": "<img>", "image/png": drawn,
                                                                 "text/plain": "View()"}, metadata={"a": 1})]),
        v4.new_code_cell("2", execution_count=18, outputs=[
            v4.new_output("execute_result", {"text/plain": "2"}, execution_count=18)]),
        v4.new_code_cell("3", metadata={"tags": ["solution"]}, outputs=[
            v4.new_output("stream", name="stdout", text="42")])]
    notebook = v4.new_notebook(cells=cells, metadata={"language_info": {"name": "python", "version": "3.12.1"}})
    pictures["as_kept"](notebook)
    nbformat.validate(notebook)
    said, seen = cells[1].outputs
    assert said.text == "one, two"
    assert set(seen.data) == {"image/png", "text/plain"}
    assert seen.metadata == {}
    assert len(seen.data["image/png"]) < len(drawn) / 2
    assert cells[1].metadata == {"tags": ["quiz"]}
    assert (cells[1].execution_count, cells[2].execution_count, cells[2].outputs[0].execution_count) == (1, 2, 2)
    assert cells[3].outputs == []
    assert "version" not in notebook.metadata.language_info


@pytest.mark.parametrize("ground", ["white", "#111111"])
def test_a_smaller_picture_is_the_same_to_the_eye(pictures, ground):
    drawn = png()
    difference = abs(on(ground, drawn) - on(ground, pictures["smaller"](drawn)))
    assert difference.mean() < 1
    assert (difference > 40).mean() < 0.001

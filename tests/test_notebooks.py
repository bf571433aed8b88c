"""What the notebooks show before they are run; that they run is shown by running them, which pytest does with nbval."""

import json
import sysconfig
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_holds_no_widgets_without_their_kernel_and_no_path_of_a_machine(path):
    text = path.read_text()
    assert "widget-view" not in text
    assert "/home/" not in text
    for folder in {sysconfig.get_path(name) for name in ("purelib", "platlib")}:  # where packages are, on any machine
        assert Path(folder).name not in text


def test_the_start_notebook_shows_a_picture_of_each_widget_where_nothing_runs():
    cells = json.loads((NOTEBOOKS / "00_start.ipynb").read_text())["cells"]
    widgets = [cell for cell in cells if "widgets." in "".join(cell["source"]) and cell["cell_type"] == "code"]
    assert len(widgets) == 3
    for cell in widgets:
        assert any("image/png" in output.get("data", {}) for output in cell["outputs"])

"""What the notebooks show before they are run, and how the chapters are built; that they run is shown by running them,
which pytest does with nbval."""

import json
import re
import sysconfig
from pathlib import Path

import pytest

from whetstone_lab.course import CHAPTERS, quiz_file

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
WRITTEN = [chapter for chapter in CHAPTERS if (NOTEBOOKS / chapter.notebook).exists()]

#: What loads Keras as soon as it is used.
HEAVY = re.compile(r"\bkeras\b|wl\.(fit|train|convert|spiking|SpikingBReLU|models)\b|training\.models")
PICTURE = re.compile(r"\b(widgets|plots)\.\w+\(")


def cells(path):
    return [{**cell, "source": "".join(cell["source"])} for cell in json.loads(path.read_text())["cells"]]


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_holds_no_widgets_without_their_kernel_and_no_path_of_a_machine(path):
    text = path.read_text()
    assert "widget-view" not in text
    assert "/home/" not in text
    assert "/tmp/" not in text
    for folder in {sysconfig.get_path(name) for name in ("purelib", "platlib")}:  # where packages are, on any machine
        assert Path(folder).name not in text


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_chapter_shows_its_pictures_where_nothing_runs_and_they_are_small(path):
    """``python docs/pictures.py CHAPTER`` keeps them; nbval compares what is printed, where a cell is tagged so, and
    passes over pictures, whose bytes differ with every version of matplotlib."""
    code = [cell for cell in cells(path) if cell["cell_type"] == "code"]
    pictures = [output["data"]["image/png"] for cell in code for output in cell["outputs"]
                if "image/png" in output.get("data", {})]
    assert len(pictures) >= 2
    assert sum(map(len, pictures)) < 4 / 3 * 90_000  # in base64
    for cell in code:
        assert cell["execution_count"], cell["source"]
        drawn = [output for output in cell["outputs"] if "data" in output]
        assert drawn or not PICTURE.search(cell["source"].splitlines()[-1]), cell["source"]


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_links_between_notebooks_lead_to_chapters(path):
    known = {"00_start.ipynb", *(chapter.notebook for chapter in CHAPTERS)}
    linked = {name for cell in cells(path) for name in re.findall(r"\]\((\w+\.ipynb)\)", cell["source"])}
    assert linked
    assert linked <= known


def test_the_start_notebook_shows_a_picture_of_each_widget_where_nothing_runs():
    widgets = [cell for cell in cells(NOTEBOOKS / "00_start.ipynb")
               if "widgets." in cell["source"] and cell["cell_type"] == "code"]
    assert len(widgets) == 4
    for cell in widgets:
        assert any("image/png" in output.get("data", {}) for output in cell["outputs"])


def test_the_start_notebook_lists_the_chapters():
    text = "\n".join(cell["source"] for cell in cells(NOTEBOOKS / "00_start.ipynb"))
    listed = re.findall(r"^(\d+)\. \[(.+)\]\((.+)\): (.+)$", text, re.M)
    assert listed == [(str(chapter.number), chapter.title, chapter.notebook,
                       chapter.question[0].lower() + chapter.question[1:]) for chapter in CHAPTERS]


@pytest.mark.parametrize("chapter", WRITTEN, ids=lambda chapter: chapter.name)
def test_a_chapter_asks_its_question_first_and_shows_a_picture_before_anything_heavy_loads(chapter):
    all_cells = cells(NOTEBOOKS / chapter.notebook)
    title, question = all_cells[0]["source"].split("\n\n")[:2]
    assert title == f"# {chapter.number} {chapter.title}"
    assert question == f"**{chapter.question}**"
    assert "predict" in all_cells[0]["source"].lower()
    code = [cell["source"] for cell in all_cells if cell["cell_type"] == "code"]
    pictures = [number for number, source in enumerate(code) if PICTURE.search(source)]
    heavy = [number for number, source in enumerate(code) if HEAVY.search(source)]
    assert pictures[0] < min(heavy, default=len(code))


@pytest.mark.parametrize("chapter", WRITTEN, ids=lambda chapter: chapter.name)
def test_a_chapter_has_exercises_with_folded_solutions_its_quiz_and_a_way_on(chapter):
    all_cells = cells(NOTEBOOKS / chapter.notebook)
    text = "\n".join(cell["source"] for cell in all_cells)
    folded = [cell for cell in all_cells if "solution" in cell["metadata"].get("tags", [])]
    assert all(cell["metadata"]["jupyter"] == {"source_hidden": True, "outputs_hidden": True} for cell in folded)
    assert text.count("### Exercise") >= 2
    assert text.count("<details>") + len(folded) >= 2
    assert f'course.quiz("{chapter.name}"' in text
    assert quiz_file.load(chapter.name).questions
    following = CHAPTERS[chapter.number].notebook if chapter.number < len(CHAPTERS) else "00_start.ipynb"
    assert following in all_cells[-1]["source"]


@pytest.mark.parametrize("chapter", WRITTEN, ids=lambda chapter: chapter.name)
def test_an_answer_is_checked_in_a_cell_behind_its_own_so_that_it_can_be_graded(chapter):
    all_cells = cells(NOTEBOOKS / chapter.notebook)
    answers = {number: name for number, cell in enumerate(all_cells)
               for name in re.findall(r"^(mine|my_\w+) *(?:, *\w+)*=.*\bNone\b", cell["source"], re.M)
               if cell["cell_type"] == "code"}
    for number, name in answers.items():
        check = all_cells[number + 1]["source"]
        assert f"if {name} is None:" in check, all_cells[number]["source"]
        assert "assert " in check or "wl.check" in check
        assert "assert " not in all_cells[number]["source"]

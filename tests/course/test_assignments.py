import json
import re
from copy import deepcopy
from pathlib import Path

import pytest

from whetstone_lab.cli.main import main
from whetstone_lab.course.assignments import assignment

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
FOLDED = "<details><summary>Solution</summary>\n\n0.8\n</details>\n\n## Next"


def code(source, **metadata):
    return {"cell_type": "code", "source": source.splitlines(keepends=True), "metadata": metadata, "outputs": [1],
            "execution_count": 3, "id": "x"}


def text(source):
    return {"cell_type": "markdown", "source": source, "metadata": {}, "id": "y"}


CHAPTER = {"cells": [
    text("### Exercise 1"), code("mine = None  # a number"),
    code("limit = 1\nif mine is None:\n    print('Put it in.')\nelse:\n    assert mine > limit"), text(FOLDED),
    text("### Exercise 2"), code("# Your turn: try it."), code("mine = 3", tags=["solution", "hide-input"]),
    text("<details><summary>Solution</summary>It works.</details>"), code("other = None"), code("print(other)"),
], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}


def graded(notebook):
    return {cell["metadata"]["nbgrader"]["grade_id"]: cell for cell in notebook["cells"]
            if "nbgrader" in cell["metadata"]}


def test_what_can_be_graded_is_marked_and_solutions_are_left_out():
    before = deepcopy(CHAPTER)
    made, checked, opened = assignment(CHAPTER, "01_why")
    assert before == CHAPTER
    assert (checked, opened) == (1, 1)
    marks = {name: {key: value for key, value in cell["metadata"]["nbgrader"].items() if value is not False}
             for name, cell in graded(made).items()}
    assert marks == {
        "01_why-answer-1": {"grade_id": "01_why-answer-1", "schema_version": 3, "solution": True},
        "01_why-check-1": {"grade_id": "01_why-check-1", "schema_version": 3, "grade": True, "locked": True,
                           "points": 1},
        "01_why-open-1": {"grade_id": "01_why-open-1", "schema_version": 3, "grade": True, "solution": True,
                          "points": 1}}
    assert all({"grade", "locked", "solution", "task"} <= set(cell["metadata"]["nbgrader"])
               for cell in graded(made).values())
    whole = json.dumps(made)
    assert "Solution" not in whole
    assert "mine = 3" not in whole
    assert "## Next" in whole
    assert not any(cell.get("outputs") for cell in made["cells"])


@pytest.mark.parametrize("source", ["table = 1\n# your code here", "def f(x):\n    # Your turn\n    return x",
                                    "a, b = None, None\nfor x in (a, b):\n"
                                    "    if x is not None:\n        print(x)"])
def test_what_only_a_person_can_judge_is_graded_by_hand(source):
    made, checked, opened = assignment({"cells": [code(source)]}, "05_why")
    assert (checked, opened) == (0, 1)
    assert graded(made)["05_why-open-1"]["source"].endswith(source)


def test_a_check_fails_without_an_answer_and_with_a_wrong_one():
    check = graded(assignment(CHAPTER, "01_why")[0])["01_why-check-1"]["source"]
    with pytest.raises(AssertionError, match="There is no answer yet"):
        exec(check, {"mine": None})
    with pytest.raises(AssertionError):
        exec(check, {"mine": 0})
    exec(check, {"mine": 2})


def test_the_command_writes_a_course_for_nbgrader(tmp_path, capsys):
    notebooks, out = tmp_path / "notebooks", tmp_path / "course"
    notebooks.mkdir()
    (notebooks / "01_why.ipynb").write_text(json.dumps(CHAPTER))
    (notebooks / "00_start.ipynb").write_text(json.dumps({**CHAPTER, "cells": []}))
    arguments = ["assignments", "-o", str(out), "--notebooks", str(notebooks)]
    assert main(arguments) == 0
    assert capsys.readouterr().out.endswith("01_why.ipynb: 1 answer checked, 1 graded by hand\n")
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()) == [
        "nbgrader_config.py", "source/01_why/01_why.ipynb"]
    assert main(arguments) == 1
    assert "move it away" in capsys.readouterr().err
    assert main([*arguments, "00_start"]) == 1
    assert "00_start has no exercises" in capsys.readouterr().err
    assert main([*arguments, "02_how"]) == 1


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_no_solution_of_a_chapter_is_handed_out(path):
    made, _, _ = assignment(json.loads(path.read_text(encoding="utf-8")), path.stem)
    assert not re.search(r"<summary>(A )?[Ss]olution", json.dumps(made))
    assert not [cell for cell in made["cells"] if "solution" in cell["metadata"].get("tags", ())]


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("[01]*_*.ipynb")), ids=lambda path: path.stem)
def test_no_answer_of_the_course_is_left_without_a_mark(path):
    chapter = json.loads(path.read_text())
    made, checked, opened = assignment(chapter, path.stem)
    asking = re.compile(r"^ *# your turn|^(my_\w+|mine) = None", re.MULTILINE | re.IGNORECASE)
    asked = [cell for cell in made["cells"] if cell["cell_type"] == "code" and asking.search("".join(cell["source"]))]
    assert checked + opened == len(asked)
    assert checked or path.stem in ("00_start", "14_your_own_model")  # the guide for teachers says so

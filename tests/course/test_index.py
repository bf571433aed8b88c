"""The chapters, as the index lists them."""

import pytest

from whetstone_lab.course import CHAPTERS
from whetstone_lab.course.index import notebooks_in


def test_chapters_are_numbered_and_each_asks_one_question():
    assert [chapter.number for chapter in CHAPTERS] == list(range(1, len(CHAPTERS) + 1))
    assert len({chapter.name for chapter in CHAPTERS}) == len(CHAPTERS)
    assert CHAPTERS[0].notebook == "01_why_spikes.ipynb"
    assert all(chapter.question.endswith("?") and chapter.question.count("?") == 1 for chapter in CHAPTERS)


def test_notebooks_are_found_by_their_names(tmp_path):
    for name in ("02_how.ipynb", "01_why.ipynb", "answers.json"):
        (tmp_path / name).write_text("{}")
    assert [path.name for path in notebooks_in(tmp_path)] == ["01_why.ipynb", "02_how.ipynb"]
    assert [path.stem for path in notebooks_in(tmp_path, ["02_how"])] == ["02_how"]
    with pytest.raises(FileNotFoundError, match=r"among \['01_why', '02_how'\] in .*got \['01_why\.ipynb', 'no'\]"):
        notebooks_in(tmp_path, ["no", "01_why.ipynb"])
    with pytest.raises(FileNotFoundError, match=r"among \[\] in .*; got none"):
        notebooks_in(tmp_path / "nowhere")

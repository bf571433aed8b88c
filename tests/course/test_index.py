"""The chapters, as the index lists them."""

from whetstone_lab.course import CHAPTERS


def test_chapters_are_numbered_and_each_asks_one_question():
    assert [chapter.number for chapter in CHAPTERS] == list(range(1, len(CHAPTERS) + 1))
    assert len({chapter.name for chapter in CHAPTERS}) == len(CHAPTERS)
    assert CHAPTERS[0].notebook == "01_why_spikes.ipynb"
    assert all(chapter.question.endswith("?") and chapter.question.count("?") == 1 for chapter in CHAPTERS)

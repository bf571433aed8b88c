"""The guide for teachers: it has every chapter, and its tables are what was measured."""

import runpy
from pathlib import Path

import pytest

from whetstone_lab.cli.main import COMMANDS
from whetstone_lab.course.index import CHAPTERS

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_every_chapter_has_aims_mistakes_and_questions(chapter):
    _, _, section = GUIDE.partition(f"\n### {chapter.number} {chapter.title} · ")
    section = section.partition("\n### ")[0].partition("\n## ")[0]
    for part in ("*Aims.*", "*They get wrong.*", "*Ask.*"):
        assert part in section


def test_its_tables_are_those_that_were_measured():
    pytest.importorskip("psutil")
    classroom = runpy.run_path(str(ROOT / "benchmarks" / "classroom.py"))
    assert classroom["rendered"](GUIDE, classroom["kept"]()) == GUIDE, "run python benchmarks/classroom.py --render"


def test_a_table_has_one_student_or_a_class():
    pytest.importorskip("psutil")
    classroom = runpy.run_path(str(ROOT / "benchmarks" / "classroom.py"))
    row = {"chapter": "01_why", "students": 1, "stagger": 2.0, "threads": None, "machine": "2 cores, 24 GB",
           "picture": 2.5, "picture_last": 2.5, "end": 9.0, "end_last": 9.0, "whole": 10, "kernel_mb": 120,
           "together_mb": 120, "load": 0.1}
    made = classroom["tables"]([row, {**row, "students": 30, "picture_last": 40.2, "together_mb": 3100}])
    assert made["alone"].splitlines()[2:] == ["| 01_why | 2.5 | 9.0 | 120 | 0.1 |"]
    assert made["classes"].splitlines()[2:] == [
        "| 01_why | 30, one every 2 s | 2 cores, 24 GB | all | 2.5 / 40.2 | 9.0 / 9.0 | 3.1 | 0.1 |"]


def test_its_commands_are_there():
    assert {"course", "assignments", "answers"} <= set(COMMANDS)
    for name in ("course", "assignments", "answers"):
        assert f"whetstone-lab {name} " in GUIDE

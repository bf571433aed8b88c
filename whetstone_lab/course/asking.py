"""``course.quiz``: shows a quiz in a notebook, and keeps the answers in the student's file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whetstone_lab.course import answers
from whetstone_lab.course.facts import settled
from whetstone_lab.course.questions import grade
from whetstone_lab.course.quiz_file import load

if TYPE_CHECKING:
    from whetstone_lab.view.widgets import Quiz


def quiz(name: str | Path, run: Any = None, *, only: Sequence[str] | None = None,
         file: str | Path = answers.FILE, **runs: Any) -> Quiz:
    """A quiz to answer in the notebook, some of its questions perhaps on the student's own run.

    Each choice is answered at once, a wrong one with its reason. What was answered is kept in a file beside the
    notebook, where a new kernel finds it again; ``whetstone-lab answers FOLDER`` reads the files of a class.

    Args:
        name: A quiz of the course, called as its chapter (``"why_spikes"``); or the path of a quiz file of your own,
            which ends in ``.toml``.
        run: What the questions on the student's own run are about: a ``Trace`` or what has one, a ``SpikeRecord`` or
            what has one, or a dict of numbers by name. Default: none yet; such questions wait until there is.
        only: Ids of the questions that are asked. Default: all.
        file: Where the answers are kept. Default: ``answers.json`` in the current folder, the notebook's own.
        **runs: Further runs, by the names that the quiz has for them.

    Returns:
        The widget. ``.answer(question, text)`` answers as a student would.

    Raises:
        ValueError: There is no such quiz or question, or what lies at ``file`` holds no answers.
        FileNotFoundError: There is no folder for ``file``, or no quiz file.
        QuizError: The quiz file is not as it should be.
        TypeError: A run is of another kind than its question is about.
    """
    from whetstone_lab.view.widgets import Quiz

    asked, path = load(name), Path(file)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"Expected a folder to keep {path.name} in; there is no {path.parent}.")
    unknown = sorted(set(only or ()) - {question.id for question in asked.questions})
    if unknown:
        raise ValueError(f"Expected ids of the questions of {asked.name!r}, "
                         f"{[question.id for question in asked.questions]}; got {unknown}.")
    there = {"run": run, **runs}
    questions = {question.id: settled(question, there) for question in asked.questions
                 if only is None or question.id in only}

    def keep(question: str, answer: str) -> tuple[bool | None, str, dict[str, list[dict[str, Any]]] | None]:
        verdict = grade(questions[question], answer)
        held = None if verdict.right is None else answers.add(path, asked.name, asked.title, question, answer,
                                                              verdict.right)
        return verdict.right, verdict.says, held

    held = answers.read(path).get(asked.name, {"answers": {}})["answers"]
    return Quiz(asked.name, asked.title, [asdict(question) for question in questions.values()], held, path.name, keep)

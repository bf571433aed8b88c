"""What students answered: a small file of each student's own, and what thirty of them tell a teacher.

A file holds every answer to every question in the order in which it was given, and whether it was right at the time:
``{"format": ..., "version": 1, "quizzes": {quiz: {"title": ..., "answers": {question: [{"answer", "right"}]}}}}``.
A page without a kernel has the student download a file of the same form.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whetstone_lab.records.archive import in_one_piece, turn

#: What the file is called where nothing else is said; it lies beside the notebook.
FILE = "answers.json"

FORMAT, VERSION = "whetstone_lab.answers", 1

#: A file that is larger than this is not one of ours.
_MAX_BYTES = 4_000_000

#: Quiz -> its title, and question -> answers in the order in which they were given.
Quizzes = dict[str, dict[str, Any]]


class AnswersError(ValueError):
    """A file of answers is damaged, or none; the message says what was expected."""


def read(path: Path) -> Quizzes:
    """What a student's file holds, by quiz; empty where there is no file.

    Raises:
        AnswersError: The file is damaged, of another kind, or of a newer version.
    """
    if not path.exists():
        return {}
    if path.stat().st_size > _MAX_BYTES:
        raise AnswersError(f"{path} has {path.stat().st_size} bytes; a file of answers has some thousands.")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise AnswersError(f"{path} is damaged: it is not JSON. Move it away to begin anew.") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise AnswersError(f"{path} is no file of answers: expected the format {FORMAT!r} in it. Move it away to begin "
                           "anew.")
    if document.get("version") != VERSION:
        raise AnswersError(f"{path} is of version {document.get('version')!r}; this release reads version {VERSION}.")
    quizzes: Any = document.get("quizzes")
    if not _is_sound(quizzes):
        raise AnswersError(f"{path} is damaged: its quizzes are not as they were written. Move it away to begin anew.")
    return dict(quizzes)


def add(path: Path, quiz: str, title: str, question: str, answer: str, right: bool) -> dict[str, list[dict[str, Any]]]:
    """Adds an answer to a student's file, which is replaced in one piece; made if it is not there.

    Returns:
        All the answers to this quiz, by question.

    Raises:
        AnswersError: What is there is no such file; it stays as it is.
    """
    with turn(path.parent):
        quizzes = read(path)
        mine = quizzes.setdefault(quiz, {"title": title, "answers": {}})
        mine["title"] = title
        mine["answers"].setdefault(question, []).append({"answer": answer, "right": right})
        document = {"format": FORMAT, "version": VERSION, "quizzes": quizzes}
        with in_one_piece(path) as part:
            part.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return mine["answers"]


def collect(folder: Path) -> tuple[dict[str, Quizzes], list[str]]:
    """Reads the files of a class: every ``answers*.json`` in a folder and below it.

    A student is called after the folder right below ``folder`` that the file lies in, as under ``/home`` or in the
    ``submitted`` of nbgrader; or after the file, where it lies in ``folder`` itself.

    Returns:
        The answers of each student, and a sentence for each file that could not be read.

    Raises:
        FileNotFoundError: There is no such folder, or no file of answers in it.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"Expected a folder with the files of the students; there is no {folder}.")
    students: dict[str, Quizzes] = {}
    problems, found = [], False
    for path in sorted(folder.rglob("answers*.json")):
        inside = path.relative_to(folder)
        if any(part.startswith(".") for part in inside.parts):
            continue
        found = True
        student = inside.parts[0] if len(inside.parts) > 1 else path.stem
        try:
            _merge(students.setdefault(student, {}), read(path))
        except (AnswersError, OSError) as error:
            problems.append(str(error))
    if not found:
        raise FileNotFoundError(f"Expected files called answers*.json in {folder} or below it; there are none.")
    return students, problems


@dataclass(frozen=True)
class Tally:
    """How a class did at a question.

    Attributes:
        quiz, title, question: Which question it is.
        students: How many answered it.
        right_first: How many of them were right at once.
        right: How many were right in the end.
        wrong: The wrong answers that students gave first, each with how many did, the commonest first.
    """

    quiz: str
    title: str
    question: str
    students: int
    right_first: int
    right: int
    wrong: tuple[tuple[str, int], ...]


def tally(students: Mapping[str, Quizzes]) -> list[Tally]:
    """Counts the answers of a class, question by question, in the order in which they first appear."""
    asked: dict[tuple[str, str], list[list[dict[str, Any]]]] = {}
    titles: dict[str, str] = {}
    for _, quiz, title, question, given in every(students):
        titles[quiz] = title
        asked.setdefault((quiz, question), []).append(given)
    counted = []
    for (quiz, question), all_given in sorted(asked.items(), key=lambda item: list(titles).index(item[0][0])):
        first = Counter(given[0]["answer"] for given in all_given if not given[0]["right"])
        wrong = sorted(first.items(), key=lambda item: (-item[1], item[0]))
        counted.append(Tally(quiz, titles[quiz], question, len(all_given), len(all_given) - first.total(),
                             sum(any(one["right"] for one in given) for given in all_given), tuple(wrong)))
    return counted


def every(students: Mapping[str, Quizzes]) -> Iterator[tuple[str, str, str, str, list[dict[str, Any]]]]:
    """Student, quiz, its title, question and the answers given, for each question that a student answered."""
    for student, quizzes in students.items():
        for quiz, held in quizzes.items():
            for question, given in held["answers"].items():
                if given:
                    yield student, quiz, held["title"], question, given


def _merge(mine: Quizzes, other: Quizzes) -> None:
    """Takes what another file of the same student has. Of two copies of one file the longer counts."""
    for quiz, held in other.items():
        known = mine.setdefault(quiz, {"title": held["title"], "answers": {}})["answers"]
        for question, given in held["answers"].items():
            before = known.get(question, [])
            shorter = min(len(before), len(given))
            known[question] = max(before, given, key=len) if before[:shorter] == given[:shorter] else [*before, *given]


def _is_sound(quizzes: Any) -> bool:
    def is_answer(one: Any) -> bool:
        return isinstance(one, dict) and isinstance(one.get("answer"), str) and isinstance(one.get("right"), bool)

    def is_held(held: Any) -> bool:
        return (isinstance(held, dict) and isinstance(held.get("title"), str) and isinstance(held.get("answers"), dict)
                and all(isinstance(given, list) and all(map(is_answer, given)) for given in held["answers"].values()))

    return isinstance(quizzes, dict) and all(map(is_held, quizzes.values()))

"""``whetstone-lab answers``: what a class answered to the quizzes of the course."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from whetstone_lab.cli.arguments import Commands, command

#: The table's columns.
_HEAD = ("student", "quiz", "question", "tries", "first_answer", "right_at_first", "last_answer", "right_in_the_end")


def add(commands: Commands) -> None:
    """Declares the command and its arguments."""
    parser = command(commands, "answers", run, "count what a class answered to the quizzes of the course",
                     epilog="Students' files are called answers*.json. A student is called after the folder right "
                            "below FOLDER that the file lies in, or after the file where it lies in FOLDER itself.")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="the folder with the files of the students")
    parser.add_argument("--csv", metavar="FILE", type=Path,
                        help="write a table too: a line for each student and question; replaced if it is there, but "
                             "no other file is")


def run(args: argparse.Namespace) -> None:
    """Prints, question by question, how many were right at first and in the end, and the commonest wrong answer.

    Below a question of the course's own quizzes stands what it asks.

    Args:
        args: ``folder`` and ``csv``.

    Raises:
        FileNotFoundError: There is no such folder, or no file of answers in it.
        FileExistsError: What lies at ``csv`` is another file.
    """
    from whetstone_lab.course import answers
    from whetstone_lab.records.archive import in_one_piece

    if args.csv is not None and args.csv.exists() and not args.csv.read_bytes().startswith(",".join(_HEAD).encode()):
        raise FileExistsError(f"There is {args.csv} already, which is no table of answers. Name another file by --csv.")
    students, problems = answers.collect(args.folder)
    print(f"{len(students)} student{'s' * (len(students) != 1)}")
    quiz, asks = None, {}
    for tally in answers.tally(students):
        if tally.quiz != quiz:
            print(f"\n{_visible(tally.title)} ({_visible(tally.quiz)})")
            quiz, asks = tally.quiz, _asks(tally.quiz)
        wrong = f"; at first {tally.wrong[0][1]} said {tally.wrong[0][0]!r}" if tally.wrong else ""
        print(f"  {_visible(tally.question):24} {tally.students:3} answered, {tally.right_first:3} right at first, "
              f"{tally.right:3} in the end{wrong}")
        if tally.question in asks:
            print(f"      {asks[tally.question]}")
    if args.csv is not None:
        with in_one_piece(args.csv) as part, part.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(_rows(students))
        print(f"\nWrote {args.csv}.")
    for problem in problems:
        print(f"whetstone-lab: left out: {problem}", file=sys.stderr)


def _asks(quiz: str) -> dict[str, str]:
    """What each question of a quiz of the course asks, by its id; none for a quiz of somebody's own."""
    from whetstone_lab.course import quiz_file

    return {one.id: one.ask for one in quiz_file.load(quiz).questions} if quiz in quiz_file.names() else {}


def _rows(students: Mapping[str, dict]) -> Iterator[tuple[object, ...]]:
    from whetstone_lab.course import answers

    yield _HEAD
    for student, quiz, _, question, given in answers.every(students):
        first, last = given[0], given[-1]
        yield (_safe(student), _safe(quiz), _safe(question), len(given), _safe(first["answer"]), int(first["right"]),
               _safe(last["answer"]), int(any(one["right"] for one in given)))


def _safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula; a negative number stays one."""
    from whetstone_lab.course.questions import as_number

    return f"'{text}" if text[:1] in "=+-@\t\r" and text and as_number(text) is None else text


def _visible(text: str) -> str:
    """A text of a student's file without what would steer the terminal."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)

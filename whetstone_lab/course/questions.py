"""Questions of a quiz, and how an answer is judged. Plain data and pure functions.

The browser judges by the same rules, in ``view/widgets/static/grading.mjs``; ``tests/parity`` holds the two together.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

#: A number as students type it: 0.98, .98, 0,98 or 98 %; with the minus of a keyboard, or that which the views write.
_NUMBER = re.compile(r"([+\u2212-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d+)?)\s*(%?)", re.ASCII)


@dataclass(frozen=True)
class Option:
    """One of the answers to choose from.

    Args:
        text: What it says; it stands for the option in the student's file.
        says: What whoever chooses it reads: why it is wrong, or what makes it right.
        right: Whether it is the right one. Default: no.
    """

    text: str
    says: str = ""
    right: bool = False


@dataclass(frozen=True)
class Mistake:
    """A wrong number that has a known reason, such as one counted from 0.

    Args:
        value: The number.
        says: What whoever gives it reads.
    """

    value: float
    says: str


@dataclass(frozen=True)
class Number:
    """A number that is asked for.

    Args:
        answer: The right one.
        within: How far off it an answer may be, at least 0. Default: 0.
        says_right: What is said to a right answer.
        says_wrong: What is said to a wrong one that is none of the mistakes.
        mistakes: Wrong numbers with a known reason, each as exact as the right one. Default: none.
    """

    answer: float
    within: float = 0.0
    says_right: str = ""
    says_wrong: str = ""
    mistakes: tuple[Mistake, ...] = ()


@dataclass(frozen=True)
class Question:
    """A question: an option to choose, or a number to find.

    Args:
        id: Its name in the student's file; letters, digits and underscores.
        ask: The question itself.
        kind: ``"choice"`` or ``"number"``.
        options: What there is to choose from, one of them right. Default: none.
        number: The number that is asked for. Default: none.
        unit: What stands behind the number, such as ``"epochs"``. Default: nothing.
        of: The name of a fact of the student's own run, which gives the options or the number. Default: none.
        run: Which of the runs given to the quiz it is about. Default: ``"run"``.
        waits: Why it cannot be answered yet. Default: it can.
    """

    id: str
    ask: str
    kind: str
    options: tuple[Option, ...] = ()
    number: Number | None = None
    unit: str = ""
    of: str = ""
    run: str = "run"
    waits: str = ""


@dataclass(frozen=True)
class Verdict:
    """What an answer is worth.

    Attributes:
        right: Whether it is right; None for what is no number where one is asked for, which counts as no answer.
        says: What the student reads.
    """

    right: bool | None
    says: str


def grade(question: Question, answer: str) -> Verdict:
    """Judges an answer.

    A number may be written as 0.98, 0,98 or 98 %. It is right if it is at most ``within`` off the right one; what
    floating-point numbers add to that, a billionth, is forgiven.

    Args:
        question: A question that does not wait.
        answer: The text of the option that was chosen, or the number as it was typed.

    Raises:
        ValueError: The question waits, or has no option of that text.
    """
    if question.waits:
        raise ValueError(f"The question {question.id!r} cannot be answered yet: {question.waits}")
    if question.number is not None:
        return _grade_number(question.number, answer)
    for option in question.options:
        if option.text == answer:
            return Verdict(option.right, option.says)
    raise ValueError(f"Expected one of the options {[option.text for option in question.options]}; got {answer!r}.")


def as_number(text: str) -> float | None:
    """The number that a text stands for, or None where it is none."""
    match = _NUMBER.fullmatch(text.strip(" \t"))
    if not match:
        return None
    value = float(match[1].replace(",", ".").replace("\u2212", "-")) / (100 if match[2] else 1)
    return value if math.isfinite(value) else None


def near(value: float, other: float, within: float) -> bool:
    """Whether two numbers are at most ``within`` apart, but for rounding."""
    return abs(value - other) <= within + 1e-9 * max(1.0, abs(other))


def _grade_number(number: Number, answer: str) -> Verdict:
    value = as_number(answer)
    if value is None:
        return Verdict(None, "Expected a number, such as 12, 0.5 or 50 %.")
    if near(value, number.answer, number.within):
        return Verdict(True, number.says_right)
    for mistake in number.mistakes:
        if near(value, mistake.value, number.within):
            return Verdict(False, mistake.says)
    return Verdict(False, number.says_wrong)

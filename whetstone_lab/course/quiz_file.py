"""A quiz as it is written: one TOML file, checked when it is read.

.. code-block:: toml

    title = "Why spikes"

    [[question]]
    id = "gradient"
    kind = "choice"
    ask = "What is the derivative of a threshold gate away from its threshold?"

    [[question.option]]
    text = "0"
    right = true
    says = "It is flat there, so nothing can be learnt from it."

    [[question.option]]
    text = "1"
    says = "That is the slope of a ReLU. A gate gives 0 or 1 and nothing between."

    [[question]]
    id = "spikes"
    kind = "number"
    ask = "How many spikes can a layer of 64 such neurons send in one step?"
    answer = 64
    within = 0                          # may be left out
    unit = "spikes"                     # may be left out
    says_right = "One for each neuron."
    says_wrong = "A neuron sends one spike or none."

    [[question.mistake]]                # may be left out
    value = 128
    says = "A silence is no spike."

    [[question]]
    id = "first"
    kind = "choice"
    ask = "Which layer was sharp first in your run?"
    of = "first_sharpened_layer"        # a function of facts.py, which gives the options and what they say
    run = "run"                         # may be left out: which of the runs given to course.quiz

Text between back quotes is set as code.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whetstone_lab.course.facts import FACTS, named
from whetstone_lab.course.questions import Mistake, Number, Option, Question, near

#: The quizzes of the course, a file for each chapter.
FOLDER = Path(__file__).with_name("quizzes")

_LARGEST = sys.float_info.max

_BOTH = {"id", "kind", "ask"}
_OWN = {"of", "run"}
_NUMBERS = {"answer", "within", "unit", "says_right", "says_wrong", "mistake"}


@dataclass(frozen=True)
class Quiz:
    """A quiz: some questions under a title.

    Args:
        name: What it is called, as the chapter is.
        title: Its heading.
        questions: One or more, no two of one id.
    """

    name: str
    title: str
    questions: tuple[Question, ...]


class QuizError(ValueError):
    """A quiz file is not as it should be; the message says where and what was expected."""


def names() -> list[str]:
    """The quizzes of the course."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str | Path) -> Quiz:
    """Reads a quiz.

    Args:
        name: A quiz of the course, one of :func:`names`; or the path of a file of one's own, which ends in ``.toml``.

    Raises:
        ValueError: There is no such quiz in the course.
        FileNotFoundError: There is no such file.
        QuizError: The file is not TOML, or not a quiz.
    """
    path = Path(name)
    if path.suffix != ".toml":
        if str(name) not in names():
            raise ValueError(f"Expected a quiz of the course, one of {names()}, or the path of a file that ends in "
                             f".toml; got {str(name)!r}.")
        path = FOLDER / f"{name}.toml"
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise QuizError(f"{path.name} is not TOML: {error}") from error
    return read(path.stem, written)


def read(name: str, written: Mapping[str, Any]) -> Quiz:
    """Makes a quiz of what a file says; errors are those of :func:`load`."""
    place = f"{name}.toml"
    _only(written, {"title", "question"}, place)
    questions = written.get("question", [])
    if not isinstance(questions, list) or not questions:
        raise QuizError(f"{place}: expected at least one [[question]].")
    made: list[Question] = []
    for number, question in enumerate(questions, start=1):
        where = f"{place}, question {number}"
        if not isinstance(question, Mapping):
            raise QuizError(f"{where}: expected a table, [[question]]; got {question!r}.")
        known = _text(question, "id", where)
        if not re.fullmatch(r"\w+", known, re.ASCII):
            raise QuizError(f"{where}: expected an id of letters, digits and underscores; got {known!r}.")
        if known in (other.id for other in made):
            raise QuizError(f"{where}: expected an id of its own; there is another {known!r}.")
        made.append(_question(question, f"{place}, question {known!r}"))
    return Quiz(name, _text(written, "title", place), tuple(made))


def _question(written: Mapping[str, Any], where: str) -> Question:
    kind = _text(written, "kind", where)
    if kind not in ("choice", "number"):
        raise QuizError(f"{where}: expected kind to be 'choice' or 'number'; got {kind!r}.")
    both: dict[str, Any] = {"id": _text(written, "id", where), "ask": _text(written, "ask", where), "kind": kind}
    if "of" in written:
        _only(written, _BOTH | _OWN | ({"unit", "within"} if kind == "number" else set()), where)
        of = _text(written, "of", where)
        if of not in named(kind):
            known = f"; {of!r} answers a {FACTS[of].kind}" if of in FACTS else ""
            raise QuizError(f"{where}: expected of to be a fact that answers a {kind}, one of {list(named(kind))}; got "
                            f"{of!r}{known}.")
        within = _within(written, where)
        return Question(**both, of=of, run=_text(written, "run", where, "run"),
                        unit=_text(written, "unit", where, ""), number=Number(0.0, within) if within else None)
    if kind == "choice":
        _only(written, _BOTH | {"option"}, where)
        return Question(**both, options=_options(written.get("option"), where))
    _only(written, _BOTH | _NUMBERS, where)
    number = Number(_number(written, "answer", where), _within(written, where),
                    _text(written, "says_right", where), _text(written, "says_wrong", where),
                    _mistakes(written.get("mistake", []), where))
    for mistake in number.mistakes:
        if near(mistake.value, number.answer, number.within):
            raise QuizError(f"{where}: the mistake {mistake.value} is within {number.within} of the answer "
                            f"{number.answer}, and so is right.")
    return Question(**both, number=number, unit=_text(written, "unit", where, ""))


def _options(written: Any, where: str) -> tuple[Option, ...]:
    if not isinstance(written, list) or len(written) < 2:
        raise QuizError(f"{where}: expected two or more [[question.option]].")
    options: list[Option] = []
    for number, option in enumerate(written, start=1):
        place = f"{where}, option {number}"
        if not isinstance(option, Mapping):
            raise QuizError(f"{place}: expected a table, [[question.option]]; got {option!r}.")
        _only(option, {"text", "says", "right"}, place)
        right = option.get("right", False)
        if not isinstance(right, bool):
            raise QuizError(f"{place}: expected right to be true or false; got {right!r}.")
        made = Option(_text(option, "text", place), _text(option, "says", place), right)
        if made.text in (other.text for other in options):
            raise QuizError(f"{place}: expected a text of its own; there is another {made.text!r}.")
        options.append(made)
    if sum(option.right for option in options) != 1:
        raise QuizError(f"{where}: expected right = true at one of the options; got it at "
                        f"{sum(option.right for option in options)}.")
    return tuple(options)


def _mistakes(written: Any, where: str) -> tuple[Mistake, ...]:
    if not isinstance(written, list) or not all(isinstance(mistake, Mapping) for mistake in written):
        raise QuizError(f"{where}: expected tables, [[question.mistake]]; got {written!r}.")
    made = []
    for number, mistake in enumerate(written, start=1):
        place = f"{where}, mistake {number}"
        _only(mistake, {"value", "says"}, place)
        made.append(Mistake(_number(mistake, "value", place), _text(mistake, "says", place)))
    return tuple(made)


def _only(written: Mapping[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(set(written) - known)
    if unknown:
        raise QuizError(f"{where}: expected {', '.join(sorted(known))}; got {', '.join(unknown)}.")


def _text(written: Mapping[str, Any], name: str, where: str, default: str | None = None) -> str:
    value = written.get(name, default)
    if value is None:
        raise QuizError(f"{where}: expected {name}; it is missing.")
    if not isinstance(value, str) or (not value.strip() and value is not default):
        raise QuizError(f"{where}: expected {name} to be a text; got {value!r}.")
    return value.strip()


def _number(written: Mapping[str, Any], name: str, where: str, default: float | None = None) -> float:
    value = written.get(name, default)
    if value is None:
        raise QuizError(f"{where}: expected {name}; it is missing.")
    # An integer of TOML may be larger than any float.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -_LARGEST <= value <= _LARGEST:
        raise QuizError(f"{where}: expected {name} to be a number; got {value!r:.40}.")
    return float(value)


def _within(written: Mapping[str, Any], where: str) -> float:
    within = _number(written, "within", where, 0.0)
    if within < 0:
        raise QuizError(f"{where}: expected within to be at least 0; got {within}.")
    return within

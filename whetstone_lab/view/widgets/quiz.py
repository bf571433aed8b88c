"""``Quiz``: questions that are answered at once, in a notebook and on a page without a kernel."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import traitlets

from whetstone_lab.view.widgets._assets import module, style
from whetstone_lab.view.widgets._view import View

#: What is done with an answer: question and text in; whether it is right, what there is to say, and all answers out.
Keep = Callable[[str, str], tuple[bool | None, str, Mapping[str, Any] | None]]


class Quiz(View):
    """Questions, each with options or a field for a number. :func:`whetstone_lab.course.quiz` makes one.

    The page judges an answer by itself, at once and without a kernel too. Python judges it once more, by the same
    rules, and keeps it.

    Args:
        name: What the quiz is called.
        title: Its heading.
        questions: The questions as plain data: ``id``, ``ask``, ``kind``, ``options``, ``number``, ``unit``, ``waits``
            as of :class:`whetstone_lab.course.questions.Question`.
        answers: What was answered so far: by question the answers in their order, each with ``answer`` and ``right``.
        kept: What the file is called that keeps them.
        keep: Judges and keeps an answer.

    Attributes:
        answers: What has been answered by now.

    Example:
        >>> from whetstone_lab import widgets
        >>> question = {"id": "gate", "ask": "Can a gate give 0.5?", "kind": "choice", "number": None, "unit": "",
        ...             "waits": "", "options": [{"text": "yes", "says": "It gives 0 or 1.", "right": False},
        ...                                      {"text": "no", "says": "0 or 1, nothing else.", "right": True}]}
        >>> widgets.Quiz("gates", "Gates", [question], {}, "answers.json", lambda question, text: (True, "", {}))
        Quiz(gates: 1 question)
    """

    _esm = module("quiz")
    _css = style("quiz", root="wl-quiz")

    about = traitlets.Dict().tag(sync=True)
    answers = traitlets.Dict().tag(sync=True)

    def __init__(self, name: str, title: str, questions: Sequence[Mapping[str, Any]], answers: Mapping[str, Any],
                 kept: str, keep: Keep) -> None:
        self._keep = keep
        super().__init__(about={"name": name, "title": title, "kept": kept, "questions": list(questions)},
                         answers=dict(answers))

    def __repr__(self) -> str:
        count = len(self.about["questions"])
        return f"Quiz({self.about['name']}: {count} question{'s' * (count != 1)})"

    def state(self) -> dict[str, Any]:
        """What a page without a kernel needs: the questions, but nothing of what was answered here."""
        return {**super().state(), "about": {**self.about, "kept": ""}, "answers": {}}

    def answer(self, question: str, text: str) -> str:
        """Answers a question as a student would in the page, and keeps the answer.

        Args:
            question: The id of the question.
            text: The text of an option, or a number as it is typed.

        Returns:
            What the student is told.

        Raises:
            ValueError: There is no such question or option, or the question waits for a run.
        """
        known = [one["id"] for one in self.about["questions"]]
        if question not in known:
            raise ValueError(f"Expected a question among {known}; got {question!r}.")
        _, says, answers = self._keep(question, text)
        if answers is not None:
            self.answers = dict(answers)
        return says

    def _receive(self, content: Mapping[str, Any]) -> None:
        if content.get("kind") != "answer":
            super()._receive(content)
        else:
            self.answer(str(content["question"]), str(content["answer"]))

    def left_behind(self) -> dict[str, str]:
        """The questions in plain HTML, without their answers."""
        items = []
        for question in self.about["questions"]:
            options = "".join(f"<li>{_set(option['text'])}</li>" for option in question["options"])
            items.append(f"<li>{_set(question['ask'])}{f'<ul>{options}</ul>' if options else ''}</li>")
        page = (f'<div class="wl-still" data-wl-view="{self.still}"><strong>{_set(self.about["title"])}</strong>'
                f"<ol>{''.join(items)}</ol><em>Run the notebook to answer here.</em></div>")
        return {"text/html": page, "text/plain": repr(self)}


def _set(text: str) -> str:
    """A text as HTML, with code where it stands between back quotes."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))

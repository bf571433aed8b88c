import json

import pytest

from whetstone_lab import course
from whetstone_lab.course.answers import AnswersError
from whetstone_lab.course.facts import FACTS
from whetstone_lab.records.recorded import digits_trace

pytest.importorskip("anywidget")

FILE = """
title = "Gates"
[[question]]
id = "gate"
kind = "choice"
ask = "How steep is a gate?"
option = [{ text = "0", right = true, says = "Flat." }, { text = "1", says = "A ReLU is." }]
[[question]]
id = "own"
kind = "choice"
ask = "Which layer was first?"
of = "first_sharpened_layer"
[[question]]
id = "best"
kind = "choice"
ask = "Which is best?"
of = "most"
run = "accuracies"
"""


@pytest.fixture
def gates(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "gates.toml"
    path.write_text(FILE)
    return path


def test_a_quiz_is_asked_answered_and_found_again(gates, tmp_path):
    quiz = course.quiz(gates, digits_trace(), accuracies={"a": 1, "b": 2})
    assert repr(quiz) == "Quiz(gates: 3 questions)"
    assert not (tmp_path / "answers.json").exists(), "nothing is written before something is answered"
    assert quiz.answer("gate", "1") == "A ReLU is."
    assert quiz.answer("own", "hidden_1").startswith("hidden_1 was the first")
    assert quiz.answer("best", "b") == "b has the most, 2."
    again = course.quiz(gates, digits_trace())
    assert again.answers == quiz.answers
    assert [(row["answer"], row["right"]) for row in again.answers["gate"]] == [("1", False)]
    with pytest.raises(ValueError, match="Expected a question among"):
        quiz.answer("gates", "1")
    with pytest.raises(ValueError, match="still to come"):
        again.answer("best", "b")


def test_what_the_page_sends_is_kept_and_what_fails_is_told(gates, tmp_path, monkeypatch):
    quiz, told = course.quiz(gates), []
    monkeypatch.setattr(quiz, "send", told.append)
    quiz._handle_custom_msg({"kind": "answer", "question": "gate", "answer": "0"}, [])
    assert json.loads((tmp_path / "answers.json").read_text())["quizzes"]["gates"]["answers"]["gate"] == [
        {"answer": "0", "right": True}]
    assert told == []
    (tmp_path / "answers.json").write_text("{")
    quiz._handle_custom_msg({"kind": "answer", "question": "gate", "answer": "0"}, [])
    quiz._handle_custom_msg({"kind": "steer"}, [])
    assert "answers.json is damaged" in told[0]["text"]
    assert "Expected nothing from the page" in told[1]["text"]
    with pytest.raises(AnswersError):
        course.quiz(gates)


def test_some_of_the_questions_in_another_file(gates, tmp_path):
    quiz = course.quiz(gates, only=["gate"], file=tmp_path / "mine.json")
    assert [question["id"] for question in quiz.about["questions"]] == ["gate"]
    quiz.answer("gate", "0")
    assert (tmp_path / "mine.json").exists()
    with pytest.raises(ValueError, match=r"Expected ids of the questions of 'gates'.*got \['gait'\]"):
        course.quiz(gates, only=["gait"])


def test_every_fact_says_what_it_is():
    assert all(known.find.__doc__ for known in FACTS.values())


def test_answers_need_a_folder_to_be_kept_in(gates):
    with pytest.raises(FileNotFoundError, match=r"Expected a folder to keep mine\.json in; there is no elsewhere"):
        course.quiz(gates, file="elsewhere/mine.json")


def test_a_quiz_is_no_figure_but_a_page(gates, tmp_path):
    quiz = course.quiz(gates, only=["gate"])
    with pytest.raises(ValueError, match=r"Expected a view with a figure; Quiz has none\. Its to_html makes a page"):
        quiz.to_svg(tmp_path / "gates.svg")
    assert "How steep is a gate?" in quiz.to_html()
    assert [path.name for path in tmp_path.iterdir()] == ["gates.toml"]

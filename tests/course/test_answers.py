import json
import sys
from threading import Thread

import pytest
from fresh import FreshProcess

from whetstone_lab.course import answers
from whetstone_lab.course.answers import AnswersError, Tally


def given(path, *rows):
    for quiz, question, answer, right in rows:
        answers.add(path, quiz, quiz.title(), question, answer, right)


def test_answers_are_found_again(tmp_path):
    path = tmp_path / "answers.json"
    assert answers.read(path) == {}
    held = answers.add(path, "why", "Why", "gate", "1", False)
    assert held == {"gate": [{"answer": "1", "right": False}]}
    given(path, ("why", "gate", "0", True), ("how", "spikes", "½ µ", False))
    assert answers.read(path)["why"]["answers"]["gate"] == [{"answer": "1", "right": False},
                                                            {"answer": "0", "right": True}]
    assert [file.name for file in tmp_path.iterdir()] == ["answers.json"]


@pytest.mark.parametrize("content", [
    "", "[]", "{}", '{"format": "x"}', '{"format": "whetstone_lab.answers", "version": 2, "quizzes": {}}',
    '{"format": "whetstone_lab.answers", "version": 1}', "[" * 100_000,
    '{"format": "whetstone_lab.answers", "version": 1, "quizzes": {"why": {"title": "", "answers": {"a": [{}]}}}}',
])
def test_a_damaged_file_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "answers.json"
    path.write_text(content)
    with pytest.raises(AnswersError, match=r"answers\.json"):
        answers.add(path, "why", "Why", "gate", "1", True)
    assert path.read_text() == content


def test_answers_that_come_at_once_are_all_kept(tmp_path):
    path = tmp_path / "answers.json"
    threads = [Thread(target=given, args=(path, *[("why", f"q{number}", "a", True)] * 5)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = answers.read(path)["why"]["answers"]
    assert {question: len(rows) for question, rows in held.items()} == {f"q{number}": 5 for number in range(6)}


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no locks there")
def test_answers_from_several_notebooks_at_once_are_all_kept(tmp_path):
    """Each notebook has a kernel of its own, and all of them keep their answers in one file."""
    path = tmp_path / "answers.json"
    code = ("import sys; from pathlib import Path; from whetstone_lab.course import answers\n"
            "for number in range(40): answers.add(Path(sys.argv[1]), sys.argv[2], 'T', 'q', str(number), True)")
    kernels = [FreshProcess(code, path, name, loaded="numpy") for name in ("why", "how", "when")]
    assert [kernel.wait(60).returncode for kernel in kernels] == [0, 0, 0]
    assert {quiz: len(held["answers"]["q"]) for quiz, held in answers.read(path).items()} == {
        "why": 40, "how": 40, "when": 40}
    assert [file.name for file in tmp_path.iterdir()] == ["answers.json"]


def test_a_class_is_counted(tmp_path):
    for student, rows in {
        "ann": [("why", "gate", "1", False), ("why", "gate", "0", True), ("how", "key", "ten", True)],
        "bob": [("why", "gate", "1", False)],
        "cem": [("why", "gate", "0", True)],
        "dan": [("why", "gate", "x", False), ("why", "gate", "1", False)],
    }.items():
        (tmp_path / student).mkdir(exist_ok=True)
        given(tmp_path / student / "answers.json", *rows)
    students, problems = answers.collect(tmp_path)
    assert (sorted(students), problems) == (["ann", "bob", "cem", "dan"], [])
    assert answers.tally(students) == [
        Tally("why", "Why", "gate", 4, 1, 2, (("1", 2), ("x", 1))), Tally("how", "How", "key", 1, 1, 1, ())]


def test_files_lie_as_they_come(tmp_path):
    """In folders of nbgrader, side by side, downloaded one for each quiz, as copies; a damaged one stops nobody."""
    ann = tmp_path / "ann" / "chapter" / "answers.json"
    ann.parent.mkdir(parents=True)
    given(ann, ("why", "gate", "1", False))
    (tmp_path / "ann" / "answers-copy.json").write_text(ann.read_text())
    given(ann, ("why", "gate", "0", True))
    given(tmp_path / "ann" / "answers-how.json", ("how", "key", "ten", True))
    given(tmp_path / "answers-bob.json", ("why", "gate", "0", True))
    (tmp_path / "cem").mkdir()
    (tmp_path / "cem" / "answers.json").write_text("{")
    (tmp_path / "ann" / ".ipynb_checkpoints").mkdir()
    (tmp_path / "ann" / ".ipynb_checkpoints" / "answers-checkpoint.json").write_text("{")
    students, (problem,) = answers.collect(tmp_path)
    assert [row["answer"] for row in students["ann"]["why"]["answers"]["gate"]] == ["1", "0"]
    assert list(students["ann"]) == ["why", "how"]
    assert "answers-bob" in students
    assert "cem" in problem
    assert "not JSON" in problem


def test_a_folder_without_files_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"files called answers\*\.json"):
        answers.collect(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no"):
        answers.collect(tmp_path / "none")


def test_a_file_that_is_far_too_large_is_not_read(tmp_path):
    path = tmp_path / "answers.json"
    path.write_text(json.dumps({"format": answers.FORMAT, "version": 1, "quizzes": {}, "rest": "x" * 4_000_000}))
    with pytest.raises(AnswersError, match="bytes"):
        answers.read(path)

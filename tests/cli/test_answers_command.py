import csv

import pytest

from whetstone_lab.cli.main import main
from whetstone_lab.course import answers


@pytest.fixture
def students(tmp_path):
    for student, rows in {"ann": [("1", False), ("0", True)], "bob": [("1", False), ("-1", False)],
                          "=cem()": [("=2+2", False)]}.items():
        (tmp_path / student).mkdir()
        for answer, right in rows:
            answers.add(tmp_path / student / "answers.json", "why", "Why spikes", "gate", answer, right)
    return tmp_path


def test_a_teacher_sees_what_went_wrong(students, capsys):
    assert main(["answers", str(students)]) == 0
    assert capsys.readouterr().out == (
        "3 students\n\nWhy spikes (why)\n"
        "  gate                       3 answered,   0 right at first,   1 in the end; at first 2 said '1'\n")


def test_a_question_of_the_course_is_told_in_full(tmp_path, capsys):
    for question in ("uniform", "gone"):  # of this release, and of another
        answers.add(tmp_path / "answers.json", "why_spikes", "Why spikes", question, "no", False)
    assert main(["answers", str(tmp_path)]) == 0
    first, told, second = capsys.readouterr().out.splitlines()[3:]
    assert first.startswith("  uniform ")
    assert told.startswith("      The curve of sharpness 0.999")
    assert second.startswith("  gone ")


def test_the_table_holds_no_formulas(students, tmp_path, capsys):
    assert main(["answers", str(students), "--csv", str(tmp_path / "table.csv")]) == 0
    rows = list(csv.reader((tmp_path / "table.csv").open()))
    assert rows[0] == ["student", "quiz", "question", "tries", "first_answer", "right_at_first", "last_answer",
                       "right_in_the_end"]
    assert rows[1:] == [["'=cem()", "why", "gate", "1", "'=2+2", "0", "'=2+2", "0"],
                        ["ann", "why", "gate", "2", "1", "0", "0", "1"],
                        ["bob", "why", "gate", "2", "1", "0", "-1", "0"]]


def test_the_table_is_written_anew_but_in_the_place_of_no_other_file(students, capsys):
    table, own = students / "table.csv", students / "ann" / "answers.json"
    for _ in range(2):
        assert main(["answers", str(students), "--csv", str(table)]) == 0
    before = own.read_text()
    assert main(["answers", str(students), "--csv", str(own)]) == 1
    assert "answers.json already, which is no table of answers" in capsys.readouterr().err
    assert own.read_text() == before


def test_what_a_student_calls_a_quiz_steers_neither_terminal_nor_spreadsheet(tmp_path, capsys):
    answers.add(tmp_path / "answers.json", "=1+1", "\x1b[2JAll right", "@x\r", "0", True)
    assert main(["answers", str(tmp_path), "--csv", str(tmp_path / "table.csv")]) == 0
    assert not {"\x1b", "\r"} & set(capsys.readouterr().out)
    assert list(csv.reader((tmp_path / "table.csv").open(newline="")))[1][1:3] == ["'=1+1", "'@x\r"]


def test_a_damaged_file_is_named_and_the_others_are_counted(students, capsys):
    (students / "bob" / "answers.json").write_text("{")
    assert main(["answers", str(students)]) == 0
    told = capsys.readouterr()
    assert "2 answered" in told.out
    assert "left out" in told.err
    assert "bob" in told.err


def test_an_empty_folder_is_an_error(tmp_path, capsys):
    assert main(["answers", str(tmp_path)]) == 1
    assert "Expected files called answers*.json" in capsys.readouterr().err

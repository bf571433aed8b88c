import pytest

from whetstone_lab.course.questions import Mistake, Number, Option, Question, as_number, grade

GATE = Question("gate", "How steep is it?", "choice", (Option("0", "It is flat.", True),
                                                       Option("1", "That is a ReLU.")))
SPIKES = Question("spikes", "How many?", "number",
                  number=Number(0.5, 0.1, "Half of them.", "Count again.", (Mistake(2, "That is one over it."),)))


def test_a_choice_is_right_or_has_its_reason():
    assert (grade(GATE, "0").right, grade(GATE, "0").says) == (True, "It is flat.")
    assert (grade(GATE, "1").right, grade(GATE, "1").says) == (False, "That is a ReLU.")
    with pytest.raises(ValueError, match=r"one of the options \['0', '1'\]; got '2'"):
        grade(GATE, "2")


@pytest.mark.parametrize(("text", "value"), [
    ("0.5", 0.5), (".5", 0.5), ("0,5", 0.5), ("50 %", 0.5), (" 50% ", 0.5), ("5e-1", 0.5), ("+3", 3), ("-2.", -2),
    ("", None), ("a half", None), ("1 2", None), ("1.2.3", None), ("nan", None), ("inf", None), ("1e999", None),
    ("0x10", None), ("1_000", None), ("%", None), ("\u0663", None),
])
def test_numbers_as_students_type_them(text, value):
    assert as_number(text) == value


@pytest.mark.parametrize(("text", "right", "says"), [
    ("0.5", True, "Half of them."), ("60 %", True, "Half of them."), ("0.4", True, "Half of them."),
    ("0.61", False, "Count again."), ("2", False, "That is one over it."), ("2.1", False, "That is one over it."),
    ("half", None, "Expected a number, such as 12, 0.5 or 50 %."),
])
def test_a_number_may_be_off_a_little_and_known_mistakes_have_their_reason(text, right, says):
    assert (grade(SPIKES, text).right, grade(SPIKES, text).says) == (right, says)


def test_what_waits_is_not_judged():
    with pytest.raises(ValueError, match="cannot be answered yet: Train first"):
        grade(Question("own", "Which?", "choice", waits="Train first."), "a")

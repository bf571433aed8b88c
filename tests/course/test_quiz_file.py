import tomllib
from copy import deepcopy

import pytest

from whetstone_lab.course import quiz_file
from whetstone_lab.course.index import CHAPTERS
from whetstone_lab.course.questions import grade
from whetstone_lab.course.quiz_file import QuizError, load, names, read

#: The file that the documentation shows.
SHOWN = tomllib.loads(quiz_file.__doc__.partition(".. code-block:: toml\n")[2].rpartition("\n\nText between")[0])


@pytest.mark.parametrize("name", names())
def test_every_quiz_of_the_course_is_sound_and_belongs_to_a_chapter(name):
    assert load(name).questions
    assert name in [chapter.name for chapter in CHAPTERS]


def test_the_documented_file():
    quiz = read("why_spikes", SHOWN)
    gradient, spikes, first = quiz.questions
    assert (quiz.title, gradient.id, first.of, first.run) == ("Why spikes", "gradient", "first_sharpened_layer", "run")
    assert grade(gradient, "0").right
    assert grade(spikes, "128").says == "A silence is no spike."
    assert spikes.unit == "spikes"


def at(path, value):
    """A change of the documented file: the value at a path, or what is there taken away."""
    def change(written):
        *way, last = path
        for step in way:
            written = written[step]
        if value is None:
            del written[last]
        else:
            written[last] = value
    return change


@pytest.mark.parametrize(("change", "message"), [
    (at(["title"], None), r"broken\.toml: expected title; it is missing"),
    (at(["titel"], "x"), r"broken\.toml: expected question, title; got titel"),
    (at(["question"], []), r"at least one \[\[question\]\]"),
    (at(["question", 0, "id"], None), "question 1: expected id; it is missing"),
    (at(["question", 0, "id"], "two words"), "letters, digits and underscores; got 'two words'"),
    (at(["question", 1, "id"], "gradient"), "question 2: expected an id of its own; there is another 'gradient'"),
    (at(["question", 0, "kind"], "essay"), "'gradient': expected kind to be 'choice' or 'number'; got 'essay'"),
    (at(["question", 0, "ask"], "  "), "expected ask to be a text; got '  '"),
    (at(["question", 0, "answer"], 1), "expected ask, id, kind, option; got answer"),
    (at(["question", 0, "option", 1], None), "two or more"),
    (at(["question", 0, "option", 1, "says"], None), "question 'gradient', option 2: expected says; it is missing"),
    (at(["question", 0, "option", 1, "sais"], "x"), "option 2: expected right, says, text; got sais"),
    (at(["question", 0, "option", 1, "text"], "0"), "there is another '0'"),
    (at(["question", 0, "option", 1, "right"], True), "right = true at one of the options; got it at 2"),
    (at(["question", 0, "option", 0, "right"], "yes"), "expected right to be true or false; got 'yes'"),
    (at(["question", 1, "answer"], "64"), "expected answer to be a number; got '64'"),
    (at(["question", 1, "answer"], True), "expected answer to be a number; got True"),
    (at(["question", 1, "answer"], float("nan")), "expected answer to be a number; got nan"),
    (at(["question", 1, "answer"], 10**400), "expected answer to be a number; got 1000"),
    (at(["question", 2, "of"], ["stops"]), r"expected of to be a text; got \['stops'\]"),
    (at(["question", 1, "within"], -1), "within to be at least 0"),
    (at(["question", 1, "within"], 64), r"the mistake 128\.0 is within 64\.0 of the answer 64\.0"),
    (at(["question", 1, "says_wrong"], None), "question 'spikes': expected says_wrong; it is missing"),
    (at(["question", 1, "mistake", 0, "says"], None), "mistake 1: expected says; it is missing"),
    (at(["question", 1, "mistake"], 3), "expected tables"),
    (at(["question", 2, "of"], "the_weather"), "a fact that answers a choice, one of .*; got 'the_weather'"),
    (at(["question", 2, "of"], "stops"), "got 'stops'; 'stops' answers a number"),
    (at(["question", 2, "option"], []), "expected ask, id, kind, of, run; got option"),
])
def test_what_is_wrong_is_said_with_its_place(change, message):
    written = deepcopy(SHOWN)
    change(written)
    with pytest.raises(QuizError, match=message):
        read("broken", written)


def test_a_quiz_of_ones_own(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('title = "Mine"\n[[question]]\nid = "n"\nkind = "number"\nask = "?"\nanswer = 3\n'
                    'says_right = "Yes."\nsays_wrong = "No."\n')
    assert load(path).name == load(str(path)).name == "mine"
    path.write_text("title = ")
    with pytest.raises(QuizError, match=r"mine\.toml is not TOML"):
        load(path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.toml")
    with pytest.raises(ValueError, match="Expected a quiz of the course"):
        load("the_weather")


def test_the_right_choice_is_given_away_neither_by_its_place_nor_by_its_length():
    choices = [question.options for name in names() for question in load(name).questions if question.options]
    places = [next(place for place, option in enumerate(options) if option.right) for options in choices]
    for place in range(3):
        assert 0.2 < places.count(place) / len(places) < 0.5
    longest = sum(max(options, key=lambda option: len(option.text)).right for options in choices)
    assert longest / len(choices) < 2 / 3


def test_how_far_off_may_be_said_of_the_students_own_run_too():
    own = {"id": " stops ", "kind": "number", "ask": "How often?", "of": "stops", "within": 1}
    (question,) = read("own", {"title": "Own", "question": [own]}).questions
    assert (question.id, question.number.within) == ("stops", 1.0)
    with pytest.raises(QuizError, match=r"'stops': expected within to be at least 0; got -1\.0"):
        read("own", {"title": "Own", "question": [{**own, "within": -1}]})

"""The quiz: on a page without a kernel, by keys, and with Python behind it."""

from __future__ import annotations

import pytest
from bare_page import axe_finds, open_view
from waiting import await_that

from whetstone_lab import course
from whetstone_lab.course import answers
from whetstone_lab.records.recorded import digits_trace

FILE = """
title = "Why `spikes`"
[[question]]
id = "gate"
kind = "choice"
ask = "How steep is a threshold gate, `x > 0`, away from its threshold?"
[[question.option]]
text = "as steep as `x`"
says = "That is a ReLU. A gate gives 0 or 1 and nothing between."
[[question.option]]
text = "flat"
right = true
says = "Its derivative is 0 there: nothing can be learnt from it."
[[question.option]]
text = "the steeper the further from the threshold, so that what lies far away learns the fastest of all"
says = "Nothing changes there however far one goes."
[[question]]
id = "first"
kind = "choice"
ask = "Which layer was sharp first in your run?"
of = "first_sharpened_layer"
[[question]]
id = "sharp"
kind = "number"
ask = "After how many epochs was every layer of your run sharp?"
of = "epochs_until_sharp"
unit = "epochs"
[[question]]
id = "later"
kind = "number"
ask = "How many neurons were silent?"
of = "silent_neurons"
run = "spikes"
"""


@pytest.fixture
def quiz(tmp_path):
    path = tmp_path / "gates.toml"
    path.write_text(FILE)
    return course.quiz(path, digits_trace(), file=tmp_path / "answers.json")


def says(page, question):
    return page.locator(".wl-says").nth(question).inner_text()


def test_it_is_answered_without_a_kernel_and_saved_as_python_would(chromium, quiz, tmp_path):
    quiz.about = {**quiz.about, "kept": ""}
    page = open_view(chromium, quiz, width=420)
    assert page.locator(".wl-keeping").inner_text() == "Your answers stay on this page until you save them."
    page.get_by_role("button", name="as steep as x").click()
    assert says(page, 0) == "Not so. That is a ReLU. A gate gives 0 or 1 and nothing between."
    page.get_by_role("button", name="flat").click()
    page.get_by_role("button", name="hidden_2").click()
    assert says(page, 1) == "Not so. hidden_2 was sharp in epoch 16; hidden_1 was the first, in epoch 11."
    number = page.get_by_role("textbox", name="Your number, in epochs")
    for typed, told in {"twenty": "Expected a number, such as 12, 0.5 or 50 %.",
                        "20": "Not so. Nearly: epochs count from 1 here, not from 0.",
                        "21": "Right. After epoch 21 all 3 layers were sharp."}.items():
        number.fill(typed)
        number.press("Enter")
        assert says(page, 2) == told
    assert page.locator(".wl-facts").inner_text() == "2 of 4 right"
    assert "still to come" in page.locator(".wl-question").nth(3).inner_text()
    # Once it is right, the other options say what they would have said, and count no more.
    page.get_by_role("button", name="as steep as x").click()
    assert says(page, 0).startswith("Not so. That is a ReLU.")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save my answers").click()
    assert download.value.suggested_filename == "answers-gates.json"
    download.value.save_as(tmp_path / "class" / "ann" / "answers-gates.json")
    students, problems = answers.collect(tmp_path / "class")
    assert problems == []
    held = students["ann"]["gates"]["answers"]
    assert [(row["answer"], row["right"]) for row in held["gate"]] == [("as steep as `x`", False), ("flat", True)]
    assert [(row["answer"], row["right"]) for row in held["sharp"]] == [("20", False), ("21", True)]
    # What was sent, Python judges as the page did.
    for message in page.evaluate("window.sent"):
        quiz._handle_custom_msg(message, [])
    assert answers.read(tmp_path / "answers.json")["gates"]["answers"] == held
    page.close()


def test_what_python_kept_is_shown_and_what_it_did_not_can_be_saved(chromium, quiz):
    quiz.answer("gate", "flat")
    quiz.answer("sharp", "3")
    page = open_view(chromium, quiz)
    assert page.locator(".wl-facts").inner_text() == "1 of 4 right"
    assert says(page, 0).startswith("Right. Its derivative is 0")
    assert page.get_by_role("textbox", name="Your number").input_value() == "3"
    assert page.locator(".wl-keeping").inner_text() == "Kept in answers.json."
    page.get_by_role("button", name="hidden_1").click()
    assert page.locator(".wl-keeping").inner_text() == "Keeping …"
    (message,) = page.evaluate("window.sent")
    quiz._handle_custom_msg(message, [])
    page.evaluate("answers => model_set('answers', answers)", quiz.answers)
    assert page.locator(".wl-keeping").inner_text() == "Kept in answers.json."
    number = page.get_by_role("textbox", name="Your number")
    number.fill("21")
    number.press("Enter")  # nobody keeps this one
    await_that(page, "() => document.querySelector('.wl-keeping').innerText.includes('Not yet in answers.json')")
    assert page.get_by_role("button", name="Save my answers").is_visible()
    page.close()


def test_it_is_answered_with_keys_alone(chromium, quiz):
    page = open_view(chromium, quiz)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert says(page, 0).startswith("Right.")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert says(page, 1).startswith("Right. hidden_1 was the first")
    for _ in range(5):
        page.keyboard.press("Tab")
    page.keyboard.type("21")
    page.keyboard.press("Enter")
    assert page.locator(".wl-facts").inner_text() == "3 of 4 right"
    page.evaluate("window.leave()")
    assert page.evaluate("window.listeners.length") == 0
    page.close()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nobody_is_kept_out_of_a_quiz(chromium, screenshots, quiz, dark):
    quiz.answer("gate", "as steep as `x`")
    quiz.answer("first", "hidden_1")
    quiz.answer("sharp", "20")
    for width in (900, 420):
        page = open_view(chromium, quiz, width=width, dark=dark)
        page.locator(".wl").screenshot(path=screenshots / f"quiz-{width}-{'dark' if dark else 'light'}.png")
        assert axe_finds(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.close()


def test_in_jupyterlab_an_answer_lands_in_the_students_file_and_is_found_by_a_new_kernel(lab, open_notebook):
    (lab.root / "gates.toml").write_text(FILE)
    (lab.root / "answers.json").unlink(missing_ok=True)
    show = "from whetstone_lab import course\ncourse.quiz('gates.toml', only=['gate'])"
    notebook = open_notebook([show])
    notebook.run(0)
    notebook.page.get_by_role("button", name="flat").click()
    await_that(notebook.page, "() => document.querySelector('.wl-keeping')?.innerText === 'Kept in answers.json.'")
    held = answers.read(lab.root / "answers.json")["gates"]["answers"]
    assert held == {"gate": [{"answer": "flat", "right": True}]}
    notebook = open_notebook([show])  # with a kernel of its own
    notebook.run(0)
    await_that(notebook.page, "() => document.querySelector('.wl-quiz .wl-facts')?.innerText === '1 of 1 right'")
    saved = notebook.save()
    assert "How steep is a threshold gate" in str(saved["cells"][0]["outputs"][1]["data"]["text/html"])
    assert notebook.errors == []

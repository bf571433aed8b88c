"""The examples of the floors without Keras give what they print: those in docstrings, and those of docs/adding.md."""

import pytest
from doc_examples import ROOT, blocks, files_with_examples, run_docstrings, sections, try_in_copy

FILES = files_with_examples(keras=False)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.as_posix())
def test_the_examples_of_a_file_give_what_they_print(file):
    assert run_docstrings(file).attempted


def test_what_people_call_first_has_an_example():
    assert {file.as_posix() for file in FILES} >= {
        "datasets/__init__.py", "simulator/runner.py", "simulator/network.py", "simulator/faults.py"}


TEXTS = sections(ROOT / "docs" / "adding.md")
KERAS = [title for title, text in TEXTS.items() if ">>> import keras" in text]  # in test_public_examples_keras.py


def test_what_the_page_on_adding_shows_is_true(tmp_path):
    try_in_copy({title: text for title, text in TEXTS.items() if title not in KERAS}, tmp_path,
                keras=False)


def test_each_way_to_add_is_tried_once():
    assert KERAS == ["A sharpening curve", "A Keras layer"]
    assert all(blocks(text, "pycon") for text in TEXTS.values())

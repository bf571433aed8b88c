"""The examples in docstrings of the floors without Keras give what they print."""

import pytest
from doc_examples import files_with_examples, run_docstrings

FILES = files_with_examples(keras=False)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.as_posix())
def test_the_examples_of_a_file_give_what_they_print(file):
    assert run_docstrings(file).attempted


def test_what_people_call_first_has_an_example():
    assert {file.as_posix() for file in FILES} >= {
        "datasets/__init__.py", "simulator/runner.py", "simulator/network.py", "simulator/faults.py"}

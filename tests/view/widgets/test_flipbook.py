"""A picture for each position: each is drawn once, from the values by name, and found where the page looks for it."""

import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from whetstone_lab import plots
from whetstone_lab.view.widgets import Flipbook


def files(book):
    """The pictures as arrays, in their order."""
    begins = [0, *book.ends[:-1]]
    return [imread(io.BytesIO(book.pictures[begin:end])) for begin, end in zip(begins, book.ends, strict=True)]


def test_each_position_has_its_picture_with_the_last_control_the_fastest():
    def draw(row, loud, word):
        greys = np.zeros((2, 3))
        greys[row, ["a", "b", "c"].index(word)] = 1 if loud else 0.4
        return greys, f"{row} {loud} {word}"

    book = Flipbook(draw, {"row": range(2), "loud": (False, True), "word": ["a", "b", "c"]},
                    start={"row": 1, "word": "c"})
    assert repr(book) == "Flipbook(row, loud, word: 12 pictures)"
    assert book.about["controls"] == [{"name": "row", "kind": "slider", "values": ["0", "1"]},
                                      {"name": "loud", "kind": "switch", "values": ["False", "True"]},
                                      {"name": "word", "kind": "list", "values": ["a", "b", "c"]}]
    assert (book.about["at"], book.about["grain"]) == ([1, 0, 2], [2, 3])
    found = files(book)
    for place, (row, loud, word) in enumerate(np.ndindex(2, 2, 3)):
        expected = np.ones((2, 3))
        expected[row, word] = 0 if loud else 153 / 255
        np.testing.assert_allclose(found[place], expected, atol=1e-6)
        assert book.about["lines"][place] == f"{row} {bool(loud)} {'abc'[word]}"


def test_values_are_told_without_the_last_digits_of_sums():
    seen = []
    book = Flipbook(lambda noise: seen.append(noise) or np.eye(2), {"noise": np.arange(4) * 0.1 - 0.1},
                    start={"noise": 0.1 + 0.2 - 0.1})
    assert book.about["controls"][0]["values"] == ["-0.1", "0", "0.1", "0.2"]
    assert book.about["at"] == [3]
    assert seen == [-0.1, 0.0, 0.1, 0.2]


@pytest.mark.parametrize(("greys", "bytes_of_them"), [
    ([[-3, 0, 0.5, 1, 9]], [[255, 255, 128, 0, 0]]), ([[np.nan, np.inf, -np.inf]], [[255, 0, 255]]),
    ([[False, True]], [[255, 0]]), (np.ones((300, 7)), np.zeros((300, 7))),
])
def test_greys_are_as_they_are_or_the_nearest_there_is(greys, bytes_of_them):
    (found,) = files(Flipbook(lambda only: np.array(greys), {"only": [0]}))
    np.testing.assert_array_equal(np.round(found * 255), bytes_of_them)


def test_colours_are_as_they_are():
    colours = np.arange(24).reshape(2, 4, 3) / 23
    book = Flipbook(lambda only: colours, {"only": [0]})
    np.testing.assert_allclose(files(book)[0], colours, atol=0.5 / 255 + 1e-6)
    np.testing.assert_array_equal(book.picture().axes[0].images[0].get_array(), colours)


def test_figures_are_as_wide_as_others_are_in_a_notebook():
    def draw(high):
        figure = plots.Picture(figsize=(2, 1))
        figure.subplots().plot([0, high])
        return figure

    book = Flipbook(draw, {"high": (1, 2)})
    assert [one.shape[:2] for one in files(book)] == [(110, 220)] * 2
    assert book.about["grain"] == []
    assert book.picture().axes[0].lines[0].get_ydata()[1] == 1


def test_what_it_leaves_behind_is_what_it_began_with():
    book = Flipbook(lambda n: np.full((1, 2), n / 4), {"n": range(5)}, start={"n": 4})
    assert (book.picture().axes[0].images[0].get_array() == 1).all()
    assert "data:image/png;base64," in book.left_behind()["text/html"]


@pytest.mark.parametrize(("draw", "positions", "start", "error", "words"), [
    (np.zeros, {}, None, ValueError, "Expected controls with at least one value each"),
    (np.zeros, {"a": [1], "b": []}, None, ValueError, "at least one value each"),
    (np.zeros, {"a": range(11), "b": range(100)}, None, ValueError, "1000 combinations .* got 11 x 100 = 1100"),
    (np.zeros, {"a": [1]}, {"a": 2}, ValueError, "start to name values of the controls.*got a = 2"),
    (np.zeros, {"a": [1]}, {"b": 1}, ValueError, "got b = 1"),
    (lambda a: "words", {"a": [1]}, None, TypeError, "a figure or an array of greys; got str"),
    (lambda a: None, {"a": [1]}, None, TypeError, "got NoneType"),
    (lambda a: Figure(), {"a": [1]}, None, TypeError, r"plots\.Picture"),
    (lambda a: np.zeros(3), {"a": [1]}, None, ValueError, r"shape \(3,\)"),
    (lambda a: np.zeros((4, 4, 4)), {"a": [1]}, None, ValueError, r"shape \(4, 4, 4\)"),
    (lambda a: np.zeros((4, 4, 3, 3)), {"a": [1]}, None, ValueError, r"shape \(4, 4, 3, 3\)"),
    (lambda a: np.zeros((0, 3)), {"a": [1]}, None, ValueError, r"shape \(0, 3\)"),
    (lambda a: np.zeros((a, 3)), {"a": [1, 2]}, None, ValueError, r"arrays of one size; got 1 x 3 and 2 x 3 at \(2,\)"),
    (lambda a: (1, 2, 3), {"a": [1]}, None, ValueError, "a line of text; got a tuple of 3"),
    (np.zeros, {"a": 3}, None, TypeError, "values of each control in a list or a tuple; got a = 3"),
])
def test_what_is_no_book_is_refused(draw, positions, start, error, words):
    with pytest.raises(error, match=words):
        Flipbook(draw, positions, start)

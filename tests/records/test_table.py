"""Tables that grow: whole rows for readers, refusals that write nothing, columns that open late, rows from files."""

import copy
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whetstone_lab.records.archive import ArchiveError
from whetstone_lab.records.table import Spec, Table

SPECS = (Spec("number", "int64"), Spec("pair", "float64", ("layers",)),
         Spec("maybe", "float32", ("layers",), True, later=True), Spec("late", "float32", ("layers", "bins"), True))


def table():
    return Table(SPECS, {"layers": 2})


@given(st.lists(st.tuples(st.integers(-9, 9), st.tuples(st.floats(-1, 1), st.floats(-1, 1)), st.booleans()),
                max_size=200))
def test_what_is_appended_is_read_back(rows):
    grown = table()
    for number, pair, known in rows:
        grown.append(number=number, pair=pair, **({"maybe": [1, 2]} if known else {}))
    assert len(grown) == len(rows)
    assert grown["number"].tolist() == [number for number, _, _ in rows]
    assert grown["pair"].tolist() == [list(pair) for _, pair, _ in rows]
    assert np.isfinite(grown["maybe"]).all(axis=1).tolist() == [known for _, _, known in rows]
    assert grown["late"].shape == (len(rows), 2, 0)


@pytest.mark.parametrize("before", [0, 63, 64, 65])
def test_a_row_counts_only_once_it_is_written(before):
    grown, seen = table(), []

    class Pair:
        """Looks at the table as another thread could, at the moment that the row is written."""

        def __array__(self, dtype=None, copy=None):
            seen.append(len(grown["pair"]))
            return np.ones(2, dtype)

    for _ in range(before):
        grown.append(number=1, pair=[1, 1])
    for _ in range(70):
        grown.append(number=1, pair=Pair())
    assert seen == list(range(before, before + 70))
    assert grown["pair"].all()


@pytest.mark.parametrize(("row", "words"), [
    ({"number": 1}, r"lack \['pair'\]"),
    ({"number": 1, "pair": [1, 2], "other": 3}, r"got unknown \['other'\]"),
    ({"number": 1, "pair": [1, 2, 3]}, r"Expected pair of shape \(2,\); got shape \(3,\)"),
    ({"number": 1, "pair": [1, 2], "late": np.zeros((2, 4))}, r"Expected late of shape \(2, 0\); got shape \(2, 4\)"),
])
def test_a_row_that_is_refused_leaves_nothing_behind(row, words):
    grown = table()
    grown.append(number=0, pair=[0, 0])
    with pytest.raises(ValueError, match=words):
        grown.append(**row)
    assert len(grown) == 1
    assert grown["number"].tolist() == [0]


def test_an_axis_that_opens_late_is_unknown_in_the_rows_before():
    grown = table()
    for _ in range(70):
        grown.append(number=1, pair=[1, 1])
    grown.open("bins", 3)
    grown.append(number=2, pair=[2, 2], late=np.ones((2, 3)))
    assert grown["late"].shape == (71, 2, 3)
    assert np.isnan(grown["late"][:70]).all()
    assert (grown["late"][70] == 1).all()


def test_rows_are_cut_without_touching_what_a_reader_holds():
    grown = table()
    for number in range(5):
        grown.append(number=number, pair=[number, number])
    held = grown["number"]
    grown.cut(2)
    grown.append(number=9, pair=[9, 9])
    assert held.tolist() == [0, 1, 2, 3, 4]
    assert grown["number"].tolist() == [0, 1, 9]
    grown.cut(7)
    assert len(grown) == 3


def test_the_last_row_is_replaced():
    grown = table()
    for number in range(3):
        grown.append(number=number, pair=[0, 0])
    held = grown["pair"]
    grown.replace_last("pair", [4, 5])
    assert grown["pair"].tolist() == [[0, 0], [0, 0], [4, 5]]
    assert held.tolist() == [[0, 0]] * 3  # what a reader holds never changes


def test_a_copy_that_is_made_while_it_grows_has_whole_rows_only():
    grown, done = table(), threading.Event()

    def grow():
        while not done.is_set():
            grown.append(number=1, pair=[1, 1])

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        for copied in (copy.deepcopy(grown) for _ in range(50)):
            for name in ("number", "pair"):
                assert len(copied[name]) == len(copied)
                assert (copied[name] == 1).all()
    finally:
        done.set()
        thread.join()


def test_rows_are_read_from_a_file_and_grow_on():
    arrays = {"number": np.arange(3), "pair": np.ones((3, 2)), "late": np.zeros((3, 2, 0), np.float32)}
    grown = table()
    grown.read(arrays, 3, "run.npz")
    grown.append(number=3, pair=[3, 3])
    assert grown["number"].tolist() == [0, 1, 2, 3]
    assert np.isnan(grown["maybe"]).all()
    with pytest.raises(ArchiveError, match=r"run.npz lacks the array 'pair'"):
        table().read({"number": np.arange(3)}, 3, "run.npz")
    with pytest.raises(ArchiveError, match=r"run.npz: array 'pair' has shape \(2, 2\)"):
        table().read(arrays | {"pair": np.ones((2, 2))}, 3, "run.npz")

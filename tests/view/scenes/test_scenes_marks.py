import pytest
from hypothesis import given
from hypothesis import strategies as st

from whetstone_lab.records.trace import Trace
from whetstone_lab.view import scenes


def test_decisions_join_a_drag(made_up_run):
    run = made_up_run()
    run.epoch()
    for old, new in [(0.15, 0.2), (0.2, 0.3), (0.3, 0.4)]:
        run.trace.append_event("threshold", "x", epoch=1, name="sig_increase", old=old, new=new, by="hand")
    run.trace.append_event("threshold", "x", epoch=1, name="patience", old=1, new=3, by="hand")
    marks = scenes.decisions(run.trace)
    assert [(mark["name"], mark["old"], mark["new"], mark["at"]) for mark in marks] == [
        ("sig_increase", 0.15, 0.4, 1.0), ("patience", 1, 3, 1.0)]
    assert marks[0]["reason"] == "sig_increase was changed from 0.15 to 0.4 by hand."
    assert [mark["name"] for mark in scenes.decisions(run.trace, limit=1)] == ["patience"]


def test_what_was_taken_back_is_no_decision(made_up_run):
    run = made_up_run()
    run.epoch()
    for old, new in [(1, 2), (2, 3), (3, 1)]:
        run.trace.append_event("threshold", "x", epoch=1, name="patience", old=old, new=new, by="hand")
    assert scenes.decisions(run.trace) == []
    run.trace.append_event("threshold", "x", epoch=2, name="patience", old=1, new=2, by="hand")
    run.trace.append_event("threshold", "x", epoch=3, name="patience", old=2, new=1, by="hand")
    assert [mark["new"] for mark in scenes.decisions(run.trace)] == [2, 1], "an epoch was judged in between"


def test_however_often_thresholds_are_changed_the_decisions_stay(finished_trace):
    trace = Trace.from_parts(*finished_trace.to_parts())
    before = scenes.decisions(trace, limit=10_000)
    for number in range(200):
        trace.append_event("threshold", "x", epoch=number, name="patience", old=number, new=number + 1, by="hand")
    marks = scenes.decisions(trace)
    assert [mark for mark in marks if mark["kind"] != "threshold"] == before[-60:]
    assert [mark["new"] for mark in marks if mark["kind"] == "threshold"] == list(range(141, 201))
    assert [mark["at"] for mark in marks] == sorted(mark["at"] for mark in marks)


def test_decisions_before_the_first_batch():
    trace = Trace(["a"])
    trace.append_event("warning", "Mind the gap.", epoch=0)
    assert scenes.decisions(trace)[0]["at"] == 0.0


@pytest.mark.parametrize(("places", "expected"), [
    ([], []),
    ([5, 40, 90], [5, 40, 90]),
    ([40, 40, 45], [40, 50, 60]),
    ([99, 100, 100], [80, 90, 100]),  # at the edge they make room to the other side
])
def test_marks_that_would_cover_each_other_stand_apart(places, expected):
    assert scenes.apart(places, 10, 0, 100) == expected


@given(st.lists(st.integers(0, 100), max_size=40).map(sorted))
def test_marks_stay_in_order_and_near_where_they_belong(places):
    moved = scenes.apart(places, 10, 0, 100)
    assert moved == sorted(moved)
    assert all(0 <= there <= 100 and abs(there - place) <= 20 for place, there in zip(places, moved, strict=True))

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import BATCHES

from whetstone_lab.method.curves import CURVES
from whetstone_lab.records.trace import Trace
from whetstone_lab.view import scenes


def test_trace_of(finished_trace, made_up_run):
    assert scenes.trace_of(finished_trace) is finished_trace
    run = made_up_run()
    assert scenes.trace_of(run) is run.trace
    with pytest.raises(TypeError, match=r"Expected a Trace or something with a \.trace"):
        scenes.trace_of("run.npz")


@given(st.integers(0, 50), st.integers(0, 5000), st.integers(3, 600))
def test_thin(start, length, limit):
    rows = scenes.thin(start, start + length, limit)
    assert len(rows) <= limit
    assert (np.diff(rows) > 0).all()
    if length:
        assert rows[0] == start
        assert rows[-1] == start + length - 1
    else:
        assert len(rows) == 0


def test_thin_keeps_its_points_while_a_run_grows():
    before, after = scenes.thin(0, 1000, 300)[:-1], scenes.thin(0, 1010, 300)[:-1]
    assert np.isin(before, after).all()


def test_positions(made_up_run):
    run = made_up_run()
    for _ in range(2):
        run.epoch()
    for _ in range(5):
        run.batch()
    at = scenes.positions(run.trace, np.arange(run.trace.batches))
    np.testing.assert_allclose(at, np.arange(1, 46) / 20)


def test_positions_of_a_first_epoch_of_unknown_length():
    trace = Trace(["a"])
    for _ in range(4):
        trace.append_batch(0, 1.0, [0.0])
    np.testing.assert_allclose(scenes.positions(trace, np.arange(4)), [0.25, 0.5, 0.75, 1.0])
    assert scenes.positions(trace, np.zeros(0, np.int64)).size == 0


def test_sharpness_that_rises_at_the_end_of_an_epoch_is_seen():
    trace = Trace(["a"], policy={"name": "stepwise"})
    trace.append_batch(0, 1.0, [0.0])
    trace.append_batch(0, 1.0, [0.0])
    trace.append_epoch({"loss": 1.0}, {"sharpness": [1.0]})
    np.testing.assert_array_equal(scenes.sharpness_at(trace, np.array([0, 1])), [[0.0], [1.0]])
    assert scenes.latest_sharpness(trace) == [1.0]
    assert scenes.epoch_table(trace)["sharpening"].tolist() == [True]


def test_latest_sharpness_before_the_first_batch():
    np.testing.assert_array_equal(scenes.latest_sharpness(Trace(["a", "b"])), [0.0, 0.0])


def test_epoch_table_has_the_lines_that_the_policy_judged_by(finished_trace):
    table = scenes.epoch_table(finished_trace)
    decided = [event for event in finished_trace.events if event.kind in ("start", "stop", "improve")]
    assert {event.kind for event in decided} == {"start", "stop", "improve"}
    for event in decided:
        row = {name: values[event.epoch] for name, values in table.items()}
        assert row["reference"] == event.values["reference"]
        assert row["loss"] == event.values["loss"]
        if event.kind == "stop":
            assert row["sharpening"]
            assert row["loss"] >= row["stop"]
        if event.kind == "improve":
            assert row["loss"] <= row["improve"]


def test_epoch_table_follows_a_change_by_hand(made_up_run):
    run = made_up_run()
    run.epoch()
    run.epoch()
    run.trace.append_event("threshold", "x", epoch=2, name="sig_increase", old=0.15, new=0.5, by="hand")
    run.epoch()
    run.batch()
    run.trace.append_event("threshold", "x", epoch=3, name="sig_increase", old=0.5, new=0.75, by="hand")
    for _ in range(BATCHES - 1):
        run.batch()
    run.end_epoch()
    table = scenes.epoch_table(run.trace)
    np.testing.assert_allclose(table["stop"][1:] / table["reference"][1:], [1.15, 1.5, 1.75])


def test_the_lines_of_a_loss_below_zero_lie_on_either_side_of_it():
    trace = Trace(["a"], policy={"name": "adaptive", "sig_increase": 0.25, "sig_decrease": 0.5, "patience": 1})
    for epoch in range(2):
        trace.append_batch(epoch, -4.0, [0.0])
        trace.append_epoch({"loss": -4.0}, {"reference": -4.0})
    table = scenes.epoch_table(trace)
    assert [table["stop"][1], table["improve"][1]] == [-3.0, -6.0]


def test_epoch_table_of_another_policy():
    trace = Trace(["a"], policy={"name": "scheduled"})
    for epoch, value in enumerate([0.0, 0.5, 1.0, 1.0]):
        trace.append_batch(epoch, 1.0, [value])
        trace.append_epoch({"loss": 1.0})
    table = scenes.epoch_table(trace)
    assert table["sharpening"].tolist() == [False, True, True, False]
    assert np.isnan(table["stop"]).all()


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
    assert len(scenes.decisions(run.trace, limit=1)) == 1


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


@pytest.mark.parametrize("curve", ["bounded_relu"])
@pytest.mark.parametrize("sharpness", [0.0, 0.3, 0.9, 1.0])
def test_ramp_is_where_the_curve_is_neither_0_nor_1(curve, sharpness):
    low, high = scenes.ramp(curve, sharpness)
    x = np.linspace(-1, 2, 3001)
    y = CURVES[curve](x, sharpness)
    between = (y > 1e-9) & (y < 1 - 1e-9)
    np.testing.assert_array_equal(between, (x > low + 1e-9) & (x < high - 1e-9))


def test_share_between():
    edges, shares = np.array([0.0, 1.0, 2.0]), np.array([0.25, 0.75])
    assert scenes.share_between(edges, shares, -1, 3) == 1.0
    assert scenes.share_between(edges, shares, 0.5, 1.5) == 0.5
    assert scenes.share_between(edges, shares, 1.0, 1.0) == 0.0


@pytest.mark.parametrize(("shape", "expected"), [
    ((64,), (8, 8)), ((28, 28), (28, 28)), ((8, 8, 1), (8, 8)), ((32, 32, 3), (32, 32, 3)), ((65,), None), ((9,), None),
    ((4, 4, 7), None), ((2, 3, 4, 5), None), ((), None)])
def test_as_picture(shape, expected):
    picture = scenes.as_picture(np.zeros(shape))
    assert (None if picture is None else picture.shape) == expected


@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=12))
def test_bands_fill_the_height_and_stay_apart(sizes):
    places = scenes.bands(tuple(sizes))
    assert places[0][0] == 0.0
    assert places[-1][1] == pytest.approx(1.0)
    assert all(low < high for low, high in places)
    assert all(below[1] < above[0] for below, above in itertools.pairwise(places))

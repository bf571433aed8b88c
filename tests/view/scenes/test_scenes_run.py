import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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

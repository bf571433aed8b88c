"""What a sharpener remembers in a file: the same after a round trip, and none of it lost on the way."""

import numpy as np
import pytest

from whetstone_lab.method.policies import AdaptivePolicy, StepwisePolicy
from whetstone_lab.records.archive import ArchiveError
from whetstone_lab.training import checkpoint
from whetstone_lab.training.checkpoint import Checkpoint, pack, unpack
from whetstone_lab.training.rollback import RollBack
from whetstone_lab.training.session import SharpeningSession


def session(policy=None):
    made = SharpeningSession(policy or AdaptivePolicy(2, 0.5, patience=0))
    made.begin(["a", "b"], ["bounded_relu", "sigmoid"], [0.0, 0.0], 3)
    for epoch in range(3):
        made.begin_epoch()
        for _ in range(3):
            made.batch(1.0)
        if epoch < 2:
            made.epoch({"loss": 1.0})
    return made


def checkpoint_of(one):
    return Checkpoint(one.policy.config(), one.state.asdict(), one.epoch_start.asdict(), 2, 1, {"loss": 1.0}, one.trace,
                      0.75, (0.0, 0.5), [np.array([1, 2], np.uint32)])


def test_a_round_trip_through_arrays_loses_nothing():
    one = session()
    arrays = pack(checkpoint_of(one))
    assert all(isinstance(array, np.ndarray) and array.dtype.kind in "biuf" for array in arrays.values())
    found = unpack(arrays)
    assert {**vars(found), "trace": None, "seeds": None, "steady": list(found.steady)} == {
        **vars(checkpoint_of(one)), "trace": None, "seeds": None, "steady": [0.0, 0.5]}
    np.testing.assert_array_equal(found.seeds, [[1, 2]])
    np.testing.assert_array_equal(found.trace.sharpness, one.trace.sharpness)
    assert found.trace.events == one.trace.events


def test_a_session_goes_on_where_the_checkpoint_stood():
    one, other, undo = session(), SharpeningSession(AdaptivePolicy(2, 0.5, patience=0)), RollBack(None)
    other.begin(["x", "y"], ["bounded_relu", "sigmoid"], [0.0, 0.0])
    watched = other.trace
    assert checkpoint.resume(unpack(pack(checkpoint_of(one))), other, undo)
    assert other.trace is watched
    assert (other.state, other.epoch_start, undo.good, undo.steady) == (one.state, one.epoch_start, 0.75, (0.0, 0.5))
    for run in (one, other):
        run.batch(1.0)
    np.testing.assert_array_equal(one.trace.sharpness, other.trace.sharpness)


def test_a_policy_steered_on_the_way_stays_so_and_another_that_is_asked_for_is_noted():
    one = session()
    one.steer(sig_increase=0.5)
    again, changed = (SharpeningSession(AdaptivePolicy(2, rate, patience=0)) for rate in (0.5, 0.25))
    for run in (again, changed):
        run.begin(["a", "b"], ["bounded_relu", "sigmoid"], [0.0, 0.0])
        assert checkpoint.resume(unpack(pack(checkpoint_of(one))), run, RollBack(None))
    assert again.policy.sig_increase == 0.5
    assert changed.policy.sig_increase == 0.15
    assert {(event.values["name"], event.values["by"]) for event in changed.trace.events if event.kind == "threshold"
            } == {("sig_increase", "hand"), ("rate", "the script that goes on"),
                  ("sig_increase", "the script that goes on")}


@pytest.mark.parametrize(("policy", "curves"), [
    (StepwisePolicy(), ["bounded_relu", "sigmoid"]), (AdaptivePolicy(), ["bounded_relu", "bounded_relu"])])
def test_a_run_of_another_kind_is_not_taken_up(policy, curves):
    other = SharpeningSession(policy)
    other.begin(["a", "b"], curves, [0.0, 0.0])
    assert not checkpoint.resume(unpack(pack(checkpoint_of(session()))), other, RollBack(None))
    assert other.trace.batches == 0


def test_a_damaged_checkpoint_is_refused():
    arrays = pack(checkpoint_of(session()))
    arrays["loss"] = arrays["loss"][:-1]
    with pytest.raises(ArchiveError, match="the sharpener's checkpoint in the file of the weights"):
        unpack(arrays)

"""What counts as a rise and a fall, and replays: hand-worked cases, and the policy itself as the reference."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from whetstone_lab.method import judging
from whetstone_lab.method.judging import JudgedEpoch, Judgement, judge, what_if
from whetstone_lab.method.policies import AdaptivePolicy

LOSSES = st.floats(-5, 5).filter(lambda value: value == 0 or abs(value) > 1e-3)
SHARES = st.floats(0.01, 0.9)


@pytest.mark.parametrize(("reference", "loss", "expected"), [
    (2.0, 3.0, 0.5), (2.0, 1.0, -0.5), (-2.0, -1.0, 0.5), (-2.0, -3.0, -0.5), (None, 7.0, -math.inf),
    (0.0, 0.0, 0.0), (0.0, 1.0, math.inf), (0.0, -1.0, -math.inf)])
def test_a_change_is_measured_by_the_size_of_the_reference(reference, loss, expected):
    assert judging.change(reference, loss) == expected


@given(reference=LOSSES, share=SHARES)
def test_the_levels_are_where_a_change_begins_to_count(reference, share):
    assume(reference != 0)
    assert judging.change(reference, judging.stop_level(reference, share)) == pytest.approx(share)
    assert judging.change(reference, judging.improve_level(reference, share)) == pytest.approx(-share)
    assert judging.improve_level(reference, share) < reference < judging.stop_level(reference, share)


@pytest.mark.parametrize(("before", "loss", "finished", "expected"), [
    (Judgement(1.0, 0, True), 1.2, False, Judgement(1.2, 0, False, "stop")),
    (Judgement(1.0, 0, True), 1.1, False, Judgement(1.0, 1, True, "wait")),
    (Judgement(1.0, 0, True), 0.5, False, Judgement(0.5, 0, True, "improve")),
    (Judgement(1.0, 1, False), 1.0, False, Judgement(1.0, 0, True, "start")),
    (Judgement(1.0, 0, False), 1.0, False, Judgement(1.0, 1, False, "wait")),
    (Judgement(1.0, 7, False), 1.0, True, Judgement(1.0, 8, False, "wait")),
    (Judgement(None, 3, False), 1.0, False, Judgement(1.0, 0, False, "improve")),
])
def test_an_epoch_is_judged_as_worked_out_by_hand(before, loss, finished, expected):
    now = judge(before, loss, sig_increase=0.15, sig_decrease=0.15, patience=1, finished=finished)
    assert (now.reference, now.waiting, now.sharpening, now.verdict) == (
        expected.reference, expected.waiting, expected.sharpening, expected.verdict)


def recorded(policy, losses):
    """An adaptive run of one layer on given losses, as a chart knows it; the layer never becomes sharp."""
    state, epochs = policy.start([0.0], 10**6), []
    for loss in losses:
        epochs.append(JudgedEpoch(loss, policy.sig_increase, policy.sig_decrease, policy.patience, state.sharpening))
        state, _ = policy.end_epoch(state, loss)
    return epochs


@given(losses=st.lists(LOSSES | st.just(math.nan), max_size=25), up=SHARES, down=SHARES, patience=st.integers(0, 3),
       other_up=SHARES, other_down=SHARES, other_patience=st.integers(0, 3), early=st.integers(1, 4))
def test_a_replay_finds_the_first_decision_that_the_policy_itself_would_make_otherwise(
        losses, up, down, patience, other_up, other_down, other_patience, early):
    policy = AdaptivePolicy(early, sig_increase=up, sig_decrease=down, patience=patience)
    changes = {"sig_increase": other_up, "sig_decrease": other_down, "patience": other_patience}
    run, other = recorded(policy, losses), recorded(policy.steered(**changes), losses)
    differs = [number for number, (one, two) in enumerate(zip(run, other, strict=True))
               if one.sharpening != two.sharpening]
    found = what_if(run, changes, early)
    assert (found.epoch if found else None) == (differs[0] if differs else None)
    if found:
        assert found.kind in (("goes on", "starts") if other[differs[0]].sharpening else ("stops", "waits"))
    assert what_if(run, {}, early) is None


def test_a_replay_ends_where_every_layer_became_sharp():
    epochs = [JudgedEpoch(1.0, 0.1, 0.1, 0, sharpening=number > 0, sharp=number == 2) for number in range(4)]
    assert what_if(epochs, {"patience": 9}, 1).epoch == 1
    assert what_if(epochs[1:], {"patience": 9}, 1) is None


def test_only_what_decides_can_be_changed_in_a_replay():
    with pytest.raises(ValueError, match=r"Expected changes of sig_increase.*; got \['rate'\]"):
        what_if([], {"rate": 0.5}, 1)

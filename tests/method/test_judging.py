"""What counts as a rise and a fall, and replays: hand-worked cases, and the policy itself as the reference."""

import itertools
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


@pytest.mark.parametrize(("name", "mode"), [
    ("loss", "min"), ("val_loss", "min"), ("accuracy", "max"), ("val_sparse_categorical_accuracy", "max"),
    ("acc", "max"), ("auc", "max"), ("auc_1", "max"), ("head_b_accuracy", "max"), ("mean_io_u", "max"),
    ("recall_at_precision", "max"),
    ("top_k_categorical_accuracy", "max"), ("f1", "max"), ("mean_squared_error", "min"), ("mse", "min"),
    ("kl_divergence", "min"), ("reward", None), ("learning_rate", None)])
def test_a_name_tells_how_a_quantity_gets_better_or_it_does_not(name, mode):
    assert judging.direction(name) == mode


def test_what_should_rise_is_judged_as_its_mirror_image_among_losses():
    rules = {"sig_increase": 0.25, "sig_decrease": 0.125, "patience": 1}
    for reference, value, sharpening, waiting in itertools.product(
            (None, -4.0, 0.0, 2.0), (-6.0, -4.0, -1.0, 0.0, 1.5, 2.25, 4.0), (False, True), (0, 1)):
        mirrored = None if reference is None else -reference
        loss = judging.judge(judging.Judgement(mirrored, waiting, sharpening), -value, **rules)
        rising = judging.judge(judging.Judgement(reference, waiting, sharpening), value, mode="max", **rules)
        assert (rising.verdict, rising.waiting, rising.sharpening) == (loss.verdict, loss.waiting, loss.sharpening)
        assert rising.reference == (None if loss.reference is None else -loss.reference)
        assert rising.change == -loss.change
    assert (judging.stop_level(0.8, 0.25, "max"), judging.improve_level(0.8, 0.25, "max")) == (0.8 - 0.2, 0.8 + 0.2)
    assert judging.worsening(0.8, 0.6, "max") == pytest.approx(0.25)


def test_a_replay_of_what_should_rise_finds_the_decision_that_a_smaller_setback_would_have_made():
    values = [0.5, 0.5, 0.5, 0.5, 0.46, 0.46]
    epochs = [judging.JudgedEpoch(value, 0.15, 0.15, 1, sharpening=number >= 3) for number, value in enumerate(values)]
    assert judging.what_if(epochs, {}, 1, "max") is None
    found = judging.what_if(epochs, {"sig_increase": 0.05}, 1, "max")
    assert (found.epoch, found.kind) == (5, "stops")
    assert found.change == pytest.approx(-0.08)


def test_a_quantity_is_told_in_words():
    accuracy = judging.Quantity("val_top_accuracy", "max")
    assert (accuracy.words, accuracy.setback, accuracy.progress) == ("validation top accuracy", "fall", "rise")
    assert (judging.LOSS.words, judging.LOSS.worsened, judging.LOSS.improved) == ("loss", "rose", "fell")

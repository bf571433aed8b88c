"""Policies: the published rule simulated anew, invariants over random runs, schedules, plain states, clear errors."""

import dataclasses
import json
import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from published_rules import PARAMETERS, PublishedAdaptiveRule, PublishedSimpleRule

from whetstone_lab.method.judging import Quantity
from whetstone_lab.method.policies import (
    POLICIES,
    AdaptivePolicy,
    AdaptiveState,
    ScheduledPolicy,
    State,
    StepwisePolicy,
    from_config,
)

LOSSES = st.lists(st.floats(0.01, 5), min_size=1, max_size=40)
SCHEDULES = st.lists(st.tuples(st.floats(0, 6), st.floats(0.01, 6)).map(lambda pair: (pair[0], sum(pair))),
                     min_size=1, max_size=4)
ANY_POLICY = st.one_of(
    PARAMETERS.map(lambda parameters: AdaptivePolicy(**parameters)),
    st.builds(StepwisePolicy, st.integers(0, 4), st.integers(1, 6), st.sampled_from(["epoch", "batch"]), st.booleans()),
    st.builds(ScheduledPolicy, st.none(), st.floats(0, 4), st.floats(0.1, 4), st.floats(0, 2)))


def epochs_of(policy, state, losses, batches):
    """Runs a policy; yields the state and the decisions after every batch and after every epoch."""
    for loss in losses:
        for _ in range(batches):
            state, decisions = policy.end_batch(state, loss)
            yield state, decisions
        state, decisions = policy.end_epoch(state, loss)
        yield state, decisions


def last_state(policy, state, losses, batches):
    return [state, *(after for after, _ in epochs_of(policy, state, losses, batches))][-1]


# -- adaptive ---------------------------------------------------------------------------------------------------------


@given(parameters=PARAMETERS, losses=LOSSES, layers=st.integers(1, 4), batches=st.integers(1, 12))
@example({"min_init_epochs": 1, "rate": 0.999, "cz_rate": 1.0, "critical": 1.0, "first_layer_relative_rate": 1.0,
          "patience": 0, "sig_increase": 0.5, "sig_decrease": 0.5, "bottom_up": True}, [1.0] * 3, 1, 1)  # 0.001 from 1
@settings(deadline=None, max_examples=3 * settings.default.max_examples)
def test_adaptive_sharpness_equals_the_published_rule_after_every_batch(parameters, losses, layers, batches):
    policy, rule = AdaptivePolicy(**parameters), PublishedAdaptiveRule(layers, batches, **parameters)
    state = policy.start([0.0] * layers, batches)
    for loss in losses:
        for _ in range(batches):
            state, _ = policy.end_batch(state, loss)
            rule.batch_ended()
            assert state.sharpness == pytest.approx(rule.sharpness, abs=1e-6)
        state, _ = policy.end_epoch(state, loss)
        rule.epoch_ended(loss)
        if not state.sharp:  # beyond full sharpness the rest has no consequence
            assert (state.reference, state.waiting, state.sharpening) == (rule.reference, rule.counter, rule.sharpening)


@given(parameters=PARAMETERS, layers=st.integers(1, 3), batches=st.integers(1, 10), seed=st.randoms())
@settings(deadline=None)
def test_they_agree_up_to_full_sharpness_and_reach_it_together(parameters, layers, batches, seed):
    policy, rule = AdaptivePolicy(**parameters), PublishedAdaptiveRule(layers, batches, **parameters)
    state, loss = policy.start([0.0] * layers, batches), 1.0
    for _ in range(500):
        loss *= seed.choice([0.9, 1.0, 1.0, 1.05, 1.2])
        for _ in range(batches):
            state, _ = policy.end_batch(state, loss)
            rule.batch_ended()
            assert state.sharpness == pytest.approx(rule.sharpness, abs=1e-6)
        state, _ = policy.end_epoch(state, loss)
        rule.epoch_ended(loss)
        if state.sharp:
            break
    assert state.sharp == all(s == 1 for s in rule.sharpness)


def test_a_run_by_hand():
    # Two layers, four batches: rate 0.4 is 0.1 a batch, from 0.5 on cz_rate 0.8 is 0.2 a batch.
    policy = AdaptivePolicy(min_init_epochs=2, rate=0.4, cz_rate=0.8, critical=0.5, patience=0)
    rows, kinds = [], []
    for state, decisions in epochs_of(policy, policy.start([0, 0], 4), [1.0, 1.0, 1.0, 1.2, 1.2, 0.8], 4):
        rows.append([round(s, 6) for s in state.sharpness])
        kinds.append([decision.kind for decision in decisions])
    assert rows[:10] == [[0, 0]] * 10  # epochs 0 and 1, each with its end
    assert kinds[9] == ["start"]  # one epoch without improvement is more than none
    assert rows[10:15] == [[0.1, 0], [0.2, 0], [0.3, 0], [0.4, 0], [0.4, 0]]
    assert rows[15:19] == [[0.5, 0], [0.7, 0], [0.9, 0], [1, 0]]
    assert kinds[18:20] == [["sharp"], ["stop"]]  # the loss rose by 20 %
    assert rows[20:25] == [[1, 0]] * 5
    assert kinds[24] == ["start"]
    assert rows[25:] == [[1, 0.1], [1, 0.2], [1, 0.3], [1, 0.4], [1, 0.4]]
    assert kinds[29] == ["improve"]


def test_a_layer_that_becomes_sharp_ends_sharpening_for_the_epoch_only_bottom_up():
    losses = [1.0] * 6
    for bottom_up, expected in ((True, [1.0, 1.0, 0.0]), (False, [1.0, 1.0, 1.0])):
        policy = AdaptivePolicy(1, rate=1, cz_rate=1, patience=0, bottom_up=bottom_up)
        state = last_state(policy, policy.start([0.0] * 3, 5), losses[:4], 5)
        assert list(state.sharpness) == expected


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_is_warned_of_and_left_out(loss):
    policy = AdaptivePolicy(1, patience=0)
    state = last_state(policy, policy.start([0.2], 3), [1.0, 1.0], 3)
    after, decisions = policy.end_epoch(state, loss)
    assert [decision.kind for decision in decisions] == ["warning"]
    assert str(loss) in decisions[0].reason
    assert (after.reference, after.waiting, after.sharpening) == (state.reference, state.waiting, state.sharpening)
    assert after.epoch == state.epoch + 1


def test_a_loss_of_zero_or_below_is_judged_by_its_size():
    policy = AdaptivePolicy(1, patience=1)
    # Without the size of the reference, -2 after -1 would pass for a rise by 100 %.
    for losses, sharpening in (([0.0] * 5, True), ([-1.0, -2.0, -4.0], False), ([-1.0] * 4, True)):
        assert last_state(policy, policy.start([0.0], 2), losses, 2).sharpening is sharpening
    state = last_state(policy, policy.start([0.0], 2), [0.0] * 3, 2)
    assert policy.end_epoch(state, 1e-6)[0].sharpening is False  # a rise from nothing is a rise


def test_a_policy_exchanged_between_two_batches_is_in_force_at_once():
    policy = AdaptivePolicy(1, rate=0.5, patience=0)
    state = last_state(policy, policy.start([0.0], 10), [1.0, 1.0], 10)
    state, _ = policy.end_batch(state, 1.0)
    state, _ = policy.steered(rate=1).end_batch(state, 1.0)
    assert state.sharpness == (pytest.approx(0.05 + 0.1),)


def test_sharpening_is_over_when_all_is_sharp():
    policy = AdaptivePolicy(1, rate=1, cz_rate=1, patience=0)
    steps = list(epochs_of(policy, policy.start([0.0], 4), [1, 1, 1, 2, 3, 3, 3], 4))
    kinds = [decision.kind for _, decisions in steps for decision in decisions]
    assert kinds == ["start", "sharp", "done"]
    assert steps[-1][0].sharpening is False


# -- all policies -----------------------------------------------------------------------------------------------------


@given(policy=ANY_POLICY, data=st.data())
@settings(deadline=None, max_examples=3 * settings.default.max_examples)
def test_sharpness_never_falls_and_stays_between_0_and_1(policy, data):
    sharpness = data.draw(st.lists(st.floats(0, 1) | st.sampled_from([0.0, 1.0]), min_size=1, max_size=4))
    batches = data.draw(st.integers(1, 7))
    losses = data.draw(st.lists(st.floats() | st.floats(0.1, 3), min_size=1, max_size=12))
    first = policy.start(sharpness, data.draw(st.sampled_from([batches, None])), data.draw(st.integers(0, 5)))
    before, sharp_events = first.sharpness, 0
    for state, decisions in epochs_of(policy, first, losses, batches):
        assert all(0 <= old <= new <= 1 for old, new in zip(before, state.sharpness, strict=True))
        reached = [i for i, (old, new) in enumerate(zip(before, state.sharpness, strict=True)) if old < 1 == new]
        assert [decision.layer for decision in decisions if decision.kind == "sharp"] == reached
        assert ("done" in [decision.kind for decision in decisions]) == (bool(reached) and state.sharp)
        assert all(decision.reason for decision in decisions)
        before, sharp_events = state.sharpness, sharp_events + len(reached)
        again = json.loads(json.dumps(state.asdict()))
        assert type(state)(**{**again, "sharpness": tuple(again["sharpness"])}) == state
    assert (state.epoch, state.batch) == (first.epoch + len(losses), 0)
    assert sharp_events <= len(sharpness)


@given(policy=ANY_POLICY, cut=st.integers(0, 30), losses=LOSSES)
@settings(deadline=None)
def test_a_run_that_goes_on_from_a_saved_state_and_config_ends_where_the_whole_run_does(policy, cut, losses):
    whole = list(epochs_of(policy, policy.start([0.0, 0.0], 3), losses, 3))
    cut = min(cut, len(losses))
    half = last_state(policy, policy.start([0.0, 0.0], 3), losses[:cut], 3)
    saved = json.loads(json.dumps([policy.config(), half.asdict()]))
    again = from_config(saved[0])
    state = type(half)(**{**saved[1], "sharpness": tuple(saved[1]["sharpness"])})
    rest = list(epochs_of(again, state, losses[cut:], 3))
    assert rest == whole[len(whole) - len(rest):]


@given(policy=ANY_POLICY)
def test_configs_are_plain_and_make_the_same_policy(policy):
    config = json.loads(json.dumps(policy.config()))
    assert config["name"] in POLICIES
    assert from_config(config) == policy
    assert from_config(policy.config()).config() == policy.config()


@pytest.mark.parametrize("policy", [
    AdaptivePolicy(1, rate=1, cz_rate=1, patience=0), AdaptivePolicy(1, rate=0.5, patience=0, bottom_up=False),
    StepwisePolicy(0, 3), StepwisePolicy(0, 3, "batch", bottom_up=False), ScheduledPolicy(None, 0, 1)])
@pytest.mark.parametrize("sharpness", [[1.0, 0.3, 0.0], [0.4, 0.4, 0.4], [0.0, 1.0, 0.5], [1.0, 1.0, 1.0]])
def test_a_network_that_is_sharp_in_part_is_sharpened_to_the_end(policy, sharpness):
    for state, _ in epochs_of(policy, policy.start(sharpness, 4), [1.0] * 30, 4):
        assert all(new >= old for new, old in zip(state.sharpness, sharpness, strict=True))
    assert state.sharp


def test_uniform_sharpening_of_a_network_that_is_sharp_in_part_makes_no_leap():
    policy = AdaptivePolicy(1, rate=0.5, cz_rate=0.2, critical=0.75, patience=0, bottom_up=False)
    state = last_state(policy, policy.start([1.0, 0.3, 0.0], 10), [1.0, 1.0], 10)
    state, _ = policy.end_batch(state, 1.0)
    # The first layer is past critical, so all gain at cz_rate.
    assert state.sharpness == (1.0, pytest.approx(0.32), pytest.approx(0.02))


def test_a_state_with_other_values_is_another_and_leaves_the_first_as_it_was():
    state = AdaptivePolicy().start((0.1, 0.2), 7)
    other = state.replace(batch=3, sharpening=True)
    assert other == dataclasses.replace(state, batch=3, sharpening=True)
    assert hash(other) == hash(dataclasses.replace(other))
    assert state == AdaptivePolicy().start((0.1, 0.2), 7)


def test_the_number_of_batches_is_learnt_from_the_first_epoch():
    for policy in (AdaptivePolicy(1, patience=0), ScheduledPolicy([(0, 2)])):
        state = last_state(policy, policy.start([0.0]), [1.0], 8)
        assert state.batches == 8
        state = last_state(policy, state, [1.0, 1.0], 8)
        known = last_state(policy, policy.start([0.0], 8), [1.0] * 3, 8)
        assert state == known


# -- step-wise --------------------------------------------------------------------------------------------------------


@given(start=st.integers(0, 4), steps=st.integers(1, 12), layers=st.integers(1, 5), bottom_up=st.booleans(),
       batches=st.integers(1, 5), by=st.sampled_from(["epoch", "batch"]))
@settings(deadline=None)
def test_the_kth_step_brings_the_model_to_k_parts_of_the_total(start, steps, layers, bottom_up, batches, by):
    policy = StepwisePolicy(start, steps, by, bottom_up)
    state, taken = policy.start([0.0] * layers, batches), 0
    total = steps * layers if bottom_up else steps
    for epoch in range(start + total + 1):
        for batch in range(batches + 1):
            ends = batch == batches
            state, _ = policy.end_epoch(state, 1.0) if ends else policy.end_batch(state, 1.0)
            taken += epoch >= start and ends == (by == "epoch") and taken < total
            filled = [min(max(taken - i * steps, 0), steps) / steps for i in range(layers)]
            assert state.sharpness == pytest.approx(filled if bottom_up else [taken / steps] * layers, abs=1e-12)
            assert state.sharp == (taken == total)  # the last step is 1, not almost


@given(start=st.integers(0, 6), steps=st.integers(1, 20), layers=st.integers(1, 6), bottom_up=st.booleans(),
       losses=LOSSES, batches=st.integers(1, 4))
@settings(deadline=None, max_examples=3 * settings.default.max_examples)
def test_stepwise_sharpness_equals_the_published_rule_after_every_batch(start, steps, layers, bottom_up, losses,
                                                                        batches):
    policy, rule = StepwisePolicy(start, steps, bottom_up=bottom_up), PublishedSimpleRule(layers, start, steps,
                                                                                          bottom_up)
    state = policy.start([0.0] * layers, batches)
    for loss in losses:
        for _ in range(batches):
            state, _ = policy.end_batch(state, loss)
            assert state.sharpness == pytest.approx(rule.sharpness, abs=1e-6)
        state, _ = policy.end_epoch(state, loss)
        rule.epoch_ended()
        assert state.sharpness == pytest.approx(rule.sharpness, abs=1e-6)
        assert state.sharp == (rule.level == 1)


def test_steps_go_on_from_what_float32_weights_remember():
    import numpy as np

    for steps in (3, 7, 10, 100):
        policy = StepwisePolicy(0, steps, bottom_up=False)
        state, count = policy.start([0.0], 1), 0
        while not state.sharp:
            state, _ = policy.end_epoch(policy.start([float(np.float32(state.sharpness[0]))], 1), 1.0)
            count += 1
        assert count == steps


# -- scheduled --------------------------------------------------------------------------------------------------------


@given(schedule=SCHEDULES, batches=st.integers(1, 9))
@settings(deadline=None)
def test_a_scheduled_layer_is_on_the_line_between_its_start_and_its_stop(schedule, batches):
    policy = ScheduledPolicy(schedule)
    state = policy.start([0.0] * len(schedule), batches)
    epochs = math.ceil(max(stop for _, stop in schedule)) + 1
    for epoch in range(epochs):
        for batch in range(1, batches + 1):
            state, _ = policy.end_batch(state, 1.0)
            position = epoch + batch / batches
            expected = [min(max((position - start) / (stop - start), 0), 1) for start, stop in schedule]
            assert state.sharpness == pytest.approx(expected, abs=1e-6)
        state, _ = policy.end_epoch(state, 1.0)
        assert state.sharpness == pytest.approx(expected, abs=1e-6)
    assert state.sharp


def test_the_last_batch_of_a_ramp_is_sharp_whatever_the_rounding():
    # 0.1 + 0.2 is a little more than 0.3.
    policy = ScheduledPolicy([(0.0, 0.1 + 0.2)])
    state = policy.start([0.0], 10)
    for _ in range(3):
        state, _ = policy.end_batch(state, 1.0)
    assert state.sharpness == (1.0,)


def test_a_schedule_is_made_from_start_duration_and_intermission():
    assert ScheduledPolicy(None, 2, 1.5, 0.5).pairs(3) == [(2, 3.5), (4, 5.5), (6, 7.5)]


def test_a_schedule_for_another_number_of_layers_is_refused():
    with pytest.raises(ValueError, match="schedule for each of the 3 spiking layers; got one for 2"):
        ScheduledPolicy([(0, 1), (1, 2)]).start([0.0] * 3)


@pytest.mark.parametrize(("schedule", "words"), [
    ([(0, 1), (2, 2)], r"start < stop in the schedule of layer 2; got \(2, 2\)"),
    ([(3, 1)], r"layer 1; got \(3, 1\)"), ([(-1, 1)], r"layer 1; got \(-1, 1\)"),
    ([(0, math.inf)], r"layer 1; got \(0, inf\)"), ([(math.nan, 1)], r"layer 1; got \(nan, 1\)"),
    ([1, 2], r"\(start, stop\) pairs in epochs; got \[1, 2\]"), ([("soon", "late")], "pairs in epochs"), (7, "pairs")])
def test_impossible_schedules_are_refused(schedule, words):
    with pytest.raises(ValueError, match=words):
        ScheduledPolicy(schedule)


# -- how long it takes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("policy", "layers", "batches", "fewest"), [
    (StepwisePolicy(5, 5), 3, 10, 20), (StepwisePolicy(5, 5, bottom_up=False), 3, 10, 10),
    (ScheduledPolicy([(0, 2), (1, 2.5)]), 2, 10, 3),
    # Epoch 0 sets the reference, 1 and 2 do not improve; then a layer takes four epochs of 0.25.
    (AdaptivePolicy(1, 0.25, 0.25, patience=1), 2, 10, 3 + 8),
    (AdaptivePolicy(1, rate=1e-3, cz_rate=1e-3), 1, 1, None)])
def test_the_fewest_epochs_are_those_with_a_steady_loss(policy, layers, batches, fewest):
    assert policy.fewest_epochs(layers, batches, limit=100) == fewest


@given(parameters=PARAMETERS, losses=st.lists(st.floats(0.01, 5), min_size=60, max_size=60), layers=st.integers(1, 2))
@settings(deadline=None)
def test_no_loss_sharpens_in_fewer_epochs(parameters, losses, layers):
    policy = AdaptivePolicy(**parameters)
    fewest = policy.fewest_epochs(layers, 4, limit=60)
    for state, _ in epochs_of(policy, policy.start([0.0] * layers, 4), losses, 4):
        if state.sharp:
            assert fewest is not None
            assert state.epoch + (state.batch > 0) >= fewest


# -- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("make", "words"), [
    (lambda: AdaptivePolicy(min_init_epochs=0), "min_init_epochs to be an integer of at least 1; got 0"),
    (lambda: AdaptivePolicy(rate=0), r"rate to be a number in \(0, 1\]; got 0"),
    (lambda: AdaptivePolicy(rate=1.01), r"rate to be a number in \(0, 1\]; got 1.01"),
    (lambda: AdaptivePolicy(cz_rate=math.nan), r"cz_rate to be a number in \(0, 1\]; got nan"),
    (lambda: AdaptivePolicy(critical=-0.1), r"critical to be a number in \[0, 1\]; got -0.1"),
    (lambda: AdaptivePolicy(first_layer_relative_rate=0), r"first_layer_relative_rate .* in \(0, inf\); got 0"),
    (lambda: AdaptivePolicy(patience=1.5), "patience to be an integer of at least 0; got 1.5"),
    (lambda: AdaptivePolicy(patience=True), "patience to be an integer of at least 0; got True"),
    (lambda: AdaptivePolicy(sig_increase=0), r"sig_increase to be a number in \(0, inf\); got 0"),
    (lambda: AdaptivePolicy(sig_decrease="much"), r"sig_decrease to be a number in \(0, inf\); got 'much'"),
    (lambda: AdaptivePolicy(bottom_up=1), "bottom_up to be True or False; got 1"),
    (lambda: StepwisePolicy(start_epoch=-1), "start_epoch to be an integer of at least 0; got -1"),
    (lambda: StepwisePolicy(steps=0), "steps to be an integer of at least 1; got 0"),
    (lambda: StepwisePolicy(by="second"), "by to be 'epoch' or 'batch'; got 'second'"),
    (lambda: ScheduledPolicy(duration=0), r"duration to be a number in \(0, inf\); got 0"),
    (lambda: ScheduledPolicy(start_epoch=-1), r"start_epoch to be a number in \[0, inf\); got -1"),
    (lambda: ScheduledPolicy(intermission=math.inf), r"intermission to be a number in \[0, inf\); got inf"),
    (lambda: AdaptivePolicy().start([]), r"at least one layer; got \[\]"),
    (lambda: AdaptivePolicy().start([0.5, 1.1]), r"sharpness in \[0, 1\] .* got \[0.5, 1.1\]"),
    (lambda: AdaptivePolicy().start([math.nan]), r"sharpness in \[0, 1\] .* got \[nan\]"),
    (lambda: AdaptivePolicy().start([0.5], 0), "at least one batch in an epoch; got 0"),
    (lambda: from_config({"name": "wild"}), r"policy among \['adaptive', 'scheduled', 'stepwise'\]; got 'wild'"),
    (lambda: from_config({"rate": 0.5}), "policy among .* got None"),
    (lambda: from_config({"name": "stepwise", "pace": 3}), r"parameters of the stepwise policy .* got \['pace'\]"),
    (lambda: AdaptivePolicy().steered(pace=3), r"parameters of the adaptive policy among .* got \['pace'\]"),
    (lambda: AdaptivePolicy().steered(rate=3), r"rate to be a number in \(0, 1\]; got 3")])
def test_what_cannot_be_is_refused_with_what_was_expected_and_what_came(make, words):
    with pytest.raises(ValueError, match=f"Expected .*{words}"):
        make()


def test_numbers_of_numpy_are_numbers_and_become_plain():
    import numpy as np

    policy = AdaptivePolicy(np.int64(2), np.float32(0.5), patience=np.int8(1))
    assert policy == AdaptivePolicy(2, 0.5, patience=1)
    assert json.loads(json.dumps(policy.config()))["rate"] == 0.5


def test_policies_and_states_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        AdaptivePolicy().rate = 0.5
    with pytest.raises(dataclasses.FrozenInstanceError):
        AdaptiveState((0.0,)).waiting = 1
    state = State((0.0,))
    StepwisePolicy(0, 1).end_epoch(state, 1.0)
    assert state == State((0.0,))


def test_an_accuracy_is_judged_the_other_way_round_and_told_by_its_name():
    policy = AdaptivePolicy(min_init_epochs=1, patience=0).about(Quantity("val_accuracy", "max"))
    state, told = policy.start([0.0], 1), []
    for accuracy in (0.2, 0.2, 0.5, 0.9, 0.6, 0.6):
        state, _ = policy.end_batch(state, 1.0)
        state, decisions = policy.end_epoch(state, accuracy)
        told += [decision.reason for decision in decisions if decision.kind in ("improve", "start", "stop")]
    assert told == [
        "No rise of 15.0% for 1 epochs, more than patience = 0: the network has settled and sharpening starts.",
        "The validation accuracy rose by 150.0%, at least sig_decrease = 15.0%: a new reference.",
        "The validation accuracy rose by 80.0%, at least sig_decrease = 15.0%: a new reference.",
        "The validation accuracy fell by 33.3%, at least sig_increase = 15.0%: sharpening rests until the network has "
        "settled.",
        "No rise of 15.0% for 1 epochs, more than patience = 0: the network has settled and sharpening starts."]


def test_what_a_policy_judges_is_no_parameter_of_it_and_outlasts_steering():
    policy = AdaptivePolicy().about(Quantity("accuracy", "max"))
    assert policy == AdaptivePolicy()
    assert policy.config() == AdaptivePolicy().config()
    assert policy.steered(rate=0.5).quantity == Quantity("accuracy", "max")
    assert AdaptivePolicy().quantity == Quantity("loss", "min")

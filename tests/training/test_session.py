"""The session: a policy, a state and a trace that agree, whatever drives them. No Keras is loaded here."""

import math
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from published_rules import PARAMETERS, PublishedAdaptiveRule, PublishedSimpleRule

from whetstone_lab.method.judging import Quantity
from whetstone_lab.method.policies import AdaptivePolicy, Decision, ScheduledPolicy, StepwisePolicy
from whetstone_lab.training.session import SharpeningSession, value_of

LOSSES = st.lists(st.floats(0.01, 5), min_size=1, max_size=30)


def session(policy=None, layers=2, batches=4):
    made = SharpeningSession(policy or StepwisePolicy(0, 5, "batch"))
    begin(made, layers, batches)
    return made


def begin(made, layers=1, batches=1):
    made.begin([f"layer_{i}" for i in range(layers)], ["bounded_relu"] * layers, [0.0] * layers, batches, {"seed": 7})
    made.begin_epoch()


def test_it_loads_no_keras():
    program = "import sys; from whetstone_lab.training.session import SharpeningSession; print('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False\n"


@given(parameters=PARAMETERS, losses=LOSSES)
@settings(deadline=None)
def test_what_it_asks_for_is_what_the_trace_says_and_what_the_published_rule_does(parameters, losses):
    one, rule = session(AdaptivePolicy(**parameters), layers=3), PublishedAdaptiveRule(3, 4, **parameters)
    for loss in losses:
        for _ in range(4):
            step = one.batch(loss)
            rule.batch_ended()
            assert step.sharpness == tuple(one.trace.sharpness[-1]) == one.state.sharpness
            np.testing.assert_allclose(step.sharpness, rule.sharpness, atol=1e-9)
        step = one.epoch({"loss": loss})
        rule.epoch_ended(loss)
        assert step.sharpness == tuple(one.trace.sharpness[-1]) == one.state.sharpness
    assert one.trace.epochs == len(losses)
    assert one.trace.states[-1] == one.state.asdict()


@given(start=st.integers(0, 4), steps=st.integers(1, 5), bottom_up=st.booleans(), epochs=st.integers(1, 10))
@settings(deadline=None)
def test_step_by_step_too_it_does_what_the_published_rule_does(start, steps, bottom_up, epochs):
    one, rule = session(StepwisePolicy(start, steps, bottom_up=bottom_up)), PublishedSimpleRule(2, start, steps,
                                                                                               bottom_up)
    for _ in range(epochs):
        one.batch(1.0)
        one.epoch({"loss": 1.0})
        rule.epoch_ended()
        np.testing.assert_allclose(one.trace.sharpness[-1], rule.sharpness, atol=1e-9)


def test_decisions_are_told_once_and_are_the_events_of_the_trace():
    one = session(ScheduledPolicy(((0.0, 0.5), (0.5, 1.0))))
    told = [decision.kind for _ in range(4) for decision in one.batch(1.0).decisions]
    told += [decision.kind for decision in one.epoch({"loss": 1.0}).decisions]
    assert told == [event.kind for event in one.trace.events] == ["sharp", "sharp", "done"]
    assert [event.batch for event in one.trace.events] == [2, 4, 4]  # once their batch is counted


def test_a_loss_that_is_no_number_is_warned_of_once():
    one = session()
    kinds = [[decision.kind for decision in one.batch(loss).decisions] for loss in (1.0, math.nan, math.nan, 1.0)]
    assert kinds == [[], ["warning"], [], []]
    assert np.isnan(one.trace.loss).tolist() == [False, True, True, False]


def test_sharpness_that_somebody_else_has_set_is_where_it_goes_on():
    one = session()
    one.adopt([0.5, 0.25])
    assert one.state.sharpness == (0.5, 0.25)
    state = one.state
    one.adopt([0.5 + 1e-8, 0.25])  # what float32 makes of it
    assert one.state is state


def test_it_goes_back_to_the_start_of_the_epoch():
    one = session()
    for _ in range(4):
        one.batch(1.0)
    one.epoch({"loss": 1.0})
    one.begin_epoch()
    before = one.state
    one.batch(1.0)
    one.batch(1.0)
    assert one.rewind() == before.sharpness
    assert one.state == before
    assert one.trace.batches == 4


def test_steering_is_noted_and_a_refused_change_changes_nothing():
    one = session(AdaptivePolicy())
    one.steer(by="the teacher", sig_increase=0.3, patience=1)  # patience was 1 before
    (event,) = one.trace.events
    assert event.values == {"name": "sig_increase", "old": 0.15, "new": 0.3, "by": "the teacher"}
    policy = one.policy
    with pytest.raises(ValueError, match="Expected sig_increase"):
        one.steer(sig_decrease=0.5, sig_increase=-1)
    assert one.policy is policy
    fixed = session(ScheduledPolicy(((0.0, 1.0), (1.0, 2.0))))
    with pytest.raises(ValueError, match="Expected a schedule for each of the 2 spiking layers; got one for 1"):
        fixed.steer(schedule=((0.0, 1.0),))


def changes(one):
    return [(event.batch, event.values["name"], event.values["old"], event.values["new"])
            for event in one.trace.events if event.kind == "threshold"]


def test_the_changes_of_a_gesture_are_one_decision():
    one = session(AdaptivePolicy())
    for number, value in enumerate([0.2, 0.3, 0.4]):
        one.steer(gesture="a drag", sig_increase=value)
        assert one.policy.sig_increase == value, "each is in force at once"
        assert one.trace.thresholds_at(number)["sig_increase"] == value
        one.batch(1.0)
    assert changes(one) == [(2, "sig_increase", 0.15, 0.4)]
    assert one.trace.events[0].reason == "sig_increase changed from 0.15 to 0.4 by hand."
    one.steer(gesture="another", sig_increase=0.5)
    one.steer(gesture="another", patience=3)
    one.steer(gesture="another", patience=4)
    one.steer(patience=5)
    one.steer(patience=6)
    assert [change[1:] for change in changes(one)[1:]] == [
        ("sig_increase", 0.4, 0.5), ("patience", 1, 4), ("patience", 4, 5), ("patience", 5, 6)]


def test_a_hand_on_another_thread_takes_nothing_from_the_trace():
    one = session(AdaptivePolicy(min_init_epochs=1), layers=3)
    over = threading.Event()

    def move():
        for number in range(10**6):
            one.steer(gesture="one long movement", sig_increase=0.1 + number % 50 / 100)
            if over.is_set():
                return

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    hand = threading.Thread(target=move)
    hand.start()
    try:
        for epoch in range(300):
            one.begin_epoch()
            one.batch(0.5)
            one.note(epoch, [Decision("warning", f"number {epoch}")])
            one.epoch({"loss": 0.5})
    finally:
        over.set()
        hand.join()
        sys.setswitchinterval(interval)
    warned = [event.reason for event in one.trace.events if event.kind == "warning"]
    assert warned == [f"number {epoch}" for epoch in range(300)]


def test_a_gesture_that_comes_back_has_changed_nothing():
    one = session(AdaptivePolicy())
    for value in (0.2, 0.3, 0.15):
        one.steer(gesture=1, sig_increase=value)
    assert changes(one) == []
    one.steer(gesture=1, sig_increase=0.25)
    assert changes(one) == [(0, "sig_increase", 0.15, 0.25)]


def test_a_gesture_is_cut_where_an_epoch_ends_or_something_is_decided():
    one = session(AdaptivePolicy())
    one.steer(gesture=1, sig_increase=0.2)
    one.epoch({"loss": 1.0})
    one.steer(gesture=1, sig_increase=0.3)  # the epoch was judged by the value before
    one.note(1, [Decision("warning", "Mind the gap.")])
    one.steer(gesture=1, sig_increase=0.4)
    assert [change[2:] for change in changes(one)] == [(0.15, 0.2), (0.2, 0.3), (0.3, 0.4)]
    assert [event.kind for event in one.trace.events][-3:] == ["threshold", "warning", "threshold"]


class Heeding(StepwisePolicy):
    """The same policy, but nothing of it is worked out ahead."""

    foreseeable = False


@given(st.lists(st.sampled_from(["batch"] * 6 + ["epoch", "adopt", "rewind", "steer", "restate"]), max_size=60))
@settings(deadline=None)
def test_what_is_worked_out_ahead_holds_only_while_nothing_else_has_changed(actions):
    runs = [session(kind(1, 7, "batch")) for kind in (StepwisePolicy, Heeding)]
    for action in actions:
        for one in runs:
            if action == "batch":
                one.batch(1.0)
            elif action == "epoch":
                one.epoch({"loss": 1.0})
                one.begin_epoch()
            elif action == "adopt":
                one.adopt([0.5, 0.0])
            elif action == "rewind":
                one.rewind()
            elif action == "steer":
                one.steer(steps=one.policy.steps + 1)
            else:  # again and again, so that a freed state's place in memory may be taken
                for _ in range(3):
                    one.state = one.state.replace(batch=0)
        assert runs[0].state == runs[1].state
    np.testing.assert_array_equal(runs[0].trace.sharpness, runs[1].trace.sharpness)


def test_an_epoch_cut_short_does_not_tell_how_many_batches_there_are():
    one = session(batches=None)
    one.batch(1.0)
    one.record(one.judge(1.0, whole=False), {"loss": 1.0})
    assert one.state.batches is None
    one.batch(1.0)
    one.epoch({"loss": 1.0})
    assert one.state.batches == 1


def test_whoever_watches_before_it_begins_sees_the_run():
    one, seen = SharpeningSession(StepwisePolicy()), []
    trace = one.trace
    trace.subscribe(lambda grown, urgent: seen.append((grown.layers, grown.batches)))
    one.begin(["a"], ["sigmoid"], [0.0], 2)
    one.batch(1.0)
    one.trace.publish()
    assert one.trace is trace
    assert seen == [(("a",), 1)]


def test_another_network_gets_a_trace_of_its_own_and_whoever_watches_goes_along():
    one, seen = session(layers=1), []
    one.batch(1.0)
    first = one.trace
    first.subscribe(lambda grown, urgent: seen.append(grown))
    one.begin(["b", "c"], ["sigmoid", "sigmoid"], [0.0, 0.0])
    assert one.trace is not first
    assert (first.batches, one.trace.batches) == (1, 0)
    first.publish()
    one.trace.publish()
    assert seen == [one.trace]


def test_before_it_begins_there_is_nothing_to_judge():
    with pytest.raises(RuntimeError, match="Expected the session to have begun"):
        SharpeningSession(StepwisePolicy()).batch(1.0)


def test_what_is_monitored_gets_better_as_its_metric_or_its_name_or_the_caller_says():
    assert SharpeningSession(AdaptivePolicy(), "val_accuracy").quantity == Quantity("val_accuracy", "max")
    assert SharpeningSession(AdaptivePolicy(), "accuracy", "min").quantity == Quantity("accuracy", "min")
    told = SharpeningSession(AdaptivePolicy(), "area")
    begin(told)
    assert told.trace.meta["mode"] == "min"
    assert told.heed("max") == []
    assert (told.quantity.mode, told.trace.meta["mode"]) == ("max", "max")
    asked = SharpeningSession(AdaptivePolicy(), "area", "min")
    begin(asked)
    assert asked.heed("max") == []
    assert asked.quantity.mode == "min"
    with pytest.raises(ValueError, match=r"mode among \['auto', 'min', 'max'\]; got 'up'"):
        SharpeningSession(AdaptivePolicy(), "loss", "up")


def test_of_what_nothing_tells_how_it_gets_better_a_warning_says_so_once():
    reward = SharpeningSession(AdaptivePolicy(), "reward")
    begin(reward)
    (warning,) = reward.heed(None)
    assert warning.kind == "warning"
    assert "'reward' gets better as it rises or as it falls" in warning.reason
    assert "mode='max'" in warning.reason
    reward.batch(1.0)
    reward.epoch({"reward": 1.0})
    assert reward.heed(None) == []


def test_a_session_judges_an_accuracy_that_rises_as_progress():
    session = SharpeningSession(AdaptivePolicy(min_init_epochs=1, patience=0), "accuracy")
    begin(session)
    for accuracy in (0.2, 0.2, 0.5, 0.9, 0.6):
        session.batch(1.0)
        session.epoch({"loss": 1.0, "accuracy": accuracy})
    kinds = [(event.epoch, event.kind) for event in session.trace.events if event.kind in ("start", "stop", "improve")]
    assert kinds == [(1, "start"), (2, "improve"), (3, "improve"), (4, "stop")]


def test_the_monitored_value_must_be_there_and_be_one_number():
    assert value_of({"loss": np.float32(0.5)}, "loss") == 0.5
    with pytest.raises(ValueError, match=r"monitored value 'f1' among Keras's logs; got \['loss'\]"):
        value_of({"loss": 1.0}, "f1")
    with pytest.raises(ValueError, match="'f1' to be a single number; got 3 of them"):
        value_of({"f1": np.ones(3)}, "f1")

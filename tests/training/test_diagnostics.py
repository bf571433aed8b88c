"""What a sharpener warns of, worked out on states and traces: no training at all."""

import numpy as np
import pytest

from whetstone_lab.method.policies import AdaptivePolicy, ScheduledPolicy, StepwisePolicy
from whetstone_lab.records.trace import Trace
from whetstone_lab.training import diagnostics


@pytest.mark.parametrize(("policy", "least"), [
    # Epoch 0 sets the reference, two do not improve, and a layer takes four of 0.25.
    (AdaptivePolicy(min_init_epochs=1, cz_rate=0.25, sig_increase=9), 11), (StepwisePolicy(1, 2), 5),
    (ScheduledPolicy(((0, 1), (2, 3.5))), 4)], ids=lambda value: getattr(value, "name", value))
def test_the_fewest_epochs_are_told_to_a_fit_that_has_fewer(policy, least):
    state = policy.start([0.0, 0.0], 10)
    assert diagnostics.too_short(policy, state, least) is None
    word = diagnostics.too_short(policy, state, least - 1)
    assert f"it has {least - 1} epochs, and the {policy.name} policy takes at least {least} from here" in word
    assert diagnostics.too_short(policy, state.replace(sharpness=(1.0, 1.0)), 1) is None


def test_of_what_is_not_known_or_takes_long_to_tell_nothing_is_foretold():
    policy = ScheduledPolicy(((0, 1),))
    assert diagnostics.too_short(policy, policy.start([0.0]), 1) is None
    assert diagnostics.too_short(policy, policy.start([0.0], 10), None) is None
    assert diagnostics.too_short(policy, policy.start([0.0], diagnostics.FORESEEN + 1), 1) is None


def trace_of(rows):
    trace = Trace(["a", "b"])
    for number, (never, always) in enumerate(rows):
        trace.append_batch(number, 1.0, [0.5, 0.5])
        trace.append_epoch({"loss": 1.0}, layer_metrics={"never_firing": never, "always_firing": always})
    return trace


def test_a_layer_that_dies_is_told_of_when_it_dies_and_not_again():
    alive, dead = ([0.5, 0.0], [0.0, 0.5]), ([0.75, 0.0], [0.25, 0.0])
    (word,) = diagnostics.died(trace_of([alive, dead]))
    assert (word.kind, word.layer) == ("warning", 0)
    assert "Layer 1 of 2 is dead: on the whole probe 75% of its neurons never fire" in word.reason
    assert diagnostics.died(trace_of([dead, dead])) == []
    assert len(diagnostics.died(trace_of([dead]))) == 1
    assert diagnostics.died(trace_of([alive])) == []


@pytest.mark.parametrize("epochs", [diagnostics.STALLED, diagnostics.STALLED + 1, diagnostics.STALLED + 2])
def test_sharpness_that_stalls_is_told_of_once(epochs):
    policy = AdaptivePolicy()
    trace, sharpness = Trace(["a", "b"]), [(1.0, 0.0), *[(1.0, 0.25)] * epochs]
    for number, row in enumerate(sharpness):
        trace.append_batch(number, 1.0, row)
        trace.append_epoch({"loss": 1.0})
    state = policy.start(sharpness[-1], 1)
    told = diagnostics.stalled(trace, policy, state)
    assert [word.layer for word in told] == ([1] if epochs == diagnostics.STALLED + 1 else [])
    assert diagnostics.stalled(trace, StepwisePolicy(), state) == []
    assert diagnostics.stalled(trace, policy, state.replace(sharpness=(1.0, 1.0))) == []


def test_a_layer_that_cannot_be_measured_is_told_of_when_that_begins():
    seen, unseen = ([0.5, 0.0], [0.0, 0.5]), ([0.5, np.nan], [0.0, np.nan])
    (word,) = diagnostics.unmeasured(trace_of([seen, unseen]))
    assert (word.kind, word.layer) == ("warning", 1)
    assert "Layer 2 of 2 ('b') cannot be measured" in word.reason
    assert diagnostics.unmeasured(trace_of([unseen, unseen])) == diagnostics.unmeasured(trace_of([seen])) == []
    assert len(diagnostics.unmeasured(trace_of([unseen]))) == 1


def test_of_layers_it_is_told_where_there_is_a_probe_alone():
    trace, policy = trace_of([([0.5, np.nan], [0.5, np.nan])]), StepwisePolicy()
    told = diagnostics.after_epoch(trace, policy, policy.start([0.5, 0.5], 1), "a probe")
    assert [word.layer for word in told] == [1, 0]
    assert diagnostics.after_epoch(trace, policy, policy.start([0.5, 0.5], 1), None) == []

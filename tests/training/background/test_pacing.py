"""Pacing: pauses, steps that add up, and stops, as a state machine without threads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whetstone_lab.training.background.pacing import Pacing


def test_it_goes_on_until_it_is_told_to_halt():
    pacing = Pacing()
    pacing.start()
    for _ in range(9):
        pacing.trained("batch")
        pacing.trained("epoch")
    assert not pacing.paused
    pacing.pause()
    assert pacing.paused
    pacing.resume()
    assert not pacing.paused


@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.integers(1, 3))
def test_steps_that_are_asked_for_before_others_are_done_add_up(steps, together):
    pacing, trained = Pacing(), 0
    pacing.start()
    for n in steps:
        pacing.step("batch", n)
    while not pacing.paused:
        pacing.trained("batch", together)
        trained += together
    assert sum(steps) <= trained < sum(steps) + together


def test_steps_of_batches_and_of_epochs_must_both_be_done():
    pacing = Pacing()
    pacing.start({"batch": 2})
    pacing.step("epoch", 1)
    pacing.trained("batch", 2)
    assert not pacing.paused
    pacing.trained("epoch")
    assert pacing.paused


@pytest.mark.parametrize("command", ["pause", "resume"])
def test_a_pause_and_going_on_for_good_forget_the_steps(command):
    pacing = Pacing()
    pacing.start({"batch": 1})
    getattr(pacing, command)()
    paused = pacing.paused
    pacing.trained("batch")
    assert pacing.paused == paused


def test_a_stop_lets_a_halted_run_end_and_a_start_begins_anew():
    pacing = Pacing()
    pacing.start({"batch": 1})
    pacing.trained("batch")
    pacing.stop()
    assert (pacing.paused, pacing.stopping) == (False, True)
    pacing.start()
    assert (pacing.paused, pacing.stopping) == (False, False)

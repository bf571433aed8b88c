"""The numbers of a DQN, their ranges and what follows from them."""

import pytest

from whetstone_lab.reinforcement.settings import Settings


def test_random_actions_become_few_along_a_line_and_then_stay_so():
    settings = Settings(epsilon=0.1, exploring=0.5)
    assert [settings.epsilon_at(step, 100) for step in (0, 25, 50, 51, 100)] == pytest.approx([1, 0.55, 0.1, 0.1, 0.1])


@pytest.mark.parametrize(("steps", "warmup", "every"), [(100, 10, 8), (100, 10, 10), (99, 99, 7), (100, 1, 1),
                                                        (100, 100, 64), (100, 101, 64), (64, 64, 64), (63, 50, 64)])
def test_updates_are_counted_as_they_come(steps, warmup, every):
    counted = sum(3 for step in range(1, steps + 1) if (step % every == 0 or step == steps) and step >= warmup)
    assert Settings(warmup=warmup, every=every, updates=3).updates_in(steps) == counted


@pytest.mark.parametrize("wrong", [
    {"batch_size": 0}, {"memory": 1.5}, {"ahead": 0}, {"every": True}, {"epochs": -1}, {"discount": 1.1},
    {"discount": float("nan")},
    {"epsilon": -0.1}, {"exploring": 0}, {"reward_scale": 0}, {"epsilon": "few"}])
def test_a_number_out_of_its_range_is_refused(wrong):
    [name] = wrong
    with pytest.raises(ValueError, match=f"Expected {name} to be"):
        Settings(**wrong)

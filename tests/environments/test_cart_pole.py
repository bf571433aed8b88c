"""The pole: what Gymnasium's does, step for step, and what is plain to see of it."""

import numpy as np
import pytest

from whetstone_lab.environments.cart_pole import LEAN, CartPole
from whetstone_lab.environments.interface import Environment


def test_it_does_what_gymnasiums_pole_does_until_the_end_and_from_the_same_seeds():
    gymnasium = pytest.importorskip("gymnasium")
    theirs, ours = gymnasium.make("CartPole-v1"), CartPole()
    rng, cut, fallen = np.random.default_rng(0), 0, 0
    for number in range(30):
        seed = None if number % 3 else number  # without one, each goes on drawing
        (seen, _), (mine, _) = theirs.reset(seed=seed), ours.reset(seed=seed)
        over = False
        while not over:
            np.testing.assert_array_equal(mine, seen)
            assert mine.dtype == seen.dtype
            # Some are pushed at random and fall, others are balanced until they are cut off.
            action = int(seen[2] + 0.3 * seen[3] + 0.05 * seen[0] + 0.1 * seen[1] > 0) if number % 2 else int(
                rng.integers(2))
            (seen, *rest, _), (mine, *own, _) = theirs.step(action), ours.step(action)
            assert own == rest
            over = rest[1] or rest[2]
            cut, fallen = cut + rest[2], fallen + rest[1]
    assert cut
    assert fallen


def test_it_tells_the_same_spaces_as_gymnasiums():
    gymnasium = pytest.importorskip("gymnasium")
    ours, theirs = Environment(CartPole()), Environment(gymnasium.make("CartPole-v1"))
    assert (ours.actions, ours.shape, ours.dtype) == (theirs.actions, theirs.shape, theirs.dtype)
    np.testing.assert_array_equal(ours.bounds, theirs.bounds)


def test_a_pole_that_is_left_alone_falls_to_the_side_to_which_it_leans():
    for side in (-1, 1):
        env = CartPole(limit=None)
        env.reset(seed=0)
        env.state = np.array([0, 0, side * 0.1, 0])
        over, number = False, 0
        while not over:
            number += 1
            observation, _, over, _, _ = env.step(number % 2)  # as often to the left as to the right
        assert side * observation[2] > LEAN


def test_an_episode_is_cut_off_at_its_limit_and_not_without_one():
    def steps(env, most):
        env.reset(seed=0)
        for number in range(1, most + 1):
            env.state = np.zeros(4)  # held upright
            *_, terminated, truncated, _ = env.step(0)
            assert not terminated
            if truncated:
                return number
        return None

    assert steps(CartPole(limit=7), 20) == 7
    assert steps(CartPole(limit=None), 600) is None


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="limit to be at least 1"):
        CartPole(limit=0)
    env = CartPole()
    with pytest.raises(ValueError, match="reset to be called"):
        env.step(0)
    env.reset(seed=0)
    with pytest.raises(ValueError, match="action 0, a push to the left, or 1"):
        env.step(2)

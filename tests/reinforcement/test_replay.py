"""The replay buffer: what it keeps, what it draws, and how often."""

import numpy as np
import pytest

from whetstone_lab.reinforcement.replay import ReplayBuffer


def filled(capacity, count, dtype=np.float32, **kwargs):
    buffer = ReplayBuffer(capacity, (2,), dtype, **kwargs)
    for number in range(count):
        buffer.add([number, -number], number % 3, number / 2, [number + 1, 0], terminated=number % 5 == 4)
    return buffer


@pytest.mark.parametrize("count", [1, 6, 7, 8, 23])
def test_it_keeps_the_latest(count):
    buffer = filled(7, count)
    drawn = buffer.sample(500)
    assert len(buffer) == min(count, 7)
    assert set(drawn.observations[:, 0]) == set(range(max(count - 7, 0), count))


def test_what_belongs_together_stays_together():
    drawn = filled(10, 25).sample(200)
    number = drawn.observations[:, 0]
    np.testing.assert_array_equal(drawn.observations[:, 1], -number)
    np.testing.assert_array_equal(drawn.actions, number % 3)
    np.testing.assert_array_equal(drawn.rewards, number / 2)
    np.testing.assert_array_equal(drawn.following[:, 0], number + 1)
    np.testing.assert_array_equal(drawn.discounts, number % 5 != 4)
    assert [part.dtype for part in drawn] == [np.float32, np.int32, np.float32, np.float32, np.float32]


def test_each_is_as_likely_as_any_other():
    counts = np.bincount(filled(10, 10).sample(20_000).observations[:, 0].astype(int))
    assert abs(counts / 20_000 - 0.1).max() < 0.01  # five standard deviations


def test_the_same_generator_draws_the_same():
    one, other = (filled(10, 10, rng=np.random.default_rng(4)).sample(30) for _ in range(2))
    np.testing.assert_array_equal(one.observations, other.observations)


def lookahead(steps, ahead, **ends):
    """What is kept of an episode with the rewards 1, 10, 100, ..., by what was seen."""
    buffer = ReplayBuffer(100, (1,), ahead=ahead, discount=0.5)
    for number in range(steps):
        last = number == steps - 1
        buffer.add([number], number, 10.0**number, [number + 1], **{"terminated": False,
                                                                    **(ends if last else {})})
    drawn = buffer.sample(400)
    return {int(seen): (action, reward, int(following), discount) for seen, action, reward, following, discount in zip(
        drawn.observations[:, 0], drawn.actions, drawn.rewards, drawn.following[:, 0], drawn.discounts, strict=True)}


def test_it_looks_ahead_and_counts_later_rewards_less():
    assert lookahead(4, 1) == {0: (0, 1, 1, 0.5), 1: (1, 10, 2, 0.5), 2: (2, 100, 3, 0.5), 3: (3, 1000, 4, 0.5)}
    assert lookahead(4, 3) == {0: (0, 1 + 5 + 25, 3, 0.125), 1: (1, 10 + 50 + 250, 4, 0.125)}


def test_it_looks_no_further_than_the_end_and_what_was_cut_off_could_have_gone_on():
    own = {0: (0, 31, 3, 0), 1: (1, 60, 3, 0), 2: (2, 100, 3, 0)}
    assert lookahead(3, 3, terminated=True) == lookahead(3, 9, terminated=True) == own
    cut = {0: (0, 31, 3, 0.125), 1: (1, 60, 3, 0.25), 2: (2, 100, 3, 0.5)}
    assert lookahead(3, 3, truncated=True) == lookahead(3, 9, truncated=True) == cut
    assert lookahead(3, 3, terminated=True, truncated=True) == own


def test_an_episode_that_is_left_does_not_run_into_the_next():
    buffer = ReplayBuffer(100, (1,), ahead=3)
    buffer.add([0], 0, 1.0, [1], terminated=False)
    buffer.end_episode()
    buffer.add([7], 1, 5.0, [8], terminated=True)
    drawn = buffer.sample(50)
    assert {*zip(drawn.observations[:, 0], drawn.rewards, drawn.following[:, 0], strict=True)} == {(0, 1, 1), (7, 5, 8)}


def test_pixels_take_a_byte_and_are_drawn_as_numbers():
    buffer = filled(4, 4, np.int8)
    assert buffer._observations.nbytes == 8
    assert buffer.sample(3).observations.dtype == np.float32


def test_it_is_not_empty_and_holds_something():
    with pytest.raises(ValueError, match="the buffer is empty"):
        ReplayBuffer(3, (2,)).sample(1)
    with pytest.raises(ValueError, match="capacity of at least 1; got 0"):
        ReplayBuffer(0, (2,))
    with pytest.raises(ValueError, match="ahead of at least 1; got 0"):
        ReplayBuffer(3, (2,), ahead=0)

"""Episodes that a network plays: it does what it values most, and each can be played again."""

import numpy as np
import pytest
from worlds import Corridor

import whetstone_lab as wl
from whetstone_lab.environments.playing import play
from whetstone_lab.simulator import Network, operations


def heads_for(direction, cells=5):
    """A network that values going left or right alike in every cell."""
    return Network((cells,), [operations.Dense(np.tile(np.eye(2)[direction], (cells, 1)).astype(np.float32))])


def test_it_does_what_the_network_values_most():
    for direction, end in ((1, 1.0), (0, 0.1)):
        episodes = play(heads_for(direction), Corridor(), episodes=8)
        assert {episode.total for episode in episodes} == {end}
        assert all((episode.actions == direction).all() and episode.terminated for episode in episodes)


def test_an_episode_keeps_what_was_seen_before_each_action():
    episode = play(heads_for(1), Corridor(), episodes=1, seed=4)[0]
    cells = episode.observations.argmax(-1)
    np.testing.assert_array_equal(cells, np.arange(cells[0], 4))
    assert len(episode) == len(cells) == len(episode.rewards)
    assert wl.run(heads_for(1), episode.observations).classes.tolist() == episode.actions.tolist()


def test_each_episode_has_a_seed_of_its_own():
    episodes = play(heads_for(1, 12), Corridor(cells=12), episodes=6, seed=10)
    again = play(heads_for(1, 12), Corridor(cells=12), episodes=1, seed=13)[0]
    np.testing.assert_array_equal(again.observations, episodes[3].observations)
    assert len({len(episode) for episode in episodes}) > 1


def test_an_episode_without_an_end_is_cut_off():
    env = Corridor(limit=10**9)
    env.step = lambda action: (env.seen(), 1.0, False, False, {})
    episode = play(heads_for(1), env, episodes=1, limit=7)[0]
    assert (episode.total, episode.terminated) == (7.0, False)


@pytest.mark.parametrize(("network", "words"), [
    (heads_for(1, cells=4), r"one input of shape \(5,\).*got {'input': \(4,\)}"),
    (Network((5,), [operations.Dense(np.zeros((5, 3)))]), "one value for each of the 2 actions"),
    (Network((5,), [operations.Dense(np.zeros((5, 2)))], readout="values"), "got an output read as 'values'.*linear"),
])
def test_a_network_that_does_not_fit_is_refused(network, words):
    with pytest.raises(ValueError, match=words):
        play(network, Corridor())


@pytest.mark.parametrize("wrong", [{"episodes": 0}, {"episodes": True}, {"limit": 0}])
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=r"to be an integer of at least 1; got"):
        play(heads_for(1), Corridor(), **wrong)

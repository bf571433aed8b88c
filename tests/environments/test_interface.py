"""What is taken for an environment, and what is refused, with the remedy."""

from types import SimpleNamespace

import numpy as np
import pytest
from worlds import Corridor

from whetstone_lab.environments.interface import Environment


def corridor(**changes):
    env = Corridor()
    vars(env).update(changes)
    return env


def test_an_environment_tells_its_actions_and_observations():
    world = Environment(Corridor(cells=7))
    assert (world.name, world.actions, world.shape, world.dtype) == ("Corridor", 2, (7,), np.float32)
    assert world.reset(seed=1).sum() == 1


def test_actions_are_counted_from_0_wherever_the_space_starts():
    done = []
    env = corridor(action_space=SimpleNamespace(n=3, start=-1),
                   step=lambda action: (done.append(action), (np.zeros(5), 0, False, True, {}))[1])
    world = Environment(env)
    assert [world.step(action).over for action in range(world.actions)] == [True] * 3
    assert done == [-1, 0, 1]


@pytest.mark.parametrize(("given", "kept"), [(bool, bool), (np.uint8, np.uint8), (np.float64, np.float32),
                                             (np.int64, np.float32), (np.float32, np.float32)])
def test_observations_are_kept_in_one_byte_where_they_have_one(given, kept):
    env = corridor(observation_space=SimpleNamespace(shape=(2, 2), dtype=given),
                   reset=lambda seed=None: (np.eye(2, dtype=given), {}))
    seen = Environment(env).reset()
    assert seen.dtype == kept
    np.testing.assert_array_equal(seen, np.eye(2))


def test_the_bounds_are_those_of_the_space_where_it_has_any():
    last = np.finfo(np.float32).max
    space = SimpleNamespace(shape=(3,), dtype=np.float32, low=np.array([-4.8, -np.inf, -last], np.float32),
                            high=np.array([4.8, np.inf, last], np.float32))
    low, high = Environment(corridor(observation_space=space)).bounds
    np.testing.assert_allclose([low, high], [[-4.8, -np.inf, -np.inf], [4.8, np.inf, np.inf]])
    low, high = Environment(Corridor()).bounds  # whose space has none
    assert (low.tolist(), high.tolist()) == ([-np.inf] * 5, [np.inf] * 5)


def test_an_observation_stays_when_the_environment_writes_into_its_own():
    shared = np.zeros(5, np.float32)
    world = Environment(corridor(reset=lambda seed=None: (shared, {})))
    seen = world.reset()
    shared[:] = 1
    assert not seen.any()


class Box(SimpleNamespace):
    def __repr__(self):
        return f"Box(-2.0, 2.0, {self.shape}, float32)"


CONTINUOUS = Box(shape=(1,), dtype=np.dtype("float32"), low=-2, high=2)


@pytest.mark.parametrize(("changes", "error", "words"), [
    ({"action_space": CONTINUOUS}, ValueError,
     r"environment Corridor to have actions that can be numbered.*got Box\(-2.0, 2.0, \(1,\), float32\), whose actions "
     r"are continuous. Choose some of its actions.*TransformAction"),
    ({"action_space": SimpleNamespace(n=4, shape=(4,), dtype=np.int8)}, ValueError, "can be numbered"),  # MultiBinary
    ({"action_space": SimpleNamespace(nvec=[2, 3], shape=(2,), dtype=np.int64)}, ValueError, "can be numbered"),
    ({"action_space": SimpleNamespace(n=1)}, ValueError, "at least 2 actions to choose from; got 1"),
    ({"num_envs": 4}, ValueError, "Expected one environment.*got Corridor, which is a vector of 4. Give one of them"),
    ({"reset": lambda: np.zeros(5)}, TypeError, r"to take a seed, reset\(seed=0\).*got reset\(\).*shimmy"),
    ({"observation_space": SimpleNamespace(n=16, shape=(), dtype=np.int64)}, ValueError, "FlattenObservation"),
    ({"observation_space": SimpleNamespace(spaces={}, shape=None, dtype=None)}, ValueError, "FlattenObservation"),
])
def test_spaces_in_which_a_network_cannot_act_are_refused(changes, error, words):
    with pytest.raises(error, match=words):
        Environment(corridor(**changes))


def test_what_is_no_environment_is_refused():
    with pytest.raises(TypeError, match="which has no reset, step, action_space, observation_space"):
        Environment("CartPole-v1")


@pytest.mark.parametrize(("answer", "words"), [
    (np.zeros(5), r"reset of environment Corridor to give \(observation, info\).*got a ndarray.*shimmy"),
    ((np.zeros(4), {}), r"observations of shape \(5,\).*reset gave shape \(4,\)"),
    ((np.array([0, 0, np.nan, 0, np.inf]), {}), "after reset, 2 of 5 values are NaN or infinite"),
    ((np.full(5, 1e300), {}), "after reset, 5 of 5 values are NaN or infinite"),  # as float32
    (({"place": 1.0}, {}), "arrays of numbers.*reset gave a dict: {'place': 1.0}"),
    (([[0, 1, 2], [3, 4]], {}), "arrays of numbers.*reset gave a list"),
    ((None, {}), r"reset gave shape \(\)|reset gave a NoneType"),
])
def test_what_reset_gives_is_checked(answer, words):
    with pytest.raises(ValueError, match=words):
        Environment(corridor(reset=lambda seed=None: answer)).reset()


@pytest.mark.parametrize(("answer", "words"), [
    ((np.zeros(5), 0.0, False, {}), "gives? .*terminated, truncated, info.*got 4 values"),
    ((np.zeros((5, 1)), 0.0, False, False, {}), r"action 1 gave shape \(5, 1\)"),
    ((np.full(5, np.nan), 0.0, False, False, {}), "after action 1, 5 of 5 values are NaN"),
    ((np.zeros(5), np.nan, False, False, {}), "finite reward from environment Corridor; action 1 gave nan"),
    ((np.zeros(5), np.zeros(2), False, False, {}), "finite reward"),
    ((np.zeros(5), None, False, False, {}), "finite reward from environment Corridor; action 1 gave None"),
    ((np.zeros(5), "1", False, False, {}), "finite reward"),
    ((np.zeros(5), 1j, False, False, {}), "finite reward"),
    ((np.zeros(5), 0.0, np.zeros(3, bool), False, {}), "with True or False whether.*action 1 gave array"),
    ((np.zeros(5), 0.0, False, None, {}), "with True or False whether.*action 1 gave False and None"),
])
def test_what_a_step_gives_is_checked(answer, words):
    with pytest.raises(ValueError, match=words):
        Environment(corridor(step=lambda action: answer)).step(1)


@pytest.mark.parametrize(("kept", "given"), [(np.uint8, np.array([0.5, 0.2])), (np.uint8, np.array([300, 1])),
                                             (np.uint8, np.array([np.nan, 1])), (bool, np.array([2, 0])),
                                             (np.int8, np.array([200, 0], np.uint8))])
def test_numbers_that_a_byte_of_that_type_does_not_hold_are_refused_and_not_cut_off(kept, given):
    env = corridor(observation_space=SimpleNamespace(shape=(2,), dtype=kept), reset=lambda seed=None: (given, {}))
    with pytest.raises(ValueError, match=f"observations of type {np.dtype(kept)}.*values that this type has not"):
        Environment(env).reset()


def test_numbers_of_another_type_are_taken_where_nothing_is_lost():
    env = corridor(observation_space=SimpleNamespace(shape=(2,), dtype=np.uint8),
                   reset=lambda seed=None: (np.array([255.0, 0.0]), {}))
    assert Environment(env).reset().tolist() == [255, 0]


def test_rewards_and_ends_may_be_numpys():
    env = corridor(step=lambda action: (np.zeros(5), np.array([2], np.int64), np.bool_(True), np.array(False), {}))
    outcome = Environment(env).step(0)
    assert (outcome.reward, outcome.terminated, outcome.truncated) == (2.0, True, False)


def test_environments_of_gymnasium_are_taken_as_they_are_and_its_remedies_work():
    gymnasium = pytest.importorskip("gymnasium")
    world = Environment(gymnasium.make("CartPole-v1"))
    assert (world.name, world.actions, world.shape, world.dtype) == ("CartPole-v1", 2, (4,), np.float32)
    first = world.reset(seed=3)
    np.testing.assert_array_equal(first, world.reset(seed=3))
    assert world.step(1).reward == 1
    pendulum, levels = gymnasium.make("Pendulum-v1"), [[-2.0], [0.0], [2.0]]
    with pytest.raises(ValueError, match="continuous"):
        Environment(pendulum)
    numbered = Environment(gymnasium.wrappers.TransformAction(
        pendulum, lambda number: levels[number], gymnasium.spaces.Discrete(len(levels))))
    numbered.reset(seed=0)
    assert np.isfinite(numbered.step(2).reward)
    with pytest.raises(ValueError, match="a vector of 2"):
        Environment(gymnasium.make_vec("CartPole-v1", 2))
    lake = gymnasium.make("FrozenLake-v1")
    with pytest.raises(ValueError, match="FlattenObservation"):
        Environment(lake)
    assert Environment(gymnasium.wrappers.FlattenObservation(lake)).reset(seed=0).sum() == 1

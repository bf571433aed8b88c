"""A network that acts: episodes, and the policy that does what the network values most. Plain NumPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from whetstone_lab.environments.interface import Environment
from whetstone_lab.simulator import Network
from whetstone_lab.simulator.plan import plan_of

#: Steps after which an episode is cut off that goes on and on.
LIMIT = 10_000


@dataclass(frozen=True, eq=False)
class Episode:
    """What happened from a reset to the end.

    Attributes:
        observations: What the network saw before each action, shape ``(steps, *shape)``.
        actions: What it did, integers of shape ``(steps,)``.
        rewards: What it earned by it, shape ``(steps,)``.
        terminated: Whether the episode came to its own end and was not cut off.
    """

    observations: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    terminated: bool

    @property
    def total(self) -> float:
        """The sum of the rewards."""
        return float(self.rewards.sum())

    def __len__(self) -> int:
        return len(self.actions)


def play(network: Network, env: Any, episodes: int = 10, seed: int = 0, limit: int = LIMIT) -> list[Episode]:
    """Plays episodes in which a network always does what it values most; the lowest action on a tie.

    To see the spikes of an episode, show the network what it saw: ``whetstone_lab.run(network,
    episode.observations)``.

    Args:
        network: One output, one value for each action.
        env: As for :class:`~whetstone_lab.environments.interface.Environment`.
        episodes: How many, at least 1. Default: 10.
        seed: Of the first episode; each following one has the next number, so that each can be played again by
            itself. Default: 0.
        limit: Steps after which an episode is cut off, at least 1. Default: 10,000.

    Returns:
        The episodes.

    Raises:
        ValueError: The environment is not of a kind in which a network can act, or the network takes or gives
            something else than the environment does.

    Example:
        >>> from types import SimpleNamespace as Space
        >>> from whetstone_lab.simulator import operations
        >>> class Mirror:  # earns by doing what it shows
        ...     action_space, observation_space = Space(n=2), Space(shape=(2,), dtype=np.float32)
        ...     def reset(self, seed=None):
        ...         self.shown = seed % 2
        ...         return np.eye(2)[self.shown], {}
        ...     def step(self, action):
        ...         return np.zeros(2), float(action == self.shown), True, False, {}
        >>> network = Network((2,), [operations.Dense([[1, 0], [0, 2]])])
        >>> [episode.total for episode in play(network, Mirror(), episodes=3)]
        [1.0, 1.0, 1.0]
    """
    world = Environment(env)
    check_fit(network, world)
    for what, number in (("episodes", episodes), ("limit", limit)):
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < 1:
            raise ValueError(f"Expected {what} to be an integer of at least 1; got {number!r}.")
    return [play_one(greedy(network), world, seed + number, limit) for number in range(episodes)]


def greedy(network: Network) -> Callable[[np.ndarray], int]:
    """The policy that does what a network values most: an observation in, an action out.

    Observations are to be those of an ``Environment``, which has checked them: only then is it so quick.
    """
    plan, dtype, (head,) = plan_of(network), network.dtype, network.heads.values()

    def act(observation: np.ndarray) -> int:
        (values,) = plan.compute([observation[None].astype(dtype)], 1)
        return int(head.decide(head.score(values, 1))[0])

    return act


def play_one(policy: Callable[[np.ndarray], int], world: Environment, seed: int | None = None,
             limit: int = LIMIT) -> Episode:
    """Plays one episode by a policy; arguments as for :func:`play`."""
    observations, actions, rewards = [world.reset(seed)], [], []
    while True:
        actions.append(policy(observations[-1]))
        outcome = world.step(actions[-1])
        rewards.append(outcome.reward)
        if outcome.over or len(actions) >= limit:
            return Episode(np.stack(observations), np.array(actions), np.array(rewards), outcome.terminated)
        observations.append(outcome.observation)


def check_fit(network: Network, world: Environment) -> None:
    """Refuses a network that does not see what the environment shows, or has not one value for each action."""
    if len(network.inputs) != 1 or network.input_shape != world.shape:
        raise ValueError(f"Expected a network with one input of shape {world.shape}, as the observations of "
                         f"environment {world.name} have; got {dict(network.inputs)}.")
    heads = list(network.heads.values())
    if len(heads) != 1 or not heads[0].decides or heads[0].places or heads[0].columns != world.actions:
        got = ", ".join(f"{head.kind!r} of shape {head.shape}" for head in heads)
        raise ValueError(f"Expected a network with one value for each of the {world.actions} actions of environment "
                         f"{world.name}, of which the largest wins; got an output read as {got}. Convert a Q network "
                         "with readout=\"linear\".")

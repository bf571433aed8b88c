"""``Environment``: one of Gymnasium's interface, of which every answer is checked.

Gymnasium itself is not needed: anything with ``reset``, ``step``, ``action_space`` and ``observation_space`` will do.
What a network that chooses among actions cannot act in is refused with the remedy, before anything is trained.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np

_INTERFACE = ("reset", "step", "action_space", "observation_space")
_OLD = "Old Gym environments need gymnasium.make(\"GymV21Environment-v0\", env=env) of the package shimmy."


@dataclass(frozen=True)
class Outcome:
    """What an action has led to.

    Attributes:
        observation: What is seen after it, of the environment's shape and type.
        reward: What it earned.
        terminated: Whether the episode has come to its own end, so that nothing more can be earned.
        truncated: Whether it was cut off, as by a limit of time, though it could have gone on.
    """

    observation: np.ndarray
    reward: float
    terminated: bool
    truncated: bool

    @property
    def over(self) -> bool:
        """Whether the next thing to do is to reset."""
        return self.terminated or self.truncated


class Environment:
    """An environment with some actions to choose from and observations of one shape.

    Args:
        env: It has the methods and spaces of ``gymnasium.Env``: ``reset(seed=...)`` gives an observation and a dict;
            ``step(action)`` gives an observation, a reward, whether the episode has terminated, whether it was
            truncated, and a dict. Its ``action_space`` is ``Discrete``, its ``observation_space`` has a ``shape``.

    Attributes:
        env: The environment itself.
        name: What messages call it.
        actions: How many actions there are, at least 2. They are counted from 0 here, wherever its space starts.
        shape: Shape of an observation.
        dtype: Type in which observations are kept: their own if it takes one byte, as that of pixels, else float32.
        bounds: The least and the greatest that each number of an observation can be, by its space, two arrays of its
            shape; infinite where it has no end.

    Raises:
        TypeError: It does not have that interface, or its ``reset`` takes no ``seed``.
        ValueError: It is several in one, its actions are not ``Discrete``, as continuous ones are not, or its
            observations have no one shape.

    Example:
        >>> from types import SimpleNamespace as Space
        >>> class Coin:
        ...     action_space, observation_space = Space(n=2), Space(shape=(1,), dtype=np.float32)
        ...     def reset(self, seed=None):
        ...         return np.zeros(1), {}
        ...     def step(self, action):
        ...         return np.ones(1), float(action), True, False, {}
        >>> env = Environment(Coin())
        >>> env.reset(seed=0), env.step(1).reward
        (array([0.], dtype=float32), 1.0)
    """

    def __init__(self, env: Any) -> None:
        missing = [name for name in _INTERFACE if not hasattr(env, name)]
        if missing:
            raise TypeError(f"Expected an environment of Gymnasium's interface, such as gymnasium.make(\"CartPole-v1\")"
                            f"; got {env!r}, which has no {', '.join(missing)}.")
        self.env = env
        self.name = str(getattr(getattr(env, "spec", None), "id", None) or type(env).__name__)
        copies = getattr(env, "num_envs", None)
        if copies is not None:
            raise ValueError(f"Expected one environment, which takes one action in a step; got {self.name}, which is "
                             f"a vector of {copies}. Give one of them, such as gymnasium.make makes.")
        _check_reset(self.name, env.reset)
        self.actions, self._first = _actions(self.name, env.action_space)
        self.shape, self.dtype = _observations(self.name, env.observation_space)
        self.bounds = _bounds(env.observation_space)

    def reset(self, seed: int | None = None) -> np.ndarray:
        """Begins an episode; returns the first observation.

        Args:
            seed: Of what happens by chance from now on. Default: the environment goes on drawing as it did.

        Raises:
            ValueError: The observation is of another shape than the space says, or not finite, or does not come as
                ``(observation, info)``.
        """
        found = self.env.reset(seed=seed)
        if not isinstance(found, tuple) or len(found) != 2:
            raise ValueError(f"Expected reset of environment {self.name} to give (observation, info), as Gymnasium's "
                             f"do; got a {type(found).__name__}. {_OLD}")
        return self._checked(found[0], "reset")

    def step(self, action: int) -> Outcome:
        """Does an action, counted from 0; returns what comes of it.

        Raises:
            ValueError: The observation is of another shape than the space says, it or the reward is not finite, or the
                five values of Gymnasium's ``step`` do not come.
        """
        found = self.env.step(action + self._first)
        if not isinstance(found, tuple) or len(found) != 5:
            got = f"{len(found)} values" if isinstance(found, tuple) else f"a {type(found).__name__}"
            raise ValueError(f"Expected step of environment {self.name} to give (observation, reward, terminated, "
                             f"truncated, info), as Gymnasium's do; got {got}.")
        observation, reward, *ends, _ = found
        number = np.asarray(reward)
        if number.size != 1 or number.dtype.kind not in "biuf" or not np.isfinite(number).all():
            raise ValueError(f"Expected a finite reward from environment {self.name}; action {action} gave {reward!r}. "
                             "Nothing can be learnt from it: mend the environment.")
        if any(np.size(end) != 1 or np.asarray(end).dtype.kind not in "biu" for end in ends):
            raise ValueError(f"Expected environment {self.name} to say with True or False whether an episode has "
                             f"terminated and whether it was truncated; action {action} gave {ends[0]!r} and "
                             f"{ends[1]!r}.")
        terminated, truncated = map(bool, ends)
        return Outcome(self._checked(observation, f"action {action}"), float(number.item()), terminated, truncated)

    def _checked(self, observation: Any, after: str) -> np.ndarray:
        """An observation as an array of its own, since environments may write into theirs."""
        try:
            given = np.asarray(observation)
            with np.errstate(all="ignore"):  # what the type does not hold is looked for below
                array = given.astype(self.dtype)
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"Expected observations that are arrays of numbers, as the space of environment "
                             f"{self.name} says; {after} gave a {type(observation).__name__}: {observation!r:.80}. "
                             "Correct the environment, or its observation_space.") from None
        if array.shape != self.shape:
            raise ValueError(f"Expected observations of shape {self.shape}, as the space of environment {self.name} "
                             f"says; {after} gave shape {array.shape}. Correct its observation_space.")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            wrong = array.size - int(np.isfinite(array).sum())
            raise ValueError(f"Expected finite observations from environment {self.name}; after {after}, {wrong} of "
                             f"{array.size} values are NaN or infinite. Mend the environment.")
        if self.dtype.itemsize == 1 and given.dtype != self.dtype and not np.array_equal(array, given):
            raise ValueError(f"Expected observations of type {self.dtype}, as the space of environment {self.name} "
                             f"says; after {after} came {given.dtype} with values that this type has not, such as "
                             f"{given[array != given].flat[0]}. Correct its observation_space.")
        return array


def _check_reset(name: str, reset: Any) -> None:
    """Refuses an environment whose chance cannot be seeded, as that of old Gym environments."""
    try:
        parameters = inspect.signature(reset)
    except (TypeError, ValueError):
        return  # it does not tell
    try:
        parameters.bind(seed=0)
    except TypeError:
        raise TypeError(f"Expected reset of environment {name} to take a seed, reset(seed=0), as Gymnasium's do; got "
                        f"reset{parameters}. {_OLD}") from None


def _actions(name: str, space: Any) -> tuple[int, int]:
    """How many actions there are, and the number of the first one."""
    count = getattr(space, "n", None)
    if not isinstance(count, (int, np.integer)) or getattr(space, "shape", None):
        continuous = getattr(space, "dtype", None) is not None and np.dtype(space.dtype).kind == "f"
        remedy = ("Choose some of its actions, levels, and number them: gymnasium.wrappers.TransformAction(env, lambda "
                  "number: levels[number], gymnasium.spaces.Discrete(len(levels))).")
        raise ValueError(f"Expected environment {name} to have actions that can be numbered, a Discrete action_space, "
                         f"since the network gives one value for each action; got {space}"
                         f"{', whose actions are continuous' if continuous else ''}. {remedy}")
    if count < 2:
        raise ValueError(f"Expected environment {name} to have at least 2 actions to choose from; got {count}.")
    return int(count), int(getattr(space, "start", 0))


def _observations(name: str, space: Any) -> tuple[tuple[int, ...], np.dtype]:
    """Shape of an observation, and the type in which it is kept."""
    shape, dtype = getattr(space, "shape", None), getattr(space, "dtype", None)
    if not shape or dtype is None or np.dtype(dtype).kind not in "biuf":
        raise ValueError(f"Expected environment {name} to have observations that are arrays of numbers of one shape; "
                         f"got {space}. Make a row of numbers of them: gymnasium.wrappers.FlattenObservation(env).")
    kept = np.dtype(dtype)
    return tuple(int(length) for length in shape), kept if kept.itemsize == 1 else np.dtype(np.float32)


def _bounds(space: Any) -> tuple[np.ndarray, np.ndarray]:
    """The ends of each number's range. One at the last number that a float32 has is none."""
    ends = (np.broadcast_to(np.asarray(getattr(space, name, default), float), space.shape)
            for name, default in (("low", -np.inf), ("high", np.inf)))
    low, high = (np.where(np.abs(end) < 1e30, end, np.copysign(np.inf, end)) for end in ends)
    return low, high

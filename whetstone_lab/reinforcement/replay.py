"""``ReplayBuffer``: what happened lately, to learn from in an order of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np


class Transitions(NamedTuple):
    """Some of what happened, a row each.

    Attributes:
        observations: What was seen, float32, shape ``(rows, *shape)``.
        actions: What was done, int32, shape ``(rows,)``.
        rewards: What it earned, float32, shape ``(rows,)``.
        following: What was seen after it, float32, shape ``(rows, *shape)``.
        goes_on: 1 where more can be earned after it, 0 where the episode had come to its own end, float32.
    """

    observations: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    following: np.ndarray
    goes_on: np.ndarray


class ReplayBuffer:
    """Keeps the latest transitions; the oldest gives way to the newest.

    Successive transitions are alike. Drawn at random from many, they teach as independent samples do.

    Args:
        capacity: How many it keeps, at least 1.
        shape: Shape of an observation.
        dtype: Type in which observations are kept. Default: float32.
        rng: What draws. Default: a generator seeded with 0.

    Raises:
        ValueError: ``capacity`` is less than 1.

    Source: Lin, "Self-improving reactive agents based on reinforcement learning, planning and teaching", Machine
    Learning 8, 1992.

    Example:
        >>> buffer = ReplayBuffer(2, (1,))
        >>> for number in range(3):
        ...     buffer.add([number], 0, 1.0, [number + 1], terminated=number == 2)
        >>> len(buffer), sorted(set(buffer.sample(20).observations[:, 0].tolist()))
        (2, [1.0, 2.0])
    """

    def __init__(self, capacity: int, shape: Sequence[int], dtype: Any = np.float32,
                 rng: np.random.Generator | None = None) -> None:
        if capacity < 1:
            raise ValueError(f"Expected a capacity of at least 1; got {capacity!r}.")
        self.capacity = int(capacity)
        self._rng = np.random.default_rng(0) if rng is None else rng
        self._added = 0
        # Zeros take no memory before they are written to.
        self._observations, self._following = (np.zeros((self.capacity, *shape), dtype) for _ in range(2))
        self._actions = np.zeros(self.capacity, np.int32)
        self._rewards, self._goes_on = (np.zeros(self.capacity, np.float32) for _ in range(2))

    def __len__(self) -> int:
        return min(self._added, self.capacity)

    def add(self, observation: Any, action: int, reward: float, following: Any, terminated: bool) -> None:
        """Keeps a transition.

        Args:
            observation: What was seen.
            action: What was done.
            reward: What it earned.
            following: What was seen after it.
            terminated: Whether the episode has come to its own end. One that was cut off has not.
        """
        place = self._added % self.capacity
        self._observations[place], self._following[place] = observation, following
        self._actions[place], self._rewards[place], self._goes_on[place] = action, reward, not terminated
        self._added += 1

    def sample(self, rows: int) -> Transitions:
        """Draws some of what it keeps, each as likely as any other; one may come twice.

        Args:
            rows: How many, at least 1.

        Raises:
            ValueError: It keeps nothing yet.
        """
        if not self._added:
            raise ValueError("Expected at least one transition to draw from; the buffer is empty.")
        drawn = self._rng.integers(0, len(self), rows)
        return Transitions(self._observations[drawn].astype(np.float32), self._actions[drawn], self._rewards[drawn],
                           self._following[drawn].astype(np.float32), self._goes_on[drawn])

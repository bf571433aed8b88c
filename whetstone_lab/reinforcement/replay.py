"""``ReplayBuffer``: what happened lately, to learn from in an order of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np


class Transitions(NamedTuple):
    """Some of what happened, a row each.

    Attributes:
        observations: What was seen, float32, shape ``(rows, *shape)``.
        actions: What was done, int32, shape ``(rows,)``.
        rewards: What was earned in the k steps from there on, ``r_1 + d r_2 + ... + d^(k-1) r_k`` with the discount d,
            float32, shape ``(rows,)``.
        following: What was seen after these steps, float32, shape ``(rows, *shape)``.
        discounts: What counts of all that is earned later: ``d^k``, or 0 where the episode had come to its own end,
            float32, shape ``(rows,)``.
    """

    observations: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    following: np.ndarray
    discounts: np.ndarray


class ReplayBuffer:
    """Keeps the latest transitions; the oldest gives way to the newest.

    Successive transitions are alike. Drawn at random from many, they teach as independent samples do.

    A transition looks some steps ahead, or to the end of its episode where that is nearer. What a reward says of the
    actions before it then reaches them sooner, and less rests on values that are not yet right.

    Args:
        capacity: How many it keeps, at least 1.
        shape: Shape of an observation.
        dtype: Type in which observations are kept. Default: float32.
        rng: What draws. Default: a generator seeded with 0.
        ahead: Steps that a transition looks ahead, at least 1. Default: 1.
        discount: What a reward counts a step later, in [0, 1]. Default: 1.

    Raises:
        ValueError: ``capacity`` or ``ahead`` is less than 1.

    Sources: Lin, "Self-improving reactive agents based on reinforcement learning, planning and teaching", Machine
    Learning 8, 1992; Sutton, "Learning to predict by the methods of temporal differences", Machine Learning 3, 1988.

    Example:
        >>> buffer = ReplayBuffer(2, (1,), ahead=2, discount=0.5)
        >>> for number in range(4):
        ...     buffer.add([number], 0, 1.0, [number + 1], terminated=number == 3)
        >>> drawn = buffer.sample(20)
        >>> sorted({*zip(drawn.observations[:, 0].tolist(), drawn.rewards.tolist(), drawn.discounts.tolist())})
        [(2.0, 1.5, 0.0), (3.0, 1.0, 0.0)]
    """

    def __init__(self, capacity: int, shape: Sequence[int], dtype: Any = np.float32,
                 rng: np.random.Generator | None = None, *, ahead: int = 1, discount: float = 1.0) -> None:
        for name, number in (("a capacity", capacity), ("ahead", ahead)):
            if number < 1:
                raise ValueError(f"Expected {name} of at least 1; got {number!r}.")
        self.capacity, self.ahead, self.discount = int(capacity), int(ahead), float(discount)
        self._rng = np.random.default_rng(0) if rng is None else rng
        self._added = 0
        # Zeros take no memory before they are written to.
        self._observations, self._following = (np.zeros((self.capacity, *shape), dtype) for _ in range(2))
        self._actions = np.zeros(self.capacity, np.int32)
        self._rewards, self._discounts = (np.zeros(self.capacity, np.float32) for _ in range(2))
        #: The latest steps of the episode, which do not yet look far enough ahead: observation, action, reward.
        self._open = deque[tuple[Any, int, float]]()
        self._latest: Any = None  # what was seen after them

    def __len__(self) -> int:
        return min(self._added, self.capacity)

    def add(self, observation: Any, action: int, reward: float, following: Any, terminated: bool,
            truncated: bool = False) -> None:
        """Takes note of a step. A transition is kept when the steps that it looks ahead are done.

        Args:
            observation: What was seen.
            action: What was done.
            reward: What it earned.
            following: What was seen after it.
            terminated: Whether the episode has come to its own end, after which nothing can be earned.
            truncated: Whether it was cut off, though more could have been earned. Default: False.
        """
        self._open.append((observation, action, reward))
        self._latest = following
        if terminated or truncated:
            self.end_episode(terminated)
        elif len(self._open) == self.ahead:
            self._keep(False)

    def end_episode(self, terminated: bool = False) -> None:
        """Keeps the last steps of an episode as they are, since no more will come.

        Args:
            terminated: Whether it has come to its own end. Default: False, it was cut off.
        """
        while self._open:
            self._keep(terminated)

    def _keep(self, terminated: bool) -> None:
        """Keeps the transition from the first of the open steps to what was seen after the last."""
        total = 0.0
        for *_, reward in reversed(self._open):
            total = reward + self.discount * total
        place = self._added % self.capacity
        self._discounts[place] = 0.0 if terminated else self.discount ** len(self._open)
        self._observations[place], self._actions[place], _ = self._open.popleft()
        self._rewards[place], self._following[place] = total, self._latest
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
                           self._following[drawn].astype(np.float32), self._discounts[drawn])

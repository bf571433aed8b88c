"""``CartPole``: a pole that stands on a cart, to be balanced by pushing the cart; needs nothing but NumPy."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

#: Metres a second squared, kilograms and metres: half the length of the pole.
GRAVITY, CART, POLE, HALF = 9.8, 1.0, 0.1, 0.5

#: The push in newtons, and the seconds between two actions.
PUSH, SECONDS = 10.0, 0.02

#: The cart may be so many metres from the middle, and the pole so many radians (12 degrees) from upright.
TRACK, LEAN = 2.4, 12 * 2 * np.pi / 360


class CartPole:
    """A pole on a cart. Two actions push the cart to the left (0) or to the right (1); each step earns 1.

    With masses m of the pole and M of both together, the half length l, the angle t from upright (positive to the
    right), its velocity w, and the push F, the accelerations are

        ``w' = (g sin t - u cos t) / (l (4/3 - m cos(t)^2 / M))`` with ``u = (F + m l w^2 sin t) / M``,
        ``v' = u - m l w' cos(t) / M``,

    and each step adds 0.02 seconds of them (Euler's method). The episode ends when the pole leans by more than 12
    degrees or the cart is more than 2.4 metres from the middle. It is cut off after ``limit`` steps.

    It does, step for step, what Gymnasium's ``CartPole-v1`` does, whose interface it has, and begins with a seed as
    that does.

    Args:
        limit: Steps after which an episode is cut off, at least 1; None for never. Default: 500.

    Attributes:
        action_space: Two actions.
        observation_space: Place of the cart in metres, its velocity in metres a second, angle of the pole in radians,
            its velocity in radians a second; float32.
        state: The same four numbers now, float64, shape ``(4,)``. It may be set between two steps.

    Raises:
        ValueError: ``limit`` is below 1.

    Source: A. G. Barto, R. S. Sutton and C. W. Anderson, "Neuronlike adaptive elements that can solve difficult
    learning control problems", IEEE Transactions on Systems, Man, and Cybernetics 13, 1983.

    Example:
        >>> env = CartPole()
        >>> observation, _ = env.reset(seed=0)
        >>> observation, reward, terminated, truncated, _ = env.step(1)
        >>> (reward, terminated, truncated)
        (1.0, False, False)
    """

    def __init__(self, limit: int | None = 500) -> None:
        if limit is not None and limit < 1:
            raise ValueError(f"Expected limit to be at least 1, or None for no limit; got {limit!r}.")
        self.limit = limit
        high = np.array([2 * TRACK, np.inf, 2 * LEAN, np.inf], np.float32)
        self.action_space = SimpleNamespace(n=2, start=0)
        self.observation_space = SimpleNamespace(shape=(4,), dtype=np.float32, low=-high, high=high)
        self._rng = np.random.default_rng()
        self.state: np.ndarray | None = None
        self._steps = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict]:
        """Begins an episode with all four numbers between -0.05 and 0.05; returns the observation and an empty dict.

        Args:
            seed: Of the draw. Default: None, the environment goes on drawing as it did.
            options: Nothing is made of them; they belong to the interface.
        """
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        self.state, self._steps = self._rng.uniform(-0.05, 0.05, 4), 0
        return self.state.astype(np.float32), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict]:
        """Pushes the cart; returns observation, reward, whether it has come to its end, whether it is cut off, a dict.

        Args:
            action: 0 pushes to the left, 1 to the right.

        Raises:
            ValueError: There is no such action, or the episode has not begun.
        """
        if action not in (0, 1):
            raise ValueError(f"Expected action 0, a push to the left, or 1, to the right; got {action!r}.")
        if self.state is None:
            raise ValueError("Expected reset to be called before the first step.")
        _, velocity, angle, turning = self.state
        mass, arm = CART + POLE, POLE * HALF
        drive = ((PUSH if action else -PUSH) + arm * turning**2 * np.sin(angle)) / mass
        spin = (GRAVITY * np.sin(angle) - np.cos(angle) * drive) / (HALF * (4 / 3 - POLE * np.cos(angle)**2 / mass))
        push = drive - arm * spin * np.cos(angle) / mass
        self.state = self.state + SECONDS * np.array([velocity, push, turning, spin])
        self._steps += 1
        terminated = bool(abs(self.state[0]) > TRACK or abs(self.state[2]) > LEAN)
        truncated = self.limit is not None and self._steps >= self.limit
        return self.state.astype(np.float32), 1.0, terminated, truncated, {}

"""Environments of Gymnasium's interface, without it: small ones in which the best policy is known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np


class Corridor:
    """Cells in a row, a one-hot observation. The right end earns 1, the left end a tenth of it; both end the episode.

    It begins in one of the inner cells. With a discount of 0.9 it is best to go right from each of them, and doing so
    is worth ``0.9 ** (cells - 2 - cell)`` in a cell counted from 0.
    """

    action_space = SimpleNamespace(n=2, start=0)

    def __init__(self, cells=5, limit=20):
        self.cells, self.limit = cells, limit
        self.observation_space = SimpleNamespace(shape=(cells,), dtype=np.float32)
        self.rng = np.random.default_rng(0)
        self.cell = self.steps = self.resets = 0

    def seen(self):
        return np.eye(self.cells, dtype=np.float32)[self.cell]

    def reset(self, *, seed=None, options=None):
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        self.cell, self.steps = int(self.rng.integers(1, self.cells - 1)), 0
        self.resets += 1
        return self.seen(), {}

    def step(self, action):
        self.cell += 1 if action else -1
        self.steps += 1
        reward = {0: 0.1, self.cells - 1: 1.0}.get(self.cell, 0.0)
        return self.seen(), reward, reward > 0, self.steps >= self.limit, {}

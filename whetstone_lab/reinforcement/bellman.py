"""``BellmanError``: two Q networks and Bellman's equation as one Keras model, which any backend trains in one step."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from whetstone_lab.reinforcement.replay import Transitions


class BellmanError(keras.Model):
    """How far a Q network is from Bellman's equation.

    For a transition from observation s by action a to s', some steps later, which earned R on the way, its output is

        ``R + discount * Q'(s')[argmax Q(s')] - Q(s)[a]``,

    where Q is the network that learns and Q' the target, an older copy. The older one says what an action is worth and
    the newer one which is the best, so that what is overrated by chance is not also chosen for it (double Q-learning).
    The gradient goes through ``Q(s)[a]`` alone. Trained towards 0, Q learns the sum of all rewards to come, each
    discounted by how far off it is.

    Args:
        online: The network that learns, one value for each action.
        target: An older copy; it is not trained.

    Sources: Mnih et al., "Human-level control through deep reinforcement learning", Nature 518, 2015; van Hasselt,
    Guez and Silver, "Deep reinforcement learning with double Q-learning", AAAI 2016.
    """

    def __init__(self, online: keras.Model, target: keras.Model) -> None:
        super().__init__()
        target.trainable = False
        self.online, self.target = online, target

    def call(self, transitions: Any, training: bool | None = None) -> Any:
        """The errors of some :class:`~whetstone_lab.reinforcement.replay.Transitions`, shape ``(rows,)``."""
        seen = Transitions(*transitions)
        values = self.online(seen.observations, training=training)
        ahead = self.target(seen.following, training=False)
        best = ops.argmax(self.online(seen.following, training=False), axis=-1)
        worth = seen.rewards + seen.discounts * _of(ahead, best)
        return ops.stop_gradient(worth) - _of(values, seen.actions)


def _of(values: Any, actions: Any) -> Any:
    """The value of one action in each row."""
    return ops.sum(values * ops.one_hot(actions, values.shape[-1], dtype=values.dtype), axis=-1)

"""``Settings``: the numbers of a DQN."""

from __future__ import annotations

import numbers
from dataclasses import dataclass, fields
from typing import Any

_POSITIVE = ("reward_scale", "exploring")


@dataclass(frozen=True)
class Settings:
    """How a DQN learns. The defaults balance Gymnasium's pole; a richer world wants more steps and more memory.

    Args:
        discount: What a reward counts that comes a step later, in [0, 1]. Default: 0.99.
        ahead: Steps of which the rewards are added up before the network's own values count, at least 1. With 1, as in
            the first DQN, one training in two ends with a pole that falls. Default: 3.
        reward_scale: What rewards are multiplied by to learn from them, in (0, 1]; it should bring what an episode
            earns, discounted, to about 1. Default: 0.01, for a reward of 1 in every step.
        batch_size: Transitions of which an update learns, at least 1. Default: 256.
        memory: Transitions that are kept to learn from, at least 1. Default: 50,000.
        warmup: Steps at random before the first update, at least 1. Default: 1,000.
        every: Steps between two rounds of updates, at least 1; in between the policy stays as it is. Default: 64.
        updates: Updates in a round, at least 1. Default: 8.
        target_every: Updates after which the target network is copied anew, at least 1. Default: 50.
        epsilon: Share of random actions that remains, in [0, 1]. Default: 0.05.
        exploring: Share of the training, in (0, 1], in which they become so few, along a line from 1. Default: 0.2.
        epochs: Parts into which the updates are divided, for the sharpener and the trace, at least 1. Default: 20.
        judged_by: Episodes that judge the network after each epoch, at least 1. Default: 10.

    Raises:
        ValueError: One of them is out of its range.
    """

    discount: float = 0.99
    ahead: int = 3
    reward_scale: float = 0.01
    batch_size: int = 256
    memory: int = 50_000
    warmup: int = 1_000
    every: int = 64
    updates: int = 8
    target_every: int = 50
    epsilon: float = 0.05
    exploring: float = 0.2
    epochs: int = 20
    judged_by: int = 10

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type == "int":
                check_count(field.name, value)
            elif not isinstance(value, numbers.Real) or not 0 <= float(value) <= 1 or (
                    value == 0 and field.name in _POSITIVE):
                raise ValueError(f"Expected {field.name} to be a number in {'(' if field.name in _POSITIVE else '['}"
                                 f"0, 1]; got {value!r}.")

    def epsilon_at(self, step: int, steps: int) -> float:
        """Share of random actions at a step of so many: 1 at first, ``epsilon`` once ``exploring`` of them is over."""
        return max(1 - (1 - self.epsilon) * step / (self.exploring * steps), self.epsilon)

    def updates_in(self, steps: int) -> int:
        """How many updates there are in so many steps; 0 where the warm-up leaves none."""
        rounds = -(-steps // self.every) - -(-self.warmup // self.every) + 1 if steps >= self.warmup else 0
        return self.updates * rounds


def check_count(name: str, value: Any) -> None:
    """Raises a ``ValueError`` unless a value is an integer of at least 1."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise ValueError(f"Expected {name} to be an integer of at least 1; got {value!r}.")

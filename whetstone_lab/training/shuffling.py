"""``Shuffled``: what is trained on, in an order that depends on a seed and on the epoch, and on nothing else."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


class Shuffled(keras.utils.PyDataset):
    """Inputs and targets in batches, in another order in each epoch.

    Keras shuffles by the chance of the whole process, so that what else is drawn there changes the order, and a
    training that goes on in another process cannot find it again. Here epoch e, counted from 0, takes the rows in the
    order ``np.random.default_rng([seed, e]).permutation(samples)``. Two trainings in one process do not disturb each
    other, and one that goes on after an epoch goes on in the same order as if it had never stopped.

    Give it to ``fit`` in place of inputs and targets, with ``shuffle=False``: else Keras shuffles the batches as well.

    Args:
        x: Inputs, shape ``(samples, ...)``.
        y: Targets, shape ``(samples, ...)``.
        batch_size: Samples in a batch; the last one of an epoch may have fewer. Default: 32, as in ``fit``.
        seed: Where chance begins, at least 0. Default: 0.
        epoch: The epoch with which the training begins. Default: 0, the first.

    Raises:
        ValueError: There are not as many targets as inputs, or none; a batch has no samples; a number is negative.

    Example:
        >>> x, y = np.arange(6.0), np.arange(6)
        >>> [targets.tolist() for _, targets in Shuffled(x, y, batch_size=4, seed=1)]
        [[4, 0, 2, 1], [5, 3]]
    """

    def __init__(self, x: Any, y: Any, batch_size: int = 32, *, seed: int = 0, epoch: int = 0) -> None:
        super().__init__(workers=0)
        self.x, self.y = np.asarray(x), np.asarray(y)
        if len(self.x) != len(self.y) or not len(self.x):
            raise ValueError(f"Expected a target for each input, of at least one; got {len(self.x)} inputs and "
                             f"{len(self.y)} targets.")
        if batch_size < 1 or seed < 0 or epoch < 0:
            raise ValueError("Expected a batch_size of at least 1, and a seed and an epoch of at least 0; got "
                             f"{batch_size}, {seed} and {epoch}.")
        self.batch_size, self.seed = batch_size, seed
        self._next = epoch
        self._order = self._of(epoch)

    def __len__(self) -> int:
        return -(-len(self.x) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self._order[index * self.batch_size:(index + 1) * self.batch_size]
        return self.x[rows], self.y[rows]

    def on_epoch_begin(self) -> None:
        """Takes the order of the epoch that begins."""
        self._order = self._of(self._next)
        self._next += 1

    def _of(self, epoch: int) -> np.ndarray:
        return np.random.default_rng([self.seed, epoch]).permutation(len(self.x))

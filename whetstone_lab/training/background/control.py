"""``Control``: lets a run take its commands where Keras stands between two batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from whetstone_lab.training.background.pacing import Pacing


class Control(keras.callbacks.Callback):
    """Counts what was trained, and calls back between two batches.

    It comes last among the callbacks: a pause then shows the batch that led to it.

    Args:
        pacing: What counts.
        between_batches: What carries commands out, and returns when training is to go on.
    """

    def __init__(self, pacing: Pacing, between_batches: Callable[[], None]) -> None:
        super().__init__()
        self.pacing, self.between_batches = pacing, between_batches
        self._seen = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Counts batches from 0."""
        self._seen = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Counts the batches since the last call: with several steps an execution they are more than one."""
        self.pacing.trained("batch", batch + 1 - self._seen)
        self._seen = batch + 1
        self.between_batches()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Counts an epoch."""
        self.pacing.trained("epoch")
        self.between_batches()

"""What goes along with a run of the laboratory: what spikes would do now, and a ReLU network beside it.

This module loads Keras.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from whetstone_lab.conversion.convert import convert
from whetstone_lab.conversion.refusals import ConversionError
from whetstone_lab.datasets.dataset import Dataset
from whetstone_lab.laboratory.snapshots import Snapshots
from whetstone_lab.simulator.runner import evaluate
from whetstone_lab.training.shuffling import Shuffled

#: Pictures to test the spiking network on after each epoch, at the most.
_TESTED = 1000


class Companion(keras.callbacks.Callback):
    """Tells after each epoch how well the network would do if every neuron spiked, and trains a ReLU network beside it.

    What it finds goes into Keras's logs as ``spiking_accuracy`` and ``relu_accuracy``, so list it before the sharpener.
    It draws no random number.

    Args:
        data: What is trained and tested on.
        snapshots: Where the spiking network of each epoch is noted.
        baseline: The ReLU network, compiled; None trains none. It learns from the same batches.
        pictures: What the training takes, as batches.
        epochs: How many epochs were trained before the present one; Keras counts from 0 in each ``fit``.
    """

    def __init__(self, data: Dataset, snapshots: Snapshots, baseline: keras.Model | None,
                 pictures: Sequence[tuple[np.ndarray, np.ndarray]] | Shuffled, epochs: Callable[[], int]) -> None:
        super().__init__()
        self.data, self.snapshots, self.baseline, self.pictures = data, snapshots, baseline, pictures
        self._epochs = epochs

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Trains the ReLU network on the same pictures."""
        if self.baseline is not None:
            self.baseline.train_on_batch(*self.pictures[batch])

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Tests both, and notes the network."""
        logs = {} if logs is None else logs
        x, y = self.data.x_test, self.data.y_test
        try:
            network = convert(self.model, require_sharp=False)
        except ConversionError:  # weights that are no numbers any more, which the sharpener warns of
            network = None
        if network is not None:
            logs["spiking_accuracy"] = float(evaluate(network, x[:_TESTED], y[:_TESTED])["accuracy"])
            self.snapshots.add(self._epochs() + 1, network)
        if self.baseline is not None:
            read = np.asarray(self.baseline.predict_on_batch(x[:_TESTED])).argmax(axis=-1)
            logs["relu_accuracy"] = float((read == y[:_TESTED]).mean())

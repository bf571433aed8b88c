"""What spikes cost in accuracy: the original's example net on MNIST, spiking and as its ReLU twin, in the same run.

    python benchmarks/accuracy.py --data ../shared/data/mnist.npz --seeds 3 --rows published adam sgd

prints a row of a Markdown table as soon as it is done: test accuracy of the spiking net at full sharpness and of its
twin, the means over the seeds, and the difference in points. Both train on the same batches with the same optimizer,
learning rate, dropout and number of epochs. About a minute for each net on two cores.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import keras
import numpy as np
from keras import optimizers

from whetstone_lab import datasets
from whetstone_lab.layers import spiking_layers
from whetstone_lab.models import mlp
from whetstone_lab.policies import Policy, StepwisePolicy
from whetstone_lab.recipes import PUBLISHED
from whetstone_lab.sharpeners import Sharpener

BATCH, EPOCHS = 128, 21

#: A layer an epoch from the second on, so that most of the training is done in spikes.
EARLY = StepwisePolicy(start_epoch=1, steps=1)


@dataclass(frozen=True)
class Row:
    """A way to train both nets.

    Attributes:
        optimizer: From a learning rate or schedule to an optimizer.
        rate: The learning rate at the start.
        cosine: Whether it falls to 0 along half a cosine.
        dropout, temperature, surrogate_width: Of the nets.
        policy: When to sharpen.
    """

    optimizer: Callable[[object], optimizers.Optimizer]
    rate: float
    cosine: bool = True
    dropout: float = 0.1
    temperature: float = 5.0
    surrogate_width: float | None = 2.0
    policy: Policy = EARLY


ROWS = {
    "published": Row(lambda rate: optimizers.Adadelta(rate, rho=0.95, epsilon=1e-8), 4.0, cosine=False, dropout=0.0,
                     temperature=1.0, surrogate_width=None, policy=PUBLISHED.policy),
    "adamw": Row(lambda rate: optimizers.AdamW(rate, weight_decay=0.02), 3e-3),
    "adam": Row(optimizers.Adam, 3e-3),
    "nadam": Row(optimizers.Nadam, 2e-3),
    "rmsprop": Row(optimizers.RMSprop, 1e-3),
    "adadelta": Row(lambda rate: optimizers.Adadelta(rate, rho=0.95), 2.0),
    "sgd": Row(lambda rate: optimizers.SGD(rate, momentum=0.9), 0.1),
}


def accuracy(row: Row, data: datasets.Dataset, seed: int, spiking: bool, epochs: int) -> float:
    """Test accuracy in [0, 1] of one net, fully sharp where it spikes."""
    keras.utils.set_random_seed(seed)
    model = mlp(data.x_train.shape[1], data.classes, dropout=row.dropout, temperature=row.temperature,
                surrogate_width=row.surrogate_width, spiking=spiking)
    steps = -(-len(data.x_train) // BATCH) * epochs
    rate = optimizers.schedules.CosineDecay(row.rate, steps) if row.cosine else row.rate
    model.compile(row.optimizer(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(data.x_train, data.y_train, batch_size=BATCH, epochs=epochs, verbose=0,
              callbacks=[Sharpener(row.policy)] if spiking else [])
    if spiking and not all(float(layer.sharpness) == 1.0 for layer in spiking_layers(model)):
        raise ValueError(f"Expected every layer to be sharp after {epochs} epochs; it takes more of them.")
    return model.evaluate(data.x_test, data.y_test, verbose=0)[1]


def main() -> None:
    """Prints the table, a row at a time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="FILE", help="mnist.npz; default: where Keras keeps it")
    parser.add_argument("--rows", nargs="+", choices=sorted(ROWS), default=list(ROWS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    args = parser.parse_args()
    data = datasets.load_mnist(args.data)
    print("| optimizer | spiking | mean | ReLU twin | mean | points |\n" + 6 * "| --- " + "|", flush=True)
    for name in args.rows:
        both = [[accuracy(ROWS[name], data, seed, spiking, args.epochs) for seed in range(args.seeds)]
                for spiking in (True, False)]
        means = [np.mean(each) for each in both]
        cells = [f"{', '.join(f'{value:.4f}' for value in each)} | {mean:.4f}"
                 for each, mean in zip(both, means, strict=True)]
        print(f"| {name} | {' | '.join(cells)} | {100 * (means[0] - means[1]):+.2f} |", flush=True)


if __name__ == "__main__":
    main()

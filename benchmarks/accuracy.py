"""What spikes cost in accuracy: networks that spike and their ReLU baselines on MNIST, in the same run.

    python benchmarks/accuracy.py --data ../shared/data/mnist.npz [--tables default optimizers] [--seeds 3] [--jobs 2]

The net is that of the original package's example: Dense 256 and 64, 100 outputs, batches of 128, 21 epochs; its
baseline has ReLU in place of spiking layers and ends in ten outputs with a softmax. Both see the same batches, with the
same optimizer, learning rate, dropout and number of epochs. Spiking nets are trained by ``recipes.train``, layers left
as they come, and judged when they are fully sharp; where a row departs from that its name says so.

Each training is a line in the results file as soon as it is done, and is not repeated when the benchmark goes on. A
training takes a core some 75 seconds for the perceptron, seven minutes for the convnet. The tables are
Markdown, for the README and the notebook.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import results

BATCH, EPOCHS = 128, 21


@dataclass(frozen=True)
class Way:
    """A way to train a net.

    Attributes:
        optimizer: A name in ``recipes.OPTIMIZERS``.
        net: ``"mlp"`` or ``"convnet"``.
        spiking: Whether it spikes or is the ReLU baseline.
        width, dropout, batchnorm: Of the net.
        temperature, surrogate: Of the layers: ``"default"``, or the published layers' (``"published"``).
        policy: When to sharpen: ``"together"``, all layers in the first third; ``"bottom-up"``, one after the other in
            that time; ``"late"``, one after the other in the last third; ``"adaptive"``, as the loss allows.
        rate: What becomes of the rough steps: ``"average"``, the ``WhetstoneOptimizer`` averages the weights once all
            is sharp; without it, ``"constant"``, the learning rate stays; ``"cosine"``, it falls along half a cosine;
            ``"loss"``, it is proportional to the moving average of the loss.
        roll_back: What rise of the loss in an epoch is taken back; None for none.
        recipe: ``"train"``, or ``"published"`` for the original's example with all that belongs to it.
    """

    optimizer: str = "adam"
    net: str = "mlp"
    spiking: bool = True
    width: int = 100
    dropout: float = 0.0
    batchnorm: bool = False
    temperature: str = "default"
    surrogate: str = "default"
    policy: str = "together"
    rate: str = "average"
    roll_back: float | None = None
    recipe: str = "train"

    @property
    def baseline(self) -> Way:
        """The ReLU net that is trained alike; its rate falls along a cosine, if it is not the published one."""
        return Way(self.optimizer, self.net, False, dropout=self.dropout, batchnorm=self.batchnorm, rate="cosine",
                   recipe=self.recipe)


OURS = Way()
CONVNET = Way(net="convnet", dropout=0.1)
OPTIMIZERS = ("sgd", "adadelta", "rmsprop", "adam", "adamw", "nadam")

#: Name of a table -> its rows: a way with its baseline, or another to set beside it.
TABLES: Mapping[str, Mapping[str, Way | tuple[Way, Way]]] = {
    "default": {
        "ours: `train(model, x, y)`": OURS,
        "ours, beside a baseline at the same constant rate": (OURS, replace(OURS.baseline, rate="constant")),
        "as published": Way(recipe="published"),
    },
    "optimizers": {name: replace(OURS, optimizer=name) for name in OPTIMIZERS},
    "convnet": {"convnet": CONVNET},
    "keys": {f"{width // 10} output neuron{'s' * (width > 10)} a class": replace(OURS, width=width)
             for width in (10, 20, 40, 100)},
    "nets": {"as it is": OURS, "dropout 0.1": replace(OURS, dropout=0.1), "batch norm": replace(OURS, batchnorm=True)},
    "policies": {"all layers together, in the first third": OURS,
                 "bottom-up, in the first third": replace(OURS, policy="bottom-up"),
                 "bottom-up, in the last third": replace(OURS, policy="late")},
    "ablation": {
        "ours": OURS,
        "temperature 1": replace(OURS, temperature="published"),
        "no surrogate gradient": replace(OURS, surrogate="published"),
        "neither": replace(OURS, temperature="published", surrogate="published"),
        "no average": replace(OURS, rate="constant"),
        "no average, rate falls along a cosine": replace(OURS, rate="cosine"),
        "no average, rate follows the loss": replace(OURS, rate="loss"),
        "adaptive": replace(OURS, policy="adaptive"),
        "adaptive with roll-back": replace(OURS, policy="adaptive", roll_back=0.5),
    },
}


def accuracy(way: Way, seed: int, data: str | None, epochs: int) -> float:
    """Test accuracy in [0, 1] of one training."""
    import keras

    from whetstone_lab import datasets, estimate_norm_statistics, recipes
    from whetstone_lab.training.layers import spiking_layers

    found = datasets.load_mnist(data)
    keras.utils.set_random_seed(seed)
    if way.recipe == "published":
        model = recipes.PUBLISHED.mlp(784, 10, spiking=way.spiking)
        recipes.PUBLISHED.compile(model, len(found.x_train), epochs)
        callbacks = [recipes.PUBLISHED.sharpener(epochs)] if way.spiking else []
    else:
        model, callbacks = _prepared(way, len(found.x_train), epochs)
    shape = model.input_shape[1:]
    model.fit(found.x_train.reshape(-1, *shape), found.y_train, batch_size=BATCH, epochs=epochs, verbose=0,
              callbacks=callbacks)
    if way.spiking and not all(float(layer.sharpness) == 1.0 for layer in spiking_layers(model)):
        raise ValueError(f"Expected every layer to be sharp after {epochs} epochs; it takes more of them.")
    if way.batchnorm:  # of the baseline too, whose fit has no sharpener that would see to it
        estimate_norm_statistics(model, found.x_train.reshape(-1, *shape))
    classes = model.predict(found.x_test.reshape(-1, *shape), batch_size=1000, verbose=0).argmax(-1)
    return float(np.mean(classes == found.y_test))


def _prepared(way: Way, samples: int, epochs: int) -> tuple[Any, list[Any]]:
    """The compiled model, and the callbacks."""
    import keras

    from whetstone_lab import models, recipes
    from whetstone_lab.method.policies import AdaptivePolicy, ScheduledPolicy
    from whetstone_lab.training.sharpener import Sharpener

    options = {} if way.temperature == "default" else {"temperature": 1.0}
    options |= {} if way.surrogate == "default" else {"surrogate_width": None}
    if way.spiking:
        options["width"] = way.width
    make = {"mlp": lambda **kwargs: models.mlp(784, 10, **kwargs),
            "convnet": lambda **kwargs: models.convnet((28, 28, 1), 10, **kwargs)}[way.net]
    model = make(dropout=way.dropout, batchnorm=way.batchnorm, spiking=way.spiking, **options)
    optimizer = recipes.OPTIMIZERS[way.optimizer]()
    if way.rate == "cosine":
        steps = -(-samples // BATCH) * epochs
        optimizer.learning_rate = keras.optimizers.schedules.CosineDecay(float(optimizer.learning_rate), steps)
    loss, metrics = "sparse_categorical_crossentropy", ["accuracy"]
    if not way.spiking:
        model.compile(optimizer, loss, metrics=metrics)
        return model, []
    sharpener = recipes.prepare(model, epochs=epochs, optimizer=optimizer, loss=loss, metrics=metrics)
    layers = len(sharpener.policy.schedule)
    begin, duration = epochs * recipes.SOFT, epochs * (recipes.SHARP - recipes.SOFT) / layers
    policies = {
        "together": lambda: sharpener.policy,
        "bottom-up": lambda: ScheduledPolicy(start_epoch=begin, duration=duration),
        "late": lambda: ScheduledPolicy(start_epoch=epochs * 2 / 3, duration=epochs / 4 / layers),
        "adaptive": lambda: AdaptivePolicy(min_init_epochs=2, rate=1.0, cz_rate=0.5, patience=0),
    }
    callbacks: list[Any] = [Sharpener(policies[way.policy](), roll_back=way.roll_back)]
    if way.rate != "average":
        model.compile(optimizer, loss, metrics=metrics)
    if way.rate == "loss":
        callbacks.append(_follows_loss())
    return model, callbacks


def _follows_loss() -> Any:
    """A callback that keeps the learning rate proportional to the moving average of the loss, never above its start.

    The average is taken over some 100 batches, and the loss that stands for the full rate is that of the first epoch.
    """
    import keras

    class FollowsLoss(keras.callbacks.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            self.full = float(self.model.optimizer.learning_rate)
            self.average = self.reference = None

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            total = logs["loss"] * (batch + 1)  # Keras reports the mean over the epoch
            loss = total - self.total if batch else total
            self.total = total
            self.average = loss if self.average is None else self.average + 0.01 * (loss - self.average)
            if self.reference is not None:
                self.model.optimizer.learning_rate = self.full * min(1.0, self.average / self.reference)

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.reference = self.reference or self.average

    return FollowsLoss()


def _one_thread() -> None:
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    elif keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(1)


def measure(ways: Iterable[Way], args: argparse.Namespace) -> dict[tuple[Way, int], float]:
    """The accuracy of each way for each seed; what the results file has is not trained again."""
    import multiprocessing

    found: dict[tuple[Way, int], float] = {}
    for entry in results.read(args.results):
        if entry["epochs"] == args.epochs:
            found[Way(**entry["way"]), entry["seed"]] = entry["accuracy"]
    # Seed by seed, so that a study that is cut short has something of everything.
    todo = [(way, seed) for seed in range(args.seeds) for way in dict.fromkeys(ways) if (way, seed) not in found]
    # A process of its own for each training: what one leaves behind in TensorFlow slows the next.
    with ProcessPoolExecutor(args.jobs, mp_context=multiprocessing.get_context("spawn"), initializer=_one_thread,
                             max_tasks_per_child=1) as pool:
        began = time.perf_counter()
        running = {pool.submit(accuracy, way, seed, args.data, args.epochs): (way, seed) for way, seed in todo}
        for number, future in enumerate(as_completed(running), 1):
            way, seed = running[future]
            if future.exception():  # the others go on
                print(f"{number} of {len(todo)} failed, seed {seed}, {way}: {future.exception()}", file=sys.stderr)
                continue
            found[way, seed] = future.result()
            results.note(args.results, {"way": asdict(way), "seed": seed, "epochs": args.epochs,
                                        "accuracy": found[way, seed]})
            print(f"{number} of {len(todo)}, {time.perf_counter() - began:.0f} s: {found[way, seed]:.4f}, seed {seed}, "
                  f"{way}", file=sys.stderr, flush=True)
    return found


def pairs(name: str) -> dict[str, tuple[Way, Way]]:
    """The two that stand side by side in each row of a table."""
    return {label: row if isinstance(row, tuple) else (row, row.baseline) for label, row in TABLES[name].items()}


def table(name: str, found: Mapping[tuple[Way, int], float], seeds: int) -> str:
    """A table in Markdown: the accuracies of each seed, their mean, and the points between net and baseline.

    A training that failed is a nan.
    """
    lines = [f"| {name} | spiking | mean | ReLU baseline | mean | points |", 6 * "| --- " + "|"]
    for label, pair in pairs(name).items():
        both = [[found.get((kind, seed), math.nan) for seed in range(seeds)] for kind in pair]
        means = [float(np.mean(each)) for each in both]
        cells = [f"{', '.join(f'{value:.4f}' for value in each)} | **{mean:.4f}**"
                 for each, mean in zip(both, means, strict=True)]
        lines.append(f"| {label} | {' | '.join(cells)} | {100 * (means[0] - means[1]):+.2f} |")
    return "\n".join(lines)


def main() -> None:
    """Trains what is asked for and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="FILE", help="mnist.npz; default: where Keras keeps it")
    parser.add_argument("--tables", nargs="+", choices=list(TABLES), default=list(TABLES))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="trainings at a time, a thread each")
    parser.add_argument("--results", metavar="FILE", type=Path, default=Path("accuracy.jsonl"),
                        help="where each training is noted (default: ./accuracy.jsonl)")
    args = parser.parse_args()
    ways = [kind for name in args.tables for pair in pairs(name).values() for kind in pair]
    found = measure(ways, args)
    for name in args.tables:
        print(f"\n{table(name, found, args.seeds)}")


if __name__ == "__main__":
    main()

"""Error over bits: autoencoders with a spiking bottleneck and their ReLU baselines with as many bits, on MNIST.

    python benchmarks/autoencoders.py --data ../shared/data/mnist.npz [--bits 8 16 32 64] [--seeds 1]

Dense nets 784-256-code-256-784 and, with ``--conv``, small convolutional ones. Each point is one training with the same
pictures, batches, optimizer and number of epochs. The spiking net is trained by ``recipes.train``; the baselines, whose
codes hold as many bits in values of 1, 4 or 8 bits each, at a rate that falls along half a cosine. A spiking net is
held against the best of its baselines. The error is the mean squared error of a pixel in [0, 1] on the test pictures.

Each training is a line in the results file as soon as it is done, and is not repeated when the benchmark goes on.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import results

BATCH, EPOCHS, PICTURES = 128, 5, 60_000

#: Bits of a value in the codes of the baselines.
BASELINES = (1, 4, 8)


@dataclass(frozen=True)
class Way:
    """An autoencoder and how it is trained.

    Attributes:
        bits: Bits of the code.
        bits_a_value: Of a ReLU baseline, 1, 4 or 8; 0 for the spiking net.
        conv: Whether it is convolutional.
        epochs: Epochs of training.
        pictures: How many pictures it is trained on, the first ones.
    """

    bits: int
    bits_a_value: int = 0
    conv: bool = False
    epochs: int = EPOCHS
    pictures: int = PICTURES


def error(way: Way, seed: int, data: str | None) -> float:
    """The mean squared error on the test pictures after one training."""
    import keras

    from whetstone_lab import datasets, estimate_norm_statistics, models, recipes

    found = datasets.load_mnist(data, flatten=not way.conv)
    x = found.x_train[:way.pictures]
    keras.utils.set_random_seed(seed)
    spiking = way.bits_a_value == 0
    options: dict[str, Any] = {"spiking": spiking, **({} if spiking else {"bits_a_value": way.bits_a_value})}
    model = (models.conv_autoencoder((28, 28, 1), way.bits, **options) if way.conv
             else models.autoencoder(784, way.bits, **options))
    if spiking:
        recipes.train(model, x, x, epochs=way.epochs, batch_size=BATCH, verbose=0)
    else:
        optimizer = recipes.OPTIMIZERS["adam"]()
        optimizer.learning_rate = keras.optimizers.schedules.CosineDecay(
            float(optimizer.learning_rate), -(-len(x) // BATCH) * way.epochs)
        model.compile(optimizer, "mean_squared_error")
        model.fit(x, x, epochs=way.epochs, batch_size=BATCH, verbose=0)
        estimate_norm_statistics(model, x)  # as the spiking net's sharpener does; nothing without batch norm
    guess = model.predict(found.x_test, batch_size=1000, verbose=0)
    return float(np.mean((guess - found.x_test) ** 2))


def measure(ways: Iterable[Way], seeds: int, data: str | None, path: Path) -> dict[tuple[Way, int], float]:
    """The error of each way for each seed; what the results file has is not trained again."""
    found = {(Way(**entry["way"]), entry["seed"]): float(entry["error"]) for entry in results.read(path)}
    ways = [*ways]
    for seed in range(seeds):
        for way in ways:
            if (way, seed) in found:
                continue
            began = time.perf_counter()
            found[way, seed] = error(way, seed, data)
            results.note(path, {"way": asdict(way), "seed": seed, "error": found[way, seed]})
            print(f"{time.perf_counter() - began:.0f} s: {found[way, seed]:.5f}, seed {seed}, {way}", file=sys.stderr,
                  flush=True)
    return found


def table(ways: Iterable[Way], found: Mapping[tuple[Way, int], float], seeds: int) -> str:
    """A table in Markdown: for each number of bits the errors, and how far the spiking net is from the best baseline.

    Args:
        ways: The ways, spiking nets and baselines.
        found: Their errors, as :func:`measure` gives them.
        seeds: How many seeds each was trained with; the table has their mean.
    """
    mean = {way: float(np.mean([found[way, seed] for seed in range(seeds)])) for way in ways}
    heads = [f"ReLU, {bits}-bit values" if bits > 1 else "ReLU, 1-bit values" for bits in BASELINES]
    lines = [f"| net | bits | spiking | {' | '.join(heads)} | spiking to best baseline |",
             "| --- " * (len(BASELINES) + 4) + "|"]
    for way, own in mean.items():
        if way.bits_a_value:
            continue
        others = {bits: mean.get(Way(way.bits, bits, way.conv, way.epochs, way.pictures)) for bits in BASELINES}
        known = [value for value in others.values() if value is not None]
        cells = [f"{value:.5f}" if value is not None else "" for value in others.values()]
        against = f"{100 * (own / min(known) - 1):+.1f} %" if known else ""
        lines.append(f"| {'convolutional' if way.conv else 'dense'} | {way.bits} | **{own:.5f}** | "
                     f"{' | '.join(cells)} | {against} |")
    return "\n".join(lines)


def main() -> None:
    """Trains what is asked for and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="FILE", help="mnist.npz; default: where Keras keeps it")
    parser.add_argument("--bits", type=int, nargs="+", default=[8, 16, 32, 64], help="multiples of 8")
    parser.add_argument("--conv", action="store_true", help="convolutional nets instead of dense ones")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--pictures", type=int, default=PICTURES, help="how many to train on")
    parser.add_argument("--results", metavar="FILE", type=Path, default=Path("autoencoders.jsonl"),
                        help="where each training is noted (default: ./autoencoders.jsonl)")
    args = parser.parse_args()
    ways = [Way(bits, each, args.conv, args.epochs, args.pictures) for bits in args.bits for each in (0, *BASELINES)]
    found = measure(ways, args.seeds, args.data, args.results)
    print(table(ways, found, args.seeds))


if __name__ == "__main__":
    main()

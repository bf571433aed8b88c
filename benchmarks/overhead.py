"""What sharpening costs: seconds of a training step with spiking layers, sharpener and trace, against ReLU.

    python benchmarks/overhead.py [--chunks 15] [--steps 100] [--jit] [--beside FOLDER]

The reference nets of ``whetstone_lab.models`` without dropout, and the very same nets with ReLU in place of the spiking
layers. Both nets of a pair train in turn in one process, a chunk of steps each, and the ratio is taken chunk by chunk,
so that a machine that slows down slows both. Every batch sharpens: one layer, as sharpeners do unless told otherwise,
or all at once, which is the most that they can have to do. With ``--jit`` XLA compiles both nets. With ``--beside``,
the script of another checkout runs in turn with this one, some chunks each.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from whetstone_lab import models
from whetstone_lab.training.layers import SpikingLayer
from whetstone_lab.training.sharpeners import AdaptiveSharpener

BATCH = 128

NETS: Mapping[str, Callable[[], keras.Model]] = {
    "mlp": lambda: models.mlp(784, 10, dropout=0.0),
    "convnet": lambda: models.convnet((28, 28, 1), 10, dropout=0.0),
}


def with_relu(model: keras.Model) -> keras.Model:
    """The same net with ReLU in place of the spiking layers, and all else as it is."""
    return keras.models.clone_model(model, clone_function=lambda layer: keras.layers.ReLU() if isinstance(
        layer, SpikingLayer) else layer.__class__.from_config(layer.get_config()))


class Always(AdaptiveSharpener):
    """Sharpens in every batch of the benchmark."""

    def attach(self, model: keras.Model, batches: int | None = None) -> None:
        """Starts with the sharpening on, at a rate that no layer becomes sharp with."""
        super().attach(model, batches)
        self.state = self.state.replace(sharpening=True, batches=10**6)


def ratios(net: Callable[[], keras.Model], bottom_up: bool, chunks: int, steps: int,
           jit: bool) -> list[tuple[float, float]]:
    """Seconds a step of the ReLU net and of the spiking net, for each chunk."""
    keras.utils.set_random_seed(0)
    spiking = net()
    relu = with_relu(spiking)
    rng = np.random.default_rng(0)
    x = rng.random((steps * BATCH, *relu.input_shape[1:]), np.float32)
    y = rng.integers(0, 10, len(x))
    sharpener = Always(bottom_up=bottom_up, min_init_epochs=10**6)
    for model in (relu, spiking):
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"],
                      jit_compile=True if jit else "auto")

    def seconds(model: keras.Model, callbacks: list[keras.callbacks.Callback]) -> float:
        clock = Clock()
        model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0, shuffle=False, callbacks=[*callbacks, clock])
        return clock.median

    pairs = [(seconds(relu, []), seconds(spiking, [sharpener])) for _ in range(chunks + 1)]
    changes = np.diff(sharpener.trace.sharpness, axis=0)
    assert ((changes > 0).sum(axis=1) == (1 if bottom_up else changes.shape[1])).all()  # it did sharpen, in every batch
    return pairs[1:]  # the first compiles


class Clock(keras.callbacks.Callback):
    """Median time from the start of one batch to the start of the next, callbacks and all."""

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Starts anew."""
        self.starts: list[float] = []

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Notes the time."""
        self.starts.append(time.perf_counter())

    @property
    def median(self) -> float:
        """Seconds."""
        return float(np.median(np.diff(self.starts)))


def in_turn(args: argparse.Namespace) -> None:
    """Runs this script and that of another checkout in turn, and prints what both say."""
    options = ["--chunks", str(args.chunks), "--steps", str(args.steps), *(["--jit"] if args.jit else [])]
    for number, (name, root) in product(range(args.rounds), (("this", Path(__file__).parents[1]),
                                                              ("other", args.beside.resolve()))):
        done = subprocess.run([sys.executable, root / "benchmarks" / "overhead.py", *options], check=True, text=True,
                              stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(root)})
        for line in done.stdout.splitlines()[1:]:
            print(f"{number + 1} {name:5} {line}", flush=True)


def main() -> None:
    """Prints a row for each net."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=15)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--jit", action="store_true")
    parser.add_argument("--beside", type=Path, help="another checkout, whose script runs in turn with this one")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each, with --beside")
    args = parser.parse_args()
    if args.beside:
        in_turn(args)
        return
    warnings.filterwarnings("ignore", "This fit is too short")  # chunk after chunk it goes on
    print(f"Keras {keras.__version__}, {keras.backend.backend()}, batch {BATCH}")
    for (name, net), bottom_up in product(NETS.items(), (True, False)):
        pairs = ratios(net, bottom_up, args.chunks, args.steps, args.jit)
        each = sorted(spiking / relu for relu, spiking in pairs)
        print(f"{name}, {'one layer' if bottom_up else 'all layers'} sharpening: ReLU "
              f"{1e3 * statistics.median(r for r, _ in pairs):.2f} ms, spiking "
              f"{1e3 * statistics.median(s for _, s in pairs):.2f} ms a step; ratio median "
              f"{statistics.median(each):.3f}, quartiles {each[len(each) // 4]:.3f} to {each[3 * len(each) // 4]:.3f}",
              flush=True)


if __name__ == "__main__":
    main()

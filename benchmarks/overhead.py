"""What sharpening costs: seconds of a training step with spiking layers, sharpener and trace, against ReLU.

Both nets of a pair train in turn in one process, a chunk of steps each, and the ratio is taken chunk by chunk, so that
a machine that slows down slows both. ``python benchmarks/overhead.py`` prints a row for each net.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
import warnings
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import keras
import numpy as np

from whetstone_lab import SoftmaxDecode, SpikingBReLU, make_key
from whetstone_lab.sharpeners import AdaptiveSharpener, Sharpener

BATCH = 128


def mlp(activation: Callable[[], keras.layers.Layer], decode: bool) -> list[keras.layers.Layer]:
    """The published example's layers."""
    return [keras.Input((784,)), keras.layers.Dense(256), activation(), keras.layers.Dense(64), activation(),
            keras.layers.Dense(100), activation(), *read_out(decode)]


def convnet(activation: Callable[[], keras.layers.Layer], decode: bool) -> list[keras.layers.Layer]:
    """About LeNet-5's size."""
    return [keras.Input((28, 28, 1)), keras.layers.Conv2D(16, 5), activation(), keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(32, 5), activation(), keras.layers.MaxPooling2D(), keras.layers.Flatten(),
            keras.layers.Dense(128), activation(), keras.layers.Dense(100), activation(), *read_out(decode)]


def read_out(decode: bool) -> list[keras.layers.Layer]:
    """Classes from the 100 outputs: by the key, or by a dense layer in the twin."""
    return [SoftmaxDecode(make_key(10, 100))] if decode else [keras.layers.Dense(10, activation="softmax")]


class Always(AdaptiveSharpener):
    """Sharpens in every batch of the benchmark, all layers at once: the most that a sharpener can have to do."""

    def attach(self, model: keras.Model, batches: int | None = None) -> None:
        """Starts with the sharpening on."""
        super().attach(model, batches)
        self.state = self.state.__class__(**{**self.state.asdict(), "sharpening": True, "batches": 10**6})


def ratios(layers: Callable[..., list[keras.layers.Layer]], chunks: int, steps: int) -> list[tuple[float, float]]:
    """Seconds a step of the ReLU net and of the spiking net, for each chunk."""
    keras.utils.set_random_seed(0)
    relu = keras.Sequential(layers(keras.layers.ReLU, False))
    spiking = keras.Sequential(layers(SpikingBReLU, True))
    rng = np.random.default_rng(0)
    x = rng.random((steps * BATCH, *relu.input_shape[1:]), np.float32)
    y = rng.integers(0, 10, len(x))
    sharpener: Sharpener = Always(bottom_up=False, min_init_epochs=10**6)
    for model in (relu, spiking):
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])

    def seconds(model: keras.Model, callbacks: list[keras.callbacks.Callback]) -> float:
        clock = Clock()
        model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0, shuffle=False, callbacks=[*callbacks, clock])
        return clock.median

    pairs = [(seconds(relu, []), seconds(spiking, [sharpener])) for _ in range(chunks + 1)]
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


def main() -> None:
    """Prints a row for each net."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=15)
    parser.add_argument("--steps", type=int, default=100)
    args = parser.parse_args()
    warnings.filterwarnings("ignore", "This fit is too short")  # chunk after chunk it goes on
    print(f"Keras {keras.__version__}, {keras.backend.backend()}, batch {BATCH}")
    for layers in (mlp, convnet):
        pairs = ratios(layers, args.chunks, args.steps)
        each = sorted(spiking / relu for relu, spiking in pairs)
        print(f"{layers.__name__:<8} ReLU {1e3 * statistics.median(r for r, _ in pairs):.2f} ms, spiking "
              f"{1e3 * statistics.median(s for _, s in pairs):.2f} ms a step; ratio median "
              f"{statistics.median(each):.3f}, quartiles {each[len(each) // 4]:.3f} to {each[3 * len(each) // 4]:.3f}")


if __name__ == "__main__":
    main()

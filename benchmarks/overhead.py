"""What sharpening costs: seconds of a training step with spiking layers, sharpener and trace, against ReLU.

    python benchmarks/overhead.py [--chunks 60] [--steps 30] [--nets mlp] [--jit] [--beside FOLDER]

The reference nets of ``whetstone_lab.models`` without dropout, and the very same nets with ReLU in place of the spiking
layers. All train in turn in one process, a few steps each, so that a machine that slows down slows all of them. A ratio
is that of the median steps, with the limits between which it lies in 95 of 100 draws of the chunks. Every batch
sharpens: one layer, as sharpeners do unless told otherwise, or all at once, which is the most that they can have to do.
With ``--jit`` XLA compiles the nets. With ``--beside``, those of another checkout train in turn with these.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

BATCH = 128
NETS: Mapping[str, Callable] = {
    "mlp": lambda models: models.mlp(784, 10, dropout=0.0),
    "convnet": lambda models: models.convnet((28, 28, 1), 10, dropout=0.0),
}


class Build:
    """The package of one checkout. Those of several live side by side in one process, each under its own modules."""

    def __init__(self, root: Path) -> None:
        self.root, self.modules = root.resolve(), {}
        with self.in_force():
            from whetstone_lab import models
            from whetstone_lab.training.sharpeners import AdaptiveSharpener

            self.models, self.adaptive = models, AdaptiveSharpener
            where = Path(sys.modules["whetstone_lab"].__file__).resolve()
        assert where.is_relative_to(self.root), where

    @contextlib.contextmanager
    def in_force(self) -> Iterator[None]:
        """Inside, ``import whetstone_lab`` is this one, also where functions import late."""
        def of_the_package() -> dict:
            return {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "whetstone_lab"}

        before = of_the_package()
        sys.modules.update(self.modules)
        sys.path.insert(0, str(self.root))
        try:
            yield
        finally:
            self.modules = of_the_package()
            sys.path.remove(str(self.root))
            sys.modules.update(before)

    def net(self, name: str) -> keras.Model:
        """The reference net of that name."""
        with self.in_force():
            return NETS[name](self.models)

    def sharpener(self, bottom_up: bool) -> keras.callbacks.Callback:
        """One that sharpens in every batch, at a rate that no layer becomes sharp with."""
        class Always(self.adaptive):
            def attach(self, model: keras.Model, batches: int | None = None) -> None:
                super().attach(model, batches)
                self.state = self.state.replace(sharpening=True, batches=10**6)

        with self.in_force():
            return Always(bottom_up=bottom_up, min_init_epochs=10**6)


def with_relu(model: keras.Model) -> keras.Model:
    """The same net with ReLU in place of the layers that can sharpen, and all else as it is."""
    return keras.models.clone_model(model, clone_function=lambda layer: keras.layers.ReLU() if hasattr(
        layer, "sharpness") else layer.__class__.from_config(layer.get_config()))


def timed(nets: Mapping[str, tuple[Build, keras.Model, bool | None]], chunks: int, steps: int,
          jit: bool) -> dict[str, np.ndarray]:
    """Seconds of each step, ``(chunks, steps - 1)``, of nets that train in turn in this process, a chunk of steps each.

    A net comes with the build whose package it is made of and with whether it sharpens bottom-up; None: no sharpener.
    """
    any_net = next(iter(nets.values()))[1]
    rng = np.random.default_rng(0)
    x = rng.random((steps * BATCH, *any_net.input_shape[1:]), np.float32)
    y = rng.integers(0, 10, len(x))
    sharpeners = {name: build.sharpener(bottom_up) for name, (build, _, bottom_up) in nets.items()
                  if bottom_up is not None}
    for _, model, _ in nets.values():
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"],
                      jit_compile=True if jit else "auto")
    seconds: dict[str, list[np.ndarray]] = {name: [] for name in nets}
    names = list(nets)
    for number in range(chunks + 1):  # the first compiles
        for name in names[number % len(names):] + names[:number % len(names)]:
            build, model, _ = nets[name]
            clock = Clock()
            with build.in_force():
                model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0, shuffle=False,
                          callbacks=[*([sharpeners[name]] if name in sharpeners else []), clock])
            seconds[name].append(np.diff(clock.starts))
    for name, sharpener in sharpeners.items():
        changes = np.diff(sharpener.trace.sharpness, axis=0)  # it did sharpen, in every batch
        assert ((changes > 0).sum(axis=1) == (1 if nets[name][2] else changes.shape[1])).all()
    return {name: np.stack(rows[1:]) for name, rows in seconds.items()}


def ratio(over: np.ndarray, under: np.ndarray, rng: np.random.Generator) -> tuple[float, float, float]:
    """Ratio of the median steps, and the limits of its middle 95 % when the chunks are drawn again with replacement."""
    draws = rng.integers(0, len(over), (2000, len(over)))
    each = np.median(over[draws].reshape(2000, -1), axis=1) / np.median(under[draws].reshape(2000, -1), axis=1)
    return float(np.median(over) / np.median(under)), *np.quantile(each, (0.025, 0.975)).tolist()


class Clock(keras.callbacks.Callback):
    """Median time from the start of one batch to the start of the next, callbacks and all."""

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Starts anew."""
        self.starts: list[float] = []

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Notes the time."""
        self.starts.append(time.perf_counter())


def main() -> None:
    """Prints rows for each net."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=60)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--jit", action="store_true")
    parser.add_argument("--nets", nargs="+", choices=list(NETS), default=list(NETS))
    parser.add_argument("--beside", type=Path, help="another checkout, whose nets train in turn with this one's")
    args = parser.parse_args()
    warnings.filterwarnings("ignore", "This fit is too short")  # chunk after chunk it goes on
    print(f"Keras {keras.__version__}, {keras.backend.backend()}, batch {BATCH}")
    builds = {"this": Build(Path(__file__).parents[1])} | ({"other": Build(args.beside)} if args.beside else {})
    rng = np.random.default_rng(0)
    for net, bottom_up in product(args.nets, (True, False)):
        nets = {}
        for name, build in builds.items():
            keras.utils.set_random_seed(0)
            nets[name] = (build, build.net(net), bottom_up)
        nets["ReLU"] = (builds["this"], with_relu(nets["this"][1]), None)
        seconds = timed(nets, args.chunks, args.steps, args.jit)
        print(f"{net}, {'one layer' if bottom_up else 'all layers'} sharpening: " + ", ".join(
            f"{name} {1e3 * np.median(each):.3f} ms" for name, each in seconds.items()))
        pairs = [(name, "ReLU") for name in builds] + ([("this", "other")] if args.beside else [])
        for over, under in pairs:
            print("    {} / {}: {:.3f} ({:.3f} to {:.3f})".format(
                over, under, *ratio(seconds[over], seconds[under], rng)), flush=True)


if __name__ == "__main__":
    main()

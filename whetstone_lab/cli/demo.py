"""``whetstone-lab demo``: the main job from end to end.

It trains and sharpens on real pictures, compares with a ReLU baseline, simulates, and keeps figures and trace.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whetstone_lab.cli.arguments import Commands, command, integer
from whetstone_lab.cli.quiet import quieten_tensorflow

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console
    from rich.progress import Progress

    from whetstone_lab.datasets import Dataset
    from whetstone_lab.records.trace import Trace
    from whetstone_lab.simulator import SpikeRecord
    from whetstone_lab.training.recipes import Recipe

#: Training samples on which the trace's histograms and firing rates are measured after each epoch.
_PROBE = 256


@dataclass(frozen=True)
class Result:
    """What came out of a demo.

    Attributes:
        accuracies: Test accuracy in [0, 1] of the ReLU baseline (``relu``), of the network just before sharpening began
            (``soft``) and of the fully sharp one (``spiking``).
        mismatches: Test samples for which the simulator decodes another class than Keras.
        trace: The sharpening run.
        record: The spikes of the test set.
        files: What was written.
    """

    accuracies: dict[str, float]
    mismatches: int
    trace: Trace
    record: SpikeRecord
    files: tuple[Path, ...]


def add(commands: Commands) -> None:
    """Declares the command and its arguments."""
    parser = command(commands, "demo", run, "train, sharpen and simulate a network on handwritten digits, and write "
                                            "the trace and the figures")
    parser.add_argument("--out", metavar="FOLDER", type=Path, default=Path("whetstone-demo"),
                        help="where to write (default: ./whetstone-demo)")
    parser.add_argument("--seed", metavar="N", type=integer(0), default=0,
                        help="seed of the split, the weights and the batches (default: 0)")
    parser.add_argument("--data", metavar="NAME", default="digits",
                        help="digits, which are in the package; or another data set, such as mnist, fashion_mnist or "
                             "cifar10, from a file or the network (default: digits)")
    parser.add_argument("--recipe", metavar="NAME", default="robust",
                        help="how to train: robust, which keeps the accuracy, or published, as in the paper (default: "
                             "robust)")
    parser.add_argument("--epochs", metavar="N", type=integer(1), default=None,
                        help="epochs to train, at least 1 (default: those of the recipe)")


def run(args: argparse.Namespace) -> None:
    """Trains and prints what came out."""
    quieten_tensorflow()
    demonstrate(args.out, seed=args.seed, data=args.data, recipe=args.recipe, epochs=args.epochs)


def demonstrate(out: Path, *, seed: int = 0, data: str = "digits", recipe: str = "robust", epochs: int | None = None,
                console: Console | None = None) -> Result:
    """Trains a spiking network and its ReLU baseline, simulates the former, and writes what came out.

    Args:
        out: Folder to write to; made if it is not there.
        seed: Seed of the split of the digits, the weights and the batches. Default: 0.
        data: A name that ``datasets.load`` takes. Default: ``"digits"``.
        recipe: A name in ``recipes.RECIPES``. Default: ``"robust"``.
        epochs: Epochs of training. Default: the recipe's.
        console: Where to print. Default: standard output.

    Returns:
        The figures, the trace and the spikes.

    Raises:
        ValueError: ``data`` or ``recipe`` is not known, or the epochs do not suffice to sharpen every layer; that is
            said before training where it can be known, and else once the trace has been written.
        FileNotFoundError: The data are not at hand and cannot be downloaded.
    """
    from rich.console import Console

    from whetstone_lab import datasets, simulator
    from whetstone_lab.conversion.convert import convert
    from whetstone_lab.training.recipes import RECIPES

    if recipe not in RECIPES:
        raise ValueError(f"Expected a recipe among {sorted(RECIPES)}; got {recipe!r}.")
    console, how = console or Console(), RECIPES[recipe]
    epochs = how.epochs if epochs is None else epochs
    pictures = datasets.load(data, **({"seed": seed} if data == "digits" else {}))
    _check_epochs(how, pictures, epochs)
    out.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    console.print(f"{pictures!r}, recipe {recipe}, seed {seed}", highlight=False)

    baseline, model, trace = _train(how, pictures, epochs, seed, console)
    trace.meta |= {"data": data, "recipe": recipe, "seed": seed}
    files = [trace.save(out / "trace.npz")]
    sharpness = trace.sharpness[-1]
    if sharpness.min() < 1:
        raise ValueError(f"Expected every layer fully sharp after {epochs} epochs; got sharpness "
                         f"{sharpness.round(3).tolist()}. Train for more epochs; {files[0]} tells how it went.")

    network = convert(model)
    record = simulator.run(network, pictures.x_test, labels=pictures.y_test)
    mismatches = int((record.classes != _classes(model, pictures)).sum())
    accuracies = {"relu": float((_classes(baseline, pictures) == pictures.y_test).mean()),
                  "soft": _soft_accuracy(trace),
                  "spiking": float((record.classes == pictures.y_test).mean())}
    _tell(accuracies, mismatches, record, console)

    model.save(out / "model.keras")
    files += [network.save(out / "network.npz"), record.save(out / "spikes.npz"), out / "model.keras",
              *_draw(trace, record, out)]
    console.print(f"Wrote {', '.join(file.name for file in files)} to {out} "
                  f"({time.perf_counter() - began:.0f} s in all).", highlight=False)
    return Result(accuracies, mismatches, trace, record, tuple(files))


def _train(how: Recipe, pictures: Dataset, epochs: int, seed: int, console: Console) -> tuple[Any, Any, Trace]:
    """Trains the ReLU baseline, then the spiking network; gives both models and the trace of the second."""
    import keras
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    sharpener = how.sharpener(epochs, probe=pictures.x_train[:_PROBE])
    models = []
    with Progress(TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TextColumn("epochs"),
                  TimeElapsedColumn(), TextColumn("{task.fields[accuracy]}"), console=console) as progress:
        for title, spiking in (("ReLU baseline", False), ("spiking network", True)):
            keras.utils.set_random_seed(seed)
            model = how.mlp(pictures.x_train.shape[1], pictures.classes, spiking=spiking)
            how.compile(model, len(pictures.x_train), epochs)
            bar = _bar(progress, progress.add_task(title, total=epochs, accuracy=""))
            model.fit(pictures.x_train, pictures.y_train, epochs=epochs, verbose=0,
                      batch_size=how.batches_of(len(pictures.x_train)),
                      validation_data=(pictures.x_test, pictures.y_test),
                      callbacks=[sharpener, bar] if spiking else [bar])
            models.append(model)
    return models[0], models[1], sharpener.trace


def _bar(progress: Progress, task: Any) -> Any:
    """A callback that moves a progress bar on by an epoch."""
    import keras

    def move(epoch: int, logs: Any = None) -> None:
        accuracy = (logs or {}).get("val_accuracy")
        progress.update(task, advance=1, accuracy="" if accuracy is None else f"test {accuracy:.3f}")

    return keras.callbacks.LambdaCallback(on_epoch_end=move)


def _check_epochs(how: Recipe, pictures: Dataset, epochs: int) -> None:
    from whetstone_lab.training.layers import spiking_layers

    layers = len(spiking_layers(how.mlp(pictures.x_train.shape[1], pictures.classes)))
    samples = len(pictures.x_train)
    fewest = how.sharpener(epochs).policy.fewest_epochs(layers, -(-samples // how.batches_of(samples)))
    if fewest is None or epochs < fewest:
        raise ValueError(f"Expected at least {fewest or 'more than 1000'} epochs, the fewest in which the recipe "
                         f"{how.name} can sharpen {layers} layers; got {epochs}.")


def _classes(model: Any, pictures: Dataset) -> np.ndarray:
    """What a Keras model decides on the test pictures."""
    classes: np.ndarray = model.predict(pictures.x_test, verbose=0).argmax(-1)
    return classes


def _soft_accuracy(trace: Trace) -> float:
    """Test accuracy after the last epoch in which nothing was sharpened yet; NaN if sharpening began in the first."""
    soft = (~trace.sharpness[trace.epoch_ends - 1].any(axis=1)).nonzero()[0]
    return float(trace.epoch_metric("val_accuracy")[soft[-1]]) if len(soft) else float("nan")


def _tell(accuracies: dict[str, float], mismatches: int, record: SpikeRecord, console: Console) -> None:
    lines = [f"\nTest accuracy on {record.samples} pictures"]
    for name, words in (("relu", "ReLU baseline"), ("soft", "soft network, before sharpening"),
                        ("spiking", "spiking network, in the simulator")):
        lines.append(f"  {words:<34} {accuracies[name]:.4f}")
    agreement = (f"{mismatches} classes differ from those of Keras" if mismatches else
                 "its classes are those of Keras")
    lines.append(f"Simulator: {record.spikes / record.samples:.0f} spikes a picture from {sum(record.sizes)} neurons "
                 f"in {record.steps} time steps; {agreement}.")
    console.print("\n".join(lines), highlight=False)


def _draw(trace: Trace, record: SpikeRecord, out: Path) -> list[Path]:
    """Draws the run and the spikes of one picture, the first that was read right, and gives the files."""
    from whetstone_lab.view import plots

    right = (record.classes == record.labels).nonzero()[0]
    figures = {"activation_curves": plots.activation_curves(trace), "sharpener": plots.sharpener_chart(trace),
               "spikes": plots.spike_raster(record, sample=int(right[0]) if len(right) else 0)}
    for name, figure in figures.items():
        figure.savefig(out / f"{name}.png", dpi=150)
    return [out / f"{name}.png" for name in figures]

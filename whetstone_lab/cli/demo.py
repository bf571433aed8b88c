"""The main job from end to end: train and sharpen on real pictures, compare, simulate, and keep figures and trace."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from whetstone_lab import datasets, simulator
from whetstone_lab.conversion.convert import convert
from whetstone_lab.records.trace import Trace
from whetstone_lab.simulator import SpikeRecord
from whetstone_lab.training.layers import spiking_layers
from whetstone_lab.training.recipes import RECIPES, Recipe
from whetstone_lab.view import plots

#: Training samples on which the trace's histograms and firing rates are measured after each epoch.
_PROBE = 256


@dataclass(frozen=True)
class Result:
    """What came out of a demo.

    Attributes:
        accuracies: Test accuracy in [0, 1] of the ReLU twin (``relu``), of the network just before sharpening began
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


def run(out: Path, *, seed: int = 0, data: str = "digits", recipe: str = "robust", epochs: int | None = None,
        console: Console | None = None) -> Result:
    """Trains a ReLU network and its spiking twin, simulates the latter, and writes trace, spikes, model and figures.

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
    if recipe not in RECIPES:
        raise ValueError(f"Expected a recipe among {sorted(RECIPES)}; got {recipe!r}.")
    console = console or Console()
    how = RECIPES[recipe]
    epochs = how.epochs if epochs is None else epochs
    pictures = datasets.load(data, **({"seed": seed} if data == "digits" else {}))
    _check_epochs(how, pictures, epochs)
    out.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    console.print(f"{pictures!r}, recipe {recipe}, seed {seed}", highlight=False)

    sharpener = how.sharpener(epochs, probe=pictures.x_train[:_PROBE])
    models = {}
    with Progress(TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TextColumn("epochs"),
                  TimeElapsedColumn(), TextColumn("{task.fields[accuracy]}"), console=console) as progress:
        for name, title in (("relu", "ReLU twin"), ("spiking", "spiking network")):
            keras.utils.set_random_seed(seed)
            model = models[name] = how.mlp(pictures.x_train.shape[1], pictures.classes, spiking=name == "spiking")
            how.compile(model, len(pictures.x_train), epochs)
            bar = _Bar(progress, progress.add_task(title, total=epochs, accuracy=""))
            model.fit(pictures.x_train, pictures.y_train, epochs=epochs, verbose=0,
                      batch_size=how.batches_of(len(pictures.x_train)),
                      validation_data=(pictures.x_test, pictures.y_test),
                      callbacks=[sharpener, bar] if name == "spiking" else [bar])
    trace = sharpener.trace
    trace.meta |= {"data": data, "recipe": recipe, "seed": seed}
    files = [trace.save(out / "trace.npz")]
    sharpness = trace.sharpness[-1]
    if sharpness.min() < 1:
        raise ValueError(f"Expected every layer fully sharp after {epochs} epochs; got sharpness "
                         f"{sharpness.round(3).tolist()}. Train for more epochs; {files[0]} tells how it went.")

    network = convert(models["spiking"])
    record = simulator.run(network, pictures.x_test, labels=pictures.y_test)
    decoded = models["spiking"].predict(pictures.x_test, verbose=0).argmax(-1)
    mismatches = int((record.classes != decoded).sum())
    accuracies = {
        "relu": _accuracy(models["relu"].predict(pictures.x_test, verbose=0).argmax(-1), pictures.y_test),
        "soft": _soft_accuracy(trace),
        "spiking": _accuracy(record.classes, pictures.y_test),
    }
    console.print(f"\nTest accuracy on {len(pictures.y_test)} pictures", highlight=False)
    for name, words in (("relu", "ReLU twin"), ("soft", "soft network, before sharpening"),
                        ("spiking", "spiking network, in the simulator")):
        console.print(f"  {words:<34} {accuracies[name]:.4f}", highlight=False)
    console.print(f"Simulator: {record.spikes / record.samples:.0f} spikes a picture from {sum(record.sizes)} neurons "
                  f"in {record.steps} time steps; {_agreement(mismatches)}.", highlight=False)

    models["spiking"].save(out / "model.keras")
    files += [network.save(out / "network.npz"), record.save(out / "spikes.npz"), out / "model.keras"]
    shown = int(np.flatnonzero(record.classes == record.labels)[0]) if accuracies["spiking"] else 0
    figures: dict[str, Any] = {"activation_curves": plots.activation_curves(trace),
                               "sharpener": plots.sharpener_chart(trace),
                               "spikes": plots.spike_raster(record, sample=shown)}
    for name, figure in figures.items():
        figure.savefig(out / f"{name}.png", dpi=150)
        files.append(out / f"{name}.png")
    console.print(f"Wrote {', '.join(file.name for file in files)} to {out} "
                  f"({time.perf_counter() - began:.0f} s in all).", highlight=False)
    return Result(accuracies, mismatches, trace, record, tuple(files))


class _Bar(keras.callbacks.Callback):
    """Moves a progress bar on by an epoch."""

    def __init__(self, progress: Progress, task: Any) -> None:
        super().__init__()
        self.progress, self.task = progress, task

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        accuracy = (logs or {}).get("val_accuracy")
        self.progress.update(self.task, advance=1, accuracy="" if accuracy is None else f"test {accuracy:.3f}")


def _check_epochs(how: Recipe, pictures: datasets.Dataset, epochs: int) -> None:
    layers = len(spiking_layers(how.mlp(pictures.x_train.shape[1], pictures.classes)))
    samples = len(pictures.x_train)
    fewest = how.sharpener(epochs).policy.fewest_epochs(layers, -(-samples // how.batches_of(samples)))
    if fewest is None or epochs < fewest:
        raise ValueError(f"Expected at least {fewest or 'more than 1000'} epochs, the fewest in which the recipe "
                         f"{how.name} can sharpen {layers} layers; got {epochs}.")


def _accuracy(classes: np.ndarray, labels: np.ndarray) -> float:
    return float((classes == labels).mean())


def _soft_accuracy(trace: Trace) -> float:
    """Test accuracy after the last epoch in which nothing was sharpened yet; NaN if sharpening began in the first."""
    soft = np.flatnonzero(~trace.sharpness[trace.epoch_ends - 1].any(axis=1))
    return float(trace.epoch_metric("val_accuracy")[soft[-1]]) if len(soft) else float("nan")


def _agreement(mismatches: int) -> str:
    return "its classes are those of Keras" if not mismatches else f"{mismatches} classes differ from those of Keras"

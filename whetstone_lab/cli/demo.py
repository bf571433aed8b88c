"""``whetstone-lab demo``: the main job from end to end.

It trains and sharpens on real pictures, compares with a ReLU baseline, simulates, and keeps figures and trace.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whetstone_lab.cli import folder
from whetstone_lab.cli.arguments import Commands, command, integer
from whetstone_lab.cli.quiet import quieten_tensorflow

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console
    from rich.progress import Progress

    from whetstone_lab.datasets import Dataset
    from whetstone_lab.recipes import Recipe
    from whetstone_lab.records.trace import Trace
    from whetstone_lab.simulator import SpikeRecord
    from whetstone_lab.training.sharpener import Sharpener

#: Training samples on which the trace's histograms and firing rates are measured after each epoch.
_PROBE = 256

#: Figures, and all that a demo writes; a run that did not get sharp leaves its trace in the folder ``UNSHARP`` alone.
_FIGURES = ("activation_curves", "sharpener", "spikes")
_FILES = ("trace.npz", "network.npz", "spikes.npz", "model.keras", *(f"{name}.png" for name in _FIGURES))
_UNSHARP = "unsharp"

#: What has the adaptive policy go on whatever the loss does, and who says so in the trace.
_REGARDLESS: dict[str, Any] = {"min_init_epochs": 1, "patience": 0, "sig_increase": 1e9, "sig_decrease": 1e9}
_IN_TIME = "the demo, to be sharp in time"


@dataclass(frozen=True)
class Result:
    """What came out of a demo.

    Attributes:
        accuracies: Test accuracy in [0, 1] of the ReLU baseline (``relu``) and of the fully sharp network
            (``spiking``), both after the last epoch, and of the network just before sharpening began (``soft``), which
            had been trained for fewer epochs.
        mismatches: Test samples for which the simulator decodes another class than Keras.
        trace: The sharpening run.
        record: The spikes of the test set.
        files: What was written, less the list of it.
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
    parser.add_argument("--overwrite", action="store_true",
                        help="replace files in the folder even if they are not as a demo left them (default: stop)")


def run(args: argparse.Namespace) -> None:
    """Trains and prints what came out."""
    quieten_tensorflow()
    demonstrate(args.out, seed=args.seed, data=args.data, recipe=args.recipe, epochs=args.epochs,
                overwrite=args.overwrite)


def demonstrate(out: Path, *, seed: int = 0, data: str = "digits", recipe: str = "robust", epochs: int | None = None,
                overwrite: bool = False, console: Console | None = None) -> Result:
    """Trains a spiking network and its ReLU baseline, simulates the former, and writes what came out.

    The files of an earlier demo in the folder give way to those of this one when all is done, and not before.

    Args:
        out: Folder to write to; made if it is not there.
        seed: Seed of the split of the digits, the weights and the batches. Default: 0.
        data: A name that ``datasets.load`` takes. Default: ``"digits"``.
        recipe: A name in ``recipes.RECIPES``. Default: ``"robust"``.
        epochs: Epochs of training. Default: the recipe's.
        overwrite: Whether files of the demo's names are replaced though they are not as a demo left them. Default:
            they are refused.
        console: Where to print. Default: standard output.

    Returns:
        The figures, the trace and the spikes.

    Raises:
        ValueError: ``data`` or ``recipe`` is not known, ``data`` has a class for each pixel, or the epochs do not
            suffice to sharpen every layer, which is said before training; or the network did not get sharp all the
            same, as when its loss is no number. Then its trace is written to a folder of its own.
        FileExistsError: Files in the folder would be overwritten that no demo left there so.
        FileNotFoundError: The data are not at hand and cannot be downloaded.
    """
    from rich.console import Console

    from whetstone_lab import datasets, simulator
    from whetstone_lab.conversion.convert import convert
    from whetstone_lab.recipes import RECIPES
    from whetstone_lab.training import model_file

    if recipe not in RECIPES:
        raise ValueError(f"Expected a recipe among {sorted(RECIPES)}; got {recipe!r}.")
    console, how = console or Console(), RECIPES[recipe]
    epochs = how.epochs if epochs is None else epochs
    pictures = datasets.load(data, **({"seed": seed} if datasets.is_drawn(data) else {}))
    if pictures.y_train.ndim > 1:
        raise ValueError(f"Expected a dataset with a class for each picture; {data} has one for each pixel, which the "
                         "demo's perceptron does not give. Train whetstone_lab.models.segmenter on it.")
    _check_epochs(how, pictures, epochs)
    began = time.perf_counter()
    with folder.replaced(out, _FILES, overwrite) as temporary:
        console.print(f"{pictures!r}, recipe {recipe}, seed {seed}", highlight=False)
        baseline, model, trace = _train(how, pictures, epochs, seed, console)
        trained_on = pictures.split.meta if pictures.split is not None else {}
        trace.meta |= {"data": data, "recipe": recipe, "seed": seed, **trained_on}
        _check_sharp(trace, epochs, out, overwrite)
        network = convert(model)
        network.meta |= trained_on
        record = simulator.run(network, pictures.x_test, labels=pictures.y_test)
        mismatches = int((record.classes != _classes(model, pictures)).sum())
        accuracies = {"relu": float((_classes(baseline, pictures) == pictures.y_test).mean()),
                      "soft": _soft_accuracy(trace),
                      "spiking": float((record.classes == pictures.y_test).mean())}
        _tell(accuracies, mismatches, trace, record, console)

        trace.save(temporary / "trace.npz")
        network.save(temporary / "network.npz")
        record.save(temporary / "spikes.npz")
        model.save(temporary / "model.keras")
        model_file.write_notes(temporary / "model.keras", trained_on)
        _draw(trace, record, temporary)
    console.print(f"Wrote {', '.join(_FILES)} to {out} ({time.perf_counter() - began:.0f} s in all).", highlight=False)
    return Result(accuracies, mismatches, trace, record, tuple(out / name for name in _FILES))


def _train(how: Recipe, pictures: Dataset, epochs: int, seed: int, console: Console) -> tuple[Any, Any, Trace]:
    """Trains the ReLU baseline, then the spiking network; gives both models and the trace of the second."""
    import keras
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from whetstone_lab.training.averaging import build_optimizer

    sharpener = how.sharpener(epochs, probe=pictures.x_train[:_PROBE])
    models = []
    with Progress(TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TextColumn("epochs"),
                  TimeElapsedColumn(), TextColumn("{task.fields[accuracy]}"), console=console) as progress:
        for title, spiking in (("ReLU baseline", False), ("spiking network", True)):
            keras.utils.set_random_seed(seed)
            model = how.mlp(pictures.x_train.shape[1], pictures.classes, spiking=spiking)
            how.compile(model, len(pictures.x_train), epochs)
            build_optimizer(model)
            bar = _bar(progress, progress.add_task(title, total=epochs, accuracy=""))
            model.fit(pictures.x_train, pictures.y_train, epochs=epochs, verbose=0,
                      batch_size=how.batches_of(len(pictures.x_train)),
                      validation_data=(pictures.x_test, pictures.y_test),
                      callbacks=[sharpener, _in_time(sharpener, epochs), bar] if spiking else [bar])
            models.append(model)
    return models[0], models[1], sharpener.trace


def _bar(progress: Progress, task: Any) -> Any:
    """A callback that moves a progress bar on by an epoch."""
    import keras

    def move(epoch: int, logs: Any = None) -> None:
        accuracy = (logs or {}).get("val_accuracy")
        progress.update(task, advance=1, accuracy="" if accuracy is None else f"test {accuracy:.3f}")

    return keras.callbacks.LambdaCallback(on_epoch_end=move)


def _in_time(sharpener: Sharpener, epochs: int) -> Any:
    """A callback by which the adaptive policy no longer heeds the loss when the epochs left are just enough without."""
    import keras

    def look(epoch: int, logs: Any = None) -> None:
        policy, state = sharpener.policy, sharpener.state
        if policy.name != "adaptive" or state is None or state.sharp or not state.batches:
            return  # the others heed no loss
        heedless = policy.steered(**_REGARDLESS)
        left = epochs - epoch - 1
        if policy != heedless and heedless.fewest_epochs(state.sharpness, state.batches, left - 1) is None:
            sharpener.steer(_IN_TIME, **_REGARDLESS)

    return keras.callbacks.LambdaCallback(on_epoch_end=look)


def _check_sharp(trace: Trace, epochs: int, out: Path, overwrite: bool) -> None:
    """Raises a ``ValueError`` where a layer is not sharp, once the trace is written to a folder of its own."""
    sharpness = trace.sharpness[-1]
    if sharpness.min() < 1:
        with folder.replaced(out / _UNSHARP, ["trace.npz"], overwrite) as temporary:
            trace.save(temporary / "trace.npz")
        raise ValueError(f"Expected every layer fully sharp after {epochs} epochs; got sharpness "
                         f"{sharpness.round(3).tolist()}. {out / _UNSHARP / 'trace.npz'} tells how it went; nothing "
                         f"else in {out} has changed.")


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


def _soft_epochs(trace: Trace) -> int | None:
    """How many epochs passed before sharpening began; None if it began in the first."""
    soft = (~trace.sharpness[trace.epoch_ends - 1].any(axis=1)).nonzero()[0]
    return int(soft[-1]) + 1 if len(soft) else None


def _soft_accuracy(trace: Trace) -> float:
    """Test accuracy after the last epoch in which nothing was sharpened yet; NaN if sharpening began in the first."""
    epochs = _soft_epochs(trace)
    return float("nan") if epochs is None else float(trace.epoch_metric("val_accuracy")[epochs - 1])


def _tell(accuracies: dict[str, float], mismatches: int, trace: Trace, record: SpikeRecord, console: Console) -> None:
    lines = [f"\nTest accuracy on {record.samples} pictures"]
    soft = _soft_epochs(trace)
    for name, words, epochs in (("relu", "ReLU baseline", trace.epochs),
                                ("soft", "soft network, before sharpening", soft),
                                ("spiking", "spiking network, in the simulator", trace.epochs)):
        when = f"after epoch {epochs} of {trace.epochs}" if epochs else "sharpening began in the first epoch"
        lines.append(f"  {words:<34} {accuracies[name]:.4f}  {when}")
    hurried = [event.epoch for event in trace.events if event.values.get("by") == _IN_TIME]
    if hurried:
        lines.append(f"After epoch {hurried[0] + 1} sharpening went on whatever the loss did, as the epochs left were "
                     "just enough for it; with more epochs it heeds the loss.")
    agreement = (f"{mismatches} classes differ from those of Keras" if mismatches else
                 "its classes are those of Keras")
    lines.append(f"Simulator: {record.spikes / record.samples:.0f} spikes a picture from {sum(record.sizes)} neurons "
                 f"in {record.steps} time steps; {agreement}.")
    console.print("\n".join(lines), highlight=False)


def _draw(trace: Trace, record: SpikeRecord, out: Path) -> None:
    """Draws the run and the spikes of one picture, the first that was read right."""
    from whetstone_lab.view import plots

    right = (record.classes == record.labels).nonzero()[0]
    figures = (plots.activation_curves(trace), plots.sharpener_chart(trace),
               plots.spike_raster(record, sample=int(right[0]) if len(right) else 0))
    for name, figure in zip(_FIGURES, figures, strict=True):
        figure.savefig(out / f"{name}.png", dpi=150)

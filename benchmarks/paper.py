"""Every system of the method's slides on real data, spiking beside its ReLU baseline, in the same run.

    python benchmarks/paper.py fashion --seeds 0 1 2 --out results.jsonl
    python benchmarks/paper.py --table --out results.jsonl                  # only prints what is there

Each training is a line in the results file as soon as it is done, and is not repeated when the study goes on: it may be
stopped at any time, and several commands may write to one file, each with other systems or seeds. ``--jobs`` trains
several at a time. ``--gpu`` trains on a GPU with Keras on JAX or PyTorch; it gives Keras many batches at a time, and
notes what a net reaches after each epoch beside the results file, should the minutes end before the training.

Spiking nets are trained by ``whetstone_lab.train`` with nothing set but the number of epochs. Baselines see as many
epochs of the same data with the same optimizer, their rate falling along a cosine. Tables are Markdown.

To add a system, add an entry to ``SYSTEMS``.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import results

#: Batches that Keras trains on at a time on a GPU, where a small net waits for Python between two.
STEPS = 20


class Data(NamedTuple):
    """What a net is trained and judged on: inputs and targets, samples first."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def pictures(name: str) -> Callable[[str | None], Data]:
    """Loads labelled pictures by the name that ``whetstone_lab.datasets.load`` knows, from a path or where they lie."""
    def load(path: str | None) -> Data:
        from whetstone_lab import datasets

        found = datasets.load(name, **({} if path is None else {"path": path}))
        shape = (-1, *found.image_shape)
        return Data(found.x_train.reshape(shape), found.y_train, found.x_test.reshape(shape), found.y_test)

    return load


def accuracy(model: Any, data: Data) -> float:
    """Share of the test samples that the model classifies rightly."""
    return float((model.predict(data.x_test, batch_size=500, verbose=0).argmax(-1) == data.y_test).mean())


@dataclass(frozen=True)
class System:
    """One system of the slides.

    Attributes:
        load: Makes the data, given a path or None.
        nets: Label -> what makes the net of that row, not compiled, given the data and ``spiking``.
        score: What a trained model reaches on the data; called with the model and the data.
        epochs: Of each training.
        batch_size: Of each training.
        loss: As for ``whetstone_lab.train``.
        shift: Training pictures are shifted by up to so many pixels and flipped, anew in each epoch; 0 for neither.
        unit: By what the difference of two scores is multiplied in the table: 100 for points.
    """

    load: Callable[[str | None], Data]
    nets: Mapping[str, Callable[[Data, bool], Any]]
    score: Callable[[Any, Data], float] = accuracy
    epochs: int = 20
    batch_size: int = 128
    loss: Any = "auto"
    shift: int = 0
    unit: float = 100.0


def convnet(batchnorm: bool) -> Callable[[Data, bool], Any]:
    """The published topology, filters of 7, 5 and 3, in a size that two cores train."""
    def make(data: Data, spiking: bool) -> Any:
        from whetstone_lab import models

        return models.convnet(data.x_train.shape[1:], 10, filters=(16, 32, 64), kernel=(7, 5, 3), padding="same",
                              batchnorm=batchnorm, spiking=spiking)

    return make


def vgg(filters: Sequence[int]) -> Callable[[Data, bool], Any]:
    """The deep plain net."""
    def make(data: Data, spiking: bool) -> Any:
        from whetstone_lab import models

        return models.vgg(data.x_train.shape[1:], 10, filters=filters, spiking=spiking)

    return make


def resnet(depth: int, filters: Sequence[int] = (16, 32, 64), **options: str) -> Callable[..., Any]:
    """The residual net."""
    def make(data: Data, spiking: bool) -> Any:
        from whetstone_lab import models

        return models.resnet(data.x_train.shape[1:], 10, depth=depth, filters=filters, spiking=spiking, **options)

    return make


#: Name -> system; a new one is one entry.
SYSTEMS: dict[str, System] = {
    "fashion": System(pictures("fashion_mnist"), {"convnet 7-5-3": convnet(False),
                                                  "convnet 7-5-3, batch norm": convnet(True)}),
    "cifar10": System(pictures("cifar10"), {"VGG-like, 64-128-256": vgg((64, 128, 256))}, epochs=60,
                      shift=4),
    "residual-mnist": System(pictures("mnist"), {
        "depth 8": resnet(8), "depth 20": resnet(20), "depth 32": resnet(32),
        "depth 20, identity skips alone": resnet(20, shortcut="identity"),
        "depth 20, skips of spikes": resnet(20, skip="spikes")}),
    "residual-cifar10": System(pictures("cifar10"), {
        "depth 8": resnet(8), "depth 20": resnet(20), "depth 32": resnet(32)}, epochs=60, shift=4),
}


def shifted(x: np.ndarray, y: np.ndarray, size: int, shift: int, seed: int) -> Any:
    """Batches of pictures that are shifted and flipped at random, as is usual on CIFAR-10; edges are mirrored."""
    import keras

    rng = np.random.default_rng(seed)
    rows, columns = x.shape[1:3]
    padded = np.pad(x, ((0, 0), (shift, shift), (shift, shift), (0, 0)), mode="reflect")

    class Shifted(keras.utils.PyDataset):
        order = rng.permutation(len(x))

        def __len__(self) -> int:
            return -(-len(x) // size)

        def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
            chosen = self.order[number * size:(number + 1) * size]
            down, right = rng.integers(0, 2 * shift + 1, (2, len(chosen), 1))
            taken = right + np.arange(columns)
            taken = np.where(rng.random((len(chosen), 1)) < 0.5, taken, taken[:, ::-1])
            return padded[chosen[:, None, None], (down + np.arange(rows))[:, :, None], taken[:, None, :]], y[chosen]

        def on_epoch_end(self) -> None:
            self.order = rng.permutation(len(x))

    return Shifted()


class Job(NamedTuple):
    """One training; ``samples`` is None for all there are."""

    system: str
    net: str
    spiking: bool
    seed: int
    epochs: int
    samples: int | None


def train(job: Job, path: str | None, progress: Path | None = None) -> dict[str, Any]:
    """Trains one net and says what it reaches; with a file for it also how far it is after each epoch, on a GPU."""
    import keras

    import whetstone_lab as wl

    began, system = time.perf_counter(), SYSTEMS[job.system]
    data = system.load(path)
    x, y = data.x_train[:job.samples], data.y_train[:job.samples]
    data = data._replace(x_train=x, y_train=y)
    keras.utils.set_random_seed(job.seed)
    model = system.nets[job.net](data, job.spiking)
    inputs = ((shifted(x, y, system.batch_size, system.shift, job.seed),) if system.shift else (x, y))
    options: dict[str, Any] = {"epochs": job.epochs, "verbose": 0} | (
        {} if system.shift else {"batch_size": system.batch_size})
    compiled: dict[str, Any] = {}
    if progress is not None:
        compiled = {} if keras.backend.backend() == "torch" else {"steps_per_execution": STEPS}
        options["callbacks"] = [keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: results.note(
            progress, {**job._asdict(), "epoch": epoch, "logs": {name: float(value) for name, value in logs.items()},
                       "seconds": round(time.perf_counter() - began, 1)}))]
    if job.spiking:
        wl.train(model, *inputs, loss=system.loss, **options, **compiled)
        if not all(float(layer.sharpness) == 1.0 for layer in wl.spiking_layers(model)):
            raise ValueError(f"Expected every layer to be sharp after {job.epochs} epochs; it takes more of them.")
    else:
        from whetstone_lab.training.objectives import fitting_loss

        optimizer = wl.recipes.OPTIMIZERS["adam"]()
        steps = -(-len(x) // system.batch_size) * job.epochs
        optimizer.learning_rate = keras.optimizers.schedules.CosineDecay(float(optimizer.learning_rate), steps)
        model.compile(optimizer, fitting_loss(model, y) if system.loss == "auto" else system.loss, **compiled)
        model.fit(*inputs, **options)
        wl.estimate_norm_statistics(model, inputs[0])  # as train does for the other
    return {**job._asdict(), "score": system.score(model, data), "seconds": round(time.perf_counter() - began, 1),
            "backend": keras.backend.backend()}


def read(path: Path) -> dict[Job, float]:
    """The scores in a results file."""
    return {Job(*(entry[name] for name in Job._fields)): float(entry["score"]) for entry in results.read(path)}


def jobs(systems: Sequence[str], seeds: Sequence[int], epochs: int | None, samples: int | None) -> list[Job]:
    """What is to be trained, seed by seed, so that a study that is cut short has something of everything."""
    return [Job(name, net, spiking, seed, epochs or SYSTEMS[name].epochs, samples)
            for seed in seeds for name in systems for net in SYSTEMS[name].nets for spiking in (True, False)]


def measure(todo: Sequence[Job], out: Path, path: str | None, processes: int, backend: str | None,
            gpu: bool = False) -> None:
    """Trains what the results file has not, each in a process of its own."""
    import multiprocessing

    missing = [job for job in todo if job not in read(out)]
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"), initializer=_prepare,
                             initargs=(backend, processes), max_tasks_per_child=1) as pool:
        progress = out.with_suffix(".epochs.jsonl") if gpu else None
        running = {pool.submit(train, job, path, progress): job for job in missing}
        for number, future in enumerate(as_completed(running), 1):
            job = running[future]
            if future.exception():  # the others go on
                print(f"{number} of {len(missing)} failed, {job}: {future.exception()}", file=sys.stderr)
                continue
            result = future.result()
            results.note(out, result)
            print(f"{number} of {len(missing)}: {result['score']:.4f} in {result['seconds']:.0f} s, {job}",
                  file=sys.stderr, flush=True)


def _prepare(backend: str | None, processes: int) -> None:
    """Shares the cores among the processes; before Keras is loaded."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # several trainings share a GPU
    threads = str(max((os.cpu_count() or 1) // processes, 1))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        os.environ.setdefault(name, threads)
    if backend:
        os.environ["KERAS_BACKEND"] = backend


def table(found: Mapping[Job, float]) -> str:
    """The results in Markdown: each seed's score, their means, and the difference, net minus baseline.

    A row has the seeds of which both were trained; trainings of other lengths stand in rows of their own.
    """
    lines = ["| system | net | spiking | mean | ReLU | mean | difference |", 7 * "| --- " + "|"]
    rows: dict[tuple[Any, ...], list[Job]] = {}
    for job in found:
        if job.spiking and job._replace(spiking=False) in found:
            rows.setdefault((job.system, job.net, job.epochs, job.samples), []).append(job)
    for (system, net, epochs, samples), row in sorted(rows.items(), key=lambda item: str(item[0])):
        row.sort(key=lambda job: job.seed)
        both = [[found[job] for job in row], [found[job._replace(spiking=False)] for job in row]]
        means = [math.fsum(scores) / len(scores) for scores in both]
        cells = [f"{', '.join(f'{score:.4f}' for score in scores)} | **{mean:.4f}**"
                 for scores, mean in zip(both, means, strict=True)]
        unit = SYSTEMS[system].unit if system in SYSTEMS else 1.0
        label = f"{net}, {epochs} epochs" + (f" of {samples:,} samples" if samples else "")
        lines.append(f"| {system} | {label} | {' | '.join(cells)} | {unit * (means[0] - means[1]):+.2f} |")
    return "\n".join(lines)


def main() -> None:
    """Trains what is asked for and is not there yet, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("systems", nargs="*", metavar="SYSTEM",
                        help=f"what to train: {', '.join(SYSTEMS)} (default: all of them)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, help="default: as each system says")
    parser.add_argument("--samples", type=int, help="train on so many samples only (default: all)")
    parser.add_argument("--data", metavar="FILE", help="the data set (default: where datasets.load looks)")
    parser.add_argument("--out", metavar="FILE", type=Path, default=Path("paper.jsonl"),
                        help="where each training is noted (default: ./paper.jsonl)")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at a time (default: 1)")
    parser.add_argument("--backend", choices=["tensorflow", "jax", "torch"], help="default: Keras's own")
    parser.add_argument("--gpu", action="store_true", help="train on a GPU, on JAX unless --backend says torch")
    parser.add_argument("--table", action="store_true", help="only print the table")
    args = parser.parse_args()
    if unknown := [name for name in args.systems if name not in SYSTEMS]:
        parser.error(f"expected systems among {', '.join(SYSTEMS)}; got {', '.join(unknown)}")
    if not args.table:
        measure(jobs(args.systems or [*SYSTEMS], args.seeds, args.epochs, args.samples), args.out, args.data,
                args.jobs, args.backend or ("jax" if args.gpu else None), args.gpu)
    print(table(read(args.out)))


if __name__ == "__main__":
    main()

"""``whetstone-lab simulate``: a network's file on a data set, how accurate it is and what it costs."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whetstone_lab.cli import split
from whetstone_lab.cli.arguments import Commands, command, integer

if TYPE_CHECKING:
    import numpy as np

    from whetstone_lab.datasets import Dataset
    from whetstone_lab.records.spikes import SpikeRecord
    from whetstone_lab.simulator.network import Network
    from whetstone_lab.simulator.readouts import Readout

#: Samples between two movements of the progress bar.
_CHUNK = 250


def add(commands: Commands) -> None:
    """Declares the command and its arguments."""
    parser = command(commands, "simulate", run,
                     "run a network of spiking neurons on a data set, and say how accurate it is and what it costs")
    parser.add_argument("network", metavar="NETWORK", type=Path, help="the network, a file such as .npz or .nir")
    parser.add_argument("--data", metavar="NAME", default=None,
                        help="a data set: digits, mnist, fashion_mnist, cifar10, scenes or camvid; its test samples "
                             "(default: the one that the network was trained on; digits where its file does not say)")
    split.add_split(parser)
    parser.add_argument("--samples", metavar="N", type=integer(1), default=None,
                        help="how many samples, at least 1 (default: all)")
    parser.add_argument("-o", "--out", metavar="FILE", type=Path, default=None,
                        help="an .npz file for every spike (default: none is kept)")


def run(args: argparse.Namespace) -> None:
    """Runs the first test samples of a data set, prints what came out, and writes every spike where it is asked to.

    Raises:
        FileNotFoundError: There is no such network, or no such data.
        ArchiveError: The file is damaged or something else.
        ValueError: There is no such data set, the network is not for its pictures or was trained on another split of
            them, or the file is a model that has not been converted, or the one to write to.
    """
    path, out = args.network, args.out
    if path.suffix == ".keras":
        raise ValueError(f"Expected a network, .npz or .nir; got the Keras model {path}. Make a network of it first: "
                         f"whetstone-lab convert {path} -o {path.with_suffix('.npz')}")
    if out is not None:
        if out.resolve() == path.resolve():
            raise ValueError(f"Expected another file for the spikes than the network's; got {out} for both.")
        out.parent.mkdir(parents=True, exist_ok=True)
    from whetstone_lab import datasets

    network = read_network(path)
    trained_on = datasets.Split.of(network.meta)
    dataset = split.load(trained_on, args.data, args.seed, args.test_fraction)
    check_pictures(network, dataset, path)
    print(report(network, dataset, args.samples))
    print(split.told(trained_on, dataset))
    if out is not None:
        from rich.console import Console

        with Console(stderr=True).status(f"Writing {out}"):
            record(network, dataset, args.samples).save(out)
        print(f"Wrote {out}")


def read_network(path: Path) -> Network:
    """Reads a network in the format that the path's suffix names, one of ``exchange.targets``; else as an ``.npz``."""
    from whetstone_lab.exchange import targets
    from whetstone_lab.simulator.network import Network

    return targets.read(path) if path.suffix in targets.targets() else Network.load(path)


def check_pictures(network: Network, dataset: Dataset, path: Path) -> None:
    """Refuses a network, which was read from ``path``, that does not take the pictures of a data set."""
    if len(network.inputs) > 1:
        raise ValueError(f"Expected a network with one input, which takes pictures; {path} has the inputs "
                         f"{', '.join(network.inputs)}. Run it from Python, with an array for each.")
    if math.prod(network.input_shape) != math.prod(dataset.image_shape):
        raise ValueError(f"Expected a network for the pictures of {dataset.name}, {dataset.image_shape}; {path} takes "
                         f"inputs of shape {network.input_shape}.")


def record(network: Network, dataset: Dataset, samples: int | None = None) -> SpikeRecord:
    """Every spike of a network on the first test samples of a data set, and the truth where an output stands for it."""
    from whetstone_lab import simulator

    x, labels = _test_samples(network, dataset, samples)
    known = {name: labels for name, head in network.heads.items()
             if labels.shape[1:] in ((), head.places) and
             (head.kind == "spikes" or (head.decides and head.columns >= dataset.classes))}
    return simulator.run(network, x, labels=known)


def report(network: Network, dataset: Dataset, samples: int | None = None) -> str:
    """What a network does on test samples: its accuracy or mean IoU, and what a sample costs on average.

    Args:
        network: The network.
        dataset: Pictures of as many values as the network takes.
        samples: How many test samples, the first ones. Default: all.

    Returns:
        Lines to print.
    """
    import numpy as np
    from rich.console import Console
    from rich.progress import track

    from whetstone_lab.simulator import count_operations, predict

    x, labels = _test_samples(network, dataset, samples)
    scored = [name for name, head in network.heads.items() if _decides(head, dataset)]
    found: list[Any] = []
    classes: dict[str, list[Any]] = {name: [] for name in scored}
    chunks = [slice(start, start + _CHUNK) for start in range(0, len(x), _CHUNK)]
    for chunk in track(chunks, "Simulating", console=Console(stderr=True), transient=True):
        found.append(count_operations(network, x[chunk]))
        if scored:
            decided = predict(network, x[chunk])
            for name in scored:
                classes[name].append(decided[name] if isinstance(decided, dict) else decided)

    def mean(name: str) -> float:
        return float(np.concatenate([getattr(part, name) for part in found]).mean())

    return "\n".join([
        repr(network),
        f"{len(x)} test samples of {dataset.name}; on average a sample takes",
        f"  {found[0].latency:12} time steps",
        f"  {mean('spikes'):12,.1f} spikes of {network.neurons:,} neurons",
        f"  {mean('synaptic_operations'):12,.0f} synaptic operations",
        f"  {mean('macs'):12,.0f} multiply-accumulates (MACs); its ReLU baseline {found[0].baseline_macs:,}",
        f"  {mean('energy') * 1e9:12,.3f} nJ of arithmetic at 45 nm; its ReLU baseline "
        f"{found[0].baseline_energy * 1e9:,.3f} nJ",
        *(_score(_of(network, name), np.concatenate(classes[name]), labels, dataset, head.columns) if name in scored
          else _not_scored(_of(network, name), head, dataset) for name, head in network.heads.items()),
    ])


def _score(of: str, classes: np.ndarray, labels: np.ndarray, dataset: Dataset, count: int) -> str:
    """How good an output is: its accuracy; of one with a class for each pixel, the mean IoU."""
    from whetstone_lab.method import class_maps
    from whetstone_lab.simulator import accuracy

    if labels.ndim == 1:
        return f"Accuracy{of} {accuracy(classes, labels):.4f}"
    return f"Mean IoU{of} {class_maps.mean_iou(classes, labels, count, dataset.void):.4f}"


def _decides(head: Readout, dataset: Dataset) -> bool:
    """Whether an output has a class for whatever has a label, among as many as the data set has."""
    return head.decides and head.places == dataset.y_test.shape[1:] and head.columns >= dataset.classes


def _of(network: Network, output: str) -> str:
    return f" of {output}" if len(network.heads) > 1 else ""


def _not_scored(of: str, head: Readout, dataset: Dataset) -> str:
    """Why an output has no accuracy on a data set."""
    if head.decides and head.places == dataset.y_test.shape[1:]:
        return (f"No accuracy{of}: the output decides between {head.columns} classes, and {dataset.name} has "
                f"{dataset.classes}.")
    return f"The output{of} stands for no classes of {'pixels' if dataset.y_test.ndim > 1 else 'pictures'}."


def _test_samples(network: Network, dataset: Dataset, samples: int | None) -> tuple[np.ndarray, np.ndarray]:
    return dataset.x_test[:samples].reshape(-1, *network.input_shape), dataset.y_test[:samples]

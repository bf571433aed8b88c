"""What the command line does with files: a Keras model into a network's file, and a network's file on a dataset."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from whetstone_lab import datasets
from whetstone_lab.simulator import Network, accuracy, count_operations, predict, run

#: Samples between two movements of the progress bar.
_CHUNK = 250


def convert(model: Path, out: Path, *, as_if_sharp: bool = False, absorb_biases: bool = False) -> Network:
    """Converts a saved Keras model and writes the network.

    Args:
        model: A ``.keras`` file. Keras refuses code that stands in one.
        out: Where to write: ``.npz``, or ``.nir``.
        as_if_sharp: Whether spiking layers that are not fully sharp are taken as if they were. Default: False.
        absorb_biases: Whether biases move into thresholds. Default: False.

    Returns:
        The network that was written.

    Raises:
        FileNotFoundError: There is no such model.
        ValueError: The name of the model, or of what to write, ends otherwise; or as in ``whetstone_lab.convert`` and
            ``to_nir``.
    """
    if out.suffix not in (".npz", ".nir"):
        raise ValueError(f"Expected to write a file whose name ends in .npz or .nir; got {out}.")
    if not model.is_file():
        raise FileNotFoundError(f"There is no file {model}.")
    if model.suffix != ".keras":  # code in older formats is run by some releases of Keras
        raise ValueError(f"Expected a model whose name ends in .keras, as model.save writes it; got {model}.")
    with Console(stderr=True).status(f"Converting {model}"):
        import keras

        from whetstone_lab.conversion.convert import convert

        network = convert(keras.models.load_model(model, compile=False, safe_mode=True), require_sharp=not as_if_sharp)
        network = network.absorb_biases() if absorb_biases else network
        out.parent.mkdir(parents=True, exist_ok=True)
        if out.suffix == ".npz":
            network.save(out)
        else:
            from whetstone_lab.exchange.nir import to_nir

            to_nir(network, out)
    return network


def simulate(path: Path, *, data: str = "digits", samples: int | None = None, out: Path | None = None) -> str:
    """Runs a network on the test samples of a dataset.

    Args:
        path: The network, ``.npz`` or ``.nir``.
        data: A name that ``datasets.load`` takes. Default: ``"digits"``.
        samples: How many samples, the first ones. Default: all.
        out: Where to write every spike, an ``.npz`` that ``SpikeRecord.load`` reads. Default: nowhere.

    Returns:
        What came out, lines to print.

    Raises:
        FileNotFoundError: There is no such network, or no such data.
        ArchiveError: The file is damaged or something else.
        ValueError: There is no such dataset, the network is not for its pictures, or the file is a model that has not
            been converted, or the one to write to.
    """
    if path.suffix == ".keras":
        raise ValueError(f"Expected a network, .npz or .nir; got the Keras model {path}. Make a network of it first: "
                         f"whetstone-lab convert {path} -o {path.with_suffix('.npz')}")
    if out is not None:
        if out.resolve() == path.resolve():
            raise ValueError(f"Expected another file for the spikes than the network's; got {out} for both.")
        out.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".nir":
        from whetstone_lab.exchange.nir import from_nir

        network = from_nir(path)
    else:
        network = Network.load(path)
    dataset = datasets.load(data)
    if math.prod(network.input_shape) != math.prod(dataset.image_shape):
        raise ValueError(f"Expected a network for the pictures of {data}, {dataset.image_shape}; {path} takes inputs "
                         f"of shape {network.input_shape}.")
    x = dataset.x_test[:samples].reshape(-1, *network.input_shape)
    labels = dataset.y_test[:samples]
    # A network may also have a class for each place of an image, or none; a picture has one.
    decides = network.head.decides and not network.head.places
    classes, found = [], []
    chunks = [slice(start, start + _CHUNK) for start in range(0, len(x), _CHUNK)]
    for chunk in track(chunks, "Simulating", console=Console(stderr=True), transient=True):
        found.append(count_operations(network, x[chunk]))
        if decides:
            classes.append(predict(network, x[chunk]))

    def mean(name: str) -> float:
        return float(np.concatenate([getattr(part, name) for part in found]).mean())

    if out is not None:
        with Console(stderr=True).status(f"Writing {out}"):
            run(network, x, labels=labels).save(out)
    return "\n".join([
        repr(network),
        f"{len(x)} test samples of {data}; on average a sample takes",
        f"  {found[0].latency:12} time steps",
        f"  {mean('spikes'):12,.1f} spikes of {network.neurons:,} neurons",
        f"  {mean('synaptic_operations'):12,.0f} synaptic operations",
        f"  {mean('macs'):12,.0f} multiply-accumulates (MACs); its ReLU baseline {found[0].baseline_macs:,}",
        f"  {mean('energy') * 1e9:12,.3f} nJ of arithmetic at 45 nm; its ReLU baseline "
        f"{found[0].baseline_energy * 1e9:,.3f} nJ",
        f"Accuracy {accuracy(np.concatenate(classes), labels):.4f}" if decides else
        "The output stands for no classes of pictures.",
        *([f"Wrote {out}"] if out is not None else []),
    ])

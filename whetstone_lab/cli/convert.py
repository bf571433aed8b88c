"""``whetstone-lab convert``: a sharpened Keras model into a network's file."""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from whetstone_lab.cli import split
from whetstone_lab.cli.arguments import Commands, command
from whetstone_lab.cli.quiet import quieten_tensorflow

if TYPE_CHECKING:
    from whetstone_lab.datasets import Split
    from whetstone_lab.simulator.network import Network


def add(commands: Commands) -> None:
    """Declares the command and its arguments."""
    parser = command(commands, "convert", run, "convert a sharpened Keras model into a network of spiking neurons")
    parser.add_argument("model", metavar="MODEL", type=Path, help="the model, a .keras file")
    parser.add_argument("-o", "--out", metavar="FILE", type=Path, required=True,
                        help="where to write; the name ends in a format, such as .npz, for the simulator here and any "
                             "language, or .nir, for others")
    parser.add_argument("--as-if-sharp", action="store_true",
                        help="take spiking layers that are not fully sharp as if they were")
    parser.add_argument("--absorb-biases", action="store_true", help="move biases into thresholds; spikes stay")
    parser.add_argument("--readout", metavar="[OUTPUT=]KIND", action="append", default=[],
                        help="how the output is read: linear (the largest wins), logit (each value answers yes or no) "
                             "or values (a regression); of several outputs by name, once for each (default: as the "
                             "last layer and the model's loss say)")
    parser.add_argument("--data", metavar="NAME", default=None,
                        help="the data set that the model was trained on, for the network's file to say, where the "
                             "model's does not; that of a demo does (default: digits if a split is named, else none)")
    split.add_split(parser)


def run(args: argparse.Namespace) -> None:
    """Converts, and prints what came out, a line for each node."""
    quieten_tensorflow()
    from whetstone_lab.datasets import Split
    from whetstone_lab.exchange.targets import target_of

    named = split.named(args.data, args.seed, args.test_fraction)
    network = convert_file(args.model, args.out, as_if_sharp=args.as_if_sharp, absorb_biases=args.absorb_biases,
                           trained_on=named, readout=_readout(args.readout))
    print(network.summary())
    trained_on = Split.of(network.meta)
    if trained_on is None:
        print("The model's file does not say what it was trained on, so that a test cannot tell which pictures are new "
              "to it; --data, --seed and --test-fraction say it.")
    else:
        target = target_of(args.out)
        kept = "" if target.metadata else f", which a {target.suffix} file does not keep"
        print(f"Trained on {trained_on}{kept}.")
    print(f"Wrote {args.out}")


def _readout(given: list[str]) -> str | dict[str, str] | None:
    """What ``--readout`` was given: one kind for the only output, or kinds by the names of outputs."""
    if not given:
        return None
    pairs = [entry.rpartition("=") for entry in given]
    if len(given) == 1 and not pairs[0][1]:
        return given[0]
    if not all(name for name, _, _ in pairs):
        raise ValueError(f"Expected one --readout KIND, or --readout OUTPUT=KIND for each output; got "
                         f"{', '.join(given)}.")
    return {name: kind for name, _, kind in pairs}


def convert_file(model: Path, out: Path, *, as_if_sharp: bool = False, absorb_biases: bool = False,
                 trained_on: Split | None = None, readout: str | dict[str, str] | None = None) -> Network:
    """Converts a saved Keras model and writes the network.

    Args:
        model: A ``.keras`` file. Keras refuses code that stands in one.
        out: Where to write; the suffix says in which format, one of ``exchange.targets``.
        as_if_sharp: Whether spiking layers that are not fully sharp are taken as if they were. Default: False.
        absorb_biases: Whether biases move into thresholds. Default: False.
        trained_on: What the model was trained on, for the network to say. Default: what the model's file says, if
            anything.
        readout: How the output is read, as for ``convert``. Default: as the last layer and the loss in the file say;
            where neither does, what is assumed is printed.

    Returns:
        The network that was written.

    Raises:
        FileNotFoundError: There is no such model.
        ArchiveError: The model's file is damaged, or is no saved model.
        ValueError: The name of the model, or of what to write, ends otherwise; the model cannot be converted, or its
            file says that it was trained on something else; or the format has no word for a part of the network.
    """
    from rich.console import Console

    from whetstone_lab.exchange import targets
    from whetstone_lab.training import model_file

    targets.target_of(out)  # asked before Keras is loaded, which takes seconds
    if not model.is_file():
        raise FileNotFoundError(f"There is no file {model}.")
    if model.suffix != ".keras":  # code in older formats is run by some releases of Keras
        raise ValueError(f"Expected a model whose name ends in .keras, as model.save writes it; got {model}.")
    model_file.check(model)
    trained_on = _trained_on(model, trained_on)
    with Console(stderr=True).status(f"Converting {model}"):
        import keras

        from whetstone_lab.conversion.convert import convert
        from whetstone_lab.training.heads import heads_of

        loaded = keras.models.load_model(model, compile=False, safe_mode=True)
        loss = model_file.read_loss(model)
        if loss is not None:
            loaded.compile(loss=loss)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", UserWarning)
            network = convert(loaded, require_sharp=not as_if_sharp, readout=readout)
        # What was assumed of a single value is a warning already; of several values it is not.
        heads = zip(heads_of(loaded), network.heads.values(), strict=True)
        notes = [head.assumed for head, read in heads if head.assumed and read.kind == head.kind and not (
            isinstance(readout, str) or head.name in (readout or {}))]
        notes += [text for warning in said if warning.category is UserWarning
                  and (text := str(warning.message)) not in notes]
        network = network.absorb_biases() if absorb_biases else network
        network.meta |= trained_on.meta if trained_on is not None else {}
        out.parent.mkdir(parents=True, exist_ok=True)
        targets.write(network, out)
    for note in notes:
        print(f"whetstone-lab: note: {note}", file=sys.stderr)
    return network


def _trained_on(model: Path, named: Split | None) -> Split | None:
    """What a model was trained on, from its file or as it is named; the two must not differ."""
    from whetstone_lab.datasets import Split
    from whetstone_lab.training import model_file

    noted = Split.of(model_file.read_notes(model))
    if noted is not None and named is not None and noted != named:
        raise ValueError(f"Expected what {model} says that it was trained on, {noted}; got {named}.")
    return noted if named is None else named

"""``whetstone-lab export``: a network's file in another format."""

from __future__ import annotations

import argparse
from pathlib import Path

from whetstone_lab.cli.arguments import Commands, command


def add(commands: Commands) -> None:
    """Declares the command and its arguments."""
    parser = command(commands, "export", run, "write a network of spiking neurons in another format")
    parser.add_argument("network", metavar="NETWORK", type=Path, help="the network, a file such as .npz or .nir")
    parser.add_argument("-o", "--out", metavar="FILE", type=Path, required=True,
                        help="where to write; the name ends in a format, such as .onnx, .nir or .c; whetstone-lab "
                             "targets lists them")


def run(args: argparse.Namespace) -> None:
    """Reads a network, writes it, and says what the new file keeps of it.

    Raises:
        FileNotFoundError: There is no such network.
        ArchiveError: The file is damaged or something else.
        ImportError: The package that one of the formats needs is not installed.
        ValueError: A suffix names no format, both files are the same, the file is a model that has not been converted,
            or the format cannot say what the network does.
    """
    from whetstone_lab.exchange import targets

    path, out = args.network, args.out
    if path.suffix == ".keras":
        raise ValueError(f"Expected a network, such as .npz or .nir; got the Keras model {path}. Convert it: "
                         f"whetstone-lab convert {path} -o {out}")
    if out.resolve() == path.resolve():
        raise ValueError(f"Expected another file to write than the one that is read; got {out} for both.")
    target = targets.target_of(out)  # asked first, so that nothing is read or made for a wrong name
    network = targets.read(path)
    out.parent.mkdir(parents=True, exist_ok=True)
    targets.write(network, out)
    print(repr(network))
    print(f"Wrote {out}, {target.about}.")
    print(f"It keeps: {target.keeps}")

"""``whetstone-lab export``: a network's file in another format."""

from __future__ import annotations

import argparse
from pathlib import Path

from whetstone_lab.cli.arguments import Commands, command, integer


def add(commands: Commands) -> None:
    """Declares the command and its arguments."""
    parser = command(commands, "export", run, "write a network of spiking neurons in another format")
    parser.add_argument("network", metavar="NETWORK", type=Path, help="the network, a file such as .npz or .nir")
    parser.add_argument("-o", "--out", metavar="FILE", type=Path, required=True,
                        help="where to write; the name ends in a format, such as .onnx, .nir or .c; whetstone-lab "
                             "targets lists them")
    parser.add_argument("--bits", metavar="N", type=integer(2), default=None,
                        help="make it a network of whole numbers first, with N bits a weight, 2 to 16; it then takes "
                             "inputs in whole numbers, and what it writes rounds nothing (default: as it is)")
    parser.add_argument("--step", metavar="X", type=float, default=None,
                        help="with --bits, what an input of 1 stands for (default: 1/255; the digits of the demo have "
                             "0.0625)")
    parser.add_argument("--largest", metavar="N", type=integer(1), default=None,
                        help="with --bits, the largest input (default: 255; of the digits 16)")


def run(args: argparse.Namespace) -> None:
    """Reads a network, writes it, and says what the new file keeps of it.

    Raises:
        FileNotFoundError: There is no such network.
        IsADirectoryError: There is a folder where the file would be written.
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
    if out.is_dir():
        raise IsADirectoryError(f"Expected a file to write; {out} is a folder.")
    target = targets.target_of(out)  # asked first, so that nothing is read or made for a wrong name
    network = targets.read(path)
    if args.bits is not None:
        from whetstone_lab.exchange.integers import as_integers

        scale = {name: value for name, value in (("step", args.step), ("largest", args.largest)) if value is not None}
        network = as_integers(network, args.bits, **scale)
    elif args.step is not None or args.largest is not None:
        raise ValueError("Expected --step and --largest together with --bits, which makes whole numbers; got none.")
    out.parent.mkdir(parents=True, exist_ok=True)
    made = target.write(network, out)
    print(repr(network))
    print(f"Wrote {out}, {target.about}.")
    if hasattr(made, "costs"):
        print(f"It takes {made.costs}.")
    print(f"It keeps: {target.keeps}")
    if target.use:
        print(f"To use it: {target.used(out)}")

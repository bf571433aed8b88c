"""The command ``whetstone-lab``: the laboratory in JupyterLab, and the same without a browser.

Exit status: 0 when all went well, 1 on a failure, 2 on a wrong command line, 130 when interrupted.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

from whetstone_lab import __version__

_INSTALL = "python -m pip install 'whetstone-lab[lab]'"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line and returns its exit status.

    Args:
        argv: The arguments. Default: those that the program was started with.

    Raises:
        SystemExit: The command line is wrong (status 2), or asks for help or the version (status 0).
    """
    own, jupyter = _split(sys.argv[1:] if argv is None else argv)
    parser = _parser()
    args = parser.parse_args(own)
    if jupyter and args.command != "lab":
        parser.error(f"only lab takes arguments after --, for JupyterLab; got {' '.join(jupyter)}")
    try:
        if args.command == "lab":
            return lab(args.folder, jupyter)
        return {"demo": demo, "convert": convert, "simulate": simulate}[args.command](args)
    except KeyboardInterrupt:
        print("whetstone-lab: interrupted", file=sys.stderr)
        return 130
    # Whatever goes wrong, a person at a terminal gets a sentence; --debug is there for the rest.
    except Exception as error:
        if getattr(args, "debug", False):
            traceback.print_exc()
        print(f"whetstone-lab: error: {_sentence(error)}", file=sys.stderr)
        return 1


def lab(folder: Path | None, jupyter: Sequence[str] = ()) -> int:
    """Opens JupyterLab on the start notebook and returns when it is shut down.

    A checkout's notebooks are opened where they lie. Those of an installed package are first copied to a folder of the
    user's; what is there already is never overwritten.

    Args:
        folder: Where the notebooks are to lie. Default: the checkout's own folder, or ``whetstone-notebooks`` here.
        jupyter: Further arguments for JupyterLab.

    Returns:
        The exit status.

    Raises:
        ModuleNotFoundError: JupyterLab or the widgets are not installed.
    """
    for name in ("jupyterlab", "anywidget"):
        if importlib.util.find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    packaged, checkout = Path(__file__).parents[1] / "notebooks", Path(__file__).parents[2] / "notebooks"
    shipped = packaged if packaged.is_dir() else checkout
    if folder is None:
        folder = checkout if shipped == checkout else Path("whetstone-notebooks")
    if folder.resolve() != shipped.resolve():
        for name in copy_notebooks(shipped, folder):
            print(f"Kept {folder / name}, which is no longer as shipped; move it away to get the shipped one.")
    start = min(folder.glob("00*.ipynb"), default=None)
    if start is None:
        raise FileNotFoundError(f"There is no start notebook, 00*.ipynb, in {folder}.")

    from jupyterlab.labapp import LabApp

    # Not just the file's path: so the address that is printed leads to the notebook too, where no browser opens.
    LabApp.launch_instance([f"--ServerApp.root_dir={folder.resolve()}",
                            f"--LabApp.default_url=/lab/tree/{quote(start.name)}", *jupyter])
    return 0


def copy_notebooks(shipped: Path, folder: Path) -> list[str]:
    """Copies the notebooks and what lies beside them, leaving every file that is there already as it is.

    Args:
        shipped: Where they come from.
        folder: Where they go to; made where it is missing.

    Returns:
        The names of the files that were there already and differ from those shipped.
    """
    kept = []
    for source in sorted(path for path in shipped.rglob("*") if path.is_file()):
        name = source.relative_to(shipped)
        if {".ipynb_checkpoints", "__pycache__"} & set(name.parts):
            continue
        target = folder / name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        elif target.read_bytes() != source.read_bytes():
            kept.append(name.as_posix())
    return kept


def demo(args: argparse.Namespace) -> int:
    """Trains, sharpens and simulates a network without a browser, and returns the exit status."""
    _quiet()
    from whetstone_lab.cli import demo

    demo.run(args.out, seed=args.seed, data=args.data, recipe=args.recipe, epochs=args.epochs)
    return 0


def convert(args: argparse.Namespace) -> int:
    """Converts a saved Keras model into a network's file, and returns the exit status."""
    _quiet()
    from whetstone_lab.cli import commands

    network = commands.convert(args.model, args.out, as_if_sharp=args.as_if_sharp, absorb_biases=args.absorb_biases)
    print(network.summary())
    print(f"Wrote {args.out}")
    return 0


def simulate(args: argparse.Namespace) -> int:
    """Runs a network's file on a dataset, and returns the exit status."""
    from whetstone_lab.cli import commands

    print(commands.simulate(args.network, data=args.data, samples=args.samples, out=args.out))
    return 0


def _quiet() -> None:
    # TensorFlow's start-up lines would stand above ours. They say that oneDNN may round in another order, which is
    # why a seed gives the same figures on more machines without it.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    # Suppressed where it is not given, so that it may stand before or after the command.
    common.add_argument("--debug", action="store_true", default=argparse.SUPPRESS,
                        help="show where in the program an error came from")
    parser = argparse.ArgumentParser("whetstone-lab", parents=[common],
                                     description="Train networks into single-spike networks with the Whetstone method.")
    parser.add_argument("--version", action="version", version=f"whetstone-lab {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    about = "open the laboratory in JupyterLab, on the start notebook"
    lab = commands.add_parser(
        "lab", parents=[common], help=about, description=about.capitalize() + ".",
        epilog="What follows a lone -- goes to JupyterLab: whetstone-lab lab -- --no-browser --port 9999")
    lab.add_argument("folder", metavar="FOLDER", nargs="?", type=Path,
                     help="where the notebooks are to lie; those there already are kept (default: the checkout's own, "
                          "or ./whetstone-notebooks)")

    about = "train, sharpen and simulate a network on handwritten digits, and write the trace and the figures"
    demo = commands.add_parser("demo", parents=[common], help=about, description=about.capitalize() + ".")
    demo.add_argument("--out", metavar="FOLDER", type=Path, default=Path("whetstone-demo"),
                      help="where to write (default: ./whetstone-demo)")
    demo.add_argument("--seed", metavar="N", type=_integer(0), default=0,
                      help="seed of the split, the weights and the batches (default: 0)")
    demo.add_argument("--data", metavar="NAME", default="digits",
                      help="digits, which are in the package; or mnist, fashion_mnist, cifar10, from a file or the "
                           "network (default: digits)")
    demo.add_argument("--recipe", metavar="NAME", default="robust",
                      help="how to train: robust, which keeps the accuracy, or published, as in the paper (default: "
                           "robust)")
    demo.add_argument("--epochs", metavar="N", type=_integer(1), default=None,
                      help="epochs to train, at least 1 (default: those of the recipe)")

    about = "convert a sharpened Keras model into a network of spiking neurons"
    convert = commands.add_parser("convert", parents=[common], help=about, description=about.capitalize() + ".")
    convert.add_argument("model", metavar="MODEL", type=Path, help="the model, a .keras file")
    convert.add_argument("-o", "--out", metavar="FILE", type=Path, required=True,
                         help="where to write: .npz, for the simulator here and any language, or .nir, for others")
    convert.add_argument("--as-if-sharp", action="store_true",
                         help="take spiking layers that are not fully sharp as if they were")
    convert.add_argument("--absorb-biases", action="store_true", help="move biases into thresholds; spikes stay")

    about = "run a network of spiking neurons on a dataset, and say how accurate it is and what it costs"
    simulate = commands.add_parser("simulate", parents=[common], help=about, description=about.capitalize() + ".")
    simulate.add_argument("network", metavar="NETWORK", type=Path, help="the network, a .npz or .nir file")
    simulate.add_argument("--data", metavar="NAME", default="digits",
                          help="digits, mnist, fashion_mnist or cifar10; their test samples (default: digits)")
    simulate.add_argument("--samples", metavar="N", type=_integer(1), default=None,
                          help="how many samples, at least 1 (default: all)")
    simulate.add_argument("-o", "--out", metavar="FILE", type=Path, default=None,
                          help="an .npz file for every spike (default: none is kept)")
    return parser


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    argv = list(argv)
    place = argv.index("--") if "--" in argv else len(argv)
    return argv[:place], argv[place + 1:]


def _integer(least: int) -> Callable[[str], int]:
    def integer(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"expected an integer of at least {least}; got {value}")
        return value

    return integer


def _sentence(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith("whetstone_lab"):
        return f"{error.name} is not installed. Install what the laboratory needs: {_INSTALL}"
    return str(error) or type(error).__name__

"""The command ``whetstone-lab``: the laboratory in JupyterLab, and the same without a browser.

Exit status: 0 when all went well, 1 on a failure, 2 on a wrong command line, 130 when interrupted.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module

from whetstone_lab import __version__
from whetstone_lab.cli.arguments import add_debug

#: The commands, in the order in which help lists them; each is a module of this folder.
COMMANDS = ("lab", "demo", "convert", "simulate", "page", "export", "targets", "course", "assignments", "answers")

_INSTALL = "python -m pip install 'whetstone-lab[lab]'"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line and returns its exit status.

    Args:
        argv: The arguments. Default: those that the program was started with.

    Raises:
        SystemExit: The command line is wrong (status 2), or asks for help or the version (status 0).
    """
    own, passed_on = _split(sys.argv[1:] if argv is None else argv)
    parser = build_parser()
    args = parser.parse_args(own)
    if passed_on and not hasattr(args, "passed_on"):
        parser.error(f"{args.command} takes no arguments after --; got {' '.join(passed_on)}. Only lab does, for "
                     "JupyterLab.")
    args.passed_on = passed_on
    try:
        args.run(args)
    except KeyboardInterrupt:
        print("whetstone-lab: interrupted", file=sys.stderr)
        return 130
    # Whatever goes wrong, a person at a terminal gets a sentence; --debug is there for the rest.
    except Exception as error:
        if getattr(args, "debug", False):
            traceback.print_exc()
        print(f"whetstone-lab: error: {_sentence(error)}", file=sys.stderr)
        return 1
    return 0


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line, with every command's own."""
    parser = argparse.ArgumentParser("whetstone-lab",
                                     description="Train networks into single-spike networks with the Whetstone method.")
    add_debug(parser)
    parser.add_argument("--version", action="version", version=f"whetstone-lab {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        import_module(f"whetstone_lab.cli.{name}").add(commands)
    return parser


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """The arguments before a lone ``--``, and those after it."""
    argv = list(argv)
    place = argv.index("--") if "--" in argv else len(argv)
    return argv[:place], argv[place + 1:]


def _sentence(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith("whetstone_lab"):
        return f"{error.name} is not installed. Install what the laboratory needs: {_INSTALL}"
    return str(error) or type(error).__name__

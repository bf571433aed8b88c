"""What the commands declare their arguments with."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: Where a command adds its own parser: what ``add_subparsers`` gives.
Commands = Any


def command(commands: Commands, name: str, run: Callable[[argparse.Namespace], None], about: str,
            **options: Any) -> argparse.ArgumentParser:
    """Declares a command.

    Args:
        commands: Where to add it.
        name: As it is typed.
        run: What does it, from the arguments.
        about: What it does, in half a sentence that begins with a verb.
        **options: Further ones of ``argparse.ArgumentParser``.

    Returns:
        The parser to add the arguments to.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=about, description=f"{about[0].upper()}{about[1:]}.", **options)
    parser.set_defaults(run=run)
    add_debug(parser)
    return parser


def add_debug(parser: argparse.ArgumentParser) -> None:
    """Adds ``--debug``, which may stand before or after the command."""
    # Suppressed where it is not given, so that the command's parser does not undo what stood before the command.
    parser.add_argument("--debug", action="store_true", default=argparse.SUPPRESS,
                        help="show where in the program an error came from")


def add_chapters(parser: argparse.ArgumentParser, default: str) -> None:
    """Adds ``chapters``, the names of notebooks, and ``notebooks``, their folder."""
    parser.add_argument("chapters", metavar="CHAPTER", nargs="*",
                        help=f"the names of notebooks, such as 01_why_spikes (default: {default})")
    parser.add_argument("--notebooks", metavar="FOLDER", type=Path, default=None,
                        help="notebooks of your own in place of those that are shipped")


def integer(least: int) -> Callable[[str], int]:
    """The type of an argument that is an integer of at least ``least``."""
    def integer(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"expected an integer of at least {least}; got {value}")
        return value

    return integer

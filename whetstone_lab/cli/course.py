"""``whetstone-lab course``: the whole course as pages that need no Jupyter and no network."""

from __future__ import annotations

import argparse
from pathlib import Path

from whetstone_lab.cli.arguments import Commands, add_chapters, command
from whetstone_lab.cli.lab import shipped_notebooks


def add(commands: Commands) -> None:
    """Declares the command and its arguments."""
    parser = command(commands, "course", run,
                     "run the chapters of the course and write them as pages that need no Jupyter and no network",
                     epilog="Open index.html in the folder. Each page holds all that it needs.")
    add_chapters(parser, default="all")
    parser.add_argument("-o", "--out", metavar="FOLDER", type=Path, required=True, help="where the pages go")
    parser.add_argument("--launch", metavar="ADDRESS", default="",
                        help="what an address begins with that opens a notebook on Binder or on a hub; the notebook's "
                             "name is put behind it, and each page links to its own")


def run(args: argparse.Namespace) -> None:
    """Writes the pages and names each as soon as it is written.

    Args:
        args: ``chapters``, ``out``, ``notebooks`` and ``launch``.

    Raises:
        ModuleNotFoundError: Something that the pages need is not installed.
        FileNotFoundError: There is no such notebook.
        FileExistsError: A page or a notebook of such a name is there that is somebody's own.
    """
    from whetstone_lab.course import pages

    notebooks = args.notebooks or shipped_notebooks()
    for page in pages.build(notebooks, args.out, args.chapters, args.launch):
        print(f"Wrote {page}, {page.stat().st_size / 1e6:.1f} MB", flush=True)

"""``whetstone-lab assignments``: the chapters as assignments for nbgrader."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from whetstone_lab.cli.arguments import Commands, add_chapters, command
from whetstone_lab.cli.lab import shipped_notebooks


def add(commands: Commands) -> None:
    """Declares the command and its arguments."""
    parser = command(commands, "assignments", run, "write the chapters of the course as assignments for nbgrader",
                     epilog="Then, in FOLDER: nbgrader generate_assignment CHAPTER")
    add_chapters(parser, default="all that have exercises")
    parser.add_argument("-o", "--out", metavar="FOLDER", type=Path, required=True,
                        help="the folder of the course; assignments there already are kept")


def run(args: argparse.Namespace) -> None:
    """Writes ``source/CHAPTER/CHAPTER.ipynb`` for each chapter, and ``nbgrader_config.py`` if there is none.

    Args:
        args: ``chapters``, ``out`` and ``notebooks``.

    Raises:
        FileNotFoundError: There is no such notebook.
        FileExistsError: An assignment is there already.
        ValueError: A chapter that was asked for has no exercises.
    """
    from whetstone_lab.course.assignments import CONFIG, assignment
    from whetstone_lab.course.index import notebooks_in

    for path in notebooks_in(args.notebooks or shipped_notebooks(), args.chapters):
        name = path.stem
        notebook, checked, opened = assignment(json.loads(path.read_text(encoding="utf-8")), name)
        target = args.out / "source" / name / f"{name}.ipynb"
        if not checked + opened:
            if args.chapters:
                raise ValueError(f"{name} has no exercises: no cell that sets an answer to None with a check behind "
                                 "it, and none that begins with '# Your turn'.")
            continue
        if target.exists():
            raise FileExistsError(f"There is {target} already; move it away to have it written anew.")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"Wrote {target}: {checked} answer{'s' * (checked != 1)} checked, {opened} graded by hand")
    config = args.out / "nbgrader_config.py"
    if not config.exists():
        args.out.mkdir(parents=True, exist_ok=True)
        config.write_text(CONFIG, encoding="utf-8")

"""``whetstone-lab targets``: the formats that networks are written in, what each needs and what it keeps."""

from __future__ import annotations

import argparse
from itertools import zip_longest

from whetstone_lab.cli.arguments import Commands, command


def add(commands: Commands) -> None:
    """Declares the command, which takes no arguments."""
    command(commands, "targets", run, "list the formats that networks are written in, and what each needs and keeps")


def run(args: argparse.Namespace) -> None:
    """Prints a few lines for each target."""
    from whetstone_lab.exchange import targets

    width = max(map(len, targets.targets()))
    for suffix, target in targets.targets().items():
        can = "reads and writes" if target.read is not None else "writes" if target.writes else "is refused"
        if target.package is None:
            needs = "nothing else"
        elif target.installed:
            needs = f"the package {target.package}, which is installed"
        else:
            needs = (f"the package {target.package}, which is not installed: "
                     f"python -m pip install 'whetstone-lab[{target.extra or target.package}]'")
        lines = [target.about, f"{can}; needs {needs}", f"keeps: {target.keeps}"]
        if target.use:
            lines.append(f"use: {target.use}")
        for term, line in zip_longest([suffix], lines, fillvalue=""):
            print(f"{term:{width}} {line}")

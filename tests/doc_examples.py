"""Runs the examples of docstrings and of Markdown pages as they are printed."""

from __future__ import annotations

import doctest
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from fresh import run_fresh

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "whetstone_lab"


class ResultsThatArePrinted(doctest.OutputChecker):
    """An example that prints no result is run, whatever comes out: ``fit`` draws its progress and gives a history."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        """Whether the output is what is printed, if anything is."""
        return not want or super().check_output(want, got, optionflags)


def files_with_examples(*, keras: bool) -> list[Path]:
    """The files of the package that have examples in docstrings, on the floors that load Keras or on the others."""
    drawing = runpy.run_path(str(ROOT / "docs" / "architecture.py"))
    parts = [name for name, part in drawing["parts"](drawing["table"]()).items() if ("keras" in part["loads"]) == keras]
    files = [file for part in parts for file in (*(PACKAGE / part).rglob("*.py"), PACKAGE / f"{part}.py")]
    return sorted(file.relative_to(PACKAGE) for file in files
                  if file.is_file() and ">>>" in file.read_text(encoding="utf-8"))


def run_docstrings(file: Path, make_names: Callable[[], Mapping[str, Any]] = dict) -> doctest.TestResults:
    """Runs the examples in the docstrings of a file, each docstring by itself.

    Args:
        file: The file, as :func:`files_with_examples` gives it.
        make_names: Makes what a docstring may use besides the names of its own module. Default: nothing.

    Raises:
        AssertionError: An example does not give what it prints; the message shows which.
    """
    module = import_module(".".join(("whetstone_lab", *file.with_suffix("").parts)).removesuffix(".__init__"))
    report: list[str] = []
    runner = doctest.DocTestRunner(ResultsThatArePrinted(), verbose=False)
    for test in doctest.DocTestFinder(exclude_empty=True).find(module):
        if test.examples:
            test.globs = {**make_names(), **vars(module)}
            runner.run(test, out=report.append)
    results = runner.summarize(verbose=False)
    assert not results.failed, "".join(report)
    return results


def sections(page: Path) -> dict[str, str]:
    """The sections of a Markdown page below its second level of headings: title -> text."""
    parts = page.read_text(encoding="utf-8").split("\n## ")[1:]
    return {title: text for title, _, text in (part.partition("\n") for part in parts)}


def blocks(text: str, *languages: str) -> list[str]:
    """The fenced blocks of a text in some languages, in order."""
    return [body for language, body in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
            if language in languages]


def apply_changes(text: str, root: Path) -> None:
    """Does to a copy of the project what the blocks of a text say.

    A block that begins with a comment of a path is that file. A ``diff`` begins with the path of a file that is there;
    what it takes away, with the lines around it, must be found there exactly once.
    """
    for block in blocks(text, "python", "js", "css"):
        path = re.match(r"(?:#|//|/\*) (\S+)", block)
        assert path, block
        new = root / path[1]
        assert new.parent.is_dir(), f"There is no folder {new.parent}."
        assert not new.exists(), f"{path[1]} is there already."
        new.write_text(block.partition("\n")[2], encoding="utf-8")
    for block in blocks(text, "diff"):
        path, *lines = block.splitlines()
        before, after = ("\n".join(line[1:] for line in lines if line[:1] != sign) for sign in ("+", "-"))
        file = root / path
        found = file.read_text(encoding="utf-8")
        assert found.count(before) == 1, f"{path} has this {found.count(before)} times: {before}"
        file.write_text(found.replace(before, after), encoding="utf-8")


def try_in_copy(texts: Mapping[str, str], folder: Path, *, keras: bool) -> None:
    """Does all that some sections say in one copy of the package, and runs what they show there, each by itself.

    Args:
        texts: Title -> text of each section.
        folder: An empty folder.
        keras: Whether what they show loads Keras.

    Raises:
        AssertionError: A change does not fit, or an example does not give what it prints.
    """
    shutil.copytree(PACKAGE, folder / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    files = []
    for title, text in texts.items():
        apply_changes(text, folder)
        shown = blocks(text, "pycon")
        assert shown, f"{title} shows nothing."
        files.append(folder / f"{title}.txt")
        files[-1].write_text("\n".join(shown), encoding="utf-8")
    # python -m doctest only runs what ends in .py as a module; other files are texts with examples.
    program = "import runpy; runpy.run_module('doctest', run_name='__main__')"
    if keras:
        run = run_fresh(program, *files, cwd=folder)
    else:
        run = subprocess.run([sys.executable, "-c", program, *map(str, files)], cwd=folder, capture_output=True,
                             text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr

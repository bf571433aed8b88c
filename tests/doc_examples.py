"""Runs the examples of docstrings and of Markdown pages as they are printed."""

from __future__ import annotations

import doctest
import runpy
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

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


def python_blocks(page: Path) -> list[str]:
    """The blocks of Python in a Markdown page, in order."""
    blocks = page.read_text(encoding="utf-8").split("```python\n")[1:]
    return [block.partition("```")[0] for block in blocks]

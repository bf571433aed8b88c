"""Chapters as assignments for nbgrader: the same notebooks, without their solutions, with cells that can be graded.

What a chapter's exercises look like is all that is needed to find them:

- An answer that can be checked: a cell that sets a name to ``None``, and behind it one that says ``if NAME is None``
  and asserts. It becomes a locked test; without an answer it fails.
- An open question: a cell that says ``# Your turn`` or ``# your code here``, or that sets a name to ``None`` and looks
  at it itself, ``is not None``. It is graded by hand.
- Solutions: what is folded under the summary "Solution" or "A solution", and cells with the tag ``solution``. They are
  left out.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

#: The form of nbgrader's marks: https://nbgrader.readthedocs.io/en/stable/contributor_guide/metadata.html
_SCHEMA = 3

_OPEN = re.compile(r"^ *# your (turn|code here)\b", re.MULTILINE | re.IGNORECASE)
_LOOKED_AT = re.compile(r"^\w+(, *\w+)* = None\b.*\bis not None\b", re.MULTILINE | re.DOTALL)
_ANSWER = re.compile(r"^(\w+) = None\b", re.MULTILINE)
_FOLDED = re.compile(r"<details>\s*<summary>(?:A )?[Ss]olutions?</summary>.*?</details>\n*", re.DOTALL)

#: nbgrader puts its stub in place of what stands between these. They are empty: the cell stays as the chapter has it.
_REGION = "### BEGIN SOLUTION\n### END SOLUTION\n"

#: What the course needs to be set up in: the stub that students see above each answer.
CONFIG = '''c = get_config()
c.ClearSolutions.code_stub = {"python": "# Your answer:"}
c.ExecutePreprocessor.timeout = 600
'''


def assignment(notebook: Mapping[str, Any], chapter: str) -> tuple[dict[str, Any], int, int]:
    """Makes an assignment of a chapter.

    Args:
        notebook: The notebook, as its file holds it in JSON; it stays as it is.
        chapter: What it is called; the ids of its graded cells begin with it.

    Returns:
        The notebook for nbgrader's ``source``, how many answers are checked, and how many questions are open.
    """
    cells = [copy.deepcopy(cell) for cell in notebook["cells"]
             if "solution" not in cell.get("metadata", {}).get("tags", ())]
    checked, opened = 0, 0
    for number, cell in enumerate(cells):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            cell["source"] = _FOLDED.sub("", source)
            continue
        if cell["cell_type"] != "code":
            continue
        cell |= {"outputs": [], "execution_count": None}
        behind = next((other for other in cells[number + 1:number + 2] if other["cell_type"] == "code"), None)
        names = [name for name in _ANSWER.findall(source)
                 if behind and f"if {name} is None" in "".join(behind["source"])]
        if _OPEN.search(source) or (not names and _LOOKED_AT.search(source)):
            opened += 1
            _mark(cell, f"{chapter}-open-{opened}", grade=True, solution=True, locked=False, points=1)
            cell["source"] = _REGION + source
        elif names and behind is not None:
            checked += 1
            _mark(cell, f"{chapter}-answer-{checked}", grade=False, solution=True, locked=False)
            cell["source"] = _REGION + source
            _mark(behind, f"{chapter}-check-{checked}", grade=True, solution=False, locked=True, points=1)
            given = "".join(f'assert {name} is not None, "There is no answer yet."\n' for name in names)
            behind["source"] = given + "".join(behind["source"])
    kept = [cell for cell in cells if cell["cell_type"] != "markdown" or "".join(cell["source"]).strip()]
    return {**copy.deepcopy(dict(notebook)), "cells": kept}, checked, opened


def _mark(cell: dict[str, Any], name: str, **marks: Any) -> None:
    cell.setdefault("metadata", {})["nbgrader"] = {"grade_id": name, "schema_version": _SCHEMA, "task": False, **marks}

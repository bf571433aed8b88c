"""Draws ``docs/architecture.md`` from the table ``docs/architecture.toml``: ``python docs/architecture.py``."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent

_INTRODUCTION = """\
# Architecture

<!-- Drawn by `python docs/architecture.py` from docs/architecture.toml. Edit the table, not this page. -->

The package is a house that is built from the ground up, and its folders bear the names of things that a user knows: a
method, records, data sets, a simulator, training. **Imports go downwards only.** To understand a part, one has to know
what lies below it and nothing of what stands above it.

Three rules follow from this:

- **The ground needs no Keras.** What the method says, what a run did and what a network of spikes computes is plain
  NumPy. It loads in a fraction of a second, is tested in microseconds, and can be read without knowing a framework.
- **What shows does not train.** Figures and widgets read a `Trace` or a `SpikeRecord`, whether the run goes on, has
  ended, or came from a file. They never load Keras, and training never waits for a picture.
- **A file is one thing of which there can be another**: a policy, an operation, a kind of layer, a target, a widget, a
  command. To add the next is to add a file; [adding.md](adding.md) shows how, with an example each.

An arrow means "imports". A part that is reached through another one has no arrow of its own.
"""

_TABLE = """\
Each part may import itself, the parts named here, and the standard library. Packages in brackets are loaded by the
function that needs them, and not when the part is imported.

| part | what it is | may import | may load |
| --- | --- | --- | --- |
"""

_END = """\
No file is longer than some 400 lines, and no class than some 200 lines of code ({file_lines} and {class_lines} at the
most). No file is called `utils`. Names that other packages do not document are touched in these files alone, each with
its reason: {undocumented}.

`tests/contracts/test_house.py` holds the code to all of this.
"""


def table() -> dict[str, Any]:
    """The table, as it is written."""
    return tomllib.loads((DOCS / "architecture.toml").read_text(encoding="utf-8"))


def parts(table: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The parts by name, from the ground up."""
    return {part["name"]: part for floor in table["floor"] for part in floor["part"]}


def reach(name: str, parts: dict[str, dict[str, Any]]) -> set[str]:
    """All parts that a part imports, by detours too."""
    return {name for below in parts[name]["imports"] for name in (below, *reach(below, parts))}


def document() -> str:
    """The text of ``docs/architecture.md``."""
    house = table()
    undocumented = "; ".join(f"`{entry['file']}` ({entry['of']})" for entry in house["undocumented"])
    return "\n".join([_INTRODUCTION, _picture(house), "", _TABLE + _rows(house), "",
                      _END.format(**house["limits"], undocumented=undocumented)])


def _picture(house: dict[str, Any]) -> str:
    found, lines = parts(house), ["```mermaid", "flowchart TD"]
    for number, floor in reversed([*enumerate(house["floor"])]):
        lines += [f'  subgraph floor{number} ["{floor["title"]}"]',
                  *(f'    {_node(part["name"])}["{part["name"]}"]' for part in floor["part"]), "  end"]
    for name, part in found.items():
        detours = {other for below in part["imports"] for other in reach(below, found)}
        lines += [f"  {_node(name)} --> {_node(below)}" for below in part["imports"] if below not in detours]
    return "\n".join([*lines, "```"])


def _node(name: str) -> str:
    return f"part_{name.strip('_')}"  # a bare "end" or an underscore in front means something else to mermaid


def _rows(house: dict[str, Any]) -> str:
    rows = []
    for floor in house["floor"]:
        rows.append(f"| **{floor['title']}** | | | |")
        for part in floor["part"]:
            loads = [*part["loads"], *(f"({name})" for name in part.get("asks", ()))]
            rows.append(f"| `{part['name']}` | {part['about']} | {', '.join(part['imports']) or '-'} | "
                        f"{', '.join(loads) or '-'} |")
    return "\n".join(rows)


if __name__ == "__main__":
    (DOCS / "architecture.md").write_text(document(), encoding="utf-8")

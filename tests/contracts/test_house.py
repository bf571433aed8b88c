"""The code keeps to the table ``docs/architecture.toml``, and ``docs/architecture.md`` is drawn from it.

All is read from the source, nothing is imported: this takes a second and needs no package.
"""

import ast
import io
import runpy
import sys
import tokenize
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "whetstone_lab"
DRAWING = runpy.run_path(str(ROOT / "docs" / "architecture.py"))
HOUSE = DRAWING["table"]()
PARTS = DRAWING["parts"](HOUSE)
LIMITS = HOUSE["limits"]


def sources(suffix):
    found = (path for path in PACKAGE.rglob(f"*{suffix}") if "notebooks" not in path.relative_to(PACKAGE).parts)
    return sorted(path.relative_to(PACKAGE) for path in found)


FILES = sources(".py")
per_part = pytest.mark.parametrize("part", PARTS)


@cache
def parsed(file):
    return ast.parse((PACKAGE / file).read_text(encoding="utf-8"))


def part_of(file):
    """The folder or file right below the package that a file belongs to."""
    return file.with_suffix("").parts[0]


def files_of(part):
    return [file for file in FILES if part_of(file) == part]


@cache
def imports(file):
    """What a file imports, as ``(full name, kind)``.

    The kind is ``"types"`` for what only type checkers see, ``"late"`` within a function, and else ``"first"``.
    """
    def visit(node, kind):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            kind = "types"
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and kind == "first":
            kind = "late"
        if isinstance(node, ast.Import):
            yield from ((alias.name, kind) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((f"{'.' * node.level}{node.module or ''}.{alias.name}", kind) for alias in node.names)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, kind)

    return set(visit(parsed(file), "first"))


def own_part(name):
    """The part that a name within the package is imported from; a public name comes from ``__init__``."""
    inner = name.split(".")[1:2]
    there = inner and ((PACKAGE / inner[0]).is_dir() or (PACKAGE / inner[0]).with_suffix(".py").exists())
    return inner[0] if there else "__init__"


# -- the table --------------------------------------------------------------------------------------------------------


def test_every_part_stands_in_the_table_and_nothing_else_does():
    assert sorted(PARTS) == sorted({part_of(file) for file in FILES}), (
        "Name each folder and file right below whetstone_lab/ in docs/architecture.toml, once.")


def test_the_table_has_no_circle():
    below = {name: set(part["imports"]) for name, part in PARTS.items()}
    while below:
        ground = {name for name, needs in below.items() if not needs & set(below)}
        assert ground, f"In docs/architecture.toml these import each other: {sorted(below)}"
        below = {name: needs for name, needs in below.items() if name not in ground}


def test_the_ground_and_what_shows_never_load_keras():
    for floor in HOUSE["floor"]:
        if floor["title"] in ("NumPy alone", "What people see, without Keras"):
            for part in floor["part"]:
                assert not {"keras", "tensorflow", "jax", "torch"} & set(part["loads"]), part["name"]
                assert not {"training", "conversion"} & DRAWING["reach"](part["name"], PARTS), part["name"]


def test_the_page_is_drawn_from_the_table():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert page == DRAWING["document"](), "docs/architecture.md is stale: run python docs/architecture.py"


# -- who imports what -------------------------------------------------------------------------------------------------


@per_part
def test_a_part_imports_only_what_the_table_lets_it(part):
    row = PARTS[part]
    for file in files_of(part):
        for name, kind in sorted(imports(file)):
            assert not name.startswith("."), f"{file} imports {name}: the house uses full names"
            top = name.split(".")[0]
            if top == "whetstone_lab":
                assert own_part(name) in (part, *row["imports"]), f"{file} may not import {name}"
            elif top not in sys.stdlib_module_names and kind != "types":
                allowed = [*row["loads"], *(row.get("asks", []) if kind == "late" else [])]
                assert top in allowed, f"{file} may not load {name}" + " outside a function" * (kind == "first")


@per_part
def test_the_table_lets_a_part_load_no_more_than_it_does(part):
    loaded = {name.split(".")[0] for file in files_of(part) for name, kind in imports(file) if kind != "types"}
    unused = {*PARTS[part]["loads"], *PARTS[part].get("asks", [])} - loaded
    assert not unused, f"{part} loads none of {sorted(unused)}: take them off the table"


def test_no_file_imports_itself_by_a_detour():
    modules = {".".join(file.with_suffix("").parts).removesuffix(".__init__"): file
               for file in FILES if file != Path("__init__.py")}
    below = {}
    for name, file in modules.items():
        names = {imported.removeprefix("whetstone_lab.") for imported, kind in imports(file) if kind == "first"}
        # ``a.b.c`` is the module a.b.c, or the name c of the module a.b.
        below[name] = {found if found in modules else found.rpartition(".")[0] for found in names} & set(modules)
    while below:
        free = {name for name, needs in below.items() if not needs & set(below) - {name}}
        assert free, f"These import each other in a circle: {sorted(below)}"
        below = {name: needs for name, needs in below.items() if name not in free}


# -- size -------------------------------------------------------------------------------------------------------------


def test_no_file_is_too_long():
    lengths = {file: (PACKAGE / file).read_text(encoding="utf-8").count("\n") for file in [*FILES, *sources(".mjs")]}
    long = {file.as_posix(): length for file, length in lengths.items() if length > LIMITS["file_lines"]}
    assert not long, f"Too many lines: {long}. Cut them by values."


def test_every_file_is_called_after_what_it_holds():
    vague = {"common", "helpers", "misc", "tools", "util", "utils"}
    assert not [file for file in FILES if vague & {name.strip("_") for name in file.with_suffix("").parts}]


def code_lines(file):
    """The numbers of the lines that hold code, not just a docstring, a comment or nothing."""
    text = (PACKAGE / file).read_text(encoding="utf-8")
    beside = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    lines = {number for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type not in beside
             for number in range(token.start[0], token.end[0] + 1)}
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            lines -= {*range(node.body[0].lineno, node.body[0].end_lineno + 1)}
    return lines


def test_no_class_is_too_long():
    long = {}
    for file in FILES:
        for node in ast.walk(parsed(file)):
            if isinstance(node, ast.ClassDef) and node.end_lineno - node.lineno >= LIMITS["class_lines"]:
                length = len(code_lines(file) & {*range(node.lineno, node.end_lineno + 1)})
                if length > LIMITS["class_lines"]:
                    long[f"{file.as_posix()}: {node.name}"] = length
    assert not long, f"Too many lines of code: {long}. Cut them by values."


# -- what others do not document --------------------------------------------------------------------------------------


#: File -> the names that it alone may touch, besides those with a leading underscore.
UNDOCUMENTED = {Path(entry["file"]): entry["names"] for entry in HOUSE["undocumented"]}


def is_private(name):
    return name.startswith("_") and not name.endswith("_")


@cache
def reached(file):
    """The names by which a file reaches into objects, by ``it.name`` and ``getattr(it, "name")`` alike."""
    names = set()
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) > 1
              and node.func.id in ("getattr", "setattr", "hasattr", "delattr")
              and isinstance(node.args[1], ast.Constant)):
            names.add(node.args[1].value)
    return names


@cache
def own_names():
    """All names that the package gives something of its own: what it defines, and what it sets on ``self``."""
    names = set()
    for node in (node for file in FILES for node in ast.walk(parsed(file))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names |= {node.attr} if ast.unparse(node.value) in ("self", "cls") else set()
    return names


@cache
def touched(file):
    """The names of others that a file touches although they are private by their underscore."""
    return {name for name in reached(file) if is_private(name)} - own_names()


@per_part
def test_what_others_do_not_document_is_touched_in_the_files_named_alone(part):
    for file in files_of(part):
        refused = {name for other, names in UNDOCUMENTED.items() if other != file for name in (*names, *touched(other))}
        if file not in UNDOCUMENTED:
            refused |= touched(file) | {name for name, _ in imports(file) if any(map(is_private, name.split(".")))
                                        and not name.startswith("whetstone_lab.")}
        found = {*(reached(file) & refused),
                 *(name for name, _ in imports(file) for other in refused if f"{name}.".startswith(f"{other}."))}
        assert not found, (
            f"{file} touches {sorted(found)}, which this package does not define: is it private to somebody else? "
            f"Reach it in {next(iter(UNDOCUMENTED))}, with its reason and a test in tests/contracts.")


@pytest.mark.parametrize("file", UNDOCUMENTED, ids=lambda file: file.as_posix())
def test_a_file_that_may_touch_what_is_not_documented_does(file):
    everything = reached(file) | {".".join(name.split(".")[:2]) for name, _ in imports(file)}
    assert touched(file), f"{file} touches nothing private any more: take it out of docs/architecture.toml"
    assert set(UNDOCUMENTED[file]) <= everything, f"docs/architecture.toml lets {file} touch more than it does"


def test_each_file_of_tests_has_a_name_of_its_own():
    """pytest imports them by their names alone."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("*.py") if path.name != "conftest.py")
    assert [name for name, times in names.items() if times > 1] == []

"""What an import loads, which names are public, and that modules import downwards only."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import whetstone_lab

PACKAGE = Path(whetstone_lab.__file__).parent

#: What only the Keras floor may load, and what only the picture floor may.
KERAS = {"keras", "tensorflow", "torch", "jax"}
PICTURES = {"matplotlib", "IPython", "ipywidgets", "anywidget", "traitlets", "ipykernel"}

#: The floors of the house. Each may import itself and those named; every module stands on one.
FLOORS = {
    "ground": {"method", "records", "datasets", "simulator", "exchange"},
    "keras": {"training", "conversion"},
    "pictures": {"view"},
    "doors": {"__init__", "__main__", "cli", "compat"},
}
MAY_IMPORT = {"ground": set(), "keras": {"ground"}, "pictures": {"ground"}, "doors": {"ground", "keras", "pictures"}}
MAY_LOAD = {"ground": set(), "keras": KERAS, "pictures": PICTURES, "doors": KERAS | PICTURES}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if "notebooks" not in path.relative_to(PACKAGE).parts)


def part(path):
    """The module or subpackage right below ``whetstone_lab`` that a file belongs to."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def floor(name):
    return next((floor for floor, members in FLOORS.items() if name in members), None)


def imports(path, functions=True):
    """The full names that a file imports; those for type checkers alone are left out."""
    def visit(node):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            return
        if not functions and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} has a relative import; the house uses full names"
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        for child in ast.iter_child_nodes(node):
            visit(child)

    found = set()
    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


def python(program):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("statement", [
    "import whetstone_lab",
    "from whetstone_lab import Trace, SpikeRecord, Network, run, make_key, curves, datasets, policies",
])
def test_the_light_part_loads_nothing_heavy(statement):
    loaded = python(f"import sys\n{statement}\nprint(*{{name.split('.')[0] for name in sys.modules}})").split()
    assert "whetstone_lab" in loaded
    assert not (KERAS | PICTURES | {"sklearn", "scipy", "pandas", "tqdm"}) & set(loaded)


def test_importing_the_package_alone_does_not_even_load_numpy():
    assert python("import sys, whetstone_lab; print('numpy' in sys.modules)") == "False\n"


@pytest.mark.parametrize("name", ["plots", "widgets"])
def test_pictures_need_no_keras(name):
    loaded = python(f"import sys\nfrom whetstone_lab import {name}\n{name}.__name__\n"
                    "print(*{name.split('.')[0] for name in sys.modules})").split()
    assert not KERAS & set(loaded)


@pytest.mark.parametrize("name", whetstone_lab.__all__)
def test_every_public_name_is_there(name):
    value = getattr(whetstone_lab, name)
    assert getattr(whetstone_lab, name) is value
    assert getattr(value, "__doc__", None)
    assert name in dir(whetstone_lab)


def test_a_name_that_is_not_public_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'whetstone_lab' has no attribute 'sharpen'"):
        whetstone_lab.sharpen  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'sharpen'"):
        from whetstone_lab import sharpen  # noqa: F401


def test_editors_see_the_names_that_are_there():
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {}
    for node in block.body:
        for alias in node.names:
            home = [*node.module.split(".")[1:], alias.name]
            is_module = PACKAGE.joinpath(*home).with_suffix(".py").exists() or PACKAGE.joinpath(*home).is_dir()
            seen[alias.asname or alias.name] = (".".join(home) if is_module
                                                else f"{'.'.join(home[:-1])}:{alias.name}")
    assert seen == whetstone_lab._HOMES
    assert whetstone_lab.__all__ == sorted(seen)


@pytest.mark.parametrize("statement", [
    "from whetstone_lab.widgets import SpikeRaster",
    "import whetstone_lab.widgets",
    "from whetstone_lab import widgets",
])
def test_a_public_module_is_found_by_its_short_name_and_is_one_module(statement):
    program = f"{statement}\nimport sys, whetstone_lab, whetstone_lab.view.widgets as home\nprint(" \
              "whetstone_lab.widgets is home, sys.modules.get('whetstone_lab.widgets', home) is home, home.__name__)"
    assert python(program) == "True True whetstone_lab.view.widgets\n"


# -- the house --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_imports_downwards_only(path):
    here = floor(part(path))
    assert here, f"{part(path)} stands on no floor: name its floor in this test and in the design"
    for name in imports(path):
        top, *rest = name.split(".")
        if top == "whetstone_lab" and rest and (PACKAGE / rest[0]).with_suffix(".py").exists() | (
                PACKAGE / rest[0]).is_dir():
            there = floor(rest[0])
            assert there == here or there in MAY_IMPORT[here], f"{part(path)} ({here}) imports {name} ({there})"
    # Datasets may ask Keras to download, inside the function that does it.
    loaded = {name.split(".")[0] for name in imports(path, functions=part(path) != "datasets")}
    assert not (loaded & (KERAS | PICTURES)) - MAY_LOAD[here], f"{part(path)} ({here}) loads what is above it"


def test_no_module_imports_itself_by_a_detour():
    modules = {".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
               for path in FILES if path != PACKAGE / "__init__.py"}
    below = {}
    for name, path in modules.items():
        full = {found.removeprefix("whetstone_lab.") for found in imports(path, functions=False)
                if found.startswith("whetstone_lab.")}
        # ``a.b.c`` is the module a.b.c, or the name c of the module a.b.
        below[name] = {found if found in modules else found.rpartition(".")[0] for found in full} & set(modules)
    while below:
        free = {name for name, needs in below.items() if not needs & set(below) - {name}}
        assert free, f"These import each other in a circle: {sorted(below)}"
        below = {name: needs for name, needs in below.items() if name not in free}

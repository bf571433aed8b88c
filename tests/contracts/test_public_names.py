"""Which names are public, where they are found, what importing them loads, and that docstrings name what is there."""

import ast
import contextlib
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import whetstone_lab

PACKAGE = Path(whetstone_lab.__file__).parent

#: What only the Keras floor may load, and what only the picture floor may.
KERAS = {"keras", "tensorflow", "torch", "jax"}
PICTURES = {"matplotlib", "IPython", "ipywidgets", "anywidget", "traitlets", "ipykernel"}


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


def test_modules_that_have_moved_are_found_where_they_were():
    found = python("from whetstone_lab import scene\nfrom whetstone_lab.trace import Trace\nimport whetstone_lab\n"
                   "print(scene.__name__, Trace.__module__, 'scene' in whetstone_lab.__all__)")
    assert found == "whetstone_lab.view.scenes whetstone_lab.records.trace False\n"


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
    "from whetstone_lab.plots import spike_raster",
    "import whetstone_lab.plots",
    "from whetstone_lab import plots",
])
def test_a_public_module_is_found_by_its_short_name_and_is_one_module(statement):
    program = f"{statement}\nimport sys, whetstone_lab, whetstone_lab.view.plots as home\nprint(" \
              "whetstone_lab.plots is home, sys.modules.get('whetstone_lab.plots', home) is home, home.__name__)"
    assert python(program) == "True True whetstone_lab.view.plots\n"


def resolve(name):
    """What a full name names: a module, or something in one. What is an attribute is not imported once more."""
    first, *parts = name.split(".")
    found, path = import_module(first), first
    for part in parts:
        path = f"{path}.{part}"
        if not hasattr(found, part) and hasattr(found, "__path__"):
            with contextlib.suppress(ModuleNotFoundError):
                import_module(path)
        found = getattr(found, part)
    return found


def test_docstrings_refer_to_what_is_there():
    files = sorted(PACKAGE.rglob("*.py"))
    names = {name: file for file in files
             for name in re.findall(r":\w+:`~?(whetstone_lab\.[\w.]+)`", file.read_text(encoding="utf-8"))}
    assert len(names) > 20
    missing = []
    for name, file in names.items():
        try:
            resolve(name)
        except AttributeError:
            missing.append(f"{file.relative_to(PACKAGE)}: {name}")
    assert not missing

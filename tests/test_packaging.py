"""What is shipped: the wheel, the source archive, and the environment on Binder."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LEFTOVERS = {"__pycache__", ".ipynb_checkpoints", ".DS_Store"}


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with the wheel and the source archive, made by the build backend itself."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", str(out)], cwd=ROOT, check=True,
                   capture_output=True)
    return out


def on_disk(folder):
    """The files below a folder of the checkout that belong to it, as paths inside it."""
    return {path.relative_to(ROOT / folder).as_posix() for path in (ROOT / folder).rglob("*")
            if path.is_file() and not LEFTOVERS & set(path.parts)}


def test_the_wheel_holds_the_package_and_the_notebooks_and_nothing_else(built):
    [wheel] = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        names = {name for name in file.namelist() if ".dist-info/" not in name}
    expected = {f"whetstone_lab/{name}" for name in on_disk("whetstone_lab")}
    expected |= {f"whetstone_lab/notebooks/{name}" for name in on_disk("notebooks")}
    assert names == expected
    assert {"whetstone_lab/py.typed", "whetstone_lab/records/data/digits.npz"} <= names
    assert wheel.stat().st_size < 6e6


def test_the_source_archive_holds_what_it_takes_to_build_and_test(built):
    [archive] = built.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "PKG-INFO", "tests/test_packaging.py",
            "docs/laboratory.png"} <= names
    assert {f"whetstone_lab/{name}" for name in on_disk("whetstone_lab")} <= names
    assert {f"notebooks/{name}" for name in on_disk("notebooks")} <= names
    assert not [name for name in names if LEFTOVERS & set(name.split("/")) or name.startswith("node_modules")]


def test_an_installed_wheel_opens_its_own_notebooks(built, tmp_path):
    """Unpacked elsewhere, as pip would: the package finds its data, and the laboratory a copy of its notebooks."""
    [wheel] = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(tmp_path / "site")
    program = """
import whetstone_lab
from jupyterlab.labapp import LabApp
from whetstone_lab.cli import main as cli
LabApp.launch_instance = lambda arguments: print(whetstone_lab.__file__, *arguments, sep="\\n")
assert len(whetstone_lab.datasets.load_digits().x_train) == 1348
assert cli.main(["lab"]) == 0
"""
    (tmp_path / "work").mkdir()
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path / "work", check=True, capture_output=True,
                          text=True, env=os.environ | {"PYTHONPATH": str(tmp_path / "site")})
    package, root, *_ = done.stdout.splitlines()
    assert package == str(tmp_path / "site" / "whetstone_lab" / "__init__.py")
    assert root == f"--ServerApp.root_dir={tmp_path / 'work' / 'whetstone-notebooks'}"
    copies = tmp_path / "work" / "whetstone-notebooks"
    assert {path.relative_to(copies).as_posix() for path in copies.rglob("*") if path.is_file()} == on_disk("notebooks")


def test_binder_pins_the_laboratory_of_this_checkout(project):
    pins = dict(line.split("==") for line in (ROOT / "binder" / "requirements.txt").read_text().splitlines()
                if line and not line.startswith("#"))
    versions = {canonicalize_name(name): version for name, version in pins.items()}
    python = re.search(r"^FROM python:([\d.]+)-", (ROOT / "binder" / "Dockerfile").read_text(), re.MULTILINE)[1]
    assert SpecifierSet(project["requires-python"]).contains(python)
    linux = {"platform_machine": "x86_64", "sys_platform": "linux", "python_full_version": python}
    asked, waiting = [], [*project["dependencies"], "whetstone-lab[lab]", "notebook"]
    while waiting:
        requirement = Requirement(waiting.pop())
        if requirement.marker and not requirement.marker.evaluate(linux):
            continue
        if requirement.name == project["name"]:
            waiting += [text for extra in requirement.extras for text in project["optional-dependencies"][extra]]
        else:
            asked.append(requirement)
    assert {requirement.name for requirement in asked} >= {"keras", "jupyterlab", "anywidget", "tensorflow-cpu"}
    for requirement in asked:
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), str(requirement)


def test_the_laboratory_brings_all_that_it_opens(project):
    """The extra ``lab``, with the extras that it names, holds Jupyter, the widgets and a Keras backend."""
    extras = project["optional-dependencies"]

    def names(extra):
        for text in extras[extra]:
            requirement = Requirement(text)
            if requirement.name == project["name"]:
                for inner in requirement.extras:
                    yield from names(inner)
            else:
                yield requirement.name

    assert {"jupyterlab", "anywidget", "ipywidgets", "matplotlib", "tensorflow", "tensorflow-cpu"} <= set(names("lab"))
    assert set(names("lab")) <= set(names("test")) <= set(names("dev"))


def test_every_python_that_is_allowed_is_named(project):
    named = {line.rpartition(" ")[2] for line in project["classifiers"] if re.search(r"Python :: 3\.\d+$", line)}
    allowed = {f"3.{minor}" for minor in range(30) if SpecifierSet(project["requires-python"]).contains(f"3.{minor}.9")}
    assert named == allowed

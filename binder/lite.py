"""Builds a site on which the laboratory runs in the reader's own browser: JupyterLite, with Python as WebAssembly.

``python binder/lite.py --pyodide FOLDER --out SITE`` needs ``jupyterlite-core``, ``jupyterlite-pyodide-kernel``,
``anywidget`` and ``ipywidgets``, and a folder with a release of Pyodide that fits that kernel: what the npm package
``pyodide`` holds, and beside it the wheels of NumPy, matplotlib and what they need, whose names and checksums stand in
its ``pyodide-lock.json``. The site is a folder of files for any web server; it asks no other server for anything.
Everything but training is there: Keras runs in no browser. ``docs/where_it_runs.md`` says what was tried.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
from email.parser import Parser
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

ROOT = Path(__file__).parent.parent

#: Of the packages that Pyodide brings, those that are needed, beside what they depend on.
NEEDED = ("numpy", "matplotlib", "ipython", "micropip", "sqlite3", "ssl", "jedi", "traitlets")

#: Packages in pure Python, of the versions that are installed here: those of the widgets must fit
#: what the site shows them with. They come from the package index. The kernel itself asks for ``comm``.
PURE = ("anywidget", "ipywidgets", "jupyterlab-widgets", "psygnal", "comm", "typing-extensions")

#: The notebooks that train nothing.
NOTEBOOKS = ("00_start.ipynb",)

#: The files of Pyodide itself.
CORE = ("pyodide.js", "pyodide.mjs", "pyodide.asm.js", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")


def main() -> None:
    """Builds the site that the command line asks for."""
    parser = argparse.ArgumentParser(description="Builds the laboratory as a static site.")
    parser.add_argument("--pyodide", metavar="FOLDER", type=Path, required=True, help="a release of Pyodide")
    parser.add_argument("--out", metavar="SITE", type=Path, required=True, help="where to write; must not be there")
    args = parser.parse_args()
    if args.out.exists():
        parser.error(f"there is {args.out} already")
    with TemporaryDirectory() as name:
        folder = Path(name)
        lock = json.loads((args.pyodide / "pyodide-lock.json").read_text(encoding="utf-8"))
        take_pyodide(args.pyodide, folder / "pyodide", lock)
        python = ".".join(lock["info"]["python"].split(".")[:2])
        for wheel in sorted(pure_wheels(folder / "pypi", python)):
            add_to_lock(lock, wheel)
            shutil.copy(wheel, folder / "pyodide")
        (folder / "pyodide" / "pyodide-lock.json").write_text(json.dumps(lock), encoding="utf-8")
        build(folder, args.out)
    print(f"Wrote {args.out}: serve it, as by python -m http.server --directory {args.out}")


def take_pyodide(release: Path, folder: Path, lock: dict[str, Any]) -> None:
    """Copies Pyodide and the wheels that are needed, and strikes all others from the lock.

    Raises:
        SystemExit: A wheel is missing, or is not the one that the lock names.
    """
    folder.mkdir()
    for name in CORE:
        if (release / name).exists():
            shutil.copy(release / name, folder)
    packages = lock["packages"]
    keys = {_key(key): key for key in packages}
    waiting, taken = [*NEEDED], set[str]()
    while waiting:
        key = keys.get(_key(waiting.pop()), "")
        if not key or key in taken:  # releases differ in what is a package of its own
            continue
        taken.add(key)
        waiting += packages[key]["depends"]
        wheel = release / packages[key]["file_name"]
        if not wheel.exists():
            raise SystemExit(f"{release} lacks {wheel.name}. The npm package of Pyodide has none of the wheels; its "
                             "full release has.")
        if hashlib.sha256(wheel.read_bytes()).hexdigest() != packages[key]["sha256"]:
            raise SystemExit(f"{wheel} is not the file that pyodide-lock.json names.")
        shutil.copy(wheel, folder)
    lock["packages"] = {key: value for key, value in packages.items() if key in taken}


def pure_wheels(folder: Path, python: str) -> list[Path]:
    """This checkout as a wheel, and those in pure Python that it needs."""
    folder.mkdir()
    pip = [sys.executable, "-m", "pip", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", folder, ROOT], check=True)
    subprocess.run([*pip, "download", "--no-deps", "--only-binary=:all:", "--platform", "any", "--python-version",
                    python, "--dest", folder, *(f"{name}=={version(name)}" for name in PURE)], check=True)
    return list(folder.glob("*.whl"))


def add_to_lock(lock: dict[str, Any], wheel: Path) -> None:
    """Names a wheel in Pyodide's lock, so that a cell which imports it has it, without a word of ``pip``."""
    with ZipFile(wheel) as archive:
        names = archive.namelist()
        text = archive.read(next(name for name in names if name.endswith(".dist-info/METADATA"))).decode()
    facts = Parser().parsestr(text)
    key = _key(facts["Name"])
    wanted = [_key(re.split(r"[ ;<>=!~\[(]", line)[0]) for line in facts.get_all("Requires-Dist", [])
              if "extra ==" not in line]
    depends = {"whetstone-lab": ["numpy", "matplotlib", "anywidget", "ipywidgets"]}.get(key, wanted)
    known = {*lock["packages"], *map(_key, PURE)}
    lock["packages"][key] = {
        "name": facts["Name"], "version": facts["Version"], "file_name": wheel.name, "install_dir": "site",
        "package_type": "package", "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(), "unvendored_tests": False,
        "imports": sorted({name.split("/")[0].removesuffix(".py") for name in names
                           if re.match(r"\w+(/__init__)?\.py$", name)}),
        "depends": [name for name in depends if name in known],
    }


def build(folder: Path, out: Path) -> None:
    """Has JupyterLite write the site."""
    contents = folder / "contents"
    contents.mkdir()
    for name in NOTEBOOKS:
        shutil.copy(ROOT / "notebooks" / name, contents)
    settings = {"litePluginSettings": {"@jupyterlite/pyodide-kernel-extension:kernel": {
        "pyodideUrl": "./pyodide/pyodide.js", "disablePyPIFallback": True}}}
    (folder / "jupyter-lite.json").write_text(json.dumps({
        "jupyter-lite-schema-version": 0, "jupyter-config-data": settings}), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "jupyterlite_core", "build", "--lite-dir", folder, "--contents", contents,
                    "--output-dir", out.resolve()], check=True, cwd=folder)
    shutil.copytree(folder / "pyodide", out / "pyodide", dirs_exist_ok=True)


def _key(name: str) -> str:
    """A package's name as the lock has it."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main()

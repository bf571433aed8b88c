"""``whetstone-lab lab``: opens JupyterLab on the start notebook."""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
from pathlib import Path
from urllib.parse import quote

import whetstone_lab
from whetstone_lab.cli.arguments import Commands, command


def add(commands: Commands) -> None:
    """Declares the command and its arguments."""
    parser = command(
        commands, "lab", run, "open the laboratory in JupyterLab, on the start notebook",
        epilog="What follows a lone -- goes to JupyterLab: whetstone-lab lab -- --no-browser --port 9999")
    parser.add_argument("folder", metavar="FOLDER", nargs="?", type=Path,
                        help="where the notebooks are to lie; those there already are kept (default: the checkout's "
                             "own, or ./whetstone-notebooks)")
    parser.set_defaults(passed_on=[])  # which says that it takes what follows --


def run(args: argparse.Namespace) -> None:
    """Opens JupyterLab on the start notebook and returns when it is shut down.

    A checkout's notebooks are opened where they lie. Those of an installed package are first copied to a folder of the
    user's; what is there already is never overwritten.

    Args:
        args: ``folder``, where the notebooks are to lie, or None for the checkout's own folder or
            ``whetstone-notebooks`` here; ``passed_on``, further arguments for JupyterLab.

    Raises:
        ModuleNotFoundError: JupyterLab or the widgets are not installed.
        FileNotFoundError: There is no start notebook.
        PermissionError: Jupyter refused to run as root, which it does only when it is told to.
    """
    for name in ("jupyterlab", "anywidget"):
        if importlib.util.find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    folder = prepare_notebooks(args.folder)
    start = min(folder.glob("00*.ipynb"), default=None)
    if start is None:
        raise FileNotFoundError(f"There is no start notebook, 00*.ipynb, in {folder}.")

    from jupyterlab.labapp import LabApp

    # Not just the file's path: so the address that is printed leads to the notebook too, where no browser opens.
    try:
        LabApp.launch_instance([f"--ServerApp.root_dir={folder.resolve()}",
                                f"--LabApp.default_url=/lab/tree/{quote(start.name)}", *args.passed_on])
    except SystemExit as end:
        if end.code == 1 and _is_root() and "--allow-root" not in args.passed_on:
            raise PermissionError("Jupyter does not run as root unless it is told to: whetstone-lab lab -- "
                                  "--allow-root") from end
        raise


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def prepare_notebooks(folder: Path | None) -> Path:
    """Has the notebooks lie in a folder, and says which of those there are no longer as shipped.

    Args:
        folder: Where. Default: the checkout's own folder, or ``whetstone-notebooks`` here.

    Returns:
        The folder.
    """
    shipped = shipped_notebooks()
    if folder is None:
        folder = Path("whetstone-notebooks") if shipped.parent == Path(whetstone_lab.__file__).parent else shipped
    if folder.resolve() != shipped.resolve():
        for name in copy_notebooks(shipped, folder):
            print(f"Kept {folder / name}, which is no longer as shipped; move it away to get the shipped one.")
    return folder


def shipped_notebooks() -> Path:
    """Where the notebooks lie that came with the package: in it, or in a checkout beside it."""
    package = Path(whetstone_lab.__file__).parent
    packaged = package / "notebooks"
    return packaged if packaged.is_dir() else package.parent / "notebooks"


def copy_notebooks(shipped: Path, folder: Path) -> list[str]:
    """Copies the notebooks and what lies beside them, leaving every file that is there already as it is.

    Args:
        shipped: Where they come from.
        folder: Where they go to; made where it is missing.

    Returns:
        The names of the files that were there already and differ from those shipped.
    """
    kept = []
    for source in sorted(path for path in shipped.rglob("*") if path.is_file()):
        name = source.relative_to(shipped)
        if {".ipynb_checkpoints", "__pycache__"} & set(name.parts):
            continue
        target = folder / name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        elif target.read_bytes() != source.read_bytes():
            kept.append(name.as_posix())
    return kept

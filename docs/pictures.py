"""Makes what people see before they install: the picture of the README, and what the chapters show where nothing runs.

    python docs/pictures.py                     # all
    python docs/pictures.py laboratory          # the photograph of the laboratory, with a run that it trains
    python docs/pictures.py 01_why_spikes       # the outputs of a chapter

A chapter is run and saved with what it printed and drew. Of a view its static picture is kept, for a widget cannot be
shown without its kernel, and pictures are made small. What is drawn anew in other colours, or says something else than
before, is renewed in the same way.
"""

from __future__ import annotations

import argparse
import base64
import io
import shutil
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from PIL import Image
from playwright.sync_api import sync_playwright

from whetstone_lab import widgets
from whetstone_lab.course import pages

DOCS = Path(__file__).parent
sys.path += [str(DOCS.parent / "tests"), str(DOCS.parent / "tests" / "browser")]

from bare_page import open_view  # noqa: E402

NOTEBOOKS = {path.stem: path for path in sorted((DOCS.parent / "notebooks").glob("*.ipynb"))}
BROWSER = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync"]

_WIDGET = "application/vnd.jupyter.widget-view+json"

#: Colours of a picture in a chapter. With so many a figure looks as before, at a third of the bytes.
COLOURS = 64


def keep_outputs(path: Path) -> None:
    """Runs a chapter and saves it with its outputs, without widgets, times and the kernel's name."""
    notebook, _ = pages.run_notebook(path)
    as_kept(notebook)
    nbformat.write(notebook, path)


def as_kept(notebook: Any) -> None:
    """Leaves of a notebook that has been run what is to lie in the repository."""
    number = 0
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        number += 1
        cell.execution_count = number
        # A widget is an output of its own, and its picture the next, as HTML too for JupyterLab beside a live widget.
        cell.outputs = pages.joined(output for output in cell.outputs if output.get("name") != "stderr"
                                    and _WIDGET not in output.get("data", {}))
        if "solution" in cell.metadata.get("tags", ()):
            cell.outputs = []  # that its source is hidden does not hide what it says
        for output in cell.outputs:
            if "data" in output:
                output.data.pop("text/html", None)
                output.metadata.clear()
                if "image/png" in output.data:
                    output.data["image/png"] = smaller(output.data["image/png"])
            if "execution_count" in output:
                output.execution_count = number
    notebook.metadata = nbformat.from_dict({
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"}})


def smaller(png: str) -> str:
    """A picture in few colours, in base64."""
    few = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGBA").quantize(COLOURS, Image.Quantize.FASTOCTREE)
    file = io.BytesIO()
    few.save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def photograph_laboratory() -> None:
    """Takes the laboratory when an experiment of 30 epochs on digits has ended, in the size that a laptop leaves it."""
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        lab = widgets.Laboratory(preset="e30 s1", folder=folder)
        lab._receive({"kind": "command", "name": "start"})
        while lab.bench.trace.status not in ("finished", "failed"):
            time.sleep(0.2)
        answers: list[Any] = []
        lab.send = lambda content, buffers=(): answers.append([content, buffers])

        def ask(content: dict[str, Any]) -> Any:
            answers.clear()
            lab._receive(content)
            deadline = time.monotonic() + 5
            while content["kind"] == "wave" and not answers and time.monotonic() < deadline:
                time.sleep(0.05)
            return answers

        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=BROWSER)
        page = open_view(browser, lab, 1216, height=640, margin=0, ask=ask)
        page.wait_for_function("() => document.querySelector('.wl-wave .wl-kicker').textContent.includes('epoch')")
        page.screenshot(path=DOCS / "laboratory.png")
        browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="*", choices=["laboratory", *NOTEBOOKS, []], metavar="NAME",
                        help="laboratory, or the name of a chapter (default: all)")
    for name in parser.parse_args().names or ["laboratory", *NOTEBOOKS]:
        if name == "laboratory":
            photograph_laboratory()
        else:
            keep_outputs(NOTEBOOKS[name])

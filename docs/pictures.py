"""Makes what people see before they install: the pictures of the README, and what the chapters show where nothing runs.

    python docs/pictures.py                     # all
    python docs/pictures.py laboratory          # the photograph of the laboratory, with a run that it trains
    python docs/pictures.py 01_why_spikes       # the outputs of a chapter
    python docs/pictures.py course              # one picture of each chapter, as they lie in the chapters

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
import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from whetstone_lab import plots, widgets
from whetstone_lab.course import CHAPTERS, pages
from whetstone_lab.view.palette import EITHER

DOCS = Path(__file__).parent
sys.path += [str(DOCS.parent / "tests"), str(DOCS.parent / "tests" / "browser")]

from bare_page import open_view  # noqa: E402

NOTEBOOKS = {path.stem: path for path in sorted((DOCS.parent / "notebooks").glob("*.ipynb"))}
BROWSER = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync"]

#: Which of the pictures of a chapter stands for it, where that is not the first: counted from 0.
SHOWN = {"why_spikes": 3, "drop_in": 2, "bottom_up": 1, "redundant_outputs": 2, "convolutions": 1, "residual": 2,
         "network_to_chip": 2, "your_own_model": 2}

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


def survey_course() -> None:
    """Draws the picture of the README that has one of each chapter, under its title."""
    columns = 3
    figure = plots.Picture(figsize=(12.16, 2.45 * -(-len(CHAPTERS) // columns)))
    grid = figure.subplots(-(-len(CHAPTERS) // columns), columns).ravel()
    for axes in grid:
        axes.axis("off")
        axes.set_anchor("NW")
    for axes, chapter in zip(grid, CHAPTERS, strict=False):
        notebook = nbformat.read(DOCS.parent / "notebooks" / chapter.notebook, as_version=4)
        found = [output.data["image/png"] for cell in notebook.cells for output in cell.get("outputs", ())
                 if "image/png" in output.get("data", {})]
        png = base64.b64decode(found[SHOWN.get(chapter.name, 0)])
        axes.imshow(np.asarray(Image.open(io.BytesIO(png)).convert("RGBA")), interpolation="antialiased")
        axes.set_title(f"{chapter.number} {chapter.title}", loc="left", fontsize=10, color=EITHER.muted)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100, transparent=True)
    (DOCS / "course.png").write_bytes(base64.b64decode(smaller(base64.b64encode(file.getvalue()).decode())))


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
    parser.add_argument("names", nargs="*", choices=["laboratory", "course", *NOTEBOOKS, []], metavar="NAME",
                        help="laboratory, the name of a chapter, or course (default: all, in this order)")
    for name in parser.parse_args().names or ["laboratory", *NOTEBOOKS, "course"]:
        if name == "laboratory":
            photograph_laboratory()
        elif name == "course":
            survey_course()
        else:
            keep_outputs(NOTEBOOKS[name])

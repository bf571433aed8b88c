"""Makes the pictures that people see before they install: that of the README, and those in the start notebook.

``python docs/pictures.py`` photographs the first view of the start notebook into ``docs/lab.png``, runs it and keeps
in it the static pictures alone: a widget cannot be shown without its kernel.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from playwright.sync_api import sync_playwright

from whetstone_lab import recordings, widgets

DOCS = Path(__file__).parent
NOTEBOOK = DOCS.parent / "notebooks" / "00_start.ipynb"
BROWSER = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync"]

_WIDGET = "application/vnd.jupyter.widget-view+json"


def keep_static_pictures() -> None:
    """Runs the start notebook and saves it with its pictures, without widgets, times and the kernel's name."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, store_widget_state=False).execute()
    for cell in notebook.cells:
        cell.metadata.clear()
        if "outputs" not in cell:
            continue
        # A widget is an output of its own, and its picture the next, as HTML too for JupyterLab beside a live widget.
        cell.outputs = [output for output in cell.outputs if _WIDGET not in output.get("data", {})]
        for output in cell.outputs:
            if "data" in output:
                if "image/png" in output.data:
                    output.data.pop("text/html", None)
                output.metadata.clear()
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                         "language_info": {"name": "python"}}
    nbformat.write(notebook, NOTEBOOK)


def photograph() -> None:
    """Takes the first view of the start notebook, halfway through the sharpening: low enough for a first screen."""
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "curves.html"
        widgets.ActivationCurves(recordings.digits_trace()).to_html(path)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=BROWSER)
        page = browser.new_page(viewport={"width": 1180, "height": 700}, reduced_motion="reduce", color_scheme="light")
        page.goto(path.as_uri())
        view = page.locator(".wl")
        slider = view.locator("input[type=range]")
        slider.evaluate("it => { it.value = it.max * 0.235; it.dispatchEvent(new Event('input')); }")
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        view.screenshot(path=DOCS / "lab.png")
        browser.close()


if __name__ == "__main__":
    keep_static_pictures()
    photograph()

"""Makes the pictures that people see before they install: that of the README, and those in the start notebook.

``python docs/pictures.py`` runs the start notebook in a real JupyterLab on this machine, photographs its first widget
into ``docs/lab.png``, and keeps in the notebook the static pictures alone: a widget cannot be shown without its kernel.
"""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from playwright.sync_api import sync_playwright

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
    """Takes the first widget of the start notebook, halfway through the sharpening: low enough for a first screen."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    with TemporaryDirectory() as folder:
        shutil.copy(NOTEBOOK, folder)
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}", "--allow-root",
             f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}",
             "--LabApp.expose_app_in_browser=True"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(8)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=BROWSER)
                page = browser.new_page(viewport={"width": 1250, "height": 900}, reduced_motion="reduce")
                page.goto(f"http://127.0.0.1:{port}/lab/tree/{NOTEBOOK.name}?token={token}&reset")
                page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel"
                                       "?.connectionStatus === 'connected'")
                page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
                page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
                widget = page.locator(".wl").first
                slider = widget.locator("input[type=range]")
                slider.evaluate("it => { it.value = it.max * 0.235; it.dispatchEvent(new Event('input')); }")
                widget.screenshot(path=DOCS / "lab.png")
                browser.close()
        finally:
            server.terminate()
            server.wait(20)


if __name__ == "__main__":
    keep_static_pictures()
    photograph()

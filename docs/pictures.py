"""Makes the pictures that people see before they install: that of the README, and those in the start notebook.

``python docs/pictures.py`` photographs the laboratory, with a run that it trains, into ``docs/laboratory.png``. It runs
the start notebook and keeps in it the static pictures alone: a widget cannot be shown without its kernel.
"""

from __future__ import annotations

import base64
import shutil
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbclient import NotebookClient
from playwright.sync_api import sync_playwright

from whetstone_lab import widgets
from whetstone_lab.view.widgets import _assets

DOCS = Path(__file__).parent
NOTEBOOK = DOCS.parent / "notebooks" / "00_start.ipynb"
BROWSER = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync"]

_WIDGET = "application/vnd.jupyter.widget-view+json"

#: Draws a widget whose page asks Python by ``window.ask``, which gives the messages that Python answers with.
_PAGE = """async ([source, state]) => {
  const decoded = text => new DataView(Uint8Array.from(atob(text), sign => sign.charCodeAt(0)).buffer);
  const revive = value => value?.base64 !== undefined ? decoded(value.base64)
    : Array.isArray(value) ? value.map(revive)
    : value && typeof value === 'object'
      ? Object.fromEntries(Object.entries(value).map(([name, item]) => [name, revive(item)])) : value;
  const [values, listeners] = [revive(state), []];
  const model = {
    get: name => values[name], set() {}, save_changes() {}, off() {},
    on: (event, listener) => listeners.push([event, listener]),
    send: async content => revive(await window.ask(content)).forEach(message =>
      listeners.filter(([event]) => event === 'msg:custom').forEach(([, listener]) => listener(...message))),
  };
  const module = await import(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
  module.default.render({ model, el: document.querySelector('main') });
}"""


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
            return plain(answers)

        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=BROWSER)
        page = browser.new_page(viewport={"width": 1216, "height": 640}, reduced_motion="reduce")
        page.expose_function("ask", ask)
        page.set_content(f"<!doctype html><style>body {{ margin: 0; background: #fff }}{lab._css}</style><main></main>")
        state = {name: value for name, value in lab.get_state().items() if not name.startswith("_")}
        page.evaluate(_PAGE, [_assets.module("laboratory"), plain(state)])
        page.wait_for_function("() => document.querySelector('.wl-wave .wl-kicker').textContent.includes('epoch')")
        page.screenshot(path=DOCS / "laboratory.png")
        browser.close()


def plain(value: Any) -> Any:
    """A value as JSON has it, its bytes in base64."""
    if isinstance(value, bytes | memoryview):
        return {"base64": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


if __name__ == "__main__":
    keep_static_pictures()
    photograph_laboratory()

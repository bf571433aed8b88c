"""A real JupyterLab on loopback and a real browser in front of it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from waiting import await_that

#: Where the made-up run of ``tests/conftest.py`` is found by a kernel.
TESTS = Path(__file__).parent.parent

_PATIENCE = 60_000  # milliseconds; a bound on a hang, not a measurement


class Lab:
    """A running JupyterLab with one folder of notebooks."""

    def __init__(self, root: Path, port: int, token: str) -> None:
        self.root, self.token = root, token
        self.url = f"http://127.0.0.1:{port}"

    def write(self, name: str, cells: list[str]) -> str:
        """Writes a notebook of code cells; returns its name."""
        notebook = {
            "cells": [{"cell_type": "code", "execution_count": None, "id": f"cell-{i}", "metadata": {}, "outputs": [],
                       "source": source} for i, source in enumerate(cells)],
            "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
            "nbformat": 4, "nbformat_minor": 5,
        }
        (self.root / name).write_text(json.dumps(notebook))
        return name

    def read(self, name: str) -> dict[str, Any]:
        return json.loads((self.root / name).read_text())

    def request(self, method: str, path: str) -> Any:
        request = urllib.request.Request(f"{self.url}{path}", method=method,
                                         headers={"Authorization": f"token {self.token}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or "null")


class Notebook:
    """A notebook that is open in the browser, beside which no other is."""

    def __init__(self, lab: Lab, page: Any, name: str) -> None:
        self.lab, self.page, self.name = lab, page, name
        self.errors: list[str] = []
        page.on("pageerror", self._note_error)
        page.on("console", self._note_message)
        if page.url.startswith(lab.url):  # the page of JupyterLab takes seconds to load, a notebook in it does not
            self.execute("docmanager:open", path=name)
        else:
            self._go()
        self._settle()

    def _note_error(self, error: Any) -> None:
        self.errors.append(str(error))

    def _note_message(self, message: Any) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def _go(self) -> None:
        self.page.goto(f"{self.lab.url}/lab/tree/{self.name}?token={self.lab.token}&reset")

    def _settle(self) -> None:
        from playwright.sync_api import TimeoutError as BrowserTimeoutError

        for last in (False, False, True):
            self.page.wait_for_selector(".jp-Notebook .jp-Cell")
            try:
                self._await_kernel(_PATIENCE / 3)
                break
            except BrowserTimeoutError:
                # On busy cores a connection is lost now and then as it opens; a reader loads the page again.
                if last:
                    raise
                self._go()
        # The sidebars take the room that the widgets are looked at in.
        self.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")

    def _await_kernel(self, timeout: float) -> None:
        await_that(self.page, """name => {
            const current = window.jupyterapp?.shell.currentWidget;
            return current?.context?.path === name
                && current.sessionContext?.session?.kernel?.connectionStatus === 'connected';
        }""", self.name, timeout=timeout)
        # Connected is not yet listening: what is asked before the kernel has answered once can be lost, so ask again.
        await_that(self.page, """async () => {
            const context = window.jupyterapp.shell.currentWidget.sessionContext;
            const asked = context.ready.then(() => context.session.kernel.requestKernelInfo());
            const late = new Promise(done => setTimeout(done, 4000));
            return (await Promise.race([asked, late]))?.content.status === 'ok';
        }""", timeout=timeout)

    def execute(self, command: str, **args: Any) -> None:
        self.page.evaluate("([id, args]) => window.jupyterapp.commands.execute(id, args)", [command, args])

    def run(self, index: int) -> None:
        """Runs one cell and waits for its end."""
        self.page.evaluate("""async (index) => {
            const notebook = window.jupyterapp.shell.currentWidget.content;
            notebook.activeCellIndex = index;
            notebook.deselectAll();
            await window.jupyterapp.commands.execute('notebook:run-cell');
        }""", index)

    def theme(self, dark: bool) -> None:
        self.execute("apputils:change-theme", theme=f"JupyterLab {'Dark' if dark else 'Light'}")
        await_that(self.page, "light => document.body.dataset.jpThemeLight === light", str(not dark).lower())

    def reload(self) -> None:
        """Loads the whole page again."""
        self._go()
        self._settle()

    def close(self) -> None:
        """Closes it as it is, unsaved, and notes no errors any more."""
        self.page.evaluate("() => { window.jupyterapp.shell.currentWidget.context.model.dirty = false; }")
        self.execute("application:close-all")
        self.page.wait_for_selector(".jp-Notebook", state="detached")
        self.page.remove_listener("pageerror", self._note_error)
        self.page.remove_listener("console", self._note_message)

    def save(self) -> dict[str, Any]:
        self.execute("docmanager:save")
        return self.lab.read(self.name)

    def text(self, index: int) -> str:
        """What a cell printed on its standard output: others' warnings land in whichever cell runs."""
        printed = self.page.locator(".jp-Notebook .jp-Cell").nth(index).locator("[data-mime-type$=stdout]")
        printed.first.wait_for()
        return "".join(printed.all_inner_texts())


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab on a free port of 127.0.0.1, with settings of its own."""
    pytest.importorskip("jupyterlab")
    home = tmp_path_factory.mktemp("jupyter")
    root = tmp_path_factory.mktemp("notebooks")
    settings = home / "settings" / "@jupyterlab"
    (settings / "apputils-extension").mkdir(parents=True)
    (settings / "apputils-extension" / "notification.jupyterlab-settings").write_text(
        json.dumps({"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    folders = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython",
               "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces"}
    environment = {**os.environ, **{name: str(home / folder) for name, folder in folders.items()},
                   "TF_CPP_MIN_LOG_LEVEL": "3"}
    log = (home / "server.log").open("wb")
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}",
         "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={root}",
         "--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True",
         "--LabApp.extension_manager=readonly", "--allow-root"],
        stdout=log, stderr=subprocess.STDOUT, env=environment)
    started = Lab(root, port, token)
    try:
        for _ in range(240):
            try:
                started.request("GET", "/api/status")
                break
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                if server.poll() is not None:
                    break
                time.sleep(0.25)
        else:
            server.poll()
        if server.poll() is not None:
            pytest.fail(f"JupyterLab did not start:\n{(home / 'server.log').read_text()[-3000:]}")
        yield started
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
        log.close()


@pytest.fixture(scope="session")
def lab_page(chromium: Any) -> Iterator[Any]:
    """One page for all that is looked at in JupyterLab."""
    context = chromium.new_context(device_scale_factor=1)
    context.set_default_timeout(_PATIENCE)
    yield context.new_page()
    context.close()


@pytest.fixture
def open_notebook(lab: Lab, lab_page: Any) -> Iterator[Any]:
    """Opens a notebook, and closes the one before: ``open_notebook(cells, width=1400, dark=False, calm=False)``.

    ``cells`` is a list of sources, or the path of a notebook that is copied.
    """
    opened: list[Notebook] = []

    def open_notebook(cells: list[str] | Path, *, width: int = 1400, height: int = 1000, dark: bool = False,
                      calm: bool = False) -> Notebook:
        name = f"test-{secrets.token_hex(4)}.ipynb"
        if isinstance(cells, Path):
            shutil.copy(cells, lab.root / name)
        else:
            lab.write(name, cells)
        close()
        lab_page.set_viewport_size({"width": width, "height": height})
        lab_page.emulate_media(color_scheme="dark" if dark else "light",
                               reduced_motion="reduce" if calm else "no-preference")
        notebook = Notebook(lab, lab_page, name)
        opened.append(notebook)
        notebook.theme(dark)
        return notebook

    def close() -> None:
        if opened:
            opened.pop().close()
        for kernel in lab.request("GET", "/api/kernels"):
            lab.request("DELETE", f"/api/kernels/{kernel['id']}")

    yield open_notebook
    close()


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: the folder named by ``WHETSTONE_SCREENSHOTS``, or a temporary one."""
    named = os.environ.get("WHETSTONE_SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder

"""The command ``lab``: which notebooks it opens, what it keeps, and JupyterLab itself on loopback."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import whetstone_lab
from whetstone_lab.cli import lab
from whetstone_lab.cli import main as cli

# -- the notebooks ----------------------------------------------------------------------------------------------------


@pytest.fixture
def shipped(tmp_path):
    folder = tmp_path / "shipped"
    for name, text in {"00_start.ipynb": "start", "01_more.ipynb": "more", "images/a.png": "picture",
                       ".ipynb_checkpoints/00_start-checkpoint.ipynb": "old", "__pycache__/x.pyc": ""}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_notebooks_are_copied_without_what_only_jupyter_needs(shipped, tmp_path):
    assert lab.copy_notebooks(shipped, tmp_path / "deep" / "mine") == []
    assert files(tmp_path / "deep" / "mine") == {"00_start.ipynb": "start", "01_more.ipynb": "more",
                                                "images/a.png": "picture"}


def test_what_a_user_changed_is_kept_and_named_and_what_is_missing_comes_back(shipped, tmp_path):
    mine = tmp_path / "mine"
    lab.copy_notebooks(shipped, mine)
    (mine / "00_start.ipynb").write_text("my notes")
    (mine / "own.ipynb").write_text("my own")
    (mine / "01_more.ipynb").unlink()
    assert lab.copy_notebooks(shipped, mine) == ["00_start.ipynb"]
    assert files(mine) == {"00_start.ipynb": "my notes", "01_more.ipynb": "more", "images/a.png": "picture",
                           "own.ipynb": "my own"}


# -- the laboratory ---------------------------------------------------------------------------------------------------


@pytest.fixture
def opened(monkeypatch):
    """Has JupyterLab only note what it would have been started with."""
    from jupyterlab.labapp import LabApp

    asked = []
    monkeypatch.setattr(LabApp, "launch_instance", asked.append)
    return asked


@pytest.fixture
def installed(shipped, tmp_path, monkeypatch):
    """As if the package came from a wheel, with the notebooks inside."""
    package = tmp_path / "packages" / "whetstone_lab"
    package.mkdir(parents=True)
    shipped.rename(package / "notebooks")
    monkeypatch.setattr(whetstone_lab, "__file__", str(package / "__init__.py"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return package


def test_an_installed_laboratory_works_on_a_copy(installed, opened, tmp_path, capsys):
    work = tmp_path / "work"
    assert cli.main(["lab", "--", "--no-browser", "--port", "9999"]) == 0
    assert (work / "whetstone-notebooks" / "00_start.ipynb").read_text() == "start"
    assert opened == [[f"--ServerApp.root_dir={work / 'whetstone-notebooks'}",
                       "--LabApp.default_url=/lab/tree/00_start.ipynb", "--no-browser", "--port", "9999"]]
    assert capsys.readouterr() == ("", "")
    (work / "whetstone-notebooks" / "00_start.ipynb").write_text("my notes")
    assert cli.main(["lab"]) == 0
    assert (work / "whetstone-notebooks" / "00_start.ipynb").read_text() == "my notes"
    kept = os.path.join("whetstone-notebooks", "00_start.ipynb")
    assert capsys.readouterr().out == (f"Kept {kept}, which is no longer as shipped; move it away to get the shipped "
                                       "one.\n")
    assert cli.main(["lab", "elsewhere"]) == 0
    assert (work / "elsewhere" / "00_start.ipynb").read_text() == "start"


def test_a_checkout_s_laboratory_works_on_the_notebooks_themselves(shipped, opened, tmp_path, monkeypatch):
    checkout = tmp_path / "checkout"
    (checkout / "whetstone_lab").mkdir(parents=True)
    shipped.rename(checkout / "notebooks")
    monkeypatch.setattr(whetstone_lab, "__file__", str(checkout / "whetstone_lab" / "__init__.py"))
    monkeypatch.chdir(tmp_path)
    assert cli.main(["lab"]) == 0
    assert cli.main(["lab", "checkout/notebooks"]) == 0
    assert cli.main(["lab", "mine"]) == 0
    assert [asked[0] for asked in opened] == [f"--ServerApp.root_dir={folder}" for folder in (
        checkout / "notebooks", checkout / "notebooks", tmp_path / "mine")]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkout", "mine"]


def test_a_laboratory_without_its_start_notebook_says_so(installed, opened, capsys):
    (installed / "notebooks" / "00_start.ipynb").unlink()
    assert cli.main(["lab"]) == 1
    assert "There is no start notebook, 00*.ipynb, in whetstone-notebooks." in capsys.readouterr().err
    assert opened == []


@pytest.mark.parametrize(("user", "options", "code", "hint"), [
    (0, [], 1, True), (0, ["--allow-root"], 1, False), (1000, [], 1, False), (0, [], 2, False)])
def test_as_root_it_says_what_jupyter_wants(shipped, monkeypatch, capsys, user, options, code, hint):
    from jupyterlab.labapp import LabApp

    def refuse(arguments):
        sys.exit(code)

    monkeypatch.setattr(LabApp, "launch_instance", refuse)
    monkeypatch.setattr(lab.os, "geteuid", lambda: user, raising=False)
    if hint:
        assert cli.main(["lab", str(shipped), "--", *options]) == 1
        assert "unless it is told to: whetstone-lab lab -- --allow-root\n" in capsys.readouterr().err
    else:
        with pytest.raises(SystemExit, match=str(code)):
            cli.main(["lab", str(shipped), "--", *options])


def test_the_checkout_does_not_make_modules_of_jupyter_s_scripts():
    """JupyterLab runs a ``yarn.js`` by Node, which in an environment within the checkout reads our package.json."""
    package = json.loads((Path(__file__).parents[2] / "package.json").read_text(encoding="utf-8"))
    assert package.get("type", "commonjs") == "commonjs"


@pytest.mark.parametrize("missing", ["jupyterlab", "anywidget"])
def test_without_jupyterlab_it_says_which_extra_to_install(monkeypatch, capsys, tmp_path, missing):
    find = lab.importlib.util.find_spec
    monkeypatch.setattr(lab.importlib.util, "find_spec", lambda name: None if name == missing else find(name))
    monkeypatch.chdir(tmp_path)
    assert cli.main(["lab"]) == 1
    assert capsys.readouterr().err == (f"whetstone-lab: error: {missing} is not installed. Install what the laboratory "
                                       "needs: python -m pip install 'whetstone-lab[lab]'\n")
    assert not list(tmp_path.iterdir())


def test_jupyterlab_serves_the_start_notebook(tmp_path):
    """The real thing, on loopback and without a browser: started, asked, and shut down."""
    (tmp_path / "mine").mkdir()
    notebook = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "mine" / "00_a start.ipynb").write_text(json.dumps(notebook))
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    settings = {f"JUPYTER_{kind}_DIR": str(tmp_path / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "whetstone_lab", "lab", str(tmp_path / "mine"), "--", "--no-browser", "--allow-root",
             "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0",
             "--IdentityProvider.token=secret"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=tmp_path, env=os.environ | settings)

    def ask(path, method="GET"):
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method,
                                         headers={"Authorization": "token secret"})
        return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30)

    try:
        for _ in range(240):
            with contextlib.suppress(urllib.error.URLError):
                ask("/api/status").close()
                break
            assert server.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.25)
        with ask("/?token=secret") as page:
            assert page.url.startswith(f"http://127.0.0.1:{port}/lab/tree/00_a%20start.ipynb")
            assert page.status == 200
        with ask("/api/contents") as answer:
            assert "00_a start.ipynb" in {item["name"] for item in json.load(answer)["content"]}
        ask("/api/shutdown", "POST").close()
        assert server.wait(60) == 0
    finally:
        if server.poll() is None:
            server.terminate()
            server.wait(30)
    assert "/lab/tree/00_a%20start.ipynb" in (tmp_path / "log").read_text()

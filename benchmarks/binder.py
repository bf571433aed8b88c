"""Builds Binder's environment clean, says how large it is, and opens its start page in a real browser.

    python benchmarks/binder.py                       # with a Python of the version that binder/Dockerfile names
    python benchmarks/binder.py --environment FOLDER  # one that was built before

It does what ``binder/Dockerfile`` does, in a virtual environment in place of a container: ``binder/install``, the
package from this checkout, then a server as Binder starts it and the address that its launch link leads to. What the
image has besides is the Debian and the Python of ``python:3.12-slim``, some 130 MB. Fails if the environment has more
than the 1.5 GB less these, or if no widget comes to life.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]

#: The largest that the environment may be, in MB: an image of 1.5 GB, less what it has besides.
LARGEST = 1500 - 130


def build(folder: Path) -> None:
    """Makes the environment, from nothing."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    subprocess.run([ROOT / "binder" / "install", python], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-cache-dir", "--no-compile", "--no-deps", "-e",
                    ROOT], check=True)


def megabytes(folder: Path) -> float:
    """What a folder takes on the disk, in MB of a million bytes."""
    return int(subprocess.run(["du", "-s", "--block-size=1", folder], check=True, capture_output=True,
                              text=True).stdout.split()[0]) / 1e6


@contextmanager
def served(environment: Path, home: Path) -> Iterator[str]:
    """A server as Binder starts it, in a copy of the notebooks; gives the address that a launch link leads to."""
    shutil.copytree(ROOT / "notebooks", home / "notebooks")
    token = secrets.token_hex(8)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = f"http://127.0.0.1:{port}/user/binder-test/"
    environ = {**os.environ, "HOME": str(home), "PATH": f"{environment / 'bin'}:{os.environ['PATH']}",
               "TF_CPP_MIN_LOG_LEVEL": "3"}
    environ.pop("PYTHONPATH", None)
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [environment / "bin" / "jupyter-notebook", "--ip=127.0.0.1", f"--port={port}", "--no-browser",
             "--allow-root", "--ServerApp.base_url=/user/binder-test/", f"--IdentityProvider.token={token}"],
            cwd=home, env=environ, stdout=log, stderr=subprocess.STDOUT)
        try:
            for _ in range(240):
                try:
                    urllib.request.urlopen(f"{base}api?token={token}", timeout=5).close()
                    break
                except OSError:
                    time.sleep(0.5)
            yield f"{base}lab/tree/notebooks/00_start.ipynb?token={token}"
        finally:
            server.terminate()
            server.wait(30)


def look(address: str, picture: Path) -> float:
    """Opens the start page, runs its first cells, and gives the seconds until a widget has drawn itself."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        began = time.perf_counter()
        page.set_default_timeout(60_000)
        try:
            page.goto(address)
            page.wait_for_selector(".jp-Notebook .jp-Cell")
            # Asked to run a cell before the kernel is there, JupyterLab asks back which kernel.
            page.get_by_text(re.compile(r"Python 3.* \| Idle")).wait_for()
            page.locator(".jp-Notebook .jp-CodeCell").first.locator(".cm-content").click()
            page.keyboard.press("Control+Enter")
            page.wait_for_function("""() => [...document.querySelectorAll('.wl canvas.wl-canvas')].some(canvas => {
                const image = canvas.width && canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
                return image && new Set(new Uint32Array(image.data.buffer)).size > 4;
            })""")
        finally:
            page.screenshot(path=picture)
        seconds = time.perf_counter() - began
        browser.close()
    return seconds


def main() -> None:
    """Builds, measures, opens."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--environment", type=Path, help="a folder in which this script built before")
    parser.add_argument("--picture", type=Path, default=Path("binder.png"), help="what the page looked like")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="whetstone-binder-") as scratch:
        environment = args.environment or Path(scratch) / "environment"
        if args.environment is None:
            build(environment)
        size = megabytes(environment)
        print(f"The environment takes {size:.0f} MB; at most {LARGEST} MB are to be.", flush=True)
        home = Path(scratch) / "home"
        home.mkdir()
        with served(environment, home) as address:
            print(f"The first widget of the start page has drawn itself after {look(address, args.picture):.1f} s.")
    if size > LARGEST:
        raise SystemExit("It is too large.")


if __name__ == "__main__":
    main()

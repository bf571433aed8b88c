"""A live run with everything open, for minutes: what the page, its nodes and the kernel have at the end of each.

    python benchmarks/live_memory.py [--minutes 10] [--picture page.png]

JupyterLab on loopback, a notebook with the laboratory and the curves and thresholds of its run, a small network that
trains on the digits all the while, and a headless Chromium that looks at it and moves the mouse over the chart. Memory
of the page is its JavaScript heap after a full collection, that of the kernel its resident set. The history of a run
grows by some hundreds of bytes an epoch; nothing else should. It needs Chromium, playwright and the extra ``lab``.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import sync_playwright
from widgets import _FLAGS

from binder import served

CELL = """import os
from whetstone_lab import widgets
lab = widgets.Laboratory(preset="small b32 e1000 s1", folder="runs")
display(lab, widgets.ActivationCurves(lab.bench), widgets.SharpenerChart(lab.bench))
print("kernel", os.getpid(), flush=True)
lab.bench.start()
"""


def write_notebook(path: Path) -> None:
    """A notebook of the one cell."""
    path.write_text(json.dumps({
        "cells": [{"cell_type": "code", "execution_count": None, "id": "live", "metadata": {}, "outputs": [],
                   "source": CELL}],
        "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
        "nbformat": 4, "nbformat_minor": 5}))


def look(page: Any, minutes: int) -> None:
    """Runs the cell and prints a row a minute."""
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.get_by_text(re.compile(r"Python 3.* \| Idle")).wait_for()
    page.locator(".jp-Notebook .jp-CodeCell").first.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    said = page.get_by_text(re.compile(r"kernel \d+"))
    said.wait_for()
    kernel = psutil.Process(int(said.inner_text().split()[1]))
    page.locator(".wl-lab").get_by_text(re.compile("epoch [3-9]")).first.wait_for()
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")
    print("| minute | epoch | page: heap, MB | nodes | listeners | kernel, MB |\n" + "| --- " * 6 + "|")
    for minute in range(minutes + 1):
        until = time.monotonic() + 60 * bool(minute)
        while time.monotonic() < until:
            for share in range(10):
                box = page.locator(".wl-lab canvas").first.bounding_box()
                page.mouse.move(box["x"] + box["width"] * (share + 0.5) / 10, box["y"] + box["height"] / 2)
                time.sleep(0.5)
        devtools.send("HeapProfiler.collectGarbage")
        found = {row["name"]: row["value"] for row in devtools.send("Performance.getMetrics")["metrics"]}
        epoch = re.search(r"epoch (\d+)", page.locator(".wl-lab").inner_text())
        print(f"| {minute} | {epoch[1] if epoch else '-'} | {found['JSHeapUsedSize'] / 1e6:.1f} | {found['Nodes']:.0f}"
              f" | {found['JSEventListeners']:.0f} | {kernel.memory_info().rss / 1e6:.0f} |", flush=True)


def main() -> None:
    """Serves, opens, measures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--picture", type=Path, help="what the page looks like at the end")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="whetstone-live-") as scratch:
        home = Path(scratch) / "home"
        home.mkdir()
        with served(Path(sys.prefix), home) as address, sync_playwright() as playwright:
            write_notebook(home / "notebooks" / "live.ipynb")
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_FLAGS)
            page = browser.new_page(viewport={"width": 1400, "height": 1000})
            page.set_default_timeout(120_000)
            page.goto(address.replace("00_start", "live"))
            try:
                look(page, args.minutes)
            finally:
                if args.picture:
                    page.screenshot(path=args.picture)
            browser.close()


if __name__ == "__main__":
    main()

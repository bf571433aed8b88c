"""A class on one machine: real kernels on loopback that run a chapter, and what that costs in memory and in waiting.

    python benchmarks/classroom.py                                      # every chapter, one student
    python benchmarks/classroom.py 01_why_spikes --students 30          # a class
    python benchmarks/classroom.py --render                             # only writes the tables into the guide anew

Each student has a kernel of their own, launched as JupyterLab launches it, begins some seconds after the one before,
and runs the chapter's cells one after the other without a pause: more than a class does that reads in between. Memory
is the kernels' proportional set size, in which pages that several share are counted once. What is measured is kept in
``docs/classroom.json``, from which the tables of ``docs/teaching.md`` are written.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from jupyter_client.manager import start_new_kernel

ROOT = Path(__file__).parents[1]
NOTEBOOKS, KEPT, GUIDE = ROOT / "notebooks", ROOT / "docs" / "classroom.json", ROOT / "docs" / "teaching.md"

#: Seconds between two looks at the memory.
_LOOK = 0.5
_PATIENCE = 1800


@dataclass
class Student:
    """What one student waits for, in seconds since the kernel was launched."""

    ready: float = 0.0
    picture: float | None = None
    end: float = 0.0
    pid: int = 0
    errors: list[str] = field(default_factory=list)


class Memory:
    """Looks at the memory of some processes and their children until it is closed; MB."""

    def __init__(self) -> None:
        self.pids: list[int] = []
        self.each: dict[int, float] = {}
        self.together, self._over = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(_LOOK):
            now = {pid: pss(pid) for pid in list(self.pids)}
            self.together = max(self.together, sum(now.values()))
            for pid, value in now.items():
                self.each[pid] = max(self.each.get(pid, 0.0), value)


def pss(pid: int) -> float:
    """The proportional set size of a process and all below it, in MB; 0 where it has gone."""
    total = 0
    try:
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{process.pid}/smaps_rollup").read_text(), re.MULTILINE)
            total += int(found[1]) if found else 0
    except (psutil.Error, OSError):
        pass
    return total / 1024


def attend(cells: Iterable[str], folder: Path, wait: float, memory: Memory, env: Mapping[str, str]) -> Student:
    """Runs a chapter as a student would, from the launch of a kernel on."""
    time.sleep(wait)
    student, began = Student(), time.perf_counter()
    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=_PATIENCE, cwd=str(folder),
                                       env={**os.environ, **env})
    student.pid = manager.provisioner.pid
    memory.pids.append(student.pid)
    try:
        student.ready = time.perf_counter() - began

        def seen(message: dict[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] == "error":
                student.errors.append(f"{content['ename']}: {content['evalue']}")
            shown = {"image/png", "application/vnd.jupyter.widget-view+json"} & set(content.get("data", {}))
            if shown and student.picture is None:
                student.picture = time.perf_counter() - began

        for source in cells:
            client.execute_interactive(source, timeout=_PATIENCE, output_hook=seen, stop_on_error=False)
        student.end = time.perf_counter() - began
        time.sleep(2 * _LOOK)  # so that the memory of its end is seen
    finally:
        memory.pids.remove(student.pid)
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return student


def lesson(name: str, students: int, stagger: float, threads: int | None) -> dict[str, Any]:
    """A class of so many students in a chapter: what they waited for and what they needed."""
    notebook = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text())
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    env = {"TF_CPP_MIN_LOG_LEVEL": "3", **({name: str(threads) for name in names} if threads else {})}
    load = os.getloadavg()[0]
    memory = Memory()
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(students) as room:
        folders = [Path(scratch) / str(number) for number in range(students)]
        for folder in folders:
            shutil.copytree(NOTEBOOKS, folder, ignore=shutil.ignore_patterns(".*", "answers*.json"))
        began = time.perf_counter()
        attending = [room.submit(attend, cells, folder, number * stagger, memory, env)
                     for number, folder in enumerate(folders)]
        been = [student.result() for student in attending]
        whole = time.perf_counter() - began
    memory.close()
    errors = sorted({error for student in been for error in student.errors})
    if errors:
        raise SystemExit(f"{name}: cells failed for {sum(bool(one.errors) for one in been)} of {students}: {errors}")
    pictures = [student.picture for student in been if student.picture is not None]
    machine = f"{len(os.sched_getaffinity(0))} cores, {psutil.virtual_memory().total / 1e9:.0f} GB"
    return {"chapter": name, "students": students, "stagger": stagger, "threads": threads, "machine": machine,
            "load": round(load, 1),
            "picture": round(statistics.median(pictures), 1) if pictures else None,
            "picture_last": round(max(pictures), 1) if pictures else None,
            "end": round(statistics.median(student.end for student in been), 1),
            "end_last": round(max(student.end for student in been), 1), "whole": round(whole, 1),
            "kernel_mb": round(max(memory.each.values())), "together_mb": round(memory.together)}


def keep(row: Mapping[str, Any]) -> None:
    """Puts a measurement in the place of an earlier one of the same chapter and as many students."""
    rows = [other for other in kept() if any(other[key] != row[key] for key in ("chapter", "students", "threads"))]
    rows = sorted([*rows, dict(row)], key=lambda row: (row["chapter"], row["students"], row["threads"] or 0))
    KEPT.write_text("[\n" + ",\n".join(json.dumps(one) for one in rows) + "\n]\n")


def kept() -> list[dict[str, Any]]:
    """What was measured."""
    return json.loads(KEPT.read_text()) if KEPT.exists() else []


def tables(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The tables of the guide by their names: every chapter for one student, and classes."""
    rows = list(rows)
    alone = [f"| {row['chapter']} | {row['picture'] or '–'} | {row['end']} | {row['kernel_mb']} | {row['load']} |"
             for row in rows if row["students"] == 1]
    classes = [f"| {row['chapter']} | {row['students']}, one every {row['stagger']:g} s | {row['machine']} | "
               f"{row['threads'] or 'all'} | {row['picture'] or '–'} / {row['picture_last'] or '–'} | {row['end']} / "
               f"{row['end_last']} | {row['together_mb'] / 1000:.1f} | {row['load']} |"
               for row in rows if row["students"] > 1]
    return {
        "alone": "\n".join(["| chapter | s to the first picture | s to the end | MB at the most | load before |",
                            "| --- | --- | --- | --- | --- |", *alone]),
        "classes": "\n".join([
            "| chapter | students | machine | threads a kernel | s to the first picture: median / last | "
            "s to the end: median / last | GB together | load before |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |", *classes])}


def rendered(guide: str, rows: Iterable[Mapping[str, Any]]) -> str:
    """The guide with its tables written anew."""
    for name, table in tables(rows).items():
        guide, found = re.subn(rf"(<!-- {name} -->\n).*?(<!-- end -->)",
                               lambda m, table=table: f"{m[1]}{table}\n{m[2]}", guide, flags=re.DOTALL)
        if found != 1:
            raise ValueError(f"Expected one <!-- {name} --> ... <!-- end --> in {GUIDE.name}; found {found}.")
    return guide


def main() -> None:
    """Measures what the command line names, keeps it, and writes the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER", help="names of notebooks (default: all)")
    parser.add_argument("--students", type=int, default=1, metavar="N", help="how many kernels (default: 1)")
    parser.add_argument("--stagger", type=float, default=2.0, metavar="S",
                        help="seconds between the beginnings of two students (default: 2)")
    parser.add_argument("--threads", type=int, default=None, metavar="N",
                        help="threads of each kernel (default: as many as there are cores)")
    parser.add_argument("--render", action="store_true", help="measure nothing")
    args = parser.parse_args()
    names = [] if args.render else args.chapters or sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
    for name in names:
        row = lesson(name, args.students, args.stagger, args.threads)
        print(row, flush=True)
        keep(row)
    GUIDE.write_text(rendered(GUIDE.read_text(), kept()))


if __name__ == "__main__":
    main()

"""Processes in which Keras, or NumPy alone, is loaded and nothing was done with it yet, nor this package loaded.

To load Keras and its backend takes seconds each time, and NumPy most of what a small program takes. So one process
loads them once, and each that is asked for is its copy (``os.fork``), which a process may be as long as it has one
thread. Run as a program, this file is that process.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from functools import cache
from importlib import import_module
from pathlib import Path


@cache
def _copied(loaded: str) -> subprocess.Popen:
    home = tempfile.TemporaryDirectory()  # without data that Keras downloaded before, and without its settings
    own = {"KERAS_HOME": home.name, "OMP_NUM_THREADS": "1"}  # so that NumPy starts no threads of its own
    if loaded == "keras":
        import keras

        own["KERAS_BACKEND"] = keras.backend.backend()
    process = subprocess.Popen([sys.executable, __file__, loaded], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               text=True, env={**os.environ, **own})

    @atexit.register
    def end() -> None:
        process.communicate()  # it ends with its input
        home.cleanup()

    return process


def _ask(loaded: str, **order) -> int:
    process = _copied(loaded)
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


class FreshProcess:
    """A program that runs in such a process from now on.

    Args:
        program: The text of a Python program.
        arguments: What it finds in ``sys.argv[1:]``.
        cwd: Its folder, from which it imports first. Default: the present one.
        environment: Environment variables, besides those there are. What Keras reads as it is loaded comes too late.
        loaded: ``"keras"``, or ``"numpy"`` for what is to do without Keras.
    """

    def __init__(self, program: str, *arguments: object, cwd: Path | None = None,
                 environment: dict[str, str] | None = None, loaded: str = "keras") -> None:
        self._loaded = loaded
        self._folder = tempfile.TemporaryDirectory()
        self._files = [str(Path(self._folder.name, name)) for name in ("stdout", "stderr")]
        self._id = _ask(loaded, program=program, arguments=[*map(str, arguments)], cwd=str(cwd or Path.cwd()),
                        environment={**os.environ, **(environment or {})}, files=self._files)

    def wait(self, seconds: float = 200) -> subprocess.CompletedProcess:
        """Waits for its end: the exit status, as :mod:`subprocess` gives it, and what was printed.

        After so many seconds it is killed.
        """
        killed = threading.Timer(seconds, os.kill, (self._id, signal.SIGKILL))
        killed.start()
        status = _ask(self._loaded, wait=self._id)
        killed.cancel()
        with self._folder:
            return subprocess.CompletedProcess(self._id, os.waitstatus_to_exitcode(status),
                                               *(Path(file).read_text(encoding="utf-8") for file in self._files))


def run_fresh(program: str, *arguments: object, **options) -> subprocess.CompletedProcess:
    """Runs a program in such a process, as :class:`FreshProcess` takes it, to its end."""
    return FreshProcess(program, *arguments, **options).wait()


def _serve() -> dict:
    """Copies this process for each order that comes; in the copy gives the order."""
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            answer = os.waitpid(order["wait"], 0)[1]
        else:
            answer = os.fork()
            if not answer:
                return order
        print(answer, flush=True)
    sys.exit()


def _become(order: dict) -> None:
    """Makes of a copy what ``python -c`` starts."""
    for number, file in enumerate(order["files"], start=1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.argv = ["-c", *order["arguments"]]
    sys.path[0] = ""


if __name__ == "__main__":
    # What has only been loaded has one thread, which is what a copy needs; loaded where nothing else can be imported.
    import_module(sys.argv[1])
    assert "whetstone_lab" not in sys.modules
    order = _serve()
    _become(order)
    exec(compile(order["program"], "<string>", "exec"), {"__name__": "__main__"})

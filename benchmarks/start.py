"""What people wait for at the start: the import, and the first widget of the start notebook.

``python benchmarks/start.py`` prints medians. The import is timed in fresh processes, beside NumPy's; the widget from
the launch of a kernel, as JupyterLab launches it, to the message that puts the widget on the page, with its picture and
all its data; what the browser adds is a fraction of a second.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from jupyter_client.manager import start_new_kernel

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "00_start.ipynb"


def import_cost(module: str) -> tuple[float, float]:
    """Seconds that an import takes in a fresh process, the interpreter's own start left out, and the process's MB."""
    code = (f"import resource, time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t, "
            "resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)")
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, megabytes = map(float, ran.stdout.split())
    return seconds, megabytes


def widget_seconds() -> tuple[float, float]:
    """Seconds from the launch of a kernel until it is ready, and until the first widget is displayed."""
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    source = "".join(next(cell for cell in cells if cell["cell_type"] == "code")["source"])
    began = time.perf_counter()
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        ready = time.perf_counter() - began
        client.execute(source)
        while client.get_iopub_msg(timeout=60)["msg_type"] != "display_data":
            pass
        return ready, time.perf_counter() - began
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def main() -> None:
    """Prints the medians."""
    for module in ("numpy", "whetstone_lab", "whetstone_lab.simulator", "whetstone_lab.view.widgets"):
        seconds, megabytes = zip(*(import_cost(module) for _ in range(9)), strict=True)
        print(f"import {module:<24} {1e3 * statistics.median(seconds):6.0f} ms {statistics.median(megabytes):6.0f} MB")
    ready, shown = zip(*(widget_seconds() for _ in range(7)), strict=True)
    print(f"kernel ready after {statistics.median(ready):.2f} s; first widget after {statistics.median(shown):.2f} s "
          f"(worst of {len(shown)}: {max(shown):.2f} s)")


if __name__ == "__main__":
    main()

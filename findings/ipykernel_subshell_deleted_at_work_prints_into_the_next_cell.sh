#!/usr/bin/env bash
# Tool: ipykernel 7.3.0 (jupyter_client 8.10.0, comm 0.2.3)
# Guess: A page that is loaded again gives its subshell back. What the subshell had still to do is done or dropped, and
#   the student's next cell prints what it prints.
# Seen: The subshell's event loop is closed over its pending tasks. Of the widget events that waited none is handled,
#   and what asyncio says of each lost task goes to the standard error of whichever cell runs when they are collected.
# Output:
#   ipykernel 7.3.0: 1 of 5 events handled; the next cell printed: done; on standard error: Task was destroyed but it is pending!
# Why it matters: A cell of a student's notebook, or of a test, shows an error that is none of its own after the page
#   was loaded again beside a live training. Compare a cell's standard output alone, and let a page that comes back ask
#   for all that it shows.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export HOME="$work" JUPYTER_DATA_DIR="$work/data" JUPYTER_RUNTIME_DIR="$work/run" IPYTHONDIR="$work/ipython"
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --no-compile ipykernel==7.3.0 jupyter_client==8.10.0 comm==0.2.3 || exit 2

cat >check.py <<'EOF'
import sys
import time

import ipykernel
from jupyter_client.manager import start_new_kernel

WIDGET = """
import time
import comm
handled = []
def handle(message):
    time.sleep(1)
    handled.append(message)
widget = comm.create_comm(target_name="slider")
widget.on_msg(handle)
print(widget.comm_id)
"""
NEXT = """
import gc
_ = gc.collect()
print("done")
"""


def printed(client, code):
    """What a cell prints on standard output and on standard error."""
    said, asked = {"stdout": "", "stderr": ""}, client.execute(code)
    while True:
        message = client.get_iopub_msg(timeout=30)
        if message["msg_type"] == "stream":
            said[message["content"]["name"]] += message["content"]["text"]
        if message["parent_header"].get("msg_id") == asked and message["content"].get("execution_state") == "idle":
            return said["stdout"].strip(), said["stderr"].strip()


manager, client = start_new_kernel(kernel_name="python3")


def control(kind, **content):
    client.control_channel.send(client.session.msg(kind, content))
    return client.get_control_msg(timeout=30)["content"]


try:
    subshell = control("create_subshell_request")["subshell_id"]
    widget, _ = printed(client, WIDGET)
    for _ in range(5):
        event = client.session.msg("comm_msg", {"comm_id": widget, "data": {}})
        event["header"]["subshell_id"] = subshell
        client.shell_channel.send(event)
    time.sleep(0.5)
    control("delete_subshell_request", subshell_id=subshell)
    out, err = printed(client, NEXT)
    handled = int(printed(client, "print(len(handled))")[0])
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
said = [line for line in err.splitlines() if line.startswith("Task")]
print(f"ipykernel {ipykernel.__version__}: {handled} of 5 events handled; the next cell printed: {out}; on standard error:",
      said[0] if said else "nothing")
sys.exit(0 if handled < 5 and out == "done" and said else 10)
EOF

venv/bin/python -I check.py 2>log && status=0 || status=$?
[ $status = 0 ] || cat log
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

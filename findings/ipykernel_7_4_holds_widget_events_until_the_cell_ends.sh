#!/usr/bin/env bash
# Tool: ipykernel 7.4.0, against 7.3.0 (jupyter_client 8.10.0, comm 0.2.3)
# Guess: Since ipykernel 7, widget events go to a subshell, so that they are handled while a cell runs. A later
#   release keeps that.
# Seen: 7.4.0 sends an event to the shell that last wrote to the widget, whichever the frontend names. A widget that
#   the running cell made or writes to hears nothing until the cell has ended.
# Output:
#   ipykernel 7.3.0: an event sent to a subshell is handled while the cell runs: True
#   ipykernel 7.4.0: an event sent to a subshell is handled while the cell runs: False
# Why it matters: A stop button or a slider beside training in a cell is dead on 7.4.0 and alive on 7.3.0. Train in a
#   thread, or require another version.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export HOME="$work" JUPYTER_DATA_DIR="$work/data" JUPYTER_RUNTIME_DIR="$work/run" IPYTHONDIR="$work/ipython"
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --no-compile jupyter_client==8.10.0 comm==0.2.3 || exit 2

cat >check.py <<'EOF'
import sys
import time

from jupyter_client.manager import start_new_kernel

CELL = """
import time
import comm
heard = []
widget = comm.create_comm(target_name="slider")
widget.on_msg(lambda message: heard.append(time.monotonic()))
start = time.monotonic()
print("widget", widget.comm_id, flush=True)
while time.monotonic() < start + 3:
    time.sleep(0.05)
print("heard", bool(heard), flush=True)
"""


def heard_while_the_cell_ran():
    """Runs the cell on the main shell and sends an event of its widget to a subshell meanwhile, as JupyterLab does."""
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        client.control_channel.send(client.session.msg("create_subshell_request", {}))
        subshell = client.get_control_msg(timeout=30)["content"]["subshell_id"]
        client.execute(CELL)
        until = time.monotonic() + 60
        while time.monotonic() < until:
            message = client.get_iopub_msg(timeout=30)
            words = message["content"]["text"].split() if message["msg_type"] == "stream" else [""]
            if words[0] == "widget":
                event = client.session.msg("comm_msg", {"comm_id": words[1], "data": {}})
                event["header"]["subshell_id"] = subshell
                client.shell_channel.send(event)
            if words[0] == "heard":
                return words[1] == "True"
        raise TimeoutError("the cell said nothing within 60 s")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


heard = heard_while_the_cell_ran()
print(f"ipykernel {sys.argv[1]}: an event sent to a subshell is handled while the cell runs: {heard}")
sys.exit(0 if heard == (sys.argv[1] == "7.3.0") else 10)
EOF

status=0
for version in 7.3.0 7.4.0; do
    venv/bin/pip install --quiet --no-compile "ipykernel==$version" || exit 2
    venv/bin/python -I check.py "$version" 2>>log || { status=$?; cat log; break; }
done
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

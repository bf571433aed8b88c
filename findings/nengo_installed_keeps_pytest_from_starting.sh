#!/usr/bin/env bash
# Tool: Nengo 4.1.0 (pytest 9.2.0)
# Guess: To install a simulator changes nothing for tests that do not use it.
# Seen: pytest no longer starts, in any folder. Nengo brings a plugin that pytest loads by itself, whose
#   `pytest_report_collectionfinish` takes `startdir`, an argument that pytest 9 has not got any more.
# Output:
#   pytest without Nengo ends with 0
#   pytest beside Nengo ends with 3, names startdir: True
#   pytest -p no:nengo ends with 0
# Why it matters: An environment in which a network's spikes are compared with Nengo's has both. `-p no:nengo` leaves
#   the plugin out.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --no-compile pytest==9.2.0 numpy==2.3.5 || exit 2
echo 'def test_nothing(): assert True' >test_nothing.py
without=0
venv/bin/python -m pytest -q test_nothing.py >without.txt 2>&1 || without=$?
venv/bin/pip install --quiet --no-compile nengo==4.1.0 pytest==9.2.0 numpy==2.3.5 || exit 2

cat >check.py <<'EOF'
import subprocess
import sys


def run(*options):
    command = [sys.executable, "-m", "pytest", "-q", *options, "test_nothing.py"]
    return subprocess.run(command, capture_output=True, text=True)


print(f"pytest without Nengo ends with {sys.argv[1]}")
beside, left_out = run(), run("-p", "no:nengo")
named = "startdir" in beside.stdout + beside.stderr
print(f"pytest beside Nengo ends with {beside.returncode}, names startdir: {named}")
print(f"pytest -p no:nengo ends with {left_out.returncode}")
sys.exit(0 if sys.argv[1] == "0" and beside.returncode and named and not left_out.returncode else 10)
EOF

status=0
venv/bin/python -I check.py "$without" || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

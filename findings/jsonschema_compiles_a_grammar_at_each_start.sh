#!/usr/bin/env bash
# Tool: jsonschema 4.26.0 with its extra format-nongpl (rfc3987-syntax 1.1.0, lark 1.3.1), as jupyter-events 0.12.1 asks
#   for it
# Guess: A format that no schema asks for costs nothing, and a newer jsonschema loads in the time of an older one.
# Seen: `import jsonschema` takes the processor many times as long as that of 4.24, by a second or two. From 4.25 on the
#   extra brings rfc3987-syntax, which jsonschema imports wherever it finds it, and which compiles its whole grammar of
#   addresses in other scripts as it is imported, by Lark, each time anew. nbformat imports jsonschema, and with it all
#   of Jupyter does.
# Output:
#   jsonschema 4.26.0: import nbformat loads rfc3987_syntax: True, and compiles a grammar: True
#   jsonschema 4.24.1: import nbformat loads rfc3987_syntax: False, and compiles a grammar: False
#   import jsonschema takes the processor more than five times as long as that of 4.24.1: True
#   a notebook is found valid by both, and one with a cell of no kind by neither: True
# Why it matters: Every start of JupyterLab, of nbconvert and of pytest with nbval waits for it. What Jupyter checks
#   has no such addresses. jupyter-events takes jsonschema from 4.18 on: `pip install 'jsonschema<4.25'` does without.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
packages=(jupyter-events==0.12.1 nbformat==5.11.1 rfc3987-syntax==1.1.0 lark==1.3.1)
python3 -m venv new || exit 2
new/bin/pip install --quiet --no-compile jsonschema==4.26.0 "${packages[@]}" || exit 2
python3 -m venv old || exit 2
old/bin/pip install --quiet --no-compile jsonschema==4.24.1 "${packages[@]}" || exit 2

cat >check.py <<'EOF'
import json
import subprocess
import sys

LOADED = """
import sys
import lark
made, begin = [], lark.Lark.__init__
lark.Lark.__init__ = lambda self, *given, **options: made.append(self) or begin(self, *given, **options)
import nbformat
found = {"loads": "rfc3987_syntax" in sys.modules, "compiles": bool(made)}
from nbformat import v4, validate, ValidationError
notebook = v4.new_notebook(cells=[v4.new_code_cell("1")])
validate(notebook)
notebook.cells[0]["cell_type"] = "none"
try:
    validate(notebook)
    found["right"] = False
except ValidationError:
    found["right"] = True
import json
print(json.dumps(found))
"""
TAKES = "import time; began = time.process_time(); import jsonschema; print(time.process_time() - began)"


def ask(environment, program):
    done = subprocess.run([f"{environment}/bin/python", "-I", "-c", program], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


found = {environment: ask(environment, LOADED) for environment in ("new", "old")}
for environment, version in (("new", "4.26.0"), ("old", "4.24.1")):
    print(f"jsonschema {version}: import nbformat loads rfc3987_syntax: {found[environment]['loads']}, "
          f"and compiles a grammar: {found[environment]['compiles']}")
# The least of several, so that what else runs on the machine does not count.
least = {environment: min(ask(environment, TAKES) for _ in range(5)) for environment in found}
longer = least["new"] > 5 * least["old"]
print(f"import jsonschema takes the processor more than five times as long as that of 4.24.1: {longer}")
right = found["new"]["right"] and found["old"]["right"]
print(f"a notebook is found valid by both, and one with a cell of no kind by neither: {right}")
still = found["new"]["loads"] and found["new"]["compiles"] and not found["old"]["loads"] and longer and right
sys.exit(0 if still else 10)
EOF

status=0
new/bin/python -I check.py || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

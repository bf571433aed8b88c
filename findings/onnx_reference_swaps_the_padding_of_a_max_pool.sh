#!/usr/bin/env bash
# Tool: onnx 1.23.2 (its reference evaluator; onnxruntime 1.32.0 beside it)
# Guess: The reference implementation of ONNX says what an operator computes. Pads are in the order begins, then ends:
#   top, left, bottom, right.
# Seen: Its MaxPool takes them otherwise where they differ at both ends, so that one row and one column of zeros at the
#   end, as `same` padding has them, become two columns: another shape and other values, without a warning. Its
#   AveragePool and its Conv are right, and onnxruntime is right in all three.
# Output:
#   5 rows, 4 columns, windows of 2 x 2 a step apart, pads [0, 0, 1, 1]
#   what should come out: 5 x 4
#   AveragePool  reference (5, 4), onnxruntime (5, 4), equal: True
#   MaxPool      reference (4, 5), onnxruntime (5, 4), equal: False
# Why it matters: Whoever proves an exported network with max-pools by the reference evaluator sees spikes differ that do
#   not. Prove it by a runtime, or with padding that is alike at both ends.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --no-compile onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 || exit 2

cat >check.py <<'EOF'
import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, checker, helper
from onnx.reference import ReferenceEvaluator

spikes = np.array([[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]], "float32")[None, None]


def both(kind):
    """What the reference and what onnxruntime make of one pool."""
    node = helper.make_node(kind, ["x"], ["y"], kernel_shape=[2, 2], strides=[1, 1], pads=[0, 0, 1, 1])
    graph = helper.make_graph([node], "pool", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 5, 4])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 5, 4])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return [found[0][0, 0] for found in (ReferenceEvaluator(model).run(None, {"x": spikes}),
                                         session.run(None, {"x": spikes}))]


print("5 rows, 4 columns, windows of 2 x 2 a step apart, pads [0, 0, 1, 1]")
print("what should come out: 5 x 4")
same = {}
for kind in ("AveragePool", "MaxPool"):
    reference, runtime = both(kind)
    same[kind] = np.array_equal(reference, runtime)
    print(f"{kind:12} reference {reference.shape}, onnxruntime {runtime.shape}, equal: {same[kind]}")
padded = np.pad(spikes[0, 0], ((0, 1), (0, 1)))
right = np.max([padded[:-1, :-1], padded[1:, :-1], padded[:-1, 1:], padded[1:, 1:]], axis=0)
as_described = same == {"AveragePool": True, "MaxPool": False} and np.array_equal(both("MaxPool")[1], right)
sys.exit(0 if as_described else 10)
EOF

status=0
venv/bin/python -I check.py || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

#!/usr/bin/env bash
# Tool: LiteRT 2.3.0 (ai-edge-litert), its interpreter as it comes, with XNNPACK, on a CPU
# Guess: AVERAGE_POOL_2D over n values is their sum divided by n: of zeros and ones k / n, as its reference kernel,
#   Keras and ONNX Runtime have it.
# Seen: XNNPACK's pool multiplies by 1 / n, rounded. Of 25 values the average of k ones is a float below k / 25 for
#   seven of the 26 k. A sum and a DIV in the model are right.
# Output:
#   reference kernels: the pool differs from k / 25 for 0 of 26 counts, below it for []
#   XNNPACK:           the pool differs from k / 25 for 7 of 26 counts, below it for [5, 9, 10, 15, 18, 20, 23]
#   XNNPACK:           a sum and DIV differ from k / 25 for 0 of 26 counts
# Why it matters: A neuron that fires from an average of k / n on lies right at its threshold with k spikes, and is
#   silent where the average comes out a bit below. Export averages as a sum and a division, or put k in place of k / n.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export OMP_NUM_THREADS=1
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --no-compile ai-edge-litert==2.3.0 numpy==2.4.6 || exit 2

cat >check.py <<'EOF'
import sys

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType


def model(side, summed):
    """The mean over an image of one channel: by the pool, or by a convolution of ones and a division."""
    shape, code = [1, side, side, 1], schema.BuiltinOperator
    tensors = [schema.TensorT(name=name, shape=size, type=schema.TensorType.FLOAT32, buffer=buffer) for
               name, size, buffer in (("x", shape, 0), ("ones", shape, 1), ("bias", [1], 2), ("sum", [1, 1, 1, 2], 0),
                                      ("n", [2], 3), ("mean", [1, 1, 1, 2 if summed else 1], 0))]
    constants = [np.ones((2, side, side, 1)), np.zeros(2), np.full(2, side * side)]
    tensors[1].shape, tensors[2].shape = [2, side, side, 1], [2]
    buffers = [schema.BufferT()] + [schema.BufferT(data=each.astype(np.float32).reshape(-1).view(np.uint8))
                                    for each in constants]
    options = schema.BuiltinOptions
    if summed:
        kinds = [code.CONV_2D, code.DIV]
        operators = [
            schema.OperatorT(opcodeIndex=0, inputs=[0, 1, 2], outputs=[3], builtinOptionsType=options.Conv2DOptions,
                             builtinOptions=schema.Conv2DOptionsT(padding=schema.Padding.VALID, strideW=1, strideH=1)),
            schema.OperatorT(opcodeIndex=1, inputs=[3, 4], outputs=[5], builtinOptionsType=options.DivOptions,
                             builtinOptions=schema.DivOptionsT())]
    else:
        kinds = [code.AVERAGE_POOL_2D]
        operators = [schema.OperatorT(
            opcodeIndex=0, inputs=[0], outputs=[5], builtinOptionsType=options.Pool2DOptions,
            builtinOptions=schema.Pool2DOptionsT(padding=schema.Padding.VALID, strideW=1, strideH=1, filterWidth=side,
                                                 filterHeight=side))]
    graph = schema.SubGraphT(tensors=tensors, inputs=[0], outputs=[5], operators=operators)
    codes = [schema.OperatorCodeT(builtinCode=kind, deprecatedBuiltinCode=kind, version=1) for kind in kinds]
    builder = flatbuffers.Builder()
    packed = schema.ModelT(version=3, operatorCodes=codes, subgraphs=[graph], buffers=buffers).Pack(builder)
    builder.Finish(packed, b"TFL3")
    return bytes(builder.Output())


def means(side, summed, resolver):
    """The mean of an image in which k values are 1, for each k."""
    interpreter = Interpreter(model_content=model(side, summed), experimental_op_resolver_type=resolver, num_threads=1)
    interpreter.allocate_tensors()
    found = []
    for k in range(side * side + 1):
        image = (np.arange(side * side) < k).astype(np.float32).reshape(1, side, side, 1)
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
        interpreter.invoke()
        found.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).ravel()[0])
    return np.array(found)


SIDE = 5
exact = np.arange(SIDE * SIDE + 1, dtype=np.float32) / np.float32(SIDE * SIDE)
pool = {name: means(SIDE, False, resolver) for name, resolver in (
    ("reference kernels:", OpResolverType.BUILTIN_REF), ("XNNPACK:", OpResolverType.AUTO))}
for name, found in pool.items():
    print(f"{name:18} the pool differs from k / 25 for {(found != exact).sum()} of {len(exact)} counts, below it for "
          f"{(found < exact).nonzero()[0].tolist()}")
divided = means(SIDE, True, OpResolverType.AUTO)
print(f"XNNPACK:           a sum and DIV differ from k / 25 for {(divided != exact).sum()} of {len(exact)} counts")
right = (pool["reference kernels:"] == exact).all() and (divided == exact).all()
sys.exit(0 if right and (pool["XNNPACK:"] != exact).any() else 10)
EOF

status=0
venv/bin/python -I check.py || status=$?
case $status in
0) echo "Still so." ;;
10) echo "Changed." && exit 1 ;;
*) echo "Could not run." && exit 2 ;;
esac

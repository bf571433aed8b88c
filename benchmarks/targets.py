"""One picture at a time: the simulator, the C program of the same network, and runtimes that are installed.

    python benchmarks/targets.py [--rounds 50]

The network is the reference perceptron for the digits, 64-256-64-100 with ten neurons a class, with random weights that
let about a third of the neurons fire. C is compiled with ``-O3`` and goes from picture to picture by itself, as it
would on a board. ONNX Runtime has one thread. Candidates take turns, and the median over the rounds counts.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from simulator import dense, medians

from whetstone_lab import keys
from whetstone_lab.exchange.c import to_c
from whetstone_lab.exchange.integers import as_integers, whole_inputs
from whetstone_lab.simulator import Network, predict, run
from whetstone_lab.simulator.operations import Neurons


def digits() -> Network:
    """The sizes of the reference perceptron for the digits."""
    rng = np.random.default_rng(0)
    return Network((64,), [node for below, above in ((64, 256), (256, 64), (64, 100))
                           for node in (dense(rng, below, above), Neurons())], key=keys.make_key(10, 100))


#: Reads pictures one after the other.
_READER = """
#include "{name}.h"
void reader(const {name}_input *x, int pictures, int *classes)
{{
    static {name}_memory memory;
    {name}_vote votes[{upper}_VOTES];
    for (; pictures > 0; pictures--, x += {upper}_INPUTS) {{
        {name}_run(x, votes, &memory);
        *classes++ = {name}_decide(votes);
    }}
}}
"""


def c_program(network: Network, folder: Path, name: str) -> Callable[[np.ndarray], list[int]]:
    """The network's C program, compiled, as a function from pictures to their classes."""
    print(to_c(network, folder / f"{name}.c"))
    (folder / "reader.c").write_text(_READER.format(name=name, upper=name.upper()))
    subprocess.run(["cc", "-std=c99", "-O3", "-ffp-contract=off", "-shared", "-fPIC", f"{name}.c", "reader.c", "-o",
                    f"{name}.so"], cwd=folder, check=True)
    read = ctypes.CDLL(str(folder / f"{name}.so")).reader
    read.restype = None

    def classify(x: np.ndarray) -> list[int]:
        classes = (ctypes.c_int * len(x))()
        read(x.ctypes.data_as(ctypes.c_void_p), len(x), classes)
        return list(classes)

    return classify


def main() -> None:
    """Prints microseconds for a picture, and how often each goes into the simulator's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=50)
    args = parser.parse_args()
    network = digits()
    whole = as_integers(network, 8, step=1 / 16, largest=16)
    pictures = np.random.default_rng(1).integers(0, 17, (200, 64)) / 16
    x, q = pictures.astype(np.float32), whole_inputs(whole, pictures)
    with tempfile.TemporaryDirectory() as folder:
        floats, integers = c_program(network, Path(folder), "floats"), c_program(whole, Path(folder), "integers")
        assert floats(x) == predict(network, x).tolist()
        assert integers(q) == predict(whole, q).tolist()
        candidates: dict[str, Callable[[], Any]] = {
            "wl.run": lambda: run(network, x[:1]), "simulator.predict": lambda: predict(network, x[:1]),
            "C, float": lambda: floats(x), "C, 8-bit weights": lambda: integers(q)}
        if importlib.util.find_spec("onnxruntime") and importlib.util.find_spec("whetstone_lab.exchange.onnx"):
            candidates["ONNX Runtime"] = _onnx(network, Path(folder), x)
        found = medians(candidates, args.rounds)
    found |= {name: seconds / len(x) for name, seconds in found.items() if name.startswith("C, ")}
    print("| one picture | microseconds | times as fast as simulator.predict |\n| --- | --- | --- |")
    for name, seconds in found.items():
        print(f"| {name} | {1e6 * seconds:.1f} | {found['simulator.predict'] / seconds:.1f} |")


def _onnx(network: Network, folder: Path, x: np.ndarray) -> Callable[[], Any]:
    import onnxruntime

    from whetstone_lab.exchange.targets import write

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(write(network, folder / "net.onnx")), options,
                                           providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda: session.run(None, {name: x[:1]})


if __name__ == "__main__":
    main()

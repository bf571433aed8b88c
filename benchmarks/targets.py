"""One picture at a time: the simulator, the C program of the same network, and what is installed of runtimes and of
simulators of single neurons.

    python benchmarks/targets.py [--rounds 50]

The network is the reference perceptron for the digits, 64-256-64-100 with ten neurons a class, with random weights that
let about a third of the neurons fire. C is compiled with ``-O3`` and goes from picture to picture by itself, as it
would on a board. ONNX Runtime, OpenVINO, LiteRT and PyTorch have one thread. Norse, sinabs, snnTorch, SpikingJelly and
spyx run the NIR file that is written for them; spyx sees the picture as long as it needs. Candidates take turns, and
the median over the rounds counts.

Brian2, Lava, Nengo, NEST, Rockpool and SANA-FE run the scripts that are written for them, which build the network
first. They have a table of their own: a run with one picture, and the further time of each of the others in a run with
200 of them. Each is checked spike for spike; the best of three runs counts. For SANA-FE the pictures are rounded to
zeros and ones. Lava, which needs an older Python, is asked where LAVA_PYTHON names one that has it; its times are
without its start.

No environment has all of these: what is installed takes part, and each table begins with wl.run on the same machine.
``TIMES=1 bash benchmarks/peers.sh`` runs this in an environment of each.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import os
import runpy
import subprocess
import tempfile
import time
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
        if importlib.util.find_spec("onnxruntime"):
            candidates["ONNX Runtime"] = _onnx(network, Path(folder), x)
        if importlib.util.find_spec("openvino"):
            candidates["OpenVINO"] = _openvino(network, Path(folder), x)
        if importlib.util.find_spec("ai_edge_litert"):
            candidates["LiteRT"] = _litert(network, x)
        candidates |= _by_nir(network, Path(folder), x[:1])
        found = medians(candidates, args.rounds)
    found |= {name: seconds / len(x) for name, seconds in found.items() if name.startswith("C, ")}
    print("| one picture | microseconds | times as fast as simulator.predict |\n| --- | --- | --- |")
    for name, seconds in found.items():
        print(f"| {name} | {1e6 * seconds:.1f} | {found['simulator.predict'] / seconds:.1f} |")
    print("\n| simulator | milliseconds for one picture | for each further one | times as long as wl.run for one |\n"
          "| --- | --- | --- | --- |")
    for tool in ("brian2", "lava", "nengo", "nest", "rockpool", "sanafe"):
        if tool == "lava" and os.environ.get("LAVA_PYTHON"):
            one, more = _lava(network, x)
        elif importlib.util.find_spec(tool):
            one, more = _simulator(network, tool, x)
        else:
            continue
        print(f"| {tool} | {1e3 * one:.3g} | {1e3 * more:.2g} | {one / found['wl.run']:.0f} |")


def _simulator(network: Network, tool: str, x: np.ndarray) -> tuple[float, float]:
    """Seconds of a tool's run with one picture, and of each further picture."""
    from whetstone_lab.exchange.targets import write

    x = np.round(x) if tool == "sanafe" else x
    with tempfile.TemporaryDirectory() as folder:
        simulate = runpy.run_path(str(write(network, Path(folder) / f"net.{tool}.py")))["simulate"]
        spikes, record = simulate(x), run(network, x)
        for layer in network.layers:
            assert (spikes[layer] == record.dense(layer)[:, network.steps[layer]]).mean() > 0.9999, tool
        best = {1: np.inf, len(x): np.inf}
        for pictures in [*best] * 3:
            start = time.perf_counter()
            simulate(x[:pictures])
            best[pictures] = min(best[pictures], time.perf_counter() - start)
    return best[1], (best[len(x)] - best[1]) / (len(x) - 1)


#: Times a script in another Python, and writes the spikes of all pictures.
_ELSEWHERE = """
import runpy, sys, time
import numpy as np
simulate, x, best = runpy.run_path(sys.argv[1])["simulate"], np.load(sys.argv[2]), {}
for pictures in [1, len(x)] * 3:
    start = time.perf_counter()
    spikes = simulate(x[:pictures])
    best[pictures] = min(best.get(pictures, np.inf), time.perf_counter() - start)
np.savez(sys.argv[3], best=[*best.values()], **spikes)
"""


def _lava(network: Network, x: np.ndarray) -> tuple[float, float]:
    """As :func:`_simulator`, in the Python that has Lava."""
    from whetstone_lab.exchange.targets import write

    with tempfile.TemporaryDirectory() as folder:
        script, given, got = (Path(folder) / name for name in ("net.lava.py", "x.npy", "got.npz"))
        np.save(given, x)
        subprocess.run([os.environ["LAVA_PYTHON"], "-c", _ELSEWHERE, write(network, script), given, got], check=True,
                       env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"})
        found, record = dict(np.load(got)), run(network, x)
    for layer in network.layers:
        assert (found[layer] == record.dense(layer)[:, network.steps[layer]]).mean() > 0.9999, layer
    one, all_of_them = found["best"]
    return float(one), float(all_of_them - one) / (len(x) - 1)


def _by_nir(network: Network, folder: Path, x: np.ndarray) -> dict[str, Callable[[], Any]]:
    """The network in each simulator that reads NIR and is installed: functions that give the output spikes of ``x``."""
    if not importlib.util.find_spec("nir"):
        return {}
    import nir

    from whetstone_lab.exchange.targets import write

    def graph(suffix: str) -> Any:
        return nir.read(write(network, folder / f"net{suffix}"))

    found: dict[str, Callable[[], Any]] = {}
    if importlib.util.find_spec("torch"):
        import torch

        torch.set_num_threads(1)
        given = torch.from_numpy(x)

        def asked(model: Any) -> Callable[[], Any]:
            @torch.inference_mode()
            def call() -> Any:
                spikes = model(given)
                return (spikes[0] if isinstance(spikes, tuple) else spikes).numpy()

            return call

        if importlib.util.find_spec("norse"):
            from norse.torch import from_nir

            found["Norse"] = asked(from_nir(graph(".nir"), dt=1e-4))
        if importlib.util.find_spec("snntorch"):
            from snntorch.import_nir import import_from_nir

            found["snnTorch"] = asked(import_from_nir(graph(".nir")))
        if importlib.util.find_spec("spikingjelly"):
            from spikingjelly.activation_based.nir_exchange import import_from_nir

            found["SpikingJelly"] = asked(import_from_nir(graph(".nir")))
        if importlib.util.find_spec("sinabs"):
            from sinabs.activation import SingleSpike
            from sinabs.layers import LIFSqueeze
            from sinabs.nir import from_nir

            model = from_nir(graph(".sinabs.nir"), batch_size=1)
            for layer in model.modules():
                if isinstance(layer, LIFSqueeze):
                    layer.spike_fn = SingleSpike
            found["sinabs"] = asked(model)
    if importlib.util.find_spec("spyx"):
        from flax import nnx
        from spyx.nir import from_nir
        from spyx.nn import run as spyx_run

        held = np.repeat(x[None], len(network.layers) + 1, axis=0)
        model, _ = from_nir(graph(".spyx.nir"), held, dt=1e-4)
        compiled = nnx.jit(spyx_run)  # else it is traced in every call
        found["spyx"] = lambda: np.asarray(compiled(model, held)[0])[-1]
    want = run(network, x).dense(network.layers[-1])[:, network.steps[network.layers[-1]]]
    for name, call in found.items():
        assert (call() == want).mean() > 0.98, name  # rounding may turn one of a hundred
    return found


def _openvino(network: Network, folder: Path, x: np.ndarray) -> Callable[[], Any]:
    import openvino

    from whetstone_lab.exchange.targets import write

    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "LATENCY"}
    model = openvino.compile_model(write(network, folder / "openvino.onnx"), "CPU", options)
    request = model.create_infer_request()
    assert request.infer({0: x[:1]})["class"] == predict(network, x[:1])
    return lambda: request.infer({0: x[:1]})


def _litert(network: Network, x: np.ndarray) -> Callable[[], Any]:
    from ai_edge_litert.interpreter import Interpreter

    from whetstone_lab.exchange.litert import to_litert

    interpreter = Interpreter(model_content=to_litert(network), num_threads=1)
    interpreter.allocate_tensors()
    given = interpreter.get_input_details()[0]["index"]
    classes = next(each["index"] for each in interpreter.get_output_details() if each["name"] == "class")

    def classify() -> np.ndarray:
        interpreter.set_tensor(given, x[:1])
        interpreter.invoke()
        return interpreter.get_tensor(classes)

    assert classify() == predict(network, x[:1])
    return classify


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

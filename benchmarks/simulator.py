"""How fast the simulator is: beside the bare matrix products, beside other simulators, and where spikes are few.

    python benchmarks/simulator.py [--threads 1 2] [--rounds 50] [--json results.json]

Whatever is compared runs side by side: each round gives every candidate some two milliseconds, and the median over
the rounds counts, so that a busy machine slows all alike. Each number of threads has a process of its own. Norse,
snnTorch and SpikingJelly take part where they are installed, with the same weights and one time step; all of them
decode classes.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from whetstone_lab import keys
from whetstone_lab.simulator import Network, predict, run
from whetstone_lab.simulator.operations import Conv2D, Dense, MaxPool2D, Neurons, Reshape, sparsity

#: Fires at ``x > THRESHOLD`` exactly where Whetstone's neurons fire at ``x >= 0.5``.
THRESHOLD = float(np.nextafter(np.float32(0.5), np.float32(0)))
KEY = keys.make_key(10, 40)


def mlp() -> Network:
    """784-256-64-40, about a third of the neurons firing."""
    rng = np.random.default_rng(0)
    return Network((784,), [node for below, above in ((784, 256), (256, 64), (64, 40))
                            for node in (dense(rng, below, above), Neurons())], key=KEY)


def lenet() -> Network:
    """LeNet-5's sizes: 6 and 16 filters of 5 x 5, pools, dense layers of 120, 84 and 40."""
    rng = np.random.default_rng(0)
    return Network((28, 28, 1), [
        conv(rng, (5, 5, 1, 6)), Neurons(), MaxPool2D(), conv(rng, (5, 5, 6, 16)), Neurons(), MaxPool2D(), Reshape(),
        dense(rng, 256, 120), Neurons(), dense(rng, 120, 84), Neurons(), dense(rng, 84, 40), Neurons(),
    ], key=KEY)


def dense(rng: np.random.Generator, below: int, above: int) -> Dense:
    return Dense(rng.normal(0, 1.5 / math.sqrt(below), (below, above)).astype("f"), np.full(above, 0.1, "f"))


def conv(rng: np.random.Generator, shape: tuple[int, ...]) -> Conv2D:
    return Conv2D(rng.normal(0, 1.5 / math.sqrt(math.prod(shape[:3])), shape).astype("f"), np.full(shape[3], 0.1, "f"))


def medians(candidates: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Seconds that each candidate takes: the median over rounds in which each has its turn."""
    def seconds(call: Callable[[], Any], times: int) -> float:
        start = time.perf_counter()
        for _ in range(times):
            call()
        return (time.perf_counter() - start) / times

    turns = {name: math.ceil(0.002 / min(seconds(call, 1) for _ in range(3))) for name, call in candidates.items()}
    found = [[seconds(call, turns[name]) for name, call in candidates.items()] for _ in range(rounds)]
    return dict(zip(candidates, np.median(found, axis=0).tolist(), strict=True))


def bare_products(network: Network, x: np.ndarray) -> Callable[[], None]:
    """The matrix products of a dense network alone, on the values that it really multiplies."""
    weights = [node.operation.weights for node in network.nodes if isinstance(node.operation, Dense)]
    values = [x]
    for node in network.nodes[:-1]:
        values.append(node.operation.apply(values[-1]))
    pairs = list(zip([value for value, node in zip(values, network.nodes, strict=True)
                      if isinstance(node.operation, Dense)], weights, strict=True))

    def products() -> None:
        for value, weight in pairs:
            value @ weight

    return products


# -- other simulators -------------------------------------------------------------------------------------------------


def peers(network: Network, x: np.ndarray) -> dict[str, Callable[[], np.ndarray]]:
    """The same network in each simulator that is installed: functions that give the classes of ``x``."""
    try:
        import torch
    except ImportError:
        return {}
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    assert network.key is not None
    signs = torch.tensor(2.0 * network.key.T - 1.0, dtype=torch.float32)
    given = torch.from_numpy(np.moveaxis(x, -1, 1).copy() if x.ndim == 4 else x)

    def layers() -> list[Any]:
        made, shape = [], network.input_shape
        for node in network.nodes:
            operation = node.operation
            if isinstance(operation, Dense):
                weights = operation.weights
                if len(shape) == 3:  # channels last in ours, first in theirs
                    weights = weights.reshape(*shape, -1).transpose(2, 0, 1, 3).reshape(len(weights), -1)
                    shape = ()
                module = torch.nn.Linear(*weights.shape)
                module.weight.data = torch.tensor(weights.T.copy())
                module.bias.data = torch.tensor(operation.bias)
            elif isinstance(operation, Conv2D):
                module = torch.nn.Conv2d(*operation.weights.shape[2:], operation.weights.shape[:2],
                                         padding=operation.padding)
                module.weight.data = torch.tensor(operation.weights.transpose(3, 2, 0, 1).copy())
                module.bias.data = torch.tensor(operation.bias)
            else:
                module = {MaxPool2D: lambda: torch.nn.MaxPool2d(2), Reshape: torch.nn.Flatten,
                          Neurons: lambda: None}[type(operation)]()
            if not isinstance(operation, Reshape):
                shape = network.shapes[node.name]
            made.append(module)
        return made

    def decode(spikes: Any) -> np.ndarray:
        return ((2 * spikes - 1) @ signs).argmax(-1).numpy()

    found: dict[str, Callable[[], np.ndarray]] = {}
    try:
        import snntorch

        modules = [module or snntorch.Leaky(beta=0.0, threshold=THRESHOLD) for module in layers()]

        def by_snntorch() -> np.ndarray:
            value = given
            with torch.inference_mode():
                for module in modules:
                    value = module(value, module.init_leaky())[0] if isinstance(module, snntorch.Leaky) else \
                        module(value)
                return decode(value)

        found["snnTorch"] = by_snntorch
    except ImportError:
        pass
    try:
        import norse.torch as norse

        parameters = norse.LIFBoxParameters(tau_mem_inv=torch.tensor(1000.0), v_th=torch.tensor(THRESHOLD))
        chain = norse.SequentialState(*(module or norse.LIFBoxCell(parameters, dt=0.001) for module in layers()))

        def by_norse() -> np.ndarray:
            with torch.inference_mode():
                return decode(chain(given)[0])

        found["Norse"] = by_norse
    except ImportError:
        pass
    try:
        from spikingjelly.activation_based import functional, neuron

        stack = torch.nn.Sequential(*(module or neuron.IFNode(v_threshold=THRESHOLD) for module in layers())).eval()

        def by_spikingjelly() -> np.ndarray:
            with torch.inference_mode():
                functional.reset_net(stack)
                return decode(stack(given))

        found["SpikingJelly"] = by_spikingjelly
    except ImportError:
        pass
    return found


# -- what is measured -------------------------------------------------------------------------------------------------


def compare(rounds: int) -> dict[str, Any]:
    """Both networks at several batch sizes beside the bare products and the peers."""
    results = {}
    for name, network in (("MLP 784-256-64-40", mlp()), ("LeNet", lenet())):
        for batch in (1, 1000) if name.startswith("MLP") else (1, 100):
            x = np.random.default_rng(1).random((batch, *network.input_shape), np.float32)
            candidates: dict[str, Callable[[], Any]] = {}
            if name.startswith("MLP"):
                candidates["bare products"] = bare_products(network, x)
            candidates["predict"] = lambda network=network, x=x: predict(network, x)
            candidates["run, votes"] = lambda network=network, x=x: run(network, x, record="votes")
            candidates["run, every spike"] = lambda network=network, x=x: run(network, x)
            others = peers(network, x)
            for peer, call in others.items():
                agree = float((call() == predict(network, x)).mean())
                if agree < 0.99:  # rounding may turn a few
                    raise RuntimeError(f"{peer} agrees on {agree:.1%} of the classes only: it runs something else.")
            results[f"{name}, batch {batch}"] = medians(candidates | others, rounds)
    return results


def crossover(rounds: int) -> dict[str, Any]:
    """Layers on inputs of which few are other than zero: all products, spike by spike, and what is chosen."""
    rng = np.random.default_rng(0)
    layers = {
        "Dense 2048 x 2048, batch 1": (dense(rng, 2048, 2048), (1, 2048)),
        "Dense 2048 x 2048, batch 16": (dense(rng, 2048, 2048), (16, 2048)),
        "Conv2D 3 x 3, 64 to 64 on 64 x 64, batch 1": (conv(rng, (3, 3, 64, 64)), (1, 64, 64, 64)),
    }
    usual = sparsity.MAX_ACTIVE

    def forced(limit: float, layer: Any, x: np.ndarray) -> Callable[[], None]:
        def call() -> None:
            sparsity.MAX_ACTIVE = limit
            layer.apply(x)
            sparsity.MAX_ACTIVE = usual

        return call

    results = {}
    for name, (layer, shape) in layers.items():
        for share in (0.001, 0.003, 0.01, 0.03, 0.1, 0.3):
            places = rng.random(shape[:-1] if len(shape) == 4 else shape) < share
            x = (places[..., None] & (rng.random(shape) < 0.5) if len(shape) == 4 else places).astype("f")
            results[f"{name}, share {share:g}"] = medians(
                {"all products": forced(0, layer, x), "spike by spike": forced(1e6, layer, x),
                 "chosen": lambda layer=layer, x=x: layer.apply(x)}, max(3, rounds // 5))
    return results


MEASURE = "import resource, sys, time; s = time.perf_counter(); {code}; " \
          "print(time.perf_counter() - s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
PROCESSES = {
    "import": "import whetstone_lab.simulator",
    "10^6 neurons, 10^8 synapses": (
        "import numpy as np; from whetstone_lab.simulator import Network, operations as o, run; "
        "rng = np.random.default_rng(0); "
        "net = Network((1009, 1009, 1), [o.Conv2D(rng.normal(size=(10, 10, 1, 1)).astype('f')), o.Neurons()]); "
        "assert net.neurons == 10**6 and net.synapses == 10**8; "
        "assert run(net, rng.random((1, 1009, 1009, 1), np.float32)).spikes > 10**4"),
}


def processes() -> dict[str, Any]:
    """Seconds and megabytes of fresh processes, the median of three; Python itself is not counted in the seconds."""
    results = {}
    for name, code in PROCESSES.items():
        runs = [subprocess.run([sys.executable, "-c", MEASURE.format(code=code)], capture_output=True, text=True,
                               check=True).stdout.split() for _ in range(3)]
        seconds, megabytes = np.median(np.array(runs, float), axis=0)
        results[name] = {"seconds": float(seconds), "MB at most": float(megabytes)}
    return results


def show(title: str, results: dict[str, dict[str, float]]) -> None:
    print(f"\n{title}")
    for name, values in results.items():
        first = next(iter(values.values()))
        print(f"  {name}")
        for what, value in values.items():
            print(f"    {what:18}" + (f"{value:10.3g}" if what in ("seconds", "MB at most") else
                                      f"{value * 1e6:12,.0f} µs {value / first:8.2f} x"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="numbers of threads (default: 1 2)")
    parser.add_argument("--rounds", type=int, default=50, help="rounds of each comparison (default: 50)")
    parser.add_argument("--json", help="a file for the results, in seconds")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps({"side by side": compare(options.rounds), "few spikes": crossover(options.rounds)}))
        return
    everything: dict[str, Any] = {"processes": processes()}
    show("Fresh processes", everything["processes"])
    for threads in options.threads:
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
        child = subprocess.run([sys.executable, __file__, "--child", "--rounds", str(options.rounds)],
                               env=os.environ | dict.fromkeys(names, str(threads)), stdout=subprocess.PIPE, text=True,
                               check=True)
        results = everything[f"{threads} threads"] = json.loads(child.stdout.splitlines()[-1])
        for title, values in results.items():
            show(f"{title.capitalize()}, {threads} thread{'s' if threads > 1 else ''}", values)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(everything, file, indent=1)


if __name__ == "__main__":
    main()

"""How fast a deep convolutional net runs: the simulator's engines beside Keras on TensorFlow and other simulators.

    python benchmarks/deep_simulation.py [MODEL.keras] [--pictures 1000] [--rounds 7] [--threads 2]
                                         [--peers OTHER/bin/python] [--json results.json]

The model is a trained spiking net for CIFAR-10's pictures. Without one, ``vgg`` is made with random weights, and batch
norm is set so that about ``--rate`` of each layer's neurons fire (default: 0.35).

Each candidate has a process of its own, so that its peak of memory is its own, and they take turns: each round gives
each one call on all pictures. Norse, snnTorch and SpikingJelly take part where the Python given by ``--peers`` has them
(default: this one); it needs no TensorFlow. What counts is the median over the rounds, after one call to warm up.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

#: Pictures at once for Keras and the peers. Keras takes no less time with its default of 32, nor with 256.
BATCH = 128
ENGINES = ("numba", "sequence", "numpy")
PEERS = ("Norse", "snnTorch", "SpikingJelly")


def random_vgg(x: np.ndarray, rate: float) -> Any:
    """The net with random weights, of whose neurons about so many fire, a quarter more or less by channel."""
    import keras

    import whetstone_lab as wl

    keras.utils.set_random_seed(0)
    model = wl.models.vgg((32, 32, 3), 10)
    value: Any = x[:100]
    for number, layer in enumerate(model.layers):
        if isinstance(layer, keras.layers.BatchNormalization):
            value = np.asarray(value)
            axes = tuple(range(value.ndim - 1))
            mean, variance = value.mean(axes), value.var(axes)
            normed = (value - mean) / np.sqrt(variance + layer.epsilon)
            after = model.layers[number + 1]
            seen = np.asarray(after(normed)) if isinstance(after, keras.layers.MaxPooling2D) else normed
            seen = np.sort(seen.reshape(-1, seen.shape[-1]), axis=0)
            shares = np.clip(np.random.default_rng(number).normal(rate, rate / 4, seen.shape[1]), 0.01, 0.9)
            least = seen[(len(seen) * (1 - shares)).astype(int), np.arange(seen.shape[1])]
            layer.set_weights([np.ones_like(mean), (0.5 - least).astype("f"), mean, variance])
        if isinstance(layer, wl.SpikingBReLU):
            layer.set_sharpness(1.0)
        value = layer(value, training=False)
    return model


# -- a candidate's process --------------------------------------------------------------------------------------------


def candidate(name: str, model: str, network: str, pictures: str) -> None:
    """Answers each line of its input with the seconds of a call, the peak of memory in MB, and the classes."""
    x = np.load(pictures)
    call = by_name(name, model, network, x)
    call()
    print(json.dumps("ready"), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        classes = call()
        seconds = time.perf_counter() - start
        print(json.dumps([seconds, peak(), np.asarray(classes).tolist()]), flush=True)


def peak() -> float:
    """The peak of this process's memory in MB. What getrusage tells begins with the memory of its parent, on Linux."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def by_name(name: str, model: str, network: str, x: np.ndarray) -> Callable[[], np.ndarray]:
    if name == "Keras":
        import keras

        import whetstone_lab  # noqa: F401 -- its layers are in the file

        loaded = keras.models.load_model(model)
        return lambda: loaded.predict(x, verbose=0, batch_size=BATCH).argmax(-1)
    from whetstone_lab.simulator import Network, predict

    net = Network.load(network)
    if name in ENGINES:
        return lambda: predict(net, x, engine=name)
    from simulator import peers

    parts = [peers(net, x[start : start + BATCH])[name] for start in range(0, len(x), BATCH)]
    return lambda: np.concatenate([part() for part in parts])


# -- the turns --------------------------------------------------------------------------------------------------------


def turns(commands: dict[str, list[str]], rounds: int, environment: dict[str, str]) -> dict[str, list[Any]]:
    """What each candidate says in each round; one that cannot take part is left out, and its last line printed."""
    running, found = {}, {}
    for name, command in commands.items():
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, env=environment)
        if process.stdout.readline():
            running[name], found[name] = process, []
        else:
            print(f"{name} takes no part: {process.stderr.read().strip().splitlines()[-1]}")
    for _ in range(rounds):
        for name, process in running.items():
            process.stdin.write("\n")
            process.stdin.flush()
            found[name].append(json.loads(process.stdout.readline()))
    for process in running.values():
        process.communicate()
    return found


def firing(network: Any, x: np.ndarray) -> dict[str, float]:
    """The share of each layer's neurons that fire."""
    from whetstone_lab.simulator import run

    record = run(network, x[:20])
    return {name: float(record.dense(number).mean() * record.steps) for number, name in enumerate(record.layers)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", help="a trained spiking net for CIFAR-10 (default: random weights)")
    parser.add_argument("--pictures", type=int, default=1000, help="pictures of each call (default: 1000)")
    parser.add_argument("--rate", type=float, default=0.35, help="share of the random net's neurons that fire")
    parser.add_argument("--rounds", type=int, default=7, help="calls of each candidate (default: 7)")
    parser.add_argument("--threads", type=int, default=2, help="threads of each candidate (default: 2)")
    parser.add_argument("--peers", default=sys.executable, help="the Python that has the other simulators")
    parser.add_argument("--only", nargs="+", default=["Keras", *ENGINES, *PEERS], help="candidates (default: all)")
    parser.add_argument("--json", help="a file for the results")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        candidate(*options.child)
        return
    import keras

    import whetstone_lab as wl

    data = wl.datasets.load("cifar10")
    x = data.x_test[: options.pictures].reshape(-1, *data.image_shape).astype("f")
    model = keras.models.load_model(options.model) if options.model else random_vgg(x, options.rate)
    network = wl.convert(model)
    print("Share that fires:", ", ".join(f"{name} {share:.2f}" for name, share in firing(network, x).items()))
    environment = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
                                              "TF_NUM_INTRAOP_THREADS"), str(options.threads))
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder, name)) for name in ("model.keras", "network.npz", "pictures.npy")]
        model.save(paths[0])
        network.save(paths[1])
        np.save(paths[2], x)
        commands = {name: [options.peers if name in PEERS else sys.executable, __file__, "--child", name, *paths]
                    for name in options.only}
        said = turns(commands, options.rounds, environment)
    first = next(iter(said))
    results = {}
    for name, rounds in said.items():
        seconds = np.array([round_[0] for round_ in rounds])
        against = seconds / np.array([round_[0] for round_ in said[first]])
        results[name] = {"seconds": float(np.median(seconds)), "least seconds": float(seconds.min()),
                         "ratio": float(np.median(against)), "MB at most": rounds[-1][1],
                         "other classes": int((np.array(rounds[0][2]) != np.array(said[first][0][2])).sum())}
        print(f"{name:14} {results[name]['seconds']:8.3f} s, least {seconds.min():8.3f} s, "
              f"{results[name]['ratio']:6.2f} x of {first}, {rounds[-1][1]:6.0f} MB, "
              f"{results[name]['other classes']} of {len(x)} classes differ", flush=True)
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()

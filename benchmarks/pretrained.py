"""What it costs to turn a trained ReLU network into spikes: MNIST, beside the network that was turned.

    python benchmarks/pretrained.py --data ../shared/data/mnist.npz [--nets wide convnet] [--seeds 3] [--epochs 3]

Each ReLU network is trained with Adam, its rate falling along a cosine. ``whetstone_lab.spiking`` turns it, looking at
1,000 of its training pictures, and ``whetstone_lab.train`` finishes it for a few epochs, with nothing set. The accuracy
is that on the test pictures: of the ReLU network; of the turned one as it begins, soft, and with thresholds at once,
untrained; and once it is finished and sharp. The same number of epochs from random weights stands beside it.

A result is a line in the results file as soon as it is there, and is not computed again when the benchmark goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import results

BATCH = 128

#: Name -> epochs of the ReLU network, its input's shape, and what it is.
NETS: Mapping[str, tuple[int, tuple[int, ...], str]] = {
    "mlp": (15, (784,), "Dense 256 and 64"),
    "wide": (15, (784,), "Keras's example MLP: Dense 512 and 512, dropout 0.2"),
    "convnet": (6, (28, 28, 1), "Keras's example convnet: 32 and 64 filters of 3, dropout 0.5"),
}

#: Name of a way to finish -> read-out, whether dropout stays, whether the weights do.
WAYS: Mapping[str, tuple[str, bool, bool]] = {
    "softmax kept": ("softmax", True, True),
    "class key": ("key", True, True),
    "class key, without dropout": ("key", False, True),
    "class key, from random weights": ("key", True, False),
}


def relu_net(name: str) -> Any:
    """A ReLU network as a user may have it."""
    from keras import Input, Sequential, layers

    _, shape, _ = NETS[name]
    hidden: dict[str, list[Any]] = {
        "mlp": [layers.Dense(256, activation="relu"), layers.Dense(64, activation="relu")],
        "wide": [layers.Dense(512, activation="relu"), layers.Dropout(0.2), layers.Dense(512, activation="relu"),
                 layers.Dropout(0.2)],
        "convnet": [layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(),
                    layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten(),
                    layers.Dropout(0.5)],
    }
    return Sequential([Input(shape), *hidden[name], layers.Dense(10, activation="softmax")], name=name)


def pretrained(name: str, seed: int, data: Mapping[str, np.ndarray], folder: Path) -> Any:
    """The trained ReLU network, from its file if there is one."""
    import keras

    path = folder / f"{name}_{seed}.keras"
    if path.exists():
        return keras.saving.load_model(path)
    keras.utils.set_random_seed(seed)
    model, epochs = relu_net(name), NETS[name][0]
    steps = -(-len(data["x_train"]) // BATCH) * epochs
    rate = keras.optimizers.schedules.CosineDecay(2e-3, steps)
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(data["x_train"], data["y_train"], batch_size=BATCH, epochs=epochs, verbose=0)
    folder.mkdir(parents=True, exist_ok=True)
    model.save(path)
    return model


def accuracy(model: Any, data: Mapping[str, np.ndarray]) -> float:
    """The share of the test pictures whose class the model finds."""
    scores = model.predict(data["x_test"], batch_size=500, verbose=0)
    return round(float((scores.argmax(-1) == data["y_test"]).mean()), 4)


def finished(relu: Any, way: str, seed: int, epochs: int, data: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Accuracies on the way from a ReLU network to a spiking one."""
    import keras

    import whetstone_lab as wl

    readout, dropout, weights = WAYS[way]
    keras.utils.set_random_seed(seed)
    model = wl.spiking(relu, data["x_train"], key=wl.make_key(10, 100) if readout == "key" else None)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout) and not dropout:
            layer.rate = 0.0
    if not weights:
        fresh = keras.models.clone_model(model)
        model.set_weights(fresh.get_weights())
    found = {"relu": accuracy(relu, data), "soft": accuracy(model, data)}
    for sharpness in (1.0, 0.0):
        for layer in wl.spiking_layers(model):
            layer.set_sharpness(sharpness)
        if sharpness == 1:
            found["sharp"] = accuracy(model, data)
    wl.train(model, data["x_train"], data["y_train"], epochs=epochs, batch_size=BATCH, verbose=0)
    return {**found, "finished": accuracy(model, data)}


def load(path: Path, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """MNIST in the shape that a network takes, from 0 to 1."""
    with np.load(path) as file:
        return {name: np.asarray(file[name]).astype(np.float32).reshape(-1, *shape) / 255 if name[0] == "x"
                else np.asarray(file[name]).astype(int) for name in ("x_train", "y_train", "x_test", "y_test")}


def table(lines: list[dict[str, Any]], write: Callable[[str], Any]) -> None:
    """The results in Markdown, means over seeds."""
    write("| network | finished with | seeds | ReLU | turned, soft | thresholds at once | finished | points |")
    write("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for net, way, epochs in dict.fromkeys((line["net"], line["way"], line["epochs"]) for line in lines):
        same = [line for line in lines if (line["net"], line["way"], line["epochs"]) == (net, way, epochs)]
        mean = {name: float(np.mean([line[name] for line in same])) for name in ("relu", "soft", "sharp", "finished")}
        write(f"| {NETS[net][2]} | {way}, {epochs} epochs | {len(same)} | " + " | ".join(
            f"{value:.4f}" for value in mean.values()) + f" | {100 * (mean['finished'] - mean['relu']):+.2f} |")


def main() -> None:
    """Computes what is not in the results file yet, and prints the table."""
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--data", type=Path, required=True, help="mnist.npz as Keras has it")
    parse.add_argument("--nets", nargs="+", choices=NETS, default=[*NETS])
    parse.add_argument("--ways", nargs="+", choices=WAYS, default=[*WAYS])
    parse.add_argument("--seeds", type=int, default=3)
    parse.add_argument("--epochs", type=int, default=3, help="of finishing")
    parse.add_argument("--results", type=Path, default=Path("pretrained"), help="folder of results and ReLU networks")
    options = parse.parse_args()
    path = options.results / "results.jsonl"
    lines = [*results.read(path)]
    for seed in range(options.seeds):
        for net in options.nets:
            data = load(options.data, NETS[net][1])
            for way in options.ways:
                what = {"net": net, "way": way, "seed": seed, "epochs": options.epochs}
                if any(what.items() <= line.items() for line in lines):
                    continue
                relu = pretrained(net, seed, data, options.results)
                lines.append({**what, **finished(relu, way, seed, options.epochs, data)})
                print(json.dumps(lines[-1]), file=sys.stderr, flush=True)
                results.note(path, lines[-1])
    table(lines, print)


if __name__ == "__main__":
    main()

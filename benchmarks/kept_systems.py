"""The trainings behind the chapters 5 and 8 to 12 of the course: what is trained, on what, and what is kept of it.

``benchmarks/kept.py`` runs them and packs what they give; this module says what they are. All are small: together they
take about an hour on one core.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import results

from whetstone_lab.course import kept

#: What is noted of the trainings, a line each.
NOTES = "trainings.jsonl"

BATCH = 64

#: Test pictures on which a net is looked at after each epoch, where that is asked for; what it reaches in the end is
#: told by all of them.
WATCHED = 2000


class Pictures(NamedTuple):
    """Labelled pictures to train on and to test on."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def smaller(x: np.ndarray, every: int) -> np.ndarray:
    """Pictures with one pixel for each square of ``every`` rows and columns, its mean."""
    side = x.shape[1] // every
    return x.reshape(-1, side, every, side, every, 1).mean((2, 4)) if every > 1 else x


@cache
def fashion(count: int, every: int = 1) -> Pictures:
    """The first pictures of Fashion-MNIST; of each square of ``every`` rows and columns the mean."""
    from whetstone_lab import datasets

    found = datasets.load("fashion_mnist", flatten=False)
    return Pictures(smaller(found.x_train[:count], every), found.y_train[:count], smaller(found.x_test, every),
                    found.y_test)


@dataclass(frozen=True)
class Training:
    """One training.

    Attributes:
        name: Of the net, without the seed.
        seed: Of the weights and the batches.
        run: Trains, given the seed, and gives what is noted, the spiking network if there is one, and the trace.
    """

    name: str
    seed: int
    run: Callable[[int], tuple[dict[str, Any], Any, Any]]

    @property
    def stem(self) -> str:
        """What its files are called."""
        return f"{self.name.replace('/', '_')}_{self.seed}"


def classifier(make: Callable[..., Any], data: Callable[[], Pictures], epochs: int, way: str, seed: int,
               profile: bool = False, watched: bool = False) -> tuple[dict[str, Any], Any, Any]:
    """Trains a net that tells classes.

    Args:
        make: Makes the net, given ``spiking`` and what the recipe sets.
        data: Loads the pictures.
        epochs: Of the training.
        way: ``"relu"``, ``"train"`` (``whetstone_lab.train``) or ``"published"``, the paper's recipe.
        seed: Of weights and batches.
        profile: Whether to note, of a net that spikes, the gradient that comes down to each layer, soft and sharp.
        watched: Whether to note, of a net that spikes, the accuracy after each epoch.
    """
    import keras

    import whetstone_lab as wl
    from whetstone_lab.method.policies import StepwisePolicy
    from whetstone_lab.training.sharpener import Sharpener

    x, y, x_test, y_test = data()
    keras.utils.set_random_seed(seed)
    fit = {"epochs": epochs, "batch_size": BATCH, "verbose": 0,
           **({"validation_data": (x_test[:WATCHED], y_test[:WATCHED])} if watched else {})}
    trace = network = None
    if way == "train":
        model = make(spiking=True)
        trace = wl.train(model, x, y, probe=x[:256], **fit)
    elif way == "published":
        key = wl.recipes._free_key(10, 100)
        model = make(spiking=True, key=key, temperature=1.0, surrogate_width=None)
        layers = len(wl.spiking_layers(model))
        first, steps = epochs - 1 - 2 * layers, 2
        sharpener = Sharpener(StepwisePolicy(start_epoch=first, steps=steps), probe=x[:256])
        wl.recipes.PUBLISHED.compile(model, len(x))
        model.fit(x, y, callbacks=[sharpener], **fit)
        trace = sharpener.trace
    else:
        model = make(spiking=False)
        optimizer = wl.recipes.OPTIMIZERS["adam"]()
        optimizer.learning_rate = keras.optimizers.schedules.CosineDecay(
            float(optimizer.learning_rate), -(-len(x) // BATCH) * epochs)
        model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(x, y, epochs=epochs, batch_size=BATCH, verbose=0)
        wl.estimate_norm_statistics(model, x)
    noted: dict[str, Any] = {"accuracy": float(
        (model.predict(x_test, batch_size=500, verbose=0).argmax(-1) == y_test).mean())}
    if trace is not None:
        assert all(float(layer.sharpness) == 1 for layer in wl.spiking_layers(model))
        network = wl.convert(model)
        if watched:
            noted["after_each_epoch"] = [round(float(value), 4) for value in trace.epoch_metric("val_accuracy")]
        noted["sharp_after_epoch"] = [int(value) for value in
                                      (trace.sharpness[trace.epoch_ends - 1] == 1).argmax(axis=0)]
    if profile and trace is not None:
        found = wl.depth_profile(model, x[:256], y[:256], soft=0.0, norm_data=x[:1024])
        noted["layers"] = list(found.layers)
        for name in ("gradient", "gradient_sharp", "near", "flips"):
            noted[name] = [float(value) for value in getattr(found, name)]
    return noted, network, trace


def convnet(kernel: tuple[int, ...], batchnorm: bool = True, filters: tuple[int, ...] = (8, 16, 32),
            **options: Any) -> Any:
    """The published topology in a small size, 28 x 28."""
    from whetstone_lab import models

    return models.convnet((28, 28, 1), 10, filters=filters, kernel=kernel, padding="same", hidden=(64,), dropout=0.0,
                          batchnorm=batchnorm, **options)


def residual(depth: int, skips: bool, spiking: bool, **options: Any) -> Any:
    """A residual net on 14 x 14, or the same layers without the skips."""
    import keras

    from whetstone_lab import models
    from whetstone_lab.training.models.blocks import Blocks

    filters = (8, 16, 32)
    if skips:
        return models.resnet((14, 14, 1), 10, depth=depth, filters=filters, skip="spikes", spiking=spiking, **options)
    make = Blocks(0.0, True, 2.0, spiking)
    layers = [keras.layers.Input((14, 14, 1)),
              *make.block(keras.layers.Conv2D(filters[0], 3, padding="same", use_bias=False), "stem")]
    blocks = (depth - 2) // 2
    for stage, count in enumerate(filters, 1):
        for number in range(1, blocks // 3 + (stage - 1 < blocks % 3) + 1):
            strides = 2 if stage > 1 and number == 1 else 1
            for name, step in ((f"block_{stage}_{number}_inner", strides), (f"block_{stage}_{number}", 1)):
                layers += make.block(keras.layers.Conv2D(count, 3, step, padding="same", use_bias=False), name)
    layers += [keras.layers.GlobalAveragePooling2D(), *make.read_out(10, None, None, None)]
    return keras.Sequential(layers, name="spiking_plain_net" if spiking else "relu_plain_net")


def autoencoder(bits: int, bits_a_value: int, seed: int) -> tuple[dict[str, Any], Any, Any]:
    """A small dense autoencoder on the embedded digits; ``bits_a_value`` 0 for the spiking one."""
    import keras

    import whetstone_lab as wl

    digits = wl.datasets.load_digits()
    x, epochs, batch = digits.x_train, 40, 32
    keras.utils.set_random_seed(seed)
    options: dict[str, Any] = {} if bits_a_value == 0 else {"spiking": False, "bits_a_value": bits_a_value}
    model = wl.models.autoencoder(64, bits, hidden=(128,), **options)
    trace = network = None
    if bits_a_value == 0:
        trace = wl.train(model, x, x, epochs=epochs, batch_size=batch, verbose=0)
        network = wl.convert(model)
    else:
        optimizer = wl.recipes.OPTIMIZERS["adam"]()
        optimizer.learning_rate = keras.optimizers.schedules.CosineDecay(
            float(optimizer.learning_rate), -(-len(x) // batch) * epochs)
        model.compile(optimizer, "mean_squared_error")
        model.fit(x, x, epochs=epochs, batch_size=batch, verbose=0)
        wl.estimate_norm_statistics(model, x)
    guess = model.predict(digits.x_test, verbose=0)
    return {"error": float(np.mean((guess - digits.x_test) ** 2))}, network, trace


def segmenter(spiking: bool, seed: int) -> tuple[dict[str, Any], Any, Any]:
    """The segmenter of ``benchmarks/segmentation.py`` on made scenes."""
    import segmentation

    import whetstone_lab as wl

    way = segmentation.WAYS["scenes"] if spiking else segmentation.WAYS["scenes"].baseline
    data = segmentation.load(way, None)
    model = segmentation.train(way, seed, data)
    noted = segmentation.judge(model, way, data)
    return noted, wl.convert(model, keep_relu=not spiking), None


def pole(seed: int) -> tuple[dict[str, Any], Any, Any]:
    """A DQN that learns to balance Gymnasium's pole."""
    import gymnasium

    import whetstone_lab as wl

    agent = wl.train_dqn(gymnasium.make("CartPole-v1"), steps=50_000, seed=seed, verbose=0)
    totals = np.array([episode.total for episode in agent.play(gymnasium.make("CartPole-v1"), 100, 10_000)])
    return ({"score": float(totals.mean()), "worst": float(totals.min()),
             "returns": [float(value) for value in agent.returns],
             "judged": [[int(step), float(score)] for step, score in agent.judged]}, agent.network, agent.trace)


#: Bits of the codes of the autoencoders.
BITS = (4, 8, 16, 32, 64)

#: Filters of each convolution of the nets that chapter 8 compares, and how many there are of each.
CONVOLUTIONS = {"3": ((3,), (8,)), "5": ((5,), (8,)), "7": ((7,), (8,)),
                "3-3": ((3, 3), (8, 16)), "5-5": ((5, 5), (8, 16)), "7-7": ((7, 7), (8, 16)),
                "3-3-3": ((3, 3, 3), (8, 16, 32)), "5-5-5": ((5, 5, 5), (8, 16, 32)),
                "7-7-7": ((7, 7, 7), (8, 16, 32)), "7-5-3": ((7, 5, 3), (8, 16, 32))}


def trainings(seeds: int = 3) -> Iterator[Training]:
    """All of them, seed by seed, so that a study that is cut short has something of everything."""
    few, tiny, small = partial(fashion, 2500), partial(fashion, 2500, 2), partial(fashion, 4000)
    for seed in range(seeds):
        if seed < 2:
            yield Training("reinforcement/pole", seed, pole)
        for norm in (True, False):
            for way in ("published", "train", "relu"):
                yield Training(f"batch_norm/{way}/{'with' if norm else 'without'}", seed,
                               partial(classifier, partial(convnet, (7, 5, 3), norm), small, 15, way,
                                       watched=True))
        for name, (kernel, filters) in CONVOLUTIONS.items():
            for way in ("train", "relu"):
                yield Training(f"convolutions/{name}/{way}", seed,
                               partial(classifier, partial(convnet, kernel, True, filters), few, 8, way))
        for depth in (8, 20):
            for skips in (True, False):
                for way in ("train", "relu"):
                    yield Training(f"residual/{'skips' if skips else 'plain'}-{depth}/{way}", seed,
                                   partial(classifier, partial(residual, depth, skips), tiny, 8, way,
                                           profile=True))
        for bits in BITS:
            for each in (0, 1, 4):
                yield Training(f"autoencoders/{bits}/{each}", seed, partial(autoencoder, bits, each))
        yield Training("segmentation/spiking", seed, partial(segmenter, True))
        yield Training("segmentation/relu", seed, partial(segmenter, False))


def train(folder: Path, only: str = "", seeds: int = 3) -> None:
    """Trains what the folder has not yet: of all, or of the chapter of that name."""
    import gc
    import time

    import keras

    folder.mkdir(parents=True, exist_ok=True)
    for training in trainings(seeds):
        done = {(entry["name"], entry["seed"]) for entry in results.read(folder / NOTES)}
        if (training.name, training.seed) in done or not training.name.startswith(only):
            continue
        began, spent = time.perf_counter(), time.process_time()
        noted, network, trace = training.run(training.seed)
        if network is not None:
            network.save(folder / f"{training.stem}.network.npz")
        if trace is not None:
            trace.save(folder / f"{training.stem}.trace.npz")
        results.note(folder / NOTES, {"name": training.name, "seed": training.seed, **noted})
        short = {name: value for name, value in noted.items() if not isinstance(value, list)}
        print(f"{time.perf_counter() - began:.0f} s, {time.process_time() - spent:.0f} s of processor: "
              f"{training.name}, seed {training.seed}: {short}", flush=True)
        keras.utils.clear_session()
        gc.collect()


def rounded(network: Any, bits: int = 8) -> Any:
    """A network whose weights have few bits, so that its file is small and sums of spikes are exact.

    The weights and the bias of each channel are multiples of a power of 2, the smallest with which no weight is past
    ``2^(bits - 1) - 1`` of it.
    """
    from whetstone_lab.simulator import Node
    from whetstone_lab.simulator.operations.base import Weighted

    def fewer(operation: Any) -> Any:
        if not isinstance(operation, Weighted):
            return operation
        largest = np.abs(operation.weights).max(axis=tuple(range(operation.weights.ndim - 1)))
        step = np.exp2(np.ceil(np.log2(np.where(largest > 0, largest, 1) / (2 ** (bits - 1) - 1)))).astype(np.float32)
        bias = None if operation.bias is None else np.round(operation.bias / step) * step
        return replace(operation, weights=np.round(operation.weights / step) * step, bias=bias)

    return network.with_nodes(Node(node.name, fewer(node.operation), node.inputs) for node in network.nodes)


def pack(chapter: str, folder: Path, networks: Mapping[str, str] | None = None,
         traces: Mapping[str, str] | None = None, bits: int | None = 8) -> None:
    """Puts into the package what a chapter keeps of its trainings.

    Args:
        chapter: Its name; what was noted of its trainings is kept under it.
        folder: Where the trainings are.
        networks: Name under which a network is kept -> the stem of its training.
        traces: The same of the traces.
        bits: Bits of a weight; None for the weights as they are.
    """
    from whetstone_lab import Network, Trace

    for name, stem in (networks or {}).items():
        network = Network.load(folder / f"{stem}.network.npz")
        (rounded(network, bits) if bits else network).save(kept.DATA / f"{name}.network.npz")
    for name, stem in (traces or {}).items():
        Trace.load(folder / f"{stem}.trace.npz").save(kept.DATA / f"{name}.trace.npz")
    lines = [json.dumps(entry | {"name": entry["name"].removeprefix(f"{chapter}/")})
             for entry in notes_of(chapter, folder)]
    (kept.DATA / f"{chapter}.study.json").write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


def notes_of(chapter: str, folder: Path) -> list[dict[str, Any]]:
    """What was noted of the trainings of a chapter."""
    return [entry for entry in results.read(folder / NOTES) if entry["name"].startswith(f"{chapter}/")]


def right(name: str, every: int = 1) -> float:
    """The share of the kept pictures that a kept network reads right."""
    from whetstone_lab.simulator import predict

    x, classes = kept.pictures("fashion")
    return float(np.mean(predict(kept.network(name), smaller(x, every)) == classes))


# -- what each chapter keeps ------------------------------------------------------------------------------------------


def keep_fashion(folder: Path) -> None:
    """The first 500 test pictures of Fashion-MNIST, in bytes."""
    from whetstone_lab import datasets
    from whetstone_lab.records import archive

    found = datasets.load("fashion_mnist", flatten=False)
    archive.write(kept.DATA / "fashion.pictures.npz", *kept.PICTURES, {"of": "Fashion-MNIST"}, {
        "pictures": np.round(255 * found.x_test[:500, ..., 0]).astype(np.uint8),
        "classes": found.y_test[:500].astype(np.uint8)})


def keep_batch_norm(folder: Path) -> None:
    """Convolutional nets with and without batch norm, by the published recipe and by ours, beside ReLU."""
    train(folder, "batch_norm/", 1)
    train(folder, "batch_norm/published/", 3)
    names = [f"batch_norm_{recipe}_{norm}" for recipe in ("published", "train") for norm in ("with", "without")]
    pack("batch_norm", folder, {name: f"{name}_0" for name in names}, {name: f"{name}_0" for name in names[:2]})
    accuracy = {entry["name"].replace("/", "_"): entry["accuracy"] for entry in notes_of("batch_norm", folder)}
    for name in names:
        assert abs(right(name) - accuracy[name]) < 0.05, (name, right(name), accuracy[name])


def keep_convolutions(folder: Path) -> None:
    """Convolutional nets with filters of 3, 5 and 7, with 1 to 3 convolutions, spiking and ReLU, three seeds."""
    train(folder, "convolutions/")
    pack("convolutions", folder, {f"convolutions_{name}": f"convolutions_{name}_train_0"
                                  for name in ("3-3-3", "5-5-5", "7-7-7", "7-5-3")})
    for name in ("3-3-3", "5-5-5", "7-7-7", "7-5-3"):
        assert right(f"convolutions_{name}") > 0.7, (name, right(f"convolutions_{name}"))


def keep_residual(folder: Path) -> None:
    """Nets of 8 and 20 layers with and without skips, spiking and ReLU, three seeds."""
    train(folder, "residual/")
    pack("residual", folder, {f"residual_{net}_20": f"residual_{net}-20_train_0" for net in ("skips", "plain")})
    assert right("residual_skips_20", 2) > right("residual_plain_20", 2)


def keep_autoencoders(folder: Path) -> None:
    """Autoencoders on the digits with codes of 4 to 64 bits, spiking and ReLU with as many bits, three seeds."""
    from whetstone_lab import datasets, run

    train(folder, "autoencoders/")
    pack("autoencoders", folder, {f"autoencoder_{bits}": f"autoencoders_{bits}_0_0" for bits in BITS})
    x = datasets.load_digits().x_test
    error = {entry["name"]: entry["error"] for entry in notes_of("autoencoders", folder) if entry["seed"] == 0}
    for bits in BITS:
        rounded_error = float(np.mean((run(kept.network(f"autoencoder_{bits}"), x).votes - x) ** 2))
        assert rounded_error < 1.03 * error[f"autoencoders/{bits}/0"], (bits, rounded_error)


def keep_segmentation(folder: Path) -> None:
    """The segmenter of made scenes, spiking and ReLU."""
    train(folder, "segmentation/", 1)
    pack("segmentation", folder, {"segmentation": "segmentation_spiking_0",
                                  "segmentation_relu": "segmentation_relu_0"}, bits=None)  # 8 bits would cost 0.04 IoU


def keep_reinforcement(folder: Path) -> None:
    """The better of two agents that learnt to balance a pole."""
    from whetstone_lab import play
    from whetstone_lab.environments import CartPole

    train(folder, "reinforcement/", 2)
    best = max(notes_of("reinforcement", folder), key=lambda entry: entry["score"])
    stem = f"reinforcement_pole_{best['seed']}"
    pack("reinforcement", folder, {"pole": stem}, {"pole": stem}, bits=None)  # what it does over 500 steps is not exact
    stands = [len(episode) for episode in play(kept.network("pole"), CartPole(), 100, 10_000)]
    assert np.mean(stands) >= 475, np.mean(stands)


#: What is kept -> what makes it, given a folder for the trainings.
KEPT: dict[str, Callable[[Path], None]] = {
    "fashion": keep_fashion, "batch_norm": keep_batch_norm, "convolutions": keep_convolutions,
    "residual": keep_residual, "autoencoders": keep_autoencoders, "segmentation": keep_segmentation,
    "reinforcement": keep_reinforcement}


if __name__ == "__main__":
    import sys

    train(Path(sys.argv[1]), *sys.argv[2:3], *map(int, sys.argv[3:]))

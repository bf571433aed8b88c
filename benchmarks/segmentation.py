"""A class for each pixel: encoder-decoders that spike and their ReLU baselines, on moving scenes and on CamVid.

    python benchmarks/segmentation.py --camvid camvid.npz [--data scenes camvid] [--seeds 1] [--every 2]

Each row is a pair of nets that were trained on the same pictures, with the same loss, optimizer, batches and number of
epochs; the spiking one by ``recipes.train``, its baseline at a rate that falls along half a cosine. The rate of both is
three times that of ``recipes.OPTIMIZERS``. Classes are weighted by a power of how rare they are, the same for both.
Judged are the test frames: the mean IoU over the classes, without void, and how much the decisions flicker (the share
of places whose truth stays from frame to frame, but not what the net says). The spiking net is converted and simulated
on some frames beside Keras.

Each training is a line in the results file as soon as it is done, and is not repeated when the benchmark goes on.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import results

#: Learning rate of Adam, for both nets of a pair. After 12 epochs of scenes, one convolution a level, one seed, 2e-3
#: gave a mean IoU 0.06 lower in spikes and 0.01 lower with ReLU.
RATE = 6e-3

#: How many test frames are simulated beside Keras.
SIMULATED = 20


@dataclass(frozen=True)
class Way:
    """A net, what it is trained on, and how.

    Attributes:
        data: ``"scenes"``, made from the digits, or ``"camvid"``.
        spiking: Whether it spikes or is the ReLU baseline.
        epochs, batch: Of the training.
        filters: At each level, as for ``models.segmenter``.
        width: Output neurons of a class at each place.
        rare: A class that takes up a share s of the pixels has the weight ``s^-rare``; 0 weighs all alike.
        every: Rows and columns of which pictures and labels are taken: 2 for every second one.
    """

    data: str
    spiking: bool = True
    epochs: int = 20
    batch: int = 16
    filters: tuple[int, ...] = (12, 24, 48)
    width: int = 4
    rare: float = 0.5
    every: int = 1

    @property
    def baseline(self) -> Way:
        """The ReLU net that is trained alike."""
        return replace(self, spiking=False)


def load(way: Way, camvid: str | None) -> Any:
    """The data set; scenes are smaller, fuller, shorter and more than by default, so that an epoch takes seconds."""
    from whetstone_lab import datasets

    if way.data == "scenes":
        return datasets.load_scenes(scenes=300, frames=4, size=24, digits=3)
    return datasets.load_camvid(camvid)


def train(way: Way, seed: int, data: Any) -> Any:
    """The trained model."""
    import keras

    from whetstone_lab import SegmentationCrossentropy, estimate_norm_statistics, models, recipes

    x, y = (part[:, ::way.every, ::way.every] for part in (data.x_train, data.y_train))
    keras.utils.set_random_seed(seed)
    options = {"width": way.width * data.classes} if way.spiking else {"spiking": False}
    model = models.segmenter(x.shape[1:], data.classes, filters=way.filters, **options)
    shares = np.bincount(y[y != data.void].ravel() if data.void is not None else y.ravel(), minlength=data.classes)
    loss = SegmentationCrossentropy(void=data.void, class_weights=(shares / shares.sum()) ** -way.rare)
    optimizer = recipes.OPTIMIZERS["adam"]()
    optimizer.learning_rate = RATE
    if way.spiking:
        recipes.train(model, x, y, epochs=way.epochs, batch_size=way.batch, optimizer=optimizer, loss=loss, verbose=0)
    else:
        optimizer.learning_rate = keras.optimizers.schedules.CosineDecay(
            float(optimizer.learning_rate), -(-len(x) // way.batch) * way.epochs)
        model.compile(optimizer, loss)
        model.fit(x, y, epochs=way.epochs, batch_size=way.batch, verbose=0)
        estimate_norm_statistics(model, x)  # as the spiking net's sharpener does
    return model


def judge(model: Any, way: Way, data: Any) -> dict[str, float]:
    """Mean IoU and unsteadiness on the test frames; of a spiking net also where its network decides otherwise."""
    from whetstone_lab import class_maps, convert, simulator

    x, y = (part[:, ::way.every, ::way.every] for part in (data.x_test, data.y_test))
    classes = np.concatenate([model.predict_on_batch(x[start:start + 16]).argmax(-1)
                              for start in range(0, len(x), 16)])
    figures = {"mean_iou": class_maps.mean_iou(classes, y, data.classes, data.void),
               "unsteady": class_maps.unsteady(classes, y, data.scene_test, data.void)}
    if way.spiking:
        decided = simulator.predict(convert(model), x[:SIMULATED])
        figures["differ"] = float((decided != classes[:SIMULATED]).mean())
    return figures


def measure(ways: Iterable[Way], seeds: int, camvid: str | None, path: Path) -> dict[tuple[Way, int], dict]:
    """The figures of each way for each seed; what the results file has is not trained again."""
    found: dict[tuple[Way, int], dict] = {}
    for entry in results.read(path):
        way = Way(**entry["way"] | {"filters": tuple(entry["way"]["filters"])})
        found[way, entry["seed"]] = entry["figures"]
    ways = [*ways]
    for seed in range(seeds):
        for way in ways:
            if (way, seed) in found:
                continue
            began, data = time.perf_counter(), load(way, camvid)
            found[way, seed] = judge(train(way, seed, data), way, data)
            results.note(path, {"way": asdict(way), "seed": seed, "figures": found[way, seed]})
            print(f"{time.perf_counter() - began:.0f} s: {found[way, seed]}, seed {seed}, {way}", file=sys.stderr,
                  flush=True)
    return found


def table(ways: Iterable[Way], found: Mapping[tuple[Way, int], Mapping[str, float]], seeds: int) -> str:
    """A table in Markdown: mean IoU and unsteadiness of each net beside its baseline, the means of the seeds."""
    lines = ["| data | mean IoU, spiking | ReLU | difference | unsteady, spiking | ReLU | places where the simulator "
             "differs from Keras |", "| --- " * 7 + "|"]

    def mean(way: Way, figure: str) -> float:
        return float(np.mean([found[way, seed][figure] for seed in range(seeds)]))

    for way in ways:
        own, other = (mean(each, "mean_iou") for each in (way, way.baseline))
        lines.append(f"| {way.data} | **{own:.4f}** | {other:.4f} | {own - other:+.4f} | {mean(way, 'unsteady'):.4f} | "
                     f"{mean(way.baseline, 'unsteady'):.4f} | {mean(way, 'differ'):.1e} |")
    return "\n".join(lines)


#: Name of a data set -> how its nets are trained.
WAYS = {"scenes": Way("scenes", epochs=30, filters=(32, 32, 48)),
        "camvid": Way("camvid", batch=4, filters=(16, 24, 32, 48))}


def main() -> None:
    """Trains what is asked for and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--camvid", metavar="FILE", help="camvid.npz; default: looked for as datasets.load does")
    parser.add_argument("--data", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epochs", type=int, help="default: 30 on scenes, 20 on CamVid")
    parser.add_argument("--every", type=int, default=1, help="of CamVid, take every Nth row and column (default: all)")
    parser.add_argument("--results", metavar="FILE", type=Path, default=Path("segmentation.jsonl"),
                        help="where each training is noted (default: ./segmentation.jsonl)")
    args = parser.parse_args()
    ways = [replace(way, epochs=args.epochs or way.epochs, every=args.every if name == "camvid" else 1)
            for name, way in WAYS.items() if name in args.data]
    found = measure([each for way in ways for each in (way, way.baseline)], args.seeds, args.camvid, args.results)
    print(table(ways, found, args.seeds))


if __name__ == "__main__":
    main()

"""Makes the networks and runs that the package keeps for the course, in ``whetstone_lab/course/data``.

    python benchmarks/kept.py            # what is missing
    python benchmarks/kept.py digits     # these anew

Long trainings are files in a folder (``--work``) as soon as they are done, and are not repeated when the script goes
on. All together they take about an hour of one core. Fashion-MNIST must be there (see ``datasets.load``), and Gymnasium
for the agent.

One function makes one of them. It trains, asserts that the network does what the chapter says of it, and saves.
Trainings on several threads or other machines differ in the last digits, so what is made anew may be a little better
or worse.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import kept_systems

from whetstone_lab.course import kept


def digits(folder: Path) -> None:
    """The network that ``whetstone-lab demo`` trains."""
    from whetstone_lab.cli.demo import demonstrate

    result = demonstrate(folder / "demo", seed=0)
    assert result.accuracies["spiking"] > 0.97, result.accuracies
    (folder / "demo" / "network.npz").replace(kept.DATA / "digits.network.npz")


def digits_relu(folder: Path) -> None:
    """The ReLU baseline of that network, for what a rate code costs."""
    import keras
    import numpy as np

    from whetstone_lab import convert, datasets
    from whetstone_lab.simulator import predict
    from whetstone_lab.training.models import mlp

    keras.utils.set_random_seed(0)
    pictures = datasets.load("digits", seed=0)
    model = mlp(64, 10, spiking=False)
    model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy")
    model.fit(pictures.x_train, pictures.y_train, epochs=20, batch_size=32, verbose=0)
    network = convert(model, keep_relu=True)
    assert np.mean(predict(network, pictures.x_test) == pictures.y_test) > 0.96
    network.save(kept.DATA / "digits_relu.network.npz")


#: What is kept, by the function that makes it, given a folder for the trainings.
MAKERS: dict[str, Callable[[Path], None]] = {"digits": digits, "digits_relu": digits_relu, **kept_systems.KEPT}


def main() -> None:
    """Makes what the command line names, or what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="*", choices=[*MAKERS, []], metavar="NAME",
                        help=f"which: {', '.join(MAKERS)} (default: those that are missing)")
    parser.add_argument("--work", metavar="FOLDER", type=Path, default=Path("kept"),
                        help="where the trainings are (default: ./kept)")
    args = parser.parse_args()
    missing = [name for name in MAKERS if not list(kept.DATA.glob(f"{name}.*"))]
    for name in args.names or missing:
        print(f"-- {name}: {MAKERS[name].__doc__}", flush=True)
        MAKERS[name](args.work)


if __name__ == "__main__":
    main()

"""What an experiment is made of, as plain values: what a student picks before a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from whetstone_lab.datasets import digits, fashion_mnist, mnist, search
from whetstone_lab.datasets.spec import Spec


@dataclass(frozen=True)
class Choice:
    """One of the things that can be picked.

    Attributes:
        words: What it is called on the page.
        means: What it is, in a sentence.
    """

    words: str
    means: str


@dataclass(frozen=True)
class Data(Choice):
    """A data set.

    Attributes:
        spec: What its files hold.
    """

    spec: Spec = digits.SPEC


@dataclass(frozen=True)
class Topology(Choice):
    """A reference network.

    Attributes:
        hidden: Neurons of each dense hidden layer.
        filters: Filters of each convolution before them; none for a perceptron.
    """

    hidden: tuple[int, ...] = ()
    filters: tuple[int, ...] = ()


DATA: Mapping[str, Data] = {
    "digits": Data("Digits, 8 × 8", "1,797 handwritten digits; they come with the package."),
    "mnist": Data("MNIST, 28 × 28", "70,000 handwritten digits.", mnist.SPEC),
    "fashion_mnist": Data("Fashion, 28 × 28", "70,000 pictures of clothes.", fashion_mnist.SPEC),
}

NETWORKS: Mapping[str, Topology] = {
    "tiny": Topology("16 neurons", "One hidden layer of 16 neurons.", (16,)),
    "small": Topology("64 + 32 neurons", "Two hidden layers, of 64 and of 32 neurons.", (64, 32)),
    "wide": Topology("256 + 64 neurons", "Two hidden layers, of 256 and of 64 neurons, as in the paper.", (256, 64)),
    "deep": Topology("4 × 48 neurons", "Four hidden layers of 48 neurons each.", (48, 48, 48, 48)),
    "conv": Topology("8 + 16 filters", "Two convolutions and a hidden layer of 64 neurons.", (64,), (8, 16)),
}

OPTIMIZERS: Mapping[str, Choice] = {
    "adam": Choice("Adam", "Steps fitted to each weight; a good first choice."),
    "sgd": Choice("SGD with momentum", "Plain steps down the slope."),
    "rmsprop": Choice("RMSprop", "Steps by the size of the last gradients."),
    "adadelta": Choice("Adadelta", "As in the paper."),
    "nadam": Choice("Nadam", "Adam that looks ahead."),
    "adamw": Choice("AdamW", "Adam that lets weights decay."),
}

SHARPENING: Mapping[str, Choice] = {
    "adaptive": Choice("Adaptive", "When the loss has settled, layer by layer; it stops where the loss rises."),
    "scheduled": Choice("Early, all at once", "All layers together in the first third of the training."),
    "stepwise": Choice("In steps", "Layer by layer in equal steps, whatever the loss does."),
}

#: Name of a setting -> what can be picked.
CHOICES: Mapping[str, Mapping[str, Choice]] = {
    "data": DATA, "network": NETWORKS, "optimizer": OPTIMIZERS, "sharpening": SHARPENING}

#: Name of a setting -> the lowest and the highest number that it takes.
LIMITS: Mapping[str, tuple[int, int]] = {"epochs": (1, 1000), "batch_size": (1, 1024), "seed": (0, 9999)}


@dataclass(frozen=True)
class Settings:
    """What an experiment is made of.

    Attributes:
        data: A name in :data:`DATA`. Default: ``"digits"``.
        network: A name in :data:`NETWORKS`. Default: ``"small"``.
        optimizer: A name in :data:`OPTIMIZERS`. Default: ``"adam"``.
        sharpening: A name in :data:`SHARPENING`. Default: ``"adaptive"``.
        epochs: Epochs of training, from 1 to 1000. Default: 30.
        batch_size: Pictures in a batch, from 1 to 1024. Default: 32.
        seed: Where chance begins, from 0 to 9999; with the same seed the weights at the start are the same. Default: 0.
        baseline: Whether the same network with ReLUs trains beside it. Default: True.

    Raises:
        ValueError: A setting cannot be so; the message says what was expected.
    """

    data: str = "digits"
    network: str = "small"
    optimizer: str = "adam"
    sharpening: str = "adaptive"
    epochs: int = 30
    batch_size: int = 32
    seed: int = 0
    baseline: bool = True

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"Expected {name} among {list(choices)}; got {getattr(self, name)!r}.")
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise ValueError(f"Expected {name} to be an integer from {low} to {high}; got {value!r}.")
        if not isinstance(self.baseline, bool):
            raise ValueError(f"Expected baseline to be True or False; got {self.baseline!r}.")

    @property
    def topology(self) -> Topology:
        """The network that is trained."""
        return NETWORKS[self.network]

    def asdict(self) -> dict[str, Any]:
        """The settings as JSON can carry them; :meth:`of` makes settings of them again."""
        return asdict(self)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Settings:
        """Settings from values by name, as they come from a page or a file; those that are missing are as by default.

        Raises:
            ValueError: There is no such setting, or it cannot be so.
        """
        known = [each.name for each in fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise ValueError(f"Expected settings among {known}; got {unknown}.")
        return cls(**values)

    def words(self) -> str:
        """The settings in a line."""
        picked = ", ".join(choices[getattr(self, name)].words for name, choices in CHOICES.items())
        return f"{picked}, {self.epochs} epochs, seed {self.seed}"


def sharpener_arguments(settings: Settings, layers: int) -> tuple[str, dict[str, Any]]:
    """The sharpener that fits the settings: the name of its class, and its arguments.

    Whichever it is, it has sharpened all layers in two thirds of the epochs, if little stops it.

    Args:
        settings: The settings.
        layers: Number of spiking layers, at least 1.
    """
    epochs = settings.epochs
    start, span = max(epochs // 6, 1), max(epochs / 2, 1) / layers
    if settings.sharpening == "stepwise":
        return "StepwiseSharpener", {"start_epoch": start, "steps": max(int(span), 1)}
    if settings.sharpening == "scheduled":
        return "ScheduledSharpener", {"schedule": [(round(0.05 * epochs, 2), round(0.3 * epochs, 2))] * layers}
    span *= 0.6  # between two layers, and after a rise of the loss, the adaptive sharpener waits
    # Three quarters of the way take six tenths of the time, and the critical rest the others.
    return "AdaptiveSharpener", {"min_init_epochs": start, "rate": round(min(1.25 / span, 1.0), 3),
                                 "cz_rate": round(min(0.625 / span, 1.0), 3)}


def check_thresholds(settings: Settings, thresholds: Mapping[str, float]) -> None:
    """Makes sure that the sharpener that fits the settings can begin with some parameters.

    Raises:
        ValueError: It has no such parameters, or they cannot be so.
    """
    from whetstone_lab.method import policies

    kind, parameters = sharpener_arguments(settings, layer_count(settings))
    policy = getattr(policies, kind.replace("Sharpener", "Policy"))
    try:
        policy(**{**parameters, **thresholds})
    except TypeError as error:
        raise ValueError(f"Expected parameters of {policy.__name__}; got {sorted(thresholds)}.") from error


def model_arguments(settings: Settings) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """The function of :mod:`whetstone_lab.training.models` that makes the network, and its arguments."""
    shape, spec = settings.topology, DATA[settings.data].spec
    if shape.filters:
        return "convnet", (spec.image_shape, spec.classes), {"filters": shape.filters, "kernel": 3, "padding": "same",
                                                             "hidden": shape.hidden, "seed": settings.seed}
    return "mlp", (math.prod(spec.image_shape), spec.classes), {"hidden": shape.hidden, "seed": settings.seed}


def layer_shapes(settings: Settings) -> dict[str, tuple[int, ...]]:
    """Name -> shape of the neurons of each spiking layer, as :func:`whetstone_lab.convert` will find them."""
    spec, topology = DATA[settings.data].spec, settings.topology
    found: dict[str, tuple[int, ...]] = {}
    rows, columns, _ = spec.image_shape
    for number, filters in enumerate(topology.filters, 1):
        found[f"conv_{number}"] = (rows, columns, filters)
        rows, columns = rows // 2, columns // 2
    found |= {f"hidden_{number}": (neurons,) for number, neurons in enumerate(topology.hidden, 1)}
    return {**found, "output": (10 * spec.classes,)}


def at_hand() -> list[str]:
    """The data sets that are there without a download."""
    return [name for name, data in DATA.items() if name == "digits" or any(
        Path(path).exists() for source in search.places(data.spec) if (path := getattr(source, "path", None)))]


def layer_count(settings: Settings) -> int:
    """How many spiking layers the network has, the output among them."""
    return len(settings.topology.filters) + len(settings.topology.hidden) + 1

"""Ways to train that are worth a name: what to compile with, when to sharpen, and for how long.

A recipe is data. ``ROBUST`` keeps the accuracy of a ReLU network; ``PUBLISHED`` is what the original paper and package
do, for comparison.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np

from whetstone_lab.models import mlp
from whetstone_lab.policies import AdaptivePolicy, Policy, StepwisePolicy
from whetstone_lab.sharpeners import Sharpener


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Attributes:
        name: Its name.
        epochs: Epochs of training.
        batch_size: Samples in a batch, at the most; see :meth:`batches_of`.
        optimizer: Optimizer as Keras serializes it: ``{"class_name": ..., "config": {...}}``.
        cosine: Whether the learning rate falls to 0 along half a cosine over the whole training.
        dropout: Share of hidden neurons dropped in training.
        temperature: Of the decode layer; None for ``sqrt(width)``.
        surrogate_width: Of the spiking layers; None for the curve's own gradient.
        free_key: Whether each class draws its output neurons freely, as the original does, so that some speak for
            several classes and a third for none. Default: every neuron speaks for one class.
        policy: When to sharpen.
    """

    name: str
    epochs: int
    batch_size: int
    optimizer: dict[str, Any]
    cosine: bool
    dropout: float
    temperature: float | None
    surrogate_width: float | None
    free_key: bool = False
    policy: Policy = field(default_factory=AdaptivePolicy)

    def batches_of(self, samples: int) -> int:
        """Samples in a batch: ``batch_size``, or fewer on little data, so that an epoch has at least 40 updates."""
        return max(1, min(self.batch_size, samples // 40))

    def mlp(self, inputs: int, classes: int, spiking: bool = True, **kwargs: Any) -> keras.Sequential:
        """The reference perceptron with this recipe's layers; see :func:`whetstone_lab.models.mlp`."""
        if self.free_key and spiking and "key" not in kwargs:
            kwargs["key"] = _free_key(classes, kwargs.get("width") or 10 * classes)
        return mlp(inputs, classes, dropout=self.dropout, temperature=self.temperature,
                   surrogate_width=self.surrogate_width, spiking=spiking, **kwargs)

    def compile(self, model: keras.Model, samples: int, epochs: int | None = None) -> None:
        """Compiles a model for integer labels.

        Args:
            model: The model.
            samples: Samples that it will be trained on, from which the length of the cosine follows.
            epochs: Epochs of training. Default: the recipe's.
        """
        optimizer = keras.optimizers.deserialize(deepcopy(self.optimizer))  # Keras writes into what it is given
        if self.cosine:
            steps = -(-samples // self.batches_of(samples)) * (self.epochs if epochs is None else epochs)
            optimizer.learning_rate = keras.optimizers.schedules.CosineDecay(float(optimizer.learning_rate), steps)
        model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])

    def sharpener(self, epochs: int | None = None, **kwargs: Any) -> Sharpener:
        """A sharpener with this recipe's policy, its steps stretched where training is longer or shorter.

        Args:
            epochs: Epochs of training. Default: the recipe's.
            **kwargs: As for :class:`whetstone_lab.sharpeners.Sharpener`.
        """
        policy = self.policy
        if isinstance(policy, StepwisePolicy) and epochs is not None:
            scale = epochs / self.epochs
            policy = replace(policy, start_epoch=int(policy.start_epoch * scale),
                             steps=max(int(policy.steps * scale), 1))
        return Sharpener(policy, **kwargs)


#: Keeps the accuracy: a temperature and a surrogate window, so that sharp layers go on learning, Adam and a cosine.
ROBUST = Recipe(
    name="robust", epochs=60, batch_size=32, optimizer={"class_name": "Adam", "config": {"learning_rate": 3e-3}},
    cosine=True, dropout=0.1, temperature=None, surrogate_width=1.0, policy=AdaptivePolicy(min_init_epochs=5),
)

#: As published: Adadelta at a rate of 4, the curve's own gradient, no temperature, steps of an epoch from the fifth on.
PUBLISHED = Recipe(
    name="published", epochs=21, batch_size=128,
    optimizer={"class_name": "Adadelta", "config": {"learning_rate": 4.0, "rho": 0.95, "epsilon": 1e-8}},
    cosine=False, dropout=0.0, temperature=1.0, surrogate_width=None, free_key=True,
    policy=StepwisePolicy(start_epoch=5, steps=5),
)

#: Name -> recipe.
RECIPES = {recipe.name: recipe for recipe in (ROBUST, PUBLISHED)}


def _free_key(classes: int, width: int) -> np.ndarray:
    row = np.arange(width) < width // classes
    return np.random.default_rng(0).permuted(np.tile(row, (classes, 1)), axis=1).astype(np.int8)

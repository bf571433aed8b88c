"""Ways to train that are worth a name: what to compile with, when to sharpen, and for how long.

:func:`train` is the one to reach for: any model with spiking layers, any optimizer, nothing to tune. A :class:`Recipe`
is data, a way to train the reference nets: ``ROBUST`` keeps the accuracy of a ReLU network; ``PUBLISHED`` is what the
original paper and package do, for comparison.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np

from whetstone_lab.conversion.checking import findings
from whetstone_lab.conversion.refusals import ConversionError
from whetstone_lab.method.policies import AdaptivePolicy, Policy, ScheduledPolicy, StepwisePolicy
from whetstone_lab.records.trace import Trace
from whetstone_lab.training.averaging import WhetstoneOptimizer
from whetstone_lab.training.data_checks import check_data
from whetstone_lab.training.fit_hooks import listed
from whetstone_lab.training.layers import spiking_layers
from whetstone_lab.training.models import mlp
from whetstone_lab.training.norm_statistics import torch_left_alone
from whetstone_lab.training.objectives import fitting_loss, fitting_metrics
from whetstone_lab.training.sharpener import Sharpener
from whetstone_lab.training.training_inputs import first_batch

#: When nearly all is learnt, gradients are tiny. This epsilon lets the steps of the Adam family become small then, too.
_EPSILON = 1e-4

#: Name -> optimizer at the rate with which ``benchmarks/accuracy.py`` trains on MNIST; a few rates each were tried.
OPTIMIZERS: Mapping[str, Callable[[], keras.optimizers.Optimizer]] = {
    "sgd": lambda: keras.optimizers.SGD(0.1, momentum=0.9),
    "adadelta": lambda: keras.optimizers.Adadelta(4.0, rho=0.95),
    "rmsprop": lambda: keras.optimizers.RMSprop(2e-3),
    "adam": lambda: keras.optimizers.Adam(2e-3, epsilon=_EPSILON),
    "adamw": lambda: keras.optimizers.AdamW(2e-3, epsilon=_EPSILON),
    "nadam": lambda: keras.optimizers.Nadam(2e-3, epsilon=_EPSILON),
}

#: What ``model.compile`` takes besides optimizer, loss and metrics.
_COMPILED = ("auto_scale_loss", "jit_compile", "loss_weights", "run_eagerly", "steps_per_execution", "weighted_metrics")

#: Shares of the training: before the first has passed nothing sharpens, after the second all is sharp.
SOFT, SHARP = 0.05, 0.3


def train(model: keras.Model, x: Any = None, y: Any = None, *, epochs: int = 20, optimizer: Any = "adam",
          loss: Any = "auto", metrics: Any = "auto", probe: Any = None, resume: bool | None = None, check: bool = True,
          **kwargs: Any) -> Trace:
    """Trains a model and sharpens it on the way, with nothing to tune.

    Compiles the model with a :class:`~whetstone_lab.WhetstoneOptimizer`, sharpens all layers together in
    the first third of the training, and from then on averages the weights. This relies on layers that
    still learn when they are sharp and on a decode layer that does not saturate: leave the arguments of this package's
    layers at their defaults. Batch norm gets the statistics of the weights that are validated, kept and given back; see
    :func:`whetstone_lab.estimate_norm_statistics`. For the same in the background, see :func:`prepare`.

    What :func:`whetstone_lab.check` finds in a model would end the way at ``convert``, after all the training; so the
    model is refused before it.

    Args:
        model: A model with spiking layers; how it was compiled, if it was, does not matter.
        x: Inputs, as for ``model.fit``.
        y: Targets, as for ``model.fit``. Of classes, integers or n-hot rows.
        epochs: Epochs of training, at least 1. Default: 20.
        optimizer: A name in :data:`OPTIMIZERS`, which sets a rate that suits, or any Keras optimizer as it is; best
            at a constant rate. Default: ``"adam"``.
        loss: As for ``model.compile``. Default: ``"auto"``, what fits each output of the model and its targets, see
            :func:`whetstone_lab.training.objectives.fitting_loss`.
        metrics: As for ``model.compile``; None for none. Default: ``"auto"``, accuracy for each output that stands for
            classes and the mean absolute error for values.
        probe: As for :class:`whetstone_lab.training.sharpener.Sharpener`. Default: None.
        resume: Whether a model that came from a file goes on with the run in that file. Default: only where Keras's
            ``BackupAndRestore`` is among the callbacks; else each call is a training of its own.
        check: Whether a model that cannot become spikes is refused. Default: True.
        **kwargs: As for ``model.fit``: ``batch_size``, ``validation_data``, ``verbose``, more ``callbacks``, ... A
            sharpener among the callbacks decides when to sharpen in place of train's own. Or as for ``model.compile``:
            ``loss_weights``, ``jit_compile``, ``steps_per_execution``, ... (On a GPU a small net waits for Python
            between two steps, which ``steps_per_execution=20`` makes rarer; Keras has it on TensorFlow and JAX.)

    Returns:
        What happened. The model is fully sharp, unless a warning says that it is not.

    Raises:
        ValueError: The model cannot become spikes (a :class:`whetstone_lab.conversion.refusals.ConversionError`), has
            no spiking layer, there is no such optimizer, ``epochs`` is no number of them, several sharpeners are
            among the callbacks, or the data do not fit the model: inputs or targets of another shape, NaN among them,
            labels past the classes. Of data in batches, such as a ``tf.data.Dataset``, the first batch is looked at.
            Nothing has been trained or compiled then.

    Warns:
        UserWarning: The model sharpens, but only in Keras: ``convert`` cannot follow some of its layers. The training
            ended with layers that are not sharp, as when a callback stopped it early or brought
            earlier weights back.

    Example:
        >>> trace = train(model, x_train, y_train, epochs=20)
        >>> network = convert(model)
    """
    callbacks = listed(kwargs.pop("callbacks", None))
    own = [callback for callback in callbacks if isinstance(callback, Sharpener)]
    if len(own) > 1:
        raise ValueError(f"Expected at most one sharpener among the callbacks; got {len(own)}.")
    if resume is None:
        resume = any(isinstance(callback, keras.callbacks.BackupAndRestore) for callback in callbacks)
    compiled = _taken_by_compile(kwargs)
    sharpener = _prepare(model, (x, y, kwargs.get("validation_data")), epochs, optimizer, loss, metrics, check,
                         compiled, probe=probe, resume=resume)
    if own:
        sharpener = own[0]
    else:
        callbacks = [sharpener, *callbacks]
    with sharpener.closing():
        history = model.fit(x, y, epochs=epochs, callbacks=callbacks, **kwargs)
    state = sharpener.state
    if state is not None and not state.sharp:
        soft = ", ".join(f"{name} at {value:.3g}" for name, value in zip(
            sharpener.trace.layers, state.sharpness, strict=True) if value < 1)
        last = history.epoch[-1] + 1 if history.epoch else 0
        warnings.warn(f"The model is not fully sharp after {last} of {epochs} epochs: {soft}. "
                      "Something ended the training early or brought earlier weights back, such as EarlyStopping; it "
                      "watches soft and sharp epochs alike, so let it begin (start_from_epoch) once the network is "
                      "sharp.", stacklevel=2)
    return sharpener.trace


def prepare(model: keras.Model, *, epochs: int = 20, optimizer: Any = "adam", loss: Any = "auto",
            metrics: Any = "auto", check: bool = True, **kwargs: Any) -> Sharpener:
    """Compiles a model as :func:`train` does, and gives the sharpener for ``fit``.

    Args:
        model: As for :func:`train`.
        epochs: Epochs that it will be trained, at least 1. Default: 20.
        optimizer: As for :func:`train`.
        loss: As for :func:`train`; the targets are not known here, and those of classes are taken for integers.
        metrics: As for :func:`train`.
        check: As for :func:`train`.
        **kwargs: As for :class:`whetstone_lab.training.sharpener.Sharpener`, or for ``model.compile`` as in
            :func:`train`.

    Returns:
        The sharpener.

    Raises:
        ValueError: As in :func:`train`.

    Warns:
        UserWarning: The model sharpens, but only in Keras, as in :func:`train`.

    Example:
        >>> run = whetstone_lab.fit(model, x, y, epochs=20, sharpener=prepare(model, epochs=20))  # in the background
        >>> history = run.wait()
    """
    compiled = _taken_by_compile(kwargs)
    return _prepare(model, (None, None, None), epochs, optimizer, loss, metrics, check, compiled, **kwargs)


def _taken_by_compile(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Takes out of the arguments those that are for ``compile``."""
    return {name: kwargs.pop(name) for name in _COMPILED if name in kwargs}


def _prepare(model: keras.Model, data: tuple[Any, Any, Any], epochs: int, optimizer: Any, loss: Any, metrics: Any,
             check: bool, compiled: Mapping[str, Any], **kwargs: Any) -> Sharpener:
    """Compiles a model for inputs, targets and validation data, which may be unknown, and gives the sharpener."""
    x, y, validation = data
    sample = _a_batch(x)
    if isinstance(epochs, bool) or not isinstance(epochs, int) or epochs < 1:
        raise ValueError(f"Expected epochs to be an integer of at least 1; got {epochs!r}.")
    if check:
        _check(model)
    policy = early(epochs, len(spiking_layers(model)))
    if isinstance(optimizer, str):
        if optimizer.lower() not in OPTIMIZERS:
            raise ValueError(f"Expected an optimizer among {sorted(OPTIMIZERS)}, or a Keras optimizer; got "
                             f"{optimizer!r}.")
        optimizer = OPTIMIZERS[optimizer.lower()]()
    if not isinstance(optimizer, WhetstoneOptimizer):
        optimizer = WhetstoneOptimizer(optimizer)
    if isinstance(loss, str) and loss == "auto":
        loss = fitting_loss(model, y) if sample is None else fitting_loss(model, sample[1], whole=False)
    check_data(model, loss, *(sample or (x, y)))
    if isinstance(validation, (list, tuple)) and len(validation) in (2, 3):
        check_data(model, loss, validation[0], validation[1], " of validation_data")
    elif (held := _a_batch(validation)) is not None:
        check_data(model, loss, *held, " of validation_data")
    if isinstance(metrics, str) and metrics == "auto":
        metrics = fitting_metrics(model, loss)
    model.compile(optimizer, loss, metrics=list(metrics) if isinstance(metrics, tuple) else metrics, **compiled)
    return Sharpener(policy, **kwargs)


def _a_batch(data: Any) -> tuple[Any, Any] | None:
    """The first batch of data that come in batches. On PyTorch a ``DataLoader`` draws a random number to begin."""
    with torch_left_alone():
        return first_batch(data)


def _check(model: keras.Model) -> None:
    """Refuses a model that never becomes spikes, and warns of one that does so in Keras only."""
    found = findings(model)
    if all(finding.sharpens for finding in found):
        for finding in found:
            warnings.warn(f"The model will sharpen, but convert cannot make a network of it. {finding}", stacklevel=4)
        return
    raise ConversionError(found, "Nothing was trained. To train it all the same, pass check=False.")


def early(epochs: int, layers: int) -> ScheduledPolicy:
    """A schedule that sharpens all layers together in the first third of the training.

    Most of the training is then done by the spiking network that will be used. If sharp layers still learn, as with a
    surrogate gradient, there is no need to sharpen the lower ones first: together they have all that time to adapt to
    each other (``benchmarks/accuracy.py --tables policies``).

    Args:
        epochs: Epochs of training, at least 1.
        layers: Number of spiking layers, at least 1.
    """
    return ScheduledPolicy(((epochs * SOFT, epochs * SHARP),) * layers)


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
        temperature: Of the decode layer; None for ``sqrt(width) / 2``.
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
        """The reference perceptron with this recipe's layers; see :func:`whetstone_lab.training.models.mlp`."""
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
            **kwargs: As for :class:`whetstone_lab.training.sharpener.Sharpener`.
        """
        policy = self.policy
        if isinstance(policy, StepwisePolicy) and epochs is not None:
            scale = epochs / self.epochs
            policy = replace(policy, start_epoch=int(policy.start_epoch * scale),
                             steps=max(int(policy.steps * scale), 1))
        return Sharpener(policy, **kwargs)


#: Keeps the accuracy: a temperature and a surrogate gradient, so that sharp layers go on learning, Adam and a cosine.
ROBUST = Recipe(
    name="robust", epochs=60, batch_size=32, optimizer={"class_name": "Adam", "config": {"learning_rate": 3e-3}},
    cosine=True, dropout=0.1, temperature=10.0, surrogate_width=2.0, policy=AdaptivePolicy(min_init_epochs=5),
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

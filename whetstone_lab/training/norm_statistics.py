"""The mean and the variance that batch norm uses outside of training, estimated anew from training inputs.

While it trains, batch norm uses the mean and the variance of each batch. What it uses afterwards are moving averages of
those: at Keras's momentum of 0.99, after 250 steps, 0.99^250 = 8 % of them are still the mean 0 and the variance 1 that
they began with, and the rest is that of weights from before. A network that has learnt may then look as if it had not.
:func:`estimate_norm_statistics` has the network as it is look at some training inputs, and takes from them what the
moving averages stand for. Where weights have been averaged there is no other way, as no batch has ever seen them.

Sources: Wu and Johnson, "Rethinking 'Batch' in BatchNorm", 2021, section 3 (a population of 10^3 to 10^4 samples is
enough); Izmailov et al., "Averaging weights leads to wider optima and better generalization", UAI 2018, section 3.2
(after averaging); Li et al., "Understanding the disharmony between dropout and batch normalization by variance shift",
CVPR 2019 (without dropout, as the network is used).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from typing import Any

import keras
import numpy as np
from keras import ops

from whetstone_lab.training._internals import inner_layers, sync_weights
from whetstone_lab.training.interrupts import undisturbed
from whetstone_lab.training.training_inputs import inputs_in_batches

#: How many training inputs are looked at. On MNIST, more of them no longer make a network any better.
SAMPLES = 5_000

#: Moving averages lag if more than this share of them is still what they began with.
_LAG = 0.01


def estimate_norm_statistics(model: keras.Model, x: Any, *, samples: int = SAMPLES) -> list[Any]:
    """Estimates the statistics of every batch norm in a model anew, from training inputs; nothing else changes.

    The model is called on batches with batch norm as in training, so that each one is fed what those below it make of
    the batch, and all else as in use: no dropout, no noise, no random state moves. Of what a batch norm is fed in all
    batches, over all axes but that of the channels and without what is masked, it takes the population's statistics:

        ``mean = sum(x) / n`` and ``variance = sum((x - mean)^2) / n``.

    A batch norm that does not learn (``trainable=False``, or called with ``training=False`` in training) keeps what it
    has.

    Args:
        model: A model that is built.
        x: Training inputs: an array with a sample in each row, arrays in a list or dict for several inputs, or anything
            that ``fit`` takes and that can be read again: a ``tf.data.Dataset``, a ``DataLoader``, a ``PyDataset``. Of
            arrays a random sample is taken, always the same; of a ``PyDataset`` batches at equal distances; of other
            data the first batches.
        samples: How many inputs to look at, at least 1, or all where there are fewer; of data that come in batches,
            whole batches until there are as many. Default: 5000.

    Returns:
        The layers whose statistics are new; empty without batch norm.

    Raises:
        ValueError: ``samples`` is no number of them, ``x`` cannot be read again, or there is no input in it.

    Warns:
        UserWarning: A batch norm keeps what it has although it learns: it renormalises (``renorm=True``), or it cannot
            be looked into, as within a ``tf.function`` or ``keras.RematScope``.

    Example:
        >>> model.fit(x, y, epochs=3)
        >>> estimate_norm_statistics(model, x)
    """
    if isinstance(samples, bool) or not isinstance(samples, int) or samples < 1:
        raise ValueError(f"Expected samples to be an integer of at least 1; got {samples!r}.")
    batches = inputs_in_batches(x, samples)
    if batches is None:
        raise ValueError("Expected inputs that can be read again: arrays, a tf.data.Dataset, a DataLoader or a "
                         f"PyDataset; got {type(x).__name__}. Take some batches from it and join their inputs.")
    norms = [_Norm(layer) for layer in batch_norms(model)]
    if not norms:
        return []
    sync_weights(model)
    with ExitStack() as stack:
        for context in (variables_kept(model), torch_left_alone(), *(norm.watched() for norm in norms)):
            stack.enter_context(context)
        first = next(batches, None)
        if first is None:
            raise ValueError("Expected at least one training input to estimate the statistics of batch norm from; got "
                             "none.")
        model(keras.tree.map_structure(lambda leaf: leaf[:2], first), training=True)  # shows which of them learn
        for norm in norms:
            norm.calls = []
        for batch in chain([first], batches):
            model(batch, training=False)
    untold = [norm.layer.name for norm in norms if not norm.told]
    if untold:
        warnings.warn(f"The statistics of batch norm {', '.join(untold)} stay as they are: a layer with renorm=True "
                      "needs its moving averages, and what is done in a tf.function or a RematScope cannot be seen.",
                      stacklevel=2)
    new = [norm for norm in norms if norm.told and norm.learns]
    for norm in new:
        norm.assign()
    return [norm.layer for norm in new]


def batch_norms(model: Any) -> list[Any]:
    """The batch norms in a model that learn, however deep, in the order in which they were made."""
    found: dict[int, Any] = {}
    for layer in inner_layers(model):
        inner = [layer] if isinstance(layer, keras.layers.BatchNormalization) else batch_norms(layer)
        found.update((id(norm), norm) for norm in inner if norm.trainable)
    return list(found.values())


def lagging(model: Any, steps: int) -> str | None:
    """A warning if the moving averages of batch norm lag after so many training steps, with the remedy; else None."""
    share, norm = max(((norm.momentum ** steps, norm) for norm in batch_norms(model)), default=(0.0, None),
                      key=lambda pair: pair[0])
    if norm is None or share <= _LAG:
        return None
    return (f"The statistics of batch norm lag: with momentum {norm.momentum:g}, {steps} steps leave {share:.0%} of "
            f"what {norm.name!r} began with, so that the model may evaluate far worse than it has learnt. Call "
            "whetstone_lab.estimate_norm_statistics(model, x_train) now; give the sharpener norm_data=x_train, so that "
            "it does so whenever the model is validated; or take a smaller momentum.")


class _Norm:
    """A batch norm, and what it is fed while it normalises by the batch.

    Attributes:
        layer: The layer.
        learns: Whether it was called as in training while the model was; None if it was not called.
        calls: For each call the number of elements, their mean and their variance by channel; None until they count.
        hidden: Whether they cannot be told.
    """

    def __init__(self, layer: Any) -> None:
        self.layer = layer
        self.learns: bool | None = None
        self.calls: list[tuple[np.ndarray, np.ndarray, np.ndarray]] | None = None
        self.hidden = bool(layer.renorm)

    @property
    def told(self) -> bool:
        """Whether all that it was fed is known, or it does not learn anyway."""
        return self.learns is False or (bool(self.calls) and not self.hidden)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Stands between the layer and its call; afterwards the instance is as it was."""
        own, call = vars(self.layer).get("call"), self.layer.call

        def between(inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
            if self.calls is None:
                self.learns = self.learns or bool(training)
            elif self.learns and not self.hidden:
                try:
                    self.calls.append(_moments(inputs, mask, self.layer.axis))
                    training = True
                except Exception:  # while a graph is traced there are no numbers; backends differ in how they say so
                    self.hidden = True
            return call(inputs, training=training, mask=mask)

        self.layer.call = between
        try:
            yield
        finally:
            if own is None:
                del self.layer.call
            else:
                self.layer.call = own

    def assign(self) -> None:
        """Gives the layer the mean and variance of all that it was fed."""
        numbers, means, variances = (np.stack(column) for column in zip(*self.calls or (), strict=True))
        total = np.maximum(numbers.sum(0), 1)
        mean = (numbers * means).sum(0) / total
        variance = (numbers * (variances + (means - mean) ** 2)).sum(0) / total
        self.layer.moving_mean.assign(mean)
        self.layer.moving_variance.assign(variance)


def _moments(inputs: Any, mask: Any, axis: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number, mean and variance of what counts in each channel, in float64."""
    x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
    axes = [i for i in range(len(x.shape)) if i != axis % len(x.shape)]
    if mask is None:
        mean, variance = ops.moments(x, axes)
        number = ops.full_like(mean, np.prod([x.shape[i] for i in axes]))
    else:
        counts = ops.cast(ops.broadcast_to(ops.expand_dims(mask, -1), ops.shape(x)), x.dtype)
        number = ops.sum(counts, axes, keepdims=True)
        share = counts / ops.maximum(number, 1)
        mean = ops.sum(share * x, axes, keepdims=True)
        variance = ops.sum(share * ops.square(x - mean), axes)
    number, mean, variance = (np.asarray(ops.convert_to_numpy(value), np.float64).ravel()
                              for value in (number, mean, variance))
    return number, mean, variance


@contextmanager
def variables_kept(model: Any) -> Iterator[None]:
    """Afterwards, what is not trained in a model is as it was: sharpness, statistics, random states."""
    kept = [(variable, np.array(ops.convert_to_numpy(variable))) for variable in model.non_trainable_variables]
    try:
        yield
    finally:
        with undisturbed():
            for variable, value in kept:
                variable.assign(value)


@contextmanager
def torch_left_alone() -> Iterator[None]:
    """On PyTorch: no gradients are kept, and the random numbers of the process go on as if none had been drawn."""
    if keras.backend.backend() != "torch":
        yield
        return
    import torch

    with torch.no_grad(), torch.random.fork_rng():
        yield

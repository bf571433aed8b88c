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

import functools
import inspect
import warnings
from collections.abc import Callable, Iterator
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

#: Of one call of a batch norm, by channel: the number of elements, their mean and their variance.
_Moments = tuple[Any, Any, Any]


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
        samples: How many inputs to look at, at least 1, or all where there are fewer; whole batches until there are as
            many. Default: 5000.

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
    return NormStatistics(model).estimate(x, samples)


class NormStatistics:
    """Estimates the statistics of a model's batch norms, time and again: what it has compiled, it keeps.

    Args:
        model: As for :func:`estimate_norm_statistics`.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self._norms: list[_Norm] = []
        # What it holds for, which batch norms learn then, and the jitted function.
        self._compiled: tuple[Any, list[bool | None], Any] | None = None

    def estimate(self, x: Any, samples: int = SAMPLES) -> list[Any]:
        """Estimates all statistics anew; see :func:`estimate_norm_statistics`."""
        if isinstance(samples, bool) or not isinstance(samples, int) or samples < 1:
            raise ValueError(f"Expected samples to be an integer of at least 1; got {samples!r}.")
        batches = inputs_in_batches(x, samples)
        if batches is None:
            raise ValueError("Expected inputs that can be read again: arrays, a tf.data.Dataset, a DataLoader or a "
                             f"PyDataset; got {type(x).__name__}. Take some batches from it and join their inputs.")
        norms = self._norms = [_Norm(layer) for layer in batch_norms(self.model)]
        if not norms:
            return []
        sync_weights(self.model)
        with ExitStack() as stack:
            for context in (variables_kept(self.model), torch_left_alone(), *(norm.watched() for norm in norms)):
                stack.enter_context(context)
            first = next(batches, None)
            if first is None:
                raise ValueError("Expected at least one training input to estimate the statistics of batch norm from; "
                                 "got none.")
            look = self._looking(first)
            fed: list[list[_Moments]] = [[] for _ in norms]
            for batch in chain([first], batches):
                for known, calls in zip(fed, look(batch), strict=True):
                    known += [_as_arrays(moments) for moments in calls]
        told = [norm.learns is False or (bool(calls) and not norm.hidden)
                for norm, calls in zip(norms, fed, strict=True)]
        untold = [norm.layer.name for norm, known in zip(norms, told, strict=True) if not known]
        if untold:
            warnings.warn(f"The statistics of batch norm {', '.join(untold)} stay as they are: a layer with renorm="
                          "True needs its moving averages, and what is done in a tf.function or a RematScope cannot be "
                          "seen.", stacklevel=3)
        new = [(norm.layer, calls) for norm, calls, known in zip(norms, fed, told, strict=True)
               if known and norm.learns]
        for layer, calls in new:
            _assign(layer, calls)
        return [layer for layer, _ in new]

    def _looking(self, first: Any) -> Callable[[Any], list[list[_Moments]]]:
        """What gives, for a batch, what each batch norm is fed in each of its calls; the first batch is looked at.

        On JAX, where each operation of an eager call is compiled by itself, it is one compiled function, unless the
        model cannot be traced.
        """
        few = keras.tree.map_structure(lambda leaf: leaf[:2], first)
        if keras.backend.backend() == "jax" and not getattr(self.model, "run_eagerly", False):
            try:
                return self._compiled_for(first, few)
            except Exception:  # in a call without a trace it may work, or else say what is wrong
                self._compiled = None
        # A layer may write weights that are trained, too, as SpectralNormalization does.
        with variables_kept(self.model, trained=True):
            self._find_learners(self.model, few)
        return lambda batch: self._fed(lambda: self.model(batch, training=False))

    def _compiled_for(self, first: Any, few: Any) -> Callable[[Any], list[list[_Moments]]]:
        import jax

        model = self.model

        def values() -> tuple[list[Any], list[Any]]:
            return ([variable.value for variable in model.trainable_variables],
                    [variable.value for variable in model.non_trainable_variables])

        def look(trainable: Any, other: Any, batch: Any) -> list[list[_Moments]]:
            return self._fed(lambda: model.stateless_call(trainable, other, batch, training=False), traced=True)

        # To trace a deep model takes as long as to look at thousands of pictures. It is done again where another part
        # of it is to learn.
        holds_for = [(id(variable), variable.trainable) for variable in model.variables], [
            id(norm.layer) for norm in self._norms]
        if self._compiled is None or self._compiled[0] != holds_for:
            self._find_learners(lambda inputs, training: jax.eval_shape(
                functools.partial(model.stateless_call, training=training), *values(), inputs), few)
            self._compiled = holds_for, [norm.learns for norm in self._norms], jax.jit(look)
        _, learners, compiled = self._compiled
        for norm, learns in zip(self._norms, learners, strict=True):
            norm.learns = learns
        compiled.eval_shape(*values(), first)  # fails where the model cannot be traced; the trace is kept for the call
        return lambda batch: compiled(*values(), batch)

    def _find_learners(self, call: Callable[..., Any], few: Any) -> None:
        """Calls the model on a few inputs as in training, which shows which batch norms learn."""
        for norm in self._norms:
            norm.learns, norm.calls = None, None
        call(few, training=True)

    def _fed(self, call: Callable[[], Any], traced: bool = False) -> list[list[_Moments]]:
        """What each batch norm is fed in each of its calls while the model is called."""
        for norm in self._norms:
            norm.calls, norm.traced = [], traced
        call()
        return [[] if norm.hidden else norm.calls or [] for norm in self._norms]


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
        calls: What it was fed in each call; None until that counts.
        traced: Whether the model is traced, so that there are no numbers yet.
        hidden: Whether what it is fed cannot be told.
    """

    def __init__(self, layer: Any) -> None:
        self.layer = layer
        self.learns: bool | None = None
        self.calls: list[_Moments] | None = None
        self.traced = False
        self.hidden = bool(layer.renorm)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Stands between the layer and its call; afterwards the instance is as it was."""
        own, call = vars(self.layer).get("call"), self.layer.call
        signature = inspect.signature(call)

        def between(inputs: Any, *args: Any, **kwargs: Any) -> Any:
            given = signature.bind(inputs, *args, **kwargs)  # a subclass may take other arguments, or no mask
            if self.calls is None:
                self.learns = self.learns or bool(given.arguments.get("training"))
            elif self.learns and not self.hidden:
                try:
                    moments = _moments(inputs, given.arguments.get("mask"), self.layer.axis)
                    self.calls.append(moments if self.traced else _as_arrays(moments))
                    given.arguments["training"] = True
                except Exception:  # while a graph is traced there are no numbers; backends differ in how they say so
                    self.hidden = True
            return call(*given.args, **given.kwargs)

        self.layer.call = between
        try:
            yield
        finally:
            if own is None:
                del self.layer.call
            else:
                self.layer.call = own


def _assign(layer: Any, calls: list[_Moments]) -> None:
    """Gives a batch norm the mean and variance of all that it was fed."""
    numbers, means, variances = (np.stack(column) for column in zip(*calls, strict=True))
    total = np.maximum(numbers.sum(0), 1)
    mean = (numbers * means).sum(0) / total
    variance = (numbers * (variances + (means - mean) ** 2)).sum(0) / total
    layer.moving_mean.assign(mean)
    layer.moving_variance.assign(variance)


def _as_arrays(moments: _Moments) -> _Moments:
    """The same in float64, an entry for each channel."""
    number, mean, variance = (np.asarray(ops.convert_to_numpy(value), np.float64).ravel() for value in moments)
    return number, mean, variance


def _moments(inputs: Any, mask: Any, axis: int) -> _Moments:
    """Number, mean and variance of what counts in each channel."""
    x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
    axes = [i for i in range(len(x.shape)) if i != axis % len(x.shape)]
    if mask is None:
        # As it is defined: Keras's own ops.moments takes mean(x^2) - mean(x)^2 on PyTorch, which far from 0 is noise.
        mean = ops.mean(x, axes, keepdims=True)
        return ops.full_like(mean, np.prod([x.shape[i] for i in axes])), mean, ops.mean(ops.square(x - mean), axes)
    counts = ops.cast(ops.broadcast_to(ops.expand_dims(mask, -1), ops.shape(x)), x.dtype)
    number = ops.sum(counts, axes, keepdims=True)
    share = counts / ops.maximum(number, 1)
    mean = ops.sum(share * x, axes, keepdims=True)
    return number, mean, ops.sum(share * ops.square(x - mean), axes)


@contextmanager
def variables_kept(model: Any, trained: bool = False) -> Iterator[None]:
    """Afterwards, what is not trained in a model is as it was: sharpness, statistics, random states; or all of it."""
    variables = model.variables if trained else model.non_trainable_variables
    kept = [(variable, np.array(ops.convert_to_numpy(variable))) for variable in variables]
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

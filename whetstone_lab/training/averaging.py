"""The average of the weights once the network is sharp: an optimizer that keeps it, and its part in validation."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from whetstone_lab.training._internals import layout_of, raw_iterations, sync_weights, trained_variables
from whetstone_lab.training.layers import SpikingLayer, all_layers
from whetstone_lab.training.norm_statistics import NormStatistics, lagging

#: How much later steps count for more than earlier ones in the average; some 1/9 of the steps make most of it.
_LATENESS = 8

#: A step that no training reaches.
_NEVER = 2**30


@dataclass(frozen=True)
class _Swap:
    """What an exchange of weights and averages begins with, and the variable ``begin`` after it."""

    weights: list[np.ndarray]
    averages: list[np.ndarray]
    begin: int


@keras.saving.register_keras_serializable(package="whetstone_lab")
class WhetstoneOptimizer(keras.optimizers.Optimizer):
    """Wraps a Keras optimizer, and averages the weights once the network is sharp.

    In a network of thresholds a small change of a weight can flip a neuron, so the loss is rough. If the steps become
    smaller and smaller, training settles in whichever poor corner it happens to be in. The **mean of many** large steps
    lies between those corners; ``benchmarks/accuracy.py --tables ablation`` compares the two. Weights from before the
    network is sharp must not enter the mean, since they belong to another function. So this optimizer does what the
    wrapped one does until the last layer is sharp. From that step on it also keeps an average a of the weights w, with
    polynomial decay:

        ``a += 9 / (k + 8) (w - a)`` at the k-th step since then.

    The average depends neither on the length of the training nor on a schedule of the learning rate. When ``fit`` ends,
    it takes the place of the weights, as with Keras's own ``use_ema``, unless early stopping has brought back a soft
    network. Within ``fit``, a sharpener puts the average in the place of the weights when Keras validates or an epoch
    ends, and takes it out when training goes on. What is validated, logged, and kept by callbacks as an epoch ends, as
    by ``ModelCheckpoint`` and ``EarlyStopping`` listed after the sharpener, is then the same. If a callback sets
    the weights as an epoch ends, training goes on with what it has set, and another average begins.

    A sharpener among the callbacks of ``fit`` tells the optimizer when the network is sharp; without one nothing is
    averaged. The average is saved with the optimizer, so a run that was killed goes on with it.

    Args:
        inner_optimizer: A Keras optimizer, or the name of one; best at a constant rate. Weight decay, clipping and the
            accumulation of gradients are its own.
        name: Default: ``"whetstone_optimizer"``.

    Raises:
        ValueError: ``inner_optimizer`` is no Keras optimizer.

    Source of the average: Shamir and Zhang, "Stochastic gradient descent for non-smooth optimization: convergence
    results and optimal averaging schemes", ICML 2013.

    Example:
        >>> model.compile(WhetstoneOptimizer("adam"), "sparse_categorical_crossentropy")
        >>> model.fit(x, y, epochs=20, callbacks=[AdaptiveSharpener(min_init_epochs=3)])
    """

    def __init__(self, inner_optimizer: Any, name: str | None = None) -> None:
        super().__init__(learning_rate=0.0, name=name or "whetstone_optimizer")
        self.inner_optimizer = keras.optimizers.get(inner_optimizer)
        # The step b before the first that counts, or -1 - b while the average is in the place of the weights, so that a
        # file says so too. With gradients accumulated, several steps make one update.
        self._begin = self.add_variable((), keras.initializers.Constant(_NEVER), "int", "only_first_replica",
                                        name="average_begin")
        self._averages: list[Any] = []
        self._ended = _NEVER  # the step above, as it was before the end of the last fit
        self._swap: _Swap | None = None  # an exchange that is not yet done
        # Assume the network is sharp until told otherwise: an average that came from a file was made of sharp weights.
        self._is_sharp: Callable[[], bool] = lambda: True

    @property
    def averaged(self) -> int:
        """How many steps the average is made of; 0 while there is none."""
        begin, now = (int(ops.convert_to_numpy(variable)) for variable in (
            self._begin, raw_iterations(self.inner_optimizer)))
        return max(now - (begin if begin >= 0 else -1 - begin), 0)

    @property
    def swapped(self) -> bool:
        """Whether the average is in the place of the weights, and they in its."""
        return int(ops.convert_to_numpy(self._begin)) < 0

    @property
    def lost(self) -> bool:
        """Whether its variables hold nothing, as JAX's trainer leaves them where a batch has failed (Keras 3.15)."""
        try:
            return ops.convert_to_numpy(self._begin) is None
        except (TypeError, RuntimeError):
            return True

    def average(self, layers: Sequence[SpikingLayer]) -> None:
        """Starts an average with the next step if all layers are sharp, unless there is one; ends it if one is soft.

        In the midst of ``fit`` on JAX, only a callback that has synchronised the weights may call this.

        Args:
            layers: The spiking layers of the network.
        """
        self._is_sharp = lambda: all(float(ops.convert_to_numpy(layer.sharpness)) == 1.0 for layer in layers)
        sharp = self._is_sharp()
        begun = int(ops.convert_to_numpy(self._begin)) != _NEVER
        if sharp and not begun:
            self._begin.assign(_copy(raw_iterations(self.inner_optimizer)))
        elif begun and not sharp:
            self.end_average()

    def end_average(self) -> None:
        """Forgets the average; what is in the place of the weights stays there."""
        self._begin.assign(_NEVER)

    def swap(self) -> None:
        """Exchanges the weights and their average, where there is one; done twice, all is as before."""
        self.finish_swap()
        if self.averaged:
            self._swap = _Swap(_arrays(trained_variables(self)), _arrays(self._averages),
                               -1 - int(ops.convert_to_numpy(self._begin)))
            self.finish_swap()

    def finish_swap(self) -> None:
        """Does once more, from its beginning, an exchange that an interrupt or an error may have left half done."""
        if self._swap is not None:
            for variable, average, weight, mean in zip(trained_variables(self), self._averages, self._swap.weights,
                                                       self._swap.averages, strict=True):
                variable.assign(mean)
                average.assign(weight)
            self._begin.assign(self._swap.begin)
            self._swap = None

    def take_back(self) -> None:
        """Undoes the end of a fit, which JAX's trainer comes to also where the fit is broken off.

        The average and the weights are then where they were, and the average goes on.
        """
        if self._ended != _NEVER:
            self._begin.assign(self._ended)
            self._ended = _NEVER

    def forget_end(self) -> None:
        """Lets the end of a fit stand, so that :meth:`take_back` does not undo it."""
        self._ended = _NEVER

    # -- what Keras asks of an optimizer, which the wrapped one answers -----------------------------------------------

    def build(self, variables: Any) -> None:
        """Builds the wrapped optimizer, and makes room for the average."""
        self.inner_optimizer.build(variables)
        # All replicas have the same weights, so their mean is what each has.
        self._averages = [self.add_variable(variable.shape, "zeros", variable.dtype, "mean",
                                            layout_of(variable), f"average_{number}")
                          for number, variable in enumerate(variables)]
        super().build(variables)

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Updates weights by their gradients, as the wrapped optimizer does, and the average by the weights."""
        if not self.built:
            self.build(list(trainable_variables))
        self.inner_optimizer.apply(grads, trainable_variables)
        # While they are swapped nothing should train; if somebody does, the average is left as it is.
        begin = ops.convert_to_tensor(self._begin)
        begin = ops.where(begin < 0, _NEVER, begin)
        steps = ops.cast(raw_iterations(self.inner_optimizer) - begin, "float32")
        share = ops.where(steps >= 1, (_LATENESS + 1) / ops.maximum(steps + _LATENESS, 1.0), 0.0)
        for variable, average in zip(trained_variables(self), self._averages, strict=True):
            average.assign(average + ops.cast(share, average.dtype) * (variable - average))

    def finalize_variable_values(self, var_list: Any) -> None:
        """Puts the average in the place of the weights, if it is not there already."""
        if self.lost:
            return  # an error from here would hide the one that says why
        self.finish_swap()
        if not self.swapped:
            self.inner_optimizer.finalize_variable_values(var_list)
            if self.averaged and self._is_sharp():
                self.swap()
        self._ended = int(ops.convert_to_numpy(self._begin))
        self.end_average()  # a later fit starts another one

    @property
    def variables(self) -> list[Any]:
        """Its own variables, and those of the wrapped optimizer."""
        return [*super().variables, *self.inner_optimizer.variables]

    @property
    def learning_rate(self) -> Any:
        """The wrapped optimizer's."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        self.inner_optimizer.learning_rate = learning_rate

    @property
    def iterations(self) -> Any:
        """Updates made so far."""
        return self.inner_optimizer.iterations

    def scale_loss(self, loss: Any) -> Any:
        """Scales the loss as the wrapped optimizer does."""
        return self.inner_optimizer.scale_loss(loss)

    def get_config(self) -> dict[str, Any]:
        """Its arguments."""
        return {"name": self.name, "inner_optimizer": keras.saving.serialize_keras_object(self.inner_optimizer)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> WhetstoneOptimizer:
        """Makes it from what :meth:`get_config` gave."""
        inner = keras.saving.deserialize_keras_object(config["inner_optimizer"], custom_objects=custom_objects)
        return cls(inner, name=config["name"])


def _copy(variable: Any) -> Any:
    # No two variables may share their memory: PyTorch would write through it, and JAX gives it away once only.
    return ops.convert_to_tensor(ops.convert_to_numpy(variable).copy())


def find_whetstone(optimizer: Any) -> WhetstoneOptimizer | None:
    """The :class:`WhetstoneOptimizer` in an optimizer that may wrap it, as mixed precision does; or None."""
    while optimizer is not None and not isinstance(optimizer, WhetstoneOptimizer):
        optimizer = getattr(optimizer, "inner_optimizer", None)
    return optimizer


def build_optimizer(model: Any) -> None:
    """Gives the optimizer of a model that is built its variables, as a fit on JAX and PyTorch begins with.

    On TensorFlow Keras leaves it to the first step, which is traced twice for it: half of what a short fit takes.
    """
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and not optimizer.built and all(layer.built for layer in (model, *all_layers(model))):
        optimizer.build(model.trainable_variables)


class ValidateAverage:
    """Has the network validated and kept that ``fit`` would give now, until training goes on.

    That is the average in the place of the weights, where the model's optimizer keeps one, and batch norm with the
    statistics of these weights, where training inputs are known.

    If somebody sets the weights meanwhile, as a callback may when an epoch ends, training goes on with what was set,
    and another average begins. The statistics stay: training does not use them.

    Args:
        model: The model that is trained.
        inputs: Training inputs, as for :func:`whetstone_lab.estimate_norm_statistics`. Default: None, not known.
    """

    def __init__(self, model: Any, inputs: Any = None) -> None:
        self.model = model
        self.inputs = inputs
        self._statistics = NormStatistics(model)
        self._put_in: list[np.ndarray] = []
        self._renewed = False

    @property
    def stands_in(self) -> bool:
        """Whether :meth:`put_in` has changed anything that :meth:`take_out` must hear of."""
        return bool(self._put_in) or self._renewed

    def put_in(self) -> None:
        """Puts in the average, and the statistics of batch norm, if they are not there already."""
        if self.stands_in:
            return
        optimizer = self._optimizer()
        if optimizer is not None and optimizer.swapped:
            return
        if optimizer is not None and optimizer.averaged:
            optimizer.swap()
            self._put_in = _arrays(trained_variables(optimizer))
        self.renew()

    def take_out(self) -> None:
        """Puts the weights back, if the average is in their place."""
        put_in, self._put_in, self._renewed = self._put_in, [], False
        optimizer = self._optimizer()
        if optimizer is None or not optimizer.swapped:
            return
        there = _arrays(trained_variables(optimizer)) if put_in else []
        if all(np.array_equal(one, other, equal_nan=True) for one, other in zip(there, put_in, strict=True)):
            optimizer.swap()
        else:
            optimizer.end_average()

    def begin(self) -> None:
        """A fit begins: puts the weights back, should an earlier one have left the average in their place."""
        self._stands()
        self.take_out()

    def end(self, steps: int) -> None:
        """A fit has come to its end, which stands; sees to the statistics, or warns if they lag after so many steps."""
        self._stands()
        optimizer = self._optimizer()
        if optimizer is not None and optimizer.swapped:  # a loop without ``fit``, which would have ended the average
            self.take_out()
        self.renew()
        word = None if self._renewed else lagging(self.model, steps)
        if word:
            warnings.warn(word, stacklevel=3)

    def break_off(self) -> None:
        """A fit is broken off: puts the weights back, also where Keras has ended it as one that is done."""
        optimizer = self._optimizer()
        if optimizer is not None:
            optimizer.take_back()
        self.take_out()

    def renew(self) -> None:
        """Estimates the statistics of batch norm for the weights that are there, where training inputs are known.

        What goes wrong with that ends no training: a warning says it.
        """
        if self.inputs is None or self._renewed:
            return
        try:
            self._statistics.estimate(self.inputs)
            self._renewed = True
        except Exception as error:
            self.inputs = None
            warnings.warn(f"The statistics of batch norm could not be estimated anew: {error}", stacklevel=2)

    def _stands(self) -> None:
        """How the last fit ended is not taken back any more."""
        optimizer = find_whetstone(getattr(self.model, "optimizer", None))
        if optimizer is not None:
            optimizer.forget_end()

    def tell(self, layers: Sequence[SpikingLayer]) -> None:
        """Lets the optimizer see whether all layers are sharp; it then begins an average or ends it."""
        optimizer = find_whetstone(getattr(self.model, "optimizer", None))
        if optimizer is not None:
            sync_weights(self.model)
            optimizer.average(layers)

    def _optimizer(self) -> WhetstoneOptimizer | None:
        """The optimizer that may keep an average, its variables and the weights up to date."""
        optimizer = find_whetstone(getattr(self.model, "optimizer", None))
        if optimizer is None or not optimizer.built:
            return None
        sync_weights(self.model)
        if optimizer.lost:
            return None
        optimizer.finish_swap()
        return optimizer


def _arrays(variables: Sequence[Any]) -> list[np.ndarray]:
    # Copies: on PyTorch, the array may be the tensor's own memory.
    return [np.array(ops.convert_to_numpy(variable)) for variable in variables]


@contextmanager
def average_in_place(model: Any, inputs: Any = None) -> Iterator[None]:
    """Has the average in the place of the weights for a moment, where there is one; training goes on as if nothing was.

    Args:
        model: A model between two batches of its training.
        inputs: As for :class:`ValidateAverage`.
    """
    average = ValidateAverage(model, inputs)
    average.put_in()
    try:
        yield
    finally:
        if average.stands_in:  # else it was there before, as while an epoch ends
            average.take_out()

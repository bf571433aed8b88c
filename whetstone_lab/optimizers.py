"""An optimizer that knows how far the sharpening is, and acts on it. It wraps any Keras optimizer, on any backend."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

#: A step that no training reaches.
_NEVER = 2**30


@keras.saving.register_keras_serializable(package="whetstone_lab")
class WhetstoneOptimizer(keras.optimizers.Optimizer):
    """Wraps a Keras optimizer, and lets its learning rate settle once the network is sharp.

    While layers are soft or sharpen the rate stays what it is: the network has to move its pre-activations away from
    the thresholds that form, and that takes full steps, however late it comes. Once every layer is sharp it is time to
    **polish**: over the T steps that are left of the training the rate falls along half a cosine,
    ``rate (1 + cos(pi t / T)) / 2`` at step t.

    A sharpener among the callbacks of ``fit`` says how far it is. Without one, or where nobody knows how many steps are
    left, this is the optimizer that it wraps. What it knows is saved with it, so a run that was killed goes on with the
    rate that it had.

    Args:
        inner_optimizer: A Keras optimizer, or the name of one. Weight decay, clipping, averaging and the accumulation
            of gradients are its own.
        name: Default: ``"whetstone_optimizer"``.

    Raises:
        ValueError: ``inner_optimizer`` is no Keras optimizer.

    Example:
        >>> model.compile(WhetstoneOptimizer("adam"), "sparse_categorical_crossentropy")
        >>> model.fit(x, y, epochs=20, callbacks=[AdaptiveSharpener(min_init_epochs=3)])
    """

    def __init__(self, inner_optimizer: Any, name: str | None = None) -> None:
        super().__init__(learning_rate=0.0, name=name or "whetstone_optimizer")
        self.inner_optimizer = keras.optimizers.get(inner_optimizer)
        # Counted in steps of training; with gradients accumulated, several of them make one update.
        self._begin, self._length = (
            self.add_variable((), keras.initializers.Constant(value), "int", "only_first_replica", name=name)
            for name, value in (("polish_begin", _NEVER), ("polish_length", 1)))
        self._base_rate = self.inner_optimizer._get_current_learning_rate
        # Keras has no public way to scale the rate at which an optimizer moves weights and lets them decay.
        self.inner_optimizer._get_current_learning_rate = self._settled_rate

    def polish(self, steps: int | None) -> None:
        """Lets the rate fall to 0 over the steps that are left, or, with None, be what it was.

        A fall that ends at the same step already goes on. In the midst of ``fit``, on JAX, only a callback that has
        called :func:`whetstone_lab.layers.sync_weights` may say so.

        Args:
            steps: How many steps of training are left, at least 1; or None, while layers are not sharp.

        Raises:
            ValueError: ``steps`` is neither.
        """
        if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or steps < 1):
            raise ValueError(f"Expected the number of steps that are left, at least 1, or None; got {steps!r}.")
        begin, length, now = (int(ops.convert_to_numpy(variable)) for variable in (
            self._begin, self._length, self.inner_optimizer._iterations))
        if steps is None:
            if begin != _NEVER:
                self._begin.assign(_NEVER)
        elif begin + length != now + steps:
            self._begin.assign(now)
            self._length.assign(steps)

    def _settled_rate(self) -> Any:
        gone = ops.cast(self.inner_optimizer._iterations - self._begin, "float32")
        share = ops.clip(gone / ops.cast(self._length, "float32"), 0.0, 1.0)
        return self._base_rate() * (0.5 * (1.0 + ops.cos(math.pi * share)))

    # -- what Keras asks of an optimizer, which the wrapped one answers -----------------------------------------------

    def build(self, variables: Any) -> None:
        """Builds the wrapped optimizer."""
        self.inner_optimizer.build(variables)
        super().build(variables)

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Updates weights by their gradients, as the wrapped optimizer does."""
        if not self.built:
            self.build(list(trainable_variables))
        self.inner_optimizer.apply(grads, trainable_variables)

    @property
    def variables(self) -> list[Any]:
        """Its own variables, and those of the wrapped optimizer."""
        return self._variables + self.inner_optimizer.variables

    @property
    def learning_rate(self) -> Any:
        """The wrapped optimizer's rate, before it falls."""
        return self._base_rate()

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

    def finalize_variable_values(self, var_list: Any) -> None:
        """Replaces weights by their averages where the wrapped optimizer keeps such."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        """Its arguments."""
        return {"name": self.name, "inner_optimizer": keras.saving.serialize_keras_object(self.inner_optimizer)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> WhetstoneOptimizer:
        """Makes it from what :meth:`get_config` gave."""
        inner = keras.saving.deserialize_keras_object(config["inner_optimizer"], custom_objects=custom_objects)
        return cls(inner, name=config["name"])


def find_whetstone(optimizer: Any) -> WhetstoneOptimizer | None:
    """The :class:`WhetstoneOptimizer` in an optimizer that may wrap it, as mixed precision does; or None."""
    while optimizer is not None and not isinstance(optimizer, WhetstoneOptimizer):
        optimizer = getattr(optimizer, "inner_optimizer", None)
    return optimizer

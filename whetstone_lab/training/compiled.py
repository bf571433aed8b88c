"""Sharpening within the training step that TensorFlow compiles.

Where Python writes one number to a layer after each batch, it shows: the step before has emptied the processor's
caches, and what takes 20 microseconds in a loop of its own then takes 200. What a policy does in an epoch is known
when the epoch begins, so it is laid out in a table, and the compiled step goes through it row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from whetstone_lab.training.layers import SpikingLayer

#: Rows of the table: the batches for which sharpness can be laid out at a time.
ROWS = 1000


class CompiledSharpening:
    """A model's training step that goes on to sharpen its layers; made by :func:`compiled_sharpening`.

    Args:
        model: The model that ``fit`` is about to train.
        layers: Its spiking layers.
    """

    def __init__(self, model: keras.Model, layers: Sequence[SpikingLayer]) -> None:
        import tensorflow as tf

        self.layers = list(layers)
        self._table = tf.Variable(tf.zeros((ROWS, len(self.layers))), trainable=False)
        self._row = tf.Variable(0, trainable=False)
        model.make_train_function()
        self._plain = model.train_function
        # Keras compiles whatever is called train_step. An instance may have one of its own already.
        own, train_step = vars(model).get("train_step"), model.train_step

        def sharpening_step(data: Any) -> Any:
            logs = train_step(data)
            sharpness = tf.unstack(self._table.sparse_read(self._row))
            for layer, value in zip(self.layers, sharpness, strict=True):
                layer.sharpness.value.assign(value)
            self._row.assign_add(1)
            return logs

        model.train_step = sharpening_step
        try:
            model.make_train_function(force=True)
            self._sharpening = model.train_function
        finally:
            del model.train_step
            if own is not None:
                model.train_step = own
            model.train_function = self._plain

    def fits(self, model: keras.Model, layers: Sequence[SpikingLayer]) -> bool:
        """Whether this is still the model's step, as it was compiled and with these layers."""
        return model.train_function is self._plain and [*map(id, layers)] == [*map(id, self.layers)]

    def begin(self, model: keras.Model) -> None:
        """Has ``fit`` take this step, until :meth:`end`."""
        model.train_function = _FitStep(model, self._sharpening, self._plain)

    def end(self, model: keras.Model) -> None:
        """Gives the model its plain step back."""
        model.train_function = self._plain

    def lay_out(self, sharpness: np.ndarray) -> None:
        """Says what the layers shall have after each of the next batches: shape ``(batches, layers)``, at most ROWS."""
        rows = np.concatenate([sharpness, np.repeat(sharpness[-1:], ROWS - len(sharpness), axis=0)])
        self._table.assign(rows.astype(np.float32))
        self._row.assign(0)


class _FitStep:
    """What one fit calls for each of its batches."""

    def __init__(self, model: keras.Model, sharpening: Callable[[Any], Any], plain: Callable[[Any], Any]) -> None:
        import tensorflow as tf

        self.model, self.sharpening, self.plain = model, sharpening, plain
        self.kind = tf.data.Iterator
        self.history = model.history  # another one for each fit

    def __call__(self, iterator: Any) -> Any:
        if self.model.history is not self.history:  # that fit has broken off
            self.model.train_function = self.plain
            return self.plain(iterator)
        # With a plain iterator it is train_on_batch that calls.
        return (self.sharpening if isinstance(iterator, self.kind) else self.plain)(iterator)


def compiled_sharpening(model: keras.Model, layers: Sequence[SpikingLayer],
                        last: CompiledSharpening | None = None) -> CompiledSharpening | None:
    """The model's compiled step that sharpens, or None where sharpness must be written from outside.

    That is on other backends, in eager mode, with several steps an execution, under a distribution strategy, and where
    a subclass has its own ``fit`` or makes its own train function.

    Args:
        model: A compiled model.
        layers: Its spiking layers.
        last: The one of an earlier fit, which is used again if nothing has changed.
    """
    if keras.backend.backend() != "tensorflow":
        return None
    if isinstance(model.train_function, _FitStep):  # of a fit that has broken off
        model.train_function = model.train_function.plain
    if last is not None and last.fits(model, layers):
        return last
    import tensorflow as tf

    kind = type(model)
    usual = kind.fit is keras.Model.fit and kind.make_train_function is keras.Model.make_train_function
    alone = not tf.distribute.has_strategy() and model.distribute_strategy is tf.distribute.get_strategy()
    if not usual or not alone or model.run_eagerly or model.steps_per_execution != 1:
        return None
    return CompiledSharpening(model, layers)

"""How sharpness reaches the layers of a model, and how one hears that somebody else has set it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops

from whetstone_lab.training._internals import scalar_setter, sync_weights
from whetstone_lab.training.layers import SpikingLayer


class LayerSharpness:
    """The sharpness of a model's spiking layers, bottom first.

    Args:
        model: The model.
        layers: Its spiking layers, bottom first.
    """

    def __init__(self, model: Any, layers: Sequence[SpikingLayer]) -> None:
        self.model = model
        self.layers = list(layers)
        self._settings = [layer.settings for layer in self.layers]
        self._setters = [scalar_setter(layer.sharpness) for layer in self.layers]
        self._times_set = self._count()

    def read(self) -> tuple[float, ...]:
        """What each layer has."""
        sync_weights(self.model)
        self._times_set = self._count()
        return tuple(float(ops.convert_to_numpy(layer.sharpness)) for layer in self.layers)

    def write(self, before: Sequence[float], after: Sequence[float]) -> None:
        """Gives each layer its sharpness; a layer whose sharpness does not change is not written to."""
        sync_weights(self.model)
        for set_sharpness, old, new in zip(self._setters, before, after, strict=True):
            if new != old:
                set_sharpness(new)

    @property
    def set_elsewhere(self) -> bool:
        """Whether somebody else has called ``set_sharpness`` since the last :meth:`read`."""
        return self._count() != self._times_set

    def _count(self) -> int:
        return sum([settings.count for settings in self._settings])

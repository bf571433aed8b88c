"""``SpikeRaster``: the wave of spikes that one input sends through the network, and how it votes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.view import scenes
from whetstone_lab.view.widgets._base import View, module, number, style

if TYPE_CHECKING:
    from whetstone_lab.view.plots import Picture

#: Spikes that are sent to the page at the most; 7 bytes each.
_SPIKES = 200_000


class SpikeRaster(View):
    """The spikes of a simulation, sample by sample: a wave that climbs a layer a step, what was shown, and the votes.

    Args:
        source: A ``SpikeRecord``, or something with a ``.record``.
        samples: How many samples can be picked, from the first on. Default: 24, or fewer where they have very many
            spikes.

    Attributes:
        sample: The sample that is shown, from 0; set it here or pick it in the page.

    Raises:
        TypeError: The source is no record and has none.
        ValueError: The record has no sample.
    """

    _esm = module("spike_raster")
    _css = style("spike_raster")

    #: Layers, steps, classes, and for each sample its label, votes and reading.
    about = traitlets.Dict().tag(sync=True)
    #: The spikes, sample after sample, as arrays of bytes.
    spikes = traitlets.Dict().tag(sync=True)
    #: What was shown, as bytes, where it looks like pictures.
    pictures = traitlets.Dict().tag(sync=True)
    sample = traitlets.Int(0).tag(sync=True)

    def __init__(self, source: Any, samples: int = 24) -> None:
        record = source if isinstance(source, SpikeRecord) else getattr(source, "record", None)
        if not isinstance(record, SpikeRecord):
            raise TypeError(f"Expected a SpikeRecord or something with a .record; got {source!r}.")
        if record.samples < 1 or samples < 1:
            raise ValueError(f"Expected at least one sample; got {record.samples} in the record, samples={samples}.")
        ends = np.searchsorted(record.sample, np.arange(min(samples, record.samples)), side="right")
        self.record = record.select(np.arange(max(int((ends <= _SPIKES).sum()), 1)))
        super().__init__(about=self._about(), spikes=self._spikes(), pictures=self._pictures())

    def __repr__(self) -> str:
        return f"SpikeRaster({self.record.samples} samples; {', '.join(self.record.layers)})"

    def picture(self) -> Picture:
        """The static figure of the sample, as :func:`whetstone_lab.view.plots.spike_raster` draws it."""
        from whetstone_lab.view import plots

        return plots.spike_raster(self.record, self.sample)

    @traitlets.validate("sample")
    def _check_sample(self, proposal: Any) -> int:
        if not 0 <= proposal.value < self.record.samples:
            raise traitlets.TraitError(f"Expected a sample from 0 to {self.record.samples - 1}; got {proposal.value}.")
        return int(proposal.value)

    def _about(self) -> dict[str, Any]:
        record = self.record
        return {"layers": list(record.layers), "shapes": [list(shape) for shape in record.shapes],
                "sizes": list(record.sizes), "bands": scenes.bands(record.sizes), "steps": record.steps,
                "samples": record.samples, "labels": record.labels.tolist(), "classes": record.classes.tolist(),
                "votes": [[number(vote) for vote in votes] for votes in record.votes]}

    def _spikes(self) -> dict[str, Any]:
        record = self.record
        return {"ends": np.searchsorted(record.sample, np.arange(record.samples), side="right").tolist(),
                "step": record.step.astype("<u2").tobytes(), "layer": record.layer.astype("u1").tobytes(),
                "neuron": record.neuron.astype("<u4").tobytes()}

    def _pictures(self) -> dict[str, Any]:
        pictures = [scenes.as_picture(values) for values in self.record.inputs]
        if any(picture is None for picture in pictures):
            return {}
        values = np.array(pictures, float)
        low, high = values.min(), values.max()
        grey = np.uint8(np.round(255 * (values - low) / (high - low or 1.0)))
        return {"shape": list(grey.shape[1:]), "values": grey.tobytes()}

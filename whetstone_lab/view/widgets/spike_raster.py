"""``SpikeRaster``: the wave of spikes that one input sends through the network, and what it is read as."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from whetstone_lab.view import scenes
from whetstone_lab.view.palette import class_colours
from whetstone_lab.view.widgets._assets import module, style
from whetstone_lab.view.widgets._base import View, number

if TYPE_CHECKING:
    from whetstone_lab.view.plots import Picture

#: Spikes that are sent to the page at the most, mostly in 4 to 6 bytes each.
_SPIKES = 200_000


class SpikeRaster(View):
    """The spikes of a simulation, sample by sample: a wave that climbs a layer a step, what was shown, and the votes.

    Where each place of the output has a class of its own, a map of classes stands in place of the votes.

    Args:
        source: A ``SpikeRecord``, or something with a ``.record``.
        samples: How many samples can be picked, from the first on. Default: 24, or fewer where they have very many
            spikes.

    Attributes:
        sample: The sample that is shown, from 0; set it here or pick it in the page.

    Raises:
        TypeError: The source is no record and has none.
        ValueError: The record has no sample.

    Example:
        >>> from whetstone_lab import recordings, widgets
        >>> widgets.SpikeRaster(recordings.digits_spikes())
        SpikeRaster(24 samples; hidden_1, hidden_2, output)
    """

    _esm = module("spike_raster")
    _css = style("spike_raster")

    #: Layers and steps, the colours of a map of classes, and for each sample its label, votes and class; how many
    #: output neurons vote, where a key reads them.
    about = traitlets.Dict().tag(sync=True)
    #: The spikes, sample after sample, as arrays of bytes.
    spikes = traitlets.Dict().tag(sync=True)
    #: What was shown, as bytes, where it looks like pictures.
    pictures = traitlets.Dict().tag(sync=True)
    #: The class of each place, as bytes, where places have classes of their own.
    maps = traitlets.Dict().tag(sync=True)
    sample = traitlets.Int(0).tag(sync=True)

    def __init__(self, source: Any, samples: int = 24) -> None:
        record = scenes.record_of(source)
        if record.samples < 1 or samples < 1:
            raise ValueError(f"Expected at least one sample; got {record.samples} in the record, samples={samples}.")
        ends = np.searchsorted(record.sample, np.arange(min(samples, record.samples)), side="right")
        self.record = record.select(np.arange(max(int((ends <= _SPIKES).sum()), 1)))
        super().__init__(about=self._about(), spikes=self._spikes(), pictures=self._pictures(), maps=self._maps())

    def __repr__(self) -> str:
        return f"SpikeRaster({self.record.samples} samples; {', '.join(self.record.layers) or 'no neurons'})"

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
        mapped = record.classes.ndim > 1
        return {"layers": list(record.layers), "shapes": [list(shape) for shape in record.shapes],
                "sizes": list(record.sizes), "bands": scenes.bands(record.sizes), "steps": record.steps,
                "samples": record.samples, "labels": record.labels.tolist(), "voters": scenes.voters(record),
                "classes": [] if mapped else record.classes.tolist(),
                "votes": [] if mapped else [[number(vote) for vote in votes] for votes in record.votes],
                "colours": class_colours(record.votes.shape[-1]) if mapped else []}

    def _spikes(self) -> dict[str, Any]:
        record = self.record
        return {"ends": np.searchsorted(record.sample, np.arange(record.samples), side="right").tolist(),
                "step": _packed(record.step), "layer": _packed(record.layer), "neuron": _packed(record.neuron)}

    def _pictures(self) -> dict[str, Any]:
        pictures = [scenes.as_picture(values) for values in self.record.inputs]
        if any(picture is None for picture in pictures):
            return {}
        values = np.array(pictures, float)
        low, high = values.min(), values.max()
        grey = np.uint8(np.round(255 * (values - low) / (high - low or 1.0)))
        return {"shape": list(grey.shape[1:]), "values": grey.tobytes()}

    def _maps(self) -> dict[str, Any]:
        maps = [scenes.class_map(classes) for classes in self.record.classes]
        if not maps or any(found is None for found in maps):
            return {}
        classes = np.array(maps)
        return {"shape": list(classes.shape[1:]), "values": _packed(classes)}


def _packed(values: np.ndarray) -> bytes:
    """Whole numbers from 0, little end first, each in as many bytes as the largest needs.

    Whoever reads them knows how many there are, and so how wide they are.
    """
    return values.astype(np.min_scalar_type(int(values.max(initial=0))).newbyteorder("<")).tobytes()

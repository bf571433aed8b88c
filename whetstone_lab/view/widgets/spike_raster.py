"""``SpikeRaster``: the wave of spikes that one input sends through the network, and what it is read as."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from whetstone_lab.view import scenes
from whetstone_lab.view.palette import class_colours
from whetstone_lab.view.widgets._assets import module, style
from whetstone_lab.view.widgets._view import View, layer_names, number

if TYPE_CHECKING:
    from whetstone_lab.records.spikes import SpikeRecord
    from whetstone_lab.view.plots import Picture

#: Spikes that are sent to the page at the most, mostly in 4 to 6 bytes each.
_SPIKES = 200_000


class SpikeRaster(View):
    """The spikes of a simulation, sample by sample: a wave that climbs a layer a step, what was shown, and the votes.

    Where each place of the output has a class of its own, a map of classes stands in place of the votes; where it
    stands for no classes, its values. Several outputs stand one below the other, and of several inputs the first that
    looks like a picture is shown.

    For a paper, :func:`whetstone_lab.view.plots.spike_raster` draws the same in matplotlib; ``to_svg``, ``to_png``,
    ``to_csv`` and ``to_html`` write files.

    Args:
        source: A ``SpikeRecord``, or something with a ``.record``.
        samples: How many samples can be picked, from the first on. Default: 24, or fewer where they have very many
            spikes.
        order: In which order the neurons of a layer stand: ``"number"``, ``"rate"``, those that fire most on top, or
            ``"class"``, output neurons by the class for which they vote; see
            :func:`whetstone_lab.view.scenes.rows`. Default: ``"number"``.

    Attributes:
        sample: The sample that is shown, from 0; set it here or pick it in the page.
        order: The order of the neurons; it holds for what is saved, too.

    Raises:
        TypeError: The source is no record and has none.
        ValueError: The record has no sample, or no key for an order by class.

    Example:
        >>> from whetstone_lab import recordings, widgets
        >>> widgets.SpikeRaster(recordings.digits_spikes())
        SpikeRaster(24 samples; hidden_1, hidden_2, output)
    """

    _esm = module("spike_raster")
    _css = style("spike_raster", root="wl-spikes")

    #: Layers and steps; the orders that neurons can stand in, and the classes of those that vote; and of each output
    #: its name, how it is shown, the colours of a map of classes, how many output neurons vote where a key reads them,
    #: and for each sample its votes and class, the truth, and what it was read as in words. The page decides nothing by
    #: itself.
    about = traitlets.Dict().tag(sync=True)
    #: The spikes, sample after sample, as arrays of bytes.
    spikes = traitlets.Dict().tag(sync=True)
    #: What was shown, as bytes, where it looks like pictures.
    pictures = traitlets.Dict().tag(sync=True)
    #: The class of each place, as bytes, where places have classes of their own; by the number of the output.
    maps = traitlets.Dict().tag(sync=True)
    sample = traitlets.Int(0).tag(sync=True)
    order = traitlets.Unicode("number").tag(sync=True)

    def __init__(self, source: Any, samples: int = 24, order: str = "number") -> None:
        record = scenes.record_of(source)
        if record.samples < 1 or samples < 1:
            raise ValueError(f"Expected at least one sample; got {record.samples} in the record, samples={samples}.")
        ends = np.searchsorted(record.sample, np.arange(min(samples, record.samples)), side="right")
        self.record = record.select(np.arange(max(int((ends <= _SPIKES).sum()), 1)))
        scenes.check_order(self.record, order)
        super().__init__(about=facts(self.record), spikes=spikes(self.record), pictures=pictures(self.record),
                         maps=maps(self.record), order=order)

    def __repr__(self) -> str:
        return f"SpikeRaster({self.record.samples} samples; {layer_names(self.record.layers) or 'no neurons'})"

    def picture(self) -> Picture:
        """The static figure of the sample, as :func:`whetstone_lab.view.plots.spike_raster` draws it."""
        from whetstone_lab.view import plots

        return plots.spike_raster(self.record, self.sample, order=self.order)

    def table(self) -> dict[str, Any]:
        """Every spike of the samples that can be picked: ``sample``, ``layer`` by name, ``neuron`` and ``step``, and
        the ``row`` of the neuron in the order at hand, from 0, the lowest.
        """
        record, rows = self.record, scenes.rows(self.record, self.order)
        row = np.zeros(record.spikes, np.int64)
        for layer, place in enumerate(rows):
            mine = record.layer == layer
            row[mine] = place[record.neuron[mine]]
        return {"sample": record.sample, "layer": [record.layers[which] for which in record.layer],
                "neuron": record.neuron, "step": record.step, "row": row}

    @traitlets.validate("sample")
    def _check_sample(self, proposal: Any) -> int:
        if not 0 <= proposal.value < self.record.samples:
            raise traitlets.TraitError(f"Expected a sample from 0 to {self.record.samples - 1}; got {proposal.value}.")
        return int(proposal.value)

    @traitlets.validate("order")
    def _check_order(self, proposal: Any) -> str:
        try:
            return scenes.check_order(self.record, proposal.value)
        except ValueError as error:
            raise traitlets.TraitError(str(error)) from None


def facts(record: SpikeRecord) -> dict[str, Any]:
    """What a page needs to know of a record besides its spikes; see ``SpikeRaster.about``."""
    return {"layers": list(record.layers), "shapes": [list(shape) for shape in record.shapes],
            "sizes": list(record.sizes),
            "orders": {name: scenes.ORDERS[name] for name in scenes.orders(record)},
            "keyed": {str(layer): classes.tolist() for layer, classes in scenes.keyed(record).items()},
            "bands": scenes.bands(record.sizes), "steps": record.steps,
            "samples": record.samples,
            "readings": [_told(reading, record.samples) for reading in scenes.readings(record) if reading.shown]}


def _told(reading: scenes.Reading, samples: int) -> dict[str, Any]:
    mapped = reading.shown == "map"
    return {"name": reading.name, "shown": reading.shown, "truth": reading.truth.tolist(),
            "words": [reading.words(sample) for sample in range(samples)],
            "wrong": [reading.wrong(sample) for sample in range(samples)], "voters": reading.voters,
            "classes": [] if mapped else reading.classes.tolist(),
            "votes": [] if mapped else [[number(vote) for vote in votes] for votes in reading.votes],
            "colours": class_colours(reading.votes.shape[-1]) if mapped else []}


def maps(record: SpikeRecord) -> dict[str, Any]:
    """The class of each place, as bytes, where places have classes of their own; by the number of the output."""
    shown = [reading for reading in scenes.readings(record) if reading.shown]
    return {str(number): {"shape": list(reading.classes.shape[1:]), "values": packed_numbers(reading.classes)}
            for number, reading in enumerate(shown) if reading.shown == "map"}


def spikes(record: SpikeRecord) -> dict[str, Any]:
    """The spikes of a record, sample after sample, as arrays of bytes."""
    return {"ends": np.searchsorted(record.sample, np.arange(record.samples), side="right").tolist(),
            **{name: packed_numbers(getattr(record, name)) for name in ("step", "layer", "neuron")}}


def pictures(record: SpikeRecord) -> dict[str, Any]:
    """What was shown, as bytes, where it looks like pictures."""
    found = scenes.pictures(record)
    if not found:
        return {}
    values = np.array(next(iter(found.values())), float)
    low, high = values.min(), values.max()
    grey = np.uint8(np.round(255 * (values - low) / (high - low or 1.0)))
    return {"shape": list(grey.shape[1:]), "values": grey.tobytes()}


def packed_numbers(values: np.ndarray) -> bytes:
    """Whole numbers from 0, little end first, each in as many bytes as the largest needs.

    Whoever reads them knows how many there are, and so how wide they are.
    """
    return values.astype(np.min_scalar_type(int(values.max(initial=0))).newbyteorder("<")).tobytes()

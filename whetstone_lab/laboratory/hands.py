"""What a page needs of a run's networks: to show the spikes of a sample, to draw a picture, to break neurons.

Of networks whose waves a page computes by itself it gets the networks, of others the spikes of the samples.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from whetstone_lab.laboratory.snapshots import Snapshots, size, thinned
from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.simulator import Network
from whetstone_lab.simulator.operations import Neurons
from whetstone_lab.view import scenes
from whetstone_lab.view.widgets.spike_raster import facts, maps, packed_numbers, spikes

#: Bytes that the weights of a network take at the most: on a page beside a kernel, and in a page that is a file.
_LARGEST, _LARGEST_FILE = 128 << 20, 4 << 20


def why_not(network: Network) -> str:
    """Why a page cannot have a picture drawn for a network, or break it, as a sentence; empty where it can."""
    if len(network.inputs) != 1 or len(network.heads) != 1:
        return ("This network has several inputs or outputs. Drawing and breaking take one that reads a picture as one "
                "class.")
    if network.head.places:
        return ("This network reads a class for each place of a picture. Drawing and breaking take one that reads a "
                "picture as one class.")
    if not network.head.decides:
        return "This network gives values, no class. Drawing and breaking take one that reads a picture as one class."
    if any(isinstance(node.operation, Neurons) and node.operation.remembers for node in network.nodes):
        return "Neurons of this network remember from step to step, so that no single wave tells what they do."
    if size(network) > _LARGEST:
        return f"The weights of this network take {size(network) / 1e6:.0f} MB, too much for a page to work with."
    if scenes.as_picture(np.zeros(network.input_shape, np.uint8)) is None:
        return f"This network takes no pictures but inputs of shape {network.input_shape}, so there is nothing to draw."
    return ""


def why_not_in_a_file(network: Network) -> str:
    """The same for a page that is a file, which is to be sent and put on a stick."""
    if why_not(network) or size(network) <= _LARGEST_FILE:
        return why_not(network)
    return (f"The weights of this network take {size(network) / 1e6:.0f} MB, too much for a page that is a file. Draw "
            "and break beside a kernel, in Jupyter.")


def wave(epochs: int, record: SpikeRecord, sample: int) -> dict[str, Any]:
    """What a page is told of the spikes of one sample, as which class each was read, and how often each neuron of all
    layers fires in all of them, by which neurons can be ordered.
    """
    one = record.select([sample])
    before = np.cumsum([0, *record.sizes])
    counts = np.bincount(before[record.layer] + record.neuron, minlength=before[-1])
    return {"epoch": epochs, "sample": sample, "about": {**_facts(one), "samples": record.samples},
            "spikes": spikes(one), "maps": maps(one), "counts": packed_numbers(counts),
            "classes": record.classes.tolist() if not record.outputs and record.classes.ndim == 1 else []}


def surroundings(snapshots: Snapshots, network: Network) -> dict[str, Any]:
    """What a page needs besides a network, the same for each of a run: ``samples``, and ``about``,
    which has how a drawing is prepared.
    """
    samples = scenes.Samples.of(network, snapshots.x if len(snapshots.x) else None,
                                snapshots.y if len(snapshots.x) else None)
    return {"samples": samples.sent(), "about": {"preparation": scenes.preparation(network)}}


def taken(snapshots: Snapshots, most: int) -> dict[str, Any]:
    """What a page without a kernel has in place of a kernel that tells of waves.

    Args:
        snapshots: The networks of a run.
        most: How many bytes they may take.

    Returns:
        ``epochs``, after which they were; ``networks``, ``samples``, ``about``, and ``facts`` of a wave, where the page
        computes waves by itself; else ``waves``, those of each epoch, sample by sample. Empty where there is none.
    """
    found = snapshots.at()
    if found is None:
        return {}
    _, newest = found
    if why_not_in_a_file(newest):
        # Spikes are as small as they are sparse; of many epochs some are left out as if each took a network's bytes.
        records = {at: snapshots.wave(at) for at in thinned(snapshots.networks, most)}
        waves = [[wave(*found, sample) for sample in range(found[1].samples)] for found in records.values() if found]
        return {"epochs": list(records) if waves else [], "waves": waves}
    networks = thinned(snapshots.networks, most)
    shown = snapshots.wave()
    return {"epochs": list(networks), "networks": [scenes.page_network(each) for each in networks.values()],
            **surroundings(snapshots, newest),
            "facts": {**_facts(shown[1].select([0])), "samples": shown[1].samples} if shown else None}


def pictures(snapshots: Snapshots) -> dict[str, Any]:
    """The samples that are looked at: ``count``, their ``truth`` where it is one class each, and, where they look like
    pictures, their ``shape`` and ``values`` as bytes.
    """
    y = snapshots.y
    classes = y[:snapshots.shown].tolist() if y is not None and y.ndim == 1 and y.dtype.kind in "iu" else []
    told: dict[str, Any] = {"count": snapshots.shown, "truth": classes}
    seen = snapshots.pictures()
    if len(seen):
        low, high = float(seen.min()), float(seen.max())
        grey = np.uint8(np.round(255 * (seen - low) / (high - low or 1.0)))
        told |= {"shape": list(seen.shape[1:]), "values": grey.tobytes()}
    return told


def _facts(record: SpikeRecord) -> dict[str, Any]:
    """What a page needs to know of a record, also to draw its network."""
    grids = [scenes.grid(shape, scenes.key_of(record, layer)) for layer, shape in enumerate(record.shapes)]
    return {**facts(record), "grids": grids}

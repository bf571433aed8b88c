"""A NIR file for sinabs, the simulator of SynSense's chips; see ``reader`` of :func:`~whetstone_lab.to_nir`."""

from __future__ import annotations

from functools import partial

from whetstone_lab.exchange.nir import to_nir
from whetstone_lab.exchange.targets import Target

TARGET = Target(
    ".sinabs.nir", write=partial(to_nir, reader="sinabs"), read=None, package="nir",
    keeps="Every spike, once each LIFSqueeze layer of the imported model has spike_fn=SingleSpike, the class key and "
          "the read-out; not the metadata.",
    about="NIR 1.0.4, for sinabs 3.1; a skip through weights of its own is refused",
    use="model = sinabs.nir.from_nir(nir.read('FILE'), batch_size=len(x)); then set spike_fn = "
        "sinabs.activation.SingleSpike in each sinabs.layers.LIFSqueeze among model.modules(). Images are channels "
        "first there.")

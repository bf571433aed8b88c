"""A NIR file for spyx, a simulator on JAX; see ``reader`` of :func:`~whetstone_lab.to_nir`."""

from __future__ import annotations

from functools import partial

from whetstone_lab.exchange.nir import to_nir
from whetstone_lab.exchange.targets import Target

TARGET = Target(
    ".spyx.nir", write=partial(to_nir, reader="spyx"), read=None, package="nir",
    keeps="Every spike of a perceptron, with dt=1e-4 and the input held for a step more than there are layers, the "
          "class key and the read-out; not the metadata.",
    about="NIR, for spyx 1.0; perceptrons only, all else is refused",
    use="model, _ = spyx.nir.from_nir(nir.read('FILE'), x, dt=1e-4); then spyx.nn.run(model, x), with x of shape "
        "(steps, samples, inputs), the same in each step.")

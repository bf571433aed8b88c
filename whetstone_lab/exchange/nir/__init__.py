"""Networks to and from NIR, the Neuromorphic Intermediate Representation, in which simulators and chips exchange them.

Source: Pedersen et al., "Neuromorphic intermediate representation: a unified instruction set for interoperable
brain-inspired computing", Nature Communications 15, 2024. Needs the package ``nir``: ``pip install
'whetstone-lab[nir]'``. What each reader was seen to do with a graph is told at :func:`to_nir`.
"""

from __future__ import annotations

from whetstone_lab.exchange.nir.neurons import STEP
from whetstone_lab.exchange.nir.reading import from_nir
from whetstone_lab.exchange.nir.writing import to_nir
from whetstone_lab.exchange.targets import Target

__all__ = ["STEP", "from_nir", "to_nir"]

TARGET = Target(
    ".nir", write=to_nir, read=from_nir, package="nir",
    keeps="Every spike, the class key and the read-out; not the metadata, and names only in letters, digits and _.",
    about="NIR, for simulators such as Norse, snnTorch and SpikingJelly",
    use="graph = nir.read('FILE'); then norse.torch.from_nir(graph, dt=1e-4), "
        "snntorch.import_nir.import_from_nir(graph) or "
        "spikingjelly.activation_based.nir_exchange.import_from_nir(graph). Images are channels first there.")

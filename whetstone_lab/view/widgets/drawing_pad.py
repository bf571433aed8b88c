"""``DrawingPad``: draw a picture by hand and watch it spike through a network, stroke by stroke."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from whetstone_lab.simulator import Network, run
from whetstone_lab.view import scenes
from whetstone_lab.view.widgets._assets import module, style
from whetstone_lab.view.widgets._base import View

if TYPE_CHECKING:
    from whetstone_lab.view.plots import Picture


class NetworkView(View):
    """A widget on a network whose waves the page computes by itself, with samples to show to it.

    Args:
        network: A network with one input that looks like a picture and one output that stands for a class a sample.
        x: Samples, shape ``(samples, *network.input_shape)``, or flat; the first 500 are used. Default: none.
        y: Their true classes. Default: unknown.

    Raises:
        TypeError: It is no network.
        ValueError: The network is another, or the samples do not suit it.
    """

    #: The network, as :func:`whetstone_lab.view.scenes.page_network` gives it.
    network = traitlets.Dict().tag(sync=True)
    #: The samples, as bytes, and their classes.
    samples = traitlets.Dict().tag(sync=True)
    #: What else the page needs to know.
    about = traitlets.Dict().tag(sync=True)

    def __init__(self, network: Network, x: Any = None, y: Any = None, **state: Any) -> None:
        sent = scenes.page_network(network)
        if not sent["decides"]:
            raise ValueError(f"Expected a network whose output stands for one class a sample; this one is read as "
                             f"{network.readout!r}, shape {network.output_shape}. Look at a record of it with "
                             "SpikeRaster.")
        self.simulated = network
        self.shown = scenes.Samples.of(network, x, y)
        super().__init__(network=sent, samples=self.shown.sent(), about=self._about(), **state)

    def _about(self) -> dict[str, Any]:
        return {"preparation": scenes.preparation(self.simulated)}


class DrawingPad(NetworkView):
    """A pad to draw on, with a mouse, a finger or keys, and the network that reads it, drawn neuron by neuron.

    Each stroke sends a wave of spikes through the layers, which lie there in two dimensions; their votes add up beside
    the output. Click a neuron to see its membrane potential beside its threshold, its incoming weights as a picture,
    and which samples drive it most.

    The page computes the waves by itself, also without a kernel: the very spikes of
    :func:`whetstone_lab.simulator.runner.run`. A drawing is centred and scaled as the pictures of the data set were,
    see :func:`whetstone_lab.view.scenes.preparation`; a sample is shown as it is.

    Args:
        network: A network with one input that looks like a picture and one output that stands for a class a sample.
        x: Samples that can be loaded, shape ``(samples, *network.input_shape)``, or flat; the first 500 are used. They
            also tell what neurons like, and which never fire. Default: none.
        y: Their true classes. Default: unknown.

    Attributes:
        image: What the network was shown last, shape ``network.input_shape``: zeros before anything is drawn.

    Raises:
        TypeError: It is no network.
        ValueError: The network is another, or the samples do not suit it.

    Example:
        >>> from whetstone_lab import datasets, widgets
        >>> from whetstone_lab.course import kept
        >>> digits = datasets.load_digits()
        >>> pad = widgets.DrawingPad(kept.network("digits"), digits.x_test, digits.y_test)
        >>> pad
        DrawingPad(8x8 pixels, 3 layers, 449 samples)
        >>> pad.image.shape
        (64,)
    """

    _esm = module("drawing_pad")
    _css = style("drawing_pad", root="wl-pad")

    #: What the network is shown, as the page has it: bytes, in the type that the network computes in. They arrive as a
    #: memoryview.
    drawn = traitlets.Bytes(b"").tag(sync=True, from_json=lambda sent, widget: bytes(sent))

    def __repr__(self) -> str:
        rows, columns, _ = scenes.picture_shape(self.simulated)
        return (f"DrawingPad({rows}x{columns} pixels, {len(self.simulated.layers)} layers, "
                f"{len(self.shown.values)} samples)")

    @property
    def image(self) -> np.ndarray:
        """What the network was shown last, shape ``network.input_shape``."""
        network = self.simulated
        if not self.drawn:
            return np.zeros(network.input_shape, network.dtype)
        return np.frombuffer(self.drawn, network.dtype.newbyteorder("<")).astype(network.dtype).reshape(
            network.input_shape)

    def picture(self) -> Picture:
        """The static figure of the drawing, or of the first sample, as :func:`plots.firing` draws it."""
        from whetstone_lab.view import plots

        shown = self.shown.values[0] if not self.drawn and len(self.shown.values) else self.image
        return plots.firing(self.simulated, shown)

    def table(self) -> dict[str, Any]:
        """What the network was shown last, which neurons fire, and the votes: a row for each.

        ``kind`` is ``"picture"``, ``"spike"`` or ``"vote"``; ``layer`` the name of a neuron's layer, else empty;
        ``number`` that of the pixel's value, the neuron or the class; ``value`` the pixel's, 1 or 0 of a neuron, or
        the votes.
        """
        network = self.simulated
        record = run(network, self.image[None])
        parts = [("picture", "", self.image.ravel()),
                 *(("spike", name, record.dense(name)[0].any(axis=0).ravel()) for name in network.layers),
                 ("vote", "", record.votes[0])]
        counts = [len(values) for *_, values in parts]
        return {"kind": np.repeat([kind for kind, *_ in parts], counts),
                "layer": np.repeat([layer for _, layer, _ in parts], counts),
                "number": np.concatenate([np.arange(count) for count in counts]),
                "value": np.concatenate([values for *_, values in parts], dtype=float)}

"""``ActivationCurves``: the activation curve of every layer, sharpening live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from whetstone_lab.records.trace import Trace
from whetstone_lab.view import scenes
from whetstone_lab.view.widgets._assets import module, style
from whetstone_lab.view.widgets._base import RunView

if TYPE_CHECKING:
    from whetstone_lab.view.plots import Picture

#: Epochs whose histograms are sent at the most, while the run goes on and when it has halted.
_KEPT_RUNNING, _KEPT = 32, 128

#: Layers on the picture that is left behind, at the most.
_PICTURED = 12


class ActivationCurves(RunView):
    """The activation curve of every layer, bottom first, over the histogram of what the layer receives.

    A recorded run plays once and can be scrubbed; a live one is followed, and what has been can be played again.

    Args:
        source: A ``Trace``, or something with a ``.trace`` (a live run, a sharpener).

    Raises:
        TypeError: The source has no trace.

    Example:
        >>> from whetstone_lab import recordings, widgets
        >>> widgets.ActivationCurves(recordings.digits_trace())
        ActivationCurves(hidden_1, hidden_2, output)
    """

    _esm = module("activation_curves")
    _css = style("activation_curves")

    #: What the layers received after some of the epochs: the range that is drawn of each layer; the bars of each
    #: histogram as bytes and the height of its tallest; the shares that lie below and above the range.
    histograms = traitlets.Dict().tag(sync=True)

    def picture(self) -> Picture:
        """The static figure of the present moment, as :func:`whetstone_lab.view.plots.activation_curves` draws it.

        Of very many layers it has twelve, spread from the bottom to the top: a figure of all takes seconds.
        """
        from whetstone_lab.view import plots

        count = len(self._trace.layers)
        some = np.linspace(0, count - 1, _PICTURED).round().astype(int).tolist() if count > _PICTURED else None
        return plots.activation_curves(self._trace, layers=some)

    def _update_past(self, trace: Trace, *, turned: bool, begun: bool) -> None:
        super()._update_past(trace, turned=turned, begun=begun)
        running = trace.status == "running"
        if begun or turned or self.histograms.get("last") != trace.epochs:
            self.histograms = self._histograms(trace, _KEPT_RUNNING if running else _KEPT)

    @staticmethod
    def _histograms(trace: Trace, limit: int) -> dict[str, Any]:
        everything, edges = trace.histograms, trace.bins
        epochs = np.flatnonzero(np.isfinite(everything).all(axis=(1, 2))) if everything.shape[-1] else np.zeros(0, int)
        epochs = epochs[scenes.thin(0, len(epochs), limit)]
        shares = everything[epochs]
        ranges = [scenes.drawn_range(edges, shares[:, layer], scenes.threshold(curve))
                  for layer, curve in enumerate(trace.curves)]
        beyond = np.array([[scenes.outside(edges, mine, *span) for mine, span in zip(row, ranges, strict=True)]
                           for row in shares])
        bars = scenes.heights(edges, shares) if len(epochs) else shares
        if len(epochs):  # the page needs no bars that it does not draw
            first, last = np.searchsorted(edges, [min(low for low, _ in ranges), max(high for _, high in ranges)])
            first, last = max(int(first) - 1, 0), min(int(last), len(edges) - 1)
            edges, bars = edges[first:last + 1], bars[..., first:last]
        tallest = bars.max(axis=-1, initial=1e-12)
        return {"last": trace.epochs, "epochs": [int(epoch) + 1 for epoch in epochs], "ranges": ranges,
                "edges": edges.astype("<f4").tobytes(), "bars": np.uint8(np.round(
                    255 * bars / tallest[..., None])).tobytes(),
                "tallest": tallest.astype("<f4").tobytes(), "beyond": beyond.astype("<f4").tobytes()}

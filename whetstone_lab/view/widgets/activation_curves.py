"""``ActivationCurves``: the activation curve of every layer, sharpening live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from whetstone_lab.view import scenes
from whetstone_lab.view.widgets._assets import module, style
from whetstone_lab.view.widgets._base import RunView
from whetstone_lab.view.widgets._growing import Histograms, Past

if TYPE_CHECKING:
    from whetstone_lab.view.plots import Picture

#: Layers on the picture that is left behind, at the most.
_PICTURED = 12


class ActivationCurves(RunView):
    """The activation curve of every layer, bottom first, over the histogram of what the layer receives.

    A recorded run plays once and can be scrubbed; a live one is followed, and what has been can be played again.

    For a paper, :func:`whetstone_lab.view.plots.activation_curves` draws the same in matplotlib; ``to_svg``,
    ``to_png``, ``to_csv`` and ``to_html`` write files.

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
    _css = style("activation_curves", root="wl-curves")

    _GROWS = (Past, Histograms)

    def picture(self) -> Picture:
        """The static figure of the present moment, as :func:`whetstone_lab.view.plots.activation_curves` draws it.

        Of very many layers it has twelve, spread from the bottom to the top: a figure of all takes seconds.
        """
        from whetstone_lab.view import plots

        count = len(self._trace.layers)
        some = np.linspace(0, count - 1, _PICTURED).round().astype(int).tolist() if count > _PICTURED else None
        return plots.activation_curves(self._trace, layers=some)

    def table(self) -> dict[str, Any]:
        """The run batch by batch: ``epoch``, where the batch ends on the axis, ``loss``, and each layer's sharpness.

        A layer that is called ``epoch`` or ``loss`` has its column as ``layer epoch`` or ``layer loss``.

        A file that is saved from the page has the batches that the page knows of: of a long run some hundreds.
        """
        rows = np.arange(self._trace.batches)
        table = {"epoch": scenes.positions(self._trace, rows), "loss": self._trace.loss[rows]}
        names = [f"layer {name}" if name in table else name for name in self._trace.layers]
        return {**table, **dict(zip(names, scenes.sharpness_at(self._trace, rows).T, strict=True))}

"""``SharpenerChart``: what the sharpener sees and does, with its thresholds to move by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whetstone_lab.view.widgets._assets import module, style
from whetstone_lab.view.widgets._base import RunView
from whetstone_lab.view.widgets._growing import Decisions

if TYPE_CHECKING:
    from whetstone_lab.view.plots import Picture


class SharpenerChart(RunView):
    """The loss of a run, the lines that the adaptive sharpener judges it by, its decisions, and the sharpness below.

    On a live run the lines can be dragged, its parameters nudged, and the run started, paused, stepped and stopped.
    On a recorded one moving a line trains nothing again: the chart says which decision would have been the first to
    come out differently, and greys out what cannot be known from there on.

    Args:
        source: A ``Trace``, or something with a ``.trace`` (a live run, a sharpener).

    Raises:
        TypeError: The source has no trace.

    Example:
        >>> from whetstone_lab import recordings, widgets
        >>> widgets.SharpenerChart(recordings.digits_trace())
        SharpenerChart(hidden_1, hidden_2, output)
    """

    _esm = module("sharpener_chart")
    _css = style("sharpener_chart")

    _GROWS = (Decisions,)

    def picture(self) -> Picture:
        """The static figure of the run so far, as :func:`whetstone_lab.view.plots.sharpener_chart` draws it."""
        from whetstone_lab.view import plots

        return plots.sharpener_chart(self._trace)

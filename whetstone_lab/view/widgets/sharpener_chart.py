"""``SharpenerChart``: what the sharpener sees and does, with its thresholds to move by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from whetstone_lab.view import scenes
from whetstone_lab.view.widgets._assets import module, style
from whetstone_lab.view.widgets._base import RunView
from whetstone_lab.view.widgets._growing import Decisions, Past

if TYPE_CHECKING:
    from whetstone_lab.records.trace import Trace
    from whetstone_lab.view.plots import Picture

#: Columns of the table behind what was judged.
_COLUMNS = ("reference", "stop", "improve", "sig_increase", "sig_decrease", "patience", "sharpening")


class SharpenerChart(RunView):
    """The loss of a run, the lines that the adaptive sharpener judges it by, its decisions, and the sharpness below.

    On a live run the lines can be dragged, its parameters nudged, and the run started, paused, stepped and stopped.
    On a recorded one moving a line trains nothing again: the chart says which decision would have been the first to
    come out differently, and greys out what cannot be known from there on.

    For a paper, :func:`whetstone_lab.view.plots.sharpener_chart` draws the same in matplotlib; ``to_svg``, ``to_png``,
    ``to_csv`` and ``to_html`` write files.

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
    _css = style("sharpener_chart", root="wl-sharpener")

    _GROWS = (Past, Decisions)

    def picture(self) -> Picture:
        """The static figure of the run so far, as :func:`whetstone_lab.view.plots.sharpener_chart` draws it."""
        from whetstone_lab.view import plots

        return plots.sharpener_chart(self._trace)

    def table(self) -> dict[str, Any]:
        """The run epoch by epoch: what was judged, the lines that it was judged by, and the parameters in force.

        Columns as of :func:`whetstone_lab.view.scenes.epoch_table`; ``epoch`` counts from 1, ``sharpening`` is 0 or 1.
        """
        return epochs(self._trace)


def epochs(trace: Trace) -> dict[str, Any]:
    """A run epoch by epoch; see :meth:`SharpenerChart.table`."""
    found = scenes.epoch_table(trace)
    judged = scenes.monitored(trace).words
    return {"epoch": np.arange(len(found["loss"])) + 1, judged: found["loss"],
            **{name: found[name] for name in _COLUMNS}}

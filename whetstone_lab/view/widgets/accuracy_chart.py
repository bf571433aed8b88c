"""``AccuracyChart``: how well a network does as it trains, soft, spiking and with ReLUs in their place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from whetstone_lab.view import scenes
from whetstone_lab.view.widgets._assets import module, style
from whetstone_lab.view.widgets._base import RunView
from whetstone_lab.view.widgets._growing import Accuracies

if TYPE_CHECKING:
    from whetstone_lab.view.plots import Picture


class AccuracyChart(RunView):
    """The accuracy of a run after each epoch on what is not trained on: of the network as it is (soft), of the same as
    if all its neurons spiked (spiking), and of a ReLU network that is trained beside it (ReLU).

    An accuracy is the share of the samples that are read as their true class, ``right / samples``, in [0, 1]. They come
    from the logs of the run, under the names ``val_accuracy``, ``spiking_accuracy`` and ``relu_accuracy``. Keras writes
    the first where a model is compiled with ``metrics=["accuracy"]`` and ``fit`` is given ``validation_data``; a run of
    the laboratory has all three, and a callback of your own may write them. What a run does not tell is left out.

    A click, or the arrow keys, move to an epoch, and with it the other views of the run on the page.

    For a paper, :func:`whetstone_lab.view.plots.accuracy_chart` draws the same in matplotlib; ``to_svg``, ``to_png``,
    ``to_csv`` and ``to_html`` write files.

    Args:
        source: A ``Trace``, or something with a ``.trace`` (a live run, a sharpener), or another view of a run.

    Raises:
        TypeError: The source has no trace.

    Example:
        >>> from whetstone_lab import recordings, widgets
        >>> chart = widgets.AccuracyChart(recordings.digits_trace())
        >>> chart
        AccuracyChart(hidden_1, hidden_2, output)
        >>> round(float(chart.table()["soft"][-1]), 3)
        0.982
    """

    _esm = module("accuracy_chart")
    _css = style("accuracy_chart", root="wl-rivalry")

    _GROWS = (Accuracies,)

    def picture(self) -> Picture:
        """The static figure of the run so far, as :func:`whetstone_lab.view.plots.accuracy_chart` draws it."""
        from whetstone_lab.view import plots

        return plots.accuracy_chart(self._trace)

    def table(self) -> dict[str, Any]:
        """The run epoch by epoch, from 1: the accuracies ``soft``, ``spiking`` and ``relu``, in [0, 1]; NaN where one
        is not known.
        """
        found = scenes.accuracies(self._trace)
        return {"epoch": np.arange(len(found["soft"])) + 1, **found}

"""Live views in Jupyter. They read a ``Trace`` or a ``SpikeRecord`` and never load Keras."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from whetstone_lab.view.widgets.accuracy_chart import AccuracyChart
    from whetstone_lab.view.widgets.activation_curves import ActivationCurves
    from whetstone_lab.view.widgets.drawing_pad import DrawingPad
    from whetstone_lab.view.widgets.fault_bench import FaultBench
    from whetstone_lab.view.widgets.flipbook import Flipbook
    from whetstone_lab.view.widgets.quiz import Quiz
    from whetstone_lab.view.widgets.sharpener_chart import SharpenerChart
    from whetstone_lab.view.widgets.spike_raster import SpikeRaster

__all__ = [
    "AccuracyChart",
    "ActivationCurves",
    "DrawingPad",
    "FaultBench",
    "Flipbook",
    "Quiz",
    "SharpenerChart",
    "SpikeRaster",
]

_HOMES = {
    "AccuracyChart": "accuracy_chart",
    "ActivationCurves": "activation_curves",
    "DrawingPad": "drawing_pad",
    "FaultBench": "fault_bench",
    "Flipbook": "flipbook",
    "Quiz": "quiz",
    "SharpenerChart": "sharpener_chart",
    "SpikeRaster": "spike_raster",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

"""Live views in Jupyter, and the laboratory that has them on one page. None of them loads Keras."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from whetstone_lab.view import widgets as _views

if TYPE_CHECKING:
    from whetstone_lab.laboratory.diagram import NetworkDiagram as NetworkDiagram
    from whetstone_lab.laboratory.page import Laboratory as Laboratory
    from whetstone_lab.view.widgets import *  # noqa: F403

#: Those that come of the laboratory, and the module of each.
_HOMES = {"Laboratory": "page", "NetworkDiagram": "diagram"}

__all__ = sorted([*_views.__all__, *_HOMES])


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"whetstone_lab.laboratory.{_HOMES[name]}"), name)
    if name in _views.__all__:
        return getattr(_views, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

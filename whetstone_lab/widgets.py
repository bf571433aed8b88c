"""Live views in Jupyter, and the laboratory that has them on one page. None of them loads Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whetstone_lab.view import widgets as _views

if TYPE_CHECKING:
    from whetstone_lab.laboratory.page import Laboratory as Laboratory
    from whetstone_lab.view.widgets import *  # noqa: F403

__all__ = sorted([*_views.__all__, "Laboratory"])


def __getattr__(name: str) -> Any:
    if name == "Laboratory":
        from whetstone_lab.laboratory.page import Laboratory

        return Laboratory
    if name in _views.__all__:
        return getattr(_views, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

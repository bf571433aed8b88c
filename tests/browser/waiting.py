"""Waiting for what a page shows."""

from __future__ import annotations

from typing import Any


def await_that(page: Any, condition: str, argument: Any = None, timeout: float | None = None) -> None:
    """Waits until a condition holds in a page. It is asked ten times a second: in each frame, it keeps a core busy."""
    page.wait_for_function(condition, arg=argument, timeout=timeout, polling=100)

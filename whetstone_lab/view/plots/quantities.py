"""How quantities are written beside points and along axes."""

from __future__ import annotations


def many(count: float, what: str) -> str:
    """A number of things, such as "1 spike" and "40 spikes"."""
    return f"{count:.0f} {what}" + ("" if round(count) == 1 else "s")


def factor(value: float) -> str:
    """A ratio, such as "1.25×" and "12,500×"."""
    return f"{value:,.0f}×" if value >= 100 else f"{value:.3g}×"


def duration(seconds: float) -> str:
    """A time in the unit that suits it, such as "250 µs" and "2.5 s"."""
    unit, name = next(((unit, name) for unit, name in ((1.0, "s"), (1e-3, "ms")) if seconds >= 0.9995 * unit),
                      (1e-6, "µs"))
    return f"{seconds / unit:.3g} {name}"


def size(megabytes: float) -> str:
    """A size in memory in the unit that suits it, such as "2.5 MB" and "1.5 GB"."""
    return f"{megabytes / 1000:.3g} GB" if megabytes >= 999.5 else f"{megabytes:.3g} MB"

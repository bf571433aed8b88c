"""Networks as programs in C99, for microcontrollers and whatever else has a compiler."""

from __future__ import annotations

from whetstone_lab.exchange.c.writing import CProgram, to_c
from whetstone_lab.exchange.targets import Target

__all__ = ["CProgram", "to_c"]

TARGET = Target(
    ".c", write=to_c, read=None, package=None,
    keeps="Every spike and every vote, in a source and a header without allocation; not the metadata.",
    about="C99, for microcontrollers and whatever else has a compiler",
    use="cc -std=c99 -O3 -ffp-contract=off main.c FILE, where main.c is yours; the header, which stands beside it, "
        "says what to call.")

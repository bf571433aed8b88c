"""NIR for Rockpool, which is refused in favour of a script; see ``reader`` of :func:`~whetstone_lab.to_nir`."""

from __future__ import annotations

from functools import partial

from whetstone_lab.exchange.nir import to_nir
from whetstone_lab.exchange.targets import Target

TARGET = Target(
    ".rockpool.nir", write=partial(to_nir, reader="rockpool"), read=None, package="nir", writes=False,
    keeps="Nothing, it is refused: Rockpool makes a time step of its own of a file, and its neurons never forget. "
          "Write .rockpool.py.",
    about="NIR, for Rockpool 3.1")

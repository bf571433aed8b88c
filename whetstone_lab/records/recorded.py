"""Runs that were recorded for those who want to look before they train. Real ones: ``whetstone-lab demo`` wrote them.

``data/README.md`` says how to record them anew.
"""

from __future__ import annotations

from pathlib import Path

from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.records.trace import Trace

#: The folder of the files that are shipped in the package; its ``README.md`` says what they are.
DATA = Path(__file__).with_name("data")


def digits_trace() -> Trace:
    """A perceptron (64-256-64-100) that was sharpened adaptively while it learnt the embedded digits."""
    return Trace.load(DATA / "digits_trace.npz")


def digits_spikes() -> SpikeRecord:
    """The spikes of that perceptron, fully sharp, for two dozen digits that it was not trained on."""
    return SpikeRecord.load(DATA / "digits_spikes.npz")

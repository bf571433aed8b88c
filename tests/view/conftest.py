"""Simulations that are read in other ways than by a vote for each sample."""

import numpy as np
import pytest

from whetstone_lab.records.spikes import SpikeRecord


@pytest.fixture(scope="session")
def map_record() -> SpikeRecord:
    """Four pictures of 12 x 12 through one layer, read place by place as one of five classes; read it, do not write."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:12, :12]
    truth = np.stack([(np.hypot(x - 5.5 - turn, y - 5.5) // 2.2).astype(int) % 5 for turn in range(4)])
    votes = np.eye(5, dtype=np.float32)[truth] + 0.2 * rng.random((4, 12, 12, 5), np.float32)
    fired = rng.random((4, 144)) < 0.3
    sample, neuron = (part.astype(np.int32) for part in np.nonzero(fired))
    inputs = (truth[..., None] / 5).astype(np.float32)
    return SpikeRecord(("hidden",), ((12, 12, 1),), 1, sample, 0 * sample, 0 * sample, neuron, inputs, votes)


@pytest.fixture(scope="session")
def silent_record() -> SpikeRecord:
    """Two samples of a network without neurons, which has four classes; read it, do not write to it."""
    nothing, rng = np.zeros(0, np.int32), np.random.default_rng(6)
    return SpikeRecord((), (), 1, nothing, nothing, nothing, nothing, rng.random((2, 6)).astype(np.float32),
                       rng.random((2, 4)).astype(np.float32))

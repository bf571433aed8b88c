"""What is kept in the package for the course."""

import numpy as np
import pytest

from whetstone_lab import datasets, simulator
from whetstone_lab.course import kept


def test_all_that_is_kept_can_be_loaded_and_is_small():
    assert "digits" in kept.names()
    for kind, load in (("network", kept.network), ("trace", kept.trace), ("spikes", kept.record)):
        for name in kept.names(kind):
            load(name)
    assert sum(path.stat().st_size for path in kept.DATA.iterdir()) < 3e6


def test_the_network_on_digits_reads_digits_that_it_was_not_trained_on():
    pictures = datasets.load("digits", seed=0)
    right = simulator.predict(kept.network("digits"), pictures.x_test) == pictures.y_test
    assert np.mean(right) > 0.98


@pytest.mark.parametrize("load", [kept.network, kept.trace, kept.record])
def test_what_is_not_kept_is_refused_with_what_is(load):
    with pytest.raises(ValueError, match=r"Expected the name of a kept .*; got 'nothing'"):
        load("nothing")

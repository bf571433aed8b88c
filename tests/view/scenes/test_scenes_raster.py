import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whetstone_lab.view import scenes


@pytest.mark.parametrize(("shape", "expected"), [
    ((64,), (8, 8)), ((28, 28), (28, 28)), ((8, 8, 1), (8, 8)), ((32, 32, 3), (32, 32, 3)), ((65,), None), ((9,), None),
    ((4, 4, 7), None), ((2, 3, 4, 5), None), ((), None)])
def test_as_picture(shape, expected):
    picture = scenes.as_picture(np.zeros(shape))
    assert (None if picture is None else picture.shape) == expected


@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=12))
def test_bands_fill_the_height_and_stay_apart(sizes):
    places = scenes.bands(tuple(sizes))
    assert places[0][0] == 0.0
    assert places[-1][1] == pytest.approx(1.0)
    assert all(low < high for low, high in places)
    assert all(below[1] < above[0] for below, above in itertools.pairwise(places))


def test_no_layers_have_no_bands():
    assert scenes.bands(()) == []


@pytest.mark.parametrize(("shape", "expected"), [((), None), ((7,), (1, 7)), ((3, 5), (3, 5)), ((2, 3, 5), (6, 5))])
def test_class_map(shape, expected):
    found = scenes.class_map(np.zeros(shape, int))
    assert (None if found is None else found.shape) == expected


def test_record_of(spike_record):
    class Holder:
        record = spike_record

    assert scenes.record_of(Holder()) is spike_record
    with pytest.raises(TypeError, match=r"Expected a SpikeRecord or something with a \.record"):
        scenes.record_of("record.npz")

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whetstone_lab import recordings
from whetstone_lab.method.class_keys import make_key, votes
from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.view import scenes


@pytest.mark.parametrize(("shape", "expected"), [
    ((64,), (8, 8)), ((28, 28), (28, 28)), ((8, 8, 1), (8, 8)), ((32, 32, 3), (32, 32, 3)), ((65,), None), ((9,), None),
    ((4, 4, 7), None), ((2, 3, 4, 5), None), ((), None), ((16, 1), (16, 1)), ((70_000, 1), None),
    ((70_000, 8, 1), None), ((2, 70_000), None), ((1000, 2, 3), None), ((70_000, 1, 3), None), ((0, 5), None)])
def test_as_picture(shape, expected):
    picture = scenes.as_picture(np.zeros(shape))
    assert (None if picture is None else picture.shape) == expected


@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=400))
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


def test_votes_are_of_the_output_neurons():
    key = make_key(3, 12)
    spikes = np.stack([key[0], 1 - key[0], np.zeros(12, int)])
    counted = votes(spikes, key)
    record = SpikeRecord(("a", "out"), ((5,), (12,)), 2, *[np.zeros(0, int)] * 4, np.zeros((3, 4)), counted,
                         meta={"readout": "key"})
    assert scenes.voters(record) == 12
    np.testing.assert_array_equal((12 + counted) / 2, (spikes[:, None] == key).sum(-1))
    assert scenes.voters(replace(record, votes=counted * 2)) is None, "added up over two steps"
    assert scenes.voters(replace(record, votes=counted + 1)) is None, "of other neurons"
    assert scenes.voters(replace(record, meta={"readout": "linear"})) is None
    assert scenes.voters(replace(record, layers=(), shapes=())) is None
    assert scenes.voters(recordings.digits_spikes()) == 100


def test_a_grid_tells_what_share_of_its_neurons_and_steps_fire_in_each_cell():
    step, neuron = np.array([0, 0, 1, 3, 4]), np.array([0, 1, 4, 4, 4])
    whole = scenes.density(step, neuron, (5, 5), (5, 5))
    assert set(map(tuple, np.argwhere(whole).tolist())) == set(zip(neuron.tolist(), step.tolist(), strict=True))
    # Neurons 0 to 2 and 3 to 4, steps 0 to 2 and 3 to 4; tests/js/raster.test.mjs has the same.
    np.testing.assert_allclose(scenes.density(step, neuron, (5, 5), (2, 2)), [[2 / 9, 0], [1 / 6, 1 / 2]])
    neurons, steps = np.divmod(np.arange(700), 7)
    for cells in [(100, 7), (100, 3), (33, 7), (1, 1), (60, 5)]:
        np.testing.assert_allclose(scenes.density(steps, neurons, (100, 7), cells), 1)
    assert scenes.density(np.zeros(0, int), np.zeros(0, int), (3, 3), (1, 1)) == 0

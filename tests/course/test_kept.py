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


def test_pictures_are_grey_values_on_which_small_networks_add_exactly():
    x, classes = kept.pictures("fashion")
    assert x.shape == (500, 28, 28, 1)
    assert x.dtype == np.float32
    assert 0 <= x.min() < 0.01 < 0.99 < x.max() < 1
    np.testing.assert_array_equal(x * 256, np.round(x * 256))
    assert set(classes) == set(range(10))


#: What each network was seen to read right of the 500 pictures, less a point; and the side of its squares of pixels.
READ = {name: (least, 2 if name.startswith("residual") else 1) for name, least in {
    "batch_norm_published_with": 0.68, "batch_norm_published_without": 0.61, "batch_norm_train_with": 0.84,
    "batch_norm_train_without": 0.80, "convolutions_3-3-3": 0.74, "convolutions_5-5-5": 0.78,
    "convolutions_7-7-7": 0.79, "convolutions_7-5-3": 0.75, "residual_skips_20": 0.71, "residual_plain_20": 0.64,
}.items()}


@pytest.mark.parametrize("name", READ)
def test_a_kept_network_reads_pictures_that_it_was_not_trained_on(name):
    x, classes = kept.pictures("fashion")
    least, every = READ[name]
    side = 28 // every
    smaller = x.reshape(-1, side, every, side, every, 1).mean(axis=(2, 4))
    assert np.mean(simulator.predict(kept.network(name), smaller) == classes) > least


def test_kept_networks_have_weights_of_eight_bits_so_that_sums_of_spikes_are_exact():
    families = ("autoencoder", "batch_norm", "convolution", "residual")
    rounded = [name for name in kept.names() if name.startswith(families)]
    assert len(rounded) == 15
    for name in rounded:
        for node in kept.network(name).nodes:
            weights = getattr(node.operation, "weights", None)
            if weights is None:
                continue
            for channel in np.moveaxis(weights, -1, 0):
                step = np.exp2(np.ceil(np.log2(max(abs(channel).max(), 1e-9) / 127)))
                whole = channel / step
                np.testing.assert_array_equal(whole, np.round(whole))
                assert abs(whole).max() <= 127


def test_a_study_has_an_entry_for_each_training():
    for name in kept.names("study"):
        assert all({"name", "seed"} <= set(entry) for entry in kept.study(name))
    scores = [entry["score"] for entry in kept.study("reinforcement")]
    assert min(scores) > 475


@pytest.mark.parametrize("load", [kept.network, kept.trace, kept.record, kept.pictures, kept.study])
def test_what_is_not_kept_is_refused_with_what_is(load):
    with pytest.raises(ValueError, match=r"Expected the name of a kept .*; got 'nothing'"):
        load("nothing")

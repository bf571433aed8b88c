"""Inputs over time: what ``constant_input``, ``threshold_spikes`` and ``poisson`` make of samples."""

import numpy as np
import pytest

from whetstone_lab.simulator import encoding


def test_constant_input_is_the_same_at_every_step_and_kept_once():
    x = np.arange(6.0).reshape(2, 3)
    trains = encoding.constant_input(x, 1000)
    assert trains.shape == (2, 1000, 3)
    assert (trains == x[:, None]).all()
    assert np.shares_memory(trains, x)


def test_threshold_spikes_are_a_spike_at_the_first_step_for_values_at_the_threshold():
    trains = encoding.threshold_spikes([[0.4, 0.5, 0.6]], 3)
    assert trains[0].tolist() == [[False, True, True], [False] * 3, [False] * 3]
    assert encoding.threshold_spikes([[0.4, 0.5, 0.6]], threshold=0.6).tolist() == [[[False, False, True]]]


def test_a_rate_code_has_the_rates_and_no_memory():
    x = np.tile([0.0, 0.1, 0.5, 1.0], (3, 1))
    trains = encoding.poisson(x, 4000)
    np.testing.assert_allclose(trains.mean(1), x, atol=0.03)
    assert not trains[..., 0].any()
    assert trains[..., 3].all()
    middle = trains[0, :, 2]
    assert abs((middle[1:] & middle[:-1]).mean() - 0.25) < 0.03  # whether there was a spike says nothing of the next
    assert abs((trains[0, :, 2] & trains[1, :, 2]).mean() - 0.25) < 0.03  # nor do other samples


def test_a_seed_gives_a_sample_the_same_spikes_whoever_comes_after_it():
    x = np.random.default_rng(0).random((5, 4, 3))
    whole = encoding.poisson(x, 20, seed=3)
    np.testing.assert_array_equal(encoding.poisson(x, 20, seed=3), whole)
    np.testing.assert_array_equal(encoding.poisson(x[:2], 20, seed=3), whole[:2])
    assert (encoding.poisson(x, 20, seed=4) != whole).any()


@pytest.mark.parametrize(("call", "words"), [
    (lambda: encoding.poisson([[0.5, 1.5]], 3), "values from 0 to 1.*; got 0.5 to 1.5"),
    (lambda: encoding.poisson([[0.5, np.nan]], 3), "values from 0 to 1"),
    (lambda: encoding.constant_input([[1.0]], 0), "steps to be a positive integer; got 0"),
    (lambda: encoding.threshold_spikes([[1.0]], 2.0), "steps to be a positive integer"),
    (lambda: encoding.constant_input(1.0, 3), r"numbers of shape \(samples, ...\); got shape \(\)"),
    (lambda: encoding.constant_input([["a"]], 3), "Expected numbers"),
])
def test_bad_input_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()

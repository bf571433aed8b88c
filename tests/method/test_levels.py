"""The level that a spike stands for has the least squared error."""

import numpy as np
import pytest

from whetstone_lab.method.levels import spike_levels


def error(values, level):
    return np.mean((values - np.where(values >= level / 2, level, 0)) ** 2)


def test_the_level_is_the_mean_of_what_fires_and_no_other_has_a_smaller_error():
    values = np.maximum(np.random.default_rng(0).normal(0.3, 2, 4000), 0)
    (level,) = spike_levels([values[:, None]], [np.zeros(1, int)], 1)
    assert level == pytest.approx(values[values >= level / 2].mean(), rel=1e-4)
    assert error(values, level) <= min(error(values, other) for other in np.linspace(0.1, 8, 400)) + 1e-9


def test_two_values_are_kept_exactly():
    values = np.array([[0.0, 3.0], [2.0, 0.0], [2.0, 3.0]])
    assert spike_levels([values], [np.arange(2)], 2).tolist() == [2.0, 3.0]


def test_a_group_gathers_neurons_of_several_layers_and_a_silent_one_has_no_level():
    first, second = np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([[1.5], [0.0]])
    levels = spike_levels([first, second], [np.array([0, 2]), np.array([0])], 3)
    assert levels[0] == pytest.approx(3.5 / 3)
    assert np.isnan(levels[1:]).all()


def test_levels_scale_with_the_values():
    values = np.maximum(np.random.default_rng(1).normal(size=(50, 3)), 0)
    groups = [np.arange(3)]
    assert np.allclose(spike_levels([7 * values], groups, 3), 7 * spike_levels([values], groups, 3))

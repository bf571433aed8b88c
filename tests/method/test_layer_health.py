"""Layer health: neurons that are dead or open by construction, and columns for traces."""

import numpy as np
import pytest

from whetstone_lab.method.curves import BOUNDED_RELU, SIGMOID
from whetstone_lab.method.layer_health import HISTOGRAM_BINS, METRICS, as_columns, layer_health


def test_dead_neurons_and_shares_are_as_constructed():
    # Four neurons: never, always, on half of the samples, and far outside the histogram.
    x = np.array([[-1.0, 2.0, 0.4, 900.0], [-1.0, 2.0, 0.6, -900.0]])
    health = layer_health(x, BOUNDED_RELU, 1.0, None)
    assert (health.never_firing, health.always_firing) == (0.25, 0.25)
    assert health.firing_rate == 0.5
    assert health.saturation == 1.0
    assert health.gradient_flow == 0.0  # a sharp layer passes nothing
    assert health.histogram.sum() == pytest.approx(1.0)
    assert (health.histogram[0], health.histogram[-1]) == (0.125, 0.125)


def test_a_surrogate_lets_a_gradient_through_near_the_threshold_of_each_curve():
    for curve in (BOUNDED_RELU, SIGMOID):
        x = curve.threshold + np.array([[0.0], [100.0]])
        assert layer_health(x, curve, 1.0, 2.0).gradient_flow == 0.5
        assert layer_health(x, curve, 0.5, None).gradient_flow == 0.5


def test_soft_activations_are_not_saturated():
    health = layer_health(np.full((3, 2), 0.5), BOUNDED_RELU, 0.0, None)
    assert (health.saturation, health.firing_rate, health.gradient_flow) == (0.0, 0.5, 1.0)


@pytest.mark.parametrize("sharpness", [0.0, 1.0])
@pytest.mark.parametrize("curve", [BOUNDED_RELU, SIGMOID])
def test_a_training_that_diverged_is_no_silent_layer(curve, sharpness):
    health = layer_health(np.array([[np.nan, 2.0], [np.nan, 2.0]]), curve, sharpness, None)
    assert np.isnan(health.firing_rate)
    assert health.never_firing == 0.0


@pytest.mark.parametrize("shape", [(0, 3), (3,), (2, 0)])
def test_what_is_no_matrix_is_refused(shape):
    with pytest.raises(ValueError, match=r"Expected pre-activations of shape \(rows, neurons\)"):
        layer_health(np.zeros(shape), BOUNDED_RELU, 0.0, None)


def test_columns_hold_nan_where_a_layer_was_not_reached():
    columns = as_columns([None, layer_health(np.ones((2, 2)), BOUNDED_RELU, 1.0, None)])
    assert set(columns) == {"firing_rates", "histograms", *METRICS}
    assert np.isnan(columns["firing_rates"]).tolist() == [True, False]
    assert columns["histograms"].shape == (2, len(HISTOGRAM_BINS) - 1)
    assert columns["histograms"].sum(axis=1).tolist() == [0.0, 1.0]
    assert all(np.isnan(columns[name]).tolist() == [True, False] for name in METRICS)


def test_bins_are_narrow_around_the_thresholds_and_reach_far():
    widths = np.diff(HISTOGRAM_BINS)
    assert (widths > 0).all()
    assert HISTOGRAM_BINS[0] < -90
    assert HISTOGRAM_BINS[-1] > 90
    middle = (HISTOGRAM_BINS[1:] > -1.95) & (HISTOGRAM_BINS[:-1] < 2.95)
    np.testing.assert_allclose(widths[middle], 0.1)
    assert (widths[1:] / widths[:-1]).max() < 1.21
    health = layer_health(np.array([[-12.0], [0.45], [8.0], [5000.0]]), BOUNDED_RELU, 0.0, None)
    assert health.histogram[-1] == 0.25, "what lies outside is counted in the outer bins"
    assert health.histogram[0] == 0
    assert sorted(health.histogram[health.histogram > 0]) == [0.25] * 4


def test_a_histogram_may_have_bins_of_its_own():
    bins = np.linspace(-2.0, 3.0, 51)
    health = layer_health(np.array([[-12.0], [0.45]]), BOUNDED_RELU, 0.0, None, bins)
    assert health.histogram[[0, 24]].tolist() == [0.5, 0.5]
    assert as_columns([None, health])["histograms"].shape == (2, 50)

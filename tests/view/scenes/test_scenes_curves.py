import numpy as np
import pytest

from whetstone_lab.method.layer_health import HISTOGRAM_BINS
from whetstone_lab.view import scenes


@pytest.mark.parametrize("curve", ["bounded_relu"])
@pytest.mark.parametrize("sharpness", [0.0, 0.3, 0.9, 1.0])
def test_ramp_is_where_the_curve_is_neither_0_nor_1(curve, sharpness):
    low, high = scenes.ramp(curve, sharpness)
    x = np.linspace(-1, 2, 3001)
    y = scenes.activation(curve, x, sharpness)
    between = (y > 1e-9) & (y < 1 - 1e-9)
    np.testing.assert_array_equal(between, (x > low + 1e-9) & (x < high - 1e-9))


def test_share_between():
    edges, shares = np.array([0.0, 1.0, 2.0]), np.array([0.25, 0.75])
    assert scenes.share_between(edges, shares, -1, 3) == 1.0
    assert scenes.share_between(edges, shares, 0.5, 1.5) == 0.5
    assert scenes.share_between(edges, shares, 1.0, 1.0) == 0.0


def histogram(x, bins=HISTOGRAM_BINS):
    return np.histogram(np.clip(x, bins[0], bins[-1]), bins)[0] / np.size(x)


@pytest.mark.parametrize(("scale", "expected"), [
    (0.1, (-1.25, 2.25)), (1.0, None), (5.0, None), (1000.0, (-15.5, 16.5))])
def test_the_drawn_range_follows_what_a_layer_receives(scale, expected):
    x = scale * np.random.default_rng(0).standard_normal(20_000)
    shares = histogram(x)
    low, high = scenes.drawn_range(HISTOGRAM_BINS, shares, 0.5)
    assert low <= -1.25
    assert high >= 2.25
    below, above = scenes.outside(HISTOGRAM_BINS, shares, low, high)
    if expected:
        assert (low, high) == expected
    else:
        assert max(below, above) <= 0.01
        assert np.ptp(np.percentile(x, [0.2, 99.8])) + 2 > high - low, "and not much further"
    assert below == pytest.approx((x < low).mean(), abs=0.03)
    assert above == pytest.approx((x > high).mean(), abs=0.03)


def test_the_drawn_range_holds_for_all_histograms():
    left, right = histogram(np.linspace(-8, -7, 50)), histogram(np.linspace(7, 8, 50))
    low, high = scenes.drawn_range(HISTOGRAM_BINS, np.array([left, right, 0 * left]), 0.0)
    assert -9.5 <= low <= -7.5
    assert 7.5 <= high <= 9.5
    assert scenes.drawn_range(np.zeros(0), np.zeros((0, 0)), 0.5) == (-1.25, 2.25)


def test_what_outer_bins_hold_lies_outside_and_is_not_drawn():
    # As earlier releases recorded it: what lies beyond -2 and 3 was counted in the outer bins.
    edges = np.linspace(-2.0, 3.0, 51)
    shares = histogram(np.r_[np.full(80, -40.0), np.full(4, 40.0), np.full(16, 0.45)], edges)
    low, high = scenes.drawn_range(edges, shares, 0.5)
    assert (low, high) == (-2.0, 3.0)
    assert scenes.outside(edges, shares, low, high) == pytest.approx((0.80, 0.04))
    bars = scenes.heights(edges, shares)
    assert np.flatnonzero(bars).tolist() == [24]
    assert bars[24] == pytest.approx(1.6)


def test_bars_of_unequal_bins_have_the_area_of_their_share():
    shares = histogram(np.random.default_rng(1).normal(0, 6, 5000))
    bars = scenes.heights(HISTOGRAM_BINS, shares)
    np.testing.assert_allclose((bars * np.diff(HISTOGRAM_BINS))[1:-1], shares[1:-1])
    assert bars.max() < 4 * np.median(bars[shares > 0.01]), "broad bins are no towers"

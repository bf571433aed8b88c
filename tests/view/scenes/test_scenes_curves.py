import numpy as np
import pytest

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

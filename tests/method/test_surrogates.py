"""The surrogate gradients: slopes of the functions that they stand for, and which one a layer takes."""

import numpy as np
import pytest

from whetstone_lab.method.curves import BOUNDED_RELU, CURVES
from whetstone_lab.method.surrogates import arctan_gradient, gradient


@pytest.mark.parametrize("width", [0.25, 1.0, 2.0])
def test_the_surrogate_is_the_slope_of_a_blurred_step(width):
    x, step = np.linspace(-3, 4, 300), 1e-6

    def blurred(x):
        return np.arctan(np.pi * (x - 0.3) / width) * width / np.pi

    slope = (blurred(x + step) - blurred(x - step)) / (2 * step)
    upstream = np.linspace(-1, 1, 300)
    np.testing.assert_allclose(arctan_gradient(x, 0.3, width, upstream), upstream * slope, rtol=1e-5, atol=1e-8)


def test_half_of_the_surrogate_lies_within_its_width_over_pi():
    x = np.linspace(0.5 - 2 / np.pi, 0.5 + 2 / np.pi, 10001)
    y = arctan_gradient(x, 0.5, 2.0, 1.0)
    assert np.sum((y[1:] + y[:-1]) / 2 * np.diff(x)) == pytest.approx(1.0, abs=1e-6)  # of 2
    assert arctan_gradient(np.array([0.5]), 0.5, 2.0, 1.0) == 1


@pytest.mark.parametrize("curve", CURVES.values(), ids=CURVES)
def test_with_a_width_the_gradient_is_the_blurred_step_s_whatever_the_sharpness(curve):
    x, upstream = np.linspace(-3, 3, 50), np.linspace(1, 2, 50)
    for sharpness in (0.0, 0.7, 1.0):
        blurred = gradient(curve, x, sharpness, 2.0, upstream)
        np.testing.assert_array_equal(blurred, arctan_gradient(x, curve.threshold, 2.0, upstream))
        assert (blurred > 0).all()


def test_without_a_width_the_gradient_is_the_curve_s_own():
    x = np.linspace(-1, 2, 50)
    np.testing.assert_array_equal(gradient(BOUNDED_RELU, x, 0.5, None, 2.0), BOUNDED_RELU.gradient(x, 0.5, 2.0))
    assert not gradient(BOUNDED_RELU, x, 1.0, None, 2.0).any()

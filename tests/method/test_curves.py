"""The sharpening curves: limits, symmetry, closed forms worked out anew, and NumPy against Keras."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whetstone_lab.method.curves import (
    BOUNDED_RELU,
    CURVES,
    SIGMOID,
    SIGMOID_KNEES,
    WIDTH_FLOOR,
    bounded_relu,
    sigmoid,
)

NAMES = sorted(CURVES)
SHARPNESS = st.floats(0, 1)
SOFT = st.floats(0, 1, exclude_max=True)
INPUTS = st.lists(st.floats(-50, 50), min_size=1, max_size=30).map(np.array)


def logistic(x):
    """The logistic function in the form that does not overflow on either side."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def test_a_curve_is_found_by_its_name_and_steps_at_its_threshold():
    assert {name: (curve.name, curve.threshold) for name, curve in CURVES.items()} == {
        "bounded_relu": ("bounded_relu", 0.5), "sigmoid": ("sigmoid", 0.0)}
    assert CURVES["bounded_relu"] is BOUNDED_RELU
    assert CURVES["sigmoid"] is SIGMOID


@given(x=st.floats(-50, 50), sharpness=SOFT)
def test_bounded_relu_is_a_line_between_its_knees(x, sharpness):
    width = 1 - sharpness + WIDTH_FLOOR
    low, high = 0.5 - width / 2, 0.5 + width / 2
    expected = 0.0 if x <= low else 1.0 if x >= high else (x - low) / width
    assert bounded_relu(x, sharpness) == pytest.approx(expected, abs=1e-9)


@given(x=st.floats(-50, 50), sharpness=SOFT)
def test_sigmoid_is_a_logistic_function(x, sharpness):
    gain = 4 * math.log(2 + math.sqrt(3)) / (1 - sharpness + 1e-3)
    assert sigmoid(x, sharpness) == pytest.approx(logistic(gain * x), rel=1e-9, abs=1e-12)


def test_knees_of_the_sigmoid_are_where_its_third_derivative_vanishes():
    # With y = s(x): s''' = s (1 - s) (1 - 6 s + 6 s^2), zero at s = (3 +- sqrt 3) / 6, each ln(2 + sqrt 3) from 0.
    roots = [math.log(y / (1 - y)) for y in ((3 - math.sqrt(3)) / 6, (3 + math.sqrt(3)) / 6)]
    assert 2 * (roots[1] - roots[0]) == pytest.approx(SIGMOID_KNEES, rel=1e-12)


def test_at_sharpness_0_the_bounded_relu_is_the_identity_on_the_unit_interval():
    x = np.linspace(0, 1, 101)
    assert np.abs(bounded_relu(x, 0.0) - x).max() < WIDTH_FLOOR


@pytest.mark.parametrize("name", NAMES)
@given(x=INPUTS)
def test_at_sharpness_1_it_is_a_step(name, x):
    assert np.array_equal(CURVES[name].value(x, 1.0), np.where(x >= CURVES[name].threshold, 1.0, 0.0))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_threshold_itself_fires_and_what_is_just_below_does_not(name, dtype):
    threshold = dtype(CURVES[name].threshold)
    below = np.nextafter(threshold, dtype(-np.inf))
    assert CURVES[name].value(np.array([below, threshold]), 1.0).tolist() == [0, 1]
    assert CURVES[name].value(np.array([threshold]), 0.7).tolist() == [0.5]


@pytest.mark.parametrize("name", NAMES)
@given(x=INPUTS, sharpness=SHARPNESS)
def test_activations_stay_between_0_and_1_and_never_fall(name, x, sharpness):
    y = CURVES[name].value(np.sort(x), sharpness)
    assert (y >= 0).all()
    assert (y <= 1).all()
    assert (np.diff(y) >= 0).all()


@pytest.mark.parametrize("name", NAMES)
@given(distance=st.floats(0, 50), sharpness=SOFT)
def test_both_sides_of_the_threshold_mirror_each_other(name, distance, sharpness):
    curve, threshold = CURVES[name].value, CURVES[name].threshold
    assert curve(threshold + distance, sharpness) + curve(threshold - distance, sharpness) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
@given(distance=st.floats(1e-6, 50), sharper=SHARPNESS, softer=SHARPNESS)
def test_a_sharper_curve_is_nowhere_further_from_the_step(name, distance, sharper, softer):
    softer, sharper = sorted((softer, sharper))
    x = CURVES[name].threshold + distance
    assert CURVES[name].value(x, sharper) >= CURVES[name].value(x, softer) - 1e-12


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("sharpness", [0.3, 1.0, np.float64(0.3), np.float64(1), np.array([[0.3], [1.0]])])
def test_the_type_of_the_input_is_kept_whatever_that_of_the_sharpness(name, dtype, sharpness):
    y = CURVES[name].value(np.zeros(3, dtype), sharpness)
    assert y.dtype == dtype
    assert y.shape == np.broadcast_shapes((3,), np.shape(sharpness))


@pytest.mark.parametrize("name", NAMES)
def test_a_column_of_sharpnesses_gives_a_row_for_each(name):
    x, sharpness = np.linspace(-1, 2, 31), np.array([0.0, 0.5, 0.99, 1.0])
    together = CURVES[name].value(x, sharpness[:, None])
    assert np.array_equal(together, [CURVES[name].value(x, s) for s in sharpness])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("curve", sorted(CURVES))
def test_at_full_sharpness_the_numbers_next_to_the_threshold_are_told_apart(curve, dtype):
    threshold = dtype(CURVES[curve].threshold)
    x = np.array([np.nextafter(threshold, dtype(-1)), threshold, np.nextafter(threshold, dtype(1)),
                  np.finfo(dtype).max, np.finfo(dtype).min, np.inf, -np.inf], dtype)
    np.testing.assert_array_equal(CURVES[curve].value(x, 1.0), np.array([0, 1, 1, 1, 0, 1, 0], dtype))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("curve", [name for name, curve in sorted(CURVES.items()) if curve.fused])
def test_a_training_step_has_the_same_values_to_the_bit(curve, dtype):
    threshold = dtype(CURVES[curve].threshold)
    x = np.array([*np.linspace(-2, 3, 2001), threshold, *(np.nextafter(threshold, dtype(side)) for side in (-1, 1)),
                  9e3, -9e3, np.inf, -np.inf], dtype)
    for sharpness in (0.0, np.float32(0.3), 0.999, 1 - 2.0**-24, 1.0, np.array([[0.2], [1.0]])):
        with np.errstate(over="ignore"):
            value, fused = CURVES[curve].value(x, sharpness), CURVES[curve].fused(x, sharpness)
        assert value.dtype == fused.dtype == dtype
        assert value.tobytes() == fused.tobytes()


@pytest.mark.parametrize("curve", sorted(CURVES))
@pytest.mark.parametrize("sharpness", [-0.5, 0.0, 0.4, 0.9])
def test_gradients_are_the_slopes_of_the_curves(curve, sharpness):
    x, step = np.linspace(-1.03, 2.04, 300), 1e-6
    slope = (CURVES[curve].value(x + step, sharpness) - CURVES[curve].value(x - step, sharpness)) / (2 * step)
    upstream = np.linspace(-1, 1, 300)
    np.testing.assert_allclose(CURVES[curve].gradient(x, sharpness, upstream), upstream * slope, rtol=1e-5, atol=1e-6)
    assert not CURVES[curve].gradient(x, 1.0, upstream).any()

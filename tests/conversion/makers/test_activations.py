"""Neurons behind a batch norm, against the same comparison in exact arithmetic."""

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from whetstone_lab.conversion.makers.activations import neurons_behind
from whetstone_lab.conversion.makers.registry import Affine

QUARTERS = st.integers(-400, 400).map(lambda number: number / 4)


def fire(made, x):
    for operation in made:
        x = operation.apply(x)
    return x.astype(bool)


@settings(max_examples=2 * settings.default.max_examples, deadline=None)
@given(scale=st.lists(st.floats(-8, 8, width=32), min_size=1, max_size=4), shift=QUARTERS, threshold=QUARTERS,
       data=st.data())
def test_they_fire_where_the_scaled_input_reaches_the_threshold(scale, shift, threshold, data):
    """Of inputs right at the threshold and one step of float32 to both sides, and of others."""
    scale = np.array([0.0 if abs(value) < 1e-3 else value for value in scale])
    x = [data.draw(st.floats(-1000, 1000, width=32)) for _ in range(3)]
    with np.errstate(divide="ignore", invalid="ignore"):
        at = np.where(scale == 0, 0, (threshold - shift) / scale).astype(np.float32)
    rows = np.stack([at, np.nextafter(at, np.float32(np.inf)), np.nextafter(at, np.float32(-np.inf)),
                     *(np.full(len(scale), value, np.float32) for value in x)])
    made = neurons_behind(Affine(scale, np.full(len(scale), shift), -1), threshold, (len(scale),))
    expected = [[Fraction(float(value)) * Fraction(float(factor)) + Fraction(shift) >= Fraction(threshold)
                 for value, factor in zip(row, scale, strict=True)] for row in rows]
    np.testing.assert_array_equal(fire(made, rows), expected)


def test_thresholds_lie_along_the_axis_of_the_channels():
    norm = Affine(np.array([1.0, -1.0]), np.zeros(2), -3)
    x = np.stack([np.full((2, 3, 3), 0.75), np.full((2, 3, 3), -0.75)]).astype(np.float32)
    found = fire(neurons_behind(norm, 0.5, (2, 3, 3)), x)
    assert found[0, 0].all()
    assert found[1, 1].all()
    assert found.sum() == 18

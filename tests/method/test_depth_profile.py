import numpy as np
import pytest

from whetstone_lab.method.depth_profile import DepthProfile, flips


def test_shares_are_as_constructed():
    before = np.array([[0.45, 0.55], [0.61, 0.5]])
    after = np.array([[0.5, 0.56], [0.1, 0.49]])  # up, not, down, down
    assert flips(before, after, 0.5) == pytest.approx((0.75, 0.75, 2 / 3))
    assert flips(before, after, 0.5, margin=0.2) == pytest.approx((1.0, 0.75, 0.75))
    near, flipped, of_near = flips(before, after, 3.0)
    assert (near, flipped) == (0, 0)
    assert np.isnan(of_near)


def test_the_steepest_layer_is_where_the_loss_rises_most():
    ones = np.ones(3)
    loss = np.array([1.0, 1.1, 3.0, 2.0])
    assert DepthProfile(("a", "b", "c"), ones, loss, loss, *[ones] * 7).steepest == "b"

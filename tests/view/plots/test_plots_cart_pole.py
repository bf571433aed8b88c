"""The figure of a balanced pole: cart and pole stand where the episode has them, and each mark is a spike."""

from types import SimpleNamespace

import numpy as np
import pytest
from drawn import is_drawn

from whetstone_lab import Network, plots, run
from whetstone_lab.simulator.operations import Dense, Neurons

EPISODE = SimpleNamespace(observations=np.array([[0, 0, 0, 0], [1, 0, 0.1, 0], [-2, 0, -0.2, 0]], np.float32),
                          actions=np.array([0, 1, 1]))


def test_cart_and_pole_stand_where_the_episode_has_them_and_the_push_is_told():
    figure = plots.cart_pole(EPISODE, [1, -1])
    assert is_drawn(figure)
    assert [axes.get_title() for axes in figure.axes] == ["step 1  →", "step 2  →"]
    for axes, (place, _, angle, _) in zip(figure.axes, EPISODE.observations[1:], strict=True):
        (cart,), pole = axes.patches, axes.lines[-1].get_xydata()
        assert cart.get_x() + cart.get_width() / 2 == pytest.approx(place)
        (x0, y0), (x1, y1) = pole
        assert x0 == pytest.approx(place)
        assert np.arctan2(x1 - x0, y1 - y0) == pytest.approx(angle)
        assert np.hypot(x1 - x0, y1 - y0) == pytest.approx(1)  # metre
    assert plots.cart_pole(EPISODE, [0]).axes[0].get_title() == "step 0  ←"
    assert len(plots.cart_pole(EPISODE, 2).axes) == 2


def test_each_mark_is_a_spike_and_those_that_fire_most_lie_below():
    network = Network((4,), [Dense(np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0], [0, 0, 0]])), Neurons([0.5, 0.5, -9])])
    record = run(network, EPISODE.observations)
    figure = plots.cart_pole(EPISODE, [0], record)
    assert is_drawn(figure)
    (raster,) = (image.get_array() for axes in figure.axes for image in axes.images)
    np.testing.assert_array_equal(raster, [[1, 1, 1], [0, 1, 0], [0, 0, 0]])


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="steps from 0 to 2; got \\[3\\]"):
        plots.cart_pole(EPISODE, [3])
    with pytest.raises(ValueError, match="observations of shape"):
        plots.cart_pole(SimpleNamespace(observations=np.zeros((3, 5)), actions=np.zeros(3)))
    record = run(Network((4,), [Neurons(0.5)]), np.zeros((2, 4)))
    with pytest.raises(ValueError, match="a sample for each of the 3 steps; got 2"):
        plots.cart_pole(EPISODE, [0], record)

import numpy as np
import pytest
from drawn import is_drawn, texts

from whetstone_lab import plots
from whetstone_lab.method.curves import bounded_relu
from whetstone_lab.method.layer_health import HISTOGRAM_BINS


def test_activation_curves_draws_the_curve_of_the_moment(finished_trace):
    figure = plots.activation_curves(finished_trace, epoch=15)
    assert is_drawn(figure)
    assert len(figure.axes) == 3
    sharpness = finished_trace.states[15]["sharpness"]
    assert 0 < sharpness[0] < 1
    for axes, value in zip(figure.axes, sharpness, strict=True):
        x, y = axes.lines[-1].get_data()
        np.testing.assert_allclose(y, bounded_relu(x, value))
    assert "after epoch 16" in figure.get_suptitle()
    assert "on the ramp" in texts(figure)


def test_activation_curves_by_batch_and_at_the_end(finished_trace):
    assert "before training" in plots.activation_curves(finished_trace, batch=0).get_suptitle()
    assert "batch 7" in plots.activation_curves(finished_trace, batch=7).get_suptitle()
    at_end = plots.activation_curves(finished_trace)
    assert f"after epoch {finished_trace.epochs}" in at_end.get_suptitle()
    assert at_end.axes[2].get_title(loc="right") == "sharp"
    assert plots.activation_curves(finished_trace, epoch=-1).get_suptitle() == at_end.get_suptitle()


def test_the_panel_reaches_as_far_as_the_inputs_do(made_up_run):
    run = made_up_run(layers=3)
    inputs = [np.array([0.4, 0.6]), np.linspace(-9, 6, 400), np.r_[np.full(84, -60.0), np.linspace(0, 1, 16)]]
    run.trace.append_batch(0, 1.0, [0.0] * 3)
    run.trace.append_epoch({"loss": 1.0}, {}, bins=HISTOGRAM_BINS, histograms=np.array(
        [np.histogram(x, HISTOGRAM_BINS)[0] / len(x) for x in inputs]))
    near, far, gone = plots.activation_curves(run).axes
    assert near.get_xlim() == (-1.25, 2.25)
    low, high = far.get_xlim()
    assert -9.5 <= low <= -8.5
    assert 5.5 <= high <= 6.5
    bars = far.patches[0]
    heights, edges, _ = bars.get_data()
    inside = (edges[1:] > low) & (edges[:-1] < high)
    assert (heights[inside] > 0).mean() > 0.9, "all that the layer receives is seen"
    assert gone.get_xlim()[0] == -15.5
    assert "◂ 84%" in [text.get_text() for text in gone.texts]
    assert not any("◂" in text.get_text() or "▸" in text.get_text() for text in near.texts)


@pytest.mark.parametrize(("where", "words"), [
    ({"epoch": 99}, "Expected an epoch from 0 to"), ({"batch": -1}, "Expected a batch from 0 to"),
    ({"epoch": 1, "batch": 1}, "got both")])
def test_activation_curves_says_what_it_expects(finished_trace, where, words):
    with pytest.raises(ValueError, match=words):
        plots.activation_curves(finished_trace, **where)


def test_some_of_the_layers_are_shown(finished_trace):
    figure = plots.activation_curves(finished_trace, layers=[2, 0])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["spiking_3", "spiking_1"]
    with pytest.raises(ValueError, match=r"Expected layers from 0 to 2; got \[3\]"):
        plots.activation_curves(finished_trace, layers=[3])

import threading

import numpy as np
import pytest

from whetstone_lab import plots
from whetstone_lab.curves import bounded_relu
from whetstone_lab.simulator.record import SpikeRecord
from whetstone_lab.trace import Trace


def texts(figure):
    return " ".join(text.get_text() for axes in figure.axes for text in axes.findobj(match=plots_text))


def plots_text(artist):
    return hasattr(artist, "get_text") and artist.get_visible()


def is_drawn(figure) -> bool:
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3]
    return (pixels != 255).any(-1).mean() > 0.01


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


@pytest.mark.parametrize(("where", "words"), [
    ({"epoch": 99}, "Expected an epoch from 0 to"), ({"batch": -1}, "Expected a batch from 0 to"),
    ({"epoch": 1, "batch": 1}, "got both")])
def test_activation_curves_says_what_it_expects(finished_trace, where, words):
    with pytest.raises(ValueError, match=words):
        plots.activation_curves(finished_trace, **where)


def test_sharpener_chart_draws_losses_lines_and_decisions(finished_trace):
    figure = plots.sharpener_chart(finished_trace)
    assert is_drawn(figure)
    top, low = figure.axes
    epoch_line = next(line for line in top.lines if line.get_label() == "epoch loss")
    np.testing.assert_allclose(epoch_line.get_ydata(), finished_trace.epoch_metric("loss"))
    labels = {text.get_text() for text in top.get_legend().get_texts()}
    assert labels == {"batch loss", "epoch loss", "reference loss", "a rise to here stops sharpening",
                      "a fall to here counts"}
    marks = [text.get_text() for text in top.texts]
    kinds = [event.kind for event in finished_trace.events]
    assert marks.count("▶") == kinds.count("start") > 0
    assert marks.count("■") == kinds.count("stop") > 0
    assert marks.count("★") == 1
    np.testing.assert_allclose(low.lines[0].get_ydata()[-1], 1.0)


def test_spike_raster_draws_every_spike_once(spike_record):
    figure = plots.spike_raster(spike_record, 2)
    assert is_drawn(figure)
    shown, raster, votes = figure.axes
    assert sum(len(group.get_segments()) for group in raster.collections) == spike_record.counts()[2].sum()
    np.testing.assert_array_equal(shown.images[0].get_array(), spike_record.inputs[2].reshape(8, 8))
    assert [bar.get_width() for bar in votes.patches] == spike_record.votes[2].tolist()
    assert figure.get_suptitle() == "Sample 2: read as 2, which is right"
    assert "in truth 5" in plots.spike_raster(spike_record, 5).get_suptitle()


def test_spike_raster_without_picture_labels_or_key():
    empty = np.zeros(0, np.int32)
    record = SpikeRecord(("a",), ((7,),), 4, empty, empty, empty, empty, np.zeros((1, 5), np.float32), np.zeros((1, 0)))
    figure = plots.spike_raster(record)
    assert len(figure.axes) == 1
    assert is_drawn(figure)


def test_spike_raster_says_what_it_expects(spike_record):
    with pytest.raises(ValueError, match="Expected a sample from 0 to 11; got 12"):
        plots.spike_raster(spike_record, 12)
    with pytest.raises(TypeError, match="Expected a SpikeRecord"):
        plots.spike_raster("record.npz")


@pytest.mark.parametrize("trace", [Trace([]), Trace(["a"]), Trace(["a", "b"], ["sigmoid", "bounded_relu"])])
def test_an_empty_run_is_drawn_too(trace):
    for figure in (plots.activation_curves(trace), plots.sharpener_chart(trace)):
        figure.canvas.draw()


def test_a_loss_that_is_not_finite_is_drawn_around(made_up_run):
    run = made_up_run()
    run.epoch()
    run.trace.append_batch(1, float("nan"), [0.0, 0.0, 0.0])
    run.trace.append_batch(1, 0.0, [0.0, 0.0, 0.0])
    run.trace.append_epoch({"loss": float("inf")}, {})
    assert is_drawn(plots.sharpener_chart(run.trace))


def test_figures_show_themselves_and_stay_out_of_pyplot(finished_trace):
    import matplotlib.pyplot as plt

    figure = plots.sharpener_chart(finished_trace)
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert plt.get_fignums() == []


def test_figures_can_be_drawn_on_another_thread(finished_trace):
    pictures = []
    threads = [threading.Thread(target=lambda: pictures.append(plots.activation_curves(finished_trace).png()))
               for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pictures) == 2
    assert pictures[0] == pictures[1]

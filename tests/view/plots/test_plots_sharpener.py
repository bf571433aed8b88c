import numpy as np
from drawn import is_drawn

from whetstone_lab import plots


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


def test_a_loss_that_is_not_finite_is_drawn_around(made_up_run):
    run = made_up_run()
    run.epoch()
    run.trace.append_batch(1, float("nan"), [0.0, 0.0, 0.0])
    run.trace.append_batch(1, 0.0, [0.0, 0.0, 0.0])
    run.trace.append_epoch({"loss": float("inf")}, {})
    assert is_drawn(plots.sharpener_chart(run.trace))

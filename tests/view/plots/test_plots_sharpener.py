import numpy as np
from drawn import is_drawn

from whetstone_lab import plots
from whetstone_lab.records.trace import Trace
from whetstone_lab.view import scenes


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


def made(monitor, mode, values):
    trace = Trace(["a"], policy={"name": "adaptive", "sig_increase": 0.25, "sig_decrease": 0.5, "patience": 1},
                  meta={"monitor": monitor, "mode": mode})
    for epoch, value in enumerate(values):
        trace.append_batch(epoch, value if monitor == "loss" else 1.0, [0.0])
        trace.append_epoch({"loss": 1.0, monitor: value}, {"reference": value})
    return trace


def test_an_accuracy_is_drawn_and_told_by_its_name():
    figure = plots.sharpener_chart(made("accuracy", "max", [0.5, 0.6, 0.7]))
    assert is_drawn(figure)
    top = figure.axes[0]
    labels = {text.get_text() for text in top.get_legend().get_texts()}
    assert labels == {"batch loss", "epoch accuracy", "reference accuracy", "a fall to here stops sharpening",
                      "a rise to here counts"}
    assert "accuracy fell by this" in top.get_legend().get_title().get_text()
    assert top.get_ylabel() == "loss, accuracy"
    low, high = top.get_ylim()
    assert low < 0.5 < 1.0 < high


def test_losses_below_zero_are_drawn_on_a_linear_axis():
    figure = plots.sharpener_chart(made("loss", "min", [-1.0, -2.0, -3.0]))
    assert is_drawn(figure)
    top = figure.axes[0]
    assert top.get_yscale() == "linear"
    batches = next(line for line in top.lines if line.get_label() == "batch loss")
    assert batches.get_ydata().tolist() == [-1.0, -2.0, -3.0]


def test_a_long_run_is_drawn_in_as_many_shapes_as_a_short_one(made_up_run):
    def shapes(epochs):
        run = made_up_run(layers=1, probe=False)
        for _ in range(epochs):
            run.batch()
            run.end_epoch()
        figure = plots.sharpener_chart(run)
        return [len([*axes.patches, *axes.collections, *axes.lines]) for axes in figure.axes]

    assert shapes(600) == shapes(30)


def test_lines_and_spans_are_steps_from_epoch_to_epoch(finished_trace):
    top, low = plots.sharpener_chart(finished_trace).axes
    table = scenes.epoch_table(finished_trace)
    stop = next(line for line in top.lines if line.get_label() == "a rise to here stops sharpening")
    assert stop.get_xdata()[:4].tolist() == [0, 1, 1, 2]
    np.testing.assert_array_equal(stop.get_ydata()[::2], table["stop"])
    np.testing.assert_array_equal(stop.get_ydata()[1::2], table["stop"])
    (spans,) = low.collections
    path = spans.get_paths()[0]
    inside = path.contains_points(np.column_stack([np.arange(finished_trace.epochs) + 0.5,
                                                   np.full(finished_trace.epochs, 0.5)]))
    np.testing.assert_array_equal(inside, table["sharpening"])

import numpy as np
from drawn import is_drawn

from whetstone_lab import plots
from whetstone_lab.method.layer_health import METRICS
from whetstone_lab.records.trace import Trace


def test_layer_health_draws_what_the_probe_told_and_where_a_layer_died():
    trace, rng = Trace(["one", "two"]), np.random.default_rng(0)
    metrics = rng.random((6, 4, 2)) / 2  # no layer is dead
    metrics[3:, 0, 1], metrics[3:, 1, 1] = 0.75, 0.25  # until some neurons never fire and the others always
    for epoch, values in enumerate(metrics):
        trace.append_batch(epoch, 1.0, [0, 0])
        trace.append_epoch({"loss": 1.0}, firing_rates=[0.1 * epoch, 0.5],
                           layer_metrics=dict(zip(METRICS, values, strict=True)))
    figure = plots.layer_health(trace)
    assert is_drawn(figure)
    expected = {"firing rate": trace.firing_rates, "dead neurons": metrics[:, :2].sum(axis=1),
                "gradient flow": metrics[:, 2], "saturation": metrics[:, 3]}
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(expected)
    for axes, values in zip(figure.axes, expected.values(), strict=True):
        for index, line in enumerate(axes.lines):
            assert line.get_xdata().tolist() == [1, 2, 3, 4, 5, 6]
            np.testing.assert_allclose(line.get_ydata(), values[:, index], rtol=1e-6)
    (mark,) = figure.axes[1].texts
    assert (mark.get_text(), mark.xy, mark.get_color()) == ("died", (4, 1), figure.axes[1].lines[1].get_color())
    assert [text.get_text() for text in figure.axes[1].get_legend().get_texts()] == ["one", "two"]


def test_layer_health_without_a_probe_says_what_is_missing(made_up_run):
    run = made_up_run(probe=False)
    run.epoch()
    figure = plots.layer_health(run.trace)
    assert (figure.axes, [text.get_text() for text in figure.texts[-1:]]) == (
        [], ["nothing was measured: give the sharpener a probe"])

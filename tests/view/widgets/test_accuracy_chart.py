import numpy as np

from whetstone_lab.records.trace import Trace
from whetstone_lab.view.widgets import AccuracyChart, SharpenerChart


def told(logs):
    """A run that tells some accuracies after each epoch."""
    trace = Trace(["a"])
    for epoch, log in enumerate(logs):
        trace.append_batch(epoch, 1.0, [0.0])
        trace.append_epoch(log, {})
    return trace


def test_what_a_run_tells_is_there_epoch_by_epoch_and_what_it_does_not_is_empty(finished_trace):
    chart = AccuracyChart(finished_trace)
    rows = np.frombuffer(chart.get_state()["accuracies"], "<f4").reshape(-1, 3)
    np.testing.assert_allclose(rows[:, 0], [log["val_accuracy"] for log in finished_trace.epoch_logs], rtol=1e-6)
    assert np.isnan(rows[:, 1:]).all()
    assert chart.to_csv().splitlines()[0] == "epoch,soft,spiking,relu"
    both = AccuracyChart(told([{"val_accuracy": 0.5, "spiking_accuracy": 0.25}, {"val_accuracy": 0.75}]))
    assert both.to_csv() == "epoch,soft,spiking,relu\n1,0.5,0.25,\n2,0.75,,\n"
    axes = both.picture().axes[0]
    assert axes.get_legend_handles_labels()[1] == ["soft 75.0%", "spiking"], "no ReLU network was trained beside it"
    named = AccuracyChart(told([{"val_binary_accuracy": 0.5}, {"val_a_accuracy": 0.5, "val_b_accuracy": 0.5}]))
    assert named.to_csv() == "epoch,soft,spiking,relu\n1,0.5,,\n2,,,\n", "by its metric, if there is just one"
    rare = AccuracyChart(told([{}, {"val_accuracy": 0.5}, {}, {"val_accuracy": 0.75}])).picture().axes[0].lines[0]
    assert (rare.get_xdata().tolist(), rare.get_ydata().tolist()) == ([2, 4], [0.5, 0.75]), "validated now and then"


def test_a_run_without_an_accuracy_says_so():
    assert [text.get_text() for logs in ([], [{"loss": 1.0}])
            for text in AccuracyChart(told(logs)).picture().texts[1:]] == ["no epoch yet", "this run tells no accuracy"]


def test_it_shows_the_run_of_another_view_and_its_page_knows_that_it_is_the_same(finished_trace, made_up_run):
    chart = SharpenerChart(finished_trace)
    beside = AccuracyChart(chart)
    assert beside.source is finished_trace
    assert beside.get_state()["trace"] == chart.get_state()["trace"] == chart.state()["trace"]
    assert AccuracyChart(made_up_run().trace).get_state()["trace"] != chart.get_state()["trace"]


def test_a_page_that_was_taken_along_says_what_the_run_was_doing(live_run):
    run, source = live_run()
    run.epoch()
    run.trace.set_status("running")
    chart = AccuracyChart(source)
    before = chart._told
    state = chart.state()
    assert (state["now"]["status"], state["now"]["was"], state["about"]["live"]) == ("recorded", "running", False)
    assert chart._told == before, "pages that follow the run have missed nothing"
    run.trace.set_status("failed", "ValueError: too wide")
    now = AccuracyChart(source).state()["now"]
    assert (now["status"], now["was"], now["message"]) == ("recorded", "failed", "ValueError: too wide")
    run.trace.set_status("stopped")
    assert "was" not in chart.state()["now"]

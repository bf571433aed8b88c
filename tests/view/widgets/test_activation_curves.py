import numpy as np

from whetstone_lab.records.trace import Trace
from whetstone_lab.view.widgets import ActivationCurves


def read(bytes_, dtype):
    return np.frombuffer(bytes_, dtype)


def test_the_run_is_there_as_it_was(finished_trace):
    widget = ActivationCurves(finished_trace)
    assert widget.about == {"layers": list(finished_trace.layers), "curves": ["bounded_relu"] * 3, "live": False,
                            "thresholds": [0.5] * 3, "policy": "adaptive"}
    points = read(widget.past["points"], "<f4").reshape(-1, 5)
    assert len(points) <= 512
    assert points[-1, 0] == finished_trace.epochs
    np.testing.assert_array_equal(points[-1, 2:], 1)
    assert widget.now["sharpness"] == [1.0, 1.0, 1.0]
    assert widget.now["at"] == finished_trace.epochs


def test_histograms_keep_their_shape(finished_trace):
    kept = ActivationCurves(finished_trace).histograms
    assert kept["epochs"] == list(range(1, finished_trace.epochs + 1))
    np.testing.assert_allclose(read(kept["edges"], "<f4"), finished_trace.bins, rtol=1e-6)
    counts = read(kept["counts"], "u1").reshape(len(kept["epochs"]), 3, -1)
    shares = finished_trace.histograms
    np.testing.assert_allclose(counts / 255, shares / shares.max(-1, keepdims=True), atol=0.5 / 255 + 1e-6)


def test_histograms_of_a_long_run_are_thinned_and_those_missing_are_left_out(made_up_run):
    run = made_up_run(layers=1)
    run.probe = False
    run.epoch()
    run.probe = True
    for _ in range(300):
        run.trace.append_batch(1, 1.0, [0.0])
        run.trace.append_epoch({"loss": 1.0}, {}, **run._look())
    kept = ActivationCurves(run).histograms
    assert len(kept["epochs"]) <= 128
    assert kept["epochs"][0] == 2
    assert kept["epochs"][-1] == 301


def test_without_a_probe_there_are_no_histograms(made_up_run):
    run = made_up_run(probe=False)
    run.epoch()
    kept = ActivationCurves(run).histograms
    assert kept["epochs"] == []
    assert kept["counts"] == b""


def test_a_histogram_comes_with_its_epoch(made_up_run):
    run = made_up_run()
    widget = ActivationCurves(run)
    run.trace.set_status("running")
    run.epoch()
    run.trace.set_status("paused")
    assert widget.histograms["epochs"] == [1]


def test_other_curves_have_other_thresholds():
    widget = ActivationCurves(Trace(["a", "b"], ["sigmoid", "bounded_relu"]))
    assert widget.about["thresholds"] == [0.0, 0.5]


def test_the_picture_is_the_figure(finished_trace):
    assert ActivationCurves(finished_trace).picture().get_suptitle().startswith("Activation curves, after epoch")

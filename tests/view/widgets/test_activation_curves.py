import numpy as np
import pytest

from whetstone_lab.method.layer_health import HISTOGRAM_BINS
from whetstone_lab.records.trace import Trace
from whetstone_lab.view import scenes
from whetstone_lab.view.widgets import ActivationCurves


def read(bytes_, dtype):
    return np.frombuffer(bytes_, dtype)


def test_the_run_is_there_as_it_was(finished_trace):
    widget = ActivationCurves(finished_trace)
    assert widget.about == {"layers": list(finished_trace.layers), "curves": ["bounded_relu"] * 3, "live": False,
                            "thresholds": [0.5] * 3, "policy": "adaptive", "judged": "loss", "mode": "min"}
    points = read(widget.get_state()["past"]["points"], "<f4").reshape(-1, 5)
    assert len(points) <= 512
    assert points[-1, 0] == finished_trace.batches
    np.testing.assert_array_equal(points[-1, 2:], 1)
    assert widget.now["sharpness"] == [1.0, 1.0, 1.0]
    assert widget.now["at"] == finished_trace.epochs


def test_histograms_keep_their_shape(finished_trace):
    kept = ActivationCurves(finished_trace).get_state()["histograms"]
    assert kept["epochs"] == list(range(1, finished_trace.epochs + 1))
    edges, shares = read(kept["edges"], "<f4"), finished_trace.histograms
    np.testing.assert_allclose(edges, finished_trace.bins, atol=1e-6)
    bars = read(kept["bars"], "u1").reshape(len(kept["epochs"]), 3, -1)
    tallest = read(kept["tallest"], "<f4").reshape(len(kept["epochs"]), 3, 1)
    expected = scenes.heights(finished_trace.bins, shares)
    assert bars.max(-1).min() == 255, "each fills the range of a byte"
    np.testing.assert_allclose(bars / 255 * tallest, expected, atol=(0.5 / 255 + 1e-6) * expected.max())
    beyond = read(kept["beyond"], "<f4").reshape(-1, 3, 2)
    for layer, (low, high) in enumerate(kept["ranges"]):
        assert edges[0] <= low < high <= edges[-1]
        assert (low, high) == scenes.drawn_range(finished_trace.bins, shares[:, layer], 0.5)
        np.testing.assert_allclose(beyond[-1, layer], scenes.outside(finished_trace.bins, shares[-1, layer], low, high),
                                   atol=1e-6)


def test_histograms_reach_as_far_as_the_inputs(made_up_run):
    run = made_up_run(layers=2)
    inputs = [np.linspace(-8, 4, 300), np.r_[np.full(99, -40.0), 0.2]]
    run.trace.append_batch(0, 1.0, [0.0] * 2)
    run.trace.append_epoch({"loss": 1.0}, {}, bins=HISTOGRAM_BINS, histograms=np.array(
        [np.histogram(x, HISTOGRAM_BINS)[0] / len(x) for x in inputs]))
    kept = ActivationCurves(run).get_state()["histograms"]
    assert kept["ranges"] == [(-8.5, 4.0), (-15.5, 2.25)]
    assert read(kept["beyond"], "<f4").reshape(2, 2)[1].tolist() == pytest.approx([0.99, 0])
    bars, edges = read(kept["bars"], "u1").reshape(2, -1), read(kept["edges"], "<f4")
    assert (bars[0, (edges[:-1] > -7.5) & (edges[1:] < 3.5)] > 0).all()
    assert bars[1].max() == 255


def test_histograms_of_a_long_run_are_thinned_and_those_missing_are_left_out(made_up_run):
    run = made_up_run(layers=1)
    run.probe = False
    run.epoch()
    run.probe = True
    for _ in range(300):
        run.trace.append_batch(1, 1.0, [0.0])
        run.trace.append_epoch({"loss": 1.0}, {}, **run._look())
    kept = ActivationCurves(run).get_state()["histograms"]
    assert len(kept["epochs"]) <= 128
    assert kept["epochs"][0] == 2
    assert kept["epochs"][-1] == 301


def test_without_a_probe_there_are_no_histograms(made_up_run):
    run = made_up_run(probe=False)
    run.epoch()
    kept = ActivationCurves(run).get_state()["histograms"]
    assert kept["epochs"] == []
    assert kept["bars"] == b""
    assert kept["ranges"] == [(-1.25, 2.25)] * 3


def test_a_histogram_comes_with_its_epoch(made_up_run):
    run = made_up_run()
    widget = ActivationCurves(run)
    run.trace.set_status("running")
    run.epoch()
    run.trace.set_status("paused")
    assert widget.get_state()["histograms"]["epochs"] == [1]


def test_other_curves_have_other_thresholds():
    widget = ActivationCurves(Trace(["a", "b"], ["sigmoid", "bounded_relu"]))
    assert widget.about["thresholds"] == [0.0, 0.5]


def test_the_picture_is_the_figure(finished_trace):
    assert ActivationCurves(finished_trace).picture().get_suptitle().startswith("Activation curves, after epoch")


def test_the_picture_of_a_very_deep_network_is_bounded(made_up_run):
    run = made_up_run(layers=40)
    run.epoch()
    picture = ActivationCurves(run).picture()
    titles = [axes.get_title(loc="left") for axes in picture.axes]
    assert (len(titles), titles[0], titles[-1]) == (12, "spiking_1", "spiking_40")
    assert picture.get_suptitle() == "Activation curves of 12 of the 40 layers, after epoch 1"

import threading

import numpy as np
import pytest

from whetstone_lab import plots
from whetstone_lab.method.curves import bounded_relu
from whetstone_lab.method.layer_health import METRICS
from whetstone_lab.records.trace import Trace
from whetstone_lab.simulator import (
    Faults,
    Network,
    OperationCounts,
    SpikeRecord,
    count_operations,
    encoding,
    predict,
    rate_coded,
    sweep,
)
from whetstone_lab.simulator.operations import Dense, Neurons, ReLU


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


def counts_of(spikes, latency=3):
    spikes = np.asarray(spikes)
    return OperationCounts(spikes, 4 * spikes, 0 * spikes, 1000, latency)


def test_rate_coding_draws_accuracy_spikes_and_steps_of_both():
    rates = [(0.1, counts_of([0, 1], 2)), (0.6, counts_of([20, 40], 5)), (0.96, counts_of([300, 500], 17))]
    figure = plots.rate_coding((0.95, counts_of([40, 60])), rates)
    assert is_drawn(figure)
    curve, star = figure.axes[0].lines
    np.testing.assert_array_equal(curve.get_data(), [[0.5, 30, 400], [0.1, 0.6, 0.96]])
    np.testing.assert_array_equal(star.get_data(), [[50], [0.95]])
    words = texts(figure)
    assert "95.0%\n50 spikes\n3 steps" in words
    assert {"2", "5", "17"} <= set(words.split())
    assert "as accurate: 8× the spikes, 5.67× the steps" in words


def test_rate_coding_where_the_rate_code_never_gets_there():
    figure = plots.rate_coding((0.95, counts_of([1], 1)), [(0.1, counts_of([0])), (0.9, counts_of([10]))])
    assert is_drawn(figure)
    assert "95.0%\n1 spike\n1 step" in texts(figure)
    assert "as accurate" not in texts(figure)


def test_rate_coding_where_no_neuron_ever_fires():
    assert is_drawn(plots.rate_coding((0.1, counts_of([0])), [(0.1, counts_of([0]))]))


def test_rate_coding_says_what_it_expects():
    with pytest.raises(ValueError, match="at least one number of steps"):
        plots.rate_coding((0.9, counts_of([1])), [])
    with pytest.raises(ValueError, match=r"Expected an accuracy in \[0, 1\].*got 90"):
        plots.rate_coding((90, counts_of([1])), [(0.5, counts_of([1]))])
    with pytest.raises(ValueError, match="operation counts of at least one sample"):
        plots.rate_coding((0.9, counts_of([1])), [(0.5, counts_of([]))])


def test_rate_coding_and_fault_sweep_take_what_the_simulator_gives():
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=shape).astype("f") for shape in ((6, 12), (12, 3))]
    spiking = Network((6,), [Dense(weights[0]), Neurons(), Dense(weights[1])], readout="linear")
    relu = Network((6,), [Dense(weights[0]), ReLU(), Dense(weights[1])], readout="linear")
    x = rng.random((20, 6), np.float32)
    y = predict(spiking, x)
    rates = rate_coded(relu, x)
    found = [(float(np.mean(predict(rates, shown) == y)), count_operations(rates, shown))
             for shown in (encoding.poisson(x, steps) for steps in (1, 4))]
    assert is_drawn(plots.rate_coding((1.0, count_operations(spiking, x)), found))
    assert is_drawn(plots.fault_sweep("dead", [0, 0.5], {"it": sweep(spiking, x, y, "dead", [0, 0.5])}, classes=3))


def test_fault_sweep_draws_the_mean_and_the_range_of_each_network():
    many, one = np.array([[0.9, 0.9], [0.8, 0.9], [0.6, 0.8]]), np.array([[0.9, 0.9], [0.5, 0.3], [0.1, 0.3]])
    figure = plots.fault_sweep("lost", [0, 0.1, 0.2], {"ten": many, "one": one}, classes=10)
    assert is_drawn(figure)
    axes = figure.axes[0]
    for line, band, values in zip(axes.lines, axes.collections, (many, one), strict=False):
        np.testing.assert_allclose(line.get_data(), [[0, 0.1, 0.2], values.mean(axis=1)])
        heights = band.get_paths()[0].vertices[:, 1]
        assert (heights.min(), heights.max()) == (values.min(), values.max())
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["ten", "one"]
    assert axes.lines[2].get_ydata() == [0.1, 0.1]
    assert "lost" in figure.get_suptitle()


@pytest.mark.parametrize("fault", [name for name in Faults.__dataclass_fields__ if name != "seed"])
def test_fault_sweep_knows_every_fault_and_has_more_of_it_to_the_right(fault):
    values = [8, 4, 2] if fault == "bits" else [0, 0.1, 0.5]
    axes = plots.fault_sweep(fault, values, {"it": np.ones((3, 1))}).axes[0]
    left, right = axes.get_xlim()
    assert (left > right) == (fault == "bits")


def test_fault_sweep_says_what_it_expects():
    with pytest.raises(ValueError, match="Expected a fault among"):
        plots.fault_sweep("rust", [0], {"it": np.ones((1, 1))})
    with pytest.raises(ValueError, match="at least one network"):
        plots.fault_sweep("dead", [0], {})
    with pytest.raises(ValueError, match=r"shape \(2, seeds\) for 'it'; got shape \(3, 1\)"):
        plots.fault_sweep("dead", [0, 1], {"it": np.ones((3, 1))})


def test_speed_draws_each_time_beside_the_first():
    figure = plots.speed({"bare products": 2e-4, "predict": 2.5e-4, "peer": 2.5}, "A batch of 1")
    assert is_drawn(figure)
    axes = figure.axes[0]
    assert [bar.get_width() for bar in axes.patches] == [2e-4, 2.5e-4, 2.5]
    assert [text.get_text() for text in axes.texts] == ["200 µs", "250 µs   1.25×", "2.5 s   12,500×"]
    assert figure.get_suptitle() == "A batch of 1"


@pytest.mark.parametrize("seconds", [{}, {"a": 0.0}, {"a": 1.0, "b": float("nan")}])
def test_speed_says_what_it_expects(seconds):
    with pytest.raises(ValueError, match="Expected positive times"):
        plots.speed(seconds)


def test_crossover_draws_the_times_and_where_they_cross():
    shares = np.array([0.01, 0.04, 0.16, 0.64])
    figure = plots.crossover(shares, np.full(4, 1e-3), shares / 0.08 * 1e-3, np.minimum(1e-3, shares / 0.08 * 1e-3))
    assert is_drawn(figure)
    chosen, dense, events, mark = figure.axes[0].lines
    np.testing.assert_allclose(dense.get_ydata(), 1e-3)
    np.testing.assert_allclose(events.get_data(), [shares, shares / 0.08 * 1e-3])
    np.testing.assert_allclose(chosen.get_ydata(), np.minimum(dense.get_ydata(), events.get_ydata()))
    np.testing.assert_allclose(mark.get_xdata(), 0.08)
    assert "crossover: 8% of the inputs fire" in texts(figure)


def test_memory_draws_what_is_taken_beside_a_weight_for_every_synapse():
    figure = plots.memory([1e6, 1e8, 1e9], [2.5, 104, 1500])
    dashed, taken = figure.axes[0].lines
    assert taken.get_ydata().tolist() == [2.5, 104, 1500]
    assert dashed.get_ydata().tolist() == [4, 400, 4000]
    assert all(word in texts(figure) for word in ("2.5 MB", "104 MB", "1.5 GB"))


@pytest.mark.parametrize(("synapses", "megabytes"), [([], []), ([10], [1, 2]), ([0], [1]), ([10], [float("nan")])])
def test_memory_says_what_it_expects(synapses, megabytes):
    with pytest.raises(ValueError, match="Expected as many positive numbers of synapses as megabytes"):
        plots.memory(synapses, megabytes)


def test_crossover_where_nothing_crosses():
    figure = plots.crossover([0.01, 0.1], [1e-3, 1e-3], [1e-5, 1e-4])
    assert is_drawn(figure)
    assert len(figure.axes[0].lines) == 2


@pytest.mark.parametrize(("dense", "word"), [([1.0], "all products"), ([1.0, -1.0], "all products")])
def test_crossover_says_what_it_expects(dense, word):
    with pytest.raises(ValueError, match=f"Expected 2 positive values of '{word}'"):
        plots.crossover([0.1, 0.2], dense, [1.0, 1.0])


@pytest.mark.parametrize("trace", [Trace([]), Trace(["a"]), Trace(["a", "b"], ["sigmoid", "bounded_relu"])])
def test_an_empty_run_is_drawn_too(trace):
    for figure in (plots.activation_curves(trace), plots.sharpener_chart(trace), plots.layer_health(trace)):
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

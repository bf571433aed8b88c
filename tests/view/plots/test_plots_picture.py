import io
import threading

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from whetstone_lab import plots
from whetstone_lab.method.depth_profile import DepthProfile
from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.records.trace import Trace
from whetstone_lab.simulator import Network, Node, run
from whetstone_lab.simulator.operations import Dense, Neurons
from whetstone_lab.view.palette import EITHER


@pytest.mark.parametrize("trace", [Trace([]), Trace(["a"]), Trace(["a", "b"], ["sigmoid", "bounded_relu"])])
def test_an_empty_run_is_drawn_too(trace):
    for figure in (plots.activation_curves(trace), plots.sharpener_chart(trace), plots.layer_health(trace)):
        figure.canvas.draw()


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


def test_dollars_in_the_name_of_a_layer_are_dollars():
    name = "$\\frac$"  # a formula that cannot be read
    trace = Trace([name])
    trace.append_batch(0, 1.0, [0.5])
    trace.append_epoch({"loss": 1.0}, {})
    network = Network((2,), [Node("sums", Dense(np.eye(2)), ("input",)), Node(name, Neurons(), ("sums",))])
    record = run(network, np.ones((1, 2)))
    profile = DepthProfile((name,), *[np.zeros(1 + (field in ("accuracy", "loss")))
                                      for field in list(DepthProfile.__annotations__)[1:]])
    for figure in (plots.activation_curves(trace), plots.sharpener_chart(trace), plots.layer_health(trace),
                   plots.spike_raster(record), plots.firing(network, np.ones(2)), plots.experiment(trace, record),
                   plots.depth_profile(profile)):
        figure.canvas.draw()


def test_what_is_long_stays_on_the_figure():
    name, nothing = "a_name_of_a_layer_that_is_longer_than_its_panel", np.zeros(0, np.int32)
    record = SpikeRecord((name, *"bcdefgh"), ((4,),) * 8, 1, nothing, nothing, nothing, nothing, np.ones((1, 3)),
                         np.arange(64, dtype=np.float32)[None] / 7, np.arange(64, dtype=np.float32)[None] / 9)
    figure = plots.network_diagram(record)
    figure.canvas.draw()
    assert figure.axes[0].get_title() == f"{name[:11]}…{name[-10:]}\n0 of 4 fire"
    gaps = ["…" in [text.get_text() for text in axes.texts] for axes in figure.axes]
    assert gaps == [False, False, False, True, False, False]
    right = max(artist.get_window_extent().x1 for artist in (figure._suptitle, *(axes.title for axes in figure.axes)))
    assert right <= figure.bbox.x1


def pixels(figure, dpi: float = 72) -> np.ndarray:
    return imread(io.BytesIO(figure.png(dpi)))


@pytest.fixture(scope="module")
def figures(finished_trace, spike_record):
    """A figure of each kind, with its pixels."""
    accuracies = np.array([[0.9, 0.91], [0.72, 0.81]])
    drawn = {"curves": plots.activation_curves(finished_trace), "sharpener": plots.sharpener_chart(finished_trace),
            "health": plots.layer_health(finished_trace), "raster": plots.spike_raster(spike_record),
            "faults": plots.fault_sweep("lost", [0, 0.1], {"mine": accuracies}, classes=10),
            "speed": plots.speed({"bare": 2e-4, "predict": 2.5e-4}), "memory": plots.memory([1e6, 1e9], [2.5, 1500]),
            "crossover": plots.crossover([0.01, 0.1, 1.0], [1e-3] * 3, [1e-5, 1e-4, 1e-2])}
    return {name: (figure, pixels(figure)) for name, figure in drawn.items()}


def test_no_figure_has_a_ground_of_its_own(figures):
    for name, (figure, image) in figures.items():
        clear = image[..., 3] == 0
        assert clear[0, 0], name
        assert clear[-1, -1], name
        assert clear.mean() > 0.4, name
        for axes in figure.axes:
            assert not axes.patch.get_visible(), name


def test_all_that_is_drawn_reads_on_white_and_on_black(figures):
    def lightness(colours: np.ndarray) -> np.ndarray:
        return colours @ [0.2126, 0.7152, 0.0722]

    for name, (_, image) in figures.items():
        solid = lightness(image[image[..., 3] > 0.97][:, :3])
        assert solid.size, name
        assert 0.25 < solid.min() <= solid.max() < 0.75, f"{name} has what only one ground shows"


def test_lines_of_equal_values_lie_side_by_side():
    trace = Trace(["a", "b", "c"])
    for epoch in range(9):
        trace.append_batch(epoch, 1.0, [0.5] * 3)
        trace.append_epoch({"loss": 1.0}, {}, firing_rates=[0.5] * 3)
    sharpener = plots.sharpener_chart(trace)
    np.testing.assert_array_equal([line.get_ydata() for line in sharpener.axes[1].lines], 0.5)
    same = {str(index): np.full((3, 2), 0.7) for index in range(3)}
    for figure in (sharpener, plots.layer_health(trace), plots.fault_sweep("lost", [0, 0.1, 0.2], same)):
        image = pixels(figure, dpi=100)
        for index in range(3):
            mine = (np.abs(image[..., :3] - to_rgb(EITHER.layer(index))).max(-1) < 0.02) & (image[..., 3] > 0.97)
            # The entry of the legend is some 15 wide; of the finest dashes less than half is ink.
            assert np.ptp(np.flatnonzero(mine.any(axis=0))) > 250, f"line {index} is hidden"
            assert mine.any(axis=0).sum() > 0.8 * [1, 0.7, 0.44][index] * 250, f"line {index} is hidden"

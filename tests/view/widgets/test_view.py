import csv
import io

import numpy as np
import pytest

from whetstone_lab.records.trace import Trace
from whetstone_lab.view import scenes
from whetstone_lab.view.widgets import ActivationCurves, SharpenerChart, SpikeRaster


def columns(text):
    names, *rows = csv.reader(io.StringIO(text))
    return {name: [row[at] for row in rows] for at, name in enumerate(names)}


def numbers(cells):
    return np.array([float(cell or "nan") for cell in cells])


def test_the_chart_gives_its_numbers_epoch_by_epoch(finished_trace, tmp_path):
    path = tmp_path / "chart.csv"
    text = SharpenerChart(finished_trace).to_csv(path)
    assert path.read_text() == text
    found, table = columns(text), scenes.epoch_table(finished_trace)
    assert list(found) == ["epoch", "loss", "reference", "stop", "improve", "sig_increase", "sig_decrease", "patience",
                           "sharpening"]
    assert found["epoch"] == [str(epoch + 1) for epoch in range(finished_trace.epochs)]
    for name in ("loss", "reference", "stop", "improve", "patience"):
        np.testing.assert_allclose(numbers(found[name]), table[name], rtol=1e-8)
    assert set(found["sharpening"]) == {"0", "1"}
    assert found["reference"][0] == "", "nothing to compare with is an empty cell"


def test_the_curves_give_the_sharpness_batch_by_batch(finished_trace):
    found = columns(ActivationCurves(finished_trace).to_csv())
    assert list(found) == ["epoch", "loss", *finished_trace.layers]
    assert numbers(found["epoch"])[-1] == finished_trace.epochs
    assert len(found["loss"]) == finished_trace.batches
    np.testing.assert_allclose(numbers(found["spiking_2"]), finished_trace.sharpness[:, 1], atol=1e-6)


def test_a_layer_may_be_called_like_a_column():
    trace = Trace(["epoch", "loss"])
    trace.append_batch(0, 2.0, [0.25, 0.5])
    table = ActivationCurves(trace).table()
    assert {name: float(values[0]) for name, values in table.items()} == {
        "epoch": 1.0, "loss": 2.0, "layer epoch": 0.25, "layer loss": 0.5}


def test_the_raster_gives_every_spike(spike_record):
    found = columns(SpikeRaster(spike_record, samples=5).to_csv())
    some = spike_record.select(np.arange(5))
    np.testing.assert_array_equal(numbers(found["neuron"]), some.neuron)
    np.testing.assert_array_equal(numbers(found["sample"]), some.sample)
    assert set(found["layer"]) == set(spike_record.layers)


def test_a_view_is_a_figure_for_a_paper(spike_record, tmp_path):
    view = SpikeRaster(spike_record)
    svg = view.to_svg(tmp_path / "figure.svg", ground="white")
    assert "<svg" in svg.read_text()
    clear, white = view.to_png(tmp_path / "a.png", dpi=40), view.to_png(tmp_path / "b.png", ground="white", dpi=40)
    from matplotlib.image import imread

    assert imread(clear)[0, 0, 3] == 0, "whatever it lies on shines through"
    assert imread(white)[0, 0].tolist() == [1, 1, 1, 1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png", "figure.svg"]


@pytest.mark.parametrize("make", [ActivationCurves, SharpenerChart, SpikeRaster])
def test_every_view_names_its_twin_in_matplotlib(make):
    name = {"SpikeRaster": "spike_raster", "SharpenerChart": "sharpener_chart",
            "ActivationCurves": "activation_curves"}[make.__name__]
    assert f":func:`whetstone_lab.view.plots.{name}`" in make.__doc__

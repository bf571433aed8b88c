import numpy as np
import pytest
import traitlets

from whetstone_lab import recordings
from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.simulator import Network, Node, Output, run
from whetstone_lab.simulator.operations import Dense
from whetstone_lab.view import scenes
from whetstone_lab.view.widgets import SpikeRaster, spike_raster


def read(bytes_, count):
    """Whole numbers, as wide as their bytes: what static/bytes.mjs does."""
    return np.frombuffer(bytes_, f"<u{len(bytes_) // count}")


def events(widget):
    return [read(widget.spikes[name], widget.spikes["ends"][-1]) for name in ("step", "layer", "neuron")]


def test_every_spike_arrives(spike_record):
    widget = SpikeRaster(spike_record)
    for sent, had in zip(events(widget), (spike_record.step, spike_record.layer, spike_record.neuron), strict=True):
        np.testing.assert_array_equal(sent, had)
    assert widget.spikes["ends"][-1] == spike_record.spikes
    assert np.diff([0, *widget.spikes["ends"]]).tolist() == spike_record.counts().sum(1).tolist()
    (reading,) = widget.about["readings"]
    assert (reading["classes"], reading["truth"]) == (spike_record.classes.tolist(), spike_record.labels.tolist())
    assert widget.about["sizes"] == [256, 64, 100]


@pytest.mark.parametrize(("steps", "layers", "neurons"), [
    (2, 2, 3), (256, 256, 256), (257, 257, 257), (65_536, 3, 65_536), (65_537, 70_000, 65_537), (4_000_000, 1, 99_999)])
def test_long_deep_and_broad_networks_arrive_as_they_are(steps, layers, neurons):
    had = [np.array([0, last - 1]) for last in (steps, layers, neurons)]
    record = SpikeRecord(tuple(map(str, range(layers))), ((neurons,),) * layers, steps, np.zeros(2, int), *had,
                         np.zeros((1, 5)), np.zeros((1, 0)))
    for sent, number in zip(events(SpikeRaster(record)), had, strict=True):
        np.testing.assert_array_equal(sent, number)


def test_a_map_of_very_many_classes_arrives_as_it_is():
    nothing, votes = np.zeros(0, int), np.zeros((1, 2, 70_000))
    votes[0, 1, 69_999] = 1
    widget = SpikeRaster(SpikeRecord(("a",), ((1,),), 1, nothing, nothing, nothing, nothing, np.zeros((1, 5)), votes))
    assert read(widget.maps["0"]["values"], 2).tolist() == [0, 69_999]


def test_pictures_are_sent_as_bytes(spike_record):
    widget = SpikeRaster(spike_record)
    assert widget.pictures["shape"] == [8, 8]
    sent = np.frombuffer(widget.pictures["values"], "u1").reshape(12, 64)
    np.testing.assert_allclose(sent / 255 * spike_record.inputs.max(), spike_record.inputs, atol=0.04)


def test_only_so_many_samples_are_sent(spike_record, monkeypatch):
    assert SpikeRaster(spike_record, samples=4).about["samples"] == 4
    monkeypatch.setattr(spike_raster, "_SPIKES", 250)
    widget = SpikeRaster(spike_record)
    assert widget.about["samples"] == int((np.cumsum(spike_record.counts().sum(1)) <= 250).sum()) == 2
    monkeypatch.setattr(spike_raster, "_SPIKES", 1)
    assert SpikeRaster(spike_record).about["samples"] == 1


def test_the_sample_that_is_picked_is_pictured(spike_record):
    widget = SpikeRaster(spike_record)
    widget.set_state({"sample": 5})
    assert widget.sample == 5
    assert widget.picture().get_suptitle() == "Sample 5: read as 3, in truth 5"
    with pytest.raises(traitlets.TraitError, match="Expected a sample from 0 to 11; got 12"):
        widget.sample = 12


def test_a_record_without_pictures_labels_or_votes():
    empty = np.zeros(0, np.int32)
    inputs, votes = np.zeros((2, 5), np.float32), np.zeros((2, 0))
    record = SpikeRecord(("a",), ((3, 3, 2),), 4, empty, empty, empty, empty, inputs, votes)
    widget = SpikeRaster(record)
    assert widget.pictures == {}
    assert widget.about["readings"] == []


def test_a_source_may_have_a_record(spike_record):
    class Holder:
        record = spike_record

    assert SpikeRaster(Holder()).about["samples"] == 12
    with pytest.raises(TypeError, match=r"Expected a SpikeRecord or something with a \.record"):
        SpikeRaster("record.npz")
    with pytest.raises(ValueError, match="at least one sample"):
        SpikeRaster(spike_record, samples=0)


def test_a_map_of_classes_is_sent_in_place_of_votes(map_record):
    widget = SpikeRaster(map_record)
    assert widget.maps["0"]["shape"] == [12, 12]
    sent = read(widget.maps["0"]["values"], 4 * 12 * 12).reshape(4, 12, 12)
    np.testing.assert_array_equal(sent, map_record.classes)
    (reading,) = widget.about["readings"]
    assert (reading["shown"], reading["votes"], reading["classes"]) == ("map", [], [])
    assert len(set(reading["colours"])) == 5
    assert widget.picture().get_suptitle() == "Sample 0: a class for each place"


def test_places_in_a_row_become_a_map_of_one_row(map_record):
    nothing = np.zeros(0, np.int32)
    record = SpikeRecord(("a",), ((3,),), 1, nothing, nothing, nothing, nothing, np.zeros((2, 3)), np.zeros((2, 7, 4)))
    assert SpikeRaster(record).maps["0"]["shape"] == [1, 7]


def test_a_network_without_neurons_is_shown(silent_record):
    widget = SpikeRaster(silent_record)
    assert repr(widget) == "SpikeRaster(2 samples; no neurons)"
    assert (widget.about["bands"], widget.about["sizes"], widget.spikes["ends"]) == ([], [], [0, 0])
    assert widget.about["readings"][0]["classes"] == silent_record.classes.tolist()
    assert widget.maps == {}


def test_every_output_is_sent_with_its_words_so_that_the_page_decides_nothing():
    network = Network((2,), [Node("a", Dense(np.float32([[1], [0]])), ("input",)),
                             Node("b", Dense(np.eye(2)), ("input",))],
                      outputs={"sure": Output("a", "logit"), "size": Output("b", "values"),
                               "each": Output("b", "sigmoid")})
    widget = SpikeRaster(run(network, [[1, -2], [-1, 3]], labels={"sure": [1, 1], "size": [[1, -2], [0, 0]]}))
    sure, size, each = widget.about["readings"]
    assert (sure["name"], sure["shown"], sure["votes"]) == ("sure", "votes", [[-1, 1], [1, -1]])
    assert (sure["wrong"], sure["words"]) == ([False, True], ["read as 1, which is right", "read as 0, in truth 1"])
    assert (size["shown"], size["wrong"], size["truth"]) == ("values", [False, False], [[1, -2], [0, 0]])
    assert (each["shown"], len(each["colours"])) == ("map", 2)
    assert list(widget.maps) == ["2"]
    assert read(widget.maps["2"]["values"], 4).tolist() == [1, 0, 0, 1]


def test_the_order_that_is_picked_holds_for_what_is_saved():
    record = recordings.digits_spikes()
    widget = SpikeRaster(record, order="rate")
    assert (widget.order, widget.state()["order"]) == ("rate", "rate")
    widget.set_state({"order": "class"})
    table = widget.table()
    rows, where = scenes.rows(record, "class"), zip(record.layer, record.neuron, strict=True)
    assert table["row"].tolist() == [rows[layer][neuron] for layer, neuron in where]
    assert widget.to_csv().splitlines()[0] == "sample,layer,neuron,step,row"
    assert "by class of the key" in widget.picture().axes[1].get_xlabel()
    assert (SpikeRaster(record).table()["row"] == record.neuron).all()
    assert widget.about["keyed"]["2"] == scenes.keyed(record)[2].tolist()
    with pytest.raises(traitlets.TraitError, match="Expected an order among"):
        widget.order = "size"


def test_an_order_by_class_needs_a_key(spike_record):
    assert list(SpikeRaster(spike_record).about["orders"]) == ["number", "rate"]
    with pytest.raises(ValueError, match="The record names no key"):
        SpikeRaster(spike_record, order="class")

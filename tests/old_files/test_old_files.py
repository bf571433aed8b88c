"""Files that earlier versions wrote load for good, and what they hold does what it did. Written by ``make.py``."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

import whetstone_lab as wl

HERE = Path(__file__).parent
EVENTS = ("sample", "step", "layer", "neuron")
NETWORKS = ["first/network", *(f"0.1.0/network_{name}" for name in (
    "chain", "without_biases", "branches", "over_time", "of_places", "of_spikes"))]

#: The names that operations have in files, whatever their classes are called.
KINDS = {"Neurons", "Dense", "Conv2D", "Conv2DTranspose", "MaxPool2D", "AveragePool2D", "GlobalMaxPool2D",
         "GlobalAveragePool2D", "Reshape", "Permute", "Pad2D", "UpSample2D", "Scale", "Rectify", "Add", "Concatenate"}


def expected_arrays(path):
    with np.load(path.with_name(f"{path.stem}.expected.npz")) as arrays:
        return dict(arrays)


def header_of(path):
    with np.load(path) as arrays:
        return json.loads(arrays["header"].tobytes())


def assert_same_run(network, expected):
    """A network runs as it did: spike for spike, and to the bit, as all sums in these networks are exact."""
    facts = json.loads(expected["facts"].tobytes())
    assert list(network.layers) == facts["layers"]
    for name in ("readout", "neurons", "synapses", "latency", "meta"):
        assert getattr(network, name) == facts[name], name
    assert [node.name for node in network.nodes] == facts["names"]
    assert str(network.dtype) == facts["dtype"]
    if "key" in expected:
        np.testing.assert_array_equal(network.key, expected["key"])
    else:
        assert network.key is None
    record = wl.run(network, expected["inputs"], membranes=True)
    assert record.steps == expected["steps"]
    assert [list(shape) for shape in record.shapes] == facts["shapes"]
    for name in (*EVENTS, "votes", "classes"):
        np.testing.assert_array_equal(getattr(record, name), expected[name], name)
    for layer in range(len(record.layers)):
        np.testing.assert_array_equal(record.membranes[layer], expected[f"potentials_{layer}"])


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_runs_as_it_did(name):
    path = HERE / f"{name}.npz"
    assert_same_run(wl.Network.load(path), expected_arrays(path))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_saved_anew_is_the_same(name, tmp_path):
    path = HERE / f"{name}.npz"
    assert_same_run(wl.Network.load(wl.Network.load(path).save(tmp_path / "again.npz")), expected_arrays(path))


def test_the_networks_hold_every_kind_of_operation_and_way_to_read():
    headers = [header_of(HERE / f"{name}.npz") for name in NETWORKS]
    assert {node["operation"] for header in headers for node in header["nodes"]} == KINDS
    assert {header["readout"] for header in headers} == {"key", "linear", "softmax", "spikes"}
    assert {(header["format"], header["version"]) for header in headers} == {("whetstone_lab.network", 1)}


def test_a_network_of_the_first_format_says_nothing_of_time_and_groups():
    options = [node["options"] for node in header_of(HERE / "first/network.npz")["nodes"]]
    assert not any({"leak", "refractory", "delay", "reset", "groups"} & set(option) for option in options)


@pytest.mark.parametrize("name", ["image", "linear"])
def test_a_nir_file_runs_as_it_did(name, old_file):
    pytest.importorskip("nir")
    assert_same_run(wl.from_nir(old_file(f"0.1.0/{name}.nir")), expected_arrays(HERE / f"0.1.0/{name}.npz"))


def test_a_record_with_labels_and_membranes():
    path = HERE / "0.1.0/record.npz"
    record, expected = wl.SpikeRecord.load(path), expected_arrays(path)
    for name in (*EVENTS, "inputs", "labels", "votes", "classes", "latency"):
        np.testing.assert_array_equal(getattr(record, name), expected[name], name)
    np.testing.assert_array_equal(record.counts(), expected["counts"])
    assert sorted(record.membranes) == [0, 1]
    for layer, potentials in record.membranes.items():
        np.testing.assert_array_equal(potentials, expected[f"potentials_{layer}"])
    assert record.meta == {"readout": "key", "record": "events", "note": "with labels and membranes"}


@pytest.mark.parametrize(("name", "made_by"), [
    ("0.1.0/record_of_places", "0.1.0/network_of_places"), ("first/record", "first/network")])
def test_a_record_holds_what_its_network_did(name, made_by):
    record, expected = wl.SpikeRecord.load(HERE / f"{name}.npz"), expected_arrays(HERE / f"{made_by}.npz")
    for name in (*EVENTS, "inputs", "votes", "classes"):
        np.testing.assert_array_equal(getattr(record, name), expected[name], name)
    for layer in range(len(record.layers)):
        np.testing.assert_array_equal(record.membranes[layer], expected[f"potentials_{layer}"])
    assert record.votes.shape[-1] == 3


def test_votes_of_places_have_an_axis_for_each():
    assert wl.SpikeRecord.load(HERE / "0.1.0/record_of_places.npz").votes.shape == (5, 3, 4, 3)


def assert_same_trace(trace, expected):
    for name in ("policy", "meta", "epoch_logs", "states"):
        np.testing.assert_equal(getattr(trace, name), expected[name], name)  # NaN equals itself here
    assert [list(trace.layers), list(trace.curves)] == [expected["layers"], expected["curves"]]
    events = [{name: getattr(event, name) for name in ("batch", "epoch", "kind", "reason", "layer", "values")}
              for event in trace.events]
    np.testing.assert_equal(events, expected["events"])
    for name in ("loss", "epoch_of_batch", "sharpness", "epoch_ends", "bins"):
        np.testing.assert_array_equal(getattr(trace, name), expected[name], name)
    for name in ("firing_rates", "histograms"):
        np.testing.assert_array_equal(getattr(trace, name), np.float32(expected[name]), name)
    assert trace.thresholds_at(trace.batches) == expected["thresholds_at_the_end"]
    assert trace.status == "recorded"


@pytest.mark.parametrize("folder", ["0.1.0", "first"])
def test_a_trace(folder, tmp_path):
    path = HERE / folder / "trace.npz"
    expected = json.loads(path.with_suffix(".expected.json").read_text(encoding="utf-8"))
    assert {event["kind"] for event in expected["events"]} == {
        "start", "stop", "improve", "wait", "sharp", "done", "threshold", "warning"}
    trace = wl.Trace.load(path)
    for again in (trace, wl.Trace.load(trace.save(tmp_path / "again.npz"))):
        assert_same_trace(again, expected)
        for name in ("never_firing", "always_firing", "gradient_flow", "saturation"):
            known = expected.get("layer_metrics", {name: np.full((again.epochs, 2), np.nan)})[name]
            np.testing.assert_array_equal(again.layer_metric(name), np.float32(known), name)


def test_the_first_traces_lack_the_metrics_of_layers():
    with zipfile.ZipFile(HERE / "first/trace.npz") as file:
        assert "never_firing.npy" not in file.namelist()
    assert np.isnan(wl.Trace.load(HERE / "first/trace.npz").layer_metric("never_firing")).all()
    assert not np.isnan(wl.Trace.load(HERE / "0.1.0/trace.npz").layer_metric("never_firing")).all()

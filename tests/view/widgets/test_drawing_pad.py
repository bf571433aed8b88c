import json

import numpy as np
import pytest

from whetstone_lab import datasets
from whetstone_lab.course import kept
from whetstone_lab.simulator import Network, run
from whetstone_lab.simulator.operations import Conv2D, Dense, Neurons, Reshape
from whetstone_lab.view.widgets import DrawingPad


@pytest.fixture(scope="module")
def digits():
    return datasets.load_digits()


def without_bytes(value):
    if isinstance(value, dict):
        return {name: without_bytes(item) for name, item in value.items()}
    if isinstance(value, list):
        return [without_bytes(item) for item in value]
    return len(value) if isinstance(value, bytes) else value


def test_a_page_gets_all_it_needs_to_do_without_python(digits):
    pad = DrawingPad(kept.network("digits"), digits.x_test, digits.y_test)
    state = pad.get_state()
    assert state["samples"]["count"] == len(digits.x_test)
    assert state["network"]["decides"] is True
    assert state["about"]["preparation"]["ink"] == pytest.approx(digits.x_train.mean(), abs=0.003)
    json.dumps(without_bytes({name: state[name] for name in ("network", "samples", "about")}), allow_nan=False)
    arrays = [array for node in state["network"]["nodes"] for array in node["arrays"].values()]
    assert sum(len(array["values"]) for array in arrays) < 165_000


def test_what_was_drawn_can_be_simulated_in_a_cell(digits):
    network = kept.network("digits")
    pad = DrawingPad(network)
    assert repr(pad) == "DrawingPad(8x8 pixels, 3 layers, 0 samples)"
    assert pad.image.tolist() == [0.0] * 64
    pad.set_state({"drawn": memoryview(digits.x_test[3].tobytes())})  # as ipywidgets has what a page sends
    np.testing.assert_array_equal(pad.image, digits.x_test[3])
    assert pad.image.dtype == np.float32
    best = int(run(network, pad.image[None]).classes[0])
    assert pad.picture().get_suptitle() == f"Read as {best}"
    table, record = pad.table(), run(network, pad.image[None])
    kind, layer, value = (np.array(table[name]) for name in ("kind", "layer", "value"))
    np.testing.assert_array_equal(value[kind == "picture"], digits.x_test[3])
    np.testing.assert_array_equal(value[(kind == "spike") & (layer == "output")], record.dense("output")[0].any(axis=0))
    assert value[kind == "spike"].sum() == record.spikes
    assert value[kind == "vote"].tolist() == record.votes[0].tolist()
    assert table["number"][kind == "vote"].tolist() == [*range(10)]
    assert pad.to_csv().splitlines()[0] == "kind,layer,number,value"


def test_what_it_leaves_behind_shows_the_first_sample_until_something_is_drawn(digits):
    network = kept.network("digits")
    shown = DrawingPad(network, digits.x_test[5:], digits.y_test[5:]).picture().get_suptitle()
    assert shown == f"Read as {run(network, digits.x_test[5:6]).classes[0]}"


@pytest.mark.parametrize(("network", "words"), [
    (Network((7,), [Dense(np.ones((7, 2))), Neurons(0.5)], key=[[1, 0], [0, 1]]), "shown pictures"),
    (Network((16,), [Dense(np.ones((16, 2)))], readout="values"), "one class a sample; this one is read as 'values'"),
    (Network((4, 4, 1), [Conv2D(np.ones((1, 1, 1, 2)))]), "one class a sample; this one is read as 'linear', shape"),
    (Network((16,), [Neurons(0.5, leak=0.1)], key=np.eye(16)), "remember nothing")])
def test_a_network_that_no_drawing_suits_is_refused(network, words):
    with pytest.raises(ValueError, match=words):
        DrawingPad(network)


@pytest.mark.parametrize(("shape", "box", "stretch"), [
    ((8, 8, 1), [8, 5.5], True), ((28, 28, 1), [20, 20], False), ((32, 32, 3), [28, 28], False)])
def test_drawings_are_made_as_the_pictures_of_that_size_were(shape, box, stretch):
    network = Network(shape, [Reshape(), Dense(np.ones((np.prod(shape), 2), np.float32))])
    preparation = DrawingPad(network).about["preparation"]
    assert (preparation["box"], preparation["stretch"], preparation["channels"]) == (box, stretch, shape[2])
    assert preparation["words"]

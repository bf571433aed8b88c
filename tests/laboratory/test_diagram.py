"""The diagram of a network, and what all views of a run together send."""

from types import SimpleNamespace

import numpy as np
import pytest

from whetstone_lab import widgets
from whetstone_lab.course import kept
from whetstone_lab.datasets import load_digits
from whetstone_lab.laboratory.settings import Settings
from whetstone_lab.records.trace import Trace
from whetstone_lab.simulator import Network, Node, Output, run
from whetstone_lab.simulator.operations import Dense, Neurons
from whetstone_lab.widgets import Laboratory, NetworkDiagram


@pytest.fixture
def network():
    return kept.network("digits")


@pytest.fixture
def sent(monkeypatch):
    """What diagrams say besides their state."""
    found = []
    monkeypatch.setattr(NetworkDiagram, "send", lambda self, content, buffers=(): found.append(content))
    return found


def test_a_network_by_itself_is_drawn_with_the_spikes_of_a_sample(network, sent):
    data = load_digits()
    diagram = NetworkDiagram(network, data.x_test, data.y_test)
    state = diagram.get_state()
    assert [(layer["name"], layer["size"]) for layer in state["drawn"]["layers"]] == [
        (name, int(np.prod(network.shapes[name]))) for name in network.layers]
    assert (state["drawn"]["picture"]["size"], state["drawn"]["apart"], state["pictures"]["count"]) == (64, True, 10)
    assert state["drawn"]["first"] == 0
    diagram._handle_custom_msg({"kind": "wave", "epoch": 0, "sample": 3, "by": "me"}, [])
    assert (sent[-1]["sample"], sent[-1]["by"], sent[-1]["about"]["readings"][0]["words"]) == (
        3, "me", ["read as 3, which is right"])
    record = run(network, data.x_test[data.y_test == 3][:1])
    table = diagram.table(sample=3)
    assert table["fires"].sum() == len(record.neuron)
    assert [str(name) for name in table["layer"][[0, -1]]] == [network.layers[0], network.layers[-1]]
    assert 0 <= table["rate"].min() < table["rate"].max() <= 1
    titles = [axes.get_title() for axes in diagram.picture(sample=3).axes]
    assert titles[1:] == [f"{name}\n{int((record.layer == layer).sum())} of {size} fire"
                          for layer, (name, size) in enumerate(zip(record.layers, record.sizes, strict=True))]
    taken = diagram.state()
    assert (taken["drawn"]["away"], taken["networks"]["epochs"]) == (True, [0]), "a page computes its waves by itself"
    for ask in (diagram.table, diagram.picture):
        with pytest.raises(ValueError, match="Expected a sample from 0 to 9; got 10"):
            ask(sample=10)


def test_without_samples_it_draws_the_neurons_and_says_that_nothing_ran(network):
    diagram = NetworkDiagram(network)
    assert len(diagram.get_state()["drawn"]["layers"]) == 3
    assert np.isnan(diagram.table()["fires"]).all()
    [words] = diagram.picture().texts
    assert words.get_text().startswith("not run yet: hidden_1, 256 neurons")


def test_of_a_run_it_shows_the_network_that_came_of_it(network, finished_trace, sent):
    data = load_digits()
    diagram = NetworkDiagram(finished_trace, data.x_test, data.y_test, network=network)
    lab = Laboratory(finished_trace, network=network, x=data.x_test, y=data.y_test)
    beside = NetworkDiagram(lab)
    assert diagram.get_state()["drawn"]["first"] == lab.setup["first"] == finished_trace.epochs
    assert beside.get_state()["trace"] == diagram.get_state()["trace"] == lab.get_state()["trace"], "one cursor"
    for each in (diagram, beside):
        each._handle_custom_msg({"kind": "wave", "epoch": finished_trace.epochs, "sample": 0}, [])
        assert sent[-1]["epoch"] == finished_trace.epochs
    np.testing.assert_array_equal(diagram.table(sample=4)["fires"], beside.table(sample=4)["fires"])
    with pytest.raises(ValueError, match="Expected a run beside its network"):
        NetworkDiagram(finished_trace)
    with pytest.raises(ValueError, match="Expected a laboratory alone"):
        NetworkDiagram(lab, data.x_test)
    with pytest.raises(ValueError, match="Expected"):
        NetworkDiagram(network, data.x_test[:, :3])
    with pytest.raises(TypeError, match="Expected a Trace"):
        NetworkDiagram([1])


def test_of_several_outputs_the_neurons_that_fire_are_drawn():
    nodes = [Node("neurons", Neurons(0.5), ("input",)), *(Node(name, Dense(np.eye(2)), ("neurons",)) for name in "ab")]
    network = Network((2,), nodes, outputs={name: Output(name, "values") for name in "ab"})
    diagram = NetworkDiagram(network, np.eye(2))
    assert diagram.table(sample=1)["fires"].tolist() == [0, 1]
    assert diagram.state()["networks"]["waves"][0][0]["classes"] == []
    with pytest.raises(ValueError, match="Expected one y; got one for each output: a, b"):
        NetworkDiagram(network, np.eye(2), {"a": np.eye(2), "b": np.eye(2)})


def test_of_an_experiment_to_be_it_shows_the_layers_to_come(tmp_path):
    lab = Laboratory(preset="tiny", folder=tmp_path)
    diagram = NetworkDiagram(lab.bench)
    assert [layer["size"] for layer in diagram.get_state()["drawn"]["layers"]] == [16, 100]
    lab.bench.reset(Settings(network="small"))
    assert [layer["size"] for layer in diagram.get_state()["drawn"]["layers"]] != [16, 100]


def test_of_a_run_that_trains_it_notes_the_network_after_each_epoch(made_up_run, monkeypatch):
    import keras

    import whetstone_lab as wl

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((16,)), keras.layers.Dense(4), wl.SpikingBReLU(name="spiking_1")])
    trace = made_up_run(layers=1, probe=False)
    diagram = NetworkDiagram(SimpleNamespace(trace=trace.trace, model=model), np.ones((2, 16), np.float32))
    assert [layer["size"] for layer in diagram.get_state()["drawn"]["layers"]] == [4]
    before = diagram.table()["fires"]
    trace.epoch()
    model.layers[0].bias.assign(np.where(before, -100, 100).astype(np.float32))
    trace.epoch()
    np.testing.assert_array_equal(diagram.table()["fires"], 1 - before)
    np.testing.assert_array_equal(diagram.table(epoch=1)["fires"], before)
    assert list(diagram.snapshots.networks) == [0, 1, 2]
    # A cell is run again while the run pauses or trains: what was known is known.
    trace.trace.status = "running"
    again = NetworkDiagram(diagram.source, np.zeros((1, 16), np.float32))
    assert (list(again.snapshots.networks), again.get_state()["drawn"]["first"]) == ([0, 1, 2], 0)
    trace.epoch()
    assert list(again.snapshots.networks) == [0, 1, 2, 3]
    trace.trace.status = "paused"
    diagram.close()
    paused = made_up_run(layers=1, probe=False)
    paused.epoch()
    paused.trace.status = "paused"
    assert list(NetworkDiagram(SimpleNamespace(trace=paused.trace, model=model)).snapshots.networks) == [1]
    # What cannot be drawn is said, and ends no training.
    begun = SimpleNamespace(trace=made_up_run(layers=1, probe=False).trace, model=model)
    narrow = NetworkDiagram(begun, np.ones((2, 3)))
    assert narrow.get_state()["drawn"]["refused"].startswith("There is no network to draw. Expected")
    assert NetworkDiagram(diagram.source, np.ones((2, 3))).get_state()["drawn"]["layers"] == []
    strange = made_up_run(layers=1, probe=False)
    diagram = NetworkDiagram(SimpleNamespace(trace=strange.trace, model=None))
    diagram.source.model = SimpleNamespace(built=True)  # stands for a model of a class of its own
    strange.epoch()
    assert "expected a Sequential or functional Keras model" in diagram.get_state()["drawn"]["refused"]
    diagram.source.model = object()  # of which nothing is known
    strange.epoch()
    assert diagram._unsubscribe is None, "it follows no more, and the run goes on"


def test_a_run_that_was_stopped_can_be_gone_on_with_at_once(tmp_path, finished_trace):
    lab, trace = Laboratory(folder=tmp_path), Trace.from_parts(*finished_trace.to_parts())
    bench, epochs = lab.bench, trace.epochs
    bench.trace.hand_over(trace)
    bench.trace = trace
    trace.set_status("running")
    bench.number = bench.experiments.keep(trace, Settings(epochs=epochs + 5)).number
    bench.experiments.checkpoints(bench.number).keep(epochs - 1, {})
    bench._tell()
    assert [each["goesOn"] for each in lab.kept] == [0], "it goes on as it is"
    trace.set_status("stopped")
    assert [each["goesOn"] for each in lab.kept] == [epochs - 1]


def test_all_views_of_a_run_together_send_less_than_two_kilobytes_an_update(network, made_up_run, monkeypatch):
    import ipywidgets
    from ipywidgets.widgets.widget import _remove_buffers
    from jupyter_client.session import json_packer

    sizes = []
    monkeypatch.setattr(ipywidgets.Widget, "_send", lambda self, message, buffers=None: sizes.append(
        len(json_packer(_remove_buffers(message)[0])) + sum(memoryview(part).nbytes for part in buffers or [])))
    run = made_up_run()
    run.trace.status = "running"
    for _ in range(12):  # some of which sharpen, so that all there is changes
        run.epoch()
    source = SimpleNamespace(trace=run.trace)
    views = [widgets.ActivationCurves(source), widgets.SharpenerChart(source), widgets.AccuracyChart(source),
             Laboratory(source), NetworkDiagram(source, network=network)]

    def update():
        sizes.clear()
        for view in views:
            view._update(run.trace)
        return sum(sizes)

    for _ in range(20):
        run.batch()
        assert update() < 1_300
    run.end_epoch()
    assert update() < 2_400

"""NIR graphs with several inputs and outputs, and a logit that answers with a spike."""

import nir
import numpy as np
import pytest
from nir_graphs import cuba, quarters

from whetstone_lab.exchange.nir import from_nir, to_nir
from whetstone_lab.method import class_keys
from whetstone_lab.simulator import Network, Node, Output, predict, run
from whetstone_lab.simulator.operations import Add, Dense, Neurons, Pad2D, Reshape, Scale

KEY = class_keys.make_key(2, 6)
X = {"left": quarters(60, 5), "right": quarters(60, 3)}


def network():
    return Network({"left": (5,), "right": (3,)}, [
        Node("a", Dense(quarters(5, 6)), ("left",)), Node("b", Dense(quarters(3, 6)), ("right",)),
        Node("sum", Add(), ("a", "b")), Node("fired", Neurons(0.5), ("sum",)),
        Node("sure/now", Dense(quarters(6, 1)), ("fired",)), Node("size", Dense(quarters(6, 2)), ("fired",))],
        outputs={"kind": Output("fired", key=KEY), "sure/now": Output("sure/now", "logit", threshold=0.25),
                 "size": Output("size", "values"), "same": Output("fired")})


def test_several_inputs_and_outputs_are_as_many_nodes(tmp_path):
    graph = to_nir(network(), tmp_path / "several.nir")
    kinds = {name: type(node).__name__ for name, node in graph.nodes.items()}
    assert [name for name, kind in kinds.items() if kind == "Input"] == ["left", "right"]
    assert [name for name, kind in kinds.items() if kind == "Output"] == [
        "output_kind", "output_sure_now", "output_size", "output_same"]
    record = run(network(), X)
    for again in (from_nir(graph), from_nir(tmp_path / "several.nir")):
        assert again.inputs == network().inputs
        assert {name: (head.kind, head.threshold) for name, head in again.heads.items()} == {
            "kind": ("key", 0), "sure/now": ("logit", 0.25), "size": ("values", 0), "same": ("spikes", 0)}
        found = run(again, X)
        for name in again.heads:
            np.testing.assert_array_equal(found.votes[name], record.votes[name])
            np.testing.assert_array_equal(found.classes[name], record.classes[name])
        np.testing.assert_array_equal(found.neuron, record.neuron)


def test_a_graph_of_others_has_the_names_of_its_nodes():
    four = {"input": np.array([4])}
    graph = nir.NIRGraph(
        {"one": nir.Input(four), "two": nir.Input(four), "n": cuba(), "first": nir.Output({"output": np.array([4])}),
         "second": nir.Output({"output": np.array([4])})},
        [("one", "n"), ("two", "n"), ("n", "first"), ("n", "second")])
    read = from_nir(graph)
    assert read.inputs == {"one": (4,), "two": (4,)}
    assert read.read == {"first": "n", "second": "n"}
    graph.edges = [("one", "n"), ("n", "first"), ("two", "second")]
    with pytest.raises(ValueError, match="nodes between its input and its output"):
        from_nir(graph)


def test_what_nir_cannot_say_of_an_output_is_refused_by_its_name():
    padded = Network((2, 2, 1), [Node("wide", Pad2D((1, 1), (1, 1)), ("input",)), Node("raw", Neurons(), ("input",))],
                     outputs={"wide": Output("wide", "values"), "raw": Output("raw")})
    with pytest.raises(ValueError, match="Node 'wide', Pad2D: NIR pads only in convolutions"):
        to_nir(padded)


@pytest.mark.parametrize("threshold", [0.0, 0.25])
def test_a_logit_that_answers_with_a_spike_decides_alike_everywhere(threshold):
    weights = quarters(5, 1, seed=3)
    logit = Network((5,), [Dense(weights, np.float32([0.25]))], readout="logit", threshold=threshold)
    classes = predict(logit, X["left"])
    assert (X["left"] @ weights + 0.25 == threshold).any()
    spiking = logit.fire_answer()
    assert spiking.latency == 1
    assert len(spiking.nodes) == 2
    absorbed = spiking.absorb_biases()
    for other in (spiking, absorbed, from_nir(to_nir(spiking)), from_nir(to_nir(absorbed))):
        np.testing.assert_array_equal(predict(other, X["left"]), classes)
        answer = run(other, X["left"]).dense("answer")[:, 0]
        np.testing.assert_array_equal(answer, np.stack([classes == 0, classes == 1], -1))


def test_a_logit_of_any_make_can_answer():
    single = Network((1,), [Scale(2.0), Reshape(())], readout="sigmoid")
    x = np.float32([[0.5], [0], [-1]])
    assert predict(single.fire_answer(), x).tolist() == predict(single, x).tolist() == [1, 0, 0]


def test_only_one_logit_can_answer_with_a_spike():
    for made in (Network((5,), [Dense(quarters(5, 1))]), Network((5,), [Dense(quarters(5, 2))], readout="logit")):
        with pytest.raises(ValueError, match="output is one logit or sigmoid"):
            made.fire_answer()
    taken = Network((5,), [Node("answer", Dense(quarters(5, 1)), ("input",))], readout="logit").fire_answer()
    assert [node.name for node in taken.nodes] == ["answer", "answer_2"]

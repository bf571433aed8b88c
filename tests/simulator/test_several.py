"""Networks with several inputs and outputs: built, run, scored, damaged, kept."""

import numpy as np
import pytest

from whetstone_lab.records import archive
from whetstone_lab.records.archive import ArchiveError
from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.simulator import (
    Faults,
    Network,
    Node,
    Output,
    count_operations,
    evaluate,
    predict,
    rate_coded,
    run,
    sweep,
)
from whetstone_lab.simulator.operations import Concatenate, Dense, Neurons, ReLU

RNG = np.random.default_rng(0)
WEIGHTS = {name: RNG.integers(-3, 4, shape).astype(np.float32) for name, shape in (
    ("mix", (5, 6)), ("kind", (6, 3)), ("sure", (6, 1)))}
X = [RNG.integers(-2, 3, (40, 3)).astype(np.float32), RNG.integers(-2, 3, (40, 2)).astype(np.float32)]


def network(neurons=None):
    return Network({"left": (3,), "right": (2,)}, [
        Node("both", Concatenate(), ("left", "right")), Node("mix", Dense(WEIGHTS["mix"], np.ones(6)), ("both",)),
        Node("fired", neurons or Neurons(1.0), ("mix",)), Node("kind", Dense(WEIGHTS["kind"]), ("fired",)),
        Node("sure", Dense(WEIGHTS["sure"]), ("fired",))],
        outputs={"kind": Output("kind", "softmax"), "sure": Output("sure", "logit", threshold=1.0),
                 "seen": Output("fired"), "raw": Output("mix", "values")}, meta={"name": "both"})


def by_hand():
    mixed = np.concatenate(X, axis=1) @ WEIGHTS["mix"] + 1
    fired = (mixed >= 1).astype(np.float32)
    return mixed, fired, fired @ WEIGHTS["kind"], (fired @ WEIGHTS["sure"])[:, 0]


def test_every_output_is_read_in_its_own_way():
    mixed, fired, kind, sure = by_hand()
    labels = {"kind": kind.argmax(1), "raw": mixed + 1}
    record = run(network(), X, labels=labels)
    np.testing.assert_array_equal(record.dense("fired")[:, 0], fired)
    np.testing.assert_array_equal(record.votes["kind"], kind)
    np.testing.assert_array_equal(record.classes["sure"], sure > 1)
    assert (sure == 1).any()
    assert record.votes["seen"].shape == (40, 0)
    np.testing.assert_array_equal(record.votes["raw"], mixed)
    assert [record.labels[name].shape for name in ("kind", "sure", "raw")] == [(40,), (0,), (40, 6)]
    assert record.meta["readout"] == {"kind": "softmax", "sure": "logit", "seen": "spikes", "raw": "values"}
    classes = predict(network(), X)
    assert list(classes) == ["kind", "sure"]
    np.testing.assert_array_equal(classes["kind"], kind.argmax(1))
    assert evaluate(network(), X, labels) == {"kind": {"accuracy": 1.0}, "raw": {
        "mean_absolute_error": 1.0, "mean_squared_error": 1.0}}
    np.testing.assert_array_equal(run(network(), X, batch_size=7).votes["kind"], kind)
    assert predict(network(), [part[:0] for part in X])["kind"].shape == (0,)


def test_over_time_each_input_has_its_steps():
    shown = [np.stack([part, part], axis=1) for part in X]
    record = run(network(), shown)
    np.testing.assert_array_equal(record.votes["kind"], 2 * by_hand()[2])
    np.testing.assert_array_equal(run(network(), shown, timing="instant").votes["sure"],
                                  2 * run(network(), X).votes["sure"])


def test_one_output_of_a_record_alone():
    record = run(network(), X, labels=[by_hand()[2].argmax(1), None, None, None])
    assert record.outputs == ("kind", "sure", "seen", "raw")
    one = record.output("kind")
    assert (one.outputs, one.meta["readout"], one.spikes) == ((), "softmax", record.spikes)
    np.testing.assert_array_equal(one.classes, record.classes["kind"])
    some = record.select([3, 1])
    np.testing.assert_array_equal(some.inputs["right"], X[1][[3, 1]])
    np.testing.assert_array_equal(some.classes["kind"], record.classes["kind"][[3, 1]])
    assert some.samples == 2
    with pytest.raises(KeyError, match="an output among"):
        record.output("loud")


def test_files_keep_all_of_it(tmp_path):
    again = Network.load(network().save(tmp_path / "network.npz"))
    assert repr(again) == repr(network())
    record = run(again, X, labels={"kind": np.zeros(40, int)}, membranes=True)
    kept = SpikeRecord.load(record.save(tmp_path / "record.npz"))
    assert kept.meta == record.meta
    for part in ("inputs", "votes", "labels", "classes"):
        mine, other = getattr(kept, part), getattr(record, part)
        assert list(mine) == list(other)
        for name in mine:
            np.testing.assert_array_equal(mine[name], other[name])
    np.testing.assert_array_equal(kept.membranes[0], record.membranes[0])


def test_files_that_do_not_fit_together_are_refused(tmp_path):
    header, arrays = archive.read(network().save(tmp_path / "network.npz"), "whetstone_lab.network", 2)
    for wrong in ({"outputs": {}}, {"outputs": {"kind": {"node": "gone"}}}, {"outputs": [1]}, {"inputs": {"left": [3]}},
                  {"inputs": [3]}, {"outputs": header["outputs"] | {"kind": {
                      "node": "kind", "readout": None, "threshold": 0, "key": "key_9"}}}):
        archive.write(tmp_path / "wrong.npz", "whetstone_lab.network", 2, header | wrong, arrays)
        with pytest.raises(ArchiveError):
            Network.load(tmp_path / "wrong.npz")
    header, arrays = archive.read(run(network(), X).save(tmp_path / "record.npz"), "whetstone_lab.spike_record", 2)
    shorter = arrays | {"inputs_1": arrays["inputs_1"][:5]}
    for facts, held in ((header | {"outputs": ["kind"] * 2}, arrays), (header | {"outputs": []}, arrays),
                        (header | {"inputs": "left"}, arrays), (header, shorter),
                        (header | {"outputs": ["a", "b", "c", "d", "e"]}, arrays)):
        archive.write(tmp_path / "wrong.npz", "whetstone_lab.spike_record", 2, facts, held)
        with pytest.raises(ArchiveError):
            SpikeRecord.load(tmp_path / "wrong.npz")


def test_a_network_of_one_input_and_output_is_kept_as_earlier_releases_read_it(tmp_path):
    one = Network((2,), [Dense(np.float32([[1], [-1]]))], readout="logit", threshold=0.5)
    header, _ = archive.read(one.save(tmp_path / "one.npz"), "whetstone_lab.network", 1)
    assert (header["input_shape"], header["readout"], header["threshold"]) == ([2], "logit", 0.5)
    again = Network.load(tmp_path / "one.npz")
    assert (again.head.kind, again.head.threshold) == ("logit", 0.5)
    assert predict(again.absorb_biases(), [[1, 0.5], [1, 0]]).tolist() == [0, 1]
    archive.read(run(one, [[1, 0]]).save(tmp_path / "record.npz"), "whetstone_lab.spike_record", 1)


def test_faults_costs_and_biases():
    counts = count_operations(network(), X)
    mixed, fired, _, _ = by_hand()
    np.testing.assert_array_equal(counts.spikes, fired.sum(1))
    np.testing.assert_array_equal(counts.synaptic_operations, 4 * fired.sum(1))
    assert (predict(network(), X, faults=Faults(dead=1.0))["sure"] == 0).all()
    np.testing.assert_array_equal(run(network().absorb_biases(), X).votes["raw"], mixed)  # read, so its bias stays
    with pytest.raises(ValueError, match="one output; this one has the outputs"):
        sweep(network(), X, np.zeros(40, int), "dead", [0.0])


def test_a_relu_network_of_several_inputs_is_rate_coded():
    relu = network(ReLU())
    relu = Network(relu.inputs, relu.nodes, outputs={"kind": Output("kind", "values")})
    rates = rate_coded(relu, X, percentile=100)
    many = [np.repeat(part[:, None], 200, axis=1) for part in X]
    np.testing.assert_allclose(run(rates, many).votes / 200, run(relu, X).votes, atol=1.0)


def test_what_is_one_of_several_must_be_asked_for_by_name():
    for attribute in ("head", "readout", "key", "output", "output_shape"):
        with pytest.raises(ValueError, match=r"one output; this one has the outputs \['kind', 'sure', 'seen', 'raw'\]"):
            getattr(network(), attribute)
    with pytest.raises(ValueError, match=r"one input; this one has the inputs \['left', 'right'\]"):
        _ = network().input_shape
    assert "input left (3,), right (2,)" in repr(network())
    assert "kind 'softmax', sure 'logit'" in repr(network())
    assert [line.split()[0] for line in network().summary().splitlines()[1:3]] == ["left", "right"]


@pytest.mark.parametrize(("make", "words"), [
    (lambda: Network({}, [Neurons()]), "at least one input"),
    (lambda: Network((2,), [Neurons()], outputs={"a": Output("b")}), "output 'a' to read one of the nodes"),
    (lambda: Network((2,), [Neurons()], outputs={"a": Output("input")}), "got 'input'"),
    (lambda: Network((2,), [Neurons()], outputs={}), "at least one"),
    (lambda: Network((2,), [Neurons()], outputs={"a": Output("neurons")}, key=[[0, 1]]), "got both"),
    (lambda: run(network(), X, labels={"loud": 1}), r"got some of \['loud'\]"),
    (lambda: run(network(), X, labels=np.zeros(40, int)), "a list with labels for each of the outputs"),
    (lambda: evaluate(network(), X, [None]), "got 1 of them"),
])
def test_what_does_not_fit_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()

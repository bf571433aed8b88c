from dataclasses import replace

import numpy as np
import pytest

from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.simulator import Network, Node, Output, run
from whetstone_lab.simulator.operations import Dense, Neurons
from whetstone_lab.view import scenes


def record_of(neuron, shape=(4,), meta=None):
    """One layer of neurons, and who of them fires, in one sample."""
    zeros = np.zeros(len(neuron), int)
    return SpikeRecord(("out",), (shape,), 1, zeros, zeros, zeros, np.array(neuron), np.zeros((1, 5)), np.zeros((1, 0)),
                       meta=meta or {})


def test_neurons_that_fire_most_stand_on_top():
    record = record_of([1, 1, 1, 3, 3, 0])
    (row,) = scenes.rows(record, "rate")
    assert np.argsort(row).tolist() == [2, 0, 3, 1], "from below, by their number where they fire as often"
    assert scenes.rows(record, "number")[0].tolist() == [0, 1, 2, 3]
    with pytest.raises(ValueError, match=r"Expected an order among .*; got 'class'\. The record names no key"):
        scenes.rows(record, "class")
    with pytest.raises(ValueError, match=r"got 'size'\.$"):
        scenes.rows(record, "size")


def test_output_neurons_stand_class_by_class_the_first_on_top():
    record = record_of([1, 1], (6,), {"keys": {"out": [[1, 3], [0, 3], [5]]}})
    assert scenes.keyed(record)[0].tolist() == [1, 0, -1, 0, -1, 2], "who votes for two counts for the first"
    assert np.argsort(scenes.rows(record, "class")[0]).tolist() == [2, 4, 5, 0, 1, 3]
    places = record_of([1], (2, 1, 3), {"keys": {"out": [[1], [0, 2]]}})
    assert scenes.keyed(places)[0].tolist() == [1, 0, 1, 1, 0, 1], "a class for each place, and its key"
    assert scenes.key_of(places, 0).tolist() == [[False, True, False], [True, False, True]]


@pytest.mark.parametrize("keys", [None, 3, {}, {"out": 3}, {"out": [3]}, {"out": [[4]]}, {"out": [[-1]]},
                                  {"out": [[0.5]]}, {"out": [[True]]}, {"out": []}, {"other": [[0]]}])
def test_what_a_file_says_of_keys_may_be_anything(keys):
    record = record_of([1], meta={"keys": keys})
    assert (scenes.keyed(record), scenes.orders(record)) == ({}, ["number", "rate"])


def test_a_simulation_names_its_keys():
    weights = np.eye(4, dtype=np.float32)
    network = Network((4,), [Node("hidden", Dense(weights), ("input",)), Node("low", Neurons(0.5), ("hidden",)),
                             Node("more", Dense(weights), ("low",)), Node("high", Neurons(0.5), ("more",))],
                      outputs={"two": Output("low", key=[[1, 1, 0, 0], [0, 0, 1, 1]]),
                               "four": Output("high", key=weights), "seen": Output("high"),
                               "raw": Output("more", "values")})
    record = run(network, np.eye(4))
    assert record.meta["keys"] == {"low": [[0, 1], [2, 3]], "high": [[0], [1], [2], [3]]}
    assert [votes.tolist() for votes in scenes.keyed(record).values()] == [[0, 0, 1, 1], [0, 1, 2, 3]]
    assert "keys" not in run(Network((4,), [Dense(weights), Neurons(0.5)]), np.eye(4)).meta


def test_rates_are_those_over_all_samples(spike_record):
    rows = scenes.rows(spike_record, "rate")
    counts = spike_record.dense(0).sum(axis=(0, 1))
    assert (np.diff(counts[np.argsort(rows[0])]) >= 0).all()
    other = scenes.rows(replace(spike_record, meta={"keys": {"output": [[0], [1]]}}), "class")
    np.testing.assert_array_equal(other[0], rows[0])
    assert other[2][[0, 1]].tolist() == [99, 98]

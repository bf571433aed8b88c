"""What each output was read as: how it is shown, and in which words."""

import numpy as np
import pytest

from whetstone_lab.simulator import Network, Node, Output, run
from whetstone_lab.simulator.operations import Dense, Neurons
from whetstone_lab.view import scenes

WEIGHTS = np.float32([[1, -1, 0, 0], [0, 0, 1, 2]])


def linear(columns, readout, **options):
    return Network((2,), [Dense(WEIGHTS[:, :columns])], readout=readout, **options)


def test_a_logit_has_a_vote_for_each_of_two_answers():
    record = run(linear(1, "logit", threshold=0.5), [[2, 0], [0, 1], [0.5, 0]], labels=[[1], [0], [1]])
    (reading,) = scenes.readings(record)
    assert (reading.name, reading.shown) == ("", "votes")
    assert reading.votes.tolist() == [[-1.5, 1.5], [0.5, -0.5], [0, 0]]
    assert [reading.words(sample) for sample in range(3)] == [
        "read as 1, which is right", "read as 0, which is right", "read as 0, in truth 1"]
    assert [reading.wrong(sample) for sample in range(3)] == [False, False, True]


def test_values_are_shown_beside_what_is_true_and_are_neither_right_nor_wrong():
    record = run(linear(2, "values"), [[2, 0], [0.123456, 0]], labels=np.array([[2.5, -2], [0, 0]]))
    (reading,) = scenes.readings(record)
    assert reading.shown == "values"
    assert [reading.words(sample) for sample in range(2)] == [
        "read as 2, -2, in truth 2.5, -2", "read as 0.123, -0.123, in truth 0, 0"]
    assert not reading.wrong(0)
    (unknown,) = scenes.readings(run(Network((2,), [Dense(np.ones((2, 6)))], readout="values"), [[1, 1]]))
    assert unknown.words(0) == "read as 2, 2, 2, 2, ..."


def test_several_answers_are_a_map_of_one_row(map_record):
    (reading,) = scenes.readings(run(linear(4, "logit"), [[1, -1]]))
    assert (reading.shown, reading.classes.tolist()) == ("map", [[[1, 0, 0, 0]]])
    (reading,) = scenes.readings(map_record)
    np.testing.assert_array_equal(reading.classes, map_record.classes)
    assert reading.words(0) == "a class for each place"
    assert not reading.wrong(0)


def test_spikes_that_stand_for_nothing_are_not_shown():
    (reading,) = scenes.readings(run(Network((2,), [Neurons()]), [[1, 0]], labels=[1]))
    assert (reading.shown, reading.words(0), reading.wrong(0)) == ("", "", False)


@pytest.fixture
def several():
    nodes = [Node("kind", Dense(WEIGHTS), ("left",)), Node("odd", Dense(np.float32([[1], [1]])), ("left",)),
             Node("size", Dense(np.ones((16, 1))), ("right",))]
    network = Network({"left": (2,), "right": (16,)}, nodes, outputs={
        "kind": Output("kind"), "odd": Output("odd", "sigmoid"), "size": Output("size", "values")})
    return run(network, [[[1, 0], [0, 1]], np.eye(16)[:2]], labels={"kind": [0, 0], "odd": [1, 1]})


def test_several_outputs_have_a_reading_each(several):
    found = scenes.readings(several)
    assert [(reading.name, reading.shown) for reading in found] == [
        ("kind", "votes"), ("odd", "votes"), ("size", "values")]
    assert scenes.told(found, 1) == "kind read as 3, in truth 0; odd read as 1, which is right; size read as 1"


def test_pictures_of_several_inputs_have_their_names(several, spike_record):
    assert {name: len(seen) for name, seen in scenes.pictures(several).items()} == {"right": 2}
    assert {name: len(seen) for name, seen in scenes.pictures(spike_record).items()} == {"": 12}


def test_of_very_many_classes_the_true_one_and_the_one_decided_are_always_listed():
    votes = np.arange(64, 0, -1.0)
    assert scenes.listed_classes(votes, [], 3).tolist() == [0, 1, 2]
    assert scenes.listed_classes(votes, [0, 63], 3).tolist() == [0, 1, 63]
    assert scenes.listed_classes(np.array([1.0, 5, 5]), [], 9).tolist() == [0, 1, 2]

"""The fixtures that the browser is tested by are what Python gives today."""

import json
from collections import Counter

import networks
import numpy as np
import pytest
from make_fixtures import FIXTURES, HERE, plain

from whetstone_lab.simulator.operations import KINDS, Neurons


def kept(name):
    return json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))


def assert_same(kept, made, where):
    """Equal, but for the last digits of floats, which mathematical libraries round in their own ways."""
    if isinstance(made, dict):
        assert kept.keys() == made.keys(), where
        for name, value in made.items():
            assert_same(kept[name], value, f"{where}, {name}")
    elif isinstance(made, list):
        assert len(kept) == len(made), where
        for number, (one, other) in enumerate(zip(kept, made, strict=True)):
            assert_same(one, other, f"{where}, {number}")
    elif isinstance(made, float):
        assert kept == pytest.approx(made, rel=1e-12, abs=1e-15), where
    else:
        assert kept == made, where


@pytest.mark.parametrize("name", FIXTURES)
def test_fixtures_are_what_python_gives(name):
    assert_same(kept(name), [plain(case) for case in FIXTURES[name]()], name)


def test_the_fixtures_have_every_turn_in_them():
    judged = Counter(case["kind"] for case in kept("judging"))
    assert set(judged) == {"start", "stop", "improve", "wait", "warning", "none"}
    assert min(judged.values()) > 5
    replays = [replay for run in kept("what_if") for replay in run["replays"]]
    assert {replay["first"]["kind"] for replay in replays if replay["first"]} == {"goes on", "starts", "stops", "waits"}
    assert all(replay["first"] is None for replay in replays if not replay["changes"])
    assert all(case["ties"] for case in kept("votes"))
    for case in kept("wave"):
        for layer in zip(*case["fired"], strict=True):
            spikes = "".join(layer)
            assert {"0", "1"} == set(spikes), case["network"]
    assert {node["kind"] for case in kept("wave") for node in case["sent"]["nodes"]} == set(KINDS)
    for kind in ("key", "softmax", "logit"):
        assert len({best for case in kept("wave") if case["sent"]["readout"]["kind"] == kind
                    for best in case["classes"]}) > 1, kind
    assert all(case["rare"]["places"] for case in kept("random"))
    graded = [(answer["right"], answer["says"]) for case in kept("grading") for answer in case["answers"]]
    assert {right for right, _ in graded} == {True, False, None}
    assert {"Doubled.", "Nothing.", "No."} <= {says for _, says in graded}
    assert {case["sharpness"] for case in kept("curves")} > {0.0, 1.0}


def test_networks_in_quarters_have_potentials_right_on_their_thresholds():
    for name, network, exact in networks.networks():
        if exact:
            case = next(case for case in kept("wave") if case["network"] == name)
            thresholds = [node.operation.threshold for node in network.nodes if isinstance(node.operation, Neurons)]
            assert any((np.reshape(potentials, network.shapes[layer]) == threshold).any() for potentials, layer,
                       threshold in zip(case["potentials"], network.layers, thresholds, strict=True)), name

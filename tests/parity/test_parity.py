"""The fixtures that the browser is tested by are what Python gives today."""

import json
from collections import Counter

import numpy as np
import pytest
from make_fixtures import FIXTURES, HERE, plain


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
    for network in kept("wave"):
        for number, layer in enumerate(network["layers"]):
            potentials = np.array([sample["potentials"][number] for sample in network["samples"]])
            assert (potentials == layer["thresholds"]).any(), "some potential should lie on its threshold"
            assert 0 < np.mean([sample["spikes"][number] for sample in network["samples"]]) < 1
    graded = [(answer["right"], answer["says"]) for case in kept("grading") for answer in case["answers"]]
    assert {right for right, _ in graded} == {True, False, None}
    assert {"Doubled.", "Nothing.", "No."} <= {says for _, says in graded}
    assert {case["sharpness"] for case in kept("curves")} > {0.0, 1.0}

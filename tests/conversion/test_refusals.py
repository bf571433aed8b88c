"""What is said of layers that cannot become spikes."""

import pickle

from whetstone_lab.conversion.refusals import ConversionError, Finding, RefusedError

PLACE = "layers[0] ('d', Dense)"


def test_a_finding_says_its_place_once():
    refused = Finding.of("d", PLACE, RefusedError("expected a; got b", "Write a.", sharpens=True))
    assert refused == Finding("d", PLACE, "expected a; got b", "Write a.", True)
    assert str(refused) == f"{PLACE}: expected a; got b. Write a."
    assert str(Finding.of("d", PLACE, ValueError("Expected a; got b."))) == f"{PLACE}: Expected a; got b."
    assert str(Finding.of("d", PLACE, ValueError(f"No place for {PLACE}."))) == f"No place for {PLACE}."


def test_an_error_lists_its_findings_and_can_be_pickled():
    one, two = Finding("d", PLACE, "expected a; got b", "Write a."), Finding("e", "layers[1]", "no")
    assert str(ConversionError([one])) == str(one)
    assert str(ConversionError([one], "Or leave it.")) == f"{one} Or leave it."
    both = ConversionError([one, two], "Or leave it.")
    assert str(both).splitlines() == ["Expected a model that can become spikes; got 2 things in it that cannot:",
                                      f"- {one}", f"- {two}", "Or leave it."]
    again = pickle.loads(pickle.dumps(both))
    assert (str(again), again.findings) == (str(both), (one, two))

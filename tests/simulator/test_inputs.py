"""What a network is shown: one input or several, with or without steps."""

import numpy as np
import pytest

from whetstone_lab.simulator import Network, Node
from whetstone_lab.simulator.inputs import check_inputs
from whetstone_lab.simulator.operations import Add, Dense, Neurons

ONE = Network((3,), [Neurons()])
TWO = Network({"left": (3,), "right": (2,)}, [
    Node("wide", Dense(np.ones((2, 3))), ("right",)), Node("sum", Add(), ("left", "wide")),
    Node("fired", Neurons(), ("sum",))])
LEFT, RIGHT = np.zeros((4, 3)), np.zeros((4, 2))


@pytest.mark.parametrize("given", [(LEFT, RIGHT), [LEFT, RIGHT], {"right": RIGHT, "left": LEFT}])
def test_several_inputs_come_in_order_or_by_name(given):
    shown = check_inputs(TWO, given)
    assert [array.shape for array in shown.arrays] == [(4, 3), (4, 2)]
    assert (shown.samples, shown.steps, shown.stepwise) == (4, 1, False)


def test_one_input_is_an_array_or_a_list_of_samples_or_has_its_name():
    for given in (LEFT, LEFT.tolist(), {"input": LEFT}):
        assert check_inputs(ONE, given).arrays[0].shape == (4, 3)


def test_steps_are_the_same_for_all():
    shown = check_inputs(TWO, [np.zeros((4, 5, 3)), np.zeros((4, 5, 2))])
    assert (shown.samples, shown.steps, shown.stepwise) == (4, 5, True)
    assert check_inputs(TWO, [np.zeros((4, 1, 3)), np.zeros((4, 1, 2))]).stepwise


@pytest.mark.parametrize(("network", "given", "words"), [
    (TWO, LEFT, r"a list with an array for each of the inputs \['left', 'right'\].*a ndarray"),
    (TWO, [LEFT], "got 1 of them"),
    (TWO, {"left": LEFT}, r"by the names \['left', 'right'\]; got \['left'\]"),
    (ONE, {"left": LEFT}, r"by the names \['input'\]"),
    (TWO, [LEFT, LEFT], r"input 'right' of shape \(samples, 2\); got \(4, 3\)"),
    (TWO, [LEFT, RIGHT[:3]], "as many samples of each input"),
    (TWO, [LEFT, np.zeros((4, 5, 2))], "and as many steps"),
    (TWO, [LEFT, RIGHT + np.nan], "finite input 'right'; 8 of 8"),
    (TWO, [LEFT, RIGHT.astype(str)], "input 'right' to be numbers"),
])
def test_what_does_not_fit_is_refused(network, given, words):
    with pytest.raises(ValueError, match=words):
        check_inputs(network, given)

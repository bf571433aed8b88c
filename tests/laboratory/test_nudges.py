import threading

import pytest

from whetstone_lab.laboratory.nudges import Nudge, Nudges


def test_what_is_changed_at_once_is_noted_in_the_order_in_which_it_comes_into_force():
    """A hand steers while a run is trained again with what a hand did before."""
    nudges, in_force, began, go = Nudges(), {}, threading.Event(), threading.Event()

    def steer(**values):
        in_force.update(values)
        return 1, 7

    def slowly(**values):
        found = steer(**values)
        began.set()
        assert go.wait(60)
        return found

    first = threading.Thread(target=nudges.steer, args=(slowly, {"rate": 0.5, "patience": 1}))
    second = threading.Thread(target=nudges.steer, args=(steer, {"rate": 0.9}))
    first.start()
    assert began.wait(60)
    second.start()
    second.join(0.05)
    go.set()
    for each in (first, second):
        each.join(60)
    assert nudges.made == (Nudge(1, 7, in_force),)
    assert in_force == {"rate": 0.9, "patience": 1}


def test_a_change_that_is_refused_is_not_noted():
    nudges = Nudges()

    def refuse(**values):
        raise ValueError("no such rate")

    with pytest.raises(ValueError, match="no such rate"):
        nudges.steer(refuse, {"rate": 2.0})
    nudges.steer(lambda **values: (0, 3), {"rate": 0.2})
    assert nudges.made == (Nudge(0, 3, {"rate": 0.2}),)

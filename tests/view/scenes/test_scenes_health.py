import numpy as np

from whetstone_lab.method.layer_health import METRICS
from whetstone_lab.records.trace import Trace
from whetstone_lab.view import scenes


def test_health_table_joins_both_ways_of_being_dead():
    trace = Trace(["one", "two", "three"])
    never, always = [[0.5, 0.25, 0], [1, 0.5, 0], [0.5, 0.25, 0]], [[0, 0.25, 0], [0, 0.5, 0], [0, 0.75, 0]]
    for epoch in range(3):
        trace.append_batch(epoch, 1.0, [0, 0, 0])
        metrics = dict.fromkeys(METRICS, [0.125] * 3)
        metrics |= {"never_firing": never[epoch], "always_firing": always[epoch]}
        trace.append_epoch({"loss": 1.0}, firing_rates=[0.1, 0.2, 0.3], layer_metrics=metrics)
    table = scenes.health_table(trace)
    np.testing.assert_array_equal(table["dead neurons"], np.add(never, always))
    np.testing.assert_array_equal(table["gradient flow"], np.full((3, 3), 0.125))
    assert scenes.died(table) == {0: 1, 1: 1}, "the first epoch counts, and a layer that lives is not there"


def test_nothing_died_where_nothing_was_measured():
    trace = Trace(["one"])
    trace.append_batch(0, 1.0, [0])
    trace.append_epoch({"loss": 1.0})
    table = scenes.health_table(trace)
    assert np.isnan(table["dead neurons"]).all()
    assert scenes.died(table) == {}

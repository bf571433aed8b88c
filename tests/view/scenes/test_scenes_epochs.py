import numpy as np
from made_up import BATCHES

from whetstone_lab.records.trace import Trace
from whetstone_lab.view import scenes


def test_epoch_table_has_the_lines_that_the_policy_judged_by(finished_trace):
    table = scenes.epoch_table(finished_trace)
    decided = [event for event in finished_trace.events if event.kind in ("start", "stop", "improve")]
    assert {event.kind for event in decided} == {"start", "stop", "improve"}
    for event in decided:
        row = {name: values[event.epoch] for name, values in table.items()}
        assert row["reference"] == event.values["reference"]
        assert row["loss"] == event.values["loss"]
        if event.kind == "stop":
            assert row["sharpening"]
            assert row["loss"] >= row["stop"]
        if event.kind == "improve":
            assert row["loss"] <= row["improve"]


def test_epoch_table_follows_a_change_by_hand(made_up_run):
    run = made_up_run()
    run.epoch()
    run.epoch()
    run.trace.append_event("threshold", "x", epoch=2, name="sig_increase", old=0.15, new=0.5, by="hand")
    run.epoch()
    run.batch()
    run.trace.append_event("threshold", "x", epoch=3, name="sig_increase", old=0.5, new=0.75, by="hand")
    for _ in range(BATCHES - 1):
        run.batch()
    run.end_epoch()
    table = scenes.epoch_table(run.trace)
    np.testing.assert_allclose(table["stop"][1:] / table["reference"][1:], [1.15, 1.5, 1.75])


def test_the_lines_of_a_loss_below_zero_lie_on_either_side_of_it():
    trace = Trace(["a"], policy={"name": "adaptive", "sig_increase": 0.25, "sig_decrease": 0.5, "patience": 1})
    for epoch in range(2):
        trace.append_batch(epoch, -4.0, [0.0])
        trace.append_epoch({"loss": -4.0}, {"reference": -4.0})
    table = scenes.epoch_table(trace)
    assert [table["stop"][1], table["improve"][1]] == [-3.0, -6.0]


def test_epoch_table_of_another_policy():
    trace = Trace(["a"], policy={"name": "scheduled"})
    for epoch, value in enumerate([0.0, 0.5, 1.0, 1.0]):
        trace.append_batch(epoch, 1.0, [value])
        trace.append_epoch({"loss": 1.0})
    table = scenes.epoch_table(trace)
    assert table["sharpening"].tolist() == [False, True, True, False]
    assert np.isnan(table["stop"]).all()


def test_the_lines_of_an_accuracy_lie_the_other_way_round_and_old_traces_judge_what_falls():
    policy = {"name": "adaptive", "sig_increase": 0.25, "sig_decrease": 0.5, "patience": 1}
    trace = Trace(["a"], policy=policy, meta={"monitor": "val_accuracy", "mode": "max"})
    for epoch in range(2):
        trace.append_batch(epoch, 1.0, [0.0])
        trace.append_epoch({"loss": 1.0, "val_accuracy": 0.5}, {"reference": 0.8})
    table = scenes.epoch_table(trace)
    np.testing.assert_allclose([table["loss"][1], table["stop"][1], table["improve"][1]], [0.5, 0.6, 1.2])
    assert scenes.monitored(trace).words == "validation accuracy"
    assert scenes.monitored(Trace(["a"], meta={"monitor": "accuracy"})).mode == "min"
    assert scenes.monitored(Trace(["a"])).name == "loss"

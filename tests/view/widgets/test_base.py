import base64
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from fresh import run_fresh

from whetstone_lab import widgets
from whetstone_lab.records.trace import Trace
from whetstone_lab.view.plots import Picture
from whetstone_lab.view.widgets import ActivationCurves, SharpenerChart, SpikeRaster, _base


def test_the_names_are_there():
    assert set(widgets.__all__) <= set(dir(widgets))
    with pytest.raises(AttributeError, match="no attribute 'Sharpness'"):
        _ = widgets.Sharpness


def test_a_run_is_shown_without_keras_and_the_picture_alone_takes_matplotlib(tmp_path, finished_trace, spike_record):
    finished_trace.save(tmp_path / "run.npz")
    spike_record.save(tmp_path / "record.npz")
    code = f"""
import sys
from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.records.trace import Trace
from whetstone_lab.view.widgets import ActivationCurves, SharpenerChart, SpikeRaster
trace, record = Trace.load({str(tmp_path / "run.npz")!r}), SpikeRecord.load({str(tmp_path / "record.npz")!r})
shown = [ActivationCurves(trace), SharpenerChart(trace), SpikeRaster(record)]
assert "matplotlib" not in sys.modules
shown[-1]._repr_mimebundle_()
assert "matplotlib" in sys.modules
assert "matplotlib.pyplot" not in sys.modules
assert not {{"keras", "tensorflow"}} & set(sys.modules)
"""
    done = run_fresh(code, loaded="numpy")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("make", [ActivationCurves, SharpenerChart, SpikeRaster])
def test_a_picture_is_left_behind(make, finished_trace, spike_record):
    widget = make(spike_record if make is SpikeRaster else finished_trace)
    data, _ = widget._repr_mimebundle_()
    assert set(data) == {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"}
    png = base64.b64decode(data["image/png"])
    assert png.startswith(b"\x89PNG")
    assert len(png) < 120_000
    assert data["text/plain"] == repr(widget)


def test_representations_are_fixed(made_up_run, spike_record):
    run = made_up_run()
    chart = SharpenerChart(run.trace)
    before = repr(chart)
    run.epoch()
    assert repr(chart) == before == "SharpenerChart(spiking_1, spiking_2, spiking_3)"
    assert repr(ActivationCurves(run)) == "ActivationCurves(spiking_1, spiking_2, spiking_3)"
    assert repr(SpikeRaster(spike_record)) == "SpikeRaster(12 samples; spiking_1, spiking_2, output)"
    many = made_up_run(layers=40).trace
    assert repr(SharpenerChart(many)) == (
        "SharpenerChart(spiking_1, spiking_2, spiking_3, … 34 more …, spiking_38, spiking_39, spiking_40)")


def test_replies_go_where_7_3_sent_them(monkeypatch, finished_trace):
    # What ipykernel 7.4.0 has on its comms.
    class Comm(SimpleNamespace):
        def on_msg(self, handler): ...
        def send(self, *args, **kwargs): ...
        def close(self, *args, **kwargs): ...

    comm = Comm(comm_id="x", _reply_subshell_for=lambda data, default: "another")
    monkeypatch.setattr(ActivationCurves, "open", lambda self: setattr(self, "comm", comm))
    ActivationCurves(finished_trace)
    assert comm._reply_subshell_for({}, "the default") == "the default"


@pytest.mark.parametrize("make", [ActivationCurves, SharpenerChart])
def test_a_source_needs_a_trace(make):
    with pytest.raises(TypeError, match=r"Expected a Trace or something with a \.trace"):
        make([1, 2, 3])


@pytest.mark.parametrize("make", [ActivationCurves, SharpenerChart])
@pytest.mark.parametrize("trace", [Trace([]), Trace(["a"])])
def test_an_empty_run_is_shown(make, trace, wire):
    widget = make(trace)
    assert widget.now["batch"] == 0
    assert widget.get_state()["past"]["epochs"] == 0


@pytest.mark.parametrize("make", [ActivationCurves, SharpenerChart])
def test_a_growing_run_reaches_the_page_from_its_thread(make, live_run, wire):
    run, source = live_run()
    widget = make(source)
    wire.messages.clear()

    def train():
        run.trace.set_status("running")
        for _ in range(6):
            run.epoch()
        run.trace.set_status("finished")

    thread = threading.Thread(target=train, name="training")
    thread.start()
    thread.join()
    senders = {name for _, _, name in wire.messages}
    assert "training" in senders  # what is urgent and came too soon after another is said a moment later, by a timer
    assert threading.current_thread().name not in senders
    assert widget.now["status"] == "finished"
    assert widget.now["batch"] == run.trace.batches
    assert widget.get_state()["past"]["epochs"] == 6
    widget.close()


@pytest.mark.parametrize("make", [ActivationCurves, SharpenerChart])
def test_a_view_that_was_opened_before_its_run_began_sees_it(make, made_up_run, wire):
    trace = Trace()
    widget = make(trace)
    assert repr(widget) == f"{make.__name__}(no layers yet)"
    run = made_up_run()
    wire.messages.clear()
    trace.begin(run.trace.layers, run.trace.curves, run.trace.policy, run.trace.meta)
    trace.set_status("running")
    # Rows of numbers are read by the number of layers, so both come in one message.
    first = wire.messages[0][0]["state"]
    assert {"about", "past", "now", "told"} <= set(first)
    assert first["about"]["layers"] == ["spiking_1", "spiking_2", "spiking_3"]
    assert first["about"]["policy"] == "adaptive"
    assert first["now"]["sharpness"] == [0, 0, 0]
    run.trace = trace
    for _ in range(3):
        run.epoch()
    trace.set_status("finished")
    assert widget.get_state()["past"]["epochs"] == 3
    assert repr(widget) == f"{make.__name__}(spiking_1, spiking_2, spiking_3)"
    assert len(wire.states("about")) == 1, "it is told once"
    assert widget.picture().axes[0].lines


@pytest.mark.parametrize("make", [ActivationCurves, SharpenerChart])
def test_updates_are_few_and_small(make, live_run, wire, monkeypatch):
    run, source = live_run()
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(_base.time, "monotonic", lambda: clock.now)
    run.trace.status = "running"
    for _ in range(120):
        run.epoch()
    make(source)
    wire.messages.clear()
    for _ in range(20):  # one second, 200 batches, 10 epochs
        for _ in range(10):
            run.batch()
            clock.now += 0.005
        if run.trace.batches % 20 == 0:
            run.end_epoch()
    assert wire.states("past") == [], "what has been is not sent again"
    assert len(wire.news()) <= 10 + 10 + 1
    assert max(wire.sizes("grown")) < 1_400


def test_a_change_of_status_and_of_a_threshold_is_urgent(live_run, wire, monkeypatch):
    run, source = live_run()
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(_base.time, "monotonic", lambda: clock.now)
    widget = SharpenerChart(source)
    run.trace.set_status("running")
    assert widget.now["status"] == "running"
    run.batch()
    assert widget.now["batch"] == 0, "too soon after the last"
    run.trace.set_status("paused")
    assert (widget.now["status"], widget.now["batch"]) == ("paused", 1)
    clock.now += 0.05
    run.trace.append_event("threshold", "x", epoch=0, name="sig_increase", old=0.15, new=0.3, by="hand")
    run.trace.publish(urgent=True)
    assert widget.now["policy"]["sig_increase"] == 0.3
    assert widget.get_state()["decisions"][-1]["reason"] == "sig_increase was changed from 0.15 to 0.3 by hand."


def test_what_is_not_a_number_is_sent_as_none(made_up_run, wire):
    run = made_up_run()
    run.epoch()
    run.trace.append_batch(1, float("nan"), [0.0] * 3)
    run.trace.append_epoch({"loss": float("inf"), "accuracy": float("nan")}, {"reference": float("inf")})
    widget = SharpenerChart(run)
    assert widget.now["loss"] is None
    assert widget.now["reference"] is None
    assert widget.now["logs"] == {"accuracy": None}


def test_commands_are_passed_on(live_run):
    _, source = live_run()
    widget = SharpenerChart(source)
    assert widget.live
    assert widget.about["live"]
    for name in ("start", "pause", "resume", "stop"):
        widget._handle_custom_msg({"kind": "command", "name": name}, [])
    widget._handle_custom_msg({"kind": "command", "name": "step", "unit": "epoch"}, [])
    widget._handle_custom_msg({"kind": "steer", "values": {"sig_increase": 0.3, "patience": 2}}, [])
    assert source.asked == [("start", (), {}), ("pause", (), {}), ("resume", (), {}), ("stop", (), {}),
                            ("step", (), {"unit": "epoch"}), ("steer", (), {"sig_increase": 0.3, "patience": 2})]


def test_a_page_hears_when_what_it_asked_is_in_force(live_run, wire, monkeypatch):
    run, source = live_run()
    widget = SharpenerChart(source)
    wire.messages.clear()

    def steer(**told):
        run.trace.append_event("threshold", "x", epoch=0, name="sig_increase", old=0.15, new=0.3, by="hand")
        assert (told["sig_increase"], told["gesture"]) == (0.3, "x 1")
        assert wire.answers() == [], "it is not yet in force"

    monkeypatch.setattr(source, "steer", steer)
    widget._handle_custom_msg({"kind": "steer", "values": {"sig_increase": 0.3}, "gesture": "x 1", "mark": "x 7"}, [])
    before, after = wire.customs()
    assert after == {"kind": "steered", "mark": "x 7"}
    assert before["now"]["policy"]["sig_increase"] == 0.3, "what is in force comes before"


def test_what_changes_twice_while_a_run_pauses_is_shown_as_it_is_in_the_end(live_run, wire):
    run, source = live_run()
    widget = SharpenerChart(source)
    for number in range(6):  # sooner than a page is told
        run.trace.append_event("threshold", "x", epoch=0, name="patience", old=number, new=number + 1, by="hand")
        run.trace.publish(urgent=True)
    end = time.monotonic() + 20
    while widget.now["policy"]["patience"] != 6 and time.monotonic() < end:
        time.sleep(0.01)
    assert widget.now["policy"]["patience"] == 6
    assert len(wire.news()) < 6
    assert widget.get_state()["decisions"][-1]["new"] == 6


def test_a_decision_that_is_replaced_is_told(live_run, wire):
    run, source = live_run()
    widget = SharpenerChart(source)
    event = run.trace.append_event("threshold", "x", epoch=0, name="patience", old=1, new=2, by="hand")
    widget._update(run.trace)
    run.trace.events[-1:] = [replace(event, values={**event.values, "new": 9})]
    widget._update(run.trace)
    assert [mark["new"] for mark in widget.get_state()["decisions"]] == [9]


@pytest.mark.parametrize(("message", "words"), [
    ({"kind": "steer", "values": {"sig_increase": -1}}, "ValueError: Expected sig_increase to be positive"),
    ({"kind": "command", "name": "wait"}, "Expected 'steer' or a command"),
    ({"kind": "command", "name": "__init__"}, "Expected 'steer' or a command"),
    ({}, "Expected 'steer' or a command")])
def test_what_goes_wrong_is_said_on_the_page(live_run, wire, message, words):
    _, source = live_run()
    widget = SharpenerChart(source)
    widget._handle_custom_msg({**message, "by": "a page"}, [])
    (answer,) = wire.answers()
    assert (answer["kind"], answer["of"], answer["by"]) == ("error", message.get("kind"), "a page")
    assert words in answer["text"]
    assert source.asked == []


def test_a_record_takes_no_commands(finished_trace, wire):
    widget = SharpenerChart(finished_trace)
    assert not widget.about["live"]
    widget._handle_custom_msg({"kind": "steer", "values": {"sig_increase": 0.3}}, [])
    assert "takes no commands" in wire.answers()[0]["text"]


def test_a_page_that_fails_does_not_end_the_training(made_up_run, monkeypatch, caplog):
    run = made_up_run()
    widget = SharpenerChart(run)

    def fail(trace):
        raise OSError("the page is gone")

    monkeypatch.setattr(widget, "_now", fail)
    time.sleep(0.11)
    run.epoch()
    run.epoch()
    assert caplog.text.count("follows its run no longer") == 1


def test_a_closed_widget_listens_no_more(made_up_run):
    run = made_up_run()
    widget = SharpenerChart(run)
    widget.close()
    before = dict(widget.now)
    run.trace.set_status("running")
    assert widget.now == before


def listeners(trace) -> int:
    return len(trace._listeners)


@pytest.mark.parametrize("make", [ActivationCurves, SharpenerChart])
@pytest.mark.parametrize("live", [False, True], ids=["trace", "live"])
def test_a_view_that_nobody_saw_gives_way_to_a_newer_one(make, live, live_run):
    run, source = live_run()
    for _ in range(20):
        widget = make(source if live else run.trace)
    assert listeners(run.trace) == 1
    assert widget._unsubscribe is not None
    (SharpenerChart if make is ActivationCurves else ActivationCurves)(source)
    assert listeners(run.trace) == 2, "a view of another kind takes nobody's place"


def test_a_view_whose_cell_is_run_again_rests(live_run, wire, undrawn, monkeypatch):
    monkeypatch.setattr("IPython.display.display", lambda data, **kwargs: None)
    run, source = live_run()
    widgets = [SharpenerChart(source)]
    widgets[0]._ipython_display_()
    for _ in range(3):  # what a page says as its cell is run anew
        widgets[-1]._handle_custom_msg({"kind": "here"}, [])
        widgets.append(SharpenerChart(source))
        widgets[-1]._ipython_display_()
        widgets[-2]._handle_custom_msg({"kind": "gone"}, [])
        assert listeners(run.trace) == 1
    assert wire.answers()[-1] == {"kind": "ask"}


def test_a_page_that_vanishes_without_a_word_is_asked_once(live_run, wire, undrawn, monkeypatch):
    monkeypatch.setattr("IPython.display.display", lambda data, **kwargs: None)
    run, source = live_run()
    for _ in range(4):
        widget = SharpenerChart(source)
        widget._ipython_display_()
        widget._handle_custom_msg({"kind": "here"}, [])
        assert listeners(run.trace) <= 2


def test_views_that_pages_show_all_follow(live_run, wire):
    run, source = live_run()
    first, second = SharpenerChart(source), SharpenerChart(source)
    for widget in (first, second):  # as when a box of both is displayed, of which Python hears late
        widget._handle_custom_msg({"kind": "here"}, [])
    wire.messages.clear()
    for _ in range(3):
        SharpenerChart(source)
        asked = [message for message in wire.answers() if message == {"kind": "ask"}]
        for widget in (first, second)[:len(asked)]:
            widget._handle_custom_msg({"kind": "here"}, [])
        wire.messages.clear()
    run.trace.set_status("running")
    assert [first.now["status"], second.now["status"]] == ["running"] * 2


def test_a_view_that_is_seen_again_catches_up(live_run, wire):
    run, source = live_run()
    widget = SharpenerChart(source)
    widget._handle_custom_msg({"kind": "here"}, [])
    widget._handle_custom_msg({"kind": "gone"}, [])
    assert listeners(run.trace) == 0
    run.trace.set_status("running")
    for _ in range(3):
        run.epoch()
    assert widget.now["status"] == "ready"
    widget._handle_custom_msg({"kind": "here"}, [])
    assert (widget.now["status"], widget.get_state()["past"]["epochs"]) == ("running", 3)
    run.epoch()
    run.trace.set_status("finished")
    assert (widget.now["status"], widget.get_state()["past"]["epochs"]) == ("finished", 4)


def test_a_view_that_rested_finds_its_run_in_the_trace_that_took_over(live_run, wire):
    run, source = live_run()
    widget = SharpenerChart(source)
    widget._handle_custom_msg({"kind": "gone"}, [])
    source.trace = Trace(["another"])
    widget._handle_custom_msg({"kind": "here"}, [])
    assert (widget.about["layers"], repr(widget)) == (["another"], "SharpenerChart(another)")
    assert (listeners(run.trace), listeners(source.trace)) == (0, 1)


def test_a_view_that_outlives_ipywidgets_says_nothing(finished_trace, monkeypatch):
    view = SharpenerChart(finished_trace)
    monkeypatch.setattr("ipywidgets.widgets.widget._instances", None)  # as when Python ends
    view.__del__()


def test_a_closed_view_is_not_woken(made_up_run):
    run = made_up_run()
    widget = SharpenerChart(run)
    widget.close()
    widget._handle_custom_msg({"kind": "here"}, [])
    assert listeners(run.trace) == 0


@pytest.mark.parametrize("make", [ActivationCurves, SharpenerChart, SpikeRaster])
def test_the_widget_and_its_picture_are_two_outputs(make, finished_trace, spike_record, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, **kwargs: shown.append(data))
    monkeypatch.setattr(make, "picture", lambda self: Picture(figsize=(1, 1)))  # what it shows is seen above
    widget = make(spike_record if make is SpikeRaster else finished_trace)
    widget._ipython_display_()
    live, still = shown
    assert set(live) == {"application/vnd.jupyter.widget-view+json"}, "where there are no widgets, nothing is shown"
    assert set(still) == {"text/html", "image/png", "text/plain"}
    assert f'src="data:image/png;base64,{still["image/png"]}"' in still["text/html"]
    assert f'data-wl-view="{widget.get_state()["still"]}"' in still["text/html"]
    assert f'alt="{widget!r}"' in still["text/html"]


def test_the_picture_is_renewed_when_the_run_was_waited_for(made_up_run, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display",
                        lambda data, **kwargs: "image/png" in data and shown.append((data["image/png"], kwargs)))
    run = made_up_run()
    widget = SharpenerChart(run)
    widget.snapshot()
    assert shown == [], "it was never displayed"
    widget._ipython_display_()
    (first, kwargs), = shown
    assert kwargs["raw"]
    assert not kwargs.get("update")

    def train():
        run.epoch()
        run.trace.set_status("finished")

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert len(shown) == 1, "a thread displays nothing: it would land in another cell"
    run.trace.publish(urgent=True)  # as LiveRun.wait does
    run.trace.publish(urgent=True)
    assert len(shown) == 2
    again, kwargs = shown[1]
    assert kwargs["update"]
    assert kwargs["display_id"] == shown[0][1]["display_id"]
    assert again != first

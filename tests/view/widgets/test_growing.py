"""What pages are told of a run that grows, put together in the browser's own code, is the run."""

import base64
import json
import math
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from plain_values import plain

from whetstone_lab.view import widgets
from whetstone_lab.view.widgets import AccuracyChart, ActivationCurves, SharpenerChart, _growing

STATIC = Path(widgets.__file__).parent / "static"

#: Plays what was sent to a page that opened with `first`; prints what it then knows, and what it asked for.
_PAGE = """
import { growing } from %s;
const revive = (value) => value?.base64 !== undefined ? new DataView(Uint8Array.from(atob(value.base64), (c) => c.charCodeAt(0)).buffer)
  : Array.isArray(value) ? value.map(revive)
  : value && typeof value === "object" ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, revive(v)])) : value;
const plain = (value) => ArrayBuffer.isView(value) ? { base64: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") }
  : Array.isArray(value) ? value.map(plain)
  : value && typeof value === "object" ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)])) : value;
const { first, messages } = JSON.parse(await new Response(process.stdin).text());
let values = revive(first);
const [listeners, sent] = [[], []];
const model = growing({ get: (name) => values[name], set() {}, on: (...pair) => listeners.push(pair), off() {}, save_changes() {}, send: (content) => sent.push(content) }).model;
for (const { state, content, buffers } of messages) {
  if (state) {
    values = { ...values, ...revive(state) };
    for (const name of Object.keys(state)) listeners.filter(([event]) => event === `change:${name}`).forEach(([, listener]) => listener());
  } else listeners.filter(([event]) => event === "msg:custom").forEach(([, listener]) => listener(content, revive(buffers)));
}
console.log(JSON.stringify({ sent, ...Object.fromEntries(["told", "past", "now", "decisions", "histograms", "accuracies"].map((name) => [name, plain(model.get(name) ?? null)])) }));
"""  # noqa: E501


class Page:
    """A page that opens with all that there is, and hears what a widget sends from then on."""

    def __init__(self, widget, monkeypatch) -> None:
        self.first = plain({name: value for name, value in widget.get_state().items() if not name.startswith("_")})
        self.messages: list[dict] = []
        monkeypatch.setattr(type(widget), "send", lambda _, content, buffers=(): self.messages.append(
            {"content": json.loads(json.dumps(content, allow_nan=False)), "buffers": plain(list(buffers))}))
        monkeypatch.setattr(type(widget), "send_state", lambda this, key: self.messages.append(
            {"state": plain(this.get_state(key))}))

    def knows(self):
        result = subprocess.run(["node", "--input-type=module", "-e", _PAGE % json.dumps(
            (STATIC / "growing.mjs").as_uri())], input=json.dumps({"first": self.first, "messages": self.messages}),
            capture_output=True, text=True, timeout=60, check=True)
        return json.loads(result.stdout)


def array(value, dtype, width):
    return np.frombuffer(base64.b64decode(value["base64"]), dtype).reshape(-1, width)


needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")


@needs_node
@pytest.mark.parametrize("make", [ActivationCurves, SharpenerChart])
def test_the_whole_and_the_news_together_are_the_run(make, made_up_run, monkeypatch):
    run = made_up_run()
    run.trace.status = "running"
    widget = make(run)
    page = Page(widget, monkeypatch)
    rng = np.random.default_rng(3)
    for _ in range(24):
        for _ in range(20):
            run.batch()
            if rng.random() < 0.2:
                widget._update(run.trace)
            if rng.random() < 0.03:
                run.trace.append_event("threshold", "x", epoch=run.state.epoch, name="rate", old=0.5, new=0.6)
        if rng.random() < 0.5:  # else the next batches come before anybody is told of the end of the epoch
            widget._update(run.trace)
        run.end_epoch()
    widget._update(run.trace)
    knows, whole = page.knows(), plain(widget.get_state("run"))
    assert all("content" in message for message in page.messages), "nothing is sent twice"
    np.testing.assert_array_equal(array(knows["past"]["table"], "<f8", 9), array(whole["past"]["table"], "<f8", 9))
    assert {**knows["past"], "table": 0, "points": 0} == {**whole["past"], "table": 0, "points": 0}
    points = array(knows["past"]["points"], "<f4", 5)
    rows = points[:, 0].astype(int) - 1
    assert (np.diff(rows) > 0).all(), "no batch is there twice"
    assert rows[-1] == run.trace.batches - 1
    assert np.diff(rows).max() <= 8
    np.testing.assert_array_equal(points[:, 1], run.trace.loss[rows].astype("<f4"))
    np.testing.assert_array_equal(points[:, 2:], run.trace.sharpness[rows].astype("<f4"))
    assert knows["now"] == json.loads(json.dumps(whole["now"]))
    assert knows["sent"] == []
    if make is SharpenerChart:
        assert knows["decisions"] == json.loads(json.dumps(whole["decisions"]))
    else:
        assert {name: value for name, value in knows["histograms"].items() if name != "ranges"} == {
            name: value for name, value in whole["histograms"].items() if name != "ranges"}
        assert knows["histograms"]["ranges"] == [list(span) for span in whole["histograms"]["ranges"]]


@needs_node
def test_a_page_is_told_of_the_present_what_is_another_and_of_the_accuracies_the_new(made_up_run, monkeypatch):
    run = made_up_run()
    run.trace.status = "running"
    widget = AccuracyChart(run)
    page = Page(widget, monkeypatch)
    for _ in range(3):
        run.batch()
        widget._update(run.trace)
        run.epoch()
        widget._update(run.trace)
    knows, whole = page.knows(), plain(widget.get_state("run"))
    assert {name: knows[name] for name in ("now", "accuracies")} == json.loads(json.dumps(
        {name: whole[name] for name in ("now", "accuracies")}))
    told = [message["content"] for message in page.messages]
    assert {"policy", "message", "status"}.isdisjoint(told[0]["now"]), "nor what it knows"
    assert [(each.get("bytes"), "logs" in each["now"]) for each in told] == [
        (None, False), ([["accuracies"]], True)] * 3


@needs_node
def test_a_page_that_has_missed_something_asks_once_and_gets_the_whole(made_up_run, monkeypatch):
    run = made_up_run()
    run.trace.status = "running"
    widget = SharpenerChart(run)
    page = Page(widget, monkeypatch)
    for _ in range(3):
        run.epoch()
        widget._update(run.trace)
    del page.messages[0]  # as when the connection drops
    knows = page.knows()
    told = page.first["told"]
    [asked] = knows["sent"]
    assert asked == {"kind": "here", "told": told, "by": asked["by"]}
    assert knows["past"]["epochs"] == 0, "nothing is put together that does not fit"
    widget._handle_custom_msg(asked, [])
    knows = page.knows()
    assert knows["past"]["epochs"] == 3
    assert knows["told"] == widget._told
    widget._handle_custom_msg({"kind": "here", "told": widget._told}, [])
    assert sum("state" in message for message in page.messages) == 1, "who has it all gets nothing"


def test_a_run_that_was_rewound_or_begun_anew_is_told_whole(made_up_run, wire):
    run = made_up_run()
    widget = SharpenerChart(run)
    run.epoch()
    run.batch()
    widget._update(run.trace)
    wire.messages.clear()
    run.trace.rewind()
    run.trace.append_batch(1, 0.123, [0.0] * 3)  # as many batches as were told, of which the last is another
    widget._update(run.trace)
    assert len(wire.states("past")) == 1
    for sharpness in (0.0, 0.5):  # nor does it help that the losses are as before: a training that diverged has but NaN
        run.trace.rewind()
        run.trace.append_batch(1, math.nan, [sharpness] * 3)
        wire.messages.clear()
        widget._update(run.trace)
        assert len(wire.states("past")) == 1
    wire.messages.clear()
    run.trace.append_batch(1, math.nan, [0.5] * 3)
    widget._update(run.trace)
    assert len(wire.states("past")) == 0
    wire.messages.clear()
    run.trace.begin(["another"])
    widget._update(run.trace)
    assert len(wire.states("past")) == 1
    assert widget.about["layers"] == ["another"]


def test_old_decisions_make_room_without_being_told_again(made_up_run):
    trace = made_up_run().trace
    told = _growing.Decisions()
    known = told.whole(trace)["decisions"]
    for number in range(130):
        trace.append_event("threshold", "x", epoch=number, name="rate", old=number, new=number + 1)
        change = told.news(trace)["decisions"]
        assert len(change["more"]) == 1
        known = known[change["drop"]:change["drop"] + change["keep"]] + change["more"]
    assert known == told.whole(trace)["decisions"]
    assert len(known) == 60
    assert told.news(trace) == {}


def test_a_message_has_its_arrays_beside_it():
    assert _growing.packed({"a": 1, "b": b"x", "c": [{"d": 2}, {"d": b"y", "e": 3}]}) == (
        {"a": 1, "c": [{"d": 2}, {"e": 3}], "bytes": [["b"], ["c", 1, "d"]]}, [b"x", b"y"])

import base64
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

from whetstone_lab import datasets, page, recordings
from whetstone_lab.course import kept
from whetstone_lab.records.trace import Trace
from whetstone_lab.view import widgets
from whetstone_lab.view.widgets import ActivationCurves, SharpenerChart, SpikeRaster, _assets


class Parts(HTMLParser):
    """The elements of a page, with their attributes and the text right within them."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.open = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append([tag, dict(attributes), ""])
        if tag not in ("meta", "link", "img"):
            self.open.append(self.found[-1])

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag, "elements end in the order in which they began"

    def handle_data(self, data):
        if self.open:
            self.open[-1][2] += data

    def __getitem__(self, tag):
        return [(attributes, text) for name, attributes, text in self.found if name == tag]


def state_of(text):
    return json.loads(next(text for attributes, text in Parts(text)["script"] if "json" in attributes["type"]))


@pytest.fixture(scope="module")
def digits():
    """A page of all views of the digits run."""
    trace = recordings.digits_trace()
    views = [ActivationCurves(trace), SharpenerChart(trace), SpikeRaster(recordings.digits_spikes())]
    return page(views, title="Digits & <more>", text="One <b>.\n\nTwo.")


def test_a_page_is_whole_and_small(digits):
    parts = Parts(digits)
    assert parts.open == [], "each element ends"
    assert len(digits.encode()) < 3_000_000
    assert parts["html"] == [({"lang": "en"}, "\n\n\n")]
    assert [text for _, text in parts["title"] + parts["h1"]] == ["Digits & <more>"] * 2
    assert [text for _, text in parts["p"]] == ["One <b>.", "Two."]
    assert len(parts["section"]) == 3
    for (attributes, _), name in zip(parts["img"], ("Activation", "Sharpener", "Spike"), strict=True):
        assert attributes["alt"].startswith(name)
        assert base64.b64decode(attributes["src"].removeprefix("data:image/png;base64,")).startswith(b"\x89PNG")


def test_a_page_asks_for_nothing_and_may_not(digits):
    parts = Parts(digits)
    addresses = [value for _, attributes, _ in parts.found for name, value in attributes.items()
                 if name in ("src", "href")]
    assert addresses
    assert all(address.startswith("data:") for address in addresses)
    assert not re.search(r"@import|url\((?!data:|#)", digits)
    policy = next(attributes["content"] for attributes, _ in parts["meta"]
                  if attributes.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert {place for rule in rules.values() for place in rule.split()} - {rules["default-src"]} <= {
        "'unsafe-inline'", "data:", "blob:", *rules["script-src"].split()}
    programs = [text for attributes, text in parts["script"] if attributes["type"] == "module"]
    hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in programs]
    assert rules["script-src"].split() == hashes, "only what the page itself brings runs"


def test_what_views_share_is_there_once(digits):
    state = state_of(digits)
    curves, chart, raster = state["views"]
    assert curves["module"] == "activation_curves"
    assert curves["values"]["past"] == chart["values"]["past"]
    assert len(set(state["bytes"])) == len(state["bytes"])
    points = base64.b64encode(SharpenerChart(recordings.digits_trace()).state()["past"]["points"]).decode()
    assert state["bytes"][chart["values"]["past"]["points"]["$bytes"]] == points
    assert digits.count(points) == 1
    assert raster["values"]["sample"] == 0
    assert all(not name.startswith("_") for view in state["views"] for name in view["values"])


@pytest.mark.parametrize("name", widgets.__all__)
def test_every_view_has_a_module_to_take_along(name, finished_trace, spike_record):
    digits = datasets.load("digits")
    of = {"AccuracyChart": [finished_trace], "NetworkDiagram": [kept.network("digits")],
          "ActivationCurves": [finished_trace], "SharpenerChart": [finished_trace], "SpikeRaster": [spike_record],
          "Quiz": ["gates", "Gates", [], {}, "answers.json", lambda question, text: (True, "", {})],
          "Laboratory": [finished_trace], "DrawingPad": [kept.network("digits")],
          "FaultBench": [kept.network("digits"), digits.x_test, digits.y_test],
          "Flipbook": [lambda n: [[n]], {"n": (0, 1)}]}
    view = getattr(widgets, name)(*of[name])
    assert (_assets._STATIC / f"{view.module_name()}.mjs").exists()
    assert view._esm == _assets.module(view.module_name())
    assert set(view.state()) >= {"about", "still"}
    assert "layout" not in view.state()


def test_of_a_live_run_a_page_has_what_has_been(made_up_run, undrawn):
    run = made_up_run()
    commands = ("start", "pause", "resume", "step", "stop", "steer")
    source = SimpleNamespace(trace=run.trace, **dict.fromkeys(commands, lambda **values: None))
    for _ in range(6):
        run.epoch()
    run.batch()
    run.trace.set_status("running")
    view = SharpenerChart(source)
    state = view.state()
    assert state["about"]["live"] is False
    assert state["now"]["status"] == "recorded"
    assert state["now"]["batch"] == run.trace.batches
    assert state["past"]["epochs"] == 6
    assert state["still"] == view.still, "its picture makes room for it"
    assert run.trace.status == "running"
    assert view.about["live"], "the view itself goes on"
    assert state_of(view.to_html())["views"][0]["values"]["about"]["live"] is False


def test_a_view_of_a_run_that_has_not_begun_can_be_taken_along():
    assert state_of(SharpenerChart(Trace([])).to_html())["views"][0]["values"]["about"]["layers"] == []


def test_a_page_is_written_in_one_piece(tmp_path, spike_record, undrawn):
    path = tmp_path / "über.html"
    path.write_text("what was there")
    text = SpikeRaster(spike_record).to_html(path, title="Grüße", text="Ein Bild")
    assert path.read_bytes() == text.encode()
    assert "<h1>Grüße</h1>" in text
    assert [found.name for found in tmp_path.iterdir()] == ["über.html"]


def test_a_page_of_pieces_of_ones_own(spike_record, undrawn):
    text = page(["<h2 id=a>First</h2>", SpikeRaster(spike_record), "<pre>x &lt; y</pre>"], language="de",
                css=".mine { color: red; }", scripts=["document.title += '!';"])
    assert '<html lang="de">' in text
    assert text.index("<h2 id=a>") < text.index("data-wl-place") < text.index("<pre>")
    assert ".mine { color: red; }" in text
    assert "<script type=\"module\">document.title += '!';</script>" in text
    assert state_of(page("<p>Nothing to draw.</p>"))["views"] == []


@pytest.mark.parametrize(("parts", "more", "error", "words"), [
    ([3], {}, TypeError, "got int"),
    (["<p>"], {"scripts": ["'</SCRIPT>'"]}, ValueError, r"write <\\/script> there"),
    (["<p>"], {"scripts": ["'<!--'"]}, ValueError, "script without"),
    (["<p>"], {"css": "</style >"}, ValueError, "style without")])
def test_what_would_break_a_page_is_refused(tmp_path, parts, more, error, words):
    with pytest.raises(error, match=words):
        page(parts, tmp_path / "page.html", **more)
    assert not list(tmp_path.iterdir())


def test_state_cannot_end_its_element(spike_record, undrawn):
    raster = SpikeRaster(spike_record)
    raster.about = {**raster.about, "layers": ["</script><script>alert(1)</script>", "b", "c"]}
    text = raster.to_html()
    assert state_of(text)["views"][0]["values"]["about"]["layers"][0] == "</script><script>alert(1)</script>"
    assert len(Parts(text)["script"]) == 2


def test_several_modules_become_one_script(tmp_path):
    text = _assets.script(["activation_curves", "sharpener_chart", "offline"])
    assert text.count("class Scope") == 1
    assert text.count("function mount") == 2, "each has its own"
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node.js")
    (tmp_path / "all.mjs").write_text(text + """
        if (typeof modules.sharpener_chart.default.render !== "function") throw new Error("no render");
        if (modules.offline.revive({ $bytes: 0 }, ["b"]) !== "b") throw new Error("no revive");
        if (typeof mount !== "undefined") throw new Error("names leak");
    """)
    subprocess.run([node, tmp_path / "all.mjs"], check=True, timeout=60)

"""The laboratory as a class meets it: on a page of its own, and in JupyterLab with a run that trains."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bare_page import AXE, axe_finds, open_view
from waiting import await_that

from whetstone_lab import datasets
from whetstone_lab.course import kept
from whetstone_lab.laboratory import hands
from whetstone_lab.laboratory.page import Laboratory
from whetstone_lab.laboratory.settings import Settings
from whetstone_lab.laboratory.snapshots import Snapshots
from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.simulator.operations import Neurons
from whetstone_lab.view import scenes
from whetstone_lab.view.widgets._growing import Past, packed
from whetstone_lab.view.widgets._view import View
from whetstone_lab.view.widgets.spike_raster import facts


@pytest.fixture
def stage(chromium, tmp_path, finished_trace, spike_record):
    """A laboratory with a run that has ended and one that was kept, on a bare page."""
    lab = Laboratory(folder=tmp_path / "runs")
    lab.bench.experiments.keep(finished_trace, Settings(seed=3))
    lab.bench.trace.hand_over(finished_trace)
    lab.bench.trace = finished_trace
    lab.bench.snapshots = snapshots = Snapshots.of_data(datasets.load_digits())
    snapshots.add(finished_trace.epochs, kept.network("digits"))
    finished_trace.publish(urgent=True)
    lab._show_setup()
    state = View.state(lab)
    state["about"]["live"], state["now"]["status"] = True, "finished"
    network = snapshots.at()[1]
    told = {"wave": hands.wave(0, spike_record.select(range(10)), 0),
            "network": {"network": scenes.page_network(network), **hands.surroundings(snapshots, network)}}
    answers = {kind: packed({"kind": kind, **content}) for kind, content in told.items()}
    pages = []

    def answer(asked):
        if asked["kind"] not in answers or asked.get("number", 0) is None:
            return []
        content, buffers = answers["other" if "number" in asked and "other" in answers else asked["kind"]]
        echo = {name: asked[name] for name in ("epoch", "sample", "by", "number") if name in asked}
        return [[{**content, **echo}, buffers]]

    def stage(width, height=700, dark=False):
        page = open_view(chromium, lab, width, dark, height=height, margin=0, state=state, ask=answer)
        pages.append(page)
        await_that(page, "() => document.querySelector('.wl-wave .wl-kicker').textContent.includes('after epoch')")
        return page

    stage.answers = answers
    yield stage
    for page in pages:
        page.close()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_all_is_seen_at_once_on_a_laptop_and_nothing_keeps_anybody_out(stage, screenshots, dark):
    page = stage(1216, 640, dark)  # what JupyterLab leaves of 1366 x 768
    box = page.locator(".wl-lab").bounding_box()
    assert box["height"] <= 640
    assert page.evaluate("document.documentElement.scrollWidth") <= 1216
    page.screenshot(path=screenshots / f"laboratory-{'dark' if dark else 'light'}.png")
    if AXE.exists():
        for tab in page.get_by_role("tab").all():
            tab.click()
            assert axe_finds(page) == []
    for choice, begins in {"Numbers, CSV": b"epoch,loss,", "Picture, PNG": b"\x89PNG", "Picture, SVG": b"<svg"}.items():
        page.locator(".wl-lab-top .wl-save summary").click()
        with page.expect_download() as download:
            page.get_by_role("button", name=choice).click()
        path = screenshots / f"{dark}-{download.value.suggested_filename}"
        download.value.save_as(path)
        assert path.read_bytes().startswith(begins)
    page.set_viewport_size({"width": 700, "height": 900})
    await_that(page, "() => document.documentElement.scrollWidth <= 700")
    page.get_by_role("tab", name="Set up").click()
    assert page.evaluate("""() => {
        const right = document.querySelector('.wl-side').getBoundingClientRect().right;
        return [...document.querySelectorAll('.wl-setup :is(select, input, button)')]
            .filter(each => each.getBoundingClientRect().right > right || each.scrollWidth > each.clientWidth + 1)
            .map(each => each.outerHTML);
    }""") == [], "no control leaves its column or is too narrow for its words"
    page.locator(".wl-lab").screenshot(path=screenshots / f"laboratory-narrow-{'dark' if dark else 'light'}.png")
    page.evaluate("window.leave()")
    assert page.evaluate("window.listeners.length") == 0


def test_one_cursor_moves_all_by_the_keyboard_alone(stage, finished_trace):
    page = stage(1216)
    page.locator(".wl-accuracy canvas").focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    assert page.locator(".wl-moment").inner_text() == f"epoch {finished_trace.epochs - 3}.0"
    await_that(page, "words => document.querySelector('.wl-wave .wl-kicker').textContent === words",
               f"Spikes after epoch {finished_trace.epochs - 3}")
    assert page.evaluate("window.sent.at(-1)") == {"kind": "wave", "epoch": finished_trace.epochs - 3, "sample": 0}
    page.locator(".wl-net canvas").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert "spiking_1, neuron 1: " in page.locator(".wl-net .wl-readout").inner_text()
    assert page.locator(".wl-card.wl-picked").count() == 1
    page.keyboard.press("Escape")
    assert page.locator(".wl-card.wl-picked").count() == 0
    page.locator(".wl-pick").first.focus()
    page.keyboard.press("ArrowRight")
    await_that(page, "() => window.sent.at(-1).sample === 1")
    page.locator(".wl-chart canvas").focus()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    assert page.locator(".wl-moment").inner_text() == "epoch 0.5"
    page.get_by_role("tab", name="Set up").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.get_by_role("button", name="Compare: experiment 1").press("Enter")
    assert page.evaluate("window.sent.at(-1)") == {"kind": "compare", "number": 1}
    before = page.eval_on_selector(".wl-chart canvas", "canvas => canvas.toDataURL()")
    page.evaluate("""() => {
        const tell = (event, ...what) => listeners.filter(l => l[0] === event).forEach(l => l[1](...what));
        const bytes = Float32Array.from([10, 2, 0, 0, 0, 800, 0.3, 1, 1, 1]);
        tell('msg:custom', { kind: 'compared', number: 1, layers: 3, accuracies: values.accuracies,
                             past: { ...values.past, points: new DataView(bytes.buffer) } }, []);
        values.kept = [{ ...values.kept[0], number: 2 }, ...values.kept];
        tell('change:kept');
    }""")
    await_that(page, "before => document.querySelector('.wl-chart canvas').toDataURL() !== before", before)
    assert page.evaluate("document.activeElement.ariaLabel") == "Compare: experiment 1", "though the list was renewed"
    page.get_by_role("tab", name="Runs").press("ArrowRight")
    page.locator("[data-setting=network]").select_option("wide")
    assert page.evaluate("window.sent.at(-1)")["settings"]["network"] == "wide"
    page.evaluate("""() => {
        const [pictures, ...others] = values.setup.fields;
        const mnist = { value: 'mnist', words: 'MNIST', means: '' };
        values.setup = { ...values.setup, settings: { ...values.setup.settings, data: 'mnist' },
                         fields: [{ ...pictures, choices: [...pictures.choices, mnist] }, ...others] };
        listeners.filter(l => l[0] === 'change:setup').forEach(l => l[1]());
    }""")
    assert page.locator("[data-setting=data]").input_value() == "mnist", "though it was none of the choices at first"
    page.locator("[data-setting=epochs]").fill("0")
    page.locator("[data-setting=epochs]").press("Tab")
    assert "expected a whole number from 1 to 1000; got 0" in page.locator(".wl-setup").inner_text()
    assert page.locator("[data-setting=epochs]").input_value() == "30", "what is seen is what will be trained"
    page.get_by_role("tab", name="Thresholds").click()
    slider = page.locator("[data-name=patience] input[type=range]")
    patience = slider.input_value()
    slider.press("ArrowRight")
    assert slider.input_value() != patience
    asked = slider.input_value()
    page.evaluate("""() => listeners.filter(l => l[0] === 'msg:custom').forEach(l =>
        l[1]({ kind: 'error', of: 'preset', text: 'no such word' }, []))""")
    assert page.locator(".wl-error").inner_text() == "no such word"
    assert slider.input_value() == asked, "what cannot be done elsewhere takes nothing back here"
    slider.press("Control+z")
    assert slider.input_value() == patience
    # A decision of the list leads to its moment, and to its layer where it is about one.
    sharp = next(each for each in reversed(page.evaluate("values.decisions")) if each["layer"] is not None)
    page.locator(".wl-log").focus()
    for _ in range(1 + list(reversed(page.evaluate("values.decisions"))).index(sharp)):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.locator(".wl-moment").inner_text() == f"epoch {sharp['at']:.1f}"
    assert page.locator(".wl-card.wl-picked .wl-name").inner_text() == f"spiking_{sharp['layer'] + 1}"
    page.locator(".wl-log li").last.click()
    assert page.locator(".wl-moment").inner_text() == f"epoch {page.evaluate('values.decisions[0].at'):.1f}"
    page.get_by_role("button", name="Live").press("Enter")
    assert page.locator(".wl-moment").inner_text() == f"epoch {finished_trace.epochs}.0"
    # An epoch ends: Python tells of its accuracies first, and of the present last.
    page.evaluate("""() => {
        values.now = { ...values.now, epochs: values.now.epochs + 1, at: values.now.at + 1 };
        for (const name of ['accuracies', 'now']) listeners.filter(l => l[0] === `change:${name}`).forEach(l => l[1]());
    }""")
    await_that(page, "words => document.querySelector('.wl-wave .wl-kicker').textContent === words",
               f"Spikes after epoch {finished_trace.epochs + 1}")
    stage.answers["network"][0]["samples"]["labels"] = []
    page.get_by_role("tab", name="Break").click()
    await_that(page, """() => document.querySelectorAll('.wl-none')[1].checkVisibility()
               && document.querySelectorAll('.wl-none')[1].textContent.includes('true classes')""")
    page.get_by_role("button", name="Train on", exact=True).focus()
    page.evaluate("() => listeners.filter(l => l[0] === 'change:about').forEach(l => l[1]())")
    assert page.evaluate("document.activeElement.innerText").endswith("Train on"), "though all was drawn anew"


def test_the_wave_is_gone_along_and_its_neurons_are_ordered_without_leaving_the_page(stage):
    page = stage(1216, 640)
    canvas, verdict = page.locator(".wl-wave .wl-raster canvas"), page.locator(".wl-wave .wl-verdict")
    drawn = "() => document.querySelector('.wl-wave .wl-raster canvas').toDataURL()"
    read, before = verdict.inner_text(), page.evaluate(drawn)
    page.locator(".wl-wave .wl-order").select_option("rate")
    await_that(page, f"before => ({drawn})() !== before", before)
    canvas.focus()
    page.keyboard.press("ArrowUp")
    assert "; fires for " in page.locator(".wl-wave .wl-readout").inner_text(), "by which it was ordered"
    net = "() => document.querySelector('.wl-lab-middle .wl-net canvas').getAttribute('aria-label')"
    assert page.evaluate(net).count(", of which") == 3
    for key in ("PageDown", "PageDown"):
        page.keyboard.press(key)
    assert page.locator(".wl-wave .wl-kicker").inner_text().endswith(", 1 of 3 steps")
    assert verdict.inner_text() == "no output yet", "it is told with the last step"
    await_that(page, f"() => ({net})().split(', of which').length === 2")
    assert "spiking_1, 256 neurons, of which" in page.evaluate(net), "and the wave has come to no other layer"
    page.locator(".wl-steps select").select_option("layer")
    page.keyboard.press("Tab")
    canvas.press("PageDown")
    assert page.locator(".wl-wave .wl-kicker").inner_text().endswith(", 2 of 3 layers")
    canvas.press("End")
    assert verdict.inner_text() == read


def test_two_runs_are_compared_in_every_view(stage, screenshots, finished_trace, spike_record):
    page = stage(1216, 640)
    tab = page.get_by_role("tab", name="Side by side")
    assert tab.count() == 0, "before one is compared there is nothing to see"
    page.evaluate("""() => listeners.filter(l => l[0] === 'msg:custom').forEach(l => l[1]({
        kind: 'compared', number: 1, layers: 3, accuracies: values.accuracies, past: values.past,
        picture: values.setup.picture, pictures: values.pictures }, []))""")
    curve = page.locator(".wl-lab-curves canvas").first.get_attribute("aria-label")
    assert "in the other run sharp" in curve
    assert page.locator(".wl-card .wl-theirs").all_inner_texts() == ["sharp"] * 3
    assert ", in the other run " in page.locator(".wl-accuracy canvas").get_attribute("aria-label")
    assert " The other run: loss " in page.locator(".wl-lab-chart .wl-readout").inner_text()
    tab.click()
    heads = "() => [...document.querySelectorAll('.wl-half > .wl-kicker')].map(each => each.textContent)"
    epochs = finished_trace.epochs
    await_that(page, f"words => ({heads})().join() === words",
               f"This run, after epoch {epochs},Experiment 1: s3, after epoch {epochs}")
    assert {"kind": "wave", "epoch": epochs, "sample": 0, "number": 1} in page.evaluate("window.sent")
    assert page.locator(".wl-pair-words").inner_text() == "Every neuron does the same in both. Both read 0."
    page.locator(".wl-pair .wl-order").select_option("rate")
    assert page.locator(".wl-wave .wl-order").input_value() == "rate", "both go by the one cursor"
    page.locator(".wl-pair [data-way=back]").click()
    assert page.locator(".wl-half .wl-verdict").all_inner_texts() == ["no output yet"] * 2
    page.locator(".wl-pair [data-way=on]").click()
    assert page.locator(".wl-half .wl-verdict").all_inner_texts() == [page.evaluate(
        "document.querySelector('.wl-wave .wl-verdict').textContent")] * 2
    # Of another picture three neurons do otherwise in the other run.
    one = spike_record.sample == 0
    unlike = [(layer, int(neuron)) for layer, count in ((0, 2), (2, 1))
              for neuron in spike_record.neuron[one & (spike_record.layer == layer)][:count]]
    there = ~np.any([one & (spike_record.layer == layer) & (spike_record.neuron == neuron)
                     for layer, neuron in unlike], axis=0)
    votes = spike_record.votes.copy()
    votes[0, 4] += 7
    other = replace(spike_record, votes=votes, classes=None, **{
        name: getattr(spike_record, name)[there] for name in ("sample", "step", "layer", "neuron")})
    stage.answers["other"] = packed({"kind": "wave", **hands.wave(0, other.select(range(10)), 0)})
    lit = """() => [...document.querySelectorAll('.wl-half canvas')].map(canvas => {
        const probe = document.createElement('i');
        canvas.after(probe);
        probe.style.color = 'var(--wl-stop)';
        const stop = getComputedStyle(probe).color.match(/\\d+/g).map(Number);
        probe.remove();
        const seen = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        for (let at = 0; at < seen.length; at += 4)
            if (stop.every((value, which) => value === seen[at + which])) return true;
        return false;
    }).join()"""
    assert page.evaluate(lit) == "false,false,false,false"
    page.locator(".wl-pair .wl-pick").nth(4).click()
    await_that(page, "() => window.sent.filter(each => each.kind === 'wave' && each.sample === 4).length === 2")
    await_that(page, f"() => ({lit})() === 'true,true,true,true'")
    words, neuron = page.locator(".wl-pair-foot [role=status]").all()
    assert words.inner_text().startswith("For this picture they differ in 2 of 256 neurons of spiking_1, 0 of 64")
    marked = page.locator(".wl-half").first.locator(".wl-vote", has=page.locator(".wl-gauge b:not([hidden])"))
    assert marked.locator(".wl-class").all_inner_texts() == ["4"]
    on = page.get_by_role("button", name="Next that differs")
    on.press("Enter")
    assert neuron.inner_text() == (f"spiking_1, neuron {unlike[0][1]}: fires in this run, silent in experiment 1. "
                                   "Number 1 of 3 that differ.")
    on.press("Enter")
    on.press("Enter")
    assert neuron.inner_text().startswith(f"output, neuron {unlike[2][1]}: ")
    page.locator(".wl-half .wl-net canvas").nth(1).press("PageUp")
    assert neuron.inner_text().endswith("Number 2 of 3 that differ.")
    assert page.evaluate("""() => [...document.querySelectorAll('.wl-stage > .wl-sheet:not([hidden])')]
        .every(each => each.scrollHeight <= each.clientHeight && each.scrollWidth <= each.clientWidth)""")
    if AXE.exists():
        assert axe_finds(page) == []
    page.screenshot(path=screenshots / "laboratory-two-runs.png")
    # More layers than a narrow page has room for: a strip, in which the one that is looked at comes into sight.
    deep = SpikeRecord(tuple(f"layer_{layer}" for layer in range(1, 41)), ((16,),) * 40, 40, np.zeros(40, int),
                       np.arange(40), np.arange(40), np.zeros(40, int), spike_record.inputs[:1], spike_record.votes[:1])
    stage.answers["wave"] = stage.answers["other"] = packed({"kind": "wave", **hands.wave(0, deep, 0)})
    page.set_viewport_size({"width": 420, "height": 700})
    page.locator(".wl-pair .wl-pick").nth(5).click()
    hint = "document.querySelector('.wl-half .wl-network-hint').textContent"
    await_that(page, f"() => {hint}.includes(' of 40;')")
    canvas = page.locator(".wl-half .wl-net canvas").first
    for _ in range(24):
        canvas.press("ArrowRight")
    looked = int(neuron.inner_text().split(",")[0].removeprefix("layer_"))
    await_that(page, f"""looked => {{
        const [first, last] = {hint}.match(/\\d+/g).map(Number);
        return first > 1 && first <= looked && looked <= last;
    }}""", looked)
    assert page.locator(".wl-half .wl-network").first.bounding_box()["height"] < 140
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
    page.evaluate("""() => listeners.filter(l => l[0] === 'msg:custom').forEach(l => l[1]({ kind: 'compared' }, []))""")
    assert tab.count() == 0
    assert page.get_by_role("tab", name="Training", selected=True).count() == 1
    page.evaluate("window.leave()")
    assert page.evaluate("window.listeners.length") == 0


def test_each_colour_follows_the_theme(stage):
    page = stage(1216)
    page.evaluate("""() => {
        document.querySelector('.wl-lab-chart canvas').style.setProperty('--wl-line', 'rgb(255, 0, 0)');
        document.body.className = 'another-theme';
    }""")
    await_that(page, """() => {
        const canvas = document.querySelector('.wl-lab-chart canvas');
        const seen = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        for (let at = 0; at < seen.length; at += 4) if (seen[at] === 255 && !seen[at + 1] && !seen[at + 2]) return true;
    }""")


def test_what_stands_beside_the_spikes_goes_with_them(stage):
    """An epoch brings another map of classes, which can be pointed at; a long run must not leave hundreds behind."""
    page = stage(1216)
    assert page.evaluate("""async () => {
        window.heard = 0;
        for (const [name, by] of [['addEventListener', 1], ['removeEventListener', -1]]) {
            const own = EventTarget.prototype[name];
            EventTarget.prototype[name] = function (...what) {
                if (this.className === 'wl-map') window.heard += by;
                return own.apply(this, what);
            };
        }
        const found = [];
        for (const epoch of [1, 2, 3]) {
            const [[message, buffers]] = revive(await ask({ kind: 'wave', epoch, sample: 0, by: '' }));
            delete message.by;
            message.maps = [{ shape: [2, 2], values: new DataView(new ArrayBuffer(4)) }];
            Object.assign(message.about.readings[0], { shown: 'map', colours: ['black'] });
            listeners.filter(l => l[0] === 'msg:custom').forEach(l => l[1](message, buffers));
            found.push(window.heard);
        }
        return found;
    }""") == [3, 3, 3]
    # The kernel goes: the picture stays that of the spikes, and what Python alone works cannot be reached.
    seen = """() => new Promise(done => setTimeout(() =>
        done(document.querySelector('.wl-net canvas').toDataURL()), 300))"""
    before = page.evaluate(seen)
    page.evaluate("""() => {
        window.ask = undefined;
        listeners.filter(l => l[0] === 'comm_live_update').forEach(l => l[1]());
    }""")
    page.locator(".wl-wave .wl-pick").nth(5).click()
    assert page.evaluate(seen) == before
    page.get_by_role("tab", name="Runs").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Training"
    assert page.evaluate("leave(), [listeners.length, heard]") == [0, 0]


def test_two_pages_of_one_laboratory_keep_apart_what_they_look_at(stage, finished_trace):
    stage.answers["compare"] = packed({"kind": "compared", "layers": 3, **Past().whole(finished_trace)})
    page = stage(1216)
    page.evaluate("""() => {
        const second = document.body.appendChild(document.createElement('section'));
        window.leaveSecond = module.default.render({ model, el: second });
    }""")
    for place, tab, sample in (("main", "Draw", 3), ("section", "Break", 7)):
        page.locator(f"{place} .wl-wave .wl-pick").nth(sample).click()
        await_that(page, """([place, words]) => document.querySelector(`${place} .wl-wave .wl-pick[aria-checked=true]`)
                   .ariaLabel === words""", [place, f"picture {sample}, a {sample}"])
        page.locator(place).get_by_role("tab", name=tab).click()
        await_that(page, "place => document.querySelector(`${place} .wl-hands .wl-verdict`) !== null", place)
    # Either has its answer, and asks no more because the other has another.
    known = page.evaluate("new Promise(done => setTimeout(() => done(window.sent.length), 300))")
    assert page.evaluate("new Promise(done => setTimeout(() => done(window.sent.length), 300))") == known
    asked = page.evaluate("window.sent.filter(each => ['wave', 'network'].includes(each.kind)).length")
    assert asked == 6, "a wave at first, one of the picture that was picked, and a network, for each of the two"
    # What one of them compares is its own.
    tabs = [page.locator(place).get_by_role("tab", name="Side by side") for place in ("main", "section")]
    page.locator("main").get_by_role("tab", name="Runs").click()
    page.locator("main").get_by_role("button", name="Compare: experiment 1").click()
    tabs[0].wait_for()
    assert tabs[1].count() == 0
    assert page.evaluate("window.sent.filter(each => each.kind === 'wave' && each.number === 1).length") == 1
    # Compared no more and again, the spikes come again.
    for pressed in ("false", "true"):
        page.locator("main").get_by_role("button", name="Compare: experiment 1").click()
        await_that(page, f"""() => document.querySelector('main [data-does=compare]').ariaPressed === '{pressed}'""")
    tabs[0].click()
    await_that(page, """() => [...document.querySelectorAll('main .wl-half > .wl-kicker')]
               .every(each => each.textContent.includes('after epoch'))""")
    page.evaluate("window.leaveSecond(); window.leave()")
    assert page.evaluate("window.listeners.length") == 0


def test_a_digit_is_drawn_and_neurons_are_broken_without_leaving_the_page(stage, screenshots):
    page = stage(1216, 640)
    fits = "() => [...document.querySelectorAll('.wl-stage > .wl-sheet:not([hidden]), .wl-hands .wl-picker')].every(" \
           "each => each.scrollHeight <= each.clientHeight && each.scrollWidth <= each.clientWidth)"
    page.get_by_role("tab", name="Training").focus()
    page.keyboard.press("ArrowRight")
    await_that(page, "words => document.querySelector('.wl-hands .wl-verdict')?.textContent === words",
               "Read as 0, which is right")
    asked = {"kind": "network", "epoch": page.evaluate("window.values.now.epochs"), "first": True}
    assert page.evaluate("window.sent.at(-1)") == asked
    assert "as if every neuron spiked" in page.locator(".wl-of-epoch").inner_text()
    page.locator(".wl-hands .wl-square canvas").first.focus()
    for key in ["ArrowUp"] * 6 + ["Space"] + ["ArrowDown"] * 12 + ["Escape"]:
        page.keyboard.press(key)
    verdict = page.locator(".wl-pad:not(.wl-bench) .wl-verdict")
    assert verdict.inner_text() == "Read as 1", "the sample gave way to the line"
    # The neuron that is looked at is that of the one cursor; where there is none yet, one that is driven hard.
    assert page.locator(".wl-neuron .wl-title").inner_text().startswith("hidden_1, neuron ")
    page.locator(".wl-pad:not(.wl-bench) .wl-network canvas").focus()
    for key in ("Escape", "ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    assert page.locator(".wl-neuron .wl-title").inner_text() == "hidden_1, neuron 1"
    await_that(page, "() => document.querySelectorAll('.wl-likes button').length === 8")
    await_that(page, fits)
    page.screenshot(path=screenshots / "laboratory-draw.png")
    page.get_by_role("tab", name="Draw").press("ArrowRight")
    await_that(page, "() => document.querySelector('.wl-percentage')?.textContent.includes('%')")
    page.locator(".wl-bench .wl-network canvas").focus()
    page.keyboard.press("Enter")
    assert "hidden_1, neuron 1: silent" in page.locator(".wl-bench .wl-right .wl-readout").inner_text()
    page.locator(".wl-bench .wl-pick").nth(3).click()
    assert page.locator(".wl-bench .wl-verdict").inner_text() == "Read as 3, which is right"
    await_that(page, fits)
    if AXE.exists():
        for name in ("Break", "Draw"):
            page.get_by_role("tab", name=name).click()
            assert axe_finds(page) == []
    page.get_by_role("tab", name="Training").click()
    assert page.locator(".wl-wave .wl-pick[aria-checked=true]").get_attribute("aria-label") == "picture 3, a 3"
    assert "spiking_1, neuron 1: " in page.locator(".wl-net .wl-readout").inner_text()
    assert page.locator(".wl-card.wl-picked").count() == 1
    page.evaluate("window.leave()")
    assert page.evaluate("window.listeners.length") == 0


def test_the_laboratory_is_alive_in_one_file_without_python(chromium, screenshots, tmp_path, finished_trace):
    lab = Laboratory(folder=tmp_path / "runs")
    snapshots, network = Snapshots.of_data(datasets.load_digits()), kept.network("digits")
    for epochs in (1, finished_trace.epochs):  # at first its neurons fired at the least
        snapshots.add(epochs, network.with_nodes(
            replace(node, operation=Neurons(0.1)) if isinstance(node.operation, Neurons) and epochs == 1 else node
            for node in network.nodes))
    for seed in (1, 2):
        lab.bench.experiments.keep(finished_trace, Settings(network="wide", seed=seed), snapshots=snapshots)
    lab.bench.look(2)
    path = tmp_path / "laboratory.html"
    assert len(lab.to_html(path)) < 3_000_000
    context = chromium.new_context(viewport={"width": 1244, "height": 760}, offline=True, reduced_motion="reduce")
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.goto(path.as_uri())
    # The very spikes of Python, at each epoch and of each picture.
    for epochs, sample in ((finished_trace.epochs, 0), (finished_trace.epochs, 7), (1, 7)):
        page.locator(".wl-wave .wl-pick").nth(sample).click()
        page.locator(".wl-transport input[type=range]").evaluate("""(slider, at) => {
            slider.value = at; slider.dispatchEvent(new Event('input', { bubbles: true })); }""", epochs)
        at, record = snapshots.wave(epochs)
        one = record.select([sample])
        words = "; ".join(f"{name}: {int((one.layer == layer).sum())} of {size} neurons fire"
                          for layer, (name, size) in enumerate(zip(one.layers, one.sizes, strict=True)))
        await_that(page, """words => document.querySelector('.wl-wave .wl-raster canvas').getAttribute('aria-label')
                   .startsWith(words)""", words)
        assert page.locator(".wl-wave .wl-kicker").inner_text() == f"Spikes after epoch {at}"
        (reading,) = facts(one)["readings"]
        assert page.locator(".wl-wave .wl-verdict").inner_text() == reading["words"][0]
        counts = [vote.inner_text() for vote in page.locator(".wl-wave .wl-count").all()]
        assert [float(count) for count in counts] == reading["votes"][0]
    page.get_by_role("tab", name="Draw").click()
    await_that(page, "words => document.querySelector('.wl-of-epoch').textContent.startsWith(words)",
               "the network after epoch 1,")
    page.locator(".wl-transport input[type=range]").press("End")
    await_that(page, "words => document.querySelector('.wl-of-epoch').textContent.startsWith(words)",
               f"the network after epoch {finished_trace.epochs},")
    assert page.locator(".wl-pad .wl-verdict").first.inner_text() == "Read as 7, which is right"
    # What cannot be done is not there, and a sentence says why; lines can still be moved.
    assert page.locator(".wl-away").inner_text().startswith("This page is a file")
    assert [tab.inner_text() for tab in page.locator(".wl-side [role=tab]").all()] == ["Thresholds", "Runs"]
    assert page.locator(".wl-commands").is_hidden()
    slider = page.locator("[data-name=sig_increase] input[type=range]")
    slider.press("Home")
    assert page.get_by_role("button", name="Back to the run").is_visible()
    assert page.locator(".wl-panel button:has-text('Run again')").is_hidden()
    page.get_by_role("tab", name="Runs").click()
    page.get_by_role("button", name="Compare: experiment 1").click()
    compared = page.get_by_role("button", name="Compare: experiment 1", pressed=True)
    compared.wait_for(timeout=10_000)
    page.get_by_role("tab", name="Side by side").click()
    await_that(page, """() => document.querySelector('.wl-pair-words').textContent
               === 'Every neuron does the same in both. Both read 7.'""")
    page.get_by_role("tab", name="Draw").click()
    page.get_by_role("button", name="Code: experiment 1").click()
    await_that(page, "() => document.querySelector('textarea.wl-code').value.includes('seed=1)')")
    page.get_by_role("button", name="Look: experiment 1").click()
    await_that(page, "() => document.querySelector('.wl-pad .wl-verdict')?.textContent === 'Read as 7, which is right'")
    page.screenshot(path=screenshots / "laboratory-file.png")
    context.close()


def test_a_run_is_set_up_started_and_kept_in_jupyterlab(open_notebook, screenshots, tmp_path):
    notebook = open_notebook([
        "from whetstone_lab import widgets\n"
        f"lab = widgets.Laboratory(preset='tiny b512 e4 s1', folder={str(tmp_path / 'runs')!r})\nlab",
        "print(lab.bench.trace.status, lab.bench.trace.epochs)"], width=1366, height=768)
    notebook.run(0)
    page = notebook.page
    page.locator(".wl-lab").scroll_into_view_if_needed()
    page.get_by_role("button", name="Start", exact=True).click()
    await_that(page, "() => document.querySelector('.wl-lab .wl-chip')?.dataset.status === 'finished'", timeout=120_000)
    await_that(page, "() => /read as \\d/.test(document.querySelector('.wl-read')?.textContent ?? '')")
    assert page.evaluate("document.querySelector('.wl-lab').scrollHeight") <= 650
    page.get_by_role("tab", name="Draw").click()
    await_that(page, "() => /^Read as \\d/.test(document.querySelector('.wl-pad .wl-verdict')?.textContent ?? '')")
    assert page.locator(".wl-of-epoch").inner_text() == "the network after epoch 4, as if every neuron spiked"
    page.get_by_role("tab", name="Training").click()
    # What if: a line is moved until a decision comes out otherwise, and from the weights before it the run goes again.
    page.get_by_role("tab", name="Thresholds").click()
    page.get_by_role("button", name="What if").click()
    await_that(page, "() => document.querySelector('.wl-lab .wl-chip').dataset.status === 'recorded'")
    again = page.locator(".wl-panel button:has-text('Run again from epoch')")
    for name, key in (("patience", "End"), ("sig_decrease", "End"), ("patience", "Home")):
        page.locator(f"[data-name={name}] input[type=range]").press(key)
        if again.is_visible():
            break
    assert "sharpening would have" in page.locator(".wl-remark").inner_text()
    begins = again.inner_text().split()[-1]
    again.click()
    await_that(page, "() => document.querySelector('.wl-lab .wl-chip').dataset.status === 'finished'", timeout=120_000)
    page.get_by_role("tab", name="Runs").click()
    await_that(page, "words => document.querySelector('.wl-kept li').textContent.includes(words)",
               f"on from 1 after epoch {begins}")
    assert page.get_by_role("button", name="Compare: experiment 1", pressed=True).count() == 1, "the old one is beside"
    assert page.locator(".wl-kept li").count() == 2
    assert "tiny e4 b512 s1" in page.locator(".wl-kept").inner_text()
    page.screenshot(path=screenshots / "laboratory-in-jupyterlab.png")
    notebook.run(1)
    assert "finished 4" in notebook.text(1)
    notebook.save()
    notebook.reload()  # the run is the kernel's, and the page gets it again
    await_that(page, "() => document.querySelector('.wl-lab .wl-moment')?.textContent === 'epoch 4.0'")
    assert notebook.errors == []

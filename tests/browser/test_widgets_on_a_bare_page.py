"""The widgets' modules on a page without Jupyter: a stand-in for the model, the state, and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from bare_page import _PAGE
from plain_values import plain
from waiting import await_that

from whetstone_lab.records.trace import Trace
from whetstone_lab.simulator import Network, Node, Output, run
from whetstone_lab.simulator.operations import Dense
from whetstone_lab.view.widgets import ActivationCurves, SharpenerChart, SpikeRaster, _assets

ROOT = Path(__file__).parent.parent.parent
NAMES = {ActivationCurves: "activation_curves", SharpenerChart: "sharpener_chart", SpikeRaster: "spike_raster"}

def shown(widget):
    """What a page gets of a widget."""
    return {name: plain(value) for name, value in widget.get_state().items()
            if name in ("about", "told", "past", "now", "histograms", "decisions", "spikes", "pictures", "maps",
                         "sample", "order")}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("make", NAMES)
def test_a_module_needs_only_its_model(chromium, screenshots, finished_trace, spike_record, make, dark):
    widget = make(spike_record if make is SpikeRaster else finished_trace)
    state = shown(widget)
    json.dumps(state, allow_nan=False)
    page = chromium.new_page(viewport={"width": 900, "height": 700}, reduced_motion="reduce",
                             color_scheme="dark" if dark else "light")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.set_content(f"<!doctype html><style>{_assets.style(NAMES[make])}</style><body><main></main>")
    page.evaluate(_PAGE, [_assets.module(NAMES[make]), state])
    await_that(page, """() => [...document.querySelectorAll('canvas.wl-canvas')].every(canvas => {
        const image = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return canvas.width > 4 && new Set(new Uint32Array(image.data.buffer)).size > 4;
    })""")
    ground = page.eval_on_selector(".wl", "element => getComputedStyle(element).backgroundColor")
    assert ground == ("rgb(20, 24, 29)" if dark else "rgb(255, 255, 255)")
    # VS Code and Colab say on the page whether their theme is dark, whatever the system's is.
    assert page.evaluate("""() => {
        const [body, top] = [document.body, document.documentElement];
        const isDark = () => getComputedStyle(document.querySelector('.wl')).backgroundColor === 'rgb(20, 24, 29)';
        const found = ['vscode-dark', 'vscode-high-contrast', 'vscode-light',
            'vscode-high-contrast-light vscode-high-contrast'].map(name => (body.className = name, isDark()));
        body.className = '';
        found.push(...['dark', 'light'].map(theme => (top.setAttribute('theme', theme), isDark())));
        top.removeAttribute('theme');
        return found;
    }""") == [True, True, False, False, True, False]
    page.locator(".wl").screenshot(path=screenshots / f"bare-{NAMES[make]}-{'dark' if dark else 'light'}.png")
    assert page.evaluate("window.listeners.length") > 0
    page.evaluate("window.leave()")
    assert page.evaluate("window.listeners.length") == 0, "a view that goes takes its listeners with it"
    assert errors == []
    assert [url for url in requests if not url.startswith("blob:")] == []
    page.close()


def test_the_chart_is_read_with_keys_and_a_finger(chromium, finished_trace):
    context = chromium.new_context(viewport={"width": 900, "height": 700}, reduced_motion="reduce", has_touch=True)
    page = context.new_page()
    page.set_content(f"<!doctype html><style>{_assets.style('sharpener_chart')}</style><body><main></main>")
    page.evaluate(_PAGE, [_assets.module("sharpener_chart"), shown(SharpenerChart(finished_trace))])
    canvas, readout = page.locator(".wl-chart canvas"), page.locator(".wl-readout")
    canvas.focus()
    for key, epoch in {"Home": 1, "ArrowRight": 2, "End": finished_trace.epochs, "ArrowLeft": finished_trace.epochs - 1,
                       }.items():
        page.keyboard.press(key)
        assert readout.inner_text().startswith(f"Epoch {epoch}: loss ")
    page.locator(".wl-log").focus()
    assert readout.inner_text().startswith(f"Epoch {finished_trace.epochs}: ")
    box = canvas.bounding_box()
    page.touchscreen.tap(box["x"] + 0.2 * box["width"], box["y"] + 0.4 * box["height"])
    assert not readout.inner_text().startswith(f"Epoch {finished_trace.epochs}: "), "it stays when the finger has gone"
    context.close()


def live_chart(chromium, run, **context):
    """The chart of a run that takes commands, on a page; Python's part is played by the test."""
    page = chromium.new_page(viewport={"width": 1280, "height": 700}, reduced_motion="reduce", **context)
    page.set_content(f"<!doctype html><style>{_assets.style('sharpener_chart')}</style><body><main></main>")
    state = shown(SharpenerChart(run))
    state["about"]["live"] = True
    page.evaluate(_PAGE, [_assets.module("sharpener_chart"), state])
    return page


def tell(page, **values):
    """What Python sends: other values, and then who has changed."""
    page.evaluate("""values => {
        Object.assign(window.values, window.revive(values));
        for (const name of Object.keys(values))
            window.listeners.filter(l => l[0] === `change:${name}`).forEach(l => l[1]());
    }""", {name: plain(value) for name, value in values.items()})


def in_force(page, message, run, **policy):
    """Tells the page that a message of its has been in force, and what is in force now."""
    now = SharpenerChart(run).now
    tell(page, now={**now, "policy": {**now["policy"], **policy}})
    page.evaluate("""mark => window.listeners.filter(l => l[0] === 'msg:custom')
        .forEach(l => l[1]({ kind: 'steered', mark }))""", message["mark"])


def frames(page):
    """Waits until what is asked for is drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def steers(page):
    return [message for message in page.evaluate("window.sent") if message["kind"] == "steer"]


def middle(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_line_stays_under_the_finger_and_where_it_was_let_go_of(chromium, made_up_run):
    run = made_up_run()
    for _ in range(6):
        run.epoch()
    page = live_chart(chromium, run.trace)
    grip = page.locator(".wl-grip[data-name=sig_increase]")
    frames(page)
    x, y = middle(grip)
    # It is taken hold of off its middle, which moves nothing.
    page.mouse.move(x, y + 6)
    page.mouse.down()
    frames(page)
    assert middle(grip)[1] == pytest.approx(y, abs=0.6)
    assert steers(page) == []
    page.mouse.move(x, y - 24, steps=6)
    frames(page)
    assert middle(grip)[1] == pytest.approx(y - 30, abs=3), "it goes as far as the finger"
    held = grip.inner_text()
    place = middle(grip)[1]
    # An epoch ends under a finger that keeps still: the reference is another, and so is the domain of losses.
    run.level = 0.02
    run.epoch()
    tell(page, past=SharpenerChart(run.trace).get_state()["past"], now=SharpenerChart(run.trace).now)
    frames(page)
    assert grip.inner_text() == held
    assert middle(grip)[1] == pytest.approx(place, abs=1)
    page.mouse.up()
    frames(page)
    assert grip.inner_text() == held, "letting go changes nothing"
    value = steers(page)[-1]["values"]["sig_increase"]
    assert held == f"+{round(100 * value)} %"
    assert len({message["gesture"] for message in steers(page)}) == 1

    # Python has changed it since: what is in force is shown.
    in_force(page, steers(page)[-1], run.trace, sig_increase=0.42)
    assert grip.inner_text() == "+42 %"
    field = page.locator(".wl-knob[data-name=sig_increase] input[type=number]")
    assert field.input_value() == "0.42"
    # The line ends where the slider does, however far it is pulled.
    x, y = middle(grip)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 400, steps=4)
    page.mouse.up()
    assert steers(page)[-1]["values"] == {"sig_increase": 1}
    assert grip.get_attribute("aria-valuemax") == "1"
    page.close()


def test_what_was_moved_is_taken_back_with_a_button_and_with_keys(chromium, made_up_run):
    run = made_up_run()
    for _ in range(6):
        run.epoch()
    page = live_chart(chromium, run.trace)
    undo = page.get_by_role("button", name="Undo")
    assert undo.is_disabled()
    slider = page.locator(".wl-knob[data-name=patience] input[type=range]")
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert slider.input_value() == "4"
    page.keyboard.press("Control+z")
    assert slider.input_value() == "1", "a row of keys is one movement"
    grip = page.locator(".wl-grip[data-name=sig_decrease]")
    grip.focus()
    page.keyboard.press("ArrowDown")
    assert grip.get_attribute("aria-valuenow") == "0.16"
    field = page.locator(".wl-knob[data-name=rate] input[type=number]")
    before = field.input_value()
    field.fill("0.9")
    field.press("Control+z")
    assert grip.get_attribute("aria-valuenow") == "0.16", "text that is being typed has an undo of its own"
    field.fill("0.9")
    field.press("Enter")
    undo.click()
    assert field.input_value() == before
    undo.click()
    assert grip.get_attribute("aria-valuenow") == "0.15"
    assert undo.is_disabled()
    page.close()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("make", NAMES)
def test_nobody_is_kept_out(chromium, made_up_run, spike_record, make, dark):
    """What axe-core can find: contrast, names, roles, order."""
    axe = ROOT / "node_modules" / "axe-core" / "axe.min.js"
    if not axe.exists():
        pytest.skip("needs axe-core: npm ci")
    run = made_up_run(layers=12)
    for _ in range(12):
        run.epoch()
    run.trace.status = "recorded"
    page = chromium.new_page(viewport={"width": 900, "height": 700}, reduced_motion="reduce",
                             color_scheme="dark" if dark else "light")
    ground = "#111" if dark else "#fff"
    page.set_content(f"<!doctype html><html lang=en><title>A view</title><style>body {{ background: {ground} }}"
                     f"{_assets.style(NAMES[make])}</style><body><main></main>")
    page.evaluate(_PAGE, [_assets.module(NAMES[make]), shown(make(spike_record if make is SpikeRaster else run.trace))])
    frames(page)
    page.evaluate(axe.read_text())
    found = page.evaluate("""async () => (await axe.run('.wl', {
        rules: { 'label-content-name-mismatch': { enabled: true } } })).violations
        .map(({ id, nodes }) => `${id}: ${nodes.map(node => node.html).slice(0, 3)}`)""")
    assert found == []
    page.close()


def test_a_run_that_has_not_begun_says_how_to_begin(chromium):
    page = chromium.new_page()
    page.set_content("<!doctype html><body><main></main>")
    state = shown(SharpenerChart(Trace(["hidden"], policy={"name": "adaptive"})))
    state["about"]["live"] = True
    page.evaluate(_PAGE, [_assets.module("sharpener_chart"), state])
    assert page.locator(".wl-readout").inner_text() == "Press Start, or go one batch or one epoch at a time."
    page.close()


def test_every_output_is_drawn_and_only_what_is_wrong_is_called_so(chromium, screenshots):
    weights = np.eye(16, 3, dtype=np.float32)
    network = Network((16,), [Node("all", Dense(weights), ("input",)),
                              Node("first", Dense(weights[:, :1] - 0.5), ("input",))],
                      outputs={"kind": Output("all"), "sure": Output("first", "logit"),
                               "size": Output("all", "values")})
    record = run(network, np.eye(16, dtype=np.float32)[:2], labels={
        "kind": [0, 1], "sure": [1, 1], "size": np.eye(3)[:2]})
    page = chromium.new_page(viewport={"width": 900, "height": 700}, reduced_motion="reduce")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_content(f"<!doctype html><style>{_assets.style('spike_raster')}</style><body><main></main>")
    page.evaluate(_PAGE, [_assets.module("spike_raster"), shown(SpikeRaster(record))])
    verdicts = page.locator(".wl-verdict")
    assert verdicts.all_inner_texts() == ["read as 0, which is right", "read as 1, which is right",
                                          "read as 1, 0, 0, in truth 1, 0, 0"]
    assert page.locator(".wl-tally > .wl-label").all_inner_texts() == ["kind: votes", "sure: votes", "size: values"]
    assert page.locator(".wl-votes").nth(1).locator(".wl-count").all_inner_texts() == ["-0.5", "0.5"]
    page.get_by_role("radio", name="sample 1, kind read as 1, which is right; sure read as 0, in truth 1").click()
    assert page.locator(".wl-verdict.wl-false").all_inner_texts() == ["read as 0, in truth 1"]
    assert page.locator(".wl-wrong").count() == 1
    assert page.locator(".wl-winner").count() == 2
    page.locator(".wl").screenshot(path=screenshots / "bare-outputs.png")
    assert errors == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_map_of_classes_is_drawn_and_can_be_pointed_at(chromium, screenshots, map_record, dark):
    page = chromium.new_page(viewport={"width": 900, "height": 700}, reduced_motion="reduce",
                             color_scheme="dark" if dark else "light")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_content(f"<!doctype html><style>{_assets.style('spike_raster')}</style><body><main></main>")
    widget = SpikeRaster(map_record)
    page.evaluate(_PAGE, [_assets.module("spike_raster"), shown(widget)])
    canvas, words = page.locator(".wl-map"), page.locator(".wl-verdict")
    assert words.inner_text() == "Point at a place to read its class."
    colours = widget.about["readings"][0]["colours"]
    for sample in (0, 2):
        page.get_by_role("radio", name=f"sample {sample}").click()
        drawn = canvas.evaluate("""canvas => [...canvas.getContext('2d').getImageData(0, 0, 12, 12).data]""")
        expected = [[*bytes.fromhex(colours[number][1:]), 255] for number in map_record.classes[sample].flat]
        assert [drawn[i:i + 4] for i in range(0, len(drawn), 4)] == expected
    box = canvas.bounding_box()
    assert box["width"] > 100
    assert box["height"] == pytest.approx(box["width"], abs=2)
    canvas.hover(position={"x": box["width"] * 6.5 / 12, "y": box["height"] * 3.5 / 12})
    assert words.inner_text() == f"row 3, column 6: class {map_record.classes[2, 3, 6]}"
    names = page.locator(".wl-entry b").all_inner_texts()
    assert names == [str(number) for number in sorted(set(map_record.classes[2].flat))]
    page.locator(".wl").screenshot(path=screenshots / f"bare-map-{'dark' if dark else 'light'}.png")
    assert errors == []
    page.close()


def test_a_network_without_neurons_says_so(chromium, screenshots, silent_record):
    page = chromium.new_page(viewport={"width": 900, "height": 700}, reduced_motion="reduce")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_content(f"<!doctype html><style>{_assets.style('spike_raster')}</style><body><main></main>")
    page.evaluate(_PAGE, [_assets.module("spike_raster"), shown(SpikeRaster(silent_record))])
    assert "no neurons in this network" in page.locator(".wl-facts").inner_text()
    page.locator(".wl-raster canvas").focus()
    page.keyboard.press("ArrowUp")
    page.locator(".wl-raster canvas").hover(position={"x": 200, "y": 100})
    assert page.locator(".wl-readout").inner_text().startswith("Nothing fires here")
    assert page.locator(".wl-verdict").inner_text() == f"read as {silent_record.classes[0]}"
    page.locator(".wl").screenshot(path=screenshots / "bare-silent.png")
    assert errors == []
    page.close()


@pytest.mark.parametrize("make", [ActivationCurves, SharpenerChart])
def test_a_view_that_was_opened_before_its_run_began_is_drawn_when_it_begins(chromium, finished_trace, make):
    page = chromium.new_page(viewport={"width": 900, "height": 700}, reduced_motion="reduce")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_content(f"<!doctype html><style>{_assets.style(NAMES[make])}</style><body><main></main>")
    page.evaluate(_PAGE, [_assets.module(NAMES[make]), shown(make(Trace([])))])
    assert re.search("The curves come when the run begins|known as soon as the run begins",
                     page.locator(".wl .wl-note").inner_text())
    # As one message brings it: all values first, then what changed, the first of them what the run is about.
    page.evaluate("""state => {
        for (const [name, value] of Object.entries(state)) window.values[name] = window.revive(value);
        for (const name of ['about', 'past', 'histograms', 'decisions', 'now'])
            window.listeners.filter(l => l[0] === `change:${name}`).forEach(l => l[1]());
    }""", shown(make(finished_trace)))
    await_that(page, """() => [...document.querySelectorAll('canvas.wl-canvas')].every(canvas => {
        const image = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return canvas.width > 4 && new Set(new Uint32Array(image.data.buffer)).size > 4;
    })""")
    assert page.locator(".wl").count() == 1
    assert "spiking_2" in page.locator(".wl").inner_text()
    page.evaluate("window.leave()")
    assert page.evaluate("window.listeners.length") == 0
    assert errors == []
    page.close()

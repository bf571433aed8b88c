"""The drawing pad and the fault bench on a page without Jupyter, under a mouse and under keys."""

from __future__ import annotations

import base64
import csv
import io
from xml.etree import ElementTree

import numpy as np
import pytest
from bare_page import ROOT, axe_finds, open_view
from waiting import await_that

from whetstone_lab import datasets
from whetstone_lab import page as page_of
from whetstone_lab.course import kept
from whetstone_lab.method import class_keys
from whetstone_lab.simulator import Faults, Network, evaluate, predict, run
from whetstone_lab.simulator.operations import Dense, Neurons
from whetstone_lab.view.widgets import DrawingPad, FaultBench

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"

#: A three, as points from 0 to 1.
THREE = [(0.3, 0.2), (0.5, 0.12), (0.65, 0.25), (0.6, 0.4), (0.45, 0.47), (0.62, 0.55), (0.66, 0.72), (0.5, 0.86),
         (0.3, 0.8)]


@pytest.fixture(scope="module")
def digits():
    return datasets.load_digits()


@pytest.fixture(scope="module")
def pad(digits):
    return DrawingPad(kept.network("digits"), digits.x_test, digits.y_test)


@pytest.fixture
def show(chromium):
    """Shows a widget on a page of its own: ``show(widget, width=1100, dark=False)``."""
    pages = []

    def show(widget, *, width=1100, dark=False):
        page = open_view(chromium, widget, width, dark)
        pages.append(page)
        await_that(page, """() => [...document.querySelectorAll('.wl-network canvas')].every(canvas => {
            const image = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            return canvas.width > 4 && new Set(new Uint32Array(image.data.buffer)).size > 2;
        })""")
        return page

    yield show
    for page in pages:
        page.close()


def frames(page):
    """Waits until what is asked for is drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def draw(page, points, selector=".wl-square"):
    box = page.locator(selector).bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()
    frames(page)


def verdict(page):
    return page.locator(".wl-right .wl-verdict").inner_text()


def drawn(page):
    """What the page told Python the network is shown."""
    sent = page.evaluate("""() => { const view = window.values.drawn;
        return btoa(String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset, view.byteLength))); }""")
    return np.frombuffer(base64.b64decode(sent), "<f4")


def saved_as_python_has_it(page, view, path):
    """Saves a view's numbers and pictures by its menu."""
    for choice, ending in {"Numbers, CSV": ".csv", "Picture, SVG": ".svg", "Picture, PNG": ".png"}.items():
        page.locator(".wl-save summary").click()
        with page.expect_download() as download:
            page.get_by_role("button", name=choice).click()
        download.value.save_as(path.with_suffix(ending))
    rows, expected = (list(csv.reader(io.StringIO(text))) for text in (
        path.with_suffix(".csv").read_text(), view.to_csv()))
    assert rows[0] == expected[0]
    for row, other in zip(rows, expected, strict=True):
        assert row == other
    svg = ElementTree.parse(path.with_suffix(".svg")).getroot()
    texts = [element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert {"hidden_1", "output", "fires"} < set(texts)
    assert not {"Save", "Clear", "Mend all"} & set(texts), "without what it is worked by"
    assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def no_violations(page):
    if AXE.exists():
        assert axe_finds(page) == []


def test_a_small_network_of_one_sample_is_drawn_as_a_large_one_is(show):
    """All that there is to work out is known at once, before the view is there."""
    network = Network((16,), [Dense(np.eye(16, 2, dtype=np.float32)), Neurons(0.5)], key=[[1, 0], [0, 1]])
    page = show(DrawingPad(network, np.eye(1, 16), [7]))
    page.locator(".wl-network canvas").focus()
    for key in ("ArrowRight", "Enter"):
        page.keyboard.press(key)
    assert "it fires for 1 of 1 samples" in page.locator(".wl-readout").inner_text()
    assert "fires in all of 1 samples" in page.locator(".wl-taste").inner_text()


def test_a_digit_that_is_drawn_is_read_and_python_reads_the_same(show, screenshots, pad):
    page = show(pad)
    assert verdict(page) == "Draw something, and watch it spike."
    draw(page, THREE)
    assert verdict(page) == "Read as 3"
    assert predict(pad.simulated, drawn(page)[None]).tolist() == [3]
    network = page.locator(".wl-network canvas")
    assert "; output: 10 of 100 neurons fire. Read as 3." in network.get_attribute("aria-label")
    # While its wave is on its way, nobody is told what it will be read as.
    page.get_by_role("button", name="Play the wave").click()
    assert verdict(page) == "No output yet: the wave is on its way"
    await_that(page, "() => document.querySelector('.wl-right .wl-verdict').textContent === 'Read as 3'")
    # A neuron from near, with a click.
    box = network.bounding_box()
    page.mouse.click(box["x"] + 60, box["y"] + 60)
    panel = page.locator(".wl-neuron")
    await_that(page, "() => document.querySelectorAll('.wl-likes button').length === 8")
    assert panel.locator(".wl-title").inner_text().startswith("hidden_1, neuron ")
    page.locator(".wl").screenshot(path=screenshots / "pad-light.png")
    no_violations(page)
    panel.get_by_role("button", name="Load sample").first.click()
    assert ", in truth " in verdict(page) or ", which is right" in verdict(page)
    page.get_by_role("button", name="Undo").click()
    assert verdict(page) == "Read as 3"
    page.get_by_role("button", name="Clear").click()
    assert verdict(page) == "Draw something, and watch it spike."
    page.keyboard.press("Control+z")
    assert verdict(page) == "Read as 3"
    page.get_by_role("button", name="Close").click()
    assert panel.is_hidden()
    pad.set_state({"drawn": memoryview(drawn(page).tobytes())})
    saved_as_python_has_it(page, pad, screenshots / "pad")
    page.evaluate("window.leave()")
    assert page.evaluate("window.listeners.length") == 0


def test_keys_alone_draw_load_and_look(show, screenshots, pad):
    page = show(pad, width=420, dark=True)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Save"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == f"sample 0, a {pad.shown.labels[0]}"
    page.keyboard.press("Enter")
    assert verdict(page) == f"Read as {predict(pad.simulated, pad.shown.values[:1])[0]}, which is right"
    np.testing.assert_array_equal(drawn(page), pad.shown.values[0])
    page.keyboard.press("Tab")
    page.keyboard.press("Control+z")
    for _ in range(6):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    for _ in range(12):
        page.keyboard.press("ArrowDown")
    assert "Pen down" in page.locator(".wl-readout").inner_text()
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowLeft")
    assert "Pen up" in page.locator(".wl-readout").inner_text()
    assert verdict(page) == "Read as 1"
    page.locator(".wl-network canvas").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.locator(".wl-neuron .wl-title").inner_text() == "hidden_1, neuron 16"
    await_that(page, "() => document.querySelectorAll('.wl-likes button').length === 8")
    page.locator(".wl").screenshot(path=screenshots / "pad-dark-narrow.png")
    no_violations(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.fixture(scope="module")
def bench(digits):
    return FaultBench(kept.network("digits"), digits.x_test, digits.y_test)


def slide(page, name, value):
    page.get_by_role("slider", name=name).evaluate("""(slider, value) => {
        slider.value = value;
        slider.dispatchEvent(new Event('input', { bubbles: true }));
    }""", str(value))


def shows(page, share):
    """Waits until all samples are counted, and an accuracy is shown."""
    await_that(page, """text => document.querySelector('.wl-percentage').textContent === text
        && document.querySelector('.wl-score .wl-meaning').textContent.includes('unbroken')""", f"{100 * share:.1f} %")


def test_the_bench_breaks_what_faults_break_in_python(show, screenshots, bench, digits):
    page, network = show(bench), bench.simulated
    shows(page, evaluate(network, digits.x_test, digits.y_test)["accuracy"])
    assert page.locator(".wl-right > .wl-meaning").inner_text() == "Every neuron does as in the unbroken network."
    for name, value in {"dead neurons": 0.1, "stuck at firing": 0.03, "lost spikes": 0.15, "threshold jitter": 0.2,
                        "bits of a weight": 4}.items():
        slide(page, name, value)
    page.get_by_role("button", name="Draw again").click()
    faults = Faults(dead=0.1, stuck=0.03, lost=0.15, jitter=0.2, bits=4, seed=1)
    shows(page, evaluate(network, digits.x_test, digits.y_test, faults=faults)["accuracy"])
    assert page.locator(".wl-code").inner_text() == (
        "run(network, x, faults=Faults(dead=0.1, stuck=0.03, jitter=0.2, lost=0.15, bits=4, seed=1))")
    # Fewer neurons a class: the first two of each.
    slide(page, "neurons a class", 2)
    columns = np.sort(np.concatenate([row.nonzero()[0][:2] for row in network.key]))
    output = run(network, digits.x_test, faults=faults).dense("output").any(axis=1)
    right = class_keys.decode(output[:, columns], network.key[:, columns]) == digits.y_test
    shows(page, right.mean())
    # What the menu saves is what Python gives.
    slide(page, "silent inputs", 0.1)
    page.locator(".wl-square canvas").click(position={"x": 5, "y": 5})
    page.locator(".wl-network canvas").click(position={"x": 8, "y": 40})
    bench.set_state({"broken": page.evaluate("window.values.broken")})
    assert [len(bench.broken[name]) for name in ("fates", "pixels")] == [1, 1]
    shows(page, bench.table()["accuracy"][1])
    saved_as_python_has_it(page, bench, screenshots / "bench")
    bench.broken = {}  # for the tests to come
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    slide(page, "silent inputs", 0)
    # The first neuron that differs, in the first sample.
    sound, broken = (run(network, digits.x_test[:1], faults=each).dense("hidden_1").any(axis=1)[0] for each in (
        None, faults))
    first = (sound != broken).nonzero()[0][0]
    assert f"The first neuron that differs: hidden_1, neuron {first};" in page.locator(
        ".wl-right > .wl-meaning").inner_text()
    page.locator(".wl").screenshot(path=screenshots / "bench-light.png")
    no_violations(page)
    page.evaluate("window.leave()")
    assert page.evaluate("window.listeners.length") == 0


def test_keys_alone_break_neurons_and_pixels_and_mend_them(show, screenshots, bench, digits):
    page = show(bench, width=420, dark=True)
    page.locator(".wl-square canvas").focus()
    for key in ["ArrowDown", *["ArrowDown"] * 2, *["ArrowRight"] * 3, "Enter"]:
        page.keyboard.press(key)
    frames(page)
    assert "silent pixels: 1." in page.locator(".wl-square canvas").get_attribute("aria-label")
    page.locator(".wl-network canvas").focus()
    for key in ("ArrowRight", "ArrowRight", "Enter", "Enter"):
        page.keyboard.press(key)
    assert "hidden_1, neuron 1: fires" in page.locator(".wl-right .wl-readout").inner_text()
    assert "stuck at firing" in page.locator(".wl-right .wl-readout").inner_text()
    page.locator(".wl").screenshot(path=screenshots / "bench-dark-narrow.png")
    no_violations(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for _ in range(3):
        page.keyboard.press("Control+z")
    assert page.locator(".wl-right > .wl-meaning").inner_text() == "Every neuron does as in the unbroken network."
    shows(page, evaluate(bench.simulated, digits.x_test, digits.y_test)["accuracy"])


def test_both_are_alive_in_one_file_without_a_network(chromium, tmp_path, pad, bench, digits):
    path = tmp_path / "hands.html"
    text = page_of([pad, bench], path, title="Hands on the neuron")
    assert len(text) < 1_000_000
    context = chromium.new_context(viewport={"width": 1100, "height": 900}, offline=True, reduced_motion="reduce")
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.goto(path.as_uri())
    shows(page, evaluate(bench.simulated, digits.x_test, digits.y_test)["accuracy"])
    draw(page, THREE, ".wl-pad:not(.wl-bench) .wl-square")
    assert page.locator(".wl-pad:not(.wl-bench) .wl-right .wl-verdict").inner_text() == "Read as 3"
    slide(page, "lost spikes", 0.3)
    shows(page, evaluate(bench.simulated, digits.x_test, digits.y_test, faults=Faults(lost=0.3))["accuracy"])
    context.close()

"""Pages that are taken along: one file, opened from a disk, with every way out closed."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from xml.etree import ElementTree

import pytest
from waiting import await_that

from whetstone_lab import datasets, page, recordings
from whetstone_lab.course import kept
from whetstone_lab.widgets import AccuracyChart, ActivationCurves, NetworkDiagram, SharpenerChart, SpikeRaster

AXE = Path(__file__).parent.parent.parent / "node_modules" / "axe-core" / "axe.min.js"

_DRAWN = """() => {
    const canvases = [...document.querySelectorAll('canvas.wl-canvas')];
    return canvases.length && canvases.every(canvas => {
        const image = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return canvas.width > 4 && new Set(new Uint32Array(image.data.buffer)).size > 4;
    });
}"""


#: What is drawn on the chart, whatever of it was kept from before.
_CHART = "() => document.querySelector('.wl-chart canvas').toDataURL()"


def digits_views():
    """All views of the digits run, by the class of their outermost element."""
    trace, digits = recordings.digits_trace(), datasets.load_digits()
    return {".wl-curves": ActivationCurves(trace), ".wl-sharpener": SharpenerChart(trace),
            ".wl-rivalry": AccuracyChart(trace),
            ".wl-diagram": NetworkDiagram(trace, digits.x_test, digits.y_test, network=kept.network("digits")),
            ".wl-spikes": SpikeRaster(recordings.digits_spikes(), order="class")}


@pytest.fixture(scope="module")
def digits_page(tmp_path_factory):
    """The file of a page with all views of the digits run."""
    path = tmp_path_factory.mktemp("pages") / "digits.html"
    page(digits_views().values(), path, title="Ten digits", text="A perceptron that was sharpened while it learnt.")
    return path


@pytest.fixture
def open_page(chromium):
    """Opens a file without a network, and sees to it in the end that nothing was asked for and nothing went wrong."""
    contexts, errors, requests, opens = [], [], [], set()

    def open_page(path, width=1280, **options):
        context = chromium.new_context(viewport={"width": width, "height": 900}, offline=True, **{
            "reduced_motion": "reduce", **options})
        contexts.append(context)
        opened = context.new_page()
        opened.on("pageerror", lambda error: errors.append(str(error)))
        opened.on("console", lambda message: message.type == "error" and errors.append(message.text))
        opened.on("request", lambda request: requests.append(request.url))
        opens.add(path.as_uri())
        opened.goto(path.as_uri())
        return opened

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []
    assert [url for url in requests if url not in opens and not url.startswith("data:")] == []


@pytest.mark.parametrize("width", [1280, 420])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_page_is_drawn_in_both_themes_wide_and_narrow(open_page, digits_page, screenshots, width, dark):
    opened = open_page(digits_page, width, color_scheme="dark" if dark else "light")
    await_that(opened, _DRAWN)
    assert opened.locator(".wl").count() == 5
    assert not opened.locator(".wl-view > img").first.is_visible(), "the picture makes room for the view"
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    opened.screenshot(path=screenshots / f"page-{width}-{'dark' if dark else 'light'}.png", full_page=True)
    opened.evaluate("document.querySelector('h1').textContent = 'Network(' + 'spiking_'.repeat(20) + ')'")
    assert opened.evaluate("document.documentElement.scrollWidth") <= width, "whatever it is called"
    if AXE.exists():
        # By DevTools, which a page's policy does not bind: the page itself would not let it in.
        opened.evaluate(AXE.read_text())
        assert opened.evaluate("""async () => (await axe.run(document, {
            rules: { 'label-content-name-mismatch': { enabled: true } } })).violations
            .map(({ id, nodes }) => `${id}: ${nodes.map(node => node.html).slice(0, 3)}`)""") == []


def test_a_recorded_run_stays_alive_in_a_page(open_page, digits_page):
    opened = open_page(digits_page)
    await_that(opened, _DRAWN)
    curves, chart, raster = (opened.locator(name) for name in (".wl-curves", ".wl-sharpener", ".wl-spikes"))
    slider, moment = curves.locator("input[type=range]"), curves.locator(".wl-moment")
    before = moment.inner_text()
    box = slider.bounding_box()
    opened.mouse.move(box["x"] + box["width"] - 8, box["y"] + box["height"] / 2)
    opened.mouse.down()
    opened.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2, steps=4)
    opened.mouse.up()
    assert moment.inner_text() != before
    assert curves.locator(".wl-value").last.inner_text() == "0.00"

    grip = chart.locator(".wl-grip[data-name=sig_increase]")
    grip.scroll_into_view_if_needed()
    box, words = grip.bounding_box(), chart.locator(".wl-remark").inner_text()
    opened.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    opened.mouse.down()
    opened.mouse.move(box["x"] + box["width"] / 2, box["y"] - 40, steps=4)
    opened.mouse.up()
    assert chart.locator(".wl-remark").inner_text() != words, "what would have been another decision"
    chart.get_by_role("button", name="Back to the run").click()
    assert chart.locator(".wl-remark").inner_text() == words

    raster.get_by_role("radio").nth(5).click()
    assert raster.locator(".wl-facts").inner_text().startswith("sample 5, ")
    shown = raster.locator(".wl-raster canvas")
    order = raster.get_by_role("combobox", name="Order of the neurons")
    assert order.input_value() == "class", "as it was saved"
    raster.get_by_role("combobox", name="What a step is").select_option("layer")
    for key, words in {"PageUp": "1 of 3 layers", "End": "all layers", "PageDown": "2 of 3 layers"}.items():
        shown.press(key)
        assert raster.locator(".wl-moment").inner_text() == words
    assert "output: 0 of 100 neurons fired" in shown.get_attribute("aria-label")
    assert raster.locator(".wl-verdict").inner_text() == "no output yet"
    shown.press("ArrowUp")
    assert raster.locator(".wl-readout").inner_text().endswith("0 spikes in 24 samples.")
    order.select_option("number")
    assert raster.locator(".wl-readout").inner_text() != "", "the neuron is still the one that was pointed at"
    raster.get_by_role("combobox", name="What a step is").select_option("step")
    raster.get_by_role("button", name="On a step").click()
    assert raster.locator(".wl-moment").inner_text() == "1 of 3 steps"
    raster.get_by_role("button", name="Play the wave").click()
    await_that(opened, "() => document.querySelector('.wl-spikes .wl-moment').textContent === 'all steps'")


def test_all_that_is_shown_of_a_run_goes_by_one_cursor(open_page, digits_page):
    opened = open_page(digits_page)
    await_that(opened, _DRAWN)
    moment, accuracy = opened.locator(".wl-curves .wl-moment"), opened.locator(".wl-accuracy canvas")
    before = opened.evaluate(_CHART)
    accuracy.focus()
    for key in ("Home", "ArrowRight", "ArrowRight"):
        accuracy.press(key)
    assert moment.inner_text() == "epoch 2.0"
    await_that(opened, f"before => ({_CHART})() !== before", before)
    soft = recordings.digits_trace().epoch_logs[1]["val_accuracy"]
    shown = opened.locator(".wl-rivals span:visible").all_inner_texts()
    assert [words.strip() for words in shown] == [f"soft {100 * soft:.1f} %"], "and no ReLU, of which it does not tell"
    assert "after epoch 2: soft" in accuracy.get_attribute("aria-label")
    facts = opened.locator(".wl-diagram .wl-facts").inner_text()
    assert facts == "after epoch 60 · read as 0, which is right", "of this run the network is known at the end alone"
    opened.locator(".wl-diagram .wl-pick").nth(7).click()
    await_that(opened, "words => document.querySelector('.wl-diagram .wl-facts').textContent.endsWith(words)",
               "read as 7, which is right")
    network, picked = opened.locator(".wl-diagram .wl-network canvas"), opened.locator(".wl-card.wl-picked")
    network.press("ArrowRight")
    assert picked.count() == 1
    assert opened.locator(".wl-diagram .wl-readout").inner_text().startswith("hidden_1, neuron 0: ")
    opened.locator(".wl-curves .wl-grid").press("ArrowRight")
    assert picked.locator(".wl-name").inner_text() == "hidden_2"
    assert opened.locator(".wl-diagram .wl-readout").inner_text().startswith("hidden_2: ")
    network.press("Escape")
    assert picked.count() == 0


def saved(opened, view, choice, folder):
    """The file that a view's menu gives."""
    view.locator(".wl-save summary").click()
    with opened.expect_download() as download:
        view.get_by_role("button", name=choice).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_each_view_gives_its_picture_and_its_numbers(open_page, digits_page, screenshots, dark):
    opened = open_page(digits_page, color_scheme="dark" if dark else "light")
    await_that(opened, _DRAWN)
    for selector, view in digits_views().items():
        shown = opened.locator(selector)
        svg = saved(opened, shown, "Picture, SVG", screenshots)
        parsed = ElementTree.parse(svg).getroot()
        texts = [element.text for element in parsed.iter("{http://www.w3.org/2000/svg}text")]
        assert shown.locator(".wl-title").inner_text() in texts
        assert not {"Save", "Play", "Undo"} & set(texts), "without what it is worked by"
        lines = len(list(parsed.iter("{http://www.w3.org/2000/svg}path")))
        assert lines > 3 or "by class of the key" in " ".join(texts)
        png = saved(opened, shown, "Picture, PNG", screenshots)
        assert png.read_bytes().startswith(b"\x89PNG")
        found = list(csv.reader(io.StringIO(saved(opened, shown, "Numbers, CSV", screenshots).read_text())))
        expected = list(csv.reader(io.StringIO(view.to_csv())))
        assert found[0] == expected[0]
        if selector == ".wl-curves":  # the page knows of some batches, and where they are to float32
            every = {round(float(row[0]), 4): row for row in expected[1:]}
            expected[1:] = [every[round(float(row[0]), 4)] for row in found[1:]]
            assert len(found) > 300
        assert len(found) == len(expected)
        for mine, other in zip(found[1:], expected[1:], strict=True):
            assert [as_number(cell) for cell in mine] == [as_number(cell) for cell in other]
        for path in (svg, png):
            path.rename(screenshots / f"saved-{selector[4:]}-{'dark' if dark else 'light'}{path.suffix}")


def as_number(cell):
    try:
        return pytest.approx(float(cell), rel=1e-6)
    except ValueError:
        return cell


def test_the_switch_turns_the_page_and_the_views(open_page, digits_page, screenshots):
    opened = open_page(digits_page, color_scheme="light")
    switch = opened.get_by_role("button", name="Dark page")
    grounds = "() => [...document.querySelectorAll('.wl-page, .wl')].map(it => getComputedStyle(it).backgroundColor)"
    assert set(opened.evaluate(grounds)) == {"rgb(255, 255, 255)"}
    await_that(opened, _DRAWN)
    light = opened.evaluate(_CHART)
    switch.click()
    await_that(opened, f"light => ({_CHART})() !== light", light)
    switch.click()
    await_that(opened, f"light => ({_CHART})() === light", light)
    opened.locator(".wl-chart canvas").hover(position={"x": 300, "y": 100})
    await_that(opened, f"light => ({_CHART})() !== light", light)
    opened.mouse.move(2, 2)
    await_that(opened, f"light => ({_CHART})() === light", light)
    switch.click()
    assert switch.get_attribute("aria-pressed") == "true"
    assert set(opened.evaluate(grounds)) == {"rgb(20, 24, 29)"}
    opened.reload()
    assert set(opened.evaluate(grounds)) == {"rgb(20, 24, 29)"}, "it stays as it was left"
    opened.get_by_role("button", name="Dark page").click()
    assert set(opened.evaluate(grounds)) == {"rgb(255, 255, 255)"}


def test_without_scripts_a_page_has_pictures(open_page, digits_page, screenshots):
    opened = open_page(digits_page, java_script_enabled=False)
    pictures = opened.get_by_role("img")
    assert pictures.count() == 5
    assert all(picture.bounding_box()["width"] > 300 for picture in pictures.all())
    assert not opened.get_by_role("button").count()
    opened.screenshot(path=screenshots / "page-without-scripts.png", full_page=True)


def test_a_page_may_not_ask_for_anything(chromium, tmp_path):
    """That the policy holds: a page whose own pieces ask for something does not get it."""
    path = tmp_path / "page.html"
    page(["<img id=out src='http://127.0.0.1:9/x.png' alt=out><link rel=stylesheet href='http://127.0.0.1:9/x.css'>"
          "<script>document.title = 'ran'</script>"], path, title="quiet",
         scripts=["try { await fetch('http://127.0.0.1:9/'); }"
                  "catch (error) { document.body.dataset.refused = error; }"])
    opened = chromium.new_page()
    refused = []
    opened.on("console", lambda message: refused.append(message.text))
    opened.goto(path.as_uri())
    await_that(opened, "() => document.body.dataset.refused")
    assert opened.title() == "quiet", "a script in a piece of HTML does not run"
    assert sum("Content Security Policy" in text for text in refused) >= 4
    opened.close()

"""The widgets as a reader meets them: drawn, moving, and answering, in a real JupyterLab and a real browser."""

from __future__ import annotations

import base64
import itertools
import json
import re
from pathlib import Path

import pytest
from waiting import await_that

ROOT = Path(__file__).parent.parent.parent
CURVES, CHART, RASTER = ".wl-curves", ".wl-sharpener", ".wl-spikes"

#: How many of a canvas's pixels are drawn on, and in how many colours.
_DRAWN = """canvas => {
    const data = new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer);
    return [data.filter(pixel => pixel >>> 24).length / data.length, new Set(data).size];
}"""
_TEXT = """([selector, pattern]) => new RegExp(pattern).test(document.querySelector(selector)?.textContent ?? '')"""

#: A run that rests after each batch, as one on larger data takes its time.
LIVE = """
import time
import keras
import whetstone_lab as wl
from whetstone_lab import datasets, widgets

keras.utils.set_random_seed(0)
digits = datasets.load_digits()
model = keras.Sequential([
    keras.Input((64,)), keras.layers.Dense(64), wl.SpikingBReLU(name="hidden"), keras.layers.Dense(100),
    wl.SpikingBReLU(name="output"), wl.SoftmaxDecode(wl.make_key(10, 100))])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
sharpener = wl.AdaptiveSharpener(min_init_epochs=2, probe=digits.x_train[:64])
rest = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: time.sleep(0.02))
run = wl.fit(model, digits.x_train, digits.y_train, epochs=100_000, callbacks=[sharpener, rest], start=False)
"""


def drawn(page, selector: str) -> None:
    """Waits until every canvas of a widget is drawn on, in several colours."""
    await_that(page, f"""selector => {{
        const canvases = [...document.querySelectorAll(selector + ' canvas')];
        const drawn = canvas => {{
            const [share, colours] = ({_DRAWN})(canvas);
            return canvas.width > 4 && share > 0.01 && colours > 4;
        }};
        return canvases.length > 0 && canvases.every(drawn);
    }}""", selector)


def fits(page, selector: str) -> None:
    """Waits until a widget is no wider than its room: after the room has changed, it is laid out anew."""
    await_that(page, "selector => [...document.querySelectorAll(selector)]"
                     ".every(each => each.scrollWidth <= each.clientWidth)", selector)


def says(page, selector: str, pattern: str) -> None:
    """Waits until the text of an element matches a pattern."""
    await_that(page, _TEXT, [selector, pattern])


def moves(page, selector: str) -> None:
    """Waits until a canvas shows something else than now."""
    before = page.eval_on_selector(selector, "canvas => canvas.toDataURL()")
    await_that(page, "([selector, before]) => document.querySelector(selector).toDataURL() !== before",
               [selector, before])


def picture(notebook: dict, cell: int) -> bytes:
    """What a saved notebook shows of a cell where nothing runs."""
    shown = [output["data"] for output in notebook["cells"][cell]["outputs"] if "data" in output]
    found = next(base64.b64decode(data["image/png"]) for data in shown if "image/png" in data)
    assert found.startswith(b"\x89PNG")
    return found


def drag(page, selector: str, by: float) -> None:
    """Takes hold of an element that may be moving, as often as it takes to hit it, and drags it up or down."""
    grip = page.locator(selector)
    grip.scroll_into_view_if_needed()
    for _ in range(20):
        box = grip.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        if grip.evaluate("element => element === document.activeElement"):
            break
        page.mouse.up()
    else:
        pytest.fail(f"{selector} was missed every time.")
    page.mouse.move(x, y + by, steps=10)
    page.mouse.up()


@pytest.fixture
def recorded(tmp_path, finished_trace, spike_record) -> list[str]:
    """Cells that show the three widgets on a recorded run."""
    trace, record = finished_trace.save(tmp_path / "run.npz"), spike_record.save(tmp_path / "record.npz")
    return [f"""
from whetstone_lab import widgets
from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.records.trace import Trace
run, record = Trace.load({str(trace)!r}), SpikeRecord.load({str(record)!r})
widgets.ActivationCurves(run)""", "widgets.SharpenerChart(run)", "raster = widgets.SpikeRaster(record)\nraster",
            "import sys\nprint('keras' in sys.modules, raster.sample)"]


def test_a_recorded_run_is_drawn_in_every_theme_and_width(open_notebook, recorded, screenshots):
    notebook = open_notebook(recorded, calm=True)
    for cell in range(3):
        notebook.run(cell)
    for width, dark in itertools.product((1400, 420), (False, True)):
        notebook.page.set_viewport_size({"width": width, "height": 1000})
        notebook.theme(dark)
        for selector in (CURVES, CHART, RASTER):
            drawn(notebook.page, selector)
            widget = notebook.page.locator(selector)
            widget.scroll_into_view_if_needed()
            fits(notebook.page, selector)
            name = f"{selector.strip('.')}-{'wide' if width > 1000 else 'narrow'}-{'dark' if dark else 'light'}.png"
            widget.screenshot(path=screenshots / name)
    assert notebook.errors == []


def test_a_map_of_classes_and_a_network_without_neurons_are_drawn(open_notebook, tmp_path, map_record, silent_record,
                                                                  screenshots):
    records = [map_record.save(tmp_path / "map.npz"), silent_record.save(tmp_path / "silent.npz")]
    notebook = open_notebook(["from whetstone_lab import SpikeRecord, widgets"] + [
        f"widgets.SpikeRaster(SpikeRecord.load({str(path)!r}))" for path in records], calm=True)
    page = notebook.page
    for cell in range(3):
        notebook.run(cell)
    for dark in (False, True):
        notebook.theme(dark)
        drawn(page, f"{RASTER}:has(.wl-map) .wl-raster")
        # A line of words covers less of a canvas than a drawing does.
        await_that(page, f"() => ({_DRAWN})(document.querySelectorAll('.wl-raster canvas')[1])[1] > 4")
        for which, name in enumerate(["map", "silent"]):
            widget = page.locator(RASTER).nth(which)
            widget.scroll_into_view_if_needed()
            fits(page, RASTER)
            widget.screenshot(path=screenshots / f"wl-spikes-{name}-{'dark' if dark else 'light'}.png")
    assert page.locator(".wl-entry").count() == len(set(map_record.classes[0].flat)) > 3
    canvas = page.locator(".wl-map")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    canvas.hover(position={"x": box["width"] * 0.04, "y": box["height"] * 0.04})
    says(page, ".wl-map ~ .wl-verdict", f"^row 0, column 0: class {map_record.classes[0, 0, 0]}$")
    assert notebook.errors == []


def test_a_recorded_run_plays_by_itself_and_by_hand(open_notebook, recorded):
    notebook = open_notebook(recorded)
    page = notebook.page
    notebook.run(0)
    says(page, f"{CURVES} .wl-transport button", "Pause")
    moves(page, f"{CURVES} .wl-plot canvas")
    slider = page.locator(f"{CURVES} input[type=range]")
    slider.focus()
    page.keyboard.press("Home")
    says(page, f"{CURVES} .wl-transport button", "Play")
    says(page, f"{CURVES} .wl-moment", r"^epoch 0\.0$")
    page.keyboard.press("ArrowRight")
    says(page, f"{CURVES} .wl-moment", r"^epoch 0\.1$")
    says(page, f"{CURVES} .wl-value", r"^0\.00$")
    page.locator(f"{CURVES} .wl-transport button").first.click()
    says(page, f"{CURVES} .wl-value", "sharp")


def test_what_if_on_a_recorded_run_and_a_kernel_that_is_gone(open_notebook, recorded, finished_trace, screenshots):
    notebook = open_notebook(recorded, calm=True)
    page = notebook.page
    notebook.run(0)
    notebook.run(1)
    drawn(page, CHART)
    assert page.locator(f"{CHART} .wl-commands").is_hidden()
    drag(page, f"{CHART} .wl-grip[data-name=sig_increase]", by=-70)
    says(page, f"{CHART} .wl-remark", r"After epoch \d+ sharpening would have gone on .* is not known")
    page.locator(CHART).screenshot(path=screenshots / "wl-sharpener-what-if.png")
    page.get_by_role("button", name="Back to the run").click()
    says(page, f"{CHART} .wl-remark", "This run is over")
    # A mark on the chart says its reason: the first stop stands at the end of its epoch.
    canvas = page.locator(f"{CHART} .wl-chart canvas")
    stop = next(event for event in finished_trace.events if event.kind == "stop")
    width = canvas.bounding_box()["width"]
    canvas.hover(position={"x": 40 + (width - 98) * (stop.epoch + 1) / finished_trace.epochs, "y": 18})
    says(page, f"{CHART} .wl-readout", f"^Epoch {stop.epoch + 1}: The loss rose")
    assert notebook.errors == []

    # Without its kernel each widget says so.
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    page.wait_for_selector(f"{CURVES}.wl-gone")
    shown = page.eval_on_selector(CURVES, "element => getComputedStyle(element, '::after').content")
    assert "The kernel has gone" in shown
    page.locator(CURVES).screenshot(path=screenshots / "wl-curves-disconnected.png")


def test_a_sample_is_picked_and_python_knows(open_notebook, recorded, screenshots):
    notebook = open_notebook(recorded)
    page = notebook.page
    for cell in (0, 2):
        notebook.run(cell)
    says(page, f"{RASTER} .wl-verdict", "read as 0, which is right")
    page.get_by_role("radio", name="sample 5").click()
    says(page, f"{RASTER} .wl-verdict", "no output yet")
    moves(page, f"{RASTER} .wl-raster canvas")
    page.locator(RASTER).screenshot(path=screenshots / "wl-spikes-moving.png")
    says(page, f"{RASTER} .wl-verdict", "read as 3, in truth 5")
    notebook.run(3)
    assert notebook.text(3).split() == ["False", "5"]
    canvas = page.locator(f"{RASTER} .wl-raster canvas")
    canvas.hover(position={"x": 200, "y": 250})
    says(page, f"{RASTER} .wl-readout", r"spiking_1, neuron \d+, step 0: (fires|silent)")
    canvas.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    says(page, f"{RASTER} .wl-readout", r"step 1: (fires|silent)")
    assert notebook.errors == []


def test_a_live_run_is_seen_and_steered_and_the_picture_of_its_end_is_saved(open_notebook, screenshots):
    notebook = open_notebook([
        LIVE + "widgets.ActivationCurves(run)", "widgets.SharpenerChart(run)",
        "print(run.status, sharpener.policy.sig_increase, sharpener.policy.patience)",
        "run.stop()\n_ = run.wait()\nprint(run.status, run.trace.epochs)"])
    page = notebook.page
    commands = page.locator(f"{CHART} .wl-commands")
    notebook.run(0)
    notebook.run(1)
    says(page, f"{CHART} .wl-chip", "ready")
    before = picture(notebook.save(), cell=1)
    commands.get_by_role("button", name="Start").click()
    says(page, f"{CHART} .wl-chip", "training")
    says(page, f"{CURVES} .wl-facts", r"epoch [3-9]")
    drawn(page, CURVES)
    moves(page, f"{CURVES} .wl-plot canvas")
    moves(page, f"{CHART} .wl-chart canvas")

    # A line is dragged, and the run answers: what was asked for is in force, and is asked for no longer.
    drag(page, f"{CHART} .wl-grip[data-name=sig_increase]", by=-50)
    says(page, f"{CHART} .wl-log", "sig_increase was changed from 0.15 to .* by hand")
    page.wait_for_selector(f"{CHART} .wl-knob[data-name=sig_increase]:not(.wl-asked)")
    dragged = float(page.locator(f"{CHART} .wl-knob[data-name=sig_increase] input[type=number]").input_value())
    assert dragged > 0.15
    page.locator(f"{CHART} .wl-knob[data-name=patience] input[type=range]").focus()
    page.keyboard.press("ArrowRight")
    says(page, f"{CHART} .wl-log", "patience was changed from 1 to 2 by hand")
    # The notebook has an undo of its own, which must not take the keys.
    rate = page.locator(f"{CHART} .wl-knob[data-name=rate] input[type=range]")
    rate.focus()
    page.keyboard.press("ArrowRight")
    says(page, f"{CHART} .wl-log", "rate was changed from 0.25 to 0.26 by hand")
    page.keyboard.press("Control+z")
    await_that(page, "selector => document.querySelector(selector).value === '0.25'",
               f"{CHART} .wl-knob[data-name=rate] input[type=range]")
    page.wait_for_selector(f"{CHART} .wl-knob[data-name=rate]:not(.wl-asked)")
    assert rate.input_value() == "0.25"
    page.locator(CHART).screenshot(path=screenshots / "wl-sharpener-live.png")
    page.locator(CURVES).screenshot(path=screenshots / "wl-curves-live.png")

    # A pause holds the run, a step moves it on by one batch.
    commands.get_by_role("button", name="Pause").click()
    says(page, f"{CHART} .wl-chip", "paused")
    notebook.run(2)
    status, increase, patience = notebook.text(2).split()
    assert (status, float(increase), int(patience)) == ("paused", dragged, 2)
    facts = page.locator(f"{CHART} .wl-facts")
    batch = int(re.search(r"batch (\d+)", facts.inner_text())[1])
    commands.get_by_role("button", name="Train one more batch").click()
    says(page, f"{CHART} .wl-facts", f"batch {batch + 1} ")
    says(page, f"{CHART} .wl-chip", "paused")
    commands.get_by_role("button", name="Resume").click()
    says(page, f"{CHART} .wl-chip", "training")

    # The run ends, and so does the picture in the saved notebook. Then it is started once more.
    notebook.run(3)
    says(page, f"{CHART} .wl-chip", "stopped")
    drawn(page, CHART)
    after = picture(notebook.save(), cell=1)
    assert len(after) > len(before)
    (screenshots / "saved-picture.png").write_bytes(after)
    commands.get_by_role("button", name="Train on", exact=True).click()
    says(page, f"{CHART} .wl-chip", "training")

    # A page that is loaded again in mid-run shows the run as it is, and goes on.
    notebook.save()
    notebook.reload()
    says(page, f"{CHART} .wl-chip", "training")
    says(page, f"{CHART} .wl-log", "patience was changed from 1 to 2 by hand")
    drawn(page, CHART)
    moves(page, f"{CHART} .wl-chart canvas")
    commands.get_by_role("button", name="Pause").click()
    says(page, f"{CHART} .wl-chip", "paused")
    commands.get_by_role("button", name="Resume").click()
    says(page, f"{CHART} .wl-chip", "training")

    notebook.run(3)
    assert notebook.text(3).split()[0] == "stopped"
    says(page, f"{CHART} .wl-chip", "stopped")
    assert notebook.errors == []


@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "untrusted"])
def test_a_saved_notebook_shows_its_pictures_without_its_kernel(open_notebook, lab, recorded, screenshots, trusted):
    notebook = open_notebook(recorded, calm=True)
    for cell in range(3):
        notebook.run(cell)
    for selector in (CURVES, CHART, RASTER):
        drawn(notebook.page, selector)
    pictures = notebook.page.locator("img[data-wl-view]")
    assert pictures.count() == 3
    assert not any(picture.is_visible() for picture in pictures.all()), "they stay away while the widgets are there"
    saved = notebook.save()
    path = lab.root / f"saved-{trusted}.ipynb"
    if not trusted:  # Jupyter trusts what it has signed, and that is the text as a whole
        saved["cells"][0]["source"] += "  # changed elsewhere"
    path.write_text(json.dumps(saved))

    again = open_notebook(path, dark=not trusted)  # with a kernel of its own, which knows of no widgets
    page = again.page
    shown = page.locator(".jp-OutputArea-output img")
    for which in range(3):
        shown.nth(which).wait_for()
    await_that(page, "() => [...document.querySelectorAll('.jp-OutputArea-output img')]"
                     ".every(image => image.complete && image.naturalWidth > 300 && image.clientWidth > 300)")
    assert shown.count() == 3
    if trusted:  # only there does JupyterLab look for the widget
        await_that(page, "() => document.body.textContent.includes('Error displaying widget')")
    complaints = page.get_by_text("Error displaying widget")
    assert not any(complaint.is_visible() for complaint in complaints.all())
    page.screenshot(path=screenshots / f"saved-{'trusted' if trusted else 'untrusted'}.png")


def test_a_cell_that_is_run_again_leaves_no_listener_behind(open_notebook, recorded):
    listening = "import time; time.sleep(1)\nprint(len(run._listeners))"
    notebook = open_notebook([*recorded[:2], listening], calm=True)
    page = notebook.page
    for cell in range(2):
        notebook.run(cell)
        drawn(page, (CURVES, CHART)[cell])
    for _ in range(4):
        notebook.run(1)
        drawn(page, CHART)
    notebook.run(2)
    assert notebook.text(2).strip() == "2"
    # A page that is loaded again shows what was there, and still no view of before is served.
    notebook.save()
    notebook.reload()
    for selector in (CURVES, CHART):
        drawn(page, selector)
    notebook.run(1)
    drawn(page, CHART)
    notebook.run(1)
    drawn(page, CHART)
    notebook.run(2)
    assert int(notebook.text(2)) == 2
    notebook.execute("notebook:clear-all-cell-outputs")
    notebook.run(2)
    assert notebook.text(2).strip() == "0", "what no page shows rests"
    assert notebook.errors == []


def test_the_start_notebook_shows_its_widgets(open_notebook, screenshots):
    notebook = open_notebook(ROOT / "notebooks" / "00_start.ipynb")
    notebook.execute("notebook:run-all-cells")
    alone = [f"{selector}:not(.wl-lab *)" for selector in (CURVES, CHART, RASTER)]
    for selector in alone:
        notebook.page.wait_for_selector(selector, state="attached")
        notebook.page.locator(selector).scroll_into_view_if_needed()
        drawn(notebook.page, selector)
    notebook.page.locator(alone[0]).scroll_into_view_if_needed()
    notebook.page.screenshot(path=screenshots / "start-notebook.png")
    notebook.page.get_by_role("button", name="Start", exact=True).wait_for()  # the laboratory's, where no run has begun
    assert notebook.errors == []

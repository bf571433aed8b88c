"""Keys that a control understands reach it, though a notebook would have them."""

from __future__ import annotations

import pytest
from waiting import await_that

from whetstone_lab import recordings
from whetstone_lab.view.widgets import SharpenerChart

#: A notebook that, as Notebook 7 does, looks at each key before its element: it takes those whose element does not say
#: that it is to leave them alone.
_GREEDY = """() => {
    window.taken = [];
    document.addEventListener('keydown', event => {
        if (event.target.hasAttribute('data-lm-suppress-shortcuts')) return;
        if (event.key !== 'Control') window.taken.push(`${event.ctrlKey ? 'Control+' : ''}${event.key}`);
        event.preventDefault();
        event.stopPropagation();
    }, true);
}"""


def test_a_notebook_that_looks_at_keys_first_leaves_a_control_its_own(chromium, tmp_path):
    path = tmp_path / "page.html"
    SharpenerChart(recordings.digits_trace()).to_html(path)
    page = chromium.new_page(reduced_motion="reduce")
    page.goto(path.as_uri())
    page.evaluate(_GREEDY)
    slider = page.locator(".wl-knob[data-name=patience] input[type=range]")
    slider.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "ArrowLeft"):
        page.keyboard.press(key)
    assert slider.input_value() == "3"
    page.keyboard.press("Control+z")
    assert slider.input_value() == "1"
    assert page.evaluate("window.taken") == []
    page.keyboard.press("Control+s")
    page.keyboard.press("b")
    assert page.evaluate("window.taken") == ["Control+s", "b"], "no other key is kept"
    await_that(page, "() => !document.querySelector('[data-lm-suppress-shortcuts]')")
    page.locator(".wl-chart canvas").focus()
    page.keyboard.press("Home")
    assert page.locator(".wl-readout").inner_text().startswith("Epoch 1: ")
    page.close()


def test_arrow_keys_reach_the_controls_in_notebook_7(lab, chromium):
    """The same in a real Notebook, which JupyterLab's server serves where it is installed."""
    pytest.importorskip("notebook")
    name = lab.write("keys.ipynb", ["from whetstone_lab import recordings, widgets\n"
                                    "widgets.SharpenerChart(recordings.digits_trace())"])
    page = chromium.new_page(reduced_motion="reduce", viewport={"width": 1200, "height": 1000})
    page.goto(f"{lab.url}/notebooks/{name}?token={lab.token}")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    await_that(page, """() => {
        const kernel = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
        return kernel?.connectionStatus === 'connected' && kernel.status === 'idle';
    }""", timeout=60_000)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    slider = page.locator(".wl-knob[data-name=patience] input[type=range]")
    slider.focus(timeout=60_000)
    before = int(slider.input_value())
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert int(slider.input_value()) == before + 2
    page.keyboard.press("ArrowDown")
    assert int(slider.input_value()) == before + 1
    page.evaluate("() => { window.jupyterapp.shell.currentWidget.context.model.dirty = false; }")
    page.close()
    for kernel in lab.request("GET", "/api/kernels"):
        lab.request("DELETE", f"/api/kernels/{kernel['id']}")

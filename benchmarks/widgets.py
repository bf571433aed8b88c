"""What the views cost: redraws, steering, messages, rasters and the first view; this checkout beside others.

``python benchmarks/widgets.py`` prints medians and 95th percentiles; ``--beside PATH`` measures another checkout of the
package in the same run, case by case. It needs Chromium, playwright and TensorFlow.

- Redraws, in a headless Chromium that draws in software, on a page without Jupyter: the page's processor time from a
  move of the mouse or a key until the pixels are there, the wait for the next frame left out.
- Rasters: frames a second over a whole wave and over its last quarter, and the time until a sample is drawn.
- Steering, in a kernel that trains in the background, with as much validation as training: from the message of a page
  until the kernel says that the value is in force. A browser and a server of JupyterLab add some 45 ms.
- Messages: what the two views of a live run send, what the whole laboratory does, and what the accuracy and the network
  in cells of their own do, in bytes, an update and an epoch.
- A stroke: a movement of the pen over the drawing pad of the kept digits network, until all neurons are drawn.
- The laboratory open: batches that the training does in a second of the kernel's processor time with
  ``Laboratory(run)`` followed by a page, beside without, in turns; and the kernel's memory before and after.
- The first view: from the launch of a kernel until the widget is on its way to the page, and until its cell is done.
"""

from __future__ import annotations

import argparse
import base64
import functools
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parents[1]
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
          "--disable-component-update", "--disable-sync"]


def p95(values: list[float]) -> float:
    """The 95th percentile."""
    return float(np.percentile(values, 95))


# -- in a process of its own, with the package of one checkout ---------------------------------------------------------


def grown_trace(epochs: int, batches: int = 2) -> Any:
    """A run of an adaptive sharpener on losses that are made up."""
    from whetstone_lab.method.policies import AdaptivePolicy
    from whetstone_lab.records.trace import Trace

    policy, rng = AdaptivePolicy(min_init_epochs=4, rate=0.5), np.random.default_rng(0)
    trace = Trace(["hidden_1", "hidden_2", "output"], policy=policy.config(), meta={"batches_per_epoch": batches})
    state = policy.start([0.0] * 3, batches)
    for epoch in range(epochs):
        level = float(0.3 + 2 / (1 + epoch) + 0.1 * rng.random())
        for _ in range(batches):
            state, decided = policy.end_batch(state, level)
            trace.append_batch(epoch, level * float(np.exp(0.1 * rng.normal())), state.sharpness)
        state, more = policy.end_epoch(state, level)
        for decision in [*decided, *more]:
            trace.append_event(decision.kind, decision.reason, epoch=epoch, layer=decision.layer, **decision.values)
        shares = rng.dirichlet(np.ones(50), 3)
        trace.append_epoch({"loss": level, "val_accuracy": 0.9}, state.asdict(), firing_rates=[0.4] * 3,
                           histograms=shares, bins=np.linspace(-2, 3, 51))
    return trace


def crowded_record(spikes: int) -> Any:
    """One sample of very many spikes in a thousand steps."""
    from whetstone_lab.records.spikes import SpikeRecord

    rng, steps, neurons = np.random.default_rng(0), 1000, 1024
    step, neuron = np.sort(rng.integers(0, steps, spikes)), rng.integers(0, neurons, spikes)
    layer, sample = rng.integers(0, 3, spikes), np.zeros(spikes, int)
    return SpikeRecord(("one", "two", "three"), ((neurons,),) * 3, steps, sample, step, layer, neuron,
                       rng.random((1, 64)), rng.random((1, 10)), np.array([3]))


def packed(value: Any) -> Any:
    """A widget's state as JSON, its bytes in base64."""
    if isinstance(value, (bytes, memoryview)):
        return {"base64": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, dict):
        return {name: packed(item) for name, item in value.items()}
    return [packed(item) for item in value] if isinstance(value, (list, tuple)) else value


def messages() -> dict[str, float]:
    """Bytes that views of a live run send: an update within an epoch, and the end of the hundredth epoch."""
    import ipywidgets
    from ipywidgets.widgets.widget import _remove_buffers
    from jupyter_client.session import json_packer

    from whetstone_lab import widgets

    sent: list[int] = []

    def send(self: Any, message: Any, buffers: Any = None) -> None:
        sent.append(len(json_packer(_remove_buffers(message)[0])) + sum(memoryview(b).nbytes for b in buffers or []))

    ipywidgets.Widget._send = send
    open_together: dict[str, list[Any]] = {"both views": [widgets.ActivationCurves, widgets.SharpenerChart]}
    if hasattr(widgets, "Laboratory"):  # which an older checkout may not have, nor what follows
        open_together["the laboratory"] = [widgets.Laboratory]
    if hasattr(widgets, "NetworkDiagram"):
        from whetstone_lab.course import kept

        open_together["the accuracy and the network"] = [
            widgets.AccuracyChart, functools.partial(widgets.NetworkDiagram, network=kept.network("digits"))]
    found: dict[str, float] = {}
    for which, kinds in open_together.items():
        trace, rng = grown_trace(100, batches=20), np.random.default_rng(1)
        trace.status = "running"
        views = [kind(trace) for kind in kinds]
        for what in ("an update", "an epoch"):
            if what == "an epoch":
                loss = float(rng.random())
                state = {**trace.states[-1], "reference": loss}
                trace.append_epoch({"loss": loss, "val_accuracy": rng.random()}, state,
                                   firing_rates=[0.4] * 3, histograms=trace.histograms[-1], bins=trace.bins)
            else:
                for _ in range(20):
                    trace.append_batch(100, float(rng.random()), [1.0, float(rng.random()), 0.0])
            sent.clear()
            for view in views:
                view._update(trace)
            found[f"{which}, {what}"] = sum(sent)
    for what in ("an update", "an epoch"):
        found[f"all together, {what}"] = sum(found[f"{which}, {what}"] for which in open_together)
    return found


def write_cases(path: Path) -> None:
    """Writes what a page needs of each case, and what Python alone can tell."""
    from whetstone_lab.view.widgets import SharpenerChart, SpikeRaster, _assets

    cases: dict[str, Any] = {"pictures": {}}
    for name, kind, make, source in [
            *((f"chart {count}", "sharpener_chart", SharpenerChart, grown_trace(count)) for count in (60, 500, 5000)),
            *((f"raster {spikes}", "spike_raster", SpikeRaster, crowded_record(spikes)) for spikes in (10**5, 10**6))]:
        if isinstance(source, type(grown_trace(1))):
            source.status = "recorded"
        widget = make(source)
        state = {name: packed(value) for name, value in widget.get_state().items() if not name.startswith("_")}
        cases[name] = {"module": _assets.module(kind), "style": _assets.style(kind), "state": state}
        # A checkout from before views saved themselves has the picture under another name.
        draw = widget._png if hasattr(widget, "_png") else functools.partial(widget.to_png, path.with_suffix(".png"))
        draw() if name == "chart 60" else None  # the first of all also imports matplotlib
        began = time.process_time()
        draw()
        cases["pictures"][name] = time.process_time() - began
    cases["messages"] = messages()
    if importlib.util.find_spec("whetstone_lab.view.widgets.drawing_pad"):  # which an older checkout may not have
        from whetstone_lab.course import kept
        from whetstone_lab.view.widgets import DrawingPad

        pad = DrawingPad(kept.network("digits"))
        cases["pad"] = {"module": _assets.module("drawing_pad"), "style": DrawingPad._css, "state": {
            name: packed(value) for name, value in pad.get_state().items() if not name.startswith("_")}}
    path.write_text(json.dumps(cases))


# -- in the browser ----------------------------------------------------------------------------------------------------

_MOUNT = """async ({ module, state, live }) => {
    const revive = value => value?.base64 !== undefined ? new DataView(Uint8Array.from(atob(value.base64), c => c.charCodeAt(0)).buffer)
        : Array.isArray(value) ? value.map(revive)
        : value && typeof value === 'object' ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, revive(v)])) : value;
    const values = revive(state);
    if (live) values.about.live = true;
    const listeners = window.listeners = [];
    window.values = values;
    window.model = { get: name => values[name], set: (name, value) => { values[name] = value; }, on: (...pair) => listeners.push(pair), off() {}, save_changes() {}, send() {} };
    window.busy = 0;
    const frame = window.requestAnimationFrame.bind(window);
    window.requestAnimationFrame = draw => frame(time => { const began = performance.now(); draw(time); window.busy += performance.now() - began; });
    window.nextFrame = () => new Promise(frame);
    const { default: { render } } = await import(URL.createObjectURL(new Blob([module], { type: 'text/javascript' })));
    const began = performance.now();
    render({ model: window.model, el: document.querySelector('main') });
    return performance.now() - began;
}"""  # noqa: E501

#: The processor time of each of some events until the pixels are there: of listeners, of what they ask for the next
#: frame, and of the rasteriser, which reading a pixel waits for.
_REDRAW = """async ({ selector, drawn, events }) => {
    const [target, canvas] = [document.querySelector(selector), document.querySelector(drawn)];
    const box = target.getBoundingClientRect();
    target.setPointerCapture = () => {};
    const found = [];
    for (const [index, { type, ...rest }] of events.entries()) {
        const make = type.startsWith('key') ? KeyboardEvent : PointerEvent;
        const at = { clientX: box.x + (rest.x ?? box.width / 2), clientY: box.y + box.height / 2 + (rest.y ?? 0) };
        const event = new make(type, { bubbles: true, pointerId: 1, button: 0, buttons: 1, key: rest.key, ...at });
        await window.nextFrame();
        window.busy = 0;
        const began = performance.now();
        target.dispatchEvent(event);
        const heard = performance.now() - began;
        await window.nextFrame();
        const drawn = performance.now();
        canvas.getContext('2d').getImageData(0, 0, 1, 1);
        if (index > 4) found.push(heard + window.busy + performance.now() - drawn);
    }
    return found;
}"""

_WAVE = """async () => {
    const slider = document.querySelector('.wl-transport input[type=range]');
    const play = document.querySelector('.wl-transport .wl-button');
    const canvas = document.querySelector('.wl-raster canvas');
    if (play.textContent.includes('Play')) play.click();
    const times = [];
    while (!play.textContent.includes('Play')) times.push([await window.nextFrame(), Number(slider.value)]);
    const rate = rows => 1000 * (rows.length - 1) / (rows.at(-1)[0] - rows[0][0]);
    return [rate(times), rate(times.filter(([, at]) => at > 0.75 * Number(slider.max)))];
}"""


def redraws(browser: Any, case: dict[str, Any], selector: str, events: list[dict[str, Any]], live: bool,
            drawn: str = ".wl-chart canvas") -> list[float]:
    """Milliseconds of each redraw on a page of its own, until the canvas ``drawn`` shows it."""
    page = browser.new_page(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    page.set_content(f"<!doctype html><style>{case['style']}</style><body><main></main>")
    page.evaluate(_MOUNT, {"module": case["module"], "state": case["state"], "live": live})
    page.wait_for_timeout(300)
    found = page.evaluate(_REDRAW, {"selector": selector, "drawn": drawn, "events": events})
    page.close()
    return found


def wave(browser: Any, case: dict[str, Any]) -> tuple[float, float, float]:
    """Frames a second over a wave and over its last quarter, and milliseconds until the view stands."""
    page = browser.new_page(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    page.set_content(f"<!doctype html><style>{case['style']}</style><body><main></main>")
    stood = page.evaluate(_MOUNT, {"module": case["module"], "state": case["state"], "live": False})
    stood += page.evaluate("""async () => {
        await window.nextFrame();
        await window.nextFrame();
        const began = performance.now();
        document.querySelector('.wl-raster canvas').getContext('2d').getImageData(0, 0, 1, 1);
        return window.busy + performance.now() - began;
    }""")
    page.close()
    # Reading pixels changes how a canvas is kept, so the wave has a page of its own.
    page = browser.new_page(viewport={"width": 1280, "height": 800}, reduced_motion="no-preference")
    page.set_content(f"<!doctype html><style>{case['style']}</style><body><main></main>")
    page.evaluate(_MOUNT, {"module": case["module"], "state": case["state"], "live": False})
    page.wait_for_timeout(100)
    rates = page.evaluate(_WAVE)
    page.close()
    return (*rates, stood)


# -- in a kernel -------------------------------------------------------------------------------------------------------

_TRAIN = """
import time
import keras, numpy as np, whetstone_lab as wl
from whetstone_lab import datasets, widgets
keras.utils.set_random_seed(0)
digits = datasets.load_digits()
x, y = np.tile(digits.x_train, (8, 1)), np.tile(digits.y_train, 8)
model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(64), wl.SpikingBReLU(), keras.layers.Dense(100),
                          wl.SpikingBReLU(), wl.SoftmaxDecode(wl.make_key(10, 100))])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
run = wl.fit(model, x, y, validation_data=(x, y), batch_size=64, epochs=100_000, sharpener=wl.AdaptiveSharpener())
chart = widgets.SharpenerChart(run)
while run.trace.epochs < 2:  # until then much is compiled
    time.sleep(0.1)
"""


class Kernel:
    """A kernel with the package of one checkout."""

    def __init__(self, checkout: Path) -> None:
        from jupyter_client.manager import start_new_kernel

        environment = {**os.environ, "PYTHONPATH": str(checkout), "TF_CPP_MIN_LOG_LEVEL": "3"}
        self.manager, self.client = start_new_kernel(kernel_name="python3", env=environment, cwd=checkout)

    def run(self, source: str) -> None:
        self.client.execute_interactive(source, timeout=300, output_hook=lambda message: None)

    def said(self, source: str) -> str:
        """What a cell prints."""
        printed: list[str] = []
        self.client.execute_interactive(source, timeout=60, output_hook=lambda message: printed.append(
            message["content"].get("text", "")))
        return "".join(printed)

    def ask(self, comm: str, content: dict[str, Any]) -> None:
        """Sends a widget what its page would send."""
        self.client.shell_channel.send(
            self.client.session.msg("comm_msg", {"comm_id": comm, "data": {"method": "custom", "content": content}}))

    def end(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def steering_seconds(checkout: Path, times: int) -> list[float]:
    """Seconds from a page's message until the kernel says that the value is in force."""
    kernel = Kernel(checkout)
    found = []
    try:
        kernel.run(_TRAIN)
        comm = kernel.said("print(chart.comm.comm_id, end='')")
        rng = np.random.default_rng(0)
        for number in range(times):
            time.sleep(float(rng.uniform(0.3, 0.9)))
            while kernel.client.iopub_channel.msg_ready():
                kernel.client.get_iopub_msg(timeout=1)
            value = round(0.2 + number / 1000, 3)
            began = time.perf_counter()
            kernel.ask(comm, {"kind": "steer", "values": {"sig_increase": value}})
            while time.perf_counter() - began < 30:
                data = kernel.client.get_iopub_msg(timeout=30)["content"].get("data", {})
                # Older checkouts have it in the widget's state, newer ones in a message.
                told = [data.get("state", {}), data.get("content", {})] if isinstance(data, dict) else []
                if any(each.get("now", {}).get("policy", {}).get("sig_increase") == value for each in told):
                    found.append(time.perf_counter() - began)
                    break
            else:
                raise TimeoutError(f"The kernel did not say within 30 s that sig_increase is {value}.")
        kernel.run("run.stop(); _ = run.wait()")
    finally:
        kernel.end()
    return found


def laboratory_open(checkout: Path, rounds: int, seconds: float) -> tuple[list[float], list[float], float, float]:
    """Batches a second of the kernel's processor time, with the laboratory followed by a page and without, in turns;
    and the kernel's memory in MB after the first round and after the last.
    """
    kernel = Kernel(checkout)
    look = "import psutil; print(time.process_time(), run.trace.batches, psutil.Process().memory_info().rss / 1e6)"
    speeds: dict[str, list[float]] = {"here": [], "gone": []}
    memory = []
    try:
        kernel.run(_TRAIN + "lab = widgets.Laboratory(run)")
        comm = kernel.said("print(lab.comm.comm_id, end='')")
        for _ in range(rounds):
            for kind, found in speeds.items():
                kernel.ask(comm, {"kind": kind})
                spent, batches, _ = map(float, kernel.said(look).split())
                end = time.monotonic() + seconds
                while time.monotonic() < end:
                    if kernel.client.iopub_channel.msg_ready():
                        kernel.client.get_iopub_msg(timeout=1)
                    else:
                        time.sleep(0.02)
                spent_then, batches_then, resident = map(float, kernel.said(look).split())
                found.append((batches_then - batches) / (spent_then - spent))
            memory.append(resident)
        kernel.run("run.stop(); _ = run.wait()")
    finally:
        kernel.end()
    return speeds["here"], speeds["gone"], memory[0], memory[-1]


def first_view(checkout: Path) -> tuple[float, float]:
    """Seconds from the launch of a kernel until the first widget is on its way, and until its cell is done."""
    began = time.perf_counter()
    kernel = Kernel(checkout)
    try:
        cell = kernel.client.execute("from whetstone_lab import recordings, widgets\n"
                                     "widgets.SharpenerChart(recordings.digits_trace())")
        shown = 0.0
        while True:
            message = kernel.client.get_iopub_msg(timeout=60)
            if message["msg_type"] == "display_data" and not shown:
                shown = time.perf_counter() - began
            if message["msg_type"] == "status" and message["parent_header"].get("msg_id") == cell and (
                    message["content"]["execution_state"] == "idle"):
                return shown, time.perf_counter() - began
    finally:
        kernel.end()


def main() -> None:
    """Prints what each checkout takes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--beside", type=Path, action="append", default=[], help="another checkout of the package")
    parser.add_argument("--times", type=int, default=60, help="how often the run is steered (default: 60)")
    parser.add_argument("--rounds", type=int, default=6, help="turns with and without the laboratory (default: 6)")
    parser.add_argument("--seconds", type=float, default=8.0, help="how long each takes (default: 8)")
    parser.add_argument("--cases", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cases:
        write_cases(options.cases)
        return
    from playwright.sync_api import sync_playwright

    checkouts = [HERE, *(path.resolve() for path in options.beside)]
    cases = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, checkout in enumerate(checkouts):
            path = Path(folder) / f"{number}.json"
            subprocess.run([sys.executable, __file__, "--cases", path], check=True, cwd=checkout,
                           env={**os.environ, "PYTHONPATH": str(checkout)})
            cases[checkout] = json.loads(path.read_text())
    drag = [{"type": "pointerdown"}, *({"type": "pointermove", "y": -(number % 40)} for number in range(1, 120))]
    keys = [{"type": "keydown", "key": ("ArrowUp", "ArrowDown")[number // 8 % 2]} for number in range(100)]
    point = [{"type": "pointermove", "x": 100 + 5 * number} for number in range(60)]
    grip, canvas = ".wl-grip[data-name=sig_increase]", ".wl-chart canvas"

    def row(what: str, values: Any) -> None:
        print(f"{what:<58}" + "".join(f"{value:>16}" for value in values), flush=True)

    def times(values: list[float]) -> str:
        return f"{statistics.median(values):.1f} / {p95(values):.1f}"

    row("", [checkout.name for checkout in checkouts])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_FLAGS)
        for what, name, selector, events, live in [
                ("a dragged line, 60 epochs", "chart 60", grip, drag, True),
                ("a key on a line, 60 epochs", "chart 60", grip, keys, True),
                ("a dragged line, 500 epochs", "chart 500", grip, drag, True),
                ("pointing at the chart, 500 epochs", "chart 500", canvas, point, False),
                ("pointing at the chart, 5000 epochs", "chart 5000", canvas, point[:9], False)]:
            row(f"{what}: median / p95 ms", [times(redraws(browser, cases[checkout][name], selector, events, live))
                                             for checkout in checkouts])
        pen = [{"type": "pointerdown", "x": 20}, *({"type": "pointermove", "x": 20 + 2 * number, "y": number % 30 - 15}
                                                   for number in range(80))]
        row("a stroke on the pad, to votes and neurons: median / p95 ms",
            [times(redraws(browser, cases[checkout]["pad"], ".wl-pad canvas", pen, False, ".wl-network canvas"))
             if "pad" in cases[checkout] else "" for checkout in checkouts])
        for spikes in (10**5, 10**6):
            rates = [wave(browser, cases[checkout][f"raster {spikes}"]) for checkout in checkouts]
            row(f"raster, {spikes} spikes: frames a second, last quarter",
                [f"{whole:.0f}, {end:.0f}" for whole, end, _ in rates])
            row(f"raster, {spikes} spikes: ms until it stands", [f"{stood:.0f}" for *_, stood in rates])
        browser.close()
    for name in cases[HERE]["pictures"]:
        row(f"the picture left behind, {name}: s",
            [f"{cases[checkout]['pictures'][name]:.2f}" for checkout in checkouts])
    for what in cases[HERE]["messages"]:
        row(f"bytes of {what}", [f"{cases[checkout]['messages'].get(what, np.nan):.0f}" for checkout in checkouts])
    steered = [steering_seconds(checkout, options.times) for checkout in checkouts]
    row("steering in force: median / p95 ms", [times([1e3 * value for value in values]) for values in steered])
    for checkout in checkouts:
        here, gone, before, after = laboratory_open(checkout, options.rounds, options.seconds)
        share = statistics.median(here) / statistics.median(gone)
        print(f"{checkout.name}, the laboratory open: {share:.3f} of the speed "
              f"(rounds {', '.join(f'{a / b:.3f}' for a, b in zip(here, gone, strict=True))}); the kernel had "
              f"{before:.0f} MB after the first round, {after:.0f} after the last", flush=True)
    views = [[first_view(checkout) for checkout in checkouts] for _ in range(5)]
    row("first view, and its cell done: s",
        [" / ".join(f"{statistics.median(round_[number][part] for round_ in views):.2f}" for part in (0, 1))
         for number in range(len(checkouts))])


if __name__ == "__main__":
    main()

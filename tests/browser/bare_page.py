"""A page without Jupyter: a widget's module, a stand-in for its model, the state, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from plain_values import plain

from whetstone_lab.view.widgets._view import View

ROOT = Path(__file__).parent.parent.parent

#: Where ``npm ci`` puts axe-core.
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"

#: A model that has what a widget may use and complains of anything else; bytes come as base64. What the widget sends is
#: kept, and Python is asked, where it plays its part: it gives the messages that it answers with.
_PAGE = """async ([source, state]) => {
    const revive = value => value?.base64 !== undefined ? new DataView(Uint8Array.from(atob(value.base64), c => c.charCodeAt(0)).buffer)
        : Array.isArray(value) ? value.map(revive)
        : value && typeof value === 'object' ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, revive(v)])) : value;
    const values = window.values = revive(state);
    window.revive = revive;
    window.listeners = [];
    window.sent = [];
    const model = window.model = new Proxy({
        get: name => values[name],
        set: (name, value) => { values[name] = value; window.listeners.filter(l => l[0] === `change:${name}`).forEach(l => l[1]()); },
        on: (event, listener) => window.listeners.push([event, listener]),
        off: (event, listener) => { window.listeners = window.listeners.filter(l => l[0] !== event || l[1] !== listener); },
        save_changes: () => {},
        send: async content => {
            const { by, ...asked } = content; // a name that each page makes up for itself
            window.sent.push(asked);
            for (const message of revive(await window.ask?.(content) ?? []))
                window.listeners.filter(l => l[0] === 'msg:custom').forEach(l => l[1](...message));
        },
    }, { get: (target, name) => target[name] ?? (() => { throw new Error(`a model has no ${String(name)} here`); })() });
    const module = window.module = await import(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
    window.model_set = model.set;
    window.leave = module.default.render({ model, el: document.querySelector('main') });
}"""  # noqa: E501


def open_view(chromium: Any, widget: Any, width: int = 900, dark: bool = False, *, height: int = 700, margin: int = 8,
              state: dict[str, Any] | None = None, ask: Callable[[dict[str, Any]], Any] | None = None) -> Any:
    """A new page that shows a widget; ``window.sent`` has what it sends.

    ``state`` is what is shown in place of the widget's own state. ``ask`` plays Python's part: it gets what the widget
    sends, and gives the messages it is answered with, each as its content and its buffers.
    """
    page = chromium.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce",
                             color_scheme="dark" if dark else "light")
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    if ask is not None:
        page.expose_function("ask", lambda content: plain(ask(content)))
    ground = "#111" if dark else "#fff"
    page.set_content(f"<!doctype html><html lang=en><title>A view</title><style>body {{ margin: {margin}px; "
                     f"background: {ground} }}{widget._css}</style><body><main></main>")
    # As a page beside a kernel gets it.
    page.evaluate(_PAGE, [widget._esm, plain(View.state(widget) if state is None else state)])
    return page


def axe_finds(page: Any) -> list[str]:
    """What axe-core finds wrong: contrast, names, roles, order."""
    if not AXE.exists():
        pytest.skip("needs axe-core: npm ci")
    page.evaluate(AXE.read_text())
    return page.evaluate("""async () => (await axe.run('.wl', {
        rules: { 'label-content-name-mismatch': { enabled: true } } })).violations
        .map(({ id, nodes }) => `${id}: ${nodes.map(node => node.html).slice(0, 3)}`)""")

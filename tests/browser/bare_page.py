"""A page without Jupyter: a widget's module, a stand-in for its model, the state, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from plain_values import plain

from whetstone_lab.view.widgets._view import View

ROOT = Path(__file__).parent.parent.parent

#: A model that has what a widget may use and complains of anything else; bytes come as base64.
_PAGE = """async ([source, state]) => {
    const revive = value => value?.base64 !== undefined ? new DataView(Uint8Array.from(atob(value.base64), c => c.charCodeAt(0)).buffer)
        : Array.isArray(value) ? value.map(revive)
        : value && typeof value === 'object' ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, revive(v)])) : value;
    const values = window.values = revive(state);
    window.revive = revive;
    window.listeners = [];
    window.sent = [];
    const model = new Proxy({
        get: name => values[name],
        set: (name, value) => { values[name] = value; window.listeners.filter(l => l[0] === `change:${name}`).forEach(l => l[1]()); },
        on: (event, listener) => window.listeners.push([event, listener]),
        off: (event, listener) => { window.listeners = window.listeners.filter(l => l[0] !== event || l[1] !== listener); },
        save_changes: () => {},
        send: content => window.sent.push(content),
    }, { get: (target, name) => target[name] ?? (() => { throw new Error(`a model has no ${String(name)} here`); })() });
    const module = await import(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
    window.model_set = model.set;
    window.leave = module.default.render({ model, el: document.querySelector('main') });
}"""  # noqa: E501


def open_view(chromium: Any, widget: Any, width: int = 900, dark: bool = False) -> Any:
    """A new page that shows a widget; ``window.sent`` has what it sends."""
    page = chromium.new_page(viewport={"width": width, "height": 700}, reduced_motion="reduce",
                             color_scheme="dark" if dark else "light")
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    ground = "#111" if dark else "#fff"
    page.set_content(f"<!doctype html><html lang=en><title>A view</title><style>body {{ margin: 8px; background: "
                     f"{ground} }}{widget._css}</style><body><main></main>")
    page.evaluate(_PAGE, [widget._esm, plain(View.state(widget))])  # as a page beside a kernel gets it
    return page


def axe_finds(page: Any) -> list[str]:
    """What axe-core finds wrong: contrast, names, roles, order."""
    axe = ROOT / "node_modules" / "axe-core" / "axe.min.js"
    if not axe.exists():
        pytest.skip("needs axe-core: npm ci")
    page.evaluate(axe.read_text())
    return page.evaluate("""async () => (await axe.run('.wl', {
        rules: { 'label-content-name-mismatch': { enabled: true } } })).violations
        .map(({ id, nodes }) => `${id}: ${nodes.map(node => node.html).slice(0, 3)}`)""")

"""One file for views that are to be taken away: a page that needs no kernel, no Jupyter and no network.

The page runs the widgets' own modules on a stand-in for their model, and what Python would send lies in the page as
JSON. A policy in its head forbids the browser every request.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whetstone_lab.records.archive import in_one_piece
from whetstone_lab.view.widgets import _assets
from whetstone_lab.view.widgets._view import View

_PAGE = """\
<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<div class="wl-page">
<header class="wl-top">
<h1>{title}</h1>
<button type="button" class="wl-theme" aria-pressed="false" hidden>Dark page</button>
</header>
<main>
{body}
</main>
</div>
<script type="application/json" id="wl-state">{state}</script>
{scripts}
</body>
</html>
"""

#: A view's place, and what it leaves behind: the view hides that as long as it is drawn, so that it is what is seen
#: without scripts.
_PLACE = """<section class="wl-view" aria-label="{words}">
<div data-wl-place="{number}"></div>
{still}
</section>"""

_START = """
modules.offline.themeSwitch();
modules.offline.drawViews(JSON.parse(document.getElementById("wl-state").textContent), modules);
"""


@dataclass(frozen=True)
class TakenView:
    """What a page needs of a view, as values: it can be written to a file, and go on a page in another process.

    Attributes:
        words: The view's text.
        module: The name of its module in ``static/``.
        style: Its style sheet.
        values: The values of its model, by name.
        still: HTML of what is seen where it does not run.
    """

    words: str
    module: str
    style: str
    values: dict[str, Any]
    still: str


def taken(view: View) -> TakenView:
    """Takes of a view what a page needs, as it is now."""
    return TakenView(repr(view), view.module_name(), view._css, view.state(), view.left_behind()["text/html"])


def page(parts: View | TakenView | str | Iterable[View | TakenView | str],
         path: str | os.PathLike[str] | None = None, *, title: str = "whetstone_lab", text: str = "",
         language: str = "en", css: str = "", scripts: Sequence[str] = ()) -> str:
    """Makes one self-contained page of views and of HTML: a single file that works from a USB stick, without a network.

    Recorded runs stay alive in it: their sliders, the lines to ask *what if* with, the wave of spikes. Of a live run
    the page has what has been so far. State that several views share lies in it once. Without JavaScript each view
    is its static figure.

    Args:
        parts: Views, and pieces of HTML that stand between them, in the order in which they are to be read. HTML is
            taken as it is: it must be yours. What it shows must be in it, as ``data:`` addresses, for the page
            forbids every request.
        path: The file to write, replaced if it is there. Default: none is written.
        title: What the page is called, in plain text. Default: ``"whetstone_lab"``.
        text: What stands above the views, in plain text; an empty line begins a new paragraph. Default: nothing.
        language: The language of the text, as in ``lang="..."``. Default: English.
        css: A style sheet of your own, behind those of the views. Default: none.
        scripts: JavaScript of your own, each a module that runs when the views have been drawn. Default: none.

    Returns:
        The whole page as text.

    Raises:
        TypeError: A part is neither a view nor HTML.
        ValueError: A style sheet or a script would end its own element, as ``</script>`` in a string does.

    Example:
        >>> import whetstone_lab as wl
        >>> trace = wl.recordings.digits_trace()
        >>> views = [wl.widgets.ActivationCurves(trace), wl.widgets.SharpenerChart(trace)]
        >>> text = wl.page(views, title="Ten digits", text="Move a line: which decision would have been another?")
        >>> len(text) < 3_000_000, 'src="http' in text
        (True, False)
    """
    shown = [parts] if isinstance(parts, View | TakenView | str) else list(parts)
    views: list[TakenView] = []
    body = [f"<p>{html.escape(paragraph.strip())}</p>" for paragraph in re.split(r"\n\s*\n", text) if paragraph.strip()]
    for part in shown:
        if isinstance(part, View | TakenView):
            view = taken(part) if isinstance(part, View) else part
            body.append(_PLACE.format(words=html.escape(view.words), number=len(views), still=view.still))
            views.append(view)
        elif isinstance(part, str):
            body.append(part)
        else:
            raise TypeError(f"Expected views and pieces of HTML as text; got {type(part).__name__}.")
    bundle = _assets.script([*dict.fromkeys(view.module for view in views), "offline"]) + _START
    programs = [_within("script", program) for program in (bundle, *scripts)]
    whole = _PAGE.format(
        language=html.escape(language), title=html.escape(title), policy=_policy(programs),
        style=_within("style", "\n".join([*dict.fromkeys(view.style for view in views), _assets.style("offline"),
                                          css])),
        body="\n".join(body), state=_state(views),
        scripts="\n".join(f'<script type="module">{program}</script>' for program in programs))
    if path is not None:
        with in_one_piece(Path(path)) as part:
            part.write_text(whole, encoding="utf-8", newline="\n")
    return whole


def _policy(programs: Iterable[str]) -> str:
    """What the browser may do: run these scripts, and show what lies in the page or was drawn there."""
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(program.encode()).digest()).decode()}'"
                      for program in programs)
    return (f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
            "base-uri 'none'; form-action 'none'")


def _within(element: str, text: str) -> str:
    """Text that is to stand within an element which ends with the next of its end tags."""
    if re.search(rf"</{element}|<!--", text, re.IGNORECASE):
        raise ValueError(f"Expected a {element} without </{element}> and without <!--, which would end it too early; "
                         f"write <\\/{element}> there.")
    return text


def _state(views: Sequence[TakenView]) -> str:
    """What Python would send to each view, as JSON; bytes in base64, each once however many views have them."""
    places: dict[bytes, int] = {}

    def plain(value: Any) -> Any:
        if isinstance(value, bytes | bytearray | memoryview):
            return {"$bytes": places.setdefault(bytes(value), len(places))}
        if isinstance(value, dict):
            return {name: plain(item) for name, item in value.items()}
        return [plain(item) for item in value] if isinstance(value, list | tuple) else value

    states = [{"module": view.module, "values": plain(view.values)} for view in views]
    kept = [base64.b64encode(data).decode() for data in places]
    text = json.dumps({"views": states, "bytes": kept}, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")

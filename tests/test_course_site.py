"""The course as a website, made of the very cells that nbval has run: the pages of all notebooks, and their list.

The ``conftest.py`` at the root makes the pages while the notebooks run, and puts this file behind them. Where no
notebook was run, there is nothing to look at.
"""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


class Addresses(HTMLParser):
    """What a page leads to, what it loads, and the places in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links, self.loads, self.places = set(), set(), {""}
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        if tag == "a" and "href" in named:
            self.links.add(named["href"])
        self.loads |= {named[name] for name in ("src", "srcset", "data", "poster", "action") if named.get(name)}
        self.loads |= {named["href"]} if tag != "a" and named.get("href") else set()
        self.places |= {named["id"]} if named.get("id") else set()


@pytest.fixture(scope="module")
def addresses(course_site):
    return {path.name: Addresses(path.read_text(encoding="utf-8")) for path in sorted(course_site.glob("*.html"))}


def test_every_link_leads_somewhere_and_nothing_is_loaded(course_site, addresses):
    assert len(addresses) > 1
    # Of notebooks that were not run this time there is no page.
    absent = {f"{path.stem}.html" for path in NOTEBOOKS.glob("*.ipynb")} - set(addresses)
    for name, found in addresses.items():
        assert all(address.startswith("data:") for address in found.loads), name
        assert name == "index.html" or "index.html" in found.links
        for link in found.links:
            to, place = urldefrag(link)
            if urlsplit(link).scheme == "https" or to in absent:
                continue
            assert (course_site / unquote(to or name)).is_file(), f"{name} leads to {link}"
            assert place == "" or unquote(place) in addresses[to or name].places, f"{name} leads to {link}"


def test_every_page_is_alive_in_a_room_without_a_network(course_site, addresses, chromium):
    context = chromium.new_context(viewport={"width": 1000, "height": 800}, offline=True, reduced_motion="reduce")
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: wrong.append(request.url) if request.url.startswith("http") else None)
    try:
        for name in addresses:
            page.goto((course_site / name).as_uri())
            views = page.locator(".wl-view")
            assert views.locator("> [data-wl-place] > .wl").count() == views.count(), f"{name}: a view was not drawn"
            assert page.locator(".wl-still:visible").count() == 0, f"{name}: a view stands still"
            # What asks for a kernel or for a module from elsewhere says so in these words where it has neither.
            text = page.locator("main").inner_text()
            assert not [words for words in ("interactive(children=", "VBox(", "Output(") if words in text], name
            wide = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, f"{name} is {wide} pixels wider than the window"
            assert wrong == [], name
    finally:
        context.close()

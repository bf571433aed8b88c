"""The course as pages: built by the command from a notebook that runs in a real kernel, and read without a network."""

from __future__ import annotations

import pytest

from whetstone_lab.cli.main import main
from whetstone_lab.course import answers

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")
pytest.importorskip("nbconvert")
pytest.importorskip("latex2mathml")

QUIZ = ('title = "Mine"\n[[question]]\nid = "sum"\nkind = "number"\nask = "How many is `1 + 2`?"\nanswer = 3\n'
        'says_right = "Yes."\nsays_wrong = "No."\n')
CHAPTER = [
    ("markdown", "# 1 Why spikes\n\nThe curves $f_k \\to f$, and [the next chapter](02_drop_in.ipynb)."),
    ("code", "from whetstone_lab import course, recordings, widgets\n"
             "chart = widgets.SharpenerChart(recordings.digits_trace())\nchart"),
    ("code", "quiz = course.quiz('mine.toml')\n_ = quiz.answer('sum', '4')\nquiz"),
    ("code", "print('only here')"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """One of two chapters as a page."""
    folder = tmp_path_factory.mktemp("course")
    notebooks, out = folder / "notebooks", folder / "site"
    notebooks.mkdir()
    (notebooks / "mine.toml").write_text(QUIZ)
    make = {"markdown": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}
    for name, cells in {"01_why_spikes": CHAPTER, "02_drop_in": [("markdown", "# 2 Three changes")]}.items():
        nbformat.write(nbformat.v4.new_notebook(cells=[make[kind](source) for kind, source in cells]),
                       notebooks / f"{name}.ipynb")
    assert main(["course", "01_why_spikes", "-o", str(out), "--notebooks", str(notebooks),
                 "--launch", "https://hub/lab/tree/"]) == 0
    assert sorted(path.name for path in notebooks.iterdir()) == ["01_why_spikes.ipynb", "02_drop_in.ipynb", "mine.toml"]
    return out


@pytest.fixture
def reader(chromium):
    """A page in a room without a network; it fails on every request and every error."""
    context = chromium.new_context(viewport={"width": 1000, "height": 800}, offline=True, reduced_motion="reduce")
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("request", lambda request: wrong.append(request.url) if request.url.startswith("http") else None)
    yield page
    context.close()
    assert wrong == []


def test_a_chapter_is_read_moved_and_answered(site, reader, tmp_path):
    reader.goto((site / "index.html").as_uri())
    entry = reader.locator(".wl-chapters li").first
    assert reader.locator(".wl-chapters li").count() == 1, "what there is no page of is not listed"
    assert entry.inner_text().startswith("1 Why spikes What becomes of a network")
    entry.get_by_role("link").click()
    assert reader.title() == "1 Why spikes"
    assert reader.locator("math msub").count() == 1
    assert "only here" in reader.locator("main").inner_text()
    assert "wl.page" not in reader.content()
    # The chart is alive: a line is moved, and the chart says what would have come of it.
    grip = reader.locator(".wl-grip[data-name=sig_increase]")
    before = grip.get_attribute("aria-valuenow")
    grip.focus()
    reader.keyboard.press("ArrowUp")
    assert grip.get_attribute("aria-valuenow") != before
    assert not reader.locator(".wl-view .wl-still").first.is_visible()
    # So is the quiz: nobody has answered it here, whatever was answered when the chapter was run.
    assert reader.locator(".wl-quiz .wl-facts").inner_text() == "0 of 1 right"
    field = reader.get_by_role("textbox", name="Your number")
    field.fill("3")
    field.press("Enter")
    with reader.expect_download() as download:
        reader.get_by_role("button", name="Save my answers").click()
    download.value.save_as(tmp_path / "ann" / "answers-mine.json")
    students, _ = answers.collect(tmp_path)
    assert students["ann"]["mine"]["answers"] == {"sum": [{"answer": "3", "right": True}]}
    for name, to in {"the next chapter": "02_drop_in.html", "Next": "02_drop_in.html", "All chapters": "index.html",
                     "Notebook": "notebooks/01_why_spikes.ipynb",
                     "Run it": "https://hub/lab/tree/01_why_spikes.ipynb"}.items():
        assert reader.get_by_role("link", name=name).first.get_attribute("href") == to
    assert (site / "notebooks" / "01_why_spikes.ipynb").exists()


def test_without_scripts_a_chapter_is_still_to_be_read(site, chromium):
    context = chromium.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto((site / "01_why_spikes.html").as_uri())
    assert page.locator("img.wl-still").is_visible()
    assert "How many is 1 + 2?" in page.locator("div.wl-still").inner_text()
    context.close()

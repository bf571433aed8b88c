"""What a page shows of a notebook that has been run; that the page works is seen in a browser."""

import sys

import pytest

from whetstone_lab.course import pages
from whetstone_lab.records.recorded import digits_spikes, digits_trace

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbconvert")
pytest.importorskip("latex2mathml")
widgets = pytest.importorskip("whetstone_lab.view.widgets")

from whetstone_lab.view.page import TakenView, page, taken  # noqa: E402

v4 = nbformat.v4


def shown(view, monkeypatch):
    """The outputs that a view has in a notebook."""
    import IPython.display

    outputs = []
    monkeypatch.setattr(IPython.display, "display", lambda data, **options: outputs.append(data))
    view._ipython_display_()
    return [v4.new_output("display_data", data) for data in outputs]


def parts_of(*cells, views=()):
    return pages.parts_of(v4.new_notebook(cells=list(cells)), {view.still: taken(view) for view in views})


def test_views_stand_where_they_were_displayed(undrawn, monkeypatch):
    first, second = (widgets.ActivationCurves(digits_trace()) for _ in range(2))
    outputs = [v4.new_output("stream", text="before\n"), *shown(first, monkeypatch),
               v4.new_output("stream", text="after\n")]
    _, parts = parts_of(v4.new_code_cell("views", outputs=outputs),
                        v4.new_code_cell("more", outputs=shown(second, monkeypatch)), views=(first, second))
    assert [isinstance(part, TakenView) for part in parts] == [False, True, False, True, False]
    assert first.still in parts[1].still
    assert second.still in parts[3].still
    assert "before" in parts[0]
    assert "after" in parts[2]
    assert "widget-view" not in "".join(part for part in parts if isinstance(part, str))


def test_a_view_that_has_gone_is_what_it_left_behind(monkeypatch):
    outputs = shown(widgets.ActivationCurves(digits_trace()), monkeypatch)
    _, (only,) = parts_of(v4.new_code_cell("view", outputs=outputs))
    assert 'class="wl-still"' in only
    assert "data:image/png;base64," in only


def test_a_kernel_hands_over_what_it_showed_and_a_page_of_that_is_the_page_of_the_views(tmp_path, undrawn, monkeypatch):
    view = widgets.SpikeRaster(digits_spikes())
    shown(view, monkeypatch)
    exec(pages.hand_over(tmp_path / "a 'b' \\.views"), {})
    views = pages.handed_over(tmp_path / "a 'b' \\.views")
    assert page(views[view.still]) == page(view)


def test_the_heading_is_the_title():
    title, (only,) = parts_of(v4.new_markdown_cell("# 1 *Why* `spikes`\n\nBecause."))
    assert title == "1 Why spikes"
    assert "<h1" not in only
    assert "Because." in only
    assert parts_of(v4.new_code_cell("1"))[0] == "whetstone_lab"


@pytest.mark.parametrize(("source", "expected"), [
    ("a $f_k \\to f$ b", "<msub><mi>f</mi><mi>k</mi></msub>"), ("$$\\sum_i x_i$$", 'display="block"'),
    ("\\begin{align}a&=b\\end{align}", "<mtable"), ("costs `$f_k$` and `x`", "<code>$f_k$</code>"),
    ("```python\nprice = '$f_k$'\n```", "'$f_k$'"),
])
def test_formulas_are_markup_and_code_stays_code(source, expected):
    _, (only,) = parts_of(v4.new_markdown_cell(source))
    assert expected in only
    assert "$$" not in only


def test_links_between_notebooks_lead_to_their_pages():
    _, (only,) = parts_of(v4.new_markdown_cell("[on](02_drop_in.ipynb), [part](02_drop_in.ipynb#how), "
                                               "[away](https://example.org/x.ipynb)"))
    assert 'href="02_drop_in.html"' in only
    assert 'href="02_drop_in.html#how"' in only
    assert 'href="https://example.org/x.ipynb"' in only


def test_solutions_stay_folded():
    _, (only,) = parts_of(v4.new_markdown_cell("<details><summary>Solution</summary>\n\n*x*\n\n</details>"))
    assert "<details><summary>Solution</summary>" in only
    assert "<em>x</em>" in only


def test_solutions_that_are_cells_are_folded_with_all_that_they_show():
    outputs = [v4.new_output("stream", text="42\n")]
    _, (only,) = parts_of(v4.new_code_cell("6 * 7", metadata={"tags": ["solution"]}, outputs=outputs),
                          v4.new_code_cell("open"))
    folded = only.partition('<summary>Solution</summary>')[2].partition("</details>")[0]
    assert "42" in folded
    assert ">*</span>" in folded
    assert "open" not in folded
    assert only.count("<details") == 1


def test_what_was_printed_in_pieces_is_one():
    _, (only,) = parts_of(v4.new_code_cell("x", outputs=[
        *(v4.new_output("stream", name=name, text=text) for name, text in (
            ("stdout", "a"), ("stdout", "b\n"), ("stderr", "!"), ("stdout", "c"))),
        v4.new_output("execute_result", {"text/plain": "2"})]))
    assert only.count("<pre>") == 1 + 4
    assert "<pre>ab\n" in only


def test_ways_on():
    names = ["00_start", "01_why", "02_how"]
    assert pages._top("00_start", names, "").count("href") == 3
    top = pages._top("01_why", names, "https://hub/?a=1&b=/")
    for to in ("index.html", "00_start.html", "02_how.html", "notebooks/01_why.ipynb",
               "https://hub/?a=1&amp;b=/01_why.ipynb"):
        assert f'href="{to}"' in top


def test_what_is_missing_is_said(tmp_path, monkeypatch):
    (tmp_path / "01_why.ipynb").write_text("{}")
    with pytest.raises(FileNotFoundError, match=r"Expected notebooks among \['01_why'\] in .*got \['02_how'\]"):
        next(pages.build(tmp_path, tmp_path / "out", ["02_how"]))
    with pytest.raises(FileNotFoundError, match="got none"):
        next(pages.build(tmp_path / "nowhere", tmp_path / "out"))
    monkeypatch.setattr(pages, "NEEDED", ("nbformat", "no_such_package"))
    with pytest.raises(ModuleNotFoundError, match=r"no_such_package is not installed.*'whetstone-lab\[course\]'"):
        next(pages.build(tmp_path, tmp_path / "out"))
    assert "no_such_package" not in sys.modules


@pytest.mark.parametrize("own", ["index.html", "one.html", "notebooks/one.ipynb"])
def test_what_is_somebodys_own_is_not_replaced(tmp_path, monkeypatch, own):
    monkeypatch.setattr(pages, "run_notebook", lambda path: pytest.fail("a chapter was run in vain"))
    shipped, folder = tmp_path / "shipped", tmp_path / "site"
    shipped.mkdir()
    nbformat.write(v4.new_notebook(cells=[v4.new_code_cell("1")]), shipped / "one.ipynb")
    (folder / own).parent.mkdir(parents=True)
    (folder / own).write_text("mine")
    with pytest.raises(FileExistsError, match=rf"{own} already, which is not as the course has it\. Move it away"):
        list(pages.build(shipped, folder))
    assert (folder / own).read_text() == "mine"


def test_pages_made_before_are_made_anew_and_the_notebooks_may_lie_beside_them(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "run_notebook", lambda path: (nbformat.read(path, as_version=4), {}))
    shipped = tmp_path / "notebooks"
    shipped.mkdir()
    nbformat.write(v4.new_notebook(cells=[v4.new_code_cell("1")]), shipped / "one.ipynb")
    for folder in (tmp_path, tmp_path / "site"):
        for _ in range(2):
            assert [path.name for path in pages.build(shipped, folder)] == ["one.html", "index.html"]
        assert (folder / "notebooks" / "one.ipynb").read_bytes() == (shipped / "one.ipynb").read_bytes()

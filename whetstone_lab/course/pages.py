"""The course as pages that need no Jupyter and no network: a room without internet, a website, a USB stick.

A chapter is run in a kernel as it would be in class. At its end the kernel hands over the views that it showed, so that
they are as alive on the page as ``whetstone_lab.page`` makes them. Formulas become MathML, which browsers draw.
"""

from __future__ import annotations

import html
import pickle
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whetstone_lab.course.index import CHAPTERS, notebooks_in

if TYPE_CHECKING:
    from whetstone_lab.view.page import TakenView

#: Folds solutions that are cells, which a notebook hides by their tag.
_FOLDED = """{% extends "basic/index.html.j2" %}
{% block codecell %}
{% if "solution" in cell.metadata.get("tags", []) %}
<details class="text_cell"><summary>Solution</summary>
{{ super() }}
</details>
{% else %}
{{ super() }}
{% endif %}
{% endblock codecell %}
"""

#: What the pages need besides the laboratory.
NEEDED = ("latex2mathml", "nbclient", "nbconvert", "nbformat")

#: Seconds that a cell may take.
_PATIENCE = 600

_MARK = re.compile(r"<!--wl-view (\w+)-->")
_STILL = re.compile(r'data-wl-view="(\w+)"')
_HEADING = re.compile(r"\A# +(.+?)\s*(?:\n|\Z)")
_WIDGET = "application/vnd.jupyter.widget-view+json"

def build(notebooks: Path, folder: Path, names: Sequence[str] = (), launch: str = "") -> Iterator[Path]:
    """Runs notebooks and writes their pages, and a page that lists them, into a folder.

    Args:
        notebooks: The folder of the notebooks; what lies beside them is there when they run, in a copy.
        folder: Where the pages go; made if it is not there, and pages of the same names that were made here replaced.
            The notebooks are put below it, in ``notebooks``, to be taken away.
        names: Names of the notebooks to run, without ``.ipynb``. Default: all. The list names every page that is there.
        launch: What an address begins with that opens a notebook, the notebook's name being all that follows, as on
            Binder: ``https://mybinder.org/v2/gh/OWNER/REPOSITORY/HEAD?urlpath=lab/tree/notebooks/``. Default: none.

    Yields:
        Each page, as soon as it is written.

    Raises:
        ModuleNotFoundError: Something that the pages need is not installed.
        FileNotFoundError: There is no such notebook.
        FileExistsError: A page or a notebook of such a name is there that is somebody's own; nothing was run.
        nbclient.exceptions.CellExecutionError: A cell failed.
    """
    missing = next((name for name in NEEDED if find_spec(name) is None), None)
    if missing:
        raise ModuleNotFoundError(f"{missing} is not installed. Install what the pages need: python -m pip install "
                                  "'whetstone-lab[course]'", name="whetstone_lab.course")
    there = [path.stem for path in notebooks_in(notebooks)]
    chosen = [path.stem for path in notebooks_in(notebooks, names)]
    beside = folder / "notebooks"
    beside.mkdir(parents=True, exist_ok=True)
    _spare([folder / f"{name}.html" for name in (*chosen, "index")], _is_ours)
    _spare([beside / f"{name}.ipynb" for name in chosen],
           lambda path: path.read_bytes() == (notebooks / path.name).read_bytes())
    with tempfile.TemporaryDirectory(prefix="whetstone-course-") as scratch:
        work = Path(scratch) / "notebooks"
        shutil.copytree(notebooks, work, ignore=shutil.ignore_patterns(".*", "__pycache__", "answers*.json"))
        for name in chosen:
            yield write_page(notebooks / f"{name}.ipynb", *run_notebook(work / f"{name}.ipynb"), folder, there, launch)
    yield write_index(folder, [name for name in there if (folder / f"{name}.html").exists()])


def _spare(paths: Iterable[Path], replaceable: Callable[[Path], bool]) -> None:
    """Refuses what would replace a file of somebody's own."""
    for path in paths:
        if path.exists() and not replaceable(path):
            raise FileExistsError(f"There is {path} already, which is not as the course has it. Move it away, or name "
                                  "another folder.")


def _is_ours(path: Path) -> bool:
    return b'<script type="application/json" id="wl-state">' in path.read_bytes()


def run_notebook(path: Path) -> tuple[Any, dict[str, TakenView]]:
    """Runs a notebook from a fresh kernel: its outputs, and the views that it showed."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=_PATIENCE, resources={"metadata": {"path": str(path.parent)}})
    with (tempfile.TemporaryDirectory(prefix="whetstone-views-") as scratch,
          client.setup_kernel(stderr=subprocess.DEVNULL)):  # what cells write there is an output; this is the kernel's
        for number, cell in enumerate(notebook.cells):
            client.execute_cell(cell, number)
        handed = Path(scratch) / "views"
        notebook.cells.append(nbformat.v4.new_code_cell(hand_over(handed)))
        client.execute_cell(notebook.cells[-1], len(notebook.cells) - 1)
        views = handed_over(handed)
    notebook.cells.pop()
    return notebook, views


def hand_over(path: Path) -> str:
    """A cell that has its kernel write the views that it has shown to a file, from which :func:`handed_over` reads."""
    return f"from whetstone_lab.course import pages as _pages\n_pages.keep_views({str(path)!r})"


def keep_views(path: str) -> None:
    """Writes what pages need of the views that were shown in this process."""
    from whetstone_lab.view.page import taken
    from whetstone_lab.view.widgets._view import displayed

    Path(path).write_bytes(pickle.dumps({still: taken(view) for still, view in displayed().items()}))


def handed_over(path: Path) -> dict[str, TakenView]:
    """The views that a kernel has handed over, by the id of the picture that each left behind."""
    return dict(pickle.loads(path.read_bytes()))


def write_page(source: Path, notebook: Any, views: Mapping[str, TakenView], folder: Path, names: Sequence[str],
               launch: str = "") -> Path:
    """Writes the page of a notebook that has been run, and puts the notebook below it, in ``notebooks``.

    Args:
        source: The notebook as it is before it is run.
        notebook: With its outputs, as ``nbformat`` reads it; it is changed.
        views: Those that its kernel has handed over.
        folder: Where the page goes.
        names: Of all the pages in their order, this one's among them.
        launch: What an address begins with that opens a notebook; as of :func:`build`.

    Returns:
        The page.
    """
    title, parts = parts_of(notebook, views)
    top = _top(source.stem, names, launch)
    target, beside = folder / f"{source.stem}.html", folder / "notebooks" / source.name
    _write(target, [top, *parts, top], title)
    if not beside.exists():
        beside.parent.mkdir(exist_ok=True)
        shutil.copyfile(source, beside)
    return target


def parts_of(notebook: Any, views: Mapping[str, TakenView]) -> tuple[str, list[str | TakenView]]:
    """What a page shows of a notebook that has been run: HTML, and between it the views that were displayed.

    Args:
        notebook: The notebook with its outputs, as ``nbformat`` reads it; it is changed.
        views: Those that its kernel has handed over. Any other is shown by what it left behind.

    Returns:
        The notebook's heading, and the parts without that heading.
    """
    first = notebook.cells[0]
    heading = _HEADING.match(first.source) if first.cell_type == "markdown" else None
    if heading:
        first.source = first.source[heading.end():]
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        cell.outputs = joined(output for output in cell.outputs if _WIDGET not in output.get("data", {}))
        for output in cell.outputs:
            still = _STILL.search(output.get("data", {}).get("text/html", ""))
            if still and still[1] in views:
                output.data = {"text/html": f"<!--wl-view {still[1]}-->"}
    body, _ = _exporter().from_notebook_node(notebook)
    body = re.sub(r'href="(\w+)\.ipynb([#"])', r'href="\1.html\2', body)
    parts = [views[part] if number % 2 else part for number, part in enumerate(_MARK.split(body))]
    return re.sub(r"[*`_]", "", heading[1]) if heading else "whetstone_lab", parts


def joined(outputs: Iterable[Any]) -> list[Any]:
    """Outputs in which what was printed without a pause by others is one: where it was cut depends on the moment."""
    whole: list[Any] = []
    for output in outputs:
        if output.output_type == "stream" and whole and whole[-1].get("name") == output.name:
            whole[-1].text += output.text
        else:
            whole.append(output)
    return whole


def _write(target: Path, parts: Iterable[str | TakenView], title: str) -> None:
    from whetstone_lab.view.page import page

    page(parts, target, title=title, css=_style())


def write_index(folder: Path, names: Sequence[str]) -> Path:
    """Writes the page that lists those of these names."""
    known = {Path(chapter.notebook).stem: chapter for chapter in CHAPTERS}
    items = []
    for name in names:
        title, question = re.sub(r"^\d+_", "", name).replace("_", " ").capitalize(), ""
        if name in known:
            title, question = f"{known[name].number} {known[name].title}", known[name].question
        items.append(f'<li><a href="{name}.html">{html.escape(title)}</a> {html.escape(question)}</li>')
    target = folder / "index.html"
    _write(target, ["<p>Train an ordinary Keras network into one that speaks in spikes, and watch it happen. Each page "
                    "works by itself, without a network; the notebooks lie beside them, in <code>notebooks</code>.</p>",
                    f'<ul class="wl-chapters">{"".join(items)}</ul>'], "Whetstone: the course")
    return target


def _top(name: str, names: Sequence[str], launch: str) -> str:
    """Ways on: to the chapters before and after, to the list of all, to the notebook."""
    place = names.index(name)
    links = [("index.html", "All chapters")]
    links += [(f"{other}.html", "Before") for other in names[max(place - 1, 0):place]]
    links += [(f"{other}.html", "Next") for other in names[place + 1:place + 2]]
    links.append((f"notebooks/{name}.ipynb", "Notebook"))
    links += [(f"{launch}{name}.ipynb", "Run it")] * bool(launch)
    addresses = [f'<a href="{html.escape(to)}">{words}</a>' for to, words in links]
    return f'<p class="wl-ways">{" ".join(addresses)}</p>'


@cache
def _exporter() -> Any:
    """What makes HTML of cells: nbconvert's, with formulas as MathML, without scripts and styles from elsewhere."""
    from jinja2 import pass_context
    from latex2mathml.converter import convert
    from nbconvert.exporters import HTMLExporter
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class Renderer(IPythonRenderer):
        def block_math(self, body: str) -> str:
            return str(convert(body.strip(), display="block"))

        def inline_math(self, body: str) -> str:
            return str(convert(body.strip()))

        def latex_environment(self, name: str, body: str) -> str:
            return self.block_math(rf"\begin{{{name}}}{body}\end{{{name}}}")

    class Exporter(HTMLExporter):
        @pass_context
        def markdown2html(self, context: Any, source: str) -> str:
            cell = context.get("cell", {})
            renderer = Renderer(escape=False, attachments=cell.get("attachments", {}), exclude_anchor_links=True)
            return str(MarkdownWithMath(renderer=renderer).render(source))

    return Exporter(template_name="basic", raw_template=_FOLDED, exclude_input_prompt=True, exclude_output_prompt=True)


@cache
def _style() -> str:
    """The colours of code, light and dark, and what stands in ``pages.css``."""
    from pygments.formatters import HtmlFormatter

    light, dark = (HtmlFormatter(style=style) for style in ("default", "github-dark"))
    own = Path(__file__).with_name("pages.css").read_text(encoding="utf-8")
    return "\n".join([
        light.get_style_defs(".wl-page .highlight"),
        dark.get_style_defs("body[data-jp-theme-light='false'] .highlight"),
        "@media (prefers-color-scheme: dark) {", dark.get_style_defs("body:not([data-jp-theme-light]) .highlight"), "}",
        own])

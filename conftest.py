"""Makes the pages of the course from the notebooks that nbval runs anyway: no kernel is started for them alone.

nbval documents nothing for those who go on with what it has run. This file is the only one that uses the names of its
collector (``nb``, ``kernel``) and of its items (``cell``, ``test_outputs``); without them no page is made, and fails.
"""

from __future__ import annotations

import copy
import os
import tempfile
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

# On nets as small as the tests' several threads only wait for each other: ten times as long as they compute, where
# other work goes on beside them. NumPy asks as it is loaded, which is after this file.
os.environ.setdefault("OMP_NUM_THREADS", "1")

#: What looks at the pages when all of them are there.
LAST = "test_course_site.py"

_SITE, _PAGES = pytest.StashKey[Path](), pytest.StashKey[list["ChapterPage"]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--site", metavar="FOLDER", type=Path,
                     help="where the pages of the notebooks go that are run (default: they are thrown away)")


class ChapterPage(pytest.Item):
    """The page of a notebook, made when all of its cells have run and its kernel is still there."""

    def __init__(self, *, cells: list[Any], **options: Any) -> None:
        super().__init__(**options)
        self.cells = cells
        self.made = False

    def runtest(self) -> None:
        pages = pytest.importorskip("whetstone_lab.course.pages")
        for name in pages.NEEDED:
            pytest.importorskip(name)
        if any(cell.test_outputs is None or any(output.output_type == "error" for output in cell.test_outputs)
               for cell in self.cells):
            pytest.skip("a cell of the notebook failed")
        notebook, kernel, site = copy.deepcopy(self.parent.nb), self.parent.kernel, self.config.stash[_SITE]
        code = (cell for cell in notebook.cells if cell.cell_type == "code")
        for cell, ran in zip(code, self.cells, strict=True):
            cell.outputs = copy.deepcopy(ran.test_outputs)
        site.mkdir(parents=True, exist_ok=True)
        handed = site.resolve() / f"{self.path.stem}.views"
        kernel.await_reply(kernel.execute_cell_input(pages.hand_over(handed)), timeout=120)
        names = [page.path.stem for page in self.config.stash[_PAGES]]
        pages.write_page(self.path, notebook, pages.handed_over(handed), site, names)
        handed.unlink()
        self.made = True

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, f"{self.path.name}: page"


@pytest.hookimpl(trylast=True)  # of the cells that are run after all
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    cells = [item for item in items if type(item).__module__ == "nbval.plugin"]
    pages = config.stash[_PAGES] = []
    for notebook, found in groupby(cells, lambda cell: cell.parent):
        ran = list(found)
        if len(ran) == sum(cell.cell_type == "code" for cell in notebook.nb.cells):
            pages.append(ChapterPage.from_parent(notebook, name="page", cells=ran))
            items.insert(items.index(ran[-1]) + 1, pages[-1])
    items.sort(key=lambda item: item.path.name == LAST)
    site = config.getoption("site")
    if site is None and pages:
        scratch = tempfile.TemporaryDirectory(prefix="whetstone-site-")
        config.add_cleanup(scratch.cleanup)
        site = Path(scratch.name)
    config.stash[_SITE] = site and site.resolve()


@pytest.fixture(scope="session")
def course_site(pytestconfig: pytest.Config) -> Path:
    """The folder with the pages of the notebooks that were run before, whole, and a page that lists them."""
    made = [page.path.stem for page in pytestconfig.stash[_PAGES] if page.made]
    if not made:
        pytest.skip("no notebook was run in front of this: python -m pytest notebooks tests/test_course_site.py")
    from whetstone_lab.course import pages

    pages.write_index(pytestconfig.stash[_SITE], made)
    return pytestconfig.stash[_SITE]

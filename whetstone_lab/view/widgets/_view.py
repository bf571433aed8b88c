"""``View``, what every widget is: it leaves a picture where it cannot run, and can be taken away as files."""

from __future__ import annotations

import base64
import csv
import html
import io
import math
import os
import uuid
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import traitlets

from whetstone_lab.records.archive import in_one_piece
from whetstone_lab.view.widgets._assets import name_of

if TYPE_CHECKING:
    from whetstone_lab.view.plots import Picture

_WIDGET = "application/vnd.jupyter.widget-view+json"

#: The picture of a view as HTML, in an output of its own right below the view's. While the view lives, its page hides
#: the picture, by its id. In a saved notebook whose kernel has gone, the view's output has no elements, only words of
#: JupyterLab's that there is no such widget: the style hides them, and the picture is what is seen. A notebook that is
#: not trusted drops the style, but does not try to show the widget either.
_STILL = '<img class="wl-still" data-wl-view="{view}" alt="{words}" src="data:image/png;base64,{png}">'
_QUIET = """<style>
.jp-OutputArea-child:has(+ .jp-OutputArea-child .wl-still) > .jp-OutputArea-output:not(:has(*)) { display: none; }
</style>
"""


def number(value: Any) -> float | None:
    """A number as JSON can carry it: None in place of NaN and infinity."""
    return float(value) if value is not None and math.isfinite(value) else None


def layer_names(layers: Sequence[str]) -> str:
    """The names of layers in a line: of very many the first and the last."""
    left_out = len(layers) - 6
    return ", ".join(layers if left_out <= 0 else [*layers[:3], f"… {left_out} more …", *layers[-3:]])


class View(anywidget.AnyWidget):
    """A widget that leaves a picture where no widget can run: in a saved notebook, on a page, in a mail."""

    #: The id of the pictures of this view on a page, which the page hides while it shows the view.
    still = traitlets.Unicode().tag(sync=True)

    def __init__(self, **state: Any) -> None:
        super().__init__(still=uuid.uuid4().hex, **state)
        self._displayed = False
        # ipykernel 7.4.0 answers on whichever shell last heard from this comm, so that a widget that a thread writes
        # stalls while a cell runs; this is how 7.3 answered. Private, and absent elsewhere.
        if hasattr(self.comm, "_reply_subshell_for"):
            self.comm._reply_subshell_for = lambda data, default: default

    def __del__(self) -> None:
        try:  # noqa: SIM105 (contextlib may be gone too)
            super().__del__()
        except Exception:  # when Python ends, what ipywidgets 8.1 looks up may be gone before the widget is
            pass

    def picture(self) -> Picture:
        """The static figure of what the widget shows; ``ValueError`` where it has none."""
        raise ValueError(f"Expected a view with a figure; {type(self).__name__} has none. Its to_html makes a page of "
                         "it.")

    def snapshot(self) -> None:
        """Renews the picture behind the widget, wherever it was displayed. Call it from a cell.

        A run that ends under ``LiveRun.wait`` does this by itself.
        """
        if self._displayed:
            self._display_picture(update=True)

    def state(self) -> dict[str, Any]:
        """What a page without a kernel needs to show the view: the values of its model, by name."""
        return self._own(self.get_state())

    @staticmethod
    def _own(state: Mapping[str, Any]) -> dict[str, Any]:
        """What of a state is the view's own, and nothing that every widget has."""
        every = {*anywidget.AnyWidget.class_trait_names(sync=True)}
        return {name: value for name, value in sorted(state.items()) if name not in every and not name.startswith("_")}

    def module_name(self) -> str:
        """The name of the view's module in ``static/``."""
        return name_of(self._esm)

    def table(self) -> dict[str, Any]:
        """The numbers behind the view: the name of each column, and what stands in it."""
        raise ValueError(f"Expected a view of numbers; {type(self).__name__} has none.")

    def to_csv(self, path: str | os.PathLike[str] | None = None) -> str:
        """Writes the numbers behind the view, :meth:`table`, as comma-separated values; NaN is an empty cell.

        Numbers have nine digits, as many as it takes to read the very number of float32 back.

        Args:
            path: The file to write, replaced if it is there. Default: none is written.

        Returns:
            The text.
        """
        columns = self.table()
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(columns)
        rows.writerows(zip(*(map(_cell, np.asarray(column).tolist()) for column in columns.values()), strict=True))
        if path is not None:
            with in_one_piece(Path(path)) as part:
                part.write_text(text.getvalue(), encoding="utf-8", newline="\n")
        return text.getvalue()

    def to_svg(self, path: str | os.PathLike[str], *, ground: str | None = None) -> Path:
        """Writes the view's figure, :meth:`picture`, as SVG, for a paper.

        Args:
            path: The file, replaced if it is there.
            ground: The colour behind it, such as ``"white"``. Default: none, whatever it lies on shines through.

        Returns:
            The path.
        """
        return self._draw(path, "svg", ground)

    def to_png(self, path: str | os.PathLike[str], *, ground: str | None = None, dpi: float = 200) -> Path:
        """Writes the view's figure, :meth:`picture`, as PNG.

        Args:
            path: The file, replaced if it is there.
            ground: The colour behind it, such as ``"white"``. Default: none, whatever it lies on shines through.
            dpi: Dots an inch. Default: 200.

        Returns:
            The path.
        """
        return self._draw(path, "png", ground, dpi=dpi)

    def _draw(self, path: str | os.PathLike[str], kind: str, ground: str | None, **style: Any) -> Path:
        with in_one_piece(Path(path)) as part:
            self.picture().savefig(part, format=kind, facecolor="auto" if ground is None else ground, **style)
        return Path(path)

    def to_html(self, path: str | os.PathLike[str] | None = None, *, title: str | None = None, text: str = "") -> str:
        """Makes a page of the view that works without Jupyter and without a network, as :func:`whetstone_lab.page`.

        Args:
            path: The file to write, replaced if it is there. Default: none is written.
            title: What the page is called. Default: the view's text.
            text: What stands above the view. Default: nothing.

        Returns:
            The whole page as text.
        """
        from whetstone_lab.view.page import page

        return page(self, path, title=repr(self) if title is None else title, text=text)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        still = self.left_behind()
        del still["text/html"]  # it is hidden while the view is drawn, and belongs into an output of its own
        return {**data, **still}, dict(metadata)

    def _ipython_display_(self) -> None:
        from IPython.display import display

        # The widget and its picture are two outputs: whoever shows one output shows the best part of it that they know
        # of, and JupyterLab knows of widgets even where the widget itself is gone.
        data, metadata = super()._repr_mimebundle_() or ({}, {})
        if _WIDGET in data:
            display({_WIDGET: data[_WIDGET]}, metadata=dict(metadata), raw=True)
        self._display_picture(update=False)
        self._displayed = True
        _DISPLAYED[self.still] = self

    def _display_picture(self, update: bool) -> None:
        from IPython.display import display

        data = self.left_behind()
        data["text/html"] = _QUIET + data["text/html"]
        # An output that has a display id can be given a newer picture later.
        display(data, raw=True, display_id=f"whetstone-{self.still}", update=update)

    def left_behind(self) -> dict[str, str]:
        """What is shown where the view does not run, by MIME type; the HTML is hidden as long as the view runs."""
        png = base64.b64encode(self.picture().png(dpi=90)).decode()
        return {"text/plain": repr(self), "image/png": png,
                "text/html": _STILL.format(view=self.still, words=html.escape(repr(self)), png=png)}

    def _handle_custom_msg(self, content: Any, buffers: Any) -> None:
        super()._handle_custom_msg(content, buffers)
        try:
            self._receive(content)
        except Exception as error:
            # A message has no cell in which an error could be read: the page that sent it shows it.
            asked = content if isinstance(content, Mapping) else {}
            self.send({"kind": "error", "text": f"{type(error).__name__}: {error}", "of": asked.get("kind"),
                       **{name: asked[name] for name in ("by",) if name in asked}})

    def _receive(self, content: Mapping[str, Any]) -> None:
        """Does what the page asks."""
        raise ValueError(f"Expected nothing from the page; got {content!r}.")


def _cell(value: Any) -> Any:
    """A number as the page writes it too: to nine digits, and nothing for NaN."""
    if isinstance(value, bool | np.bool_):
        return int(value)
    if not isinstance(value, float):
        return value
    return "" if math.isnan(value) else f"{value:.9g}"


def displayed() -> dict[str, View]:
    """The views that were displayed in cells and that somebody holds, by the id of the picture that each left."""
    return dict(_DISPLAYED)


_DISPLAYED: weakref.WeakValueDictionary[str, View] = weakref.WeakValueDictionary()

"""What is sent to the browser for a widget: one ES module and one style sheet.

The modules in ``static/`` name what they import, as modules do, so that Node.js runs them and TypeScript checks them as
they are. A browser cannot: anywidget loads a widget from a Blob URL, from which nothing relative can be imported. So
:func:`module` joins a widget's module with all that it imports into one, and :func:`script` those of several widgets,
for a page without Jupyter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

from whetstone_lab.view.palette import DARK, LIGHT, Palette

_STATIC = Path(__file__).parent / "static"

#: ``import { a, b } from "./name.mjs";`` on one line or on several.
_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.mjs";\n', re.MULTILINE)

#: The names that a module exports, and its only export without a name.
_EXPORTED = re.compile(r"^export (?:async )?(?:function\*?|const|let|class) (\w+)", re.MULTILINE)
_DEFAULT = re.compile(r"^export default ", re.MULTILINE)

#: What makes a widget of a module; as a part of another widget it is none.
_WIDGET = re.compile(r"^export default .*;\n", re.MULTILINE)

#: A name that a module declares for all of it to see.
_DECLARED = re.compile(r"^(?:export )?(?:async )?(?:function\*?|const|let|class) (\w+)", re.MULTILINE)

#: Comments and empty lines, and indents. (None of the modules' own texts has the signs of a comment in it, or goes over
#: several lines.)
_UNREAD = re.compile(r"[ \t]*/\*\*(?:(?!\*/).)*\*/[ \t]*\n|/\*\*(?:(?!\*/).)*\*/[ \t]?|^[ \t]*//[^\n]*\n|^\n",
                     re.MULTILINE | re.DOTALL)
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)

#: A dark page of VS Code, and of Colab.
_DARK_ELSEWHERE = ("body:is(.vscode-dark, .vscode-high-contrast:not(.vscode-high-contrast-light)), "
                   "html[theme='dark'] body")

#: What a page of JupyterLab has colours of its own for.
_THEMED = {"ink": "--jp-ui-font-color1", "muted": "--jp-ui-font-color2", "ground": "--jp-layout-color0",
           "focus": "--jp-brand-color1"}


@cache
def module(name: str) -> str:
    """A widget's ES module with all that it imports in front, in an order in which each stands behind what it needs.

    Args:
        name: The name of a file in ``static/``, without its ending.

    Returns:
        The text of one module, without imports.

    Raises:
        ValueError: Two modules declare the same name, or one imports in another way than
            ``import { a, b } from "./name.mjs";``, or imports what is not exported.
    """
    text = _squeezed(join(name, _texts()))
    _NAMES[text] = name
    return text


#: What :func:`module` has made, and of which file.
_NAMES: dict[str, str] = {}


def name_of(text: str) -> str:
    """The name of the file that :func:`module` made a text of."""
    return _NAMES[text]


def script(names: Iterable[str]) -> str:
    """The modules of ``names`` and all that they import as one script, in which ``modules.name`` has what each exports.

    Each module is a function of its own here, so that none sees the names of another, and what several import is there
    once.

    Args:
        names: Names of files in ``static/``, without their ending.

    Raises:
        ValueError: As for :func:`module`, but that two modules may declare the same name.
    """
    texts = _texts()
    parts = ["const modules = {};"]
    for here in _order(names, texts):
        text = _IMPORT.sub(r"const {\1} = modules.\2;\n", texts[here])
        exports = _EXPORTED.findall(text) + ["default: standard"] * bool(_DEFAULT.search(text))
        text = re.sub("^export ", "", _DEFAULT.sub("const standard = ", text), flags=re.MULTILINE)
        parts.append(f"modules.{here} = (() => {{\n{text}return {{ {', '.join(exports)} }};\n}})();")
    return _squeezed("\n".join(parts))


def _squeezed(text: str) -> str:
    """A module without what only its readers need: a page gets it anew for each view."""
    return _INDENT.sub(" ", _UNREAD.sub("", text))


@cache
def _texts() -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in _STATIC.glob("*.mjs")}


def join(name: str, texts: Mapping[str, str]) -> str:
    """Joins a module of ``texts`` with all that it imports; see :func:`module`."""
    homes: dict[str, str] = {}
    parts = []
    for here in _order([name], texts):
        text = _IMPORT.sub("", texts[here])
        for declared in _DECLARED.findall(text):
            if declared in homes:
                raise ValueError(f"{here}.mjs and {homes[declared]}.mjs both declare {declared!r}; joined into one "
                                 "module they need two names.")
            homes[declared] = here
        if here != name:
            text = _WIDGET.sub("", text)
        parts.append(re.sub(r"^export (?!default)", "", text, flags=re.MULTILINE))
    return "\n".join(parts)


def _order(names: Iterable[str], texts: Mapping[str, str]) -> list[str]:
    """The modules of ``names`` and all that they import, each behind what it needs."""
    needs: dict[str, set[str]] = {}
    waiting = list(names)
    while waiting:
        here = waiting.pop()
        if here in needs:
            continue
        if here not in texts:
            raise ValueError(f"Expected a module among {sorted(texts)}; got {here!r}.")
        imported = {match[2]: match[1] for match in _IMPORT.finditer(texts[here])}
        for other, parts in imported.items():
            exported = set(_EXPORTED.findall(texts.get(other, "")))
            missing = {part.strip() for part in parts.split(",") if part.strip()} - exported
            if missing:
                raise ValueError(f"{here}.mjs imports {sorted(missing)} from {other}.mjs, which exports "
                                 f"{sorted(exported)}.")
        rest = _IMPORT.sub("", texts[here])
        if re.search(r"^import\b", rest, re.MULTILINE) or "import(" in re.sub(r"/\*.*?\*/", "", rest, flags=re.DOTALL):
            raise ValueError(f'{here}.mjs has an import that is not of the form import {{ a, b }} from "./name.mjs";.')
        needs[here] = set(imported)
        waiting += imported
    return list(TopologicalSorter({key: sorted(needs[key]) for key in sorted(needs)}).static_order())


@cache
def style(*names: str, root: str = "") -> str:
    """A widget's style sheet: the colours that the figures have, what all widgets share, and those of its modules.

    A page has the sheets of all its widgets, so what is a widget's own holds in it alone.

    Args:
        names: The name of the widget's module, and of those whose sheets it takes besides.
        root: The class of the widget's outermost element. Default: none, the sheet holds on the whole page.
    """
    sheets = [_STATIC / f"{part}.css" for part in _order(names, _texts())]
    own = "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets if sheet.exists())
    shared = (_STATIC / "shared.css").read_text(encoding="utf-8")
    return "\n".join([_colours(), shared, within(root, own) if root else own])


def within(root: str, sheet: str) -> str:
    """A style sheet whose rules hold for the elements of a class and what is in them, and count no more for it.

    Args:
        root: The name of the class.
        sheet: The rules, in which no string and no comment holds a brace.
    """
    condition = f":where(.{root}, .{root} *)"

    def held(match: re.Match[str]) -> str:
        if re.match(r"\s*(?:@|from\s|to\s|[\d.]+%)", match[0]):
            return match[0]  # a condition on several rules, or a moment of a movement
        selectors = (one.strip() for one in re.split(r",(?![^(]*\))", match[0]))
        return "\n" + ", ".join(re.sub(r"(::[\w-]+)?$", rf"{condition}\1", one, count=1) for one in selectors) + " "

    rules = re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)
    return re.sub(r"[^{};]+(?=\{)", held, rules)


def _colours() -> str:
    """The palettes as CSS variables: that of the theme of JupyterLab, VS Code or Colab, else of the reader's system."""
    of = ":is(.wl, .wl-page)"
    dark = _variables(DARK, themed=False)
    return (f"{of} {{ {_variables(LIGHT, themed=True)} }}\n"
            f"body[data-jp-theme-light='false'] {of} {{ {_variables(DARK, themed=True)} }}\n"
            f":is({_DARK_ELSEWHERE}) {of} {{ {dark} }}\n"
            "@media (prefers-color-scheme: dark) { "
            f"html:not([theme]) body:not([data-jp-theme-light], [class*='vscode-']) {of} {{ {dark} }} }}")


def _variables(palette: Palette, themed: bool) -> str:
    named = {f"layer-{index}": colour for index, colour in enumerate(palette.layers)}
    named |= {name: value for name, value in vars(palette).items() if name != "layers"}
    return " ".join(f"--wl-{name}: var({_THEMED[name]}, {colour});" if themed and name in _THEMED
                    else f"--wl-{name}: {colour};" for name, colour in named.items())

import re
import shutil
import subprocess

import pytest

from whetstone_lab.view import widgets
from whetstone_lab.view.palette import DARK, LIGHT
from whetstone_lab.view.widgets import _assets

#: Each with how long it may be: it is sent for each view. What computes waves by itself is longer.
NAMES = {"activation_curves": 60_000, "sharpener_chart": 81_000, "spike_raster": 72_000, "accuracy_chart": 53_000,
         "drawing_pad": 118_000, "fault_bench": 146_000, "network_diagram": 131_000}


@pytest.mark.parametrize("name", NAMES)
def test_a_module_stands_alone(name, tmp_path):
    text = _assets.module(name)
    assert not re.search(r"^(import|export (?!default))", text, re.MULTILINE)
    assert "http" not in text.replace('xmlns="http://www.w3.org/2000/svg"', ""), "but for the name of what SVG is"
    assert "widget_manager" not in text
    assert text.count("export default") == 1
    assert len(text) < NAMES[name]
    assert not re.search(r"^\s*(//|/\*\*)", text, re.MULTILINE), "with what it runs, not with what is read"
    declared = re.findall(r"^(?:async )?(?:function\*?|const|let|class) (\w+)", text, re.MULTILINE)
    assert len(declared) == len(set(declared)) > 20
    node = shutil.which("node")
    if node:
        (tmp_path / "widget.mjs").write_text(text)
        # All of it is parsed, and what a module computes when it is loaded must not need a name that comes later.
        subprocess.run([node, tmp_path / "widget.mjs"], check=True, timeout=60)


def test_a_module_has_all_that_it_imports_in_front_and_once():
    texts = {
        "top": 'import { b } from "./left.mjs";\nimport {\n  c,\n} from "./right.mjs";\nexport default { s: b + c };\n',
        "left": 'import { a } from "./ground.mjs";\nexport const b = a;\n',
        "right": 'import { a } from "./ground.mjs";\n/** @typedef {import("./left.mjs").B} B */\nexport const c = a;\n',
        "ground": "export const a = 1;\n",
        "other": "export const z = 1;\n",
    }
    lines = [line for line in _assets.join("top", texts).splitlines() if line]
    assert lines == ["const a = 1;", "const b = a;", '/** @typedef {import("./left.mjs").B} B */', "const c = a;",
                     "export default { s: b + c };"]


@pytest.mark.parametrize(("text", "words"), [
    ('import { a as b } from "./ground.mjs";\n', r"imports \['a as b'\] from ground.mjs, which exports \['a'\]"),
    ('import { z } from "./ground.mjs";\n', r"imports \['z'\]"),
    ('import { a } from "./ground.mjs";\nconst a = 2;\n', "ground.mjs both declare 'a'"),
    ('import { a } from "./nowhere.mjs";\n', "nowhere"),
    ('import * as all from "./ground.mjs";\n', "not of the form"),
    ('import { a } from "elsewhere";\n', "not of the form"),
    ('const a = await import("./ground.mjs");\n', "not of the form")])
def test_a_module_that_cannot_be_joined_is_refused(text, words):
    with pytest.raises(ValueError, match=words):
        _assets.join("top", {"top": text, "ground": "export const a = 1;\n"})


def test_modules_that_import_each_other_are_refused():
    with pytest.raises(ValueError, match="a cycle"):
        _assets.join("a", {"a": 'import { b } from "./b.mjs";\nexport const a = 1;\n',
                           "b": 'import { a } from "./a.mjs";\nexport const b = 1;\n'})


@pytest.mark.parametrize("name", NAMES)
def test_figures_and_widgets_have_the_same_colours(name):
    text = _assets.style(name)
    for palette in (LIGHT, DARK):
        for colour in (*palette.layers, *(value for key, value in vars(palette).items() if key != "layers")):
            assert colour in text
    assert "@import" not in text
    assert "url(" not in text
    used = set(re.findall(r"var\((--wl-[\w-]+)", text + _assets.module(name)))
    defined = set(re.findall(r"(--wl-[\w-]+):", text + _assets.module(name)))
    assert used <= defined, "every colour that is used is defined"


def test_no_text_of_a_module_goes_over_lines_or_looks_like_a_comment():
    """What is left out of a module before it is sent is found by its signs, line by line."""
    for path in _assets._STATIC.glob("*.mjs"):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert line.replace("/`([^`]+)`/", "").count("`") % 2 == 0, f"{path.name}: {line}"
            assert not re.search(r"""["'`][^"'`]*/\*\*""", re.sub(r"/\*\*.*?\*/", "", line)), f"{path.name}: {line}"


def test_the_rules_of_a_widget_hold_within_it_alone():
    """A page has the sheets of all its widgets: a raster's ``.wl-body`` once took a drawing pad apart."""
    sheet = """/* Two { of. */ .a, .b:is(.c, .d) > i::after { x: y; }
        @container (max-width: 3px) { .a:hover { x: y; z: 1 } }
        @keyframes turn { from { x: y } 50% { x: z } to { x: y } }"""
    inside = ":where(.own, .own *)"
    assert " ".join(_assets.within("own", sheet).split()) == (
        f".a{inside}, .b:is(.c, .d) > i{inside}::after {{ x: y; }} "
        f"@container (max-width: 3px) {{ .a:hover{inside} {{ x: y; z: 1 }} }} "
        "@keyframes turn { from { x: y } 50% { x: z } to { x: y } }")


@pytest.mark.parametrize("name", widgets.__all__)
def test_each_widget_has_its_rules_within_its_outermost_element(name):
    view = getattr(widgets, name)
    [root] = set(re.findall(r":where\(\.([\w-]+),", view._css))
    assert re.search(rf'class: "wl [\w -]*\b{root}\b', view._esm)

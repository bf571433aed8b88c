"""The command line: what it says, how it ends, and what it loads."""

import importlib
import os
import subprocess
import sys
import tomllib
import types
from pathlib import Path

import pytest

import whetstone_lab
from whetstone_lab.cli import main as cli


def command(*arguments, **options):
    # As a person starts it, without what the tests have set for TensorFlow.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    return subprocess.run([sys.executable, "-m", "whetstone_lab", *arguments], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=120, env=environment, **options)


@pytest.fixture
def demo(monkeypatch):
    """A demo that only notes what it was asked for, and does what ``demo.answer`` does."""
    from whetstone_lab.cli import demo

    fake = types.SimpleNamespace(asked=[], answer=lambda: None)

    def demonstrate(*arguments, **options):
        fake.asked.append((arguments, options))
        fake.answer()

    monkeypatch.setattr(demo, "demonstrate", demonstrate)
    return fake


# -- what it says and how it ends -------------------------------------------------------------------------------------


def test_the_version_is_the_package_s():
    done = command("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"whetstone-lab {whetstone_lab.__version__}\n", "")


def test_the_script_that_is_installed_is_this_one():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, name = project["scripts"]["whetstone-lab"].partition(":")
    assert getattr(importlib.import_module(module), name) is cli.main
    assert project["version"] == whetstone_lab.__version__


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in cli.COMMANDS)])
def test_help_is_there(arguments, capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(arguments)
    told, complained = capsys.readouterr()
    assert told.startswith(f"usage: whetstone-lab {'' if len(arguments) == 1 else arguments[0]}")
    assert complained == ""


def test_the_command_line_itself_loads_nothing_heavy():
    program = """
import contextlib, sys
from whetstone_lab.cli import main as cli
for arguments in (["--help"], *([name, "--help"] for name in cli.COMMANDS)):
    with contextlib.suppress(SystemExit):
        cli.main(arguments)
assert not {"numpy", "keras", "tensorflow", "jupyterlab", "matplotlib"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.count("usage: ") == 1 + len(cli.COMMANDS)
    assert done.stderr == ""


def test_a_module_of_the_folder_that_declares_a_command_is_one():
    folder = Path(cli.__file__).parent
    declaring = {path.stem for path in folder.glob("*.py") if "\ndef add(" in path.read_text(encoding="utf-8")}
    assert declaring == set(cli.COMMANDS)


@pytest.mark.parametrize(("arguments", "words"), [
    ([], "the following arguments are required: COMMAND"),
    (["train"], "invalid choice: 'train'"),
    (["lab", "here", "there"], "unrecognized arguments: there"),
    (["demo", "--seed", "-1"], "argument --seed: expected an integer of at least 0; got -1"),
    (["demo", "--seed", "one"], "argument --seed: invalid integer value: 'one'"),
    (["demo", "--epochs", "0"], "argument --epochs: expected an integer of at least 1; got 0"),
    (["demo", "--", "--no-browser"],
     "demo takes no arguments after --; got --no-browser. Only lab does, for JupyterLab."),
])
def test_a_wrong_command_line_ends_with_2(arguments, words, capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(arguments)
    told, complained = capsys.readouterr()
    assert told == ""
    assert words in complained


def test_its_status_is_that_of_the_process():
    done = command("train")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: ")
    assert "Traceback" not in done.stderr


def test_demo_passes_on_what_it_was_told(demo, tmp_path):
    assert cli.main(["demo"]) == 0
    assert cli.main(["demo", "--out", str(tmp_path), "--seed", "7", "--epochs", "3", "--data", "mnist", "--recipe",
                     "published", "--overwrite"]) == 0
    (out,), options = demo.asked[0]
    assert (str(out), options) == ("whetstone-demo", {"seed": 0, "epochs": None, "data": "digits", "recipe": "robust",
                                                "overwrite": False})
    assert demo.asked[1] == ((tmp_path,), {"seed": 7, "epochs": 3, "data": "mnist", "recipe": "published",
                                          "overwrite": True})


def raiser(error):
    def answer():
        raise error
    return answer


@pytest.mark.parametrize(("error", "words"), [
    (ValueError("Expected seed to be small; got 9."), "Expected seed to be small; got 9."),
    (FileNotFoundError(2, "No such file or directory", "x"), "[Errno 2] No such file or directory: 'x'"),
    (RuntimeError(), "RuntimeError"),
    (ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow"),
     "tensorflow is not installed. Install what the laboratory needs: python -m pip install 'whetstone-lab[lab]'"),
])
def test_a_failure_is_one_line_and_ends_with_1(demo, capsys, error, words):
    demo.answer = raiser(error)
    assert cli.main(["demo"]) == 1
    assert capsys.readouterr() == ("", f"whetstone-lab: error: {words}\n")


@pytest.mark.parametrize("arguments", [["demo", "--debug"], ["--debug", "demo"]])
def test_debug_shows_where_an_error_came_from(demo, capsys, arguments):
    demo.answer = raiser(ValueError("no"))
    assert cli.main(arguments) == 1
    said = capsys.readouterr().err
    assert said.startswith("Traceback (most recent call last)")
    assert said.endswith("whetstone-lab: error: no\n")


def test_an_interruption_ends_with_130(demo, capsys):
    demo.answer = raiser(KeyboardInterrupt())
    assert cli.main(["demo"]) == 130
    assert capsys.readouterr() == ("", "whetstone-lab: interrupted\n")

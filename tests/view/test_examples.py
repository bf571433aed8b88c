"""The examples in the docstrings give what they say."""

import doctest
import pkgutil
from importlib import import_module

import pytest

from whetstone_lab import view

MODULES = [found.name for found in pkgutil.walk_packages(view.__path__, f"{view.__name__}.")]

#: Without an example: what it takes is not made in a line or two.
LACKING = {"rate_coding"}


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    assert doctest.testmod(import_module(name)).failed == 0


def test_every_figure_and_widget_has_an_example():
    from whetstone_lab import plots, widgets

    public = [getattr(module, name) for module in (plots, widgets) for name in module.__all__]
    assert {it.__name__ for it in public if ">>>" not in it.__doc__} == LACKING | {"Picture"}

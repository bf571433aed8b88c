"""Every figure and every widget shows how it is called; tests/contracts/test_public_examples.py runs what they show."""

from whetstone_lab import plots, widgets

#: Without an example: what it takes is not made in a line or two.
LACKING = {"rate_coding"}


def test_every_figure_and_widget_has_an_example():
    public = [getattr(module, name) for module in (plots, widgets) for name in module.__all__]
    assert {it.__name__ for it in public if ">>>" not in it.__doc__} == LACKING | {"Picture"}
